//! What the lab proves, a topic a file.

mod node;

use crate::harness::Topic;

pub(crate) const TOPICS: &[Topic] = &[node::TOPIC];
