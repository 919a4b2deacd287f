//! The examples in every mode, release and container mode, rendered by the program.

use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::support::arc_setup::ArcSetup;
use crate::support::github::App;

pub(super) const SCALE_SET: &str = "scale-set";
pub(super) const LEGACY: &str = "legacy";
/// Releases at the edges of what differs.
const SCALE_SET_RELEASES: [&str; 5] = ["0.9.0", "0.10.1", "0.12.1", "0.13.1", "0.14.2"];
const LEGACY_RELEASES: [&str; 6] = ["0.18.2", "0.20.4", "0.23.0", "0.24.1", "0.25.2", "0.27.6"];
const CONTAINER_MODES: [&str; 4] = ["none", "dind", "kubernetes", "kubernetes-novolume"];
/// What a configuration of the other generation may not say.
const LEGACY_ONLY: [&str; 3] = ["webhookCertificate", "rbacProxy", "controller"];

/// One rendering.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) name: String,
    pub(super) objects: Vec<Value>,
}

/// Every variation of every example in `mode` that its release can do; rendered once.
pub(super) async fn rendered(mode: &'static str) -> &'static [Rendered] {
    static ALL: [OnceCell<Vec<Rendered>>; 2] = [OnceCell::const_new(), OnceCell::const_new()];
    let all = &ALL[usize::from(mode == LEGACY)];
    all.get_or_init(|| render_all(mode)).await
}

async fn render_all(mode: &'static str) -> Vec<Rendered> {
    let releases: &[&str] = match mode {
        SCALE_SET => &SCALE_SET_RELEASES,
        _ => &LEGACY_RELEASES,
    };
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut examples: Vec<PathBuf> = std::fs::read_dir(examples)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        // Others show `rewrite` beside other tools.
        .filter(|example| example.join("arc-setup.yaml").is_file())
        .collect();
    examples.sort();
    let mut variations = Vec::new();
    for example in &examples {
        for release in releases {
            for container_mode in CONTAINER_MODES {
                variations.push((example.clone(), *release, container_mode));
            }
        }
    }
    let rendered: Vec<Option<Rendered>> = futures::stream::iter(variations)
        .map(|(example, release, container_mode)| async move {
            render(&example, mode, release, container_mode).await
        })
        .buffered(4)
        .collect()
        .await;
    rendered.into_iter().flatten().collect()
}

/// None where the release cannot do it, which the program says with exit code 2.
async fn render(
    example: &Path,
    mode: &str,
    release: &str,
    container_mode: &str,
) -> Option<Rendered> {
    let name = example.file_name().unwrap().to_string_lossy();
    let name = format!("{name} {mode} {release} {container_mode}");
    let text = std::fs::read_to_string(example.join("arc-setup.yaml")).unwrap();
    let mut config: Value = serde_yaml::from_str(&text).unwrap();
    vary(&mut config, mode, release, container_mode);
    let mut program = ArcSetup::new().unwrap();
    for folder in ["anchors", "credentials"] {
        for entry in std::fs::read_dir(example.join(folder))
            .into_iter()
            .flatten()
        {
            let path = entry.unwrap().path();
            let file = format!("{folder}/{}", path.file_name().unwrap().to_string_lossy());
            program.file(&file, std::fs::read(&path).unwrap()).unwrap();
        }
    }
    let account = r#"{"auths":{"registry.example.com:5000":{"username":"robot","password":"p"}}}"#;
    program.file("arc-setup.yaml", config.to_string()).unwrap();
    program
        .env("GITHUB_TOKEN", "ghp_demonstration0000000000000000000000")
        .env("GITHUB_APP_PRIVATE_KEY", App::PRIVATE_KEY)
        .env("DOCKER_CONFIG_JSON", account)
        .env("PROXY_ACCOUNT", "jane:password");
    let outcome = program
        .run(&["render", "--with-secrets", "-o", "json"])
        .await
        .unwrap();
    if outcome.code == Some(2) {
        assert!(
            !is_sure(container_mode, release),
            "{name}: {}",
            outcome.stderr
        );
        return None;
    }
    let outcome = outcome.expect_code(0);
    let list: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let objects = list["items"].as_array().unwrap().clone();
    Some(Rendered { name, objects })
}

/// What every example can do in the newest release of a generation.
fn is_sure(container_mode: &str, release: &str) -> bool {
    ["0.14.2", "0.27.6"].contains(&release) && ["none", "dind"].contains(&container_mode)
}

fn vary(config: &mut Value, mode: &str, release: &str, container_mode: &str) {
    let was = config["mode"].as_str().unwrap_or(SCALE_SET).to_owned();
    let fields = config.as_object_mut().unwrap();
    fields.insert("mode".to_owned(), json!(mode));
    fields.insert("version".to_owned(), json!(release));
    if was != mode {
        for field in LEGACY_ONLY {
            fields.remove(field);
        }
    }
    for set in config["runnerSets"].as_array_mut().unwrap() {
        let set = set.as_object_mut().unwrap();
        if was != mode {
            set.remove("kind");
            set.remove("scaling");
            set.entry("max").or_insert(json!(3));
        }
        set.insert("containerMode".to_owned(), json!(container_mode));
        match container_mode {
            "kubernetes" => {
                let claim = json!({"claim": {"size": "10Gi"}});
                if set
                    .get("workVolume")
                    .is_none_or(|one| one["claim"].is_null())
                {
                    set.insert("workVolume".to_owned(), claim);
                }
            }
            "kubernetes-novolume" => drop(set.remove("workVolume")),
            _ => {}
        }
        if container_mode != "dind" {
            set.remove("dindImage");
        }
    }
}
