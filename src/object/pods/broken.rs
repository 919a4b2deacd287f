//! What stands where an image stands and is no reference: one with a mistake, or one that is put together later.

use super::NameStrength;
use super::catalogue::is_file;
use crate::image_ref::{ImageReference, is_host, looks_like_host};

/// What begins a part that is put in later: `$(TAG)`, `${TAG}`, `{{ .tag }}`, `%TAG%`, `<tag>`.
const LATER: [char; 4] = ['$', '{', '%', '<'];

/// The name of an image on a host, of a text that is no reference behind it: `quay.io/a/b` of `quay.io/a/b:$(TAG)`.
pub(super) fn name_of(text: &str) -> Option<&str> {
    let front = text.split(LATER).next()?;
    let path = front.find('/')? + 1;
    let end = front[path..]
        .find([':', '@'])
        .map_or(front.len(), |at| path + at);
    // A word that is not finished: `quay.io/a/b-` of `quay.io/a/b-$(ARCH)`.
    let name = front[..end].trim_end_matches(['-', '.', '_', '/']);
    let is_name = ImageReference::parse(name).is_ok_and(|reference| reference.names_host());
    is_name.then_some(name)
}

/// True for an image of which more than the version is put in later, so that no rule can be asked: `${REGISTRY}/a/b:v1`.
pub(super) fn is_put_in_later(text: &str) -> bool {
    text.contains(LATER)
        && filled(text).is_some_and(|image| {
            image.contains('/') && !image.starts_with('.') && ImageReference::parse(&image).is_ok()
        })
}

/// The text with a letter for each part that is put in later; None where one has no end.
pub(super) fn filled(text: &str) -> Option<String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(LATER) {
        filled.push_str(&rest[..at]);
        filled.push('x');
        let (begin, part) = rest[at..].split_at(1);
        let end = match (begin, part.chars().next()?) {
            ("$", '(') => part.find(')')? + 1,
            ("$", '{') => part.find('}')? + 1,
            ("$", _) => part
                .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
                .unwrap_or(part.len()),
            ("{", '{') => part.find("}}")? + 2,
            ("%", _) => part.find('%')? + 1,
            ("<", _) => part.find('>')? + 1,
            _ => return None,
        };
        rest = &part[end..];
    }
    filled.push_str(rest);
    Some(filled)
}

/// True where a name of this strength makes a mistake of what does not parse, which nothing could pull: an upper-case
/// letter in the repository, `b:sha256:…`. Not what is a path, a URL or a file, nor what is put together later.
pub(super) fn is_mistake(strength: NameStrength, text: &str) -> bool {
    let Some((host, path)) = text
        .split_once('/')
        .filter(|_| strength >= NameStrength::Certain)
    else {
        return false;
    };
    let is_other = text.contains(LATER)
        || text.contains(char::is_whitespace)
        || text.contains("://")
        || host.chars().all(|letter| letter == '.')
        || is_file(&path.to_ascii_lowercase());
    // `Foo/Bar` may be anything where the name alone says that it is an image.
    let is_on_host = || host.contains(['.', ':']) && looks_like_host(host) && is_host(host);
    !is_other
        && (strength == NameStrength::Known || is_on_host())
        && ImageReference::parse(text).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_stands_before_what_is_put_in_later() {
        for (text, name) in [
            ("quay.io/a/b:$(TAG)", "quay.io/a/b"),
            ("reg:5000/a/b:{{ .tag }}", "reg:5000/a/b"),
            ("quay.io/a/b@sha256:${DIGEST}", "quay.io/a/b"),
            ("quay.io/a/b-${ARCH}:v1", "quay.io/a/b"),
            ("quay.io/a/b:sha256:1111", "quay.io/a/b"),
        ] {
            assert_eq!(name_of(text), Some(name), "{text}");
        }
        for text in [
            "${REGISTRY}/a/b:v1",
            "quay.io/${ORGANISATION}/b",
            "a/b:${TAG}",
            "https://quay.io/a/b",
            "/a/b:${TAG}",
            "./a/b:${TAG}",
            "quay.io/A/b:${TAG}",
            "10%",
        ] {
            assert_eq!(name_of(text), None, "{text}");
        }
    }

    #[test]
    fn an_image_whose_registry_is_put_in_later_is_known_by_its_shape() {
        for text in [
            "${REGISTRY}/a/b:v1",
            "$(REGISTRY)/a/b@sha256:1111111111111111111111111111111111111111111111111111111111111111",
            "$REGISTRY/a/b",
            "{{ .Values.registry }}/a/b:{{ .Values.tag }}",
            "%REGISTRY%/a/b",
            "<registry>/a/b:1",
            "quay.io/${ORGANISATION}/b",
            "${REGISTRY}:5000/a/b",
        ] {
            assert!(is_put_in_later(text), "{text}");
        }
        for text in [
            "quay.io/a/b:v1",
            "${IMAGE}",
            "${IMAGE}:v1",
            "${REGISTRY",
            "{a/b}",
            "$",
            "100%/a",
            "https://${HOST}/logo",
            "${DIRECTORY}/Logo.PNG",
            "./${A}/b",
            "docker run ${REGISTRY}/a/b",
        ] {
            assert!(!is_put_in_later(text), "{text}");
        }
    }

    #[test]
    fn a_mistake_is_told_from_what_is_no_image() {
        for text in ["quay.io/a/B:1", "reg:5000/a/b:sha256:1111", "quay.io/a/b:"] {
            for strength in [NameStrength::Known, NameStrength::Certain] {
                assert!(is_mistake(strength, text), "{text}");
            }
            assert!(!is_mistake(NameStrength::Likely, text), "{text}");
        }
        assert!(is_mistake(NameStrength::Known, "foo/Bar"));
        assert!(!is_mistake(NameStrength::Certain, "foo/Bar"));
        for text in [
            "quay.io/a/b:1",
            "quay.io/a/B:$(TAG)",
            "https://corp/Logo.png",
            "./Images",
            "../Images/one",
            "/dev/Disk",
            "corp.com/assets/Logo.PNG",
            "see quay.io/a/B for it",
            "127.0.0.1:8080",
            "10m",
            "robbos/testing-grounds",
        ] {
            assert!(!is_mistake(NameStrength::Known, text), "{text}");
        }
    }
}
