//! Answers as flags, for the next run or a pipeline, where nobody is asked.

use super::Entry;
use crate::config::table;

/// The flags that give these answers, as a POSIX shell reads them; and, as `path: value`, what only a file can say.
pub fn spelled(answers: &[Entry]) -> (String, Vec<String>) {
    let (mut flags, mut others) = (Vec::new(), Vec::new());
    for (path, value) in answers {
        match table::field_at(path).and_then(|field| field.flag) {
            Some(flag) => flags.push(format!("--{flag} {}", word(value))),
            None => others.push(format!("{path}: {value}")),
        }
    }
    (flags.join(" "), others)
}

/// One word of a shell.
fn word(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:@,=+%".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_become_flags_and_what_has_none_is_told_for_the_file() {
        let entry = |path: &str, value: &str| (path.to_owned(), value.to_owned());
        let answers = [
            entry("github.url", "https://github.com"),
            entry("github.repository", "acme/shop"),
            entry("github.token", "./my token's file"),
            entry("runnerSets[].max", "5"),
            entry("runnerSets[].workVolume.claim.size", "20Gi"),
        ];
        assert_eq!(
            spelled(&answers),
            (
                r"--github-url https://github.com --github-repo acme/shop --github-token-file './my token'\''s file' --max 5"
                    .to_owned(),
                vec!["runnerSets[].workVolume.claim.size: 20Gi".to_owned()]
            )
        );
    }
}
