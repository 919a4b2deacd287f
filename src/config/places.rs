//! Where relative paths count from, and files read up to a limit.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::model::Origin;
use crate::failure::file_error;

/// Directories that relative paths count from.
pub(super) struct Places {
    pub(super) working: PathBuf,
    pub(super) file: PathBuf,
}

impl Places {
    /// The path, counted from the place of its origin.
    pub(super) fn resolve(&self, path: &str, origin: &Origin) -> PathBuf {
        match origin {
            Origin::File { .. } => self.file.join(path),
            _ => self.working.join(path),
        }
    }
}

/// Reads at most `limit` bytes of a regular file or pipe; the error continues "FILE …".
pub(super) fn read_limited(path: &Path, limit: usize) -> Result<Vec<u8>, String> {
    let file = std::fs::File::open(path).map_err(|error| cannot(path, &error))?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(format!("{} is a directory", path.display()));
    }
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| cannot(path, &error))?;
    if bytes.len() > limit {
        return Err(format!("{} is larger than {limit} bytes", path.display()));
    }
    Ok(bytes)
}

fn cannot(path: &Path, error: &std::io::Error) -> String {
    let why = file_error(error);
    format!("{} cannot be read: {why}", path.display())
}
