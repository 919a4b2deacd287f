//! A company, a program and two namespaces of one's own on a cluster where nothing is installed.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::arc_setup::{ArcSetup, Outcome};
use crate::support::company::Company;
use crate::support::connect_proxy::{ConnectProxy, Proxied};
use crate::support::control_plane::ControlPlane;
use crate::support::github::Github;

/// The second generation's story: dind, an internal registry, a proxy and an authority of the company's own.
const CONFIG: &str = "examples/locked-down-rancher-scale-set/arc-setup.yaml";

/// Where one test looks.
pub(super) struct Place {
    pub(super) plane: &'static ControlPlane,
    pub(super) company: Company,
    pub(super) program: ArcSetup,
    name: String,
}

impl Place {
    /// Both namespaces exist; every image is on the shelf.
    pub(super) async fn start(name: &str) -> Self {
        let plane = ControlPlane::untouched().await.unwrap();
        let company = Company::start(CONFIG).await.unwrap();
        let program = company
            .program(&plane.kubeconfig("untouched").unwrap())
            .unwrap();
        company.allow_images(&program).await.unwrap();
        for kind in ["systems", "runners"] {
            let namespace = format!("{name}-{kind}");
            plane.create_namespace(&namespace).await.unwrap();
        }
        Self {
            plane,
            company,
            program,
            name: name.to_owned(),
        }
    }

    /// The controller's namespace.
    pub(super) fn systems(&self) -> String {
        format!("{}-systems", self.name)
    }

    /// The runners' namespace.
    pub(super) fn runners(&self) -> String {
        format!("{}-runners", self.name)
    }

    /// Runs `init --dry-run` with further arguments.
    pub(super) async fn look(&self, more: &[&str]) -> Outcome {
        let (systems, runners) = (self.systems(), self.runners());
        let own = [
            "init",
            "--dry-run",
            "--config",
            CONFIG,
            "--controller-namespace",
            &systems,
            "--runner-namespace",
            &runners,
        ];
        self.program.run(&[&own, more].concat()).await.unwrap()
    }

    /// The same as JSON: exit code and findings.
    pub(super) async fn findings(&self, more: &[&str]) -> Findings {
        let outcome = self.look(&[more, &["-o", "json"]].concat()).await;
        Findings::of(&outcome)
    }

    /// kubectl as administrator, which must succeed.
    pub(super) fn kubectl(&self, arguments: &[&str]) -> String {
        let output = self.plane.kubectl(arguments).unwrap();
        assert!(
            output.status.success(),
            "kubectl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Applies an object as administrator.
    pub(super) fn apply(&self, object: &Value) {
        let name = format!("applied-{}.json", object["kind"].as_str().unwrap());
        let file = self.program.file(&name, object.to_string()).unwrap();
        self.kubectl(&["apply", "-f", file.to_str().unwrap()]);
    }

    /// A Secret with these keys in both namespaces.
    pub(super) fn existing_secret(&self, name: &str, keys: &[&str]) {
        self.secret(name, "Opaque", keys);
    }

    /// A pull secret in both namespaces.
    pub(super) fn existing_pull_secret(&self, name: &str) {
        self.secret(
            name,
            "kubernetes.io/dockerconfigjson",
            &[".dockerconfigjson"],
        );
    }

    fn secret(&self, name: &str, kind: &str, keys: &[&str]) {
        let data: BTreeMap<&str, &str> = keys.iter().map(|key| (*key, "{}")).collect();
        for namespace in [self.systems(), self.runners()] {
            self.apply(
                &json!({"apiVersion": "v1", "kind": "Secret", "type": kind, "stringData": data,
                "metadata": {"name": name, "namespace": namespace}}),
            );
        }
    }

    /// Puts another GitHub server, another proxy or both into the company's place.
    pub(super) async fn proxy(
        &mut self,
        github: Option<&Github>,
        account: Option<(&str, &str)>,
    ) -> ConnectProxy {
        let github = github.map_or(self.company.github.address(), Github::address);
        let host = self.company.github_host();
        let routes = BTreeMap::from([
            (
                format!("{}:443", self.company.registry_host()),
                self.company.registry.address(),
            ),
            (format!("{host}:443"), github),
            (format!("api.{host}:443"), github),
        ]);
        let account = account.map(|(user, password)| (user.to_owned(), password.to_owned()));
        let proxy = ConnectProxy::start(Proxied { routes, account })
            .await
            .unwrap();
        self.program.env("ARC_SETUP_PROXY", proxy.url());
        proxy
    }
}

/// What one run found.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) code: Option<i32>,
    pub(super) document: Value,
}

impl Findings {
    pub(super) fn of(outcome: &Outcome) -> Self {
        let document = serde_json::from_str(&outcome.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", outcome.stdout, outcome.stderr));
        Self {
            code: outcome.code,
            document,
        }
    }

    pub(super) fn all(&self) -> &[Value] {
        self.document["findings"]
            .as_array()
            .unwrap_or_else(|| panic!("no findings: {:#}", self.document))
    }

    /// Those of this id and verdict.
    pub(super) fn with(&self, id: &str, verdict: &str) -> Vec<&Value> {
        self.all()
            .iter()
            .filter(|finding| finding["id"] == id && finding["verdict"] == verdict)
            .collect()
    }

    /// The only one of this id and verdict, as text.
    #[track_caller]
    pub(super) fn only(&self, id: &str, verdict: &str) -> String {
        let found = self.with(id, verdict);
        assert_eq!(found.len(), 1, "{id} {verdict}: {:#}", json!(self.all()));
        found[0].to_string()
    }

    /// Ids of all that block, without repetition.
    pub(super) fn blocking(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = self
            .all()
            .iter()
            .filter(|finding| finding["verdict"] == "failed")
            .filter_map(|finding| finding["id"].as_str())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Fails unless the run ended with `code`, because of these ids alone.
    #[track_caller]
    pub(super) fn expect(&self, code: i32, blocking: &[&str]) -> &Self {
        assert_eq!(
            (self.code, self.blocking().as_slice()),
            (Some(code), blocking),
            "{:#}",
            json!(self.all())
        );
        self
    }
}
