//! One file per part of the lab.

pub(crate) mod apiserver;
pub(crate) mod cni;
pub(crate) mod containerd;
pub(crate) mod controller_manager;
pub(crate) mod dind;
pub(crate) mod dns;
pub(crate) mod dockerd;
pub(crate) mod etcd;
pub(crate) mod flapping;
pub(crate) mod github;
pub(crate) mod kube_proxy;
pub(crate) mod kubelet;
pub(crate) mod namespaces;
pub(crate) mod pki;
pub(crate) mod registry;
pub(crate) mod shelf;
pub(crate) mod squid;
