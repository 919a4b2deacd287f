//! Durations as people write them: `90s`, `5m`, `1h`.

use std::time::Duration;

/// Reads a duration; a bare number is seconds.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|unit: char| unit.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong(text)),
    };
    let number: u64 = digits.parse().map_err(|_| wrong(text))?;
    match number.checked_mul(factor) {
        Some(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err(wrong(text)),
    }
}

fn wrong(text: &str) -> String {
    format!("'{text}' is no duration between 1s and 24h, such as 90s or 5m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_limits() {
        assert_eq!(parse("90"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("5m"), Ok(Duration::from_mins(5)));
        for wrong in [
            "",
            "0s",
            "5d",
            "m",
            "-1s",
            "25h",
            "99999999999999999999s",
            "5 m",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
