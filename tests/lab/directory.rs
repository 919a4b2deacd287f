//! The directory that holds everything the lab writes. One lab at a time: whoever holds its lock.

use std::fs::{self, DirBuilder, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{cgroup, isolation};

/// Fixed, so that the next lab finds what a dead one has left; short, because sockets' paths are.
pub(crate) const PATH: &str = "/tmp/arc-setup-lab";

/// The directory, ours alone until this is dropped.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Takes it, empty; first clears what a dead lab has left. Fails while another lab is alive.
    pub(crate) fn take() -> Result<Self> {
        let path = PathBuf::from(PATH);
        let lock = loop {
            let made = DirBuilder::new().mode(0o711).create(&path);
            if let Err(error) = made
                && error.kind() != std::io::ErrorKind::AlreadyExists
            {
                return Err(error).with_context(|| format!("cannot make {PATH}"));
            }
            let lock = File::open(&path).with_context(|| format!("cannot open {PATH}"))?;
            if lock.try_lock().is_err() {
                let process = fs::read_to_string(path.join("pid")).unwrap_or_default();
                bail!("a lab is running already, as process {}", process.trim());
            }
            // Its last owner may have removed it between our opening and our locking.
            if fs::symlink_metadata(&path).is_ok_and(|now| same(&now, &lock)) {
                break lock;
            }
        };
        let metadata = fs::symlink_metadata(&path)?;
        ensure!(
            metadata.is_dir() && metadata.uid() == 0,
            "{PATH} belongs to somebody else"
        );
        let directory = Self { path, _lock: lock };
        directory.clear()?;
        directory.write("pid", std::process::id().to_string())?;
        Ok(directory)
    }

    /// Ends what lives of a lab, and empties the directory.
    fn clear(&self) -> Result<()> {
        cgroup::remove()?;
        isolation::unmount_below(&self.path)?;
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let removed = if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())
            } else {
                fs::remove_file(entry.path())
            };
            removed.with_context(|| format!("cannot remove {}", entry.path().display()))?;
        }
        Ok(())
    }

    /// Ends every process of the lab but this one, and removes the control group and the directory.
    pub(crate) fn remove(&self) -> Result<()> {
        self.clear()?;
        fs::remove_dir(&self.path).with_context(|| format!("cannot remove {PATH}"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes a directory in it.
    pub(crate) fn make(&self, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    /// Writes a file into it, with its directories; only root can read it.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.path(name);
        write(&path, content)?;
        Ok(path)
    }

    /// Writes a file that every user can read: for programs that give their rights up.
    pub(crate) fn publish(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.write(name, content)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
        Ok(path)
    }
}

/// Waits until no lab is alive, saying so when that takes time.
pub(crate) fn wait_until_free() -> Result<()> {
    let Ok(lock) = File::open(PATH) else {
        return Ok(());
    };
    if lock.try_lock_shared().is_err() {
        eprintln!("waiting for another lab to end");
        lock.lock_shared()?;
    }
    Ok(())
}

/// Writes a file whole, or not at all.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    let parent = path.parent().context("a file without a directory")?;
    fs::create_dir_all(parent)?;
    let mut file = tempfile::NamedTempFile::new_in(parent)?;
    file.write_all(content.as_ref())?;
    file.persist(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

fn same(now: &fs::Metadata, lock: &File) -> bool {
    lock.metadata()
        .is_ok_and(|locked| (locked.dev(), locked.ino()) == (now.dev(), now.ino()))
}
