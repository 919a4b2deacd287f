//! Whatever goes wrong on a locked-down cluster ends `init` with its own id, cause and remedy: before anything is written
//! where that can be known, else soon after a node, a controller or GitHub has said so.

mod before;
mod case;
mod managers;
mod runners;

use std::sync::Arc;

use anyhow::Result;

use crate::harness::topic;
use crate::lab::Lab;

use before::preflight_sees_it_first;
use case::all_end;

topic!(LEGACY = failures in Legacy: first_installs_end_with_their_cause);
topic!(SCALE_SET = failures in ScaleSet: scale_set_installs_end_with_their_cause);
topic!(BEFORE = failures in ScaleSet: preflight_sees_it_first);

async fn first_installs_end_with_their_cause(lab: Arc<Lab>) -> Result<()> {
    let mut cases = managers::of_the_first_generation(&lab).await?;
    cases.extend(runners::of_the_first_generation(&lab).await?);
    all_end(cases).await
}

async fn scale_set_installs_end_with_their_cause(lab: Arc<Lab>) -> Result<()> {
    let mut cases = managers::of_scale_sets(&lab).await?;
    cases.extend(runners::of_scale_sets(&lab).await?);
    all_end(cases).await
}
