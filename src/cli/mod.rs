//! clap only: one file per command, each its arguments and a `run` that names its stages.

mod admission;
mod adopt;
mod ca;
mod ca_bundle;
mod ca_doctor;
mod clock;
mod command;
mod config;
mod config_args;
mod config_load;
mod explain;
mod images;
mod init;
mod kubernetes_version;
mod last_words;
mod needed_secrets;
mod overtaken;
mod pass;
mod patch_images;
mod place_names;
mod preflight;
mod pull_test;
mod render;
mod rewrite;
mod rollout;
mod rules;
mod rules_list;
mod rules_part;
mod rules_test;
mod seconds;
mod server;
mod session;
mod uninstall;

pub use command::{Cli, Command};
pub(crate) use session::terminal;
pub use session::{GlobalArgs, Session};
