//! Is an object ready? One pure function per kind: live objects in, [`State`] out.
//!
//! Adding a kind is adding a file and a row in `judge`.

pub mod autoscaling_listener;
pub mod autoscaling_runner_set;
pub mod custom_resource_definition;
pub mod deployment;
pub(super) mod fields;
pub mod horizontal_runner_autoscaler;
mod judge;
pub mod pod;
pub mod pull_test;
pub mod runner;
pub mod runner_deployment;
pub mod runner_set;
mod state;
pub mod webhook_configuration;
mod world;

pub use judge::judge;
pub use state::{State, Terminal};
pub use world::World;
