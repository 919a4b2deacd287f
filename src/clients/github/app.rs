//! The JSON Web Token with which a GitHub App says who it is: RS256, from a minute ago to nine minutes ahead.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::json;
use x509_parser::pem::Pem;

use crate::secret::Secret;

/// GitHub's clock may be behind ours; ten minutes is the most that it accepts.
const PAST: i64 = 60;
const AHEAD: i64 = 9 * 60;

/// Signs a token for the App `id` at `now`, in seconds since 1970. An error says what is wrong, and nothing of the key.
pub(super) fn jwt(id: &str, key: &Secret<Vec<u8>>, now: i64) -> Result<Secret<String>, String> {
    let key = key_pair(key)?;
    let claims = json!({ "iat": now - PAST, "exp": now + AHEAD, "iss": id.trim() });
    let mut token = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims.to_string(), &mut token);
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        token.as_bytes(),
        &mut signature,
    )
    .map_err(|_| "it cannot sign".to_owned())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
    Ok(Secret::new(token))
}

fn key_pair(key: &Secret<Vec<u8>>) -> Result<RsaKeyPair, String> {
    let mut other = None;
    for section in Pem::iter_from_buffer(key.expose()) {
        let section =
            section.map_err(|_| "its PEM is broken (cut off, or line breaks lost)".to_owned())?;
        let pair = match section.label.as_str() {
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&section.contents),
            "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&section.contents),
            _ => {
                other = Some(section.label);
                continue;
            }
        };
        return pair.map_err(|rejected| match rejected.to_string().as_str() {
            "WrongAlgorithm" => "it is no RSA key".to_owned(),
            reason => format!("it is no usable RSA key of 2048 bits or more ({reason})"),
        });
    }
    Err(match other {
        Some(label) if label.starts_with("ENCRYPTED") => {
            "it is encrypted; GitHub hands it out in the clear".to_owned()
        }
        Some(label) => format!("it holds '{label}', not a private key"),
        None => "it is not PEM".to_owned(),
    })
}
