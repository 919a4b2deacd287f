//! The only network code: cluster, registry, GitHub, proxy. Imports leaves alone; decides nothing.

pub mod cause;
pub mod interrupt;
pub mod kube;
pub mod no_proxy;
