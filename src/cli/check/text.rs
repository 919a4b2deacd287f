//! The grid for a person, and a line of cause and remedy for each cell that is not green.

use crate::checks::catalogue;
use crate::plan::vantage::Target;
use crate::ui::{foreign, table};
use crate::verify::vantage::{Cell, Grid, State};

/// The grid and what is said of it.
pub(super) fn grid(grid: &Grid) -> String {
    let mut head = vec![String::new()];
    head.extend(grid.places.iter().map(|place| place.name.clone()));
    let mut rows = vec![head];
    rows.extend(grid.targets.iter().map(|target| row(grid, target)));
    let mut text = table::columns(&rows);
    let lines = causes(grid)
        .into_iter()
        .chain(failures(grid))
        .chain(unproven(grid))
        .chain(legend(grid))
        .chain(remarks(grid));
    for line in lines {
        text.push_str(&foreign::line(&line));
        text.push('\n');
    }
    text
}

fn row(grid: &Grid, target: &Target) -> Vec<String> {
    let cells = grid.cells.iter().filter(|cell| cell.target == target.name);
    let mut row = vec![target.name.clone()];
    row.extend(cells.map(cell));
    row
}

/// What nothing needs stands in parentheses where it fails.
fn cell(cell: &Cell) -> String {
    let brief = match &cell.state {
        State::Ok { .. } => return "ok".to_owned(),
        State::Never => return "-".to_owned(),
        State::Blocked(blocked) => blocked.brief.clone(),
        State::Behind { .. } => "^".to_owned(),
        State::Unproven { .. } => "?".to_owned(),
    };
    if cell.is_needed {
        brief
    } else {
        format!("({brief})")
    }
}

fn causes(grid: &Grid) -> Vec<String> {
    let mut lines = Vec::new();
    for cell in &grid.cells {
        let State::Blocked(blocked) = &cell.state else {
            continue;
        };
        lines.push(String::new());
        let counted = if cell.is_needed {
            ""
        } else {
            " (nothing there needs it)"
        };
        lines.push(format!(
            "{} → {}: {} [{}]{counted}",
            cell.place,
            cell.target,
            blocked.told(),
            blocked.code
        ));
        if let Some(entry) = catalogue::entry(blocked.code) {
            lines.push(format!("  {}", entry.cause));
            lines.push(format!("  → {}", entry.remedy));
        }
    }
    lines
}

/// Why places could not be looked from.
fn failures(grid: &Grid) -> Vec<String> {
    let mut lines = Vec::new();
    for place in &grid.places {
        let Some(failure) = &place.failure else {
            continue;
        };
        lines.push(String::new());
        lines.push(format!(
            "{}: could not be looked from: {} [{}]",
            place.name, failure.what, failure.code
        ));
        lines.extend(failure.why.iter().map(|why| format!("  {why}")));
        lines.extend(failure.evidence.iter().map(|said| format!("  > {said}")));
        lines.extend(failure.remedy.iter().map(|remedy| format!("  → {remedy}")));
    }
    lines
}

/// One line for each reason of a place.
fn unproven(grid: &Grid) -> Vec<String> {
    let mut lines = Vec::new();
    for place in grid.places.iter().filter(|place| place.failure.is_none()) {
        let mut told: Vec<&str> = Vec::new();
        let cells = grid.cells.iter().filter(|cell| cell.place == place.name);
        for cell in cells {
            let State::Unproven { why } = &cell.state else {
                continue;
            };
            if !told.contains(&why.as_str()) {
                told.push(why);
                lines.push(format!("{}: not proven: {why}", place.name));
            }
        }
    }
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    lines
}

fn legend(grid: &Grid) -> Vec<String> {
    let has = |wanted: fn(&State) -> bool| grid.cells.iter().any(|cell| wanted(&cell.state));
    let mut lines = Vec::new();
    if has(|state| matches!(state, State::Behind { .. })) {
        lines.push("^  fails for the reason that another cell of its column names".to_owned());
    }
    if has(|state| matches!(state, State::Never)) {
        lines.push("-  nothing in this place goes there".to_owned());
    }
    lines.insert(0, String::new());
    lines
}

fn remarks(grid: &Grid) -> Vec<String> {
    let of_place = |place: &crate::verify::vantage::PlaceShown| {
        let name = place.name.clone();
        let told = move |remark: &String| format!("{name}: {remark}");
        place.remarks.iter().map(told).collect::<Vec<_>>()
    };
    grid.places.iter().flat_map(of_place).collect()
}
