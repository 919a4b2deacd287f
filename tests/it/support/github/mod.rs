//! A GitHub server over TLS: what controllers and arc-setup ask of it, as strict as the original.

mod accounts;
mod answers;
mod jobs;
mod rest;
mod runners;
mod scale_sets;
mod server;
mod tenant;

pub(crate) use accounts::App;
pub(crate) use jobs::Job;
pub(crate) use server::{Github, Setup};
