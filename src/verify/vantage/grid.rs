//! All places side by side, and what follows from them.

use serde::Serialize;

use super::column::{Column, State};
use super::judge::{Blocked, Hop};
use crate::checks::Finding;
use crate::failure::Details;
use crate::plan::vantage::{Asked, Need, Place, Spot, Target, need};

/// The whole grid.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grid {
    /// The rows.
    pub targets: Vec<Target>,
    /// The columns.
    pub places: Vec<PlaceShown>,
    /// Every cell, row by row.
    pub cells: Vec<Cell>,
}

/// A column's head.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceShown {
    /// Its title.
    pub name: String,
    /// Which it is.
    #[serde(flatten)]
    pub place: Place,
    /// In what the probe differs from what it stands for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// Why the place could not be looked from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Details>,
}

/// One target from one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cell {
    /// Name of the target.
    pub target: String,
    /// Name of the place.
    pub place: String,
    /// Whether something in this place does not work without it.
    pub is_needed: bool,
    /// What is known.
    #[serde(flatten)]
    pub state: State,
}

/// Puts columns side by side. Of cells that fail for one reason, one is told and the others are behind it.
pub fn grid(targets: Vec<Target>, columns: Vec<Column>, is_scale_set: bool) -> Grid {
    let mut cells: Vec<(usize, Cell)> = Vec::new();
    let mut places = Vec::new();
    for mut column in columns {
        let needs: Vec<bool> = targets
            .iter()
            .map(|target| need(&column.place, target, is_scale_set) == Need::Needed)
            .collect();
        fold(&targets, &needs, &mut column.states);
        if column.place.spot == Spot::Dind {
            fold_mirrors(&targets, &mut column.states);
        }
        let name = column.place.to_string();
        let states = column.states.into_iter().zip(&targets).zip(&needs);
        for (row, ((state, target), is_needed)) in states.enumerate() {
            cells.push((
                row,
                Cell {
                    target: target.name.clone(),
                    place: name.clone(),
                    is_needed: *is_needed,
                    state,
                },
            ));
        }
        places.push(PlaceShown {
            name,
            place: column.place,
            remarks: column.remarks,
            failure: column.failure,
        });
    }
    cells.sort_by_key(|(row, _)| *row);
    Grid {
        targets,
        places,
        cells: cells.into_iter().map(|(_, cell)| cell).collect(),
    }
}

/// Marks what only repeats another cell of the same place: everything behind a proxy that is not reached, and what asks the
/// same server in vain. The one that stays is one that something needs.
fn fold(targets: &[Target], needs: &[bool], states: &mut [State]) {
    let proxy = targets
        .iter()
        .position(|target| target.asked == Asked::Proxy);
    if let Some(proxy) = proxy
        && let Some(State::Blocked(root)) = states.get(proxy).cloned()
    {
        let same = |row: usize, blocked: &Blocked| row != proxy && blocked.hop == root.hop;
        behind(targets, states, proxy, same);
    }
    for wanted in [true, false] {
        for row in 0..states.len() {
            if needs.get(row) != Some(&wanted) {
                continue;
            }
            let Some(State::Blocked(root)) = states.get(row).cloned() else {
                continue;
            };
            if root.hop == Hop::Http {
                continue;
            }
            let host = targets.get(row).map(Target::host);
            let same = |other: usize, blocked: &Blocked| {
                other != row
                    && targets.get(other).map(Target::host) == host
                    && targets
                        .get(other)
                        .is_some_and(|target| target.asked != Asked::Proxy)
                    && (blocked.hop, &blocked.brief) == (root.hop, &root.brief)
            };
            behind(targets, states, row, same);
        }
    }
}

/// Of registries that a Docker daemon finds in one mirror, the first tells of it.
fn fold_mirrors(targets: &[Target], states: &mut [State]) {
    let place = |row: usize| {
        let mirror = targets.get(row)?.mirror.as_deref()?;
        mirror.split('/').next()
    };
    for row in 0..states.len() {
        let Some(State::Blocked(root)) = states.get(row).cloned() else {
            continue;
        };
        let same = |other: usize, blocked: &Blocked| {
            other > row
                && place(row).is_some()
                && place(other) == place(row)
                && blocked.brief == root.brief
        };
        behind(targets, states, row, same);
    }
}

fn behind(
    targets: &[Target],
    states: &mut [State],
    root: usize,
    is_same: impl Fn(usize, &Blocked) -> bool,
) {
    let what = targets.get(root).map(|target| target.name.clone());
    for (row, state) in states.iter_mut().enumerate() {
        if let State::Blocked(blocked) = state
            && is_same(row, blocked)
        {
            *state = State::Behind {
                what: what.clone().unwrap_or_default(),
            };
        }
    }
}

impl Grid {
    /// One finding for each cell that is red and needed, and for each place that could not be looked from; an unknown one for
    /// each needed cell that nobody could look at.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = Vec::new();
        for cell in self.cells.iter().filter(|cell| cell.is_needed) {
            let subject = format!("{} → {}", cell.place, cell.target);
            match &cell.state {
                State::Blocked(blocked) => {
                    findings.push(Finding::failed(blocked.code, subject).why(blocked.told()));
                }
                State::Unproven { why } if !self.has_failed(&cell.place) => {
                    findings.push(Finding::unknown("vantage-unproven", subject).why(why));
                }
                _ => {}
            }
        }
        // A place whose image was not pulled is told of by the nodes' cell.
        let told = |code: &str| findings.iter().any(|finding| finding.id == code);
        let untold: Vec<Finding> = self
            .places
            .iter()
            .filter_map(|place| Some((place, place.failure.as_ref()?)))
            .filter(|(_, failure)| !told(&failure.code))
            .map(|(place, failure)| of_place(place, failure))
            .collect();
        findings.extend(untold);
        findings.into_iter().map(Finding::complete).collect()
    }

    fn has_failed(&self, place: &str) -> bool {
        let mut places = self.places.iter();
        places.any(|one| one.name == place && one.failure.is_some())
    }
}

fn of_place(place: &PlaceShown, failure: &Details) -> Finding {
    let mut finding = Finding::failed(&failure.code, place.name.clone())
        .why("its probe did not run: nothing is known of this place")
        .why(failure.what.clone());
    for why in &failure.why {
        finding = finding.why(why.clone());
    }
    for evidence in &failure.evidence {
        finding = finding.evidence(evidence.clone());
    }
    for remedy in &failure.remedy {
        finding = finding.remedy(remedy.clone());
    }
    finding
}

impl Blocked {
    /// Hop and words in one line.
    pub fn told(&self) -> String {
        if self.why.is_empty() {
            self.brief.clone()
        } else {
            format!("{}: {}", self.brief, self.why)
        }
    }
}

#[cfg(test)]
#[path = "grid_tests.rs"]
mod tests;
