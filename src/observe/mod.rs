//! Reads the cluster and the registry for what is there already; never writes.

pub mod workloads;
