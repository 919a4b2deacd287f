//! clap only: one file per command, each its arguments and a `run` that names its stages.

mod command;
mod config;
mod config_args;
mod config_load;
mod explain;
mod images;
mod pass;
mod render;
mod seconds;
mod session;

pub use command::{Cli, Command};
pub(crate) use session::terminal;
pub use session::{GlobalArgs, Session};
