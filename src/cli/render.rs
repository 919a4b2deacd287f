//! `render`: the objects that `init` would apply, with no cluster.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::Session;
use crate::cli::config_args::{Part, PartArgs};
use crate::cli::session::NoCluster;
use crate::cli::{config_load, kubernetes_version, needed_secrets, pass, ways};
use crate::config::load::{Loaded, SecretReading};
use crate::facts::{self, Facts, KubernetesVersion};
use crate::failure::{Exit, Failure};
use crate::object::Manifest;
use crate::observe::resolve_credentials;
use crate::plan::{Rank, kept_as_set};
use crate::ui::format::Format;
use crate::ui::{foreign, output, output_directory};
use crate::yaml;

/// Arguments of `render`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: PartArgs<Objects>,
    /// Write one file for each object into this directory instead of stdout; files of an earlier run that are not
    /// rendered any more are removed, others kept
    #[arg(long, value_name = "DIRECTORY", help_heading = "Output")]
    output_dir: Option<PathBuf>,
    /// Write the secret values too; without it, the Secrets that must exist are listed
    #[arg(long, help_heading = "Output")]
    with_secrets: bool,
    /// The Kubernetes version to render for
    #[arg(long, value_name = "MAJOR.MINOR", default_value = "1.33", value_parser = kubernetes_version::parse, help_heading = "Output")]
    kubernetes_version: KubernetesVersion,
    #[command(flatten)]
    no_cluster: NoCluster,
}

/// What decides which objects there are and what is in them.
#[derive(Debug, Clone)]
struct Objects;

impl Part for Objects {
    const FIELDS: &'static [&'static str] = &[];
    // It is about what stands in the cluster.
    const EXCEPT: &'static [&'static str] = &["namespaces.manage", "pinSha256"];
}

pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    NoCluster::tell(session);
    let reading = if args.with_secrets {
        SecretReading::Read
    } else {
        SecretReading::Leave
    };
    let loaded = config_load::load(&args.config.config, reading, session)?;
    if loaded
        .config
        .proxy
        .iter()
        .any(|proxy| !proxy.open.is_empty())
    {
        output::talk(&format!("note: {}", ways::UNSEEN));
    }
    let facts = assumed(&loaded, args.kubernetes_version)?;
    for note in &facts.ca_notes {
        output::talk(&foreign::line(&format!("note: {}", note.text)));
    }
    let rendered = pass::rendered(&loaded.config, &facts)?;
    for line in kept_as_set(&rendered.changes) {
        output::talk(&foreign::line(&format!("note: {line}")));
    }
    let (written, withheld) = documents(rendered.manifests, &loaded, args.with_secrets)?;
    needed_secrets::tell(&withheld, &loaded.config);
    match &args.output_dir {
        Some(directory) => {
            let install = &loaded.config.name;
            write_files(directory, install, &written, session.format)?;
        }
        None => write_stream(&written, session.format)?,
    }
    Ok(Exit::Done)
}

/// Facts without a cluster: the files of this machine, and an assumed version.
pub(super) fn assumed(loaded: &Loaded, version: KubernetesVersion) -> Result<Facts, Failure> {
    let mut facts = Facts::assumed(version);
    facts::host::read_into(&loaded.config, &mut facts)?;
    Ok(facts)
}

/// Splits into what is written, and Secrets (or values) that are withheld.
fn documents(
    manifests: Vec<Manifest>,
    loaded: &Loaded,
    with_secrets: bool,
) -> Result<(Vec<Manifest>, Vec<Manifest>), Failure> {
    let mut written = Vec::new();
    let mut withheld = Vec::new();
    for mut manifest in manifests {
        if with_secrets {
            resolve_credentials(&mut manifest, &loaded.credentials)?;
        }
        if manifest.kind() == "Secret" && !manifest.lates.is_empty() {
            withheld.push(manifest);
        } else {
            written.push(manifest);
        }
    }
    Ok((written, withheld))
}

fn write_stream(manifests: &[Manifest], format: Format) -> Result<(), Failure> {
    let objects = manifests.iter().map(|manifest| &manifest.object);
    if format == Format::Json {
        let list = serde_json::json!({
            "apiVersion": "v1", "kind": "List", "items": objects.collect::<Vec<_>>(),
        });
        return output::data_text(&format!("{list:#}\n"));
    }
    let documents: Vec<String> = objects.map(yaml::to_string).collect();
    output::data_text(&format!("---\n{}", documents.join("---\n")))
}

/// One file for each object. A run takes away what an earlier one of the same install left.
fn write_files(
    directory: &Path,
    install: &str,
    manifests: &[Manifest],
    format: Format,
) -> Result<(), Failure> {
    let files: BTreeMap<String, String> = manifests
        .iter()
        .map(|manifest| (file_name(manifest), yaml::to_string(&manifest.object)))
        .collect();
    let written = output_directory::write(directory, install, &files)?;
    let place = directory.display();
    output::talk(&format!("{} files in {place}", written.files.len()));
    for (what, names) in [
        (
            "removed, since nothing is rendered to them any more",
            &written.removed,
        ),
        ("kept, since arc-setup did not write them", &written.foreign),
    ] {
        if !names.is_empty() {
            output::talk(&format!("{what}: {}", names.join(", ")));
        }
    }
    match format {
        Format::Json | Format::Yaml => output::answer(format, "Rendered", &written, String::new),
        Format::Text | Format::Github => Ok(()),
    }
}

/// `40-secret_arc-systems_arc.yaml`: the wave of apply, so that the order of the names can be applied, and what the
/// object is, so that it keeps its name whatever else is rendered. No Kubernetes name has an underscore.
fn file_name(manifest: &Manifest) -> String {
    let object = manifest.reference();
    let rank = Rank::of(&object);
    let wave = Rank::ALL
        .iter()
        .position(|one| *one == rank)
        .unwrap_or_default();
    let parts = [
        Some(object.kind.to_lowercase()),
        object.namespace,
        Some(object.name.replace([':', '/'], "_")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{:02}-{}.yaml", (wave + 1) * 10, parts.join("_"))
}
