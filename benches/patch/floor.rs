//! The least that a client could do: the same pages, the same patches, and nothing read or decided.

use std::ops::Range;

use anyhow::{Context as _, Result, ensure};
use arc_setup::clients::kube::Selection;
use arc_setup::object::ObjectRef;
use arc_setup::plan::patch::{Verdict, Wanted, decide};
use arc_setup::rules::{Action, Matcher, RuleSet, RuleSpec};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::Sample;
use super::fleet::{self, Fleet};

const LEVELS: [usize; 5] = [1, 2, 4, 8, 16];
/// Namespaces that the best concurrency is looked for on.
const TRIED: usize = 2;

/// A patch that was made before anything is timed.
pub(super) struct Patch {
    path: String,
    body: Vec<u8>,
}

/// The patches that bring every Deployment of these namespaces to the next round.
pub(super) async fn bodies(fleet: &Fleet, namespaces: Range<usize>) -> Result<Vec<Patch>> {
    let count = namespaces.len() * fleet.each();
    let rules = RuleSet::compile(&[RuleSpec::new(
        "round",
        Matcher::Host(fleet::registry(fleet.round())),
        Action::Rewrite {
            target: fleet::registry(fleet.round() + 1),
            drop_library: false,
        },
    )]);
    let rules = rules.ok().context("the rules do not compile")?;
    let mut patches = Vec::new();
    for number in namespaces {
        let namespace = Fleet::namespace(number);
        let selection = Selection {
            namespace: Some(&namespace),
            ..Selection::default()
        };
        let mut pages = fleet.cluster.pages("apps/v1", "Deployment", &selection);
        while let Some(page) = pages.next().await {
            let page = page?;
            for number in 0..page.len() {
                let object = page.object(number).context("no object")??;
                let Verdict::Patch(patch) = decide(&object, &rules, &Wanted::default()).verdict
                else {
                    anyhow::bail!("nothing to patch");
                };
                let name = ObjectRef::from_value(&object).name;
                patches.push(Patch {
                    path: format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}?fieldManager=arc-setup-patch&fieldValidation=Ignore"),
                    body: serde_json::to_vec(&patch.strategic(&object).context("no such patch")?)?,
                });
            }
        }
    }
    ensure!(patches.len() == count, "not every object");
    Ok(patches)
}

/// Lists and patches, both at the same time.
pub(super) async fn run(fleet: &Fleet, patches: &[Patch], at_once: usize) -> Result<Sample> {
    fleet
        .sample_async(async {
            futures::try_join!(pages(fleet), send(fleet, patches, at_once))?;
            Ok(())
        })
        .await
}

async fn send(fleet: &Fleet, patches: &[Patch], at_once: usize) -> Result<()> {
    stream::iter(patches)
        .map(|patch| async {
            let media_type = "application/strategic-merge-patch+json";
            let answer = fleet.send("PATCH", &patch.path, media_type, patch.body.clone());
            answer.await.map(|_| ())
        })
        .buffer_unordered(at_once)
        .try_collect()
        .await
}

/// The level at which the patches take the least time.
pub(super) async fn best_concurrency(fleet: &mut Fleet) -> Result<usize> {
    let mut best = (0, std::time::Duration::MAX);
    for level in LEVELS {
        let patches = bodies(fleet, 0..TRIED).await?;
        let (took, _) = run(fleet, &patches, level).await?;
        println!(
            "  {level:>2} at a time: {:.2} ms each",
            took.as_secs_f64() * 1e3 / f64::from(u32::try_from(patches.len())?)
        );
        if took < best.1 {
            best = (level, took);
        }
        // The other namespaces follow: every image is of the same round.
        let rest = bodies(fleet, TRIED..super::NAMESPACES).await?;
        send(fleet, &rest, 8).await?;
        fleet.next_round();
    }
    Ok(best.0)
}

/// The paged LIST alone.
pub(super) async fn list(fleet: &Fleet) -> Result<Sample> {
    fleet.sample_async(pages(fleet)).await
}

async fn pages(fleet: &Fleet) -> Result<()> {
    let mut token = String::new();
    loop {
        let path = format!("/apis/apps/v1/deployments?limit=500&continue={token}");
        let page = fleet
            .send("GET", &path, "application/json", Vec::new())
            .await?;
        // The token stands before the objects.
        let head = &page[..page.len().min(2048)];
        let head = String::from_utf8_lossy(head);
        match head.split("\"continue\":\"").nth(1) {
            Some(rest) => rest
                .split('"')
                .next()
                .unwrap_or_default()
                .clone_into(&mut token),
            None => return Ok(()),
        }
    }
}
