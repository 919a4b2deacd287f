//! What the user wants: read from flags, environment, file and answers; validated; typed.
//!
//! Only `load.rs` reads the environment and files. Nothing here reaches the network or a terminal.

mod credentials;
pub mod model;
pub mod problem;
mod settled;
mod shape;
pub mod table;

pub use credentials::Credentials;
pub use model::*;
pub use problem::Problem;
pub use settled::Value;
