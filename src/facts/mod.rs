//! What is true outside before anything is decided: read once, then only passed on.
//!
//! Reads cluster, GitHub server, registries' certificates and local files; decides nothing.

mod addresses;
mod cluster;
mod controllers;
mod gaps;
mod github;
pub mod host;
pub mod model;
mod route;
mod tls;

pub use cluster::read;
pub use controllers::controller_of;
pub use github::{GithubReport, Registration, RegistrationOutcome, read_github};
pub use model::*;
pub use route::{route, route_by};
pub use tls::{TlsOutcome, TlsReport, read_tls};
