//! Every code that the program can show is in the catalogue, and every entry is the code of something.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arc_setup::checks::catalogue;
use arc_setup::verify::classify;

/// What takes a code as its first argument.
const CALLS: &[&str] = &[
    "Classified::new",
    "Failure::new",
    "Finding::failed",
    "Finding::new",
    "Finding::ok",
    "Finding::unknown",
    "Finding::warning",
    "Problem::new",
    ".make",
    ".problem",
    ".report",
    ".warn",
    "fail",
    "failure",
    "found",
];

/// Words with a hyphen, in files that choose a code before they use it, which are no codes.
const OTHER_WORDS: &[&str] = &[
    "auth-required",
    "cert-manager",
    "kebab-case",
    "not-found",
    "private-key",
    "proxy-login",
    "registration-token",
    "runner-registration",
];

/// Source files without tests, comments and the catalogue itself.
fn sources() -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "tests" && name != "catalogue" {
                    directories.push(path);
                }
            } else if !name.ends_with("tests") && path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
                let lines = code
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"));
                found.insert(path, lines.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    found
}

/// The argument lists of all calls of `name`, each from its first character to the end of the file.
fn calls<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(name).filter_map(move |(at, _)| {
        let before = text[..at].chars().next_back();
        let whole = name.starts_with('.')
            || !before.is_some_and(|one| one.is_alphanumeric() || "_.".contains(one));
        let rest = text[at + name.len()..].strip_prefix('(')?;
        whole.then(|| rest.trim_start())
    })
}

/// The text of a literal that `rest` begins with.
fn literal(rest: &str) -> Option<&str> {
    rest.strip_prefix('"')?.split('"').next()
}

fn is_code(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Every literal that looks like a code.
fn literals(text: &str) -> BTreeSet<&str> {
    text.lines()
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .filter(|text| is_code(text))
        .collect()
}

#[test]
fn every_code_of_a_failure_finding_or_problem_is_in_the_catalogue() {
    let mut missing = BTreeSet::new();
    let mut seen = 0;
    for (path, text) in sources() {
        let mut chosen_before = false;
        for name in CALLS {
            for rest in calls(&text, name) {
                match literal(rest) {
                    // Helpers of the same name that take something else first have a space or a capital in it.
                    Some(code) if is_code(code) => {
                        seen += 1;
                        if catalogue::entry(code).is_none() {
                            missing.insert(format!("{}: {code}", path.display()));
                        }
                    }
                    Some(_) => {}
                    None => chosen_before |= name.contains("::") || *name == "failure",
                }
            }
        }
        if chosen_before {
            let hyphenated = literals(&text).into_iter().filter(|one| one.contains('-'));
            missing.extend(
                hyphenated
                    .filter(|one| catalogue::entry(one).is_none() && !OTHER_WORDS.contains(one))
                    .map(|code| format!("{}: {code}", path.display())),
            );
        }
    }
    assert!(seen > 150, "only {seen} codes found: the search is broken");
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_entry_is_used() {
    let sources = sources();
    let used: BTreeSet<&str> = sources.values().flat_map(|text| literals(text)).collect();
    let unused: Vec<&str> = catalogue::entries()
        .iter()
        .map(|entry| entry.id)
        .filter(|id| !used.contains(id))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn every_cause_that_ends_a_wait_is_explained() {
    for cause in classify::causes() {
        let entry = catalogue::entry(cause.id).unwrap_or_else(|| panic!("{}", cause.id));
        assert_eq!((cause.title, cause.remedy), (entry.title, entry.remedy));
    }
}

#[test]
fn an_entry_is_plain_english_on_a_few_lines() {
    for entry in catalogue::entries() {
        let id = entry.id;
        assert!(
            !entry.title.ends_with('.') && entry.title.len() <= 80,
            "{id}"
        );
        assert!(
            entry.cause.ends_with('.') && entry.cause.len() <= 400,
            "{id}"
        );
        assert!(
            !entry.remedy.ends_with('.') && entry.remedy.len() <= 400,
            "{id}"
        );
    }
}
