//! What is put into every container beside the images, and what a run knows of where it can be.

use std::collections::HashMap;

use tokio::sync::Mutex;

use crate::observe::Resolver;
use crate::rewrite::injection::Injection;

/// What is put into every container, and who knows the proxy's account.
#[derive(Debug)]
pub struct Injecting<'a> {
    /// The authorities and the proxy.
    pub injection: &'a Injection,
    /// Resolves the account just before the request.
    pub resolver: &'a Resolver<'a>,
}

/// The namespaces that have the objects, and those that cannot get them, with the reason.
pub(super) type InjectedObjects = Mutex<HashMap<String, Result<Made, String>>>;

/// What became of the objects of a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// They were made, or are as they are wanted.
    AsWanted,
    /// They held something else before: another bundle, another account.
    Renewed,
}
