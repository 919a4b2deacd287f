//! What the lab proves, a topic a file.

mod company;
mod dockerd;
mod failures;
mod flapping;
mod interrupted;
mod node;
mod pod_security;
mod pull_test;
mod repair;
mod story;
mod traffic;
mod trust;

use crate::harness::Topic;

/// Those that hold.
pub(crate) const TOPICS: &[Topic] = &[
    node::TOPIC,
    company::TOPIC,
    flapping::TOPIC,
    story::LEGACY,
    story::SCALE_SET,
    traffic::LEGACY,
    trust::LEGACY,
    pod_security::LEGACY,
    failures::LEGACY,
    failures::SCALE_SET,
    interrupted::TOPIC,
];

/// Those that were not yet seen to hold each time; they run where a filter names them.
pub(crate) const OPEN: &[Topic] = &[
    dockerd::TOPIC,
    traffic::SCALE_SET,
    trust::SCALE_SET,
    pod_security::SCALE_SET,
    repair::LEGACY,
    repair::SCALE_SET,
    failures::BEFORE,
    pull_test::legacy::TOPIC,
    pull_test::scale_set::TOPIC,
];
