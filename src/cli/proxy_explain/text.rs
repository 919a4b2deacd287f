//! What `proxy explain` says to a person.

use crate::proxy::{Idle, PROGRAMS, Program, Row, forms};
use crate::ui::{foreign, table};

use super::{Answer, Judged};

pub(super) fn text(answer: &Answer) -> String {
    let whose = match answer.judged {
        Judged::Install => "NO_PROXY that an install sets",
        Judged::List => "NO_PROXY as given",
        Judged::Environment => "NO_PROXY of this shell",
    };
    let list = match answer.no_proxy.as_str() {
        "" => "nothing",
        list => list,
    };
    let mut lines = vec![format!("{whose}: {list}"), String::new()];
    lines.extend(grid(answer));
    lines.push(String::new());
    for row in &answer.grid.rows {
        reasons(answer, row, &mut lines);
    }
    silent_lines(answer, &mut lines);
    idle_lines(&answer.idle, &mut lines);
    if !answer.notes.is_empty() {
        lines.push(String::new());
    }
    lines.extend(answer.notes.iter().map(|note| format!("note: {note}")));
    let mut text = String::new();
    for line in lines {
        text.push_str(&foreign::own_line(&line));
        text.push('\n');
    }
    text
}

/// A row for each host, a column for each program.
fn grid(answer: &Answer) -> Vec<String> {
    let mut heading = vec!["HOST".to_owned()];
    heading.extend(PROGRAMS.iter().map(ToString::to_string));
    let mut rows = vec![heading];
    for row in &answer.grid.rows {
        let mut cells = vec![row.url.clone()];
        cells.extend(row.cells.iter().map(|cell| cell.way.to_owned()));
        if row.disagrees {
            cells.push("<- they disagree".to_owned());
        }
        rows.push(cells);
    }
    table::columns(&rows).lines().map(str::to_owned).collect()
}

/// Programs that have a proxy for no destination.
fn silent(answer: &Answer) -> Vec<Program> {
    let columns = answer.grid.columns.iter();
    let silent = columns.filter(|column| column.has_no_proxy);
    silent.map(|column| column.program).collect()
}

/// Why, with programs of one reason together.
fn reasons(answer: &Answer, row: &Row, lines: &mut Vec<String>) {
    let silent = silent(answer);
    let mut told: Vec<(&str, &str, Vec<String>)> = Vec::new();
    for cell in &row.cells {
        if silent.contains(&cell.program) {
            continue;
        }
        let program = cell.program.to_string();
        match told
            .iter_mut()
            .find(|(way, why, _)| *way == cell.way && *why == cell.why)
        {
            Some((_, _, programs)) => programs.push(program),
            None => told.push((cell.way, &cell.why, vec![program])),
        }
    }
    if let [(way, why, _)] = told.as_slice() {
        lines.push(format!("{}: {way}, {why}", row.url));
        return;
    }
    if told.is_empty() {
        return;
    }
    lines.push(if row.disagrees {
        format!("{}: programs disagree", row.url)
    } else {
        row.url.clone()
    });
    for (way, why, programs) in told {
        lines.push(format!("  {way:<6}  {}: {why}", programs.join(", ")));
    }
}

fn silent_lines(answer: &Answer, lines: &mut Vec<String>) {
    let silent = silent(answer);
    let first = answer.grid.rows.first();
    for program in silent {
        let cell = first.and_then(|row| row.cells.iter().find(|cell| cell.program == program));
        if let Some(cell) = cell {
            lines.push(format!("{program}: direct everywhere, {}", cell.why));
        }
    }
}

fn idle_lines(idle: &[Idle], lines: &mut Vec<String>) {
    let mut rows = Vec::new();
    for one in idle.iter().filter(|one| !one.programs.is_empty()) {
        let names: Vec<String> = one.programs.iter().map(ToString::to_string).collect();
        rows.push(vec![
            format!("  - {}", one.entry),
            format!("for {}", names.join(", ")),
            advice(&one.entry),
        ]);
    }
    if !rows.is_empty() {
        lines.push(String::new());
        lines.push("entries that do nothing".to_owned());
        lines.extend(table::columns(&rows).lines().map(str::to_owned));
    }
    let harmless: Vec<&str> = idle
        .iter()
        .filter(|one| one.programs.is_empty())
        .map(|one| one.entry.as_str())
        .collect();
    if !harmless.is_empty() {
        lines.push(format!(
            "where these do nothing, another entry does it for them: {}",
            harmless.join(", ")
        ));
    }
}

/// What to write in place of an entry; nothing where there is no better form.
fn advice(entry: &str) -> String {
    let better = forms(entry).join(",");
    if entry.contains('/') && !entry.contains("://") {
        "keep it, and name hosts or addresses beside it".to_owned()
    } else if better.is_empty() || better.split(',').any(|one| one == entry) {
        String::new()
    } else {
        format!("write {better}")
    }
}
