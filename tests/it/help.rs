//! `--help` lists the flags that a command reads, and no other: what is listed changes the answer, what is not is
//! taken without effect, and told.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use arc_setup::config::table;
use futures::{StreamExt as _, TryStreamExt as _};

use crate::support::arc_setup::{ArcSetup, Outcome};
use crate::support::authority::Authority;
use crate::support::examples::{TOKEN, private_key};

/// One runner set without a name, so that `--runner-set` gives it one.
const BASES: [&str; 3] = [
    "github: {url: https://github.com, organization: o, token: {env: T}}\n\
     registry: {host: r.example.com, preset: harbor, keys: [{source: docker.io, key: hub}, {source: ghcr.io, key: gh}], mirrorCredentials: {account: {file: old-account}}}\n\
     proxy: {url: 'http://p.example.com:1', credentials: {account: {file: old-account}}, runners: same}\n\
     runnerSets: [{max: 2, containerMode: dind}]\n",
    "mode: legacy\ngithub: {url: https://github.com, organization: o, token: {env: T}}\n\
     registry: {host: r.example.com}\nrunnerSets: [{max: 2, containerMode: dind}]\n",
    "github: {url: https://github.com, organization: o, app: {id: '12', installationId: '34', privateKey: {file: old-key.pem}}}\n\
     runnerSets: [{max: 2}]\n",
];

/// A value for each flag that differs from what the bases say; one that makes a base unusable is left out there.
const VALUES: &[(&str, &str)] = &[
    ("name", "other"),
    ("mode", "legacy"),
    ("arc-version", "0.14.1"),
    ("github-url", "https://ghes.example.com"),
    ("github-org", "p"),
    ("github-repo", "o/r"),
    ("github-enterprise", "e"),
    ("github-token-file", "./token"),
    ("github-app-id", "1"),
    ("github-app-installation-id", "2"),
    ("github-app-private-key-file", "./key.pem"),
    ("github-existing-secret", "login"),
    ("registry", "mirror.example.com"),
    ("registry-preset", "nexus-subdomain"),
    ("registry-key", "ghcr.io=other"),
    ("registry-library", "drop"),
    ("registry-map", "ghcr.io=keep"),
    ("pull-secret-file", "./docker.json"),
    ("pull-secret-existing", "pull"),
    ("mirror-credentials-file", "./account"),
    ("proxy", "http://other.example.com:2"),
    ("no-proxy", ".example.com"),
    ("proxy-credentials-file", "./account"),
    ("proxy-existing-secret", "account"),
    ("proxy-runners", "none"),
    ("proxy-runners-existing-secret", "own"),
    ("ca-bundle", "ca.pem"),
    (
        "pin-sha256",
        "abababababababababababababababababababababababababababababababab",
    ),
    ("controller-namespace", "other-systems"),
    ("runner-namespace", "other-runners"),
    ("watch", "cluster"),
    ("existing-controller", "there/controller"),
    ("controller-image", "ghcr.io/other/controller:1"),
    ("webhook-certificate", "cert-manager"),
    ("webhook-existing-secret", "serving"),
    ("runner-set", "named"),
    ("runner-kind", "RunnerSet"),
    ("runner-labels", "big"),
    ("runner-group", "group"),
    ("runner-image", "ghcr.io/other/runner:1"),
    ("dind-image", "docker:29.0.0-dind"),
    ("min", "1"),
    ("max", "7"),
    ("container-mode", "none"),
    ("crds", "crds"),
    ("manage-namespaces", ""),
];

async fn program() -> Result<ArcSetup> {
    let mut program = ArcSetup::new()?;
    program.env("T", TOKEN);
    let docker = r#"{"auths":{"r.example.com":{"username":"u","password":"p"}}}"#;
    let other_key = "tests/fixtures/github/other-private-key.pem";
    let other_key = Path::new(env!("CARGO_MANIFEST_DIR")).join(other_key);
    for (name, content) in [
        ("ca.pem", Authority::new()?.bundle_pem()),
        ("token", TOKEN.replace("canary", "other")),
        ("docker.json", docker.to_owned()),
        ("old-account", "user:password".to_owned()),
        ("account", "other:password".to_owned()),
        ("old-key.pem", private_key()?),
        ("key.pem", std::fs::read_to_string(other_key)?),
    ] {
        program.file(name, content)?;
    }
    for (index, base) in BASES.iter().enumerate() {
        program.file(&format!("{index}.yaml"), base)?;
    }
    // Definitions of a user's own, with one that is not as ours.
    let shown = program
        .run(&["render", "--config", "0.yaml"])
        .await?
        .expect_code(0);
    let own = shown
        .stdout
        .split("---\n")
        .filter(|text| text.contains("kind: CustomResourceDefinition\n"))
        .map(|text| {
            text.replacen(
                "  labels:\n",
                "  labels:\n    example.com/own: \"true\"\n",
                1,
            )
        });
    program.file("crds/own.yaml", own.collect::<Vec<_>>().join("---\n"))?;
    Ok(program)
}

/// Flags in a command's help, without dashes.
async fn listed(program: &ArcSetup, command: &[&str]) -> Result<BTreeSet<String>> {
    let help = program.run(&[command, &["--help"]].concat()).await?;
    let help = help.expect_code(0).stdout;
    let flags = help.lines().filter_map(|line| {
        let line = line.trim_start();
        let flag = line.strip_prefix("--").or_else(|| {
            let (short, rest) = line.split_once(", --")?;
            (short.len() == 2 && short.starts_with('-')).then_some(rest)
        })?;
        let end = flag.find(|one: char| !(one.is_ascii_alphanumeric() || one == '-'));
        Some(flag[..end.unwrap_or(flag.len())].to_owned())
    });
    Ok(flags.collect())
}

/// What a command says beside remarks: places within an object count only by their names.
fn answer(outcome: &Outcome) -> Vec<String> {
    let lines = outcome.stdout.lines().chain(outcome.stderr.lines());
    lines
        .filter(|line| !line.starts_with("note: ") && !line.starts_with("warning: "))
        .map(|line| {
            if line.contains("\"pointer\"") {
                line.replace(|one: char| one.is_ascii_digit(), "")
            } else {
                line.to_owned()
            }
        })
        .collect()
}

/// What the command answers for a base, with more arguments; None where they make the base unusable.
async fn answered(
    program: &ArcSetup,
    command: &[&str],
    base: usize,
    more: &[&str],
) -> Result<Option<Vec<String>>> {
    let file = format!("{base}.yaml");
    let arguments = [command, &["--config", &file], more].concat();
    let outcome = program.run(&arguments).await?;
    Ok((outcome.code == Some(0)).then(|| answer(&outcome)))
}

#[tokio::test(flavor = "multi_thread")]
async fn images_and_render_list_the_flags_that_change_their_answer() -> Result<()> {
    let program = &program().await?;
    for (name, command) in [
        ("images", &["images", "-o", "json"][..]),
        ("render", &["render", "--with-secrets"]),
    ] {
        let mut without = Vec::new();
        for base in 0..BASES.len() {
            let answer = answered(program, command, base, &[]).await?;
            without.push(answer.context("a base is unusable")?);
        }
        let without = &without;
        let matters = futures::stream::iter(table::flags()).map(async |flag| {
            let value = VALUES.iter().find(|(known, _)| *known == flag.name);
            let (_, value) = value.with_context(|| format!("no value for --{}", flag.name))?;
            let named = format!("--{}", flag.name);
            let more = [named.as_str(), value];
            let more = &more[..if value.is_empty() { 1 } else { 2 }];
            let mut usable = false;
            for (base, without) in without.iter().enumerate() {
                let Some(with) = answered(program, command, base, more).await? else {
                    continue;
                };
                usable = true;
                if with != *without {
                    return Ok((flag.name, true));
                }
            }
            ensure!(usable, "{named} {value} makes every base unusable");
            Ok((flag.name, false))
        });
        let matters: Vec<(&str, bool)> = matters.buffered(2).try_collect().await?;
        let listed = listed(program, &[name]).await?;
        let wrong: Vec<_> = matters
            .into_iter()
            .filter(|(flag, matters)| listed.contains(*flag) != *matters)
            .collect();
        assert!(wrong.is_empty(), "{name}: whether it matters: {wrong:?}");
    }
    Ok(())
}

/// What is left when the flags of every command, and of every command with a cluster, are taken away.
#[tokio::test(flavor = "multi_thread")]
async fn each_command_lists_its_own_flags() -> Result<()> {
    const EVERY: [&str; 2] = ["help", "output"];
    const CLUSTER: [&str; 4] = ["context", "kubeconfig", "quiet", "verbose"];
    let program = program().await?;
    let own = |flags: BTreeSet<String>, cluster: bool| -> Result<Vec<String>> {
        for flag in EVERY {
            ensure!(flags.contains(flag), "--{flag} is missing");
        }
        for flag in CLUSTER {
            ensure!(flags.contains(flag) == cluster, "--{flag}");
        }
        let known = [&EVERY[..], &CLUSTER].concat();
        let own = flags
            .into_iter()
            .filter(|flag| !known.contains(&flag.as_str()));
        Ok(own.collect())
    };
    for (command, cluster, expected) in [
        (
            &["uninstall"][..],
            true,
            "config controller-namespace dry-run existing-controller name timeout yes",
        ),
        (
            &["patch-images"],
            true,
            "admission admission-fail all-namespaces all-workloads ca-bundle config controller-namespace dry-run force inject kind kubernetes-version name namespace no-proxy no-verify no-wait owner pin-sha256 proxy proxy-credentials-file pull-secret pull-secret-file registry registry-key registry-library registry-map registry-preset require-verified runner-namespace selector timeout undo use-cluster-pull-secrets yes",
        ),
        (
            &["adopt"],
            true,
            "all-namespaces config manager namespace registry registry-key registry-library registry-map registry-preset write yes",
        ),
        (
            &["rewrite"],
            false,
            "check config function-config in-place registry registry-key registry-library registry-map registry-preset",
        ),
        (
            &["rules", "test"],
            false,
            "config field kind namespace registry registry-key registry-library registry-map registry-preset",
        ),
        (
            &["rules", "list"],
            false,
            "config registry registry-key registry-library registry-map registry-preset",
        ),
        (
            &["ca", "doctor"],
            false,
            "aia ca-bundle config no-proxy pin-sha256 proxy proxy-credentials-file proxy-existing-secret",
        ),
        (
            &["ca", "bundle"],
            true,
            "anchors ca-bundle config config-map directory host no-proxy pem pkcs12 proxy proxy-credentials-file proxy-existing-secret secret sha256",
        ),
        (
            &["proxy", "explain"],
            true,
            "ca-bundle config from-environment github-url list no-cluster no-proxy pin-sha256 proxy registry registry-key registry-map registry-preset",
        ),
        (
            &["ca", "layer"],
            false,
            "ca-bundle certs-for config dry-run merged no-proxy pin-sha256 proxy proxy-credentials-file proxy-existing-secret pull-secret-file push registry registry-key registry-library registry-map registry-preset verify",
        ),
        (&["explain"], false, ""),
        (&["config", "schema"], false, ""),
    ] {
        let own = own(listed(&program, command).await?, cluster)?;
        assert_eq!(own.join(" "), expected, "{command:?}");
    }
    for command in [
        &["render"][..],
        &["images"],
        &["config", "show"],
        &["config", "validate"],
    ] {
        own(listed(&program, command).await?, false)?;
    }
    own(listed(&program, &["init"]).await?, true)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_of_another_command_is_taken_and_told() -> Result<()> {
    let program = program().await?;
    let images = [
        "images",
        "--config",
        "0.yaml",
        "--max",
        "3",
        "--github-org",
        "p",
    ];
    let outcome = program.run(&images).await?.expect_code(0);
    let note = "note: this command does not read --github-org, --max\n";
    assert_eq!(outcome.stderr, note);
    // It is judged all the same: one configuration, one meaning.
    let wrong = ["images", "--config", "0.yaml", "--max", "many"];
    program.run(&wrong).await?.expect_code(2);
    let offline = ["--context", "c", "images", "--config", "0.yaml"];
    let outcome = program.run(&offline).await?.expect_code(0);
    let note = "note: this command needs no cluster and does not read --context\n";
    assert_eq!(outcome.stderr, note);
    let trailing = ["images", "--config", "0.yaml", "--context", "c", "-v"];
    assert_eq!(program.run(&trailing).await?.expect_code(0).stderr, note);
    Ok(())
}
