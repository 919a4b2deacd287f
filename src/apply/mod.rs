//! The only writer: carries a plan out wave by wave, under a lock, with an inventory of what it made.
//!
//! Decides nothing that the plan has not decided, except not to write what turns out to be as wanted.

pub mod admission;
mod dependents;
mod established;
mod execute;
mod execution;
mod gone;
mod ledger;
mod lock;
mod namespace;
pub mod patch;
mod pull_test;
mod recheck;
mod ssa;
mod steps;
mod tried;
mod uninstall;
mod vantage;

pub use execute::{Executed, execute};
pub use execution::{Execution, Gate};
pub use lock::contended;
pub use pull_test::{PullTests, Started, pull_tests};
pub use uninstall::{installs, plan_uninstall};
pub use vantage::{Probing, Ran, probe};
