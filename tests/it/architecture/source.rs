//! Reads Rust far enough to know which paths a file names: comments, strings and test modules are
//! blanked, `use` groups are spread out, `super` and `self` are resolved.

use std::fs;
use std::path::Path as FilePath;

/// A path in the code, such as `crate::plan::Plan`, and the line on which it begins (from 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) text: String,
    pub(super) line: usize,
}

/// One file.
#[derive(Debug)]
pub(super) struct Source {
    /// Relative to the project: `src/plan/build.rs`.
    pub(super) file: String,
    /// `plan::build`; empty for lib.rs and main.rs.
    pub(super) module: String,
    pub(super) text: String,
    /// The text with comments, literals and test modules blanked; lines stay where they are.
    pub(super) code: String,
    pub(super) paths: Vec<Path>,
}

/// Every Rust file under `folder`, in order.
pub(super) fn sources(folder: &FilePath) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = path
                    .strip_prefix(env!("CARGO_MANIFEST_DIR"))
                    .unwrap()
                    .display()
                    .to_string();
                found.push(Source::parse(&file, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort_by(|one, other| one.file.cmp(&other.file));
    found
}

impl Source {
    pub(super) fn parse(file: &str, text: &str) -> Self {
        let module = module_of(file);
        let mut code = without_tests(&without_literals(text));
        // Unit tests in files of their own.
        if module.split("::").any(|part| part == "tests") && file.starts_with("src/") {
            code.clear();
        }
        let paths = paths(&code, &module);
        Self {
            file: file.to_owned(),
            module,
            text: text.to_owned(),
            code,
            paths,
        }
    }

    /// The lines (from 1) of the code that hold `word`.
    pub(super) fn lines_with_word<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let holds = move |line: &str| line.split(|one: char| !is_word(one)).any(|one| one == word);
        self.code
            .lines()
            .enumerate()
            .filter(move |(_, line)| holds(line))
            .map(|(index, _)| index + 1)
    }
}

fn module_of(file: &str) -> String {
    let inner = file
        .strip_prefix("src/")
        .unwrap_or(file)
        .trim_end_matches(".rs");
    let inner = inner.strip_suffix("/mod").unwrap_or(inner);
    if matches!(inner, "lib" | "main") {
        String::new()
    } else {
        inner.replace('/', "::")
    }
}

fn is_word(one: char) -> bool {
    one.is_alphanumeric() || one == '_'
}

/// Blanks comments, strings and character literals.
fn without_literals(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < characters.len() {
        let end = literal_end(&characters, at);
        if end == at {
            code.push(characters[at]);
            at += 1;
        } else {
            code.extend(
                characters[at..end]
                    .iter()
                    .map(|one| if *one == '\n' { '\n' } else { ' ' }),
            );
            at = end;
        }
    }
    code
}

/// Where the comment or literal that begins at `at` ends; `at` when none does.
fn literal_end(text: &[char], at: usize) -> usize {
    let rest = &text[at..];
    let find = |from: usize, end: &str| {
        let end: Vec<char> = end.chars().collect();
        let found = text[from..]
            .windows(end.len())
            .position(|window| window == end);
        found.map_or(text.len(), |found| from + found + end.len())
    };
    match rest {
        ['/', '/', ..] => find(at, "\n").saturating_sub(1).max(at + 2),
        ['/', '*', ..] => find(at + 2, "*/"),
        ['"', ..] => quoted_end(text, at + 1, '"'),
        // A raw string, not an identifier that ends in r.
        ['r', '"' | '#', ..] if at == 0 || !is_word(text[at - 1]) || text[at - 1] == 'b' => {
            let hashes = rest[1..].iter().take_while(|one| **one == '#').count();
            match rest.get(1 + hashes) {
                Some('"') => find(at + 2 + hashes, &format!("\"{}", "#".repeat(hashes))),
                _ => at,
            }
        }
        ['\'', '\\', ..] => quoted_end(text, at + 1, '\''),
        ['\'', _, '\'', ..] => at + 3,
        _ => at,
    }
}

fn quoted_end(text: &[char], mut at: usize, quote: char) -> usize {
    while at < text.len() && text[at] != quote {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

/// Blanks what stands behind `#[cfg(test)]`: a module, function or `use`.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut rest = code;
    let mut kept = String::with_capacity(code.len());
    while let Some(start) = rest.find(MARK) {
        kept.push_str(&rest[..start]);
        let tested = &rest[start..];
        let mut depth = 0_usize;
        let end = tested
            .char_indices()
            .skip(MARK.len())
            .find_map(|(index, one)| {
                match one {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                let ends = depth == 0 && matches!(one, '}' | ';');
                ends.then_some(index + 1)
            });
        let end = end.unwrap_or(tested.len());
        kept.extend(
            tested[..end]
                .chars()
                .map(|one| if one == '\n' { '\n' } else { ' ' }),
        );
        rest = &tested[end..];
    }
    kept.push_str(rest);
    kept
}

/// Every path of at least two parts, absolute where it begins with `crate`, `self` or `super`.
fn paths(code: &str, module: &str) -> Vec<Path> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let begins = tokens[at].0.starts_with(is_word);
        if !begins {
            at += 1;
            continue;
        }
        at = read_path(&tokens, at, &[], &mut found);
    }
    let absolute = |path: &mut Path| path.text = absolute(&path.text, module);
    found.iter_mut().for_each(absolute);
    found
}

/// Words, `::` and single other characters, each with its line.
fn tokens(code: &str) -> Vec<(&str, usize)> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (code, 1);
    while let Some(first) = rest.chars().next() {
        let length = if is_word(first) {
            rest.find(|one| !is_word(one)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if first == '\n' {
            line += 1;
        }
        if !first.is_whitespace() {
            tokens.push((&rest[..length], line));
        }
        rest = &rest[length..];
    }
    tokens
}

/// Reads one path, with the group at its end if it has one, and returns where to go on.
fn read_path(
    tokens: &[(&str, usize)],
    mut at: usize,
    prefix: &[&str],
    found: &mut Vec<Path>,
) -> usize {
    let line = tokens[at].1;
    let mut parts = prefix.to_vec();
    loop {
        parts.push(tokens[at].0);
        at += 1;
        match (
            tokens.get(at).map(|one| one.0),
            tokens.get(at + 1).map(|one| one.0),
        ) {
            (Some("::"), Some(next)) if next.starts_with(is_word) => at += 1,
            (Some("::"), Some("{")) => {
                at += 2;
                while at < tokens.len() && tokens[at].0 != "}" {
                    at = if tokens[at].0.starts_with(is_word) {
                        read_path(tokens, at, &parts, found)
                    } else {
                        at + 1
                    };
                }
                return at + 1;
            }
            _ => break,
        }
    }
    if parts.len() > 1 {
        found.push(Path {
            text: parts.join("::"),
            line,
        });
    }
    at
}

/// `super::apply::run` in `render::context` is `crate::render::apply::run`.
fn absolute(path: &str, module: &str) -> String {
    let mut inside: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
    let mut parts = path.split("::").peekable();
    if !matches!(parts.peek(), Some(&"super" | &"self")) {
        return path.to_owned();
    }
    while let Some(step) = parts.next_if(|part| matches!(*part, "super" | "self")) {
        if step == "super" {
            inside.pop();
        }
    }
    ["crate"]
        .into_iter()
        .chain(inside)
        .chain(parts)
        .collect::<Vec<_>>()
        .join("::")
}
