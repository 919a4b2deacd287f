//! The thin binary: crypto provider → arguments → run → exit code.

use std::process::ExitCode;

use arc_setup::failure::Exit;

fn main() -> ExitCode {
    // One provider in the whole program; reqwest and kube panic without one.
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        return ExitCode::from(1);
    }
    // The hook has told what happened; Rust's own code for a panic is none of ours.
    let outcome = std::panic::catch_unwind(|| arc_setup::main(std::env::args_os()));
    ExitCode::from(outcome.unwrap_or(Exit::Unexpected) as u8)
}
