//! Which flags, variables and fields hold an image, by their names.
//!
//! The reference grammar alone would take `10m`, `true` or `127.0.0.1:8080` for an image.

use crate::image_ref::ImageReference;

/// Flags and variables of which it is known that they hold an image, however short: ARC's, and one whose name does not
/// say so.
pub(super) const KNOWN: [&str; 5] = [
    "docker-image",
    "runner-image",
    "actions-runner-image",
    "controller-manager-container-image",
    "prometheus-config-reloader",
];
/// Variables of operators, by a convention of OLM: whatever follows, the value is an image.
const RELATED: &str = "related-image-";
/// Words behind `image` that make the value something else.
const OTHER_THINGS: [&str; 19] = [
    "pull",
    "tag",
    "version",
    "digest",
    "dir",
    "id",
    "size",
    "gc",
    "cache",
    "format",
    "policy",
    "secret",
    "secrets",
    "credential",
    "credentials",
    "registry",
    "mirror",
    "timeout",
    "type",
];

/// Words behind `image` by which a flag or variable tells where something is. A field of a custom kind that is called so
/// may hold an image all the same: `imageURL`.
const LOCATIONS: [&str; 14] = [
    "path",
    "folder",
    "directory",
    "root",
    "bucket",
    "store",
    "prefix",
    "host",
    "server",
    "url",
    "uri",
    "endpoint",
    "address",
    "file",
];
/// Endings of files that are called images and that no container runs.
const FILES: [&str; 12] = [
    ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico", ".iso", ".img", ".qcow2", ".vmdk",
    ".raw",
];

/// How much a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameStrength {
    /// The name says nothing.
    None,
    /// The value is an image if it names its host, or has both a path and a version: `--image-repository`.
    Likely,
    /// The value is an image if it names its host or a version: `--sidecar-image`.
    Certain,
    /// The value is an image if it parses: `--docker-image`, `ACTIONS_RUNNER_IMAGE`.
    Known,
}

/// Judges the name of a flag (with or without dashes) or of an environment variable.
pub fn image_name_strength(name: &str) -> NameStrength {
    if !mentions_image(name) && !KNOWN.contains(&name.trim_start_matches('-')) {
        return NameStrength::None;
    }
    let name = name
        .trim_start_matches('-')
        .to_ascii_lowercase()
        .replace(['_', '.'], "-");
    if KNOWN.contains(&name.as_str()) || name.starts_with(RELATED) {
        return NameStrength::Known;
    }
    let behind = name.split('-').skip_while(|word| !is_image_word(word));
    if behind.clone().any(|word| LOCATIONS.contains(&word)) {
        return NameStrength::None;
    }
    strength(behind)
}

/// True where a text that parses as `reference` surely is an image under a name of this strength. The reference grammar
/// takes `assets/logo` and `hero.png` too.
pub(super) fn is_image(strength: NameStrength, reference: &ImageReference) -> bool {
    let has_version = reference.tag().is_some() || reference.digest().is_some();
    let is_file = || !has_version && is_file(reference.path());
    let names_host = || reference.names_host() && !is_file();
    match strength {
        NameStrength::None => false,
        NameStrength::Likely => names_host() || (has_version && reference.original().contains('/')),
        NameStrength::Certain => names_host() || has_version,
        NameStrength::Known => true,
    }
}

/// True for the path of a file that is called an image.
pub(super) fn is_file(path: &str) -> bool {
    FILES.iter().any(|ending| path.ends_with(ending))
}

/// Judges the name of a field, whose words are written together: `proxyImage`, `imageName`.
pub(super) fn field_strength(name: &str) -> NameStrength {
    if !mentions_image(name) {
        return NameStrength::None;
    }
    strength(field_words(name).iter().map(String::as_str))
}

/// True for a field that is called an image: `image`, `proxyImage`, `images`.
pub(super) fn names_image_last(name: &str) -> bool {
    mentions_image(name)
        && matches!(
            field_words(name).last().map(String::as_str),
            Some("image" | "images")
        )
}

/// True for the fields of the legacy chart's values that hold a whole image: `actionsRunnerRepositoryAndTag`.
pub(super) fn is_repository_and_tag(name: &str) -> bool {
    name.ends_with("RepositoryAndTag")
}

/// True for values that parse as an image and never are one.
pub(super) fn is_plain_word(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit())
        || matches!(
            value,
            "true" | "false" | "yes" | "no" | "none" | "always" | "never"
        )
}

fn mentions_image(name: &str) -> bool {
    name.as_bytes()
        .windows("image".len())
        .any(|window| window.eq_ignore_ascii_case(b"image"))
}

fn is_image_word(word: &str) -> bool {
    matches!(word, "image" | "images")
}

fn strength<'a>(words: impl Iterator<Item = &'a str>) -> NameStrength {
    let mut behind = words.skip_while(|word| !is_image_word(word));
    let Some(first) = behind.next() else {
        return NameStrength::None;
    };
    let mut others = 0;
    for word in behind {
        if OTHER_THINGS.contains(&word) {
            return NameStrength::None;
        }
        others += 1;
    }
    if first == "image" && others == 0 {
        NameStrength::Certain
    } else {
        NameStrength::Likely
    }
}

/// The words of a field in lower case: an upper-case letter, `-`, `_` and `.` begin one.
fn field_words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_is_lower = false;
    for letter in name.chars() {
        let separates = matches!(letter, '-' | '_' | '.');
        if separates || (letter.is_uppercase() && before_is_lower) {
            words.push(String::new());
        }
        before_is_lower = !letter.is_uppercase();
        if let (false, Some(word)) = (separates, words.last_mut()) {
            word.extend(letter.to_lowercase());
        }
    }
    words
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
            "--prometheus-config-reloader",
            "RELATED_IMAGE_PROXY",
            "RELATED_IMAGE_CACHE_SERVER",
        ] {
            assert_eq!(image_name_strength(name), NameStrength::Known, "{name}");
        }
        for name in [
            "image",
            "--acme-http01-solver-image",
            "spark.kubernetes.container.image",
        ] {
            assert_eq!(image_name_strength(name), NameStrength::Certain, "{name}");
        }
        for name in ["--image-repository", "--images", "--path-image-name"] {
            assert_eq!(image_name_strength(name), NameStrength::Likely, "{name}");
        }
        for name in [
            "--runner-image-pull-secret",
            "--auto-scaler-image-pull-secrets",
            "--image-pull-policy",
            "IMAGE_TAG",
            "IMAGE_REGISTRY",
            "ImageOS",
            "--metrics-addr",
            "--images-dir",
            "IMAGE_URL",
            "--image-path",
            "IMAGES_PATH",
            "",
        ] {
            assert_eq!(image_name_strength(name), NameStrength::None, "{name}");
        }
    }

    #[test]
    fn fields_are_judged_by_their_words() {
        for name in [
            "image",
            "proxyImage",
            "base_image",
            "runner-image",
            "sidecar.istio.io.proxyImage",
        ] {
            assert_eq!(field_strength(name), NameStrength::Certain, "{name}");
            assert!(names_image_last(name), "{name}");
        }
        for name in ["imageName", "imageRepository", "relatedImages", "imageURL"] {
            assert_eq!(field_strength(name), NameStrength::Likely, "{name}");
        }
        for name in [
            "imagePullPolicy",
            "imageTag",
            "imagePullSecrets",
            "imagine",
            "spec",
        ] {
            assert_eq!(field_strength(name), NameStrength::None, "{name}");
        }
    }
}
