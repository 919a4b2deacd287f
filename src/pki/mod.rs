//! X.509: reading bundles and explaining chains.

pub mod chain;
