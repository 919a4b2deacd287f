//! The variables of both policies: from a pod to what becomes of each of its images, step by step as
//! [`ImageReference::parse`](crate::image_ref::ImageReference::parse) and
//! [`RuleSet::decide`](crate::rules::RuleSet::decide) go.
//!
//! Each step is a variable, since each has a cost limit of its own. Nothing is used that Kubernetes 1.34, the first
//! with these policies in beta, does not know in a stored expression.

use super::re2;
use super::table::Table;
use crate::image_ref::{DOCKER_HUB, DOCKER_HUB_ALIASES, NAME_LIMIT};
use crate::plan::patch::ORIGINAL_IMAGES;

/// Longer texts are not looked at, so that a text without end cannot use up what the other images need: host, path,
/// tag and digest of a reference that a registry could ever answer are shorter.
pub(super) const LONGEST_TEXT: usize = 1024;
/// The annotation grows no longer: the API server refuses a pod with more than 256 KiB of them.
const LONGEST_ANNOTATION: usize = 65_536;
/// The variable that a runner in Kubernetes mode takes an image from.
const RUNNER_IMAGE: &str = "ACTIONS_RUNNER_IMAGE";

/// Names and expressions, each needing only those before it.
pub(super) fn variables(table: &Table) -> Vec<(&'static str, String)> {
    vec![
        ("rules", table.rows.clone()),
        ("done", table.done.clone()),
        ("images", images()),
        ("references", references()),
        ("split", split()),
        ("names", names()),
        ("open", OPEN.to_owned()),
        ("decided", decided(table.scoped)),
        ("written", WRITTEN.to_owned()),
        ("rewritten", fits("<=")),
        ("overlong", fits(">")),
        ("denied", DENIED.to_owned()),
    ]
}

/// Every image of a new pod; of a pod that gets ephemeral containers only the new ones', since nothing else of it may
/// change.
fn images() -> String {
    let added = "object.spec.?ephemeralContainers.orValue([]).transformList(i, c, \
         has(c.image) && !oldObject.spec.?ephemeralContainers.orValue([]).exists(old, old.name == c.name),\n  \
         {'at': '/spec/ephemeralContainers/' + string(i) + '/image', 'image': string(c.image)})";
    let volumes = "object.spec.?volumes.orValue([]).transformList(i, v, \
         has(v.image) && has(v.image.reference),\n  \
         {'at': '/spec/volumes/' + string(i) + '/image/reference', 'image': string(v.image.reference)})";
    let made: Vec<String> = ["containers", "initContainers"]
        .into_iter()
        .map(field)
        .chain([volumes.to_owned()])
        .chain(["containers", "initContainers"].into_iter().map(variable))
        .collect();
    format!(
        "request.operation == 'UPDATE' ? {added} :\n{}",
        made.join(" +\n")
    )
}

fn field(list: &str) -> String {
    format!(
        "object.spec.?{list}.orValue([]).transformList(i, c, has(c.image),\n  \
         {{'at': '/spec/{list}/' + string(i) + '/image', 'image': string(c.image)}})"
    )
}

/// Of several variables of one name the last one counts.
fn variable(list: &str) -> String {
    let at = format!("c.env.map(e, e.name).lastIndexOf('{RUNNER_IMAGE}')");
    format!(
        "object.spec.?{list}.orValue([]).transformList(i, c, \
         has(c.env) && c.env.exists(e, e.name == '{RUNNER_IMAGE}') && has(c.env[{at}].value),\n  \
         {{'at': '/spec/{list}/' + string(i) + '/env/' + string({at}) + '/value', 'image': string(c.env[{at}].value)}})"
    )
}

/// What can be parsed, apart from its host. 64 hexadecimal digits are an image id.
fn references() -> String {
    format!(
        "variables.images.filter(p, size(p.image) <= {LONGEST_TEXT} && \
         p.image.matches(r'{}') && !p.image.matches('^[0-9a-f]{{64}}$'))\n  \
         .map(p, {{'at': p.at, 'image': p.image, 'first': p.image.contains('/') ? p.image.split('/')[0] : ''}})",
        re2::reference()
    )
}

/// Host and rest. A first component is a host where it has a dot, a colon or an upper-case letter, or is localhost; what
/// looks like one and is none is part of the path, and so is what has no host by its looks, unless it has a bracket.
fn split() -> String {
    let aliases = DOCKER_HUB_ALIASES.map(|alias| format!("'{alias}'"));
    let aliases = aliases.join(", ");
    format!(
        "variables.references\n  \
         .filter(p, !p.first.startsWith('[') || p.first.matches('[:A-Z]'))\n  \
         .map(p, !p.first.matches('^localhost$|[.:A-Z]') ? {{'at': p.at, 'image': p.image, 'host': '{DOCKER_HUB}', 'rest': p.image}} :\n    \
         !p.first.matches(r'^{}$') ? {{'at': p.at, 'image': p.image, 'host': '', 'rest': p.image}} :\n    \
         {{'at': p.at, 'image': p.image, 'host': p.first in [{aliases}] ? '{DOCKER_HUB}' : p.first, 'rest': p.image.substring(size(p.first) + 1)}})",
        re2::host()
    )
}

/// The canonical path, and tag and digest as they are written.
fn names() -> String {
    format!(
        "variables.split\n  \
         .map(p, {{'at': p.at, 'image': p.image, 'host': p.host, 'written': p.rest.split('@')[0].split(':')[0], 'rest': p.rest}})\n  \
         .map(p, {{'at': p.at, 'image': p.image, 'host': p.host, 'suffix': p.rest.substring(size(p.written)),\n    \
         'path': (p.host == '{DOCKER_HUB}' && !p.written.contains('/') ? 'library/' : '') + p.written}})\n  \
         .filter(p, size(p.path) <= {NAME_LIMIT})\n  \
         .map(p, {{'at': p.at, 'image': p.image, 'host': p.host, 'path': p.path, 'suffix': p.suffix,\n    \
         'path_nolib': p.host == '{DOCKER_HUB}' && p.path.startsWith('library/') ? p.path.substring(8) : p.path,\n    \
         'name': (p.host == '' ? '' : p.host + '/') + p.path}})"
    )
}

/// What stands under a target is done.
const OPEN: &str = "variables.names.filter(p, !variables.done.exists(t, p.name.startsWith(t)))";

/// The image with the rules that take it; the first of them decides.
fn decided(scoped: bool) -> String {
    let place = "(!('namespaces' in r) || request.namespace.matches(r.namespaces)) && \
         (!('fields' in r) || ('/' + p.at).matches(r.fields)) && ";
    let (place, open, close) = match scoped {
        true => (place, "(", ")"),
        false => ("", "", ""),
    };
    format!(
        "variables.open\n  \
         .map(p, {{'image': [p], 'rules': variables.rules.filter(r, {place}{open}\n    \
         r.takes == 'below' ? p.name.startsWith(r.what) :\n    \
         r.takes == 'name' ? p.name == r.what :\n    \
         r.takes == 'reference' ? p.name + p.suffix == r.what :\n    \
         r.takes == 'pattern' ? ('/' + p.name).matches(r.what) :\n    \
         r.takes == 'everything'{close})}})\n  \
         .filter(d, size(d.rules) > 0)"
    )
}

/// What the deciding rule makes of each.
const WRITTEN: &str = "variables.decided.filter(d, d.rules[0].does == 'rewrite')
  .map(d, {'at': d.image[0].at, 'image': d.image[0].image, 'rule': d.rules[0].rule, 'suffix': d.image[0].suffix,
    'name': d.rules[0].to.replace('{path}', d.image[0].path).replace('{path_nolib}', d.image[0].path_nolib)})";

const DENIED: &str = "variables.decided.filter(d, d.rules[0].does == 'deny')
  .map(d, d.image[0].image + ' (' + d.rules[0].rule + ')')";

fn fits(how: &str) -> String {
    let fits = format!("variables.written.filter(p, size(p.name) {how} {NAME_LIMIT})");
    match how {
        ">" => format!("{fits}\n  .map(p, p.image + ' (' + p.rule + ')')"),
        _ => format!(
            "{fits}\n  .map(p, {{'at': p.at, 'image': p.image, 'rule': p.rule, 'to': p.name + p.suffix}})"
        ),
    }
}

/// The JSON patch: each image, and on a new pod an annotation with the images as they were written.
pub(super) fn patch() -> String {
    let key = ORIGINAL_IMAGES.replace('~', "~0").replace('/', "~1");
    format!(
        "variables.rewritten.map(p, JSONPatch{{op: 'replace', path: p.at, value: p.to}}) +\n\
         (size(variables.rewritten) == 0 || request.operation == 'UPDATE' || size(variables.originals) > {LONGEST_ANNOTATION} ? [] :\n  \
         (has(object.metadata.annotations) ? [] : [JSONPatch{{op: 'add', path: '/metadata/annotations', value: {{}}}}]) +\n  \
         [JSONPatch{{op: 'add', path: '/metadata/annotations/{key}', value: variables.originals}}])"
    )
}

/// The annotation as `patch-images` writes it on other objects; what an earlier round has noted is kept. References
/// that can be parsed have no letter that JSON would escape.
pub(super) fn originals() -> String {
    format!(
        "[object.metadata.?annotations[?'{ORIGINAL_IMAGES}'].orValue('')].map(t,\n  \
         (t.matches('^[{{]\".*[}}]$') ? t.substring(0, size(t) - 1) + ',' : '{{') +\n  \
         variables.rewritten.map(p, '\"' + p.at + '\":\"' + p.image + '\"').join(',') + '}}')[0]"
    )
}
