//! Whatever goes wrong on a locked-down cluster ends `init` with its own id, cause and remedy: before anything is written
//! where that can be known, else soon after a node, a controller or GitHub has said so.

mod before;
mod case;
mod managers;
mod runners;

use crate::harness::topic;

use before::preflight_sees_it_first;
use managers::{a_first_manager_that_does_not_start, a_scale_set_manager_that_does_not_start};
use runners::{first_runners_that_do_not_come, scale_set_runners_that_do_not_come};

topic!(LEGACY = failures in Legacy: a_first_manager_that_does_not_start, first_runners_that_do_not_come);
topic!(SCALE_SET = failures in ScaleSet:
    preflight_sees_it_first,
    a_scale_set_manager_that_does_not_start,
    scale_set_runners_that_do_not_come,
);
