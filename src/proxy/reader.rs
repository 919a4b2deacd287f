//! One program with what it has read of its environment, and what it decides.

use super::destination::Destination;
use super::go::{self, NoProxy};
use super::program::Program;
use super::variables::Variables;
use super::{curl, dotnet, java, node, requests, urllib, wget};

/// Which way a program goes, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'a> {
    /// True for the direct way.
    pub is_direct: bool,
    /// Why.
    pub why: Why<'a>,
}

/// Why a program goes a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why<'a> {
    /// Direct: it reads no variable that is set.
    NoVariable,
    /// Direct: the program's own rule for this machine.
    Loopback,
    /// Direct: this entry, as the program has read it.
    Entry(&'a str),
    /// Through the proxy that this variable, or property of Java, names: no entry covers the destination.
    Variable(&'static str),
}

/// A program that has read its environment.
#[derive(Debug, Clone)]
pub struct Reader {
    program: Program,
    http: Option<&'static str>,
    https: Option<&'static str>,
    list: List,
}

#[derive(Debug, Clone)]
enum List {
    Go(NoProxy),
    Runner(dotnet::List),
    Node(node::List),
    Curl(curl::List),
    Wget(wget::List),
    Urllib(urllib::List),
    Requests(requests::List),
    Java(java::List),
}

impl Reader {
    /// Has a program read its variables.
    pub fn new(program: Program, variables: &Variables) -> Self {
        let text = variables.list_of(program);
        let by_requests = |any_end| {
            let list = requests::List::parse(text, variables.first_list(), any_end);
            List::Requests(list)
        };
        let list = match program {
            Program::Go | Program::Dockerd => List::Go(NoProxy::parse(text)),
            Program::Runner => List::Runner(dotnet::List::parse(text)),
            Program::Node => List::Node(node::List::parse(text)),
            Program::Curl | Program::Git => List::Curl(curl::List::parse(text)),
            Program::Wget => List::Wget(wget::List::parse(text)),
            Program::Urllib => List::Urllib(urllib::List::parse(text)),
            Program::Requests => by_requests(false),
            Program::OldRequests => by_requests(true),
            Program::Java => return Self::java(variables.java_options().unwrap_or_default()),
        };
        Self {
            program,
            http: variables.proxy(program, false),
            https: variables.proxy(program, true),
            list,
        }
    }

    fn java(options: &str) -> Self {
        let properties = java::Properties::parse(options);
        Self {
            program: Program::Java,
            http: properties.http.then_some("http.proxyHost"),
            https: properties.https.then_some("https.proxyHost"),
            list: List::Java(java::List::parse(properties.direct.as_deref())),
        }
    }

    /// True for a program that has no proxy for any destination.
    pub fn has_no_proxy(&self) -> bool {
        self.http.is_none() && self.https.is_none()
    }

    /// Which way it goes to a destination.
    pub fn decide(&self, to: &Destination) -> Decision<'_> {
        let variable = if to.is_secure { self.https } else { self.http };
        let why = match (variable, self.is_loopback(to)) {
            (None, _) => Why::NoVariable,
            (Some(_), true) => Why::Loopback,
            (Some(variable), false) => match self.covering(to) {
                Some(entry) if self.program == Program::Java && java::is_default(entry) => {
                    Why::Loopback
                }
                Some(entry) => Why::Entry(entry),
                None => Why::Variable(variable),
            },
        };
        Decision {
            is_direct: !matches!(why, Why::Variable(_)),
            why,
        }
    }

    fn is_loopback(&self, to: &Destination) -> bool {
        match self.list {
            List::Go(_) => go::is_loopback(to),
            List::Runner(_) => dotnet::is_loopback(to),
            List::Node(_) => node::is_loopback(to),
            _ => false,
        }
    }

    fn covering(&self, to: &Destination) -> Option<&str> {
        match &self.list {
            List::Go(list) => list.covering(to),
            List::Runner(list) => list.covering(to),
            List::Node(list) => list.covering(to),
            List::Curl(list) => list.covering(to),
            List::Wget(list) => list.covering(to),
            List::Urllib(list) => list.covering(to),
            List::Requests(list) => list.covering(to),
            List::Java(list) => list.covering(to),
        }
    }
}
