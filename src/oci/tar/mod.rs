//! tar: the few files of a layer of ours written, and layers of others looked through.

mod number;
mod read;
mod write;

pub(super) use read::{Entry, Kind, Scanner, Visit};
pub(super) use write::archive;

/// Everything in a tar is in blocks of this size.
const BLOCK: usize = 512;
