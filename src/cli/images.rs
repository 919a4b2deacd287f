//! `images`: every image of the configuration, before → after: the allow-list ticket. No cluster needed.

use serde::Serialize;

use crate::cli::Session;
use crate::cli::config_args::ConfigArgs;
use crate::cli::{config_load, pass, render};
use crate::config::load::SecretReading;
use crate::facts::KubernetesVersion;
use crate::failure::{Exit, Failure};
use crate::rewrite::images::{ImageUse, listing};
use crate::rewrite::{Context, merge_pod_templates};
use crate::ui::{output, table};

/// Arguments of `images`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Serialize)]
struct Images {
    images: Vec<ImageUse>,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let loaded = config_load::load(&args.config, SecretReading::Leave, session)?;
    let facts = render::assumed(&loaded, KubernetesVersion::DEFAULT)?;
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
    let images = Images {
        images: listing(&manifests, &rules),
    };
    output::answer(session.format, "Images", &images, || text(&images.images))?;
    Ok(Exit::Done)
}

fn text(images: &[ImageUse]) -> String {
    let mut rows = vec![
        ["IMAGE", "PULLED AS", "RULE", "NEEDED FOR"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for image in images {
        let row = vec![
            image.before.clone(),
            image.after.clone(),
            image.rule.clone().unwrap_or_default(),
            image.why.to_string(),
        ];
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    table::columns(&rows)
}
