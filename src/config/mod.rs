//! What the user wants: read from flags, environment, file and answers; validated; typed.
//!
//! Only `load.rs` reads the environment; it and `secrets.rs` read files. Nothing here reaches the network or a terminal.

pub mod arc_versions;
mod assemble;
mod credentials;
mod effective;
mod existing_secrets;
pub mod load;
pub mod model;
mod overlay;
mod partial;
mod places;
mod pod_template;
pub mod problem;
mod schema;
mod secrets;
mod settled;
mod shape;
mod sources;
pub mod table;
pub mod validate;
mod variables;
pub mod wizard;

pub use credentials::Credentials;
pub use effective::Effective;
pub use existing_secrets::Expected;
pub use model::*;
pub use partial::Partial;
pub use problem::Problem;
pub use schema::{defaults, reference, schema};
pub use settled::Value;

#[cfg(test)]
mod tests;
