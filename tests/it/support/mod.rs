//! What the tests run arc-setup against: a control plane, and stand-ins for everything else that
//! it talks to. Examples and benches include this directory by `#[path]`.

pub(crate) mod arc_setup;
pub(crate) mod authority;
pub(crate) mod company;
pub(crate) mod connect_proxy;
pub(crate) mod control_plane;
pub(crate) mod distribution;
pub(crate) mod examples;
pub(crate) mod github;
pub(crate) mod https;
pub(crate) mod images;
pub(crate) mod recording_proxy;
pub(crate) mod registry;
pub(crate) mod webhook_backends;
pub(crate) mod world;
