//! Where something stands, as it is named on the command line: what would match nothing is refused, not believed.

use crate::config::validate::is_dns_label;
use crate::object::kind_called;

/// The name of a namespace: anything else would find nothing and look like success.
pub(super) fn namespace(text: &str) -> Result<String, String> {
    if is_dns_label(text) {
        return Ok(text.to_owned());
    }
    Err("a namespace's name has lower-case letters, digits and '-'".to_owned())
}

/// A kind as objects have it: `Deployment` of `deploy`, and what is no kind of Kubernetes or ARC as it is written.
pub(super) fn kind(text: &str) -> Result<String, String> {
    let (name, _group) = text.split_once('.').unwrap_or((text, ""));
    if let Some(kind) = kind_called(name) {
        return Ok(kind.to_owned());
    }
    let is_kind = name.starts_with(|letter: char| letter.is_ascii_uppercase())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
    if is_kind {
        return Ok(name.to_owned());
    }
    Err("write the kind as in an object: Deployment, or Rollout of a custom one".to_owned())
}

/// The JSON pointer of a field.
pub(super) fn field(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        return Ok(text.to_owned());
    }
    Err("it does not begin with /: write a JSON pointer such as /spec/template/spec/containers/0/image".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_those_of_objects() {
        for (text, expected) in [
            ("deploy", "Deployment"),
            ("deployments.apps", "Deployment"),
            ("Rollout.argoproj.io", "Rollout"),
            ("Deploymnt", "Deploymnt"),
        ] {
            assert_eq!(kind(text).as_deref(), Ok(expected));
        }
        for text in ["rollout", "", "De ploy", "*"] {
            assert!(kind(text).is_err(), "{text}");
        }
        assert!(field("spec.template").is_err() && namespace("Shop").is_err());
    }
}
