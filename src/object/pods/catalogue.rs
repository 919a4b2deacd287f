//! Which flags and variables hold an image, by their names.
//!
//! The reference grammar alone would take `10m`, `true` or `127.0.0.1:8080` for an image.

/// Flags that hold an image although their names do not say so.
pub(super) const KNOWN: [&str; 1] = ["prometheus-config-reloader"];
/// Words behind `image` that make the value something else.
const OTHER_THINGS: [&str; 10] = [
    "pull", "tag", "version", "digest", "dir", "id", "size", "gc", "cache", "format",
];

/// How much a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameStrength {
    /// The value is an image if it parses: `--docker-image`, `ACTIONS_RUNNER_IMAGE`.
    Certain,
    /// The value is an image if it parses and names its host or a path: `RELATED_IMAGE_PROXY`.
    Likely,
    /// The name says nothing.
    None,
}

/// Judges the name of a flag (with or without dashes) or of an environment variable.
pub fn image_name_strength(name: &str) -> NameStrength {
    let name = name
        .trim_start_matches('-')
        .to_ascii_lowercase()
        .replace(['_', '.'], "-");
    if KNOWN.contains(&name.as_str()) {
        return NameStrength::Certain;
    }
    let words: Vec<&str> = name.split('-').collect();
    let Some(at) = words.iter().position(|word| *word == "image") else {
        return NameStrength::None;
    };
    match words.get(at + 1) {
        None => NameStrength::Certain,
        Some(next) if OTHER_THINGS.contains(next) => NameStrength::None,
        Some(_) => NameStrength::Likely,
    }
}

/// True for values that parse as an image and never are one.
pub(super) fn is_plain_word(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit())
        || matches!(
            value,
            "true" | "false" | "yes" | "no" | "none" | "always" | "never"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_by_their_words() {
        for name in [
            "--docker-image",
            "runner_image",
            "ACTIONS_RUNNER_IMAGE",
            "image",
        ] {
            assert_eq!(image_name_strength(name), NameStrength::Certain, "{name}");
        }
        for name in ["RELATED_IMAGE_PROXY", "--image-repository"] {
            assert_eq!(image_name_strength(name), NameStrength::Likely, "{name}");
        }
        for name in [
            "--runner-image-pull-secret",
            "--image-pull-policy",
            "IMAGE_TAG",
            "ImageOS",
            "--metrics-addr",
            "--images-dir",
            "",
        ] {
            assert_eq!(image_name_strength(name), NameStrength::None, "{name}");
        }
    }
}
