//! The variables of both policies: from a pod to what becomes of each of its images, step by step as
//! [`ImageReference::parse`](crate::image_ref::ImageReference::parse) and
//! [`RuleSet::decide`](crate::rules::RuleSet::decide) go.
//!
//! Each step is a variable, since each has a cost limit of its own. Nothing is used that Kubernetes 1.34, the first
//! with these policies in beta, does not know in a stored expression.

use super::re2;
use super::table::Table;
use crate::image_ref::{DOCKER_HUB, DOCKER_HUB_ALIASES, NAME_LIMIT};

/// The annotation that keeps what was written: a JSON map from pointer to image. It is not that of `patch-images`, which
/// would take it for its own receipt and put back what must not come back into a running pod.
pub const IMAGES_BEFORE: &str = "arc-setup.dev/images-before-admission";
/// Longer texts are not looked at, so that a text without end cannot use up what the other images need: host, path,
/// tag and digest of a reference that a registry could ever answer are shorter.
pub const LONGEST_TEXT: usize = 1024;
/// The annotation grows no longer: the API server refuses a pod with more than 256 KiB of them.
const LONGEST_ANNOTATION: usize = 65_536;
/// The variable that a runner in Kubernetes mode takes an image from.
const RUNNER_IMAGE: &str = "ACTIONS_RUNNER_IMAGE";

/// Names and expressions, each needing only those before it.
pub(super) fn variables(table: &Table) -> Vec<(&'static str, String)> {
    let mut all = vec![("rules", table.rows.clone()), ("done", table.done.clone())];
    if let Some(patterns) = &table.done_like {
        all.push(("done_like", patterns.clone()));
    }
    all.extend([
        ("images", images()),
        ("references", references()),
        ("split", split()),
        ("names", names()),
        ("open", open(table)),
        ("decided", decisions("open", table)),
        ("made", made(table)),
    ]);
    if table.templates {
        all.push(("sound", format!("variables.made.filter(p, {})", sound())));
    }
    if table.pins {
        all.push(("pinned", PINNED.to_owned()));
        all.push(("pinned_again", decisions("pinned", table)));
    }
    all.extend([
        ("rewritten", rewritten(table)),
        ("denied", DENIED.to_owned()),
    ]);
    all.push(("overlong", told(&fits(table, ">"))));
    if can_be_unusable(table) {
        all.push(("unusable", unusable(table)));
    }
    all
}

/// True where a rule may make something that cannot be written.
pub(super) fn can_be_unusable(table: &Table) -> bool {
    table.templates || table.pins
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

/// The canonical path, and tag and digest as they are written, with their signs.
fn names() -> String {
    format!(
        "variables.split\n  \
         .map(p, {{'at': p.at, 'image': p.image, 'host': p.host, 'written': p.rest.split('@')[0].split(':')[0], 'rest': p.rest}})\n  \
         .map(p, {{'at': p.at, 'image': p.image, 'host': p.host, 'suffix': p.rest.substring(size(p.written)),\n    \
         'path': (p.host == '{DOCKER_HUB}' && !p.written.contains('/') ? 'library/' : '') + p.written}})\n  \
         .filter(p, size(p.path) <= {NAME_LIMIT})\n  \
         .map(p, {{'at': p.at, 'image': p.image, 'host': p.host, 'path': p.path, 'suffix': p.suffix,\n    \
         'tag': p.suffix.split('@')[0], 'digest': p.suffix.substring(size(p.suffix.split('@')[0])),\n    \
         'path_nolib': p.host == '{DOCKER_HUB}' && p.path.startsWith('library/') ? p.path.substring(8) : p.path,\n    \
         'name': (p.host == '' ? '' : p.host + '/') + p.path}})"
    )
}

/// What stands under a target is done.
fn open(table: &Table) -> String {
    let begins = "!variables.done.exists(t, p.name.startsWith(t))";
    match table.done_like {
        None => format!("variables.names.filter(p, {begins})"),
        Some(_) => format!(
            "variables.names.filter(p, {begins} &&\n  \
             !variables.done_like.exists(t, (p.host + '/' + p.path).matches(t)))"
        ),
    }
}

/// Each image of `list` with the rules that take it; the first of them decides.
fn decisions(list: &str, table: &Table) -> String {
    let mut conditions = String::new();
    if table.scoped {
        conditions.push_str(
            "(!('namespaces' in r) || request.namespace.matches(r.namespaces)) &&\n    \
             (!('fields' in r) || ('/' + p.at).matches(r.fields)) && ",
        );
    }
    // What a rule has pinned is still its own.
    let pinned = |test: &str| {
        let plain = test.replace("SUFFIX", "p.suffix");
        if !table.pins {
            return plain;
        }
        let bare = test.replace("SUFFIX", "p.tag");
        format!("{plain} || (r.does == 'pin' && p.digest == '@' + r.pin && {bare})")
    };
    let reference = pinned("p.name + (SUFFIX == '' ? ':latest' : SUFFIX) == r.what");
    let expression = pinned(
        "(SUFFIX in ['', ':latest'] ? ['', ':latest'] : [SUFFIX]).exists(s, (p.name + s).matches(r.what))",
    );
    format!(
        "variables.{list}\n  \
         .map(p, {{'image': [p], 'rules': variables.rules.filter(r, {conditions}(\n    \
         r.takes == 'below' ? p.name.startsWith(r.what) :\n    \
         r.takes == 'name' ? p.name == r.what :\n    \
         r.takes == 'reference' ? {reference} :\n    \
         r.takes == 'pattern' ? ('/' + p.name).matches(r.what) :\n    \
         r.takes == 'expression' ? {expression} :\n    \
         r.takes == 'everything'))}})\n  \
         .filter(d, size(d.rules) > 0)"
    )
}

/// What the deciding rule makes of each image that it sends elsewhere. A template is told what it lacks.
fn made(table: &Table) -> String {
    if !table.templates {
        return "variables.decided.filter(d, d.rules[0].does == 'rewrite')\n  \
             .map(d, {'at': d.image[0].at, 'image': d.image[0].image, 'rule': d.rules[0].rule,\n    \
             'name': d.rules[0].to.replace('{path}', d.image[0].path).replace('{path_nolib}', d.image[0].path_nolib),\n    \
             'tail': d.rules[0].tail.replace('{:tag}', d.image[0].tag).replace('{@digest}', d.image[0].digest)})"
            .to_owned();
    }
    let fields = [
        ("{host}", "d.image[0].host"),
        ("{host_slug}", "d.slug[0].slug"),
        ("{path}", "d.image[0].path"),
        ("{path_nolib}", "d.image[0].path_nolib"),
        ("{name}", "d.slug[0].last"),
        ("{tag}", "d.slug[0].tag"),
        ("{digest}", "d.slug[0].digest"),
    ];
    let replaced = fields.map(|(field, value)| format!(".replace('{field}', {value})"));
    let replaced = replaced.concat();
    let lacks: Vec<String> = fields
        .iter()
        .filter(|(field, _)| !field.starts_with("{path") && *field != "{name}")
        .map(|(field, value)| format!("(d.rules[0].to.contains('{field}') && {value} == '')"))
        .collect();
    let lacks = lacks.join(" ||\n      ");
    format!(
        "variables.decided.filter(d, d.rules[0].does in ['rewrite', 'template'])\n  \
         .map(d, {{'image': d.image, 'rules': d.rules, 'slug': [{{\n    \
         'slug': d.image[0].host.lowerAscii().replace('.', '-').replace(':', '-').replace('[', '-').replace(']', '-').find('[a-z0-9](?:.*[a-z0-9])?'),\n    \
         'last': d.image[0].path.split('/')[size(d.image[0].path.split('/')) - 1],\n    \
         'tag': d.image[0].tag.replace(':', '', 1), 'digest': d.image[0].digest.replace('@', '', 1)}}]}})\n  \
         .map(d, {{'at': d.image[0].at, 'image': d.image[0].image, 'rule': d.rules[0].rule, 'does': d.rules[0].does,\n    \
         'lacks': {lacks} ? 'a field' : '',\n    \
         'name': d.rules[0].to{replaced},\n    \
         'tail': d.rules[0].tail.replace('{{:tag}}', d.image[0].tag).replace('{{@digest}}', d.image[0].digest)}})"
    )
}

/// What can be written and has a name of the length that `how` says. A template may have written a tag or digest behind it.
fn fits(table: &Table, how: &str) -> String {
    let (list, length) = if table.templates {
        let name = "p.name.split('@')[0]";
        let tag = "p.name.split('@')[0].find(':[^/:]*$')";
        ("sound", format!("size({name}) - size({tag})"))
    } else {
        ("made", "size(p.name)".to_owned())
    };
    format!("variables.{list}.filter(p, {length} {how} {NAME_LIMIT})")
}

/// True of what a template has made where that is a reference on a host.
fn sound() -> String {
    format!(
        "p.does != 'template' || (p.lacks == '' && (p.name + p.tail).matches(r'{}') && p.name.split('/')[0].matches(r'^{}$'))",
        re2::reference(),
        re2::host()
    )
}

/// The spelling stays, and the digest is added or replaced; what has it already is done.
const PINNED: &str = "variables.decided.filter(d, d.rules[0].does == 'pin')
  .map(d, {'at': d.image[0].at, 'image': d.image[0].image, 'rule': d.rules[0].rule, 'host': d.image[0].host, 'path': d.image[0].path,
    'name': d.image[0].name, 'tag': d.image[0].tag, 'digest': '@' + d.rules[0].pin, 'suffix': d.image[0].tag + '@' + d.rules[0].pin,
    'to': d.image[0].image.substring(0, size(d.image[0].image) - size(d.image[0].suffix)) + d.image[0].tag + '@' + d.rules[0].pin})
  .filter(p, p.to != p.image)";
/// A pinned image that the rules would change again is left alone.
const PINNED_FOR_GOOD: &str = "d.rules[0].does == 'keep' || (d.rules[0].does == 'pin' && '@' + d.rules[0].pin == d.image[0].digest)";

fn rewritten(table: &Table) -> String {
    let mut all = fits(table, "<=");
    all.push_str(
        "\n  .map(p, {'at': p.at, 'image': p.image, 'rule': p.rule, 'to': p.name + p.tail})",
    );
    if table.pins {
        all = format!(
            "{all} +\nvariables.pinned_again.filter(d, {PINNED_FOR_GOOD})\n  \
             .map(d, {{'at': d.image[0].at, 'image': d.image[0].image, 'rule': d.image[0].rule, 'to': d.image[0].to}})"
        );
    }
    all
}

/// What a rule takes and makes nothing of that can be written.
fn unusable(table: &Table) -> String {
    let mut parts = Vec::new();
    if table.templates {
        let unsound = format!("variables.made.filter(p, !({}))", sound());
        parts.push(told(&unsound));
    }
    if table.pins {
        parts.push(told(&format!(
            "variables.pinned.filter(p, !variables.pinned_again.exists(d, d.image[0].at == p.at && ({PINNED_FOR_GOOD})))"
        )));
    }
    parts.join(" +\n")
}

const DENIED: &str = "variables.decided.filter(d, d.rules[0].does == 'deny')
  .map(d, d.image[0].image + ' (' + d.rules[0].rule + ')')";

/// Images with the rule that decided.
fn told(list: &str) -> String {
    format!("{list}\n  .map(p, p.image + ' (' + p.rule + ')')")
}

/// The JSON patch: each image, and on a new pod an annotation with the images as they were written.
pub(super) fn patch() -> String {
    let key = IMAGES_BEFORE.replace('~', "~0").replace('/', "~1");
    format!(
        "variables.rewritten.map(p, JSONPatch{{op: 'replace', path: p.at, value: p.to}}) +\n\
         (size(variables.rewritten) == 0 || request.operation == 'UPDATE' || size(variables.originals) > {LONGEST_ANNOTATION} ? [] :\n  \
         (has(object.metadata.annotations) ? [] : [JSONPatch{{op: 'add', path: '/metadata/annotations', value: {{}}}}]) +\n  \
         [JSONPatch{{op: 'add', path: '/metadata/annotations/{key}', value: variables.originals}}])"
    )
}

/// The annotation; what an earlier round has noted is kept. References
/// that can be parsed have no letter that JSON would escape.
pub(super) fn originals() -> String {
    format!(
        "[object.metadata.?annotations[?'{IMAGES_BEFORE}'].orValue('')].map(t,\n  \
         (t.matches('^[{{]\".*[}}]$') ? t.substring(0, size(t) - 1) + ',' : '{{') +\n  \
         variables.rewritten.map(p, '\"' + p.at + '\":\"' + p.image + '\"').join(',') + '}}')[0]"
    )
}
