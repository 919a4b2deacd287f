//! `WWW-Authenticate`: which logins a registry takes (RFC 9110 section 11.6.1).

use http::{HeaderMap, header};

/// One way to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A token from `realm`.
    Bearer {
        /// Where tokens are handed out; Artifactory spells the repository key in it.
        realm: String,
        service: Option<String>,
    },
    /// Name and password.
    Basic,
}

/// Every challenge, Bearer before Basic.
pub(super) fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let mut found = Vec::new();
    for value in headers.get_all(header::WWW_AUTHENTICATE) {
        let Ok(text) = value.to_str() else { continue };
        for (scheme, parameters) in split(text) {
            let parameter = |name: &str| {
                parameters
                    .iter()
                    .find(|(key, _)| key.eq_ignore_ascii_case(name))
                    .map(|(_, value)| value.clone())
            };
            if scheme.eq_ignore_ascii_case("basic") {
                found.push(Challenge::Basic);
            } else if scheme.eq_ignore_ascii_case("bearer")
                && let Some(realm) = parameter("realm")
            {
                found.push(Challenge::Bearer {
                    realm,
                    service: parameter("service"),
                });
            }
        }
    }
    found.sort_by_key(|challenge| *challenge == Challenge::Basic);
    found
}

/// Splits `Bearer a="b, c",d=e, Basic realm="x"` into schemes with their parameters.
fn split(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut schemes: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for part in commas(text) {
        let part = part.trim();
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let key = match name.trim().rsplit_once(' ') {
            Some((scheme, key)) => {
                schemes.push((scheme.trim().to_owned(), Vec::new()));
                key
            }
            None if !part.contains('=') => {
                schemes.push((part.to_owned(), Vec::new()));
                continue;
            }
            None => name.trim(),
        };
        if let Some((_, parameters)) = schemes.last_mut() {
            parameters.push((key.to_owned(), value.trim().trim_matches('"').to_owned()));
        }
    }
    schemes
}

/// Splits at commas outside quotes.
fn commas(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (at, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(text: &'static str) -> Vec<Challenge> {
        let mut headers = HeaderMap::new();
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(text));
        challenges(&headers)
    }

    #[test]
    fn bearer_and_basic_in_one_header() {
        let bearer = |realm: &str, service: Option<&str>| Challenge::Bearer {
            realm: realm.to_owned(),
            service: service.map(str::to_owned),
        };
        assert_eq!(
            read(
                r#"Basic realm="x, y", Bearer realm="https://h/artifactory/api/docker/key/v2/token",service="h:443",scope="repository:a:pull,push""#
            ),
            [
                bearer(
                    "https://h/artifactory/api/docker/key/v2/token",
                    Some("h:443")
                ),
                Challenge::Basic
            ]
        );
        assert_eq!(read("basic"), [Challenge::Basic]);
        assert_eq!(read("bearer realm=https://t"), [bearer("https://t", None)]);
        assert_eq!(read("Negotiate, , Bearer"), []);
    }
}
