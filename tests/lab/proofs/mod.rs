//! What the lab proves, a topic a file.

mod company;
mod dockerd;
mod node;
mod pull_test;

use crate::harness::Topic;

pub(crate) const TOPICS: &[Topic] = &[
    node::TOPIC,
    company::TOPIC,
    dockerd::TOPIC,
    pull_test::legacy::TOPIC,
    pull_test::scale_set::TOPIC,
];
