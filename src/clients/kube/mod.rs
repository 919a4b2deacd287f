//! The API server: objects as JSON values over one HTTP/2 connection.
//!
//! Goes where kubectl goes (kubeconfig, exec and OIDC logins, `proxy-url`, HTTPS_PROXY); the install's own
//! `proxy:` never applies here. Reads no environment variable: the caller hands them in.

mod cluster;
mod connect;
mod discovery;
mod error;
mod kubeconfig;
mod lean;
mod pages;
mod patience;
mod query;
mod reading;
mod request;
mod stack;
#[cfg(test)]
mod tests;
mod watch;

pub use cluster::{Applied, ApplyOptions, Cluster, Identity, PatchBody, Patching};
pub use connect::{ClusterOptions, EnvironmentProxy, InCluster};
pub use discovery::{NamespacedKinds, Scope};
pub use error::{ClusterError, FieldCause, FieldOwner};
pub use pages::{Pages, RawPage};
pub use reading::{LogOptions, Page, Selection};
pub use watch::{WatchEvent, WatchKind};
