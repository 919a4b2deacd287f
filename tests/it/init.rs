//! `init` as a person or a CI job runs it, against a real API server: what it makes, that it makes it once, and
//! that it touches nothing else.

mod again;
mod certificate;
mod conflict;
mod controllers;
mod examples;
mod interrupted;
mod namespaces;
mod rotation;
mod scale_set_controller;
pub(crate) mod site;
pub(crate) mod world;

/// The story, in the first generation of ARC and in the second.
const STORY: &str = "examples/locked-down-rancher/arc-setup.yaml";
const STORY_OF_SCALE_SETS: &str = "examples/locked-down-rancher-scale-set/arc-setup.yaml";
