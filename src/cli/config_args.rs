//! The flags that give configuration values, made from the table of fields: a field is described once.

use clap::{
    Arg, ArgAction, ArgMatches, Command, FromArgMatches, builder::PossibleValuesParser,
    value_parser,
};
use std::marker::PhantomData;
use std::path::PathBuf;

use crate::config::load::FlagGiven;
use crate::config::table::{self, FlagSpec, FlagValue};

/// Values given by flags, in the order of the table.
#[derive(Debug, Clone, Default)]
pub(super) struct ConfigArgs {
    /// The configuration file; None takes ./arc-setup.yaml where it exists.
    pub(super) file: Option<PathBuf>,
    /// The given flags.
    pub(super) given: Vec<FlagGiven>,
    /// Names of given flags that the command does not read.
    pub(super) unread: Vec<&'static str>,
}

/// Which part of the configuration a command reads.
pub(super) trait Part {
    /// Fields that matter to it, each with what stands under it; none means all.
    const FIELDS: &'static [&'static str];
    /// Of those the ones that do not.
    const EXCEPT: &'static [&'static str] = &[];
}

/// The flags of a command that reads a part of the configuration. One configuration serves every command, so a flag
/// of another part is taken as the file's and the environment's values are; it is not listed, and it is told.
#[derive(Debug, Clone)]
pub(super) struct PartArgs<P> {
    /// The flags.
    pub(super) config: ConfigArgs,
    part: PhantomData<P>,
}

impl<P: Part> PartArgs<P> {
    fn unread(flag: &FlagSpec) -> bool {
        let among = |fields: &[&str]| fields.iter().any(|field| is_within(flag.path, field));
        among(P::EXCEPT) || !(P::FIELDS.is_empty() || among(P::FIELDS))
    }
}

/// True for the field itself and what stands under it.
fn is_within(path: &str, field: &str) -> bool {
    let rest = path.strip_prefix(field);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

impl<P: Part> clap::Args for PartArgs<P> {
    fn augment_args(command: Command) -> Command {
        let unread = table::flags().iter().filter(|flag| Self::unread(flag));
        unread.fold(ConfigArgs::augment_args(command), |command, flag| {
            command.mut_arg(flag.name, |argument| argument.hide(true))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<P: Part> FromArgMatches for PartArgs<P> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut config = ConfigArgs::from_arg_matches(matches)?;
        let given = |flag: &&FlagSpec| config.given.iter().any(|given| given.flag == flag.name);
        config.unread = table::flags()
            .iter()
            .filter(|flag| Self::unread(flag))
            .filter(given)
            .map(|flag| flag.name)
            .collect();
        Ok(Self {
            config,
            part: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for ConfigArgs {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new("config")
            .long("config")
            .short('c')
            .value_name("FILE")
            .value_parser(value_parser!(PathBuf))
            .help_heading("Configuration")
            .help("The configuration file [default: arc-setup.yaml where it exists; env: ARC_SETUP_CONFIG]");
        table::flags()
            .iter()
            .fold(command.arg(file), |command, flag| {
                command.arg(argument(flag))
            })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ConfigArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut args = Self {
            file: matches.get_one::<PathBuf>("config").cloned(),
            given: Vec::new(),
            unread: Vec::new(),
        };
        for flag in table::flags() {
            if flag.value == FlagValue::Switch {
                if matches.get_flag(flag.name) {
                    args.give(flag, "true");
                }
            } else {
                for value in matches.get_many::<String>(flag.name).into_iter().flatten() {
                    args.give(flag, value);
                }
            }
        }
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl ConfigArgs {
    fn give(&mut self, flag: &FlagSpec, value: &str) {
        self.given.push(FlagGiven {
            path: flag.path.to_owned(),
            flag: flag.name.to_owned(),
            value: value.to_owned(),
        });
    }
}

fn argument(flag: &'static FlagSpec) -> Arg {
    let argument = Arg::new(flag.name)
        .long(flag.name)
        .help_heading(flag.heading)
        .help(help(flag));
    if flag.value == FlagValue::Switch {
        return argument.action(ArgAction::SetTrue);
    }
    let action = if flag.repeatable {
        ArgAction::Append
    } else {
        ArgAction::Set
    };
    let argument = argument
        .action(action)
        .value_name(flag.value_name)
        .allow_hyphen_values(flag.value == FlagValue::SecretFile);
    match flag.value {
        // `-1` is a wrong number, not a flag.
        FlagValue::Integer => argument.allow_negative_numbers(true),
        FlagValue::Choice(words) => argument.value_parser(PossibleValuesParser::new(words)),
        _ => argument,
    }
}

fn help(flag: &FlagSpec) -> String {
    match flag.default {
        Some(default) => format!("{} [default: {default}; env: {}]", flag.help, flag.env),
        None => format!("{} [env: {}]", flag.help, flag.env),
    }
}
