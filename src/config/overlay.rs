//! Answers, environment and flags laid over the file's values.

use serde_json::{Value as Json, json};

use super::model::Origin;
use super::problem::Problem;
use super::settled::Settled;
use super::shape::read_scalar;
use super::table::{self, Kind};
use crate::spelling::nearest;

/// A value as text for a field, before it is read.
pub(super) struct Given {
    /// The field; a runner set's as `runnerSets[].max`.
    pub(super) path: String,
    /// The value. May be a path of a secret, never the secret.
    pub(super) value: String,
    /// Where it came from.
    pub(super) origin: Origin,
    /// For a secret: the value is the name of a variable that holds it.
    pub(super) variable: bool,
}

/// The list that `--registry-map` and its variable fill; stands before the file's own.
pub(super) const GIVEN_MAP: &str = "--registry-map";
/// The same for `--registry-key`.
pub(super) const GIVEN_KEYS: &str = "--registry-key";

/// A list of pairs that flags and environment give as `SOURCE=…`.
pub(super) struct GivenList {
    /// Where its entries stand until they are assembled.
    pub(super) given: &'static str,
    /// The file's list that they come before.
    pub(super) path: &'static str,
    /// The member behind the `=`.
    member: &'static str,
    code: &'static str,
    remedy: &'static str,
}

pub(super) const GIVEN_LISTS: [GivenList; 2] = [
    GivenList {
        given: GIVEN_MAP,
        path: "registry.map",
        member: "target",
        code: "config-registry-map",
        remedy: "write SOURCE=TARGET, SOURCE=keep or SOURCE=deny, such as quay.io=HOST/quay-remote",
    },
    GivenList {
        given: GIVEN_KEYS,
        path: "registry.keys",
        member: "key",
        code: "config-registry-key",
        remedy: "write SOURCE=KEY, such as quay.io=quay-remote",
    },
];

/// Lays the values of one source over what is settled; repeated values of a list come together.
pub(super) fn lay(given: Vec<Given>, settled: &mut Settled, problems: &mut Vec<Problem>) {
    let set = runner_set_index(&given, settled, problems);
    let mut lists: Vec<(String, Vec<Json>, Origin)> = Vec::new();
    for one in given {
        let Some(field) = table::field_at(&one.path) else {
            problems.push(Problem::new(
                "config-unknown-key",
                &one.path,
                format!("there is no field {}", one.path),
                one.origin,
            ));
            continue;
        };
        let path = match (one.path.strip_prefix("runnerSets[]."), set) {
            (Some(member), Some(index)) => format!("runnerSets[{index}].{member}"),
            (Some(_), None) => continue,
            (None, _) => one.path.clone(),
        };
        match field.kind {
            // Laid before, by `lay_lists`.
            Kind::List(_) => {}
            Kind::Texts => {
                let texts = items(&one.value).map(Json::from);
                match lists.iter_mut().find(|(known, ..)| *known == path) {
                    Some((_, list, _)) => list.extend(texts),
                    None => lists.push((path, texts.collect(), one.origin)),
                }
            }
            kind => match read(&one, kind) {
                Ok(value) => settled.put(&path, value, one.origin),
                Err(what) => {
                    settled.mark_broken(&path);
                    let what = format!("{path} {what}");
                    problems.push(Problem::new("config-type", &path, what, one.origin));
                }
            },
        }
    }
    for (path, list, origin) in lists {
        settled.put(&path, Json::Array(list), origin);
    }
}

/// Adds the lists of one source. The first entry that fits decides, so the strongest source comes first.
pub(super) fn lay_lists(given: &[Given], settled: &mut Settled, problems: &mut Vec<Problem>) {
    for one in given {
        if let Some(list) = GIVEN_LISTS.iter().find(|list| list.path == one.path) {
            entries(one, list, settled, problems);
        }
    }
}

/// Reads text as the kind; the error continues "PATH …" and shows no value.
fn read(given: &Given, kind: Kind) -> Result<Json, String> {
    let text = given.value.as_str();
    match kind {
        Kind::Secret if given.variable => Ok(json!({ "env": text })),
        Kind::Secret if text == "-" => Ok(json!({ "stdin": true })),
        Kind::Secret if text.is_empty() => Err("takes a path, or - for standard input".to_owned()),
        Kind::Secret => Ok(json!({ "file": text })),
        Kind::Integer => text
            .trim()
            .parse::<u32>()
            .map(Json::from)
            .map_err(|_| "takes a whole number".to_owned()),
        Kind::Boolean => match text.trim().to_lowercase().as_str() {
            "true" | "1" | "yes" => Ok(true.into()),
            "false" | "0" | "no" => Ok(false.into()),
            _ => Err("takes true or false".to_owned()),
        },
        Kind::ExistingSecret => Ok(json!({ "name": read_scalar(&text.into(), Kind::Text)? })),
        Kind::PodTemplate | Kind::TextMap | Kind::List(_) | Kind::Texts => {
            Err("stands in the file only".to_owned())
        }
        scalar => read_scalar(&text.into(), scalar),
    }
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// `quay.io=HOST/quay-remote`, several parted by commas.
fn entries(given: &Given, list: &GivenList, settled: &mut Settled, problems: &mut Vec<Problem>) {
    for (item, number) in items(&given.value).zip(1..) {
        let Some((source, value)) = item.split_once('=') else {
            // What stands before an @ may be an account.
            let entry = if item.contains('@') {
                format!("entry {number}")
            } else {
                format!("the entry '{item}'")
            };
            let what = format!("{entry} of {} has no '='", list.given);
            problems.push(
                Problem::new(list.code, list.path, what, given.origin.clone()).remedy(list.remedy),
            );
            continue;
        };
        let index = settled.length(list.given);
        settled.set_length(list.given, index + 1);
        for (key, text) in [("source", source), (list.member, value)] {
            let path = format!("{}[{index}].{key}", list.given);
            settled.put(&path, text.trim().into(), given.origin.clone());
        }
    }
}

/// Which runner set the flags and variables for one set mean: the one that `--runner-set` names, else the only one.
fn runner_set_index(
    given: &[Given],
    settled: &mut Settled,
    problems: &mut Vec<Problem>,
) -> Option<usize> {
    let first = given
        .iter()
        .find(|one| one.path.starts_with("runnerSets[]."))?;
    let name = given.iter().find(|one| one.path == "runnerSets[].name");
    let count = settled.length("runnerSets");
    if count == 0 {
        settled.set_length("runnerSets", 1);
        return Some(0);
    }
    let names: Vec<String> = (0..count)
        .map(|index| {
            settled
                .get(&format!("runnerSets[{index}].name"))
                .and_then(|value| value.value.as_str().map(str::to_owned))
                .unwrap_or_default()
        })
        .collect();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let problem = match name {
        None if count == 1 => return Some(0),
        None => which_runner_set(&known, first),
        Some(name) => {
            let found = known.iter().position(|known| *known == name.value);
            // The only set has no name yet: this is it.
            if found.is_some() || known == [""] {
                return found.or(Some(0));
            }
            no_such_runner_set(&known, name)
        }
    };
    problems.push(problem);
    None
}

fn which_runner_set(known: &[&str], first: &Given) -> Problem {
    Problem::new(
        "config-runner-set",
        "runnerSets",
        format!("this sets one runner set, and the file has {}", known.len()),
        first.origin.clone(),
    )
    .remedy(format!(
        "add --runner-set with one of: {}",
        known.join(", ")
    ))
}

fn no_such_runner_set(known: &[&str], name: &Given) -> Problem {
    let near = nearest(&name.value, known)
        .map_or_else(String::new, |near| format!(" (did you mean '{near}'?)"));
    Problem::new(
        "config-runner-set",
        "runnerSets",
        format!("no runner set of the file has the given name{near}"),
        name.origin.clone(),
    )
    .remedy(format!("name one of: {}", known.join(", ")))
}
