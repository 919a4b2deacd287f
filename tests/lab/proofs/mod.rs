//! What the lab proves, a topic a file.

mod company;
mod dockerd;
mod flapping;
mod node;
mod pod_security;
mod pull_test;
mod repair;
mod story;
mod traffic;
mod trust;

use crate::harness::Topic;

pub(crate) const TOPICS: &[Topic] = &[
    node::TOPIC,
    company::TOPIC,
    dockerd::TOPIC,
    flapping::TOPIC,
    story::LEGACY,
    story::SCALE_SET,
    traffic::LEGACY,
    traffic::SCALE_SET,
    trust::LEGACY,
    trust::SCALE_SET,
    pod_security::LEGACY,
    pod_security::SCALE_SET,
    repair::LEGACY,
    repair::SCALE_SET,
    pull_test::legacy::TOPIC,
    pull_test::scale_set::TOPIC,
];
