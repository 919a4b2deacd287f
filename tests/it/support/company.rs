//! The company around a cluster: its registry, GitHub server and proxy, all on loopback under the
//! names that an arc-setup.yaml gives them. No name is looked up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::arc_setup::ArcSetup;
use super::authority::{Authority, Sends};
use super::connect_proxy::{ConnectProxy, Proxied};
use super::github::{App, Github, Setup as GithubSetup};
use super::registry::{Access, Registry, Setup as RegistrySetup};

const TOKEN: &str = "ghp_demonstration0000000000000000000000";
const ACCOUNT: (&str, &str) = ("robot", "registry-password-of-the-company");
/// Where images come from that no configuration moves; Docker Hub under the name of its server.
const PUBLIC: [&str; 3] = ["ghcr.io", "quay.io", "registry-1.docker.io"];
const PROXY_ACCOUNT: (&str, &str) = ("jane", "proxy-password-of-the-company");

/// The stand-ins that one configuration needs; they stop when this is dropped.
#[derive(Debug)]
pub(crate) struct Company {
    pub(crate) registry: Registry,
    pub(crate) github: Github,
    pub(crate) proxy: ConnectProxy,
    pub(crate) authority: Authority,
    names: Names,
    config: PathBuf,
}

/// What the configuration says.
#[derive(Debug)]
struct Names {
    values: Value,
    /// Host, with port where one is given; None where images stay where they are.
    registry: Option<String>,
    github: String,
}

impl Company {
    /// Starts what the configuration names; `config` is relative to the project.
    pub(crate) async fn start(config: &str) -> Result<Self> {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join(config);
        let names = Names::read(&config)?;
        let authority = Authority::new()?;
        let registry = names.start_registry(&authority).await?;
        let github = names.start_github(&authority).await?;
        let proxy = names.start_proxy(&registry, &github).await?;
        Ok(Self {
            registry,
            github,
            proxy,
            authority,
            names,
            config,
        })
    }

    /// Host of the internal registry.
    pub(crate) fn registry_host(&self) -> &str {
        self.names.registry.as_deref().unwrap_or(PUBLIC[0])
    }

    /// Host of the GitHub server.
    pub(crate) fn github_host(&self) -> &str {
        &self.names.github
    }

    /// A value of the configuration, or what holds without it.
    pub(crate) fn configured<'a>(&'a self, pointer: &str, default: &'a str) -> &'a str {
        self.names
            .values
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or(default)
    }

    /// Grants the allow-list ticket: puts every image on the shelf that the program says it needs.
    pub(crate) async fn allow_images(&self, program: &ArcSetup) -> Result<()> {
        let config = self.config.display().to_string();
        let outcome = program
            .run(&["images", "--config", &config, "-o", "json"])
            .await?;
        let images: Value = serde_json::from_str(&outcome.stdout).with_context(|| {
            format!("images -o json wrote no JSON; it said: {}", outcome.stderr)
        })?;
        let prefix = self.names.registry.as_ref().map(|host| format!("{host}/"));
        let mut wanted = BTreeSet::new();
        for image in images["images"].as_array().into_iter().flatten() {
            let after = image["after"].as_str().unwrap_or_default();
            match &prefix {
                Some(prefix) => wanted.extend(after.strip_prefix(prefix).map(str::to_owned)),
                None => {
                    wanted.insert(public_repository(after));
                }
            }
        }
        ensure!(
            !wanted.is_empty(),
            "images names none of {}",
            self.registry_host()
        );
        for image in &wanted {
            self.registry.add(image);
        }
        Ok(())
    }

    /// The program with what a person would export: secrets never stand on the command line.
    pub(crate) fn program(&self, kubeconfig: &Path) -> Result<ArcSetup> {
        let mut program = ArcSetup::new()?;
        let bundle = program.file("company-ca.pem", self.authority.bundle_pem())?;
        program
            .directory(Path::new(env!("CARGO_MANIFEST_DIR")))
            .env("KUBECONFIG", kubeconfig)
            .env("ARC_SETUP_PROXY", self.proxy.url())
            // Nothing but the cluster is reached directly here, whatever the configuration excepts.
            .env("ARC_SETUP_CA_BUNDLE", bundle);
        if let Some(registry) = &self.names.registry
            && !self.names.exists("/registry/pullSecret")
        {
            let auth = STANDARD.encode(format!("{}:{}", ACCOUNT.0, ACCOUNT.1));
            let docker = json!({ "auths": { registry: { "auth": auth } } }).to_string();
            program
                .env("ARC_SETUP_PULL_SECRET", docker)
                .canary("the registry's password", ACCOUNT.1)
                .canary("the registry's account", &auth);
        }
        if self.names.has_proxy_account() && !self.names.exists("/proxy/credentials") {
            let account = format!("{}:{}", PROXY_ACCOUNT.0, PROXY_ACCOUNT.1);
            program
                .secret_env("ARC_SETUP_PROXY_CREDENTIALS", &account)
                .canary("the proxy's password", PROXY_ACCOUNT.1);
        }
        match self.names.app() {
            _ if self.names.exists("/github") => &mut program,
            Some(_) => program.secret_env("ARC_SETUP_GITHUB_APP_PRIVATE_KEY", App::PRIVATE_KEY),
            None => program.secret_env("ARC_SETUP_GITHUB_TOKEN", TOKEN),
        };
        Ok(program)
    }
}

impl Names {
    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let values: Value = serde_yaml::from_str(&text)?;
        let text = |pointer: &str| values.pointer(pointer).and_then(Value::as_str);
        let github = text("/github/url")
            .and_then(|url| url.split_once("://"))
            .map(|(_, host)| host);
        let github = github
            .context("the configuration has no github.url")?
            .trim_end_matches('/')
            .to_owned();
        let registry = text("/registry/host").or_else(|| text("/registry/map/0/target"));
        let registry = registry
            .and_then(|host| host.split('/').next())
            .map(str::to_owned);
        Ok(Self {
            values,
            registry,
            github,
        })
    }

    async fn start_registry(&self, authority: &Authority) -> Result<Registry> {
        // What is public, or for whose account only a Secret of the cluster knows, lets everyone in.
        let open = self.registry.is_none() || self.exists("/registry/pullSecret");
        let account = (!open).then(|| (ACCOUNT.0.to_owned(), ACCOUNT.1.to_owned()));
        let setup = RegistrySetup {
            access: Access::Bearer { account },
            ..RegistrySetup::default()
        };
        let names: Vec<&str> = match &self.registry {
            Some(host) => vec![host.split(':').next().unwrap_or_default()],
            None => PUBLIC.to_vec(),
        };
        Registry::start(authority.server(&names, Sends::LeafOnly)?, setup).await
    }

    async fn start_github(&self, authority: &Authority) -> Result<Github> {
        let mut scopes = BTreeSet::new();
        let sets = self.values["runnerSets"].as_array().into_iter().flatten();
        for place in std::iter::once(&self.values["github"]).chain(sets) {
            for (key, kind) in [
                ("organization", "orgs"),
                ("repository", "repos"),
                ("enterprise", "enterprises"),
            ] {
                scopes.extend(place[key].as_str().map(|name| format!("{kind}/{name}")));
            }
        }
        let setup = GithubSetup {
            enterprise_version: (self.github != "github.com").then(|| "3.17.0".to_owned()),
            token: Some(TOKEN.to_owned()),
            app: self.app(),
            scopes,
            ..GithubSetup::default()
        };
        let api = format!("api.{}", self.github);
        Github::start(
            authority.server(&[&self.github, &api], Sends::LeafOnly)?,
            setup,
        )
        .await
    }

    /// The App, where it logs in with one.
    fn app(&self) -> Option<App> {
        let app = &self.values["github"]["app"];
        let text = |key: &str| match &app[key] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Some(App {
            id: text("id")?,
            installation_id: text("installationId")?,
        })
    }

    async fn start_proxy(&self, registry: &Registry, github: &Github) -> Result<ConnectProxy> {
        let mut routes = BTreeMap::from([
            (format!("{}:443", self.github), github.address()),
            (format!("api.{}:443", self.github), github.address()),
        ]);
        let registries = match &self.registry {
            Some(host) => vec![host.as_str()],
            None => PUBLIC.to_vec(),
        };
        for host in registries {
            let target = if host.contains(':') {
                host.to_owned()
            } else {
                format!("{host}:443")
            };
            routes.insert(target, registry.address());
        }
        let (user, password) = PROXY_ACCOUNT;
        let asks = self.has_proxy_account() && !self.exists("/proxy/credentials");
        let account = asks.then(|| (user.to_owned(), password.to_owned()));
        ConnectProxy::start(Proxied { routes, account }).await
    }

    /// Whether a Secret of the cluster holds it, so that the program is not given it.
    fn exists(&self, pointer: &str) -> bool {
        self.values
            .pointer(pointer)
            .is_some_and(|place| place["existingSecret"].is_string())
    }

    /// Whether the proxy wants the account that the configuration speaks of.
    fn has_proxy_account(&self) -> bool {
        self.values["proxy"]["credentials"].is_object()
    }
}

/// Repository and tag of an image where no host of ours serves it.
fn public_repository(image: &str) -> String {
    match image.split_once('/') {
        Some((host, rest)) if host.contains('.') => rest.to_owned(),
        Some(_) => image.to_owned(),
        None => format!("library/{image}"),
    }
}
