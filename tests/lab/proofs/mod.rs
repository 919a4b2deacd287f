//! What the lab proves, a topic a file.

mod company;
mod dockerd;
mod failures;
mod flapping;
mod interrupted;
mod layers;
mod node;
mod pod_security;
mod predictions;
mod pull_test;
mod repair;
mod story;
mod traffic;
mod trust;
mod vantage;

use crate::harness::Topic;

/// Those that hold.
pub(crate) const TOPICS: &[Topic] = &[
    node::TOPIC,
    company::TOPIC,
    flapping::TOPIC,
    story::LEGACY,
    story::SCALE_SET,
    dockerd::TOPIC,
    layers::TOPIC,
    repair::LEGACY,
    repair::EVERYTHING,
    repair::SCALE_SET,
    pull_test::legacy::TOPIC,
    pull_test::scale_set::TOPIC,
    pod_security::LEGACY,
    pod_security::LEGACY_CONTROLLER,
    pod_security::SCALE_SET,
    pod_security::SCALE_SET_CONTROLLER,
    traffic::LEGACY,
    traffic::SCALE_SET,
    predictions::LEGACY,
    predictions::SCALE_SET,
    vantage::LEGACY,
    vantage::SCALE_SET,
    // Last of those that share an install: they take something away from it, and put it back.
    trust::LEGACY,
    trust::SCALE_SET,
    failures::LEGACY,
    failures::SCALE_SET,
    interrupted::TOPIC,
];

/// Those that were not yet seen to hold each time; they run where a filter names them.
pub(crate) const OPEN: &[Topic] = &[failures::BEFORE];
