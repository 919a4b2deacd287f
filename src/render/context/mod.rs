//! What templates see: plain inputs made of configuration and facts, one file for each part.

mod controller;
mod github;
mod images;
mod input;
mod namespaces;
mod runner_set;
mod scaling;
mod webhook;

pub(super) use input::Input;
pub(super) use webhook::{dns_names, serving_secret};
