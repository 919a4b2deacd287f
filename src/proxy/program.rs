//! The programs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A program that makes connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// Go's net/http: ARC's controller and listener, kubectl.
    Go,
    /// GitHub's runner itself, a .NET program.
    Runner,
    /// `@actions/http-client`, of which most JavaScript actions are made.
    Node,
    /// curl 7.86 and newer.
    Curl,
    /// git, which asks libcurl.
    Git,
    /// GNU wget.
    Wget,
    /// Python's urllib.
    Urllib,
    /// Python's requests from 2.34 on.
    Requests,
    /// requests before 2.34, and pip, which has one of them built in.
    OldRequests,
    /// Java's own HTTP clients.
    Java,
    /// dockerd: Go, by its own environment or `proxies` of daemon.json.
    Dockerd,
}

/// Every program, in the order in which they are told.
pub const PROGRAMS: [Program; 11] = [
    Program::Go,
    Program::Runner,
    Program::Node,
    Program::Curl,
    Program::Git,
    Program::Wget,
    Program::Urllib,
    Program::Requests,
    Program::OldRequests,
    Program::Java,
    Program::Dockerd,
];

impl Program {
    /// Where ARC's users meet it.
    pub fn used_by(self) -> &'static str {
        match self {
            Self::Go => "controller, listener, kubectl",
            Self::Runner => "the runner itself (.NET)",
            Self::Node => "JavaScript actions (@actions/http-client)",
            Self::Curl => "curl in steps",
            Self::Git => "git: actions/checkout",
            Self::Wget => "wget in steps",
            Self::Urllib => "Python's urllib",
            Self::Requests => "Python's requests, 2.34 and newer",
            Self::OldRequests => "requests before 2.34, pip",
            Self::Java => "Maven, Gradle",
            Self::Dockerd => "image pulls of dind",
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Go => "Go",
            Self::Runner => "runner",
            Self::Node => "Node",
            Self::Curl => "curl",
            Self::Git => "git",
            Self::Wget => "wget",
            Self::Urllib => "urllib",
            Self::Requests => "requests",
            Self::OldRequests => "pip",
            Self::Java => "Java",
            Self::Dockerd => "dockerd",
        })
    }
}
