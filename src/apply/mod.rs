//! The only writer.

pub mod patch;
