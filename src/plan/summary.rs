//! What the passes did, in a few lines for a person who decides: "3 images move to HOST".

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::object::{Change, Pointer};

/// One line per kind of change, in the order images, CA, proxy, pod templates.
pub fn summary(changes: &[Change]) -> Vec<String> {
    let mut moved: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for change in changes {
        if let Some((image, host)) = moved_image(change) {
            moved.entry(host).or_default().insert(image);
        }
    }
    let mut lines: Vec<String> = moved
        .iter()
        .map(|(host, images)| {
            let verb = if images.len() == 1 { "moves" } else { "move" };
            format!("{} {verb} to {host}", counted(images.len(), "image"))
        })
        .collect();
    for (family, what) in [("trust", "gain the CA"), ("proxy", "gain the proxy")] {
        let containers = containers_of(changes, family);
        if containers > 0 {
            let what = if containers == 1 {
                what.replacen("gain", "gains", 1)
            } else {
                what.to_owned()
            };
            lines.push(format!("{} {what}", counted(containers, "container")));
        }
    }
    let merged = changes
        .iter()
        .filter(|change| {
            change.rule.to_lowercase().starts_with("podtemplate")
                || change.rule.contains("podTemplate")
        })
        .map(|change| &change.object)
        .collect::<BTreeSet<_>>()
        .len();
    if merged > 0 {
        lines.push(format!(
            "{} follow{} your podTemplate",
            counted(merged, "object"),
            if merged == 1 { "s" } else { "" }
        ));
    }
    lines
}

/// `1 object`, `2 objects`.
pub fn counted(count: usize, what: &str) -> String {
    match what.strip_suffix('y') {
        _ if count == 1 => format!("{count} {what}"),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{count} {stem}ies"),
        _ => format!("{count} {what}s"),
    }
}

/// The image as it was, and the host that it comes from now.
fn moved_image(change: &Change) -> Option<(String, String)> {
    let image = |value: &Option<Value>| {
        let text = value.as_ref()?.as_str()?;
        // `--docker-image=HOST/docker:dind`
        Some(text.rsplit('=').next().unwrap_or(text).to_owned())
    };
    let (before, after) = (image(&change.before)?, image(&change.after)?);
    let host = after.split('/').next()?;
    let is_host = after.contains('/') && (host.contains('.') || host.contains(':'));
    // Only an image keeps its last path segment under another host.
    let last = |text: &str| text.rsplit('/').next().map(str::to_owned);
    (is_host && before != after && last(&before) == last(&after)).then(|| (before, host.to_owned()))
}

/// Distinct containers that changes of one pass touch; an object without containers counts once.
fn containers_of(changes: &[Change], family: &str) -> usize {
    changes
        .iter()
        .filter(|change| change.rule.starts_with(family) && change.after.is_some())
        .filter_map(|change| {
            container_of(&change.pointer).map(|container| (&change.object, container))
        })
        .collect::<BTreeSet<_>>()
        .len()
}

fn container_of(pointer: &Pointer) -> Option<String> {
    let text = pointer.as_str();
    let (at, list) = ["/initContainers/", "/containers/"]
        .iter()
        .find_map(|list| text.find(list).map(|at| (at, list.len())))?;
    let rest = &text[at + list..];
    let index = rest.split('/').next().unwrap_or_default();
    Some(format!("{}{index}", &text[..at + list]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::ObjectRef;

    fn change(pointer: &str, before: Option<&str>, after: &str, rule: &str) -> Change {
        Change {
            object: ObjectRef::new("apps/v1", "Deployment", Some("ns"), "a"),
            pointer: Pointer::new(pointer),
            before: before.map(|text| json!(text)),
            after: Some(json!(after)),
            rule: rule.to_owned(),
        }
    }

    #[test]
    fn images_are_counted_once_by_host_and_containers_once_by_pass() {
        let changes = [
            change(
                "/spec/containers/0/image",
                Some("quay.io/brancz/x:1"),
                "h.corp/brancz/x:1",
                "r",
            ),
            change(
                "/spec/containers/1/image",
                Some("quay.io/brancz/x:1"),
                "h.corp/brancz/x:1",
                "r",
            ),
            change(
                "/spec/containers/0/args/2",
                Some("--docker-image=docker:29"),
                "--docker-image=h.corp/library/docker:29",
                "r",
            ),
            change("/spec/containers/0/env/0", None, "x", "trust: SSL_CERT_DIR"),
            change(
                "/spec/containers/0/volumeMounts/1",
                None,
                "x",
                "trust: SSL_CERT_DIR",
            ),
            change("/spec/containers/1/env/4", None, "x", "proxy: https_proxy"),
            change(
                "/spec/initContainers/1/env/4",
                None,
                "x",
                "proxy: https_proxy",
            ),
        ];
        assert_eq!(
            summary(&changes),
            [
                "2 images move to h.corp",
                "1 container gains the CA",
                "2 containers gain the proxy"
            ]
        );
    }

    #[test]
    fn nothing_changed_says_nothing() {
        assert!(summary(&[]).is_empty());
    }
}
