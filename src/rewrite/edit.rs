//! Small edits of a manifest, each told as a [`Change`].

use serde_json::{Value, json};

use crate::object::pods::{Role, Site};
use crate::object::{Change, Manifest, Pointer};

/// Writes changes into one manifest.
#[derive(Debug)]
pub(super) struct Editor<'a> {
    pub(super) manifest: &'a mut Manifest,
    pub(super) changes: &'a mut Vec<Change>,
}

impl Editor<'_> {
    /// Puts a value; nothing happens where it stands already or the way is blocked.
    pub(super) fn put(&mut self, pointer: &Pointer, value: Value, rule: &str) {
        if pointer.get(&self.manifest.object) == Some(&value) {
            return;
        }
        if let Ok(before) = pointer.put(&mut self.manifest.object, value.clone()) {
            self.tell(pointer, before, Some(value), rule);
        }
    }

    /// Puts a value only where nothing stands; something else is kept and told.
    pub(super) fn put_absent(&mut self, pointer: &Pointer, value: Value, rule: &str) {
        match pointer.get(&self.manifest.object).cloned() {
            None | Some(Value::Null) => self.put(pointer, value, rule),
            Some(kept) if kept != value => self.keep(pointer, &kept, rule),
            Some(_) => {}
        }
    }

    /// Appends to a list, making it where it is absent.
    pub(super) fn append(&mut self, list: &Pointer, item: Value, rule: &str) {
        let items = list.get(&self.manifest.object).and_then(Value::as_array);
        let length = items.map_or(0, Vec::len);
        if items.is_none() && list.put(&mut self.manifest.object, json!([])).is_err() {
            return;
        }
        self.put(&list.index(length), item, rule);
    }

    /// Appends an item that is told by the text of `key`; one that is there is kept.
    pub(super) fn append_keyed(&mut self, list: &Pointer, key: &str, item: Value, rule: &str) {
        match position(&self.manifest.object, list, key, item.get(key)) {
            None => self.append(list, item, rule),
            Some(index) => self.put_absent(&list.index(index), item, rule),
        }
    }

    /// Adds a variable to a container; one of that name that is there is kept.
    pub(super) fn variable(&mut self, site: &Site, name: &str, value: &str, rule: &str) {
        self.append_keyed(
            &site.env,
            "name",
            json!({"name": name, "value": value}),
            rule,
        );
    }

    /// A variable of a container, as it stands there.
    pub(super) fn variable_of(&self, site: &Site, name: &str) -> Option<&Value> {
        let items = site.env.get(&self.manifest.object)?.as_array()?;
        items
            .iter()
            .find(|item| item.get("name") == Some(&json!(name)))
    }

    /// The value of a variable, where it is written out.
    pub(super) fn value_of(&self, site: &Site, name: &str) -> Option<&Value> {
        self.variable_of(site, name)?.get("value")
    }

    /// Mounts a volume, which is added to the pod. Where the user mounts something there or below, that is
    /// kept: nothing can be mounted inside a read-only volume.
    pub(super) fn mount(&mut self, site: &Site, volume: &Value, path: &str, rule: &str) {
        let mounts = site
            .mounts
            .get(&self.manifest.object)
            .and_then(Value::as_array);
        let below = format!("{path}/");
        let taken = mounts.into_iter().flatten().position(|mount| {
            let at = mount
                .get("mountPath")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let ours = mount.get("name") == volume.get("name");
            (at == path && !ours) || at.starts_with(&below)
        });
        if let Some(index) = taken {
            let at = site.mounts.index(index);
            if let Some(kept) = at.get(&self.manifest.object).cloned() {
                self.keep(&at, &kept, rule);
            }
            return;
        }
        self.append_keyed(&site.volumes(), "name", volume.clone(), rule);
        let mount = json!({"name": volume["name"], "mountPath": path, "readOnly": true});
        self.append_keyed(&site.mounts, "mountPath", mount, rule);
    }

    /// Tells of what stands there that it stays.
    pub(super) fn keep_at(&mut self, pointer: &Pointer, rule: &str) {
        if let Some(kept) = pointer.get(&self.manifest.object).cloned() {
            self.keep(pointer, &kept, rule);
        }
    }

    /// Tells that something stays although a pass would have put something else.
    fn keep(&mut self, pointer: &Pointer, kept: &Value, rule: &str) {
        let rule = format!("{rule}: kept, it was set already");
        self.tell(pointer, Some(kept.clone()), Some(kept.clone()), &rule);
    }

    /// Records a change.
    pub(super) fn tell(
        &mut self,
        pointer: &Pointer,
        before: Option<Value>,
        after: Option<Value>,
        rule: &str,
    ) {
        self.changes.push(Change {
            object: self.manifest.reference(),
            pointer: pointer.clone(),
            before,
            after,
            rule: rule.to_owned(),
        });
    }
}

/// The image of a container, else of the runner beside it: legacy kinds write that one beside their lists of containers,
/// a RunnerSet above its pod.
pub(super) fn image_beside(object: &Value, site: &Site, all: &[Site]) -> Option<Value> {
    let runner = all
        .iter()
        .filter(|other| other.pod == site.pod && other.role == Role::Runner)
        .filter_map(|other| other.container.clone());
    site.container
        .iter()
        .cloned()
        .chain(runner)
        .chain([site.pod.pointer.clone(), Pointer::new("/spec")])
        .find_map(|at| at.child("image").get(object).cloned())
}

fn position(object: &Value, list: &Pointer, key: &str, wanted: Option<&Value>) -> Option<usize> {
    let items = list.get(object).and_then(Value::as_array)?;
    items.iter().position(|item| item.get(key) == wanted)
}
