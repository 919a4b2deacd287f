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

/// True where some components are taken by both patterns.
pub(super) fn meet(one: &[String], other: &[String]) -> bool {
    let is_star = |part: &String| part == "**";
    // Most differ at their beginning.
    let heads = one.iter().zip(other);
    let heads = heads.take_while(|(one, other)| !is_star(one) && !is_star(other));
    let mut same = 0;
    for (one, other) in heads {
        if !components_meet(one, other) {
            return false;
        }
        same += 1;
    }
    both(&one[same..], &other[same..], is_star, |one, other| {
        components_meet(one, other)
    })
}

/// True where some text is taken by both components.
fn components_meet(one: &str, other: &str) -> bool {
    match (one.contains('*'), other.contains('*')) {
        (false, false) => one == other,
        (true, false) => component_matches(one.as_bytes(), other.as_bytes()),
        (false, true) => component_matches(other.as_bytes(), one.as_bytes()),
        (true, true) => both(
            one.as_bytes(),
            other.as_bytes(),
            |letter| *letter == b'*',
            u8::eq,
        ),
    }
}

/// True where some text is taken by both; `row[from]` says it of what stands before `from` in the other.
fn both<P>(
    one: &[P],
    other: &[P],
    star: impl Fn(&P) -> bool,
    same: impl Fn(&P, &P) -> bool,
) -> bool {
    let mut row = vec![true];
    for part in other {
        row.push(row.last() == Some(&true) && star(part));
    }
    for first in one {
        let mut diagonal = row[0];
        row[0] = row[0] && star(first);
        for (at, second) in other.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if star(first) || star(second) {
                above || row[at]
            } else {
                diagonal && same(first, second)
            };
            diagonal = above;
        }
    }
    row.last() == Some(&true)
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
    fn two_patterns_meet_where_both_take_something() {
        let owned = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
        let meets = |one: &str, other: &str| {
            let (one, other) = (owned(one), owned(other));
            assert_eq!(meet(&one, &other), meet(&other, &one));
            meet(&one, &other)
        };
        for (one, other) in [
            ("r/*/**", "r/docker/*/*"),
            ("r/**", "r"),
            ("**/x", "a/b/x"),
            ("r/a*/b", "r/*z/**"),
            ("**", "*"),
            ("r/*a*b*", "r/xaxb"),
        ] {
            assert!(meets(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("r/*", "r/docker/*"),
            ("r/a*/**", "r/b*/**"),
            ("r/*/*", "r/quay/*/*/**"),
            ("**/x", "a/**/y"),
            ("r", "r/*"),
            ("r/*a", "r/*b"),
        ] {
            assert!(!meets(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_pattern_of_stars_is_answered_at_once() {
        let pattern: Vec<&str> = std::iter::repeat_n(["**", "a*a*a*a*b"], 200)
            .flatten()
            .collect();
        let name = vec!["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; 200];
        assert!(!matches(&pattern, &name));
        let owned: Vec<String> = pattern.iter().map(|part| (*part).to_owned()).collect();
        assert!(meet(&owned, &owned));
    }
}
