//! Globs over components: `*` is any run of letters within one, `**` any run of components.
//!
//! Both levels go back to the last star only, so that no pattern takes longer than its length times the text's.

/// True where the pattern takes all of the components.
pub(super) fn matches<S: AsRef<str>>(pattern: &[S], name: &[&str]) -> bool {
    stars(
        pattern,
        name,
        |one| one.as_ref() == "**",
        |one, component| component_matches(one.as_ref().as_bytes(), component.as_bytes()),
    )
}

/// True where the pattern can take something below `place`.
pub(super) fn reaches<S: AsRef<str>>(pattern: &[S], place: &[&str]) -> bool {
    match (pattern.split_first(), place.split_first()) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some((first, _)), Some(_)) if first.as_ref() == "**" => true,
        (Some((first, rest)), Some((component, others))) => {
            component_matches(first.as_ref().as_bytes(), component.as_bytes())
                && reaches(rest, others)
        }
    }
}

/// `*` is any run of letters within the component.
pub(super) fn component_matches(pattern: &[u8], text: &[u8]) -> bool {
    stars(
        pattern,
        text,
        |one| *one == b'*',
        |one, letter| one == letter,
    )
}

fn stars<P, T>(
    pattern: &[P],
    text: &[T],
    star: impl Fn(&P) -> bool,
    same: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut from, mut last) = (0, 0, None);
    while let Some(item) = text.get(from) {
        match pattern.get(at) {
            Some(one) if star(one) => {
                last = Some((at, from));
                at += 1;
            }
            Some(one) if same(one, item) => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some((star_at, star_from)) = last else {
                    return false;
                };
                at = star_at + 1;
                from = star_from + 1;
                last = Some((star_at, star_from + 1));
            }
        }
    }
    pattern[at..].iter().all(star)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_runs_on_both_levels() {
        let components = |text: &'static str| text.split('/').collect::<Vec<_>>();
        let takes = |pattern, name| matches(&components(pattern), &components(name));
        assert!(takes("a/**/c", "a/c") && takes("a/**/c", "a/b/b/c") && takes("**/c/**", "a/c/d"));
        assert!(!takes("a/**/c", "a/c/d") && !takes("a/*/c", "a/c") && !takes("a/*/c", "a/b/b/c"));
        assert!(takes("*-x/b*d", "a-x-x/bcd") && !takes("*-x/b*d", "a-x-y/bcd"));
    }

    #[test]
    fn a_pattern_of_stars_is_answered_at_once() {
        let pattern: Vec<&str> = std::iter::repeat_n(["**", "a*a*a*a*b"], 200)
            .flatten()
            .collect();
        let name = vec!["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; 200];
        assert!(!matches(&pattern, &name));
    }
}
