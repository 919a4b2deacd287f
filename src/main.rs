//! The thin binary: crypto provider → arguments → run → exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    // One provider in the whole program; reqwest and kube panic without one.
    if rustls::crypto::ring::default_provider()
        .install_default()
        .is_err()
    {
        return ExitCode::from(1);
    }
    ExitCode::from(arc_setup::main(std::env::args_os()) as u8)
}
