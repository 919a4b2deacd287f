//! What is tried from which place of the cluster, and the pods that try it. Pure.

mod place;
mod pod;
mod probes;
mod script;
mod target;

pub use place::{Need, Place, Spot, need};
pub use probes::{PROBE_LABEL, Probe, Probes, Untried, Wanted, probes};
pub use script::{Question, Run, TOKEN_SERVICE, question, script};
pub use target::{Asked, Target, targets};
