//! What preflight finds, all of it in one run and before anything is written.

mod admission;
mod everything;
mod github;
mod images;
mod output;
mod place;
mod rights;
mod silence;
mod trust;
