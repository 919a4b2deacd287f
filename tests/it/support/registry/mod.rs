//! A registry over TLS, as strict as the distribution specification and with the quirks of
//! Artifactory where a test asks for them. It holds manifests, no layers.

mod access;
mod image;
mod server;

pub(crate) use access::Access;
pub(crate) use server::{Answer, Quirks, Registry, Setup};
