//! `arc-setup`: from a bare, locked-down Kubernetes cluster to a green GitHub Actions job.
//!
//! Data flows one way: config → facts → render → rewrite → observe → plan → checks → apply → verify.
//! docs/architecture.md draws the house.

pub mod apply;
pub mod checks;
pub mod cli;
pub mod clients;
pub mod config;
pub mod event;
pub mod facts;
pub mod failure;
pub mod image_ref;
pub mod object;
pub mod observe;
pub mod oci;
pub mod origin;
pub mod pki;
pub mod plan;
pub mod proxy;
pub mod render;
pub mod rewrite;
pub mod rules;
pub mod secret;
pub mod spelling;
pub mod ui;
pub mod verify;
pub mod yaml;

use std::ffi::OsString;

use clap::Parser;

use crate::clients::interrupt::Interrupt;
use crate::config::load::Environment;
use crate::failure::{Exit, Failure};

/// Runs the program with these arguments (the first is its name) and says how it ended.
///
/// A rustls crypto provider must be installed before.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match cli::Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            ui::failure::show_usage(&error, &arguments);
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
        }
    };
    ui::quiet_panics();
    ui::log(cli.global.verbosity());
    run(&cli)
}

/// Runs the command; its failure is shown here and nowhere else.
fn run(cli: &cli::Cli) -> Exit {
    let variables = config::load::variables();
    let terminal = cli::terminal(&Environment::new(&variables));
    let format = cli.global.format();
    let outcome =
        runtime(cli.command.asks_nothing() && ui::output::never_waits()).and_then(|runtime| {
            let (sender, interrupt) = Interrupt::channel();
            let mut stop = interrupt.clone();
            let session = cli.global.session(variables, interrupt);
            if !cli.command.writes_nothing() {
                runtime.spawn(clients::interrupt::listen(sender));
                runtime.spawn(async move {
                    stop.wait().await;
                    ui::output::talk(
                        "stopping as soon as what was begun is finished; once more ends at once",
                    );
                });
            }
            runtime.block_on(cli.command.run(&session))
        });
    outcome.unwrap_or_else(|failure| {
        if terminal.interactive {
            ui::prompt::restore_cursor();
        }
        ui::failure::show(&failure, format, terminal);
        failure.exit()
    })
}

/// One thread where nobody is asked and nobody reads along: waking another one for each answer costs more than what is
/// done with it. A question holds up its thread, and so does a reader who is slow; connections must live on meanwhile.
fn runtime(is_one_thread: bool) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = if is_one_thread {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::unforeseen("cannot start", &error.into()))
}
