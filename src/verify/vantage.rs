//! What probes have measured, judged: one cell for each target and place, and which hop fails. Pure.

mod column;
mod grid;
mod judge;
mod pull;
mod said;

pub use column::{Column, Ended, State, node, of_probe, untried};
pub use grid::{Cell, Grid, PlaceShown, grid};
pub use judge::{Blocked, Hop, status};
