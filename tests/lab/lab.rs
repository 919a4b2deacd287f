//! Starts the parts in their order, and stops them.

use anyhow::Result;

use crate::directory::Directory;
use crate::isolation;
use crate::parts::namespaces;
use crate::processes::Processes;

/// A running lab. [`Lab::stop`] ends it; after a crash the next start does.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) processes: Processes,
}

/// What must be there before there are threads: this process's mounts, network and control group.
pub(crate) fn ground() -> Result<Processes> {
    let directory = Directory::take()?;
    isolation::arrange(&directory.path(""))?;
    crate::cgroup::join()?;
    namespaces::make()?;
    Ok(Processes::new(directory))
}

impl Lab {
    /// Starts every part; they end with the lab.
    pub(crate) async fn start(processes: Processes) -> Result<Self> {
        Ok(Self { processes })
    }

    /// Ends every process of the lab and removes all that it has made.
    pub(crate) fn stop(self) -> Result<()> {
        self.processes.end()
    }
}
