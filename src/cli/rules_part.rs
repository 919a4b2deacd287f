//! The part of the configuration that rules are made of.

use crate::cli::Session;
use crate::cli::config_args::{Part, PartArgs};
use crate::cli::config_load;
use crate::config::Config;
use crate::failure::Failure;

/// What decides where images come from.
#[derive(Debug, Clone)]
pub(super) struct Rules;

impl Part for Rules {
    const FIELDS: &'static [&'static str] = &[
        "registry.host",
        "registry.library",
        "registry.map",
        "registry.preset",
        "registry.keys",
    ];
}

/// Reads a configuration of which only the rules matter.
pub(super) fn config(args: &PartArgs<Rules>, session: &Session) -> Result<Config, Failure> {
    Ok(config_load::load_unanswered(&args.config, session)?.config)
}
