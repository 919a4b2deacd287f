//! `proxy explain` as people run it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::support::arc_setup::{ArcSetup, Outcome};
use crate::support::authority::{Authority, Sends};
use crate::support::control_plane::ControlPlane;
use crate::support::https::{Handler, HttpsServer};

const CONFIG: &str = "github: {url: 'https://ghes.corp'}\n\
                      registry: {host: registry.corp}\n\
                      proxy: {url: 'http://proxy.corp:3128', noProxy: [.tools.corp, '10.0.0.0/8']}\n";

fn answer(outcome: Outcome) -> Result<Value> {
    Ok(serde_json::from_str(&outcome.expect_code(0).stdout)?)
}

/// Program → way, for one host.
fn ways(answer: &Value, url: &str) -> Result<BTreeMap<String, String>> {
    let rows = answer["rows"].as_array().context("no rows")?;
    let row = rows.iter().find(|row| row["url"] == url);
    let row = row.with_context(|| format!("no row {url}: {answer:#}"))?;
    let cells = row["cells"].as_array().into_iter().flatten();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(cells
        .map(|cell| (word(&cell["program"]), word(&cell["way"])))
        .collect())
}

fn of_way<'a>(ways: &'a BTreeMap<String, String>, way: &str) -> Vec<&'a str> {
    let programs = ways.iter().filter(|(_, one)| *one == way);
    programs.map(|(program, _)| program.as_str()).collect()
}

/// On the real API server: what the cluster calls its own is direct to every program, by the list that `init` would set.
#[tokio::test(flavor = "multi_thread")]
async fn the_clusters_own_names_and_ranges_are_in_the_list() -> Result<()> {
    let plane = ControlPlane::untouched().await?;
    let program = ArcSetup::new()?;
    program.file("arc-setup.yaml", CONFIG)?;
    let kubeconfig = plane.kubeconfig("explained")?.display().to_string();
    let arguments = [
        "proxy",
        "explain",
        "-o",
        "json",
        "--kubeconfig",
        &kubeconfig,
    ];
    let answer = answer(program.run(&arguments).await?)?;
    assert_eq!(answer["judged"], "install");
    assert_eq!(answer["notes"], serde_json::json!([]));
    let list = answer["noProxy"].as_str().unwrap_or_default();
    let entries: Vec<&str> = list.split(',').collect();
    let service = plane.kubectl(&[
        "get",
        "service",
        "kubernetes",
        "-o",
        "jsonpath={.spec.clusterIP}",
    ])?;
    let service = String::from_utf8(service.stdout)?;
    let range = plane.kubectl(&[
        "get",
        "servicecidrs",
        "-o",
        "jsonpath={.items[0].spec.cidrs[0]}",
    ])?;
    let range = String::from_utf8(range.stdout)?;
    for entry in [
        "tools.corp",
        ".tools.corp",
        "kubernetes.default.svc",
        ".svc",
        "cluster.local",
        "169.254.169.254",
        &service,
        &range,
    ] {
        assert!(entries.contains(&entry), "{entry} is not in {list}");
    }
    let ways_of = |url: &str| ways(&answer, url);
    assert_eq!(
        of_way(&ways_of("https://kubernetes.default.svc")?, "proxy"),
        [""; 0]
    );
    let through = ways_of(&format!("https://{service}"))?;
    assert!(through["runner"] == "proxy" || service.ends_with(".1"));
    assert_eq!(through["go"], "direct");
    // GitHub and the registry go through the proxy, for every program that has one.
    for url in ["https://ghes.corp", "https://registry.corp"] {
        assert_eq!(of_way(&ways_of(url)?, "direct"), ["java"], "{url}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_disagree_are_told_with_the_entry_that_decides() -> Result<()> {
    let program = ArcSetup::new()?;
    program.file("arc-setup.yaml", CONFIG)?;
    let list = "*.corp,10.0.0.0/8,registry.corp:5000";
    let arguments = [
        "proxy",
        "explain",
        "--list",
        list,
        "registry.corp",
        "10.1.2.3",
    ];
    let said = program.run(&arguments).await?.expect_code(0).stdout;
    for part in [
        "https://registry.corp: programs disagree\n  direct  Go, dockerd: entry *.corp\n  proxy   runner, Node, curl, git, wget, urllib, requests, pip: no entry covers it\n",
        "https://10.1.2.3: programs disagree\n  direct  Go, curl, git, requests, pip, dockerd: entry 10.0.0.0/8\n  proxy   runner, Node, wget, urllib: no entry covers it\n",
        "Java: direct everywhere, reads no variables; -Dhttps.proxyHost is not set\n",
        "  - *.corp              for runner, Node, curl, git, wget, urllib, requests, pip  write corp,.corp\n",
        "  - registry.corp:5000  for curl, git, wget                                       write registry.corp,.registry.corp\n",
    ] {
        assert!(said.contains(part), "{part}\n---\n{said}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_variables_of_the_shell_are_judged_and_no_password_is_shown() -> Result<()> {
    let mut program = ArcSetup::new()?;
    program
        .secret_env(
            "HTTPS_PROXY",
            "http://user:canary-of-the-proxy@proxy.corp:3128",
        )
        .env("NO_PROXY", "a.corp")
        .env(
            "JAVA_TOOL_OPTIONS",
            "-Dhttps.proxyHost=proxy.corp -Dhttp.nonProxyHosts=*.corp",
        );
    let arguments = [
        "proxy",
        "explain",
        "--from-environment",
        "-o",
        "json",
        "a.corp",
        "b.org",
    ];
    let outcome = program.run(&arguments).await?;
    assert_eq!(outcome.stderr, "");
    let answer = answer(outcome)?;
    let here = ways(&answer, "https://a.corp")?;
    assert_eq!(of_way(&here, "proxy"), [""; 0]);
    // wget reads no variable in upper case.
    assert_eq!(of_way(&ways(&answer, "https://b.org")?, "direct"), ["wget"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cluster_or_a_proxy_it_says_so() -> Result<()> {
    let program = ArcSetup::new()?;
    program.file("arc-setup.yaml", CONFIG)?;
    let said = program
        .run(&["proxy", "explain", "registry.corp"])
        .await?
        .expect_code(0)
        .stdout;
    assert!(
        said.contains("note: the cluster's own names and ranges are left out"),
        "{said}"
    );
    program.file("bare.yaml", "github: {url: 'https://ghes.corp'}\n")?;
    let arguments = ["proxy", "explain", "--config", "bare.yaml", "--no-cluster"];
    let said = program.run(&arguments).await?.expect_code(0).stdout;
    assert!(
        said.contains("note: the configuration has no proxy"),
        "{said}"
    );
    for wrong in ["10.1", "ftp://a", "user@host"] {
        program
            .run(&["proxy", "explain", wrong])
            .await?
            .expect_code(2);
    }
    Ok(())
}

/// Of two registries one answers without the proxy: that one is in the list, and both are told.
#[tokio::test(flavor = "multi_thread")]
async fn of_an_open_way_it_is_looked_who_answers() -> Result<()> {
    let authority = Authority::new()?;
    let tls = authority.server(&["localhost"], Sends::Chain)?;
    let empty: Handler = Arc::new(|_| Box::pin(async { http::Response::default() }));
    let server = HttpsServer::start(tls, empty).await?;
    let answering = format!("localhost:{}", server.address().port());
    // Nobody listens there: the port was somebody's a moment ago.
    let gone = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let program = ArcSetup::new()?;
    let config = format!(
        "github: {{url: 'https://ghes.corp'}}\ncaBundle: ca.pem\n\
         registry: {{host: '{answering}', via: auto, map: [{{source: quay.io, target: '{gone}'}}]}}\n\
         proxy: {{url: 'http://proxy.corp:3128'}}\n"
    );
    program.file("arc-setup.yaml", config)?;
    let arguments = ["proxy", "explain", "-o", "json", "--no-cluster", "a.corp"];
    // A firewall may answer for anybody.
    program.file("ca.pem", Authority::of("Other")?.bundle_pem())?;
    let stranger = answer(program.run(&arguments).await?)?;
    let notes = stranger["notes"].to_string();
    let untrusted = format!(
        "{answering} answers from here without the proxy, and its certificate is not trusted"
    );
    assert!(notes.contains(&untrusted), "{notes}");
    program.file("ca.pem", authority.bundle_pem())?;
    let answer = answer(program.run(&arguments).await?)?;
    let notes = answer["notes"].to_string();
    let direct = format!("{answering} answers from here without the proxy: reached directly");
    assert!(notes.contains(&direct), "{notes}");
    let through = format!("{gone} does not answer from here without the proxy");
    assert!(notes.contains(&through), "{notes}");
    assert_eq!(server.handshakes().len(), 2);
    let said = program.run(&["render"]).await?.stderr;
    assert!(!said.contains("answers from here"), "{said}");
    Ok(())
}
