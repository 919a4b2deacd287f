//! One file per part of the lab.

pub(crate) mod namespaces;
