//! Appends the company's authorities and proxy to the containers of a live object; replaces nothing that stands there.

use serde::Serialize;
use serde_json::Value;

use super::edit::Edit;
use crate::object::Pointer;
use crate::rewrite::injection::Injection;

/// What was put into a container or a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InjectedInto {
    /// `container app`, `pod`.
    pub place: String,
    /// Variables by their names, mounts by their paths, volumes by their names.
    pub what: Vec<String>,
}

/// Appends what every container lacks; returns where and what.
pub(super) fn append(
    edit: &mut Edit<'_>,
    injection: &Injection,
    notes: &mut Vec<String>,
) -> Vec<InjectedInto> {
    let lacking = injection.lacking(edit.object());
    let mut all: Vec<InjectedInto> = Vec::new();
    for (at, name) in &lacking.kept {
        let holder = at.parent().and_then(|list| list.parent());
        let place = holder.map_or_else(String::new, |holder| place(edit.object(), &holder));
        notes.push(format!("{place}: {name} is set already and stays"));
    }
    for (list, item) in lacking.additions {
        let Some(holder) = list.parent() else {
            continue;
        };
        let place = place(edit.object(), &holder);
        let key = |key: &str| item.get(key).and_then(Value::as_str);
        let what = key("mountPath").or_else(|| key("name"));
        let what = what.unwrap_or_default().to_owned();
        edit.append(&list, item);
        match all.iter_mut().find(|one| one.place == place) {
            Some(one) => one.what.push(what),
            None => all.push(InjectedInto {
                place,
                what: vec![what],
            }),
        }
    }
    all
}

/// A container has a name and a pod has none; a legacy Runner's own lists are its runner's.
fn place(object: &Value, holder: &Pointer) -> String {
    let name = holder.child("name").get(object).and_then(Value::as_str);
    name.map_or_else(|| "pod".to_owned(), |name| format!("container {name}"))
}
