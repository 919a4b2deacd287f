//! The cluster and the company around it, and the two programs that talk to them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::CONFIG;
use crate::support::arc_setup::{ArcSetup, Outcome};
use crate::support::company::Company;
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::webhook_backends::WebhookBackends;
use crate::transcript::Transcript;

/// Everything that the demo stands on; it stops when this is dropped.
#[derive(Debug)]
pub(crate) struct Surroundings {
    program: ArcSetup,
    company: Company,
    _webhooks: WebhookBackends,
    plane: Arc<ControlPlane>,
}

impl Surroundings {
    pub(crate) async fn start(transcript: &Transcript) -> Result<Self> {
        let company = Company::start(CONFIG).await?;
        let started = Instant::now();
        let plane = Arc::new(ControlPlane::start(Options::full()).await?);
        let webhooks = WebhookBackends::follow(Arc::clone(&plane))?;
        transcript.took(
            "starting etcd, kube-apiserver, controller-manager, scheduler and kwok",
            started.elapsed(),
        );
        let (registry, github) = (company.registry_host(), company.github_host());
        transcript.say(&format!(
            "{registry} and {github} send their leaf certificate only"
        ));
        transcript.say(&format!(
            "both are reached through the proxy {} alone",
            company.proxy.url()
        ));
        let program = company.program(&plane.kubeconfig("demo")?)?;
        Ok(Self {
            program,
            company,
            _webhooks: webhooks,
            plane,
        })
    }

    pub(crate) fn company(&self) -> &Company {
        &self.company
    }

    /// A bundle with the root alone: what one has before anybody asks for the issuing CA.
    pub(crate) fn root_alone(&self) -> Result<PathBuf> {
        self.program
            .file("company-root.pem", self.company.authority.root_pem())
    }

    /// Grants the ticket that `images` wrote.
    pub(crate) async fn allow_images(&self) -> Result<()> {
        self.company.allow_images(&self.program).await
    }

    /// Runs the program, showing what it says while it says it.
    pub(crate) async fn arc_setup(
        &self,
        transcript: &Transcript,
        arguments: &[&str],
    ) -> Result<Outcome> {
        transcript.command(&[&["arc-setup"], arguments].concat());
        let mut running = self.program.start(arguments)?;
        let mut shown = 0;
        let outcome = loop {
            let finished = running.poll()?;
            let said = running.stderr();
            // Whole lines only, so that none is shown in two parts.
            let end = said.rfind('\n').map_or(0, |newline| newline + 1);
            if end > shown {
                Transcript::output(&said[shown..end]);
                shown = end;
            }
            match finished {
                Some(outcome) => break outcome,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        Transcript::output(&outcome.stdout);
        transcript.took(arguments.first().copied().unwrap_or_default(), outcome.took);
        Ok(outcome)
    }

    /// kubectl, which must succeed; its output is shown.
    pub(crate) fn kubectl(&self, transcript: &Transcript, arguments: &[&str]) -> Result<String> {
        transcript.command(&[&["kubectl"], arguments].concat());
        let text = self.ask(arguments)?;
        Transcript::output(&text);
        Ok(text)
    }

    /// kubectl without a word.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Result<String> {
        let output = self.plane.kubectl(arguments)?;
        if !output.status.success() {
            bail!(
                "kubectl {} failed: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Writes a file that kubectl can read.
    pub(crate) fn file(&self, name: &str, content: &str) -> Result<PathBuf> {
        self.program.file(name, content)
    }

    /// What the stand-ins and the proxy saw.
    pub(crate) fn report(&self, transcript: &Transcript) -> Result<()> {
        let mut reached: BTreeMap<(String, u16), usize> = BTreeMap::new();
        for connected in self.company.proxy.log() {
            *reached
                .entry((connected.target, connected.status))
                .or_default() += 1;
        }
        for ((target, status), count) in &reached {
            transcript.say(&format!(
                "the proxy answered {status} for {target}, {count} times"
            ));
        }
        transcript.say(&format!(
            "the registry answered {} requests",
            self.company.registry.asked().len()
        ));
        transcript.say(&format!(
            "GitHub answered {} requests",
            self.company.github.asked().len()
        ));
        let through = |host: &str| reached.contains_key(&(format!("{host}:443"), 200));
        ensure!(
            through(self.company.registry_host()),
            "the registry was never reached through the proxy"
        );
        ensure!(
            through(self.company.github_host()),
            "GitHub was never reached through the proxy"
        );
        Ok(())
    }
}
