//! The only terminal code. stdout is data, stderr is talk.

pub mod failure;
pub mod files;
pub mod foreign;
pub mod format;
mod logging;
pub mod output;
pub mod output_directory;
pub mod progress;
pub mod prompt;
pub mod table;
pub mod terminal;

pub use logging::{log, quiet_panics};
