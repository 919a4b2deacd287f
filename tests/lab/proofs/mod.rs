//! What the lab proves, a topic a file.

mod company;
mod dockerd;
mod node;

use crate::harness::Topic;

pub(crate) const TOPICS: &[Topic] = &[node::TOPIC, company::TOPIC, dockerd::TOPIC];
