//! `render`: the objects that `init` would apply, with no cluster.

use std::path::{Path, PathBuf};

use crate::cli::Session;
use crate::cli::config_args::ConfigArgs;
use crate::cli::{config_load, needed_secrets, pass};
use crate::config::load::{Loaded, SecretReading};
use crate::facts::{self, Facts, KubernetesVersion};
use crate::failure::{Exit, Failure};
use crate::object::Manifest;
use crate::observe::resolve_credentials;
use crate::ui::format::Format;
use crate::ui::{files, output};
use crate::yaml;

/// Arguments of `render`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Write one file for each object into this directory instead of stdout
    #[arg(long, value_name = "DIRECTORY", help_heading = "Output")]
    output_dir: Option<PathBuf>,
    /// Write the secret values too; without it, the Secrets that must exist are listed
    #[arg(long, help_heading = "Output")]
    with_secrets: bool,
    /// The Kubernetes version to render for
    #[arg(long, value_name = "MAJOR.MINOR", default_value = "1.33", value_parser = kubernetes_version)]
    kubernetes_version: KubernetesVersion,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let reading = if args.with_secrets {
        SecretReading::Read
    } else {
        SecretReading::Leave
    };
    let loaded = config_load::load(&args.config, reading, session)?;
    let facts = assumed(&loaded, args.kubernetes_version)?;
    let rendered = pass::rendered(&loaded.config, &facts)?;
    let (written, withheld) = documents(rendered.manifests, &loaded, args.with_secrets)?;
    needed_secrets::tell(&withheld, &loaded.config);
    match &args.output_dir {
        Some(directory) => write_files(directory, &written)?,
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

/// One file for each object, numbered in the order of applying. A file that another run left is reported, not removed.
fn write_files(directory: &Path, manifests: &[Manifest]) -> Result<(), Failure> {
    files::make_directory(directory)?;
    for (index, manifest) in manifests.iter().enumerate() {
        let object = manifest.reference();
        let place = object
            .namespace
            .as_deref()
            .map(|namespace| format!("-{namespace}"))
            .unwrap_or_default();
        let name = format!(
            "{:03}-{}{place}-{}.yaml",
            index + 1,
            object.kind.to_lowercase(),
            object.name
        );
        files::write_atomically(
            &directory.join(name.replace([':', '/'], "_")),
            yaml::to_string(&manifest.object).as_bytes(),
        )?;
    }
    output::talk(&format!(
        "{} files in {}",
        manifests.len(),
        directory.display()
    ));
    Ok(())
}

fn kubernetes_version(text: &str) -> Result<KubernetesVersion, String> {
    let mut parts = text
        .trim_start_matches('v')
        .split('.')
        .map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Ok(KubernetesVersion { major, minor }),
        _ => Err(format!("'{text}' is no version such as 1.33")),
    }
}
