//! The way to the cluster: the same place, the same way and as the same user as kubectl.

mod in_cluster;
mod kubeconfig;
mod login;
mod proxy;
