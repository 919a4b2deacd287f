//! The grid of `proxy explain`: every destination beside every program.

use serde::Serialize;

use super::destination::Destination;
use super::program::{PROGRAMS, Program};
use super::reader::{Reader, Why};
use super::variables::Variables;

/// Every destination beside every program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grid {
    /// The programs, in the order of the cells.
    pub columns: Vec<Column>,
    /// The destinations.
    pub rows: Vec<Row>,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// The program.
    pub program: Program,
    /// Where users meet it.
    pub used_by: &'static str,
    /// True where it has a proxy for no destination: then nothing is said by its direct way.
    pub has_no_proxy: bool,
}

/// A destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The destination as a URL without a path.
    pub url: String,
    /// True where programs go different ways; Java counts where an option gives it a proxy.
    pub disagrees: bool,
    /// What each program does.
    pub cells: Vec<Cell>,
}

/// What a program does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cell {
    /// The program.
    pub program: Program,
    /// `direct` or `proxy`.
    pub way: &'static str,
    /// Why, as a person says it.
    pub why: String,
    /// The entry of NO_PROXY that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// The variable, or property of Java, that names the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variable: Option<&'static str>,
}

/// Has every program decide about every destination.
pub fn explain(variables: &Variables, destinations: &[Destination]) -> Grid {
    let readers: Vec<(Program, Reader)> = PROGRAMS
        .into_iter()
        .map(|program| (program, Reader::new(program, variables)))
        .collect();
    let columns = readers.iter().map(|(program, reader)| Column {
        program: *program,
        used_by: program.used_by(),
        has_no_proxy: reader.has_no_proxy(),
    });
    Grid {
        columns: columns.collect(),
        rows: destinations.iter().map(|to| row(&readers, to)).collect(),
    }
}

fn row(readers: &[(Program, Reader)], to: &Destination) -> Row {
    let mut ways: Vec<bool> = Vec::new();
    let cells = readers.iter().map(|(program, reader)| {
        let decision = reader.decide(to);
        // Java reads none of these variables, ever: it would disagree with everybody.
        let is_asked = *program != Program::Java || !reader.has_no_proxy();
        if is_asked && !ways.contains(&decision.is_direct) {
            ways.push(decision.is_direct);
        }
        Cell {
            program: *program,
            way: if decision.is_direct {
                "direct"
            } else {
                "proxy"
            },
            why: said(*program, reader, decision.why, to),
            entry: match decision.why {
                Why::Entry(entry) => Some(entry.to_owned()),
                _ => None,
            },
            variable: match decision.why {
                Why::Variable(variable) => Some(variable),
                _ => None,
            },
        }
    });
    Row {
        url: to.to_string(),
        cells: cells.collect(),
        disagrees: ways.len() > 1,
    }
}

fn said(program: Program, reader: &Reader, why: Why<'_>, to: &Destination) -> String {
    let scheme = if to.is_secure { "https" } else { "http" };
    match why {
        Why::NoVariable if program == Program::Java => {
            "reads no variables; -Dhttps.proxyHost is not set".to_owned()
        }
        Why::NoVariable if reader.has_no_proxy() => "reads no variable that is set".to_owned(),
        Why::NoVariable => format!("reads no variable that is set for {scheme}"),
        Why::Loopback => "loopback is always direct to it".to_owned(),
        Why::Entry(entry) => format!("entry {entry}"),
        Why::Variable(_) => "no entry covers it".to_owned(),
    }
}
