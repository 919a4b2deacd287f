//! What variables of the environment mean.

use crate::spelling::nearest;

use super::model::Origin;
use super::overlay::Given;
use super::problem::Problem;
use super::sources::Variables;
use super::table::{self, Kind};

/// What they give to fields; `…_FILE` names the file of a secret.
pub(super) fn given(variables: &Variables) -> Vec<Given> {
    let mut given = Vec::new();
    for (path, field) in table::every_field() {
        let Some(env) = field.env else { continue };
        let secret = matches!(field.kind, Kind::Secret);
        let file = format!("{env}_FILE");
        let found = match variables.get(env) {
            Some(_) if secret => Some((env.to_owned(), env, true)),
            Some(value) => Some((env.to_owned(), value, false)),
            None if secret => variables
                .get(&file)
                .map(|value| (file.clone(), value, false)),
            None => None,
        };
        if let Some((name, value, variable)) = found {
            given.push(Given {
                path: path.to_owned(),
                value: value.to_owned(),
                origin: Origin::Environment(name),
                variable,
            });
        }
    }
    given
}

/// Variables that look like ours and are none: a typing error would otherwise pass unseen.
pub(super) fn misspelled(variables: &Variables) -> Vec<Problem> {
    let known: Vec<&str> = table::every_field()
        .into_iter()
        .filter_map(|(_, field)| field.env)
        .collect();
    variables
        .0
        .keys()
        .filter(|name| name.starts_with("ARC_SETUP_"))
        .filter(|name| !known.contains(&name.strip_suffix("_FILE").unwrap_or(name)))
        .filter_map(|name| {
            let suffix: Vec<&str> = known.iter().filter_map(|known| known.get(10..)).collect();
            let near = nearest(name.get(10..)?, &suffix)?;
            Some(
                Problem::new(
                    "config-unknown-variable",
                    "",
                    "this variable sets nothing",
                    Origin::Environment(name.clone()),
                )
                .remedy(format!("did you mean ARC_SETUP_{near}?")),
            )
        })
        .collect()
}
