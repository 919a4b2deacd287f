//! Files that a person asked for, written atomically: a temporary file beside the target, then a rename.

use std::io::Write;
use std::path::Path;

use crate::failure::{Exit, Failure};

/// Makes a directory and those above it.
pub fn make_directory(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|error| cannot("make the directory", path, &error))
}

/// Writes a file whole or not at all; only its owner may read it.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| cannot("write", path, &error))
}

/// Removes a file; false where there is none.
pub fn remove(path: &Path) -> Result<bool, Failure> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(cannot("remove", path, &error)),
    }
}

fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        "file-write",
        Exit::Usage,
        format!("cannot {verb} {}", path.display()),
    )
    .why(error.to_string())
    .remedy("choose a place that can be written to")
}
