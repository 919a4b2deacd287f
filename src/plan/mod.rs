//! What will be written, decided before anything is: pure.

pub mod patch;
