//! Modules of one folder that import each other are one module in two files.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, sources};
use super::{assert_none, root};

/// Who imports whom, by the names of the modules in one folder.
type Arrows = BTreeSet<(String, String)>;

/// The arrows between the modules of each folder.
fn arrows(sources: &[Source]) -> BTreeMap<String, Arrows> {
    let modules: BTreeSet<&str> = sources.iter().map(|one| one.module.as_str()).collect();
    let mut arrows: BTreeMap<String, Arrows> = BTreeMap::new();
    // Unit tests in files of their own see everything.
    for source in sources.iter().filter(|one| !one.module.ends_with("_tests")) {
        let imported = source.paths.iter();
        for path in imported.filter_map(|path| path.text.strip_prefix("crate::")) {
            let parts = |path: &'_ str| path.split("::").map(str::to_owned).collect::<Vec<_>>();
            let (from, to) = (parts(&source.module), parts(path));
            let shared = from.iter().zip(&to).take_while(|(one, other)| one == other);
            let depth = shared.count();
            // A folder's own file and what is in it may know each other.
            if let (Some(one), Some(other)) = (from.get(depth), to.get(depth))
                && modules.contains(to[..=depth].join("::").as_str())
            {
                let folder = arrows.entry(from[..depth].join("::")).or_default();
                folder.insert((one.clone(), other.clone()));
            }
        }
    }
    arrows
}

/// The arrows that lead back to where they begin, around however many corners.
fn knot(mut arrows: Arrows) -> Arrows {
    loop {
        let (from, to): (BTreeSet<_>, BTreeSet<_>) = arrows.iter().cloned().unzip();
        let before = arrows.len();
        arrows.retain(|(one, other)| to.contains(one) && from.contains(other));
        if arrows.len() == before {
            return arrows;
        }
    }
}

#[test]
fn neighbours_do_not_import_each_other() {
    let mut violations = Vec::new();
    for (folder, arrows) in arrows(&sources(&root().join("src"))) {
        let told = |(one, other)| format!("{folder}: {one} → {other}, and back");
        violations.extend(knot(arrows).into_iter().map(told));
    }
    assert_none(&violations);
}

#[test]
fn a_knot_is_found_around_corners() {
    let text = |file: &str, text: &str| Source::parse(file, text);
    let sources = [
        text("src/plan/one.rs", "use super::two::inner::Two;\n"),
        text(
            "src/plan/two/inner.rs",
            "use crate::plan::{three::Three, four};\n",
        ),
        text("src/plan/two.rs", ""),
        text("src/plan/three.rs", "fn three() { super::one::one() }\n"),
        text("src/plan/four.rs", ""),
        text("src/plan/five.rs", "use super::one::One;\n"),
    ];
    let knot: Vec<_> = knot(arrows(&sources).remove("plan").unwrap())
        .into_iter()
        .map(|(one, other)| format!("{one} → {other}"))
        .collect();
    assert_eq!(knot, ["one → two", "three → one", "two → three"]);
}
