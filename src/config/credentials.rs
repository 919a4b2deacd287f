//! The secret values that the user gave, kept apart from everything that is shown or stored.

use std::collections::BTreeMap;

use crate::object::Credential;
use crate::secret::Secret;

use super::model::Origin;

/// Secret values by what they are for, each with where it came from.
#[derive(Debug, Clone, Default)]
pub struct Credentials(BTreeMap<Credential, (Secret<Vec<u8>>, Origin)>);

impl Credentials {
    /// Stores a value.
    pub fn insert(&mut self, credential: Credential, value: Secret<Vec<u8>>, origin: Origin) {
        self.0.insert(credential, (value, origin));
    }

    /// The value, as it was read.
    pub fn get(&self, credential: Credential) -> Option<&Secret<Vec<u8>>> {
        self.0.get(&credential).map(|(value, _)| value)
    }

    /// Where it came from.
    pub fn origin(&self, credential: Credential) -> Option<&Origin> {
        self.0.get(&credential).map(|(_, origin)| origin)
    }
}
