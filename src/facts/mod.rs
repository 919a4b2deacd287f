//! What is true outside before anything is decided: read once, then only passed on.
//!
//! Reads cluster, GitHub server, registries' certificates and local files; decides nothing.

mod addresses;
mod chains;
mod cluster;
mod controllers;
mod gaps;
mod github;
pub mod host;
mod issuers;
pub mod model;
mod route;
mod tls;

pub use chains::{ChainOutcome, SeenChain, read_chain, read_chains};
pub use cluster::{read, read_addresses};
pub use controllers::controller_of;
pub use github::{GithubReport, Registration, RegistrationOutcome, read_github};
pub use issuers::read_issuers;
pub use model::*;
pub use route::{Trust, route, route_by};
pub use tls::{TlsOutcome, TlsReport, read_tls};
