//! Regular expressions in the syntax of RE2, which the API server's `matches` speaks.

/// A host with its port, as [`crate::image_ref::is_host`] has it.
pub(super) fn host() -> String {
    let label = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?";
    format!(r"(?:{label}(?:\.{label})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?")
}

/// Every reference that can be parsed, and more: whether the first component is a host is not told here, nor whether
/// the path is too long.
pub(super) fn reference() -> String {
    let component = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*";
    let tag = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
    let digest = "sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}";
    let host = host();
    format!("^(?:{host}/)?{component}(?:/{component})*(?::{tag})?(?:@(?:{digest}))?$")
}

/// A glob over components, for texts of which each component has a `/` before it: also the first.
pub(super) fn components<S: AsRef<str>>(glob: impl IntoIterator<Item = S>) -> String {
    let parts: String = glob
        .into_iter()
        .map(|component| match component.as_ref() {
            "**" => "(?:/[^/]*)*".to_owned(),
            component => format!("/{}", within(component)),
        })
        .collect();
    format!("^{parts}$")
}

/// A glob within one component.
fn within(glob: &str) -> String {
    glob.chars().fold(String::new(), |mut pattern, one| {
        match one {
            '*' => pattern.push_str("[^/]*"),
            one => letter(one, &mut pattern),
        }
        pattern
    })
}

/// Adds a letter that means itself.
pub(super) fn letter(letter: char, pattern: &mut String) {
    if letter.is_ascii() && !letter.is_ascii_alphanumeric() && letter != '/' {
        pattern.push('\\');
    }
    pattern.push(letter);
}

/// A text that means itself.
pub(super) fn literally(text: &str) -> String {
    text.chars().fold(String::new(), |mut pattern, one| {
        letter(one, &mut pattern);
        pattern
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_are_runs_and_everything_else_is_itself() {
        assert_eq!(
            components(["*.gcr.io", "**", "a-b_c"]),
            r"^/[^/]*\.gcr\.io(?:/[^/]*)*/a\-b\_c$"
        );
    }
}
