//! The init container of a runner's pod, run by a real shell: its script is taken out of what `render` writes, and its
//! folders are put below a temporary one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::support::arc_setup::{ArcSetup, skipped};
use crate::support::authority::Authority;

const CONFIG: &str = "mode: scale-set
github: {url: https://github.com, organization: octo, existingSecret: github}
registry: {host: registry.artifactory.mydomain.com}
proxy: {url: 'http://proxy.corp:3128', noProxy: [corp.example]}
caBundle: authorities.pem
runnerSets: [{name: build, max: 2, containerMode: dind}]
";
/// Debian's and Alpine's file.
const ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

struct Prepared {
    program: ArcSetup,
    container: Value,
    authorities: String,
    /// Values that a Secret may have.
    instead: Vec<(&'static str, &'static str)>,
}

impl Prepared {
    async fn new() -> Result<Self> {
        let authority = Authority::new()?;
        let program = ArcSetup::new()?;
        program.file("arc-setup.yaml", CONFIG)?;
        program.file("authorities.pem", authority.bundle_pem())?;
        let rendered = program.run(&["render", "-o", "json"]).await?.expect_code(0);
        let rendered: Value = serde_json::from_str(&rendered.stdout)?;
        let found = |test: &dyn Fn(&Value) -> bool| {
            let items = rendered["items"].as_array().into_iter().flatten();
            items.clone().find(|one| test(one)).cloned()
        };
        let set = found(&|one| one["kind"] == "AutoscalingRunnerSet").context("no set")?;
        let list = &set["spec"]["template"]["spec"]["initContainers"];
        let list = list.as_array().context("no list")?;
        let container = list.iter().find(|one| one["name"] == "arc-setup-prepare");
        let container = container.context("nothing is prepared")?.clone();
        let data = |name: &str, key: &str| -> Result<String> {
            let map = found(&|one| one["kind"] == "ConfigMap" && one["metadata"]["name"] == name);
            let text = map.as_ref().and_then(|map| map["data"][key].as_str());
            Ok(text.with_context(|| format!("no {name} {key}"))?.to_owned())
        };
        let authorities = data("arc-ca", "ca.crt")?;
        // What the pod mounts, and empty directories.
        program.file("etc/ca/ca.crt", &authorities)?;
        program.file(
            "etc/buildkit/buildkitd.toml",
            data("arc-buildkit", "buildkitd.toml")?,
        )?;
        for empty in ["etc/bundle/.keep", "etc/docker-client/.keep"] {
            program.file(empty, "")?;
        }
        Ok(Self {
            program,
            container,
            authorities,
            instead: Vec::new(),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.program.home().join(name)
    }

    fn read(&self, name: &str) -> Result<String> {
        let path = self.path(name);
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    }

    /// Runs it as the kubelet would, in this folder; `home` is what the image has for its user.
    fn run(&self, home: &Path) -> Result<Output> {
        let words = ["command", "args"].map(|list| self.container[list].as_array().cloned());
        let words: Vec<String> = words
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect();
        let folder = self.path("etc").display().to_string();
        let mut command = Command::new(&words[0]);
        for word in &words[1..] {
            command.arg(word.replace("/etc/arc-setup", &folder));
        }
        command
            .env_clear()
            .env("HOME", home)
            .env("PATH", "/usr/bin:/bin");
        for item in self.container["env"].as_array().into_iter().flatten() {
            let (name, value) = (item["name"].as_str(), item["value"].as_str());
            command.env(name.context("no name")?, value.context("no value")?);
        }
        for (name, value) in &self.instead {
            command.env(name, value);
        }
        let output = command.output()?;
        ensure!(output.status.success(), "{output:?}");
        Ok(output)
    }
}

#[tokio::test]
async fn the_bundle_is_the_images_and_the_companys_and_the_client_knows_the_proxy() -> Result<()> {
    let prepared = Prepared::new().await?;
    let home = prepared.path("image");
    prepared
        .program
        .file("image/.docker/cli-plugins/docker-buildx", "a plugin")?;
    prepared.run(&home)?;
    let bundle = prepared.read("etc/bundle/ca-bundle.crt")?;
    assert!(bundle.ends_with(&prepared.authorities));
    match std::fs::read_to_string(ROOTS) {
        Ok(roots) => assert!(bundle.starts_with(&roots)),
        Err(_) => skipped("public roots: this machine has none in a file"),
    }
    let client: Value = serde_json::from_str(&prepared.read("etc/docker-client/config.json")?)?;
    let proxies = &client["proxies"]["default"];
    assert_eq!(proxies["httpProxy"], "http://proxy.corp:3128");
    assert_eq!(proxies["httpsProxy"], "http://proxy.corp:3128");
    let direct = proxies["noProxy"].as_str().context("no noProxy")?;
    assert!(
        direct.starts_with("corp.example,.corp.example,localhost"),
        "{direct}"
    );
    assert_eq!(
        prepared.read("etc/docker-client/cli-plugins/docker-buildx")?,
        "a plugin"
    );
    assert_eq!(
        prepared.read("etc/docker-client/buildx/buildkitd.default.toml")?,
        prepared.read("etc/buildkit/buildkitd.toml")?
    );
    // A container that is started again in its pod finds what it made.
    prepared.run(&home)?;
    assert_eq!(prepared.read("etc/bundle/ca-bundle.crt")?, bundle);
    Ok(())
}

#[tokio::test]
async fn an_account_with_a_quote_breaks_no_json() -> Result<()> {
    let mut prepared = Prepared::new().await?;
    let proxy = r#"http://jo:a"b\c%@proxy.corp:3128"#;
    prepared.instead = vec![("https_proxy", proxy)];
    prepared.run(&prepared.path("image"))?;
    let client: Value = serde_json::from_str(&prepared.read("etc/docker-client/config.json")?)?;
    assert_eq!(client["proxies"]["default"]["httpsProxy"], proxy);
    Ok(())
}

#[tokio::test]
async fn what_the_image_configures_stays() -> Result<()> {
    let prepared = Prepared::new().await?;
    let own = json!({"credHelpers": {"registry.corp": "corp"}}).to_string();
    prepared.program.file("image/.docker/config.json", &own)?;
    prepared.program.file(
        "image/.docker/buildx/buildkitd.default.toml",
        "debug = true\n",
    )?;
    let said = prepared.run(&prepared.path("image"))?.stderr;
    assert!(String::from_utf8(said)?.contains("it stays without the proxy"));
    assert_eq!(prepared.read("etc/docker-client/config.json")?, own);
    assert_eq!(
        prepared.read("etc/docker-client/buildx/buildkitd.default.toml")?,
        "debug = true\n"
    );
    Ok(())
}
