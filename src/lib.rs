//! `arc-setup`: from a bare, locked-down Kubernetes cluster to a green GitHub Actions job.
//!
//! Data flows one way: config → facts → render → rewrite → observe → plan → checks → apply → verify.
//! docs/architecture.md draws the house.

pub mod apply;
pub mod clients;
pub mod config;
pub mod event;
pub mod facts;
pub mod failure;
pub mod image_ref;
pub mod object;
pub mod observe;
pub mod pki;
pub mod plan;
pub mod render;
pub mod rewrite;
pub mod rules;
pub mod secret;
pub mod yaml;
