//! An install that cannot succeed, and how it must end. Each has its own name and namespaces, so that those of a proof
//! run side by side: most of their time is waiting.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use arc_setup::checks::catalogue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::administrator;
use crate::install::{Install, until};
use crate::lab::Lab;
use crate::pods::Sandbox;
use crate::support::arc_setup::Running;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    First,
    ScaleSets,
}

/// What happens after preflight has looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    Nothing,
    /// The registry that flaps has no image any more.
    ImagesAreLost,
    /// No pod stands behind the webhooks' Service.
    WebhookIsCutOff,
}

/// See above.
#[derive(Debug)]
pub(super) struct Case {
    lab: Arc<Lab>,
    pub(super) install: Install,
    pub(super) trouble: Trouble,
    /// The code that it ends with.
    id: &'static str,
    /// What the failure must say, as its cause or its evidence.
    says: &'static [&'static str],
}

impl Case {
    /// Of the default release, with one small runner set of one runner.
    pub(super) fn new(
        lab: &Arc<Lab>,
        generation: Generation,
        name: &str,
        id: &'static str,
        says: &'static [&'static str],
    ) -> Result<Self> {
        let mut config = administrator::behind_the_proxy(lab);
        let (mut name, mut manager) = (name.to_owned(), json!([small("manager")]));
        if generation == Generation::First {
            name = format!("first-{name}");
            config["mode"] = json!("legacy");
            manager = json!([small("manager"), small("kube-rbac-proxy")]);
        }
        config["name"] = json!(name);
        config["namespaces"] = json!({
            "controller": format!("{name}-systems"),
            "runners": format!("{name}-runners"),
        });
        // Nobody waits for their ends.
        let pod = |containers| json!({ "spec": { "containers": containers, "terminationGracePeriodSeconds": 0 } });
        config["controller"]["podTemplate"] = pod(manager);
        let template = pod(json!([small("runner")]));
        config["runnerSets"] =
            json!([{ "name": name, "min": 1, "max": 1, "podTemplate": template }]);
        Ok(Self {
            lab: Arc::clone(lab),
            install: Install::new(lab, config)?,
            trouble: Trouble::Nothing,
            id,
            says,
        })
    }

    /// Changes the container `manager`.
    pub(super) fn manager(&mut self, key: &str, value: Value) {
        let template = &mut self.install.config["controller"]["podTemplate"];
        template["spec"]["containers"][0][key] = value;
    }

    /// Makes both namespaces with a Secret in them, as another team does; our own value for it is taken away.
    pub(super) async fn existing_secret(
        &mut self,
        name: &str,
        kind: &str,
        values: &[(&str, &str)],
        instead_of: &str,
    ) -> Result<()> {
        let values = values
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(STANDARD.encode(value))));
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": { "name": name },
            "data": values.collect::<serde_json::Map<_, _>>(),
        });
        for namespace in [self.install.controller.name(), self.install.runners.name()] {
            let sandbox = Sandbox::new(&self.lab, namespace).await?;
            sandbox.apply(&secret).await?;
        }
        self.install.program.without_env(instead_of);
        Ok(())
    }

    async fn ends_as_it_should(&self) -> Result<()> {
        let arguments = ["init", "--context", "lab", "--yes", "--output", "json"];
        let (program, config) = (&self.install.program, &self.install.config);
        let mut running = administrator::start(program, config, &arguments)?;
        let mut outage = None;
        match self.trouble {
            Trouble::Nothing => {}
            Trouble::ImagesAreLost => {
                self.until_it_writes(&mut running).await?;
                outage = Some(self.lab.flapping.lose_images().await);
            }
            Trouble::WebhookIsCutOff => self.cut_the_webhook_off().await?,
        }
        let outcome = running.wait().await?;
        drop(outage);
        // 124 would be the time's own end.
        let outcome = self.install.expect_code(outcome, 20).await?;
        let failure: Value = serde_json::from_str(&outcome.stdout)
            .with_context(|| format!("no failure: {outcome:?}"))?;
        self.is_explained(&failure)
            .with_context(|| format!("{failure:#}\n{}", outcome.stderr))
    }

    /// Id, cause, remedy and evidence.
    fn is_explained(&self, failure: &Value) -> Result<()> {
        ensure!(failure["code"] == json!(self.id), "it is not {}", self.id);
        let entry = catalogue::entry(self.id).context("no such code")?;
        let text = |key: &str| failure[key].to_string().replace("\\\"", "\"");
        let (why, remedy) = (text("why"), text("remedy"));
        // The refusal of a write says what the server said, and goes on from there.
        if self.trouble != Trouble::WebhookIsCutOff {
            ensure!(why.contains(entry.cause), "no cause: {}", entry.cause);
            ensure!(remedy.contains(entry.remedy), "no remedy: {}", entry.remedy);
        }
        ensure!(remedy.len() > 4, "nothing to do");
        let said = format!("{why}{}", text("evidence"));
        let missing = self.says.iter().find(|words| !said.contains(*words));
        ensure!(missing.is_none(), "{missing:?} is not said");
        Ok(())
    }

    /// Its own look at the images is over when it begins to write; the node pulls some waves later.
    async fn until_it_writes(&self, running: &mut Running) -> Result<()> {
        let namespace = ["get", "namespace", self.install.controller.name()];
        while self.lab.cluster.kubectl(&namespace).await.is_err() {
            let ended = running.poll()?;
            ensure!(ended.is_none(), "init ended too early: {ended:#?}");
        }
        Ok(())
    }

    async fn cut_the_webhook_off(&self) -> Result<()> {
        let controller = &self.install.controller;
        let service = until("the webhooks' Service", async || {
            let listed = controller
                .kubectl(&["get", "services", "-o", "json"])
                .await?;
            let listed: Value = serde_json::from_str(&listed)?;
            let mut services = listed["items"].as_array().into_iter().flatten();
            let is_it = |one: &&Value| one["spec"]["ports"][0]["targetPort"] == json!(9443);
            let found = services.find(is_it).map(|one| &one["metadata"]["name"]);
            Ok(found.and_then(Value::as_str).map(str::to_owned))
        })
        .await?;
        let nobody = r#"{"spec":{"selector":{"nobody":"is-behind-it"}}}"#;
        let patch = [
            "patch",
            "service",
            &service,
            "--type=merge",
            "--patch",
            nobody,
        ];
        controller.kubectl(&patch).await.map(drop)
    }
}

/// What a node of two cores has room for many times.
fn small(container: &str) -> Value {
    json!({ "name": container, "resources": { "requests": { "cpu": "10m", "memory": "32Mi" } } })
}

/// Runs all of them at once, removes them, and says which of them ended otherwise.
pub(super) async fn all_end(cases: Vec<Case>) -> Result<()> {
    let ends = join_all(cases.iter().map(Case::ends_as_it_should)).await;
    let removals = join_all(cases.iter().map(|case| case.install.remove())).await;
    let mut wrong = Vec::new();
    for (case, (end, removal)) in cases.iter().zip(ends.into_iter().zip(removals)) {
        for error in [end, removal].into_iter().filter_map(Result::err) {
            wrong.push(format!("{}: {error:#}", case.install.config["name"]));
        }
    }
    // What could not be removed cannot be cleared away either: its cause is said first.
    for cleared in join_all(cases.into_iter().map(|case| case.install.clear())).await {
        wrong.extend(cleared.err().map(|error| format!("cleared: {error:#}")));
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    Ok(())
}
