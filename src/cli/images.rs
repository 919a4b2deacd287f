//! `images`: every image of the configuration, before → after: the allow-list ticket. No cluster needed.

use serde::Serialize;

use crate::cli::Session;
use crate::cli::config_args::{Part, PartArgs};
use crate::cli::session::NoCluster;
use crate::cli::{config_load, pass};
use crate::facts::{Facts, KubernetesVersion};
use crate::failure::{Exit, Failure};
use crate::rewrite::images::{ImageUse, listing};
use crate::rewrite::{Context, merge_pod_templates};
use crate::ui::format::Format;
use crate::ui::{output, table};

/// Arguments of `images`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: PartArgs<Images>,
    #[command(flatten)]
    no_cluster: NoCluster,
}

/// What decides which images there are, in which objects, and where they come from.
#[derive(Debug, Clone)]
struct Images;

impl Part for Images {
    const FIELDS: &'static [&'static str] = &[
        "name",
        "mode",
        "version",
        "registry.host",
        "registry.library",
        "registry.map",
        "registry.preset",
        "registry.keys",
        "namespaces.controller",
        "namespaces.runners",
        "controller.existing",
        "controller.image",
        "runnerSets[].name",
        "runnerSets[].kind",
        "runnerSets[].image",
        "runnerSets[].dindImage",
        "runnerSets[].containerMode",
    ];
}

#[derive(Serialize)]
struct Answer {
    images: Vec<ImageUse>,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    NoCluster::tell(session);
    let loaded = config_load::load_unanswered(&args.config.config, session)?;
    // No image depends on the CA bundle or the CRDs: this machine need not have them.
    let facts = Facts::assumed(KubernetesVersion::DEFAULT);
    let rules = pass::rules(&loaded.config)?;
    let mut manifests = crate::render::render(&loaded.config, &facts)?;
    // The user's pod templates may name images too.
    merge_pod_templates(
        &mut manifests,
        &Context {
            config: &loaded.config,
            facts: &facts,
        },
    );
    let images = Answer {
        images: listing(&manifests, &rules),
    };
    output::answer(session.format, "Images", &images, || {
        if session.format == Format::Github {
            markdown(&rows(&images.images))
        } else {
            table::columns(&rows(&images.images))
        }
    })?;
    Ok(Exit::Done)
}

/// One row for each image, with everything that it is needed for.
fn rows(images: &[ImageUse]) -> Vec<Vec<String>> {
    let heading = ["IMAGE", "PULLED AS", "RULE", "NEEDED FOR"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for image in images {
        let rule = image.rule.as_deref().unwrap_or("none");
        let rule = if image.kept {
            format!("{rule}: kept")
        } else {
            rule.to_owned()
        };
        let key = [image.before.clone(), image.after.clone(), rule];
        let why = image.why.to_string();
        match rows.iter_mut().find(|row| row[..3] == key) {
            Some(row) if row[3].split(", ").any(|known| known == why) => {}
            Some(row) => row[3] = format!("{}, {why}", row[3]),
            None => rows.push([key.as_slice(), &[why]].concat()),
        }
    }
    rows
}

/// The same as a table for a GitHub step summary or an issue.
fn markdown(rows: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| format!("| {} |", row.join(" | "));
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.insert(1, "|---|---|---|---|".to_owned());
    lines.push(String::new());
    lines.join("\n")
}
