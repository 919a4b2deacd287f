//! `arc-setup rewrite` beside the YAML parser's own pass over the same bytes, and beside `kubectl kustomize` with an
//! images transformer.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::measure;
use crate::support::arc_setup::{ArcSetup, program};

/// Of the large streams.
const BYTES: usize = 10_000_000;
const DOCUMENTS: usize = 400;
const KIB_OF_64_MIB: u64 = 64 * 1024;

pub(crate) fn run() -> Result<()> {
    let arc_setup = ArcSetup::new()?;
    for (name, text) in [
        ("rewrite 10 MB, each document / parser", stream(BYTES, 1)),
        ("rewrite 10 MB, each third / parser", stream(BYTES, 3)),
    ] {
        beside_the_parser(&arc_setup, name, &text)?;
    }
    beside_kustomize(&arc_setup)
}

fn beside_the_parser(arc_setup: &ArcSetup, name: &str, text: &str) -> Result<()> {
    let file = arc_setup.file("stream.yaml", text)?;
    let ours = || ours(arc_setup, &file);
    let pairs = measure::in_turn(|| measure::run(&mut ours()?, &[0]), || parsed(text))?;
    measure::report(name, &pairs, 1.5)?;
    for arguments in [&[][..], &["-o", "json"], &["--check", "-o", "json"]] {
        let peak = measure::peak_kib(ours()?.args(arguments), &[0, 10])?;
        let row = format!("  peak memory {}", arguments.join(" "));
        measure::report_bytes(&row, peak, KIB_OF_64_MIB);
    }
    Ok(())
}

/// The parser that rewrite stands on, with the same options, and nothing done with its events.
fn parsed(text: &str) -> Result<Duration> {
    let started = Instant::now();
    let options = granit_parser::options! { emit_comments: false };
    let mut events = 0_usize;
    for event in granit_parser::Parser::new_from_str_with_options(text, options) {
        event?;
        events += 1;
    }
    let took = started.elapsed();
    ensure!(events > 1000, "{events} events");
    Ok(took)
}

fn beside_kustomize(arc_setup: &ArcSetup) -> Result<()> {
    let text: String = (0..DOCUMENTS).map(deployment).collect();
    let file = arc_setup.file("kustomize/all.yaml", text)?;
    arc_setup.file(
        "kustomize/kustomization.yaml",
        "resources: [all.yaml]\nimages:\n- {name: quay.io/company/wait-for, newName: registry.corp/company/wait-for}\n\
         - {name: quay.io/company/web, newName: registry.corp/company/web}\n",
    )?;
    let kubectl = kubectl()?;
    let directory = arc_setup.home().join("kustomize");
    let theirs = || {
        let mut command = Command::new(&kubectl);
        command.arg("kustomize").arg(&directory);
        arc_setup.prepare(&mut command);
        command
    };
    let ours = || ours(arc_setup, &file);
    let pairs = measure::in_turn(
        || measure::run(&mut ours()?, &[0]),
        || measure::run(&mut theirs(), &[0]),
    )?;
    measure::report("rewrite 400 Deployments / kustomize", &pairs, 0.05)
}

fn ours(arc_setup: &ArcSetup, file: &Path) -> Result<Command> {
    let mut command = Command::new(program()?);
    command
        .args(["rewrite", "--registry-map", "quay.io=registry.corp"])
        .arg(file);
    arc_setup.prepare(&mut command);
    Ok(command)
}

fn kubectl() -> Result<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/binaries/build");
    let output = Command::new(script).arg("kubectl").output()?;
    ensure!(
        output.status.success(),
        "{script} ended with {}",
        output.status
    );
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim_end()).join("kubectl"))
}

/// Deployments, and between each two of them `every - 1` Services and ConfigMaps.
fn stream(bytes: usize, every: usize) -> String {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < bytes {
        if number % every == 0 {
            text.push_str(&deployment(number));
        } else {
            let _ = write!(
                text,
                "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: web-{number}\n  namespace: team-{}\nspec:\n  \
                 selector: {{app.kubernetes.io/name: web}}\n  ports:\n  - {{name: http, port: 80, targetPort: http}}\n\
                 ---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web-{number}\n  namespace: team-{}\ndata:\n  \
                 level: info\n  settings.ini: |\n    [server]\n    listen = 0.0.0.0:8080\n    # {number}\n    \
                 workers = 4\n    [cache]\n    size = 128\n    kind = lru\n",
                number % 50,
                number % 50
            );
        }
        number += 1;
    }
    text
}

fn deployment(number: usize) -> String {
    format!(
        r#"---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-{number}
  namespace: team-{team}
  labels:
    app.kubernetes.io/name: web
    app.kubernetes.io/instance: web-{number}
spec:
  replicas: 3
  selector:
    matchLabels:
      app.kubernetes.io/name: web
  template:
    metadata:
      labels:
        app.kubernetes.io/name: web
    spec:
      serviceAccountName: web
      initContainers:
      - name: wait
        image: quay.io/company/wait-for:v1.4.2
        args: ["--timeout=30s", "db:5432"]
      containers:
      # What people see.
      - name: web
        image: "quay.io/company/web:v2.{number}"
        ports:
        - containerPort: 8080
          name: http
        env:
        - name: LOG_LEVEL
          value: info
        - name: DB_HOST
          valueFrom:
            secretKeyRef: {{name: db, key: host}}
        resources:
          requests: {{cpu: 100m, memory: 128Mi}}
          limits: {{cpu: 500m, memory: 512Mi}}
        readinessProbe:
          httpGet: {{path: /healthz, port: http}}
          periodSeconds: 5
      - name: proxy
        image: docker.io/library/nginx:1.27
"#,
        team = number % 50
    )
}
