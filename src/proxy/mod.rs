//! Which way each program goes to a host: through the proxy, or directly.
//!
//! There is no standard for NO_PROXY: each program reads other variables, splits the list in its own way, and has its
//! own idea of what an entry means. One file for each of these readers; [`Reader`] is any of them. They are held against
//! the real programs by tests/it/no_proxy. Pure: what is read of an environment is handed in as [`Variables`].

mod addresses;
mod curl;
mod destination;
mod dotnet;
mod forms;
mod go;
mod grid;
mod idle;
mod java;
mod node;
mod program;
mod reader;
mod requests;
mod urllib;
mod variables;
mod wget;

pub use destination::Destination;
pub use forms::forms;
pub use go::NoProxy;
pub use grid::{Cell, Column, Grid, Row, explain};
pub use idle::{Idle, idle};
pub use program::{PROGRAMS, Program};
pub use reader::{Decision, Reader, Why};
pub use variables::{Setting, Variables};

/// Where clouds tell a machine about itself: behind no proxy.
pub const METADATA: &str = "169.254.169.254";
