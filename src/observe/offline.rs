//! Late values that need no cluster: what `render --with-secrets` writes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::compose::compose;
use crate::config::Credentials;
use crate::failure::{Exit, Failure};
use crate::object::{LateSource, Manifest};

/// Puts every value that the given credentials make into the manifest; what only a cluster knows stays late.
///
/// # Errors
/// A credential that is missing or cannot be read as what it must be; the message names it, never its value.
pub fn resolve_credentials(
    manifest: &mut Manifest,
    credentials: &Credentials,
) -> Result<(), Failure> {
    let lates = std::mem::take(&mut manifest.lates);
    for late in lates {
        let LateSource::Credential(form) = &late.from else {
            manifest.lates.push(late);
            continue;
        };
        let lookup = |credential| {
            credentials
                .get(credential)
                .map(|value| value.expose().as_slice())
        };
        let bytes = compose(form, &lookup).map_err(|problem| {
            Failure::new(
                "credential-unusable",
                Exit::Usage,
                format!("cannot write {}", manifest.reference()),
            )
            .why(problem.to_string())
        })?;
        let encoded = Value::String(STANDARD.encode(bytes));
        // A late value's place is made by the template; a scalar in its way would be a defect there.
        let _ = late.pointer.put(&mut manifest.object, encoded);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;
    use crate::object::{Credential, Late, LateForm, Pointer, Source};
    use crate::secret::Secret;
    use serde_json::json;

    fn manifest() -> Manifest {
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}});
        let from = LateSource::Credential(LateForm::Text(Credential::GithubToken));
        Manifest::new(object, Source::Pass("test".to_owned())).with_late(Late {
            pointer: Pointer::new("/data/github_token"),
            from,
        })
    }

    #[test]
    fn a_given_credential_is_written_without_its_newline() {
        let mut credentials = Credentials::default();
        credentials.insert(
            Credential::GithubToken,
            Secret::new(b"ghp_x\n".to_vec()),
            Origin::Default,
        );
        let mut manifest = manifest();
        assert_eq!(resolve_credentials(&mut manifest, &credentials), Ok(()));
        assert_eq!(
            manifest.text("/data/github_token"),
            Some(STANDARD.encode("ghp_x").as_str())
        );
        assert!(manifest.lates.is_empty());
    }

    #[test]
    fn a_missing_credential_is_named() {
        let failure = resolve_credentials(&mut manifest(), &Credentials::default()).unwrap_err();
        assert!(failure.to_string().contains("github-token"), "{failure}");
    }
}
