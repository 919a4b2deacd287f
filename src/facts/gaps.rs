//! What a restricted user may not read: left out, named, and no reason to end.

use crate::clients::kube::ClusterError;
use crate::failure::{Exit, Failure};

/// Collects what could not be read; only a server that is gone ends the reading.
#[derive(Debug, Default)]
pub(super) struct Gaps(pub(super) Vec<String>);

impl Gaps {
    /// The value, or its default with a note.
    pub(super) fn fill<T: Default>(
        &mut self,
        what: &str,
        result: Result<T, ClusterError>,
    ) -> Result<T, Failure> {
        match result {
            Ok(value) => Ok(value),
            Err(error @ (ClusterError::Unreachable { .. } | ClusterError::Unauthorized { .. })) => {
                Err(error.failure(format!("reading {what} failed"), Exit::Preflight))
            }
            Err(error) => {
                self.0.push(format!("{what}: {}", error.message()));
                Ok(T::default())
            }
        }
    }
}
