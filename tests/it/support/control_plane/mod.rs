//! A real control plane without root: etcd, kube-apiserver, kube-controller-manager,
//! kube-scheduler and kwok on loopback, stopped when the process that started them ends.
//!
//! Self-contained, so that examples and benches include it by `#[path]`.

mod access;
mod binaries;
mod cluster;
mod components;
pub(crate) mod credentials;
mod kwok;
mod process;
mod shared;
mod store;
mod webhook_proxy;

pub(in crate::support) use binaries::directory as binaries;
pub(crate) use cluster::{Component, ControlPlane, Options};
pub(in crate::support) use process::Home;
pub(crate) use webhook_proxy::WebhookBackend;
