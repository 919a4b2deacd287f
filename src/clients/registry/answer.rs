//! What a registry's answer means: status, error code and the words of the products in front.

use http::header;
use serde_json::Value;

use super::{DIGEST, Presence, text};
use crate::clients::transport::Reply;

/// Reads the answer to a request for a manifest; `logged_in` where an account was sent.
pub(super) fn decode(reply: &Reply, logged_in: bool) -> Presence {
    let message = message(reply);
    match reply.status {
        200 => present(reply),
        401 => login_refused(reply, logged_in),
        403 if blocked(&message) => Presence::Denied { message },
        // A virtual repository with a hidden member says 403 to a tag that is only missing (RTFACT-13797).
        403 if by_the_registry(reply) => Presence::Denied {
            message: format!("not on the allow list, no right, or missing ({message})"),
        },
        // Whatever stands in front of the registry may refuse this machine alone.
        403 => Presence::Unknown {
            message: format!("forbidden, not by the registry itself ({message})"),
        },
        404 => Presence::Absent { message },
        429 => Presence::RateLimited { message },
        status => Presence::Unknown {
            message: format!("answer {status}: {message}"),
        },
    }
}

/// An answer of 401, or a token endpoint's refusal.
pub(super) fn login_refused(reply: &Reply, logged_in: bool) -> Presence {
    let message = message(reply);
    let words = if logged_in {
        "the login was not accepted"
    } else {
        "the registry wants a login, and no account for it is known"
    };
    Presence::AuthRequired {
        message: format!("{words} ({message})"),
    }
}

/// True for an error in the form of the distribution specification.
fn by_the_registry(reply: &Reply) -> bool {
    serde_json::from_slice::<Value>(&reply.body)
        .is_ok_and(|body| body.pointer("/errors/0/code").is_some())
}

fn present(reply: &Reply) -> Presence {
    let media_type = reply
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(text)
        .unwrap_or_default();
    let media_type = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned();
    // A proxy's or a portal's page is no manifest.
    if media_type == "text/html" {
        return Presence::Unknown {
            message: "a web page came back, not a manifest: a login portal or a proxy?".to_owned(),
        };
    }
    Presence::Present {
        digest: reply.headers.get(DIGEST).and_then(text),
        media_type,
    }
}

/// Xray (JFrog KB 7180), curation, and scanners of other products.
fn blocked(message: &str) -> bool {
    let message = message.to_lowercase();
    [
        "xray",
        "curation",
        "curated",
        "blocked",
        "vulnerab",
        "policy",
        "quarantine",
    ]
    .iter()
    .any(|word| message.contains(word))
}

/// `{"errors":[{"code","message","detail"}]}` of the distribution specification, else what the body says.
fn message(reply: &Reply) -> String {
    let parsed: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let error = parsed.pointer("/errors/0").unwrap_or(&parsed);
    let field = |name: &str| {
        error
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let words = match (field("code"), field("message")) {
        (code, message) if code.is_empty() => message,
        (code, message) if message.is_empty() => code,
        (code, message) => format!("{code}: {message}"),
    };
    let words: String = words.chars().take(300).collect();
    if words.is_empty() {
        format!("HTTP {}", reply.status)
    } else {
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn each_no_is_told_apart() {
        let unknown_manifest = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"The named manifest is not known"}]}"#;
        assert_eq!(
            decode(&reply(404, unknown_manifest), false),
            Presence::Absent {
                message: "MANIFEST_UNKNOWN: The named manifest is not known".into()
            }
        );
        let xray = r#"{"errors":[{"code":"DENIED","message":"Artifact download is blocked due to Xray policy"}]}"#;
        assert!(matches!(
            decode(&reply(403, xray), true),
            Presence::Denied { .. }
        ));
        let denied = r#"{"errors":[{"code":"DENIED","message":"no"}]}"#;
        assert!(matches!(
            decode(&reply(403, denied), true),
            Presence::Denied { .. }
        ));
        assert!(matches!(
            decode(&reply(403, "<html>"), true),
            Presence::Unknown { .. }
        ));
        assert!(matches!(
            decode(&reply(401, ""), false),
            Presence::AuthRequired { .. }
        ));
        assert!(matches!(
            decode(&reply(401, ""), true),
            Presence::AuthRequired { .. }
        ));
        assert!(matches!(
            decode(&reply(429, ""), true),
            Presence::RateLimited { .. }
        ));
        assert!(
            matches!(decode(&reply(500, "<html>"), true), Presence::Unknown { message } if message == "answer 500: HTTP 500")
        );
    }

    #[test]
    fn a_web_page_is_no_manifest() {
        let mut page = reply(200, "<html>");
        page.headers.insert(
            header::CONTENT_TYPE,
            "text/html; charset=utf-8".parse().unwrap(),
        );
        assert!(matches!(decode(&page, false), Presence::Unknown { .. }));
    }
}
