//! docs/architecture.md, held: who may import whom, what pure stages may not touch, how long a file
//! may be, and what a template may not speak of. A violation names file, line and arrow.

mod knots;
mod source;

use std::path::Path;

use source::{Source, sources};

/// Pure code that everything may import. They import only each other.
const LEAVES: &[&str] = &[
    "event",
    "failure",
    "image_ref",
    "object",
    "oci",
    "origin",
    "pki",
    "proxy",
    "rules",
    "secret",
    "spelling",
    "yaml",
];

/// In the order in which data flows; a stage imports leaves and earlier stages.
const STAGES: &[&str] = &[
    "config", "facts", "render", "rewrite", "observe", "plan", "checks", "apply", "verify",
];

/// Reach outside: the network, images, the terminal, the command line. Nothing imports `cli`.
const EDGES: &[&str] = &["clients", "images", "ui", "cli"];

/// Who may import `clients`.
const CLIENT_USERS: &[&str] = &[
    "facts",
    "observe",
    "apply",
    "verify::wait",
    "verify::smoke",
    "images",
    "cli",
];

/// What has no clock, no environment, no files, no network and no terminal, beside the leaves.
const PURE: &[&str] = &[
    "config::validate",
    "render",
    "rewrite",
    "plan",
    "checks",
    "verify::readiness",
    "verify::vantage",
];

/// What pure code may not name.
const IMPURE: &[&str] = &[
    "tokio",
    "reqwest",
    "kube",
    "hyper",
    "std::env",
    "std::fs",
    "std::net::TcpStream",
    "std::process",
    "std::time::SystemTime",
    "std::time::Instant",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "env::var",
    "env::var_os",
    "fs::read",
    "fs::read_to_string",
    "fs::write",
    "fs::File",
    "crate::clients",
    "crate::ui",
];

const LONGEST_FILE: usize = 600;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `name` itself, or something in it.
fn is_within(path: &str, name: &str) -> bool {
    path.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn any_within(path: &str, names: &[&str]) -> bool {
    names.iter().any(|name| is_within(path, name))
}

/// Why a module (its path, such as `verify::wait`) may not import the room `wanted`.
fn forbidden(module: &str, wanted: &str) -> Option<String> {
    let room = module.split("::").next().unwrap_or_default();
    // lib.rs and main.rs name the stages; within a room everything may be named.
    if room.is_empty() || room == wanted || room == "cli" {
        return None;
    }
    let stage = |name: &str| STAGES.iter().position(|one| *one == name);
    if wanted == "cli" {
        return Some("nothing imports cli".to_owned());
    }
    if LEAVES.contains(&wanted) {
        return None;
    }
    if LEAVES.contains(&room) {
        return Some("a leaf imports only leaves".to_owned());
    }
    match wanted {
        "ui" => Some("only cli imports ui".to_owned()),
        "clients" => (!any_within(module, CLIENT_USERS))
            .then(|| format!("clients is imported only by {}", CLIENT_USERS.join(", "))),
        _ if room == "clients" => Some("clients imports only leaves".to_owned()),
        // Beside the stages only images and ui are left, which see what they are given.
        _ => (stage(room)? < stage(wanted)?).then(|| format!("data flows {}", STAGES.join(" → "))),
    }
}

fn import_violations(source: &Source) -> Vec<String> {
    let known =
        |room: &str| LEAVES.contains(&room) || STAGES.contains(&room) || EDGES.contains(&room);
    let mut violations = Vec::new();
    let room = source.module.split("::").next().unwrap_or_default();
    if !room.is_empty() && !known(room) {
        violations.push(format!(
            "{}: docs/architecture.md has no room `{room}`",
            source.file
        ));
    }
    for path in &source.paths {
        let imported = path
            .text
            .strip_prefix("crate::")
            .and_then(|rest| rest.split("::").next());
        let Some(imported) = imported.filter(|imported| known(imported)) else {
            continue;
        };
        if let Some(rule) = forbidden(&source.module, imported) {
            violations.push(format!(
                "{}:{}: {} → {}: {rule}",
                source.file, path.line, source.module, path.text
            ));
        }
    }
    violations
}

fn purity_violations(source: &Source) -> Vec<String> {
    if !any_within(&source.module, LEAVES) && !any_within(&source.module, PURE) {
        return Vec::new();
    }
    let named = source
        .paths
        .iter()
        .filter(|path| any_within(&path.text, IMPURE));
    named
        .map(|path| {
            format!(
                "{}:{}: {} → {}: it is pure",
                source.file, path.line, source.module, path.text
            )
        })
        .collect()
}

#[track_caller]
fn assert_none(violations: &[String]) {
    assert!(
        violations.is_empty(),
        "docs/architecture.md is broken:\n{}",
        violations.join("\n")
    );
}

#[test]
fn imports_follow_the_arrows() {
    let violations: Vec<String> = sources(&root().join("src"))
        .iter()
        .flat_map(import_violations)
        .collect();
    assert_none(&violations);
}

#[test]
fn pure_code_touches_nothing_outside() {
    let violations: Vec<String> = sources(&root().join("src"))
        .iter()
        .flat_map(purity_violations)
        .collect();
    assert_none(&violations);
}

#[test]
fn every_network_client_gets_its_route_from_us() {
    let mut violations = Vec::new();
    for source in sources(&root().join("src")) {
        let builds = |path: &&source::Path| {
            path.text.ends_with("Client::builder") || path.text.ends_with("ClientBuilder::new")
        };
        let uses_reqwest = source
            .paths
            .iter()
            .any(|path| is_within(&path.text, "reqwest"));
        let Some(path) = source.paths.iter().find(builds).filter(|_| uses_reqwest) else {
            continue;
        };
        if !source.code.contains(".no_proxy()") {
            violations.push(format!(
                "{}:{}: a reqwest client without .no_proxy()",
                source.file, path.line
            ));
        }
    }
    assert_none(&violations);
}

#[test]
fn files_are_short_and_mod_files_have_no_logic() {
    let mut violations = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for source in sources(&root().join(folder)) {
            let lines = source.text.lines().count();
            if lines > LONGEST_FILE {
                violations.push(format!(
                    "{}: {lines} lines, {LONGEST_FILE} is the end",
                    source.file
                ));
            }
            if source.file.ends_with("mod.rs")
                && let Some(line) = source.lines_with_word("fn").next()
            {
                violations.push(format!("{}:{line}: logic in a mod.rs", source.file));
            }
        }
    }
    assert_none(&violations);
}

#[test]
fn templates_speak_of_no_registry_proxy_or_authority() {
    let mut violations = Vec::new();
    let mut folders = vec![root().join("templates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            // A schema lists the fields of a kind, whoever fills them.
            if name.contains("crd") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for (index, line) in text.lines().enumerate() {
                if let Some(word) = outside_word(line) {
                    violations.push(format!(
                        "{name}:{}: `{word}`: that is for a pass to add",
                        index + 1
                    ));
                }
            }
        }
    }
    violations.sort();
    assert_none(&violations);
}

/// A word that says where images come from, or how a network is reached.
fn outside_word(line: &str) -> Option<&str> {
    // The program of that name, and the role that it needs, are no proxy of a company.
    let is_rbac_proxy = |word: &str| word.contains("rbac-proxy") || word.contains("rbac_proxy");
    line.split(|one: char| !(one.is_alphanumeric() || one == '-' || one == '_'))
        .filter(|word| !is_rbac_proxy(word))
        .find(|word| {
            let parts = || word.split(['-', '_']);
            parts().any(|part| {
                matches!(
                    part.to_ascii_lowercase().as_str(),
                    "registry" | "proxy" | "registries" | "proxies"
                )
            }) || parts().any(|part| part == "CA")
        })
}

#[test]
fn the_arrows_forbid_what_they_should() {
    assert_eq!(
        forbidden("render::context", "plan"),
        Some(format!("data flows {}", STAGES.join(" → ")))
    );
    assert_eq!(forbidden("plan::build", "clients").map(|_| ()), Some(()));
    assert_eq!(
        forbidden("verify::readiness::deployment", "clients").map(|_| ()),
        Some(())
    );
    assert_eq!(forbidden("verify::wait", "clients"), None);
    assert_eq!(
        forbidden("object::pods", "config").as_deref(),
        Some("a leaf imports only leaves")
    );
    assert_eq!(
        forbidden("apply::execute", "ui").as_deref(),
        Some("only cli imports ui")
    );
    assert_eq!(forbidden("checks::rights", "plan"), None);
    let text = "use crate::{plan::Plan, object::{ObjectRef, Pointer}};\n// crate::cli\nfn f() -> &'static str {\n\
                let s = \"crate::ui\"; let c = '\"'; super::super::apply::run(s, c)\n}\n\
                #[cfg(test)]\nmod tests { use crate::cli::Args; fn g() { std::env::var(\"X\"); } }\n\
                fn h() { std::time::SystemTime::now(); }\n";
    let source = Source::parse("src/render/context.rs", text);
    assert_eq!(
        import_violations(&source),
        [
            format!(
                "src/render/context.rs:1: render::context → crate::plan::Plan: data flows {}",
                STAGES.join(" → ")
            ),
            format!(
                "src/render/context.rs:4: render::context → crate::apply::run: data flows {}",
                STAGES.join(" → ")
            ),
        ]
    );
    assert_eq!(
        purity_violations(&source),
        ["src/render/context.rs:8: render::context → std::time::SystemTime::now: it is pure"]
    );
    assert_eq!(
        outside_word("name: {{ registry_host }}"),
        Some("registry_host")
    );
    assert_eq!(outside_word("name: kube-rbac-proxy"), None);
}
