//! Masks secrets in texts that others wrote: a crashing program may log its headers.

/// Beginnings of GitHub tokens.
const TOKENS: [&str; 6] = ["ghp_", "ghs_", "gho_", "ghu_", "ghr_", "github_pat_"];
/// Words behind which a secret follows.
const SCHEMES: [&str; 4] = ["bearer", "basic", "token", "remoteauth"];

/// The text with tokens, credentials of headers and passwords in URLs as `***`.
pub fn without_secrets(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut after_scheme = false;
    for piece in text.split_inclusive([' ', '\t', '\n', '"', '\'', ',']) {
        let word = piece.trim_end_matches([' ', '\t', '\n', '"', '\'', ',']);
        let end = &piece[word.len()..];
        if (after_scheme && word.len() >= 8) || holds_token(word) {
            masked.push_str("***");
        } else {
            masked.push_str(&without_user_information(word));
        }
        masked.push_str(end);
        let bare = word.rsplit([':', '=', '[']).next().unwrap_or_default();
        after_scheme = SCHEMES.contains(&bare.to_ascii_lowercase().as_str());
    }
    masked
}

fn holds_token(word: &str) -> bool {
    TOKENS.iter().any(|start| {
        word.find(start)
            .is_some_and(|at| word.len() - at >= start.len() + 8)
    })
}

/// `https://user:password@host` without what stands before the `@`.
fn without_user_information(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let authority_end = rest.find('/').unwrap_or(rest.len());
    match rest[..authority_end].rfind('@') {
        Some(at) => format!("{scheme}://***{}", &rest[at..]),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_headers_and_passwords_are_masked_and_the_rest_stays() {
        assert_eq!(
            without_secrets("Authorization: Bearer abcdef123456, next"),
            "Authorization: Bearer ***, next"
        );
        assert_eq!(without_secrets("token=ghp_canary0123456789"), "***");
        assert_eq!(
            without_secrets("proxyconnect http://me:canary@proxy:3128/ failed"),
            "proxyconnect http://***@proxy:3128/ failed"
        );
        let plain =
            "Head \"https://registry/v2/a/manifests/1\": 401 Unauthorized: invalid token given";
        assert_eq!(without_secrets(plain), plain);
    }
}
