//! The only network code: cluster, registry, GitHub, proxy. Imports leaves alone; decides nothing.

mod busy;
pub mod cause;
pub mod github;
pub mod handshake;
pub mod interrupt;
pub mod kube;
mod reached;
pub mod registry;
pub mod roots;
#[cfg(test)]
pub(crate) mod stand_in;
pub mod transport;
