//! Where an image stands within a text.

/// Where `part` stands in `text` as a reference of its own.
pub(super) fn occurrences(text: &str, part: &str) -> Vec<usize> {
    let is_of_reference = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/' | b':' | b'@')
    };
    text.match_indices(part)
        .map(|(at, _)| at)
        .filter(|at| {
            let before = at
                .checked_sub(1)
                .and_then(|before| text.as_bytes().get(before));
            let behind = text.as_bytes().get(at + part.len());
            // `image: x` has a colon before a blank, `x:` at the end of a key has none behind it.
            !before.is_some_and(|byte| is_of_reference(*byte))
                && !behind.is_some_and(|byte| is_of_reference(*byte))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_a_whole_reference() {
        assert_eq!(occurrences("a,r/a,a:1,a", "a"), [0, 10]);
        assert_eq!(occurrences("image: \"r/a:1\"\n", "r/a:1"), [8]);
    }
}
