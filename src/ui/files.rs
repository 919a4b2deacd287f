//! Files that a person asked for, written atomically: a temporary file beside the target, then a rename.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::failure::{Exit, Failure, file_error};

/// Makes a directory and those above it.
pub fn make_directory(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|error| cannot("make the directory", path, &error))
}

/// Writes a file whole or not at all; only its owner may read it.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_with(path, bytes, false)
}

/// The same of a file that everybody may read.
pub fn write_readable(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_with(path, bytes, true)
}

fn write_with(path: &Path, bytes: &[u8], is_public: bool) -> Result<(), Failure> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(bytes)?;
        if is_public {
            let mut permissions = file.as_file().metadata()?.permissions();
            make_public(&mut permissions);
            file.as_file().set_permissions(permissions)?;
        }
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| cannot("write", path, &error))
}

/// What a file holds; None where there is none.
pub fn content(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", path, &error)),
    }
}

/// Names of what lies in a directory.
pub fn names(directory: &Path) -> Result<Vec<String>, Failure> {
    let read = || -> std::io::Result<Vec<String>> {
        let entries = std::fs::read_dir(directory)?;
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.map(|entry| entry.file_name().to_string_lossy().into_owned())
        };
        entries.map(name).collect()
    };
    read().map_err(|error| cannot("read", directory, &error))
}

#[cfg(unix)]
fn make_public(permissions: &mut std::fs::Permissions) {
    use std::os::unix::fs::PermissionsExt as _;
    permissions.set_mode(0o644);
}

#[cfg(not(unix))]
fn make_public(_: &mut std::fs::Permissions) {}

/// A file that is written beside the one that it will replace. Dropped, it goes and leaves that one as it is.
#[derive(Debug)]
pub struct Prepared {
    path: PathBuf,
    file: tempfile::NamedTempFile,
}

/// Writes what an existing file will hold, with its mode; of a symbolic link, the file that it leads to.
pub fn prepare<'a>(
    path: &Path,
    pieces: impl IntoIterator<Item = &'a str>,
) -> Result<Prepared, Failure> {
    let write = || -> std::io::Result<Prepared> {
        let path = path.canonicalize()?;
        let directory = path.parent().unwrap_or(Path::new("/"));
        let known = path.metadata()?;
        // A rename would replace what a write may not touch.
        std::fs::OpenOptions::new().append(true).open(&path)?;
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        for piece in pieces {
            file.write_all(piece.as_bytes())?;
        }
        file.flush()?;
        keep_owner(file.path(), &known);
        file.as_file().set_permissions(known.permissions())?;
        Ok(Prepared { path, file })
    };
    write().map_err(|error| cannot("write", path, &error))
}

/// Root that edits a user's file leaves it to the user.
#[cfg(unix)]
fn keep_owner(file: &Path, known: &std::fs::Metadata) {
    use std::os::unix::fs::MetadataExt as _;
    // Others may not give files away, and need not: it is theirs.
    let _ = std::os::unix::fs::chown(file, Some(known.uid()), Some(known.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &std::fs::Metadata) {}

impl Prepared {
    /// Puts it in the place of the file, in one step.
    pub fn commit(self) -> Result<(), Failure> {
        let path = self.path;
        self.file
            .persist(&path)
            .map(drop)
            .map_err(|error| cannot("write", &path, &error.error))
    }
}

/// Puts each in the place of its file. Where one cannot, those behind it stay as they are, and the failure says how many
/// were written.
pub fn commit(all: Vec<Prepared>) -> Result<(), Failure> {
    let count = all.len();
    for (written, one) in all.into_iter().enumerate() {
        one.commit().map_err(|failure| {
            failure.why(match written {
                0 => "nothing was written".to_owned(),
                _ => format!(
                    "{written} of {count} files were written before it, and the others stay as they were"
                ),
            })
        })?;
    }
    Ok(())
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
    .why(file_error(error))
    .remedy("choose a place that can be written to")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_one_file_cannot_be_written_the_failure_says_how_far_it_went() {
        let home = tempfile::tempdir().unwrap();
        let paths = ["a", "b", "c"].map(|name| home.path().join(name));
        let prepared = || -> Vec<Prepared> {
            let prepared = paths.iter().map(|path| {
                let mut file = std::fs::File::create(path).unwrap();
                std::io::Write::write_all(&mut file, b"old").unwrap();
                prepare(path, ["new"]).unwrap()
            });
            prepared.collect()
        };
        let said = |path: &Path| std::fs::read_to_string(path).unwrap();
        let all = prepared();
        std::fs::remove_file(&paths[1]).unwrap();
        std::fs::create_dir(&paths[1]).unwrap();
        let failure = commit(all).unwrap_err();
        let why = failure.details().why.join(" ");
        assert!(why.contains("1 of 3 files were written before it"), "{why}");
        assert_eq!(
            (said(&paths[0]), said(&paths[2])),
            ("new".to_owned(), "old".to_owned())
        );
        std::fs::remove_dir(&paths[1]).unwrap();
        commit(prepared()).unwrap();
        assert!(paths.iter().all(|path| said(path) == "new"));
        // Nothing is left beside them.
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 3);
    }
}
