//! `rules test` and `rules list`: which rule decides about an image and why, without a cluster.

use anyhow::Result;
use serde_json::{Value, json};

use crate::support::arc_setup::{ArcSetup, Outcome};

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Every matcher and action, a preset, and nothing else: no login, no runner set.
fn file() -> String {
    format!(
        r#"registry:
  host: artifactory.corp
  preset: artifactory-path
  keys:
    - {{source: docker.io, key: docker-remote}}
  map:
    - {{source: gcr.io, target: keep, mirror: artifactory.corp/gcr}}
  rules:
    - {{exact: "docker:dind", pin: "{DIGEST}"}}
    - {{host: ghcr.io, rewrite: "{{host_slug}}.artifactory.corp/{{path}}:{{tag}}", kinds: [Pod], namespaces: ["ci-*"]}}
    - {{regex: '.*\.example\.com/.*', deny: true}}
    - {{repository: quay.io/a/b, rewrite: artifactory.corp/quay, fields: [/spec/**/env/**]}}
"#
    )
}

fn program() -> Result<ArcSetup> {
    let program = ArcSetup::new()?;
    program.file("arc-setup.yaml", file())?;
    Ok(program)
}

async fn run(program: &ArcSetup, arguments: &[&str]) -> Result<Outcome> {
    program.run(&[&["rules"], arguments].concat()).await
}

fn document(outcome: &Outcome) -> Result<Value> {
    Ok(serde_json::from_str(&outcome.stdout)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deciding_rule_is_told_with_its_line_and_why_no_rule_before_it() -> Result<()> {
    let outcome = run(&program()?, &["test", "nginx:1"]).await?.expect_code(0);
    let expected = r"nginx:1
  canonical  docker.io/library/nginx:1
  becomes    artifactory.corp/docker-remote/library/nginx:1
  by         registry.keys[0] (arc-setup.yaml:5:7): rewrite to artifactory.corp/docker-remote
  because    it is taken by host docker.io
  before it  registry.rules[0] (arc-setup.yaml:9:7): not taken by exact docker:dind
             registry.rules[1] (arc-setup.yaml:10:7): not taken by host ghcr.io
             registry.rules[2] (arc-setup.yaml:11:7): not taken by regex .*\.example\.com/.*
             registry.rules[3] (arc-setup.yaml:12:7): not taken by repository quay.io/a/b
             registry.map[0] (arc-setup.yaml:7:7): not taken by host gcr.io
";
    assert_eq!(outcome.stdout, expected);
    assert_eq!(outcome.stderr, "");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_outcome_has_its_word() -> Result<()> {
    let mut program = program()?;
    program.stdin("gcr.io/x\n\n  quay.io/z  \n");
    let long = format!("docker.io/{}", "a".repeat(235));
    let references = [
        "nginx",
        "docker:dind",
        "x.example.com/a",
        &long,
        "artifactory.corp/docker-remote/x",
        "-",
    ];
    let arguments = [&["test", "-o", "json"], &references[..]].concat();
    let answer = document(&run(&program, &arguments).await?.expect_code(0))?;
    assert_eq!(answer["kind"], "RulesTest");
    let told: Vec<Value> = answer["references"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|told| json!([told["outcome"], told["result"], told["rule"]["id"]]))
        .collect();
    let pinned = format!("docker:dind@{DIGEST}");
    assert_eq!(
        told,
        [
            json!([
                "rewritten",
                "artifactory.corp/docker-remote/library/nginx",
                "registry.keys[0]"
            ]),
            json!(["rewritten", pinned, "registry.rules[0]"]),
            json!(["denied", null, "registry.rules[2]"]),
            json!(["too-long", null, "registry.keys[0]"]),
            json!([
                "already-there",
                "artifactory.corp/docker-remote/x",
                "registry.keys[0]"
            ]),
            json!(["kept", "gcr.io/x", "registry.map[0]"]),
            json!(["no-rule", "quay.io/z", null]),
        ]
    );
    assert_eq!(
        answer["references"][0]["rule"]["origin"],
        "arc-setup.yaml:5:7"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scoped_rule_decides_in_its_place_only() -> Result<()> {
    let program = program()?;
    let decided = async |arguments: &[&str]| -> Result<(Value, String)> {
        let outcome = run(&program, &[&["test", "-o", "json"], arguments].concat()).await?;
        let told = document(&outcome.expect_code(0))?["references"][0].clone();
        let why = told["before"][1]["why"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        Ok((told["outcome"].clone(), why))
    };
    let (outcome, why) = decided(&["ghcr.io/a:1"]).await?;
    assert_eq!(outcome, "no-rule");
    assert_eq!(
        why,
        "taken, but the rule is for kind Pod, namespace ci-* only"
    );
    let (outcome, why) = decided(&["ghcr.io/a:1", "--kind", "Pod", "-n", "prod"]).await?;
    assert_eq!(outcome, "no-rule");
    assert_eq!(why, "taken, but namespace prod does not match ci-*");
    let (_, why) = decided(&["ghcr.io/a:1", "--kind", "deploy"]).await?;
    assert_eq!(
        why,
        "taken, but kind Deployment does not match Pod, and there is no namespace to match ci-*"
    );
    let (outcome, _) = decided(&["ghcr.io/a:1", "--kind", "Pod", "-n", "ci-a"]).await?;
    assert_eq!(outcome, "rewritten");
    // What a template needs and the image has not is told, not guessed.
    let (outcome, _) = decided(&["ghcr.io/a", "--kind", "Pod", "-n", "ci-a"]).await?;
    assert_eq!(outcome, "unusable");
    let field = "/spec/containers/0/env/3/value";
    let (outcome, _) = decided(&["quay.io/a/b", "--field", field]).await?;
    assert_eq!(outcome, "rewritten");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_cannot_be_is_refused_and_a_doubtful_one_is_told() -> Result<()> {
    let program = program()?;
    for (place, said) in [
        (["--kind", "rollout"], "write the kind as in an object"),
        (["--field", "spec.containers"], "it does not begin with /"),
        (["--namespace", "Shop"], "lower-case letters"),
    ] {
        let arguments = [&["test", "quay.io/a"], &place[..]].concat();
        let outcome = run(&program, &arguments).await?.expect_code(2);
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
    let arguments = ["test", "quay.io/a", "--kind", "Deploymnt"];
    let outcome = run(&program, &arguments).await?.expect_code(0);
    assert_eq!(
        outcome.stderr,
        "note: no kind Deploymnt is known: did you mean Deployment?\n"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_reference_ends_with_2_after_all_are_told() -> Result<()> {
    let mut program = program()?;
    let mut input = b"\xef\xbb\xbfnginx\r\n\nfoo/Bar\nnginx\n\xff\xfe\n".to_vec();
    input.extend(vec![b'a'; 1 << 20]);
    program.stdin(input);
    let outcome = run(&program, &["test", "-"]).await?.expect_code(2);
    assert!(
        outcome
            .stdout
            .contains("artifactory.corp/docker-remote/library/nginx"),
        "{outcome:?}"
    );
    for said in [
        "3 texts are no image references",
        "line 3 of standard input: 'foo/Bar': upper-case letter",
        "code: image-invalid",
    ] {
        assert!(outcome.stderr.contains(said), "{said}: {}", outcome.stderr);
    }
    // A megabyte is not said back.
    assert!(outcome.stdout.len() + outcome.stderr.len() < 4000);
    // Nor is what a terminal obeys, or what turns a line around.
    let outcome = run(&program, &["test", "quay.io/\u{1b}[31m\u{202e}b"]).await?;
    let told = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(
        told.contains("quay.io/□[31m□b") && !told.contains(['\u{1b}', '\u{202e}']),
        "{told}"
    );
    // A name that grows too long says so before the name.
    let name = "a".repeat(230);
    let outcome = run(&program, &["test", &name]).await?;
    assert!(outcome.stdout.contains("255 is the limit"), "{outcome:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn images_that_meet_in_one_target_are_refused_with_both_rules() -> Result<()> {
    let program = ArcSetup::new()?;
    let map = ["--registry-map", "quay.io=r.corp,ghcr.io=r.corp"];
    let apart = [&["test"], &map[..], &["quay.io/a", "ghcr.io/b"]].concat();
    let outcome = run(&program, &apart).await?.expect_code(0);
    let warning = "host quay.io and host ghcr.io share the target r.corp";
    assert!(
        outcome.stderr.starts_with("warning: ") && outcome.stderr.contains(warning),
        "{outcome:?}"
    );
    let meeting = [&["test"], &map[..], &["quay.io/a:1", "ghcr.io/a:1"]].concat();
    let outcome = run(&program, &meeting).await?.expect_code(2);
    for said in [
        "different images would become r.corp/a:1",
        "ghcr.io/a:1 by rule --registry-map ghcr.io=r.corp",
        "quay.io/a:1 by rule --registry-map quay.io=r.corp",
        "code: image-collision",
    ] {
        assert!(outcome.stderr.contains(said), "{said}: {}", outcome.stderr);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_chase_each_other_are_refused_with_both_lines() -> Result<()> {
    let program = ArcSetup::new()?;
    program.file(
        "arc-setup.yaml",
        "registry:\n  map:\n    - {source: quay.io, target: mirror.corp/quay}\n    - {source: mirror.corp, target: other.corp}\n",
    )?;
    let outcome = run(&program, &["list"]).await?.expect_code(2);
    let said = "arc-setup.yaml:4:7: registry.map[0] (arc-setup.yaml:3:7) and registry.map[1] (arc-setup.yaml:4:7): \
        images that rule 'registry.map[0]' sends to mirror.corp/quay would be taken by rule 'registry.map[1]'";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_effective_list_stands_in_order_with_where_each_was_given() -> Result<()> {
    let mut program = program()?;
    program.env("ARC_SETUP_REGISTRY_KEY", "quay.io=quay-remote");
    let flags = ["list", "--registry-map", "k8s.gcr.io=deny"];
    let outcome = run(&program, &flags).await?.expect_code(0);
    let rows: Vec<Vec<&str>> = outcome
        .stdout
        .lines()
        .map(|line| {
            line.split("  ")
                .filter(|cell| !cell.is_empty())
                .map(str::trim)
                .collect()
        })
        .collect();
    assert_eq!(rows[0], ["RULE", "TAKES", "WHERE", "DOES", "GIVEN AT"]);
    let ids: Vec<&str> = rows[1..].iter().map(|row| row[0]).collect();
    assert_eq!(
        ids,
        [
            "registry.rules[0]",
            "registry.rules[1]",
            "registry.rules[2]",
            "registry.rules[3]",
            "--registry-map k8s.gcr.io=deny",
            "registry.map[0]",
            "$ARC_SETUP_REGISTRY_KEY quay.io=quay-remote",
            "registry.keys[0]",
        ]
    );
    assert_eq!(
        rows[2][1..4],
        [
            "host ghcr.io",
            "kind Pod, namespace ci-*",
            "rewrite to {host_slug}.artifactory.corp/{path}:{tag}"
        ]
    );
    assert_eq!(rows[7][4], "$ARC_SETUP_REGISTRY_KEY");
    let json = run(&program, &["list", "-o", "json"]).await?.expect_code(0);
    let listed = &document(&json)?["rules"];
    assert_eq!(
        listed[1],
        json!({
            "id": "registry.rules[1]", "origin": "arc-setup.yaml:10:7", "matcher": "host", "pattern": "ghcr.io",
            "action": "rewrite", "target": "{host_slug}.artifactory.corp/{path}:{tag}",
            "scope": {"kinds": ["Pod"], "namespaces": ["ci-*"], "fields": []},
        })
    );
    assert_eq!(listed[0]["pin"], DIGEST);
    assert_eq!(listed[4]["mirror"], "artifactory.corp/gcr");
    let none = run(&ArcSetup::new()?, &["list"]).await?.expect_code(0);
    assert_eq!(none.stdout, "no rules: every image keeps its name\n");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_can_never_decide_is_told_at_its_own_line() -> Result<()> {
    let program = ArcSetup::new()?;
    let file = |more: &str| {
        format!(
            "registry:\n  rules:\n    - {{host: quay.io, rewrite: r.corp}}\n    - {{prefix: quay.io/b, keep: true}}\n    - {{host: ghcr.io, deny: true, {more}}}\n"
        )
    };
    program.file("arc-setup.yaml", file("kinds: [Deploymnt, Rollout]"))?;
    let outcome = run(&program, &["list"]).await?.expect_code(0);
    let told: Vec<&str> = outcome.stderr.lines().collect();
    assert!(
        told[0].starts_with("warning: arc-setup.yaml:4:7: registry.rules[1] (arc-setup.yaml:4:7) and registry.rules[0]"),
        "{told:?}"
    );
    assert!(
        told[1].starts_with("warning: arc-setup.yaml:5:7: registry.rules[2]: no kind 'Deploymnt' is known: did you mean Deployment?;"),
        "{told:?}"
    );
    assert_eq!(told.len(), 2, "{told:?}");
    for (scope, said) in [
        ("kinds: [deployments]", "write Deployment"),
        ("namespaces: [Shop]", "'Shop' takes no namespace"),
    ] {
        program.file("arc-setup.yaml", file(scope))?;
        let outcome = run(&program, &["list"]).await?.expect_code(2);
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
        assert!(outcome.stderr.contains("arc-setup.yaml:5:7: "));
    }
    Ok(())
}
