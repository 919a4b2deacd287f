//! `adopt` on a real API server: what people put right by hand becomes rules, and then there is nothing left to patch.

use std::path::Path;

use arc_setup::clients::kube::{Cluster, Identity};
use arc_setup::object::ObjectRef;
use serde_json::{Value, json};

use crate::control_plane::eventually;
use crate::support::arc_setup::{ArcSetup, Outcome};
use crate::support::control_plane::ControlPlane;
use crate::wizard::Terminal;

const TARGET: &str = "registry.artifactory.mydomain.com";

struct Install<'a> {
    plane: &'a ControlPlane,
    cluster: Cluster,
    program: ArcSetup,
    namespace: &'a str,
}

impl<'a> Install<'a> {
    async fn new(plane: &'a ControlPlane, namespace: &'a str) -> Self {
        let mut program = ArcSetup::new().unwrap();
        program.env("KUBECONFIG", plane.kubeconfig("by-hand").unwrap());
        plane.create_namespace(namespace).await.unwrap();
        Self {
            plane,
            cluster: Cluster::new(plane.client().unwrap(), Identity::default()),
            program,
            namespace,
        }
    }

    /// A Deployment with its first revision.
    async fn create(&self, name: &str, containers: &Value) {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}}});
        self.cluster.create(&object, false).await.unwrap();
        eventually("a revision", async || {
            let deployment = self.cluster.get(&self.reference(name)).await.unwrap()?;
            deployment["metadata"]["annotations"].get("deployment.kubernetes.io/revision")?;
            Some(())
        })
        .await;
    }

    fn reference(&self, name: &str) -> ObjectRef {
        ObjectRef::new("apps/v1", "Deployment", Some(self.namespace), name)
    }

    fn kubectl(&self, variables: &[(&str, &str)], arguments: &[&str]) {
        let arguments = [arguments, &["-n", self.namespace]].concat();
        let output = self.plane.kubectl_with(variables, &arguments).unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
    }

    async fn adopt(&self, more: &[&str]) -> Outcome {
        self.command(&[&["adopt"][..], more].concat()).await
    }

    async fn command(&self, arguments: &[&str]) -> Outcome {
        let place = ["--context", "by-hand", "-n", self.namespace];
        self.program
            .run(&[arguments, &place].concat())
            .await
            .unwrap()
    }

    fn path(&self, name: &str) -> String {
        let path: &Path = self.program.home();
        path.join(name).display().to_string()
    }
}

/// The snippet without what differs at each run.
fn without_times(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(" at ") {
        Some((before, after)) => {
            let rest = after.split_once(';').map_or("", |(_, rest)| rest);
            format!("{before} at TIME;{rest}")
        }
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_fix_of_the_story_becomes_a_rule_and_then_nothing_is_left_to_do() {
    let plane = ControlPlane::shared().await.unwrap();
    let install = Install::new(plane, "adopt-story").await;
    let outcome = install.adopt(&[]).await.expect_code(0);
    assert!(
        outcome.stdout.starts_with("nothing to adopt"),
        "{}",
        outcome.stdout
    );
    // A fix of a lone pod is not found, and that is said.
    let said = "a fix of a Pod or Job by itself was not looked for";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    let containers = json!([
        {"name": "manager", "image": "summerwind/actions-runner-controller:v0.18.2", "command": ["/manager"]},
        {"name": "kube-rbac-proxy", "image": "quay.io/brancz/kube-rbac-proxy:v0.8.0"}]);
    install.create("controller-manager", &containers).await;
    let fixed = format!("kube-rbac-proxy={TARGET}/brancz/kube-rbac-proxy:v0.8.0");
    install.kubectl(
        &[],
        &["set", "image", "deployment/controller-manager", &fixed],
    );

    let outcome = install.adopt(&[]).await.expect_code(0);
    let expected = format!(
        "registry:\n  rules:\n    # Deployment adopt-story/controller-manager, container kube-rbac-proxy: quay.io/brancz/kube-rbac-proxy:v0.8.0 → {TARGET}/brancz/kube-rbac-proxy:v0.8.0\n    #   by kubectl-set at TIME; what stood there is known from revision 1\n    - host: quay.io\n      rewrite: {TARGET}"
    );
    assert_eq!(without_times(&outcome.stdout), expected);

    // Nobody can be asked here: without --yes nothing is written.
    let mine = "# of mine\nregistry:\n  map:   # Docker Hub is mirrored by the nodes\n    - {source: docker.io, target: keep}\n";
    install.program.file("arc-setup.yaml", mine).unwrap();
    let file = install.path("arc-setup.yaml");
    let outcome = install.adopt(&["--write", &file]).await.expect_code(2);
    assert!(outcome.stderr.contains("--yes"), "{}", outcome.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), mine);
    // For a machine that is one document; what would be added is told beside it.
    let asked = ["--write", &file, "-o", "json"];
    let outcome = install.adopt(&asked).await.expect_code(2);
    let failure: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(failure["code"], "no-terminal");
    assert!(
        outcome.stderr.contains("- host: quay.io"),
        "{}",
        outcome.stderr
    );
    let outcome = install
        .adopt(&["--write", &file, "--yes"])
        .await
        .expect_code(0);
    assert!(
        outcome.stdout.contains("1 rule added"),
        "{}",
        outcome.stdout
    );
    let written = std::fs::read_to_string(&file).unwrap();
    let rule = format!("    - host: quay.io\n      rewrite: {TARGET}\n");
    assert!(
        written.contains(&rule) && written.starts_with("# of mine\nregistry:\n  rules:\n"),
        "{written}"
    );
    assert!(written.ends_with(
        "  map:   # Docker Hub is mirrored by the nodes\n    - {source: docker.io, target: keep}\n"
    ));

    let outcome = install
        .command(&["patch-images", "-c", &file, "--yes", "--no-verify"])
        .await
        .expect_code(0);
    assert!(
        outcome.stdout.contains("nothing to do"),
        "{}",
        outcome.stdout
    );
    let outcome = install.adopt(&["-c", &file]).await.expect_code(0);
    assert!(outcome.stdout.contains("say already"), "{}", outcome.stdout);
}

#[tokio::test]
async fn editors_and_rancher_are_people_and_two_ways_are_a_conflict() {
    let plane = ControlPlane::shared().await.unwrap();
    let install = Install::new(plane, "adopt-edit").await;
    for name in ["one", "two", "three"] {
        let containers = json!([{"name": "web", "image": "quay.io/shop/web:1.2.3",
            "args": ["--helper-image=ghcr.io/shop/helper:1", "--v=1"]}]);
        install.create(name, &containers).await;
    }
    let editor = format!("/bin/sed -i s#ghcr.io/shop#{TARGET}/ghcr/shop#");
    install.kubectl(&[("KUBE_EDITOR", &editor)], &["edit", "deployment/one"]);
    for (name, image) in [
        ("two", format!("{TARGET}/shop/web:1.2.3")),
        ("three", "other.example.com/shop/web:1.2.3".to_owned()),
    ] {
        let operation = json!({"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image});
        let reference = install.reference(name);
        install
            .cluster
            .json_patch(&reference, &[operation], "rancher", false)
            .await
            .unwrap();
    }
    let outcome = install.adopt(&["-o", "json"]).await.expect_code(22);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(answer["kind"], "Adopt");
    // The two others have the same image of before, and nothing else of its host stands anywhere.
    let rules: Vec<(&str, &str)> = answer["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| {
            (
                rule["source"].as_str().unwrap(),
                rule["rewrite"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        rules,
        [("ghcr.io", format!("{TARGET}/ghcr").as_str())],
        "{answer:#}"
    );
    assert_eq!(answer["rules"][0]["edits"][0]["manager"], "kubectl-edit");
    assert_eq!(
        answer["rules"][0]["edits"][0]["place"],
        "container web --helper-image"
    );
    let conflict = &answer["passed"][0];
    assert_eq!(conflict["isConflict"], true, "{answer:#}");
    let edits = conflict["edits"].as_array().unwrap();
    assert!(
        edits.iter().all(|edit| edit["manager"] == "rancher"),
        "{conflict:#}"
    );
    assert_eq!(edits.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_terminal_each_rule_is_asked_about_and_only_what_is_agreed_to_is_written() {
    let plane = ControlPlane::shared().await.unwrap();
    let install = Install::new(plane, "adopt-asked").await;
    let containers = json!([{"name": "web", "image": "quay.io/shop/web:1.0.0"},
        {"name": "side", "image": "ghcr.io/shop/side:1.0.0"}]);
    install.create("web", &containers).await;
    for fixed in [
        format!("web={TARGET}/shop/web:1.0.0"),
        format!("side={TARGET}/ghcr/shop/side:1.0.0"),
    ] {
        install.kubectl(&[], &["set", "image", "deployment/web", &fixed]);
    }
    let mine = "registry:\n  rules:   # of mine\n    - {host: docker.io, keep: true}\n";
    install.program.file("arc-setup.yaml", mine).unwrap();
    let file = install.path("arc-setup.yaml");
    let text = || std::fs::read_to_string(&file).unwrap();
    let arguments = format!("adopt --context by-hand -n adopt-asked --write {file}");
    let asked = |answers: &[&str]| {
        let mut terminal = Terminal::start(&install.program, &arguments).unwrap()?;
        Some(tokio::task::block_in_place(|| {
            for key in answers {
                // A question is drawn again with its answer; the rule before it is shown once.
                terminal.see("rewrite: ").unwrap();
                terminal.press("[y/N]", key).unwrap();
            }
            terminal.end().unwrap()
        }))
    };
    // Broken off at the second question: what was agreed to before it is not written either.
    let Some((code, screen)) = asked(&["y\r", "\x03"]) else {
        return;
    };
    assert_eq!((code, text().as_str()), (Some(130), mine), "{screen}");
    let (code, screen) = asked(&["n\r", "n\r"]).unwrap();
    assert_eq!((code, text().as_str()), (Some(0), mine), "{screen}");
    assert!(screen.contains("nothing was added"), "{screen}");

    let (code, screen) = asked(&["n\r", "y\r"]).unwrap();
    assert_eq!(code, Some(0), "{screen}");
    // The rule stands on the screen before its question, with what was done by hand.
    let rules: Vec<usize> = ["- host: ghcr.io", "- host: quay.io"]
        .iter()
        .map(|rule| {
            screen
                .find(rule)
                .unwrap_or_else(|| panic!("{rule}: {screen}"))
        })
        .collect();
    let first_question = screen.find("Add this rule to").unwrap();
    assert!(
        rules[0].min(rules[1]) < first_question && first_question < rules[0].max(rules[1]),
        "{screen}"
    );
    assert!(screen.contains("1 rule added"), "{screen}");
    let (agreed, refused) = if rules[0] < rules[1] {
        ("quay.io", "ghcr.io")
    } else {
        ("ghcr.io", "quay.io")
    };
    let written = text();
    assert!(written.contains(&format!("- host: {agreed}")), "{written}");
    assert!(!written.contains(refused), "{written}");
    assert!(written.contains("rules:   # of mine\n"), "{written}");
    // The other one is still offered; what is agreed to is not.
    let outcome = install.adopt(&["-c", &file]).await.expect_code(0);
    let offered = outcome.stdout;
    assert!(
        offered.contains(&format!("host: {refused}"))
            && !offered.contains(&format!("host: {agreed}")),
        "{offered}"
    );
}

/// The API server takes the connection and never answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_the_look_through_the_cluster() {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let kubeconfig = json!({"apiVersion": "v1", "kind": "Config", "current-context": "mute",
        "clusters": [{"name": "mute", "cluster": {"server": format!("http://{}", server.local_addr().unwrap())}}],
        "users": [{"name": "mute", "user": {}}],
        "contexts": [{"name": "mute", "context": {"cluster": "mute", "user": "mute"}}]});
    let mut program = ArcSetup::new().unwrap();
    let file = program.file("mute", kubeconfig.to_string()).unwrap();
    program.env("KUBECONFIG", file);
    let running = program.start(&["adopt", "--context", "mute"]).unwrap();
    let _connection = server.accept().await.unwrap();
    running.interrupt().unwrap();
    let outcome = running.wait().await.unwrap().expect_code(130);
    assert!(
        outcome.stderr.contains("nothing was written"),
        "{}",
        outcome.stderr
    );
}

#[tokio::test]
async fn the_file_that_is_written_is_the_one_that_is_read() {
    let program = ArcSetup::new().unwrap();
    let paths = ["a.yaml", "b.yaml"].map(|name| program.file(name, "name: x\n").unwrap());
    let [read, written] = paths.each_ref().map(|path| path.to_str().unwrap());
    let outcome = program
        .run(&["adopt", "--config", read, "--write", written])
        .await
        .unwrap()
        .expect_code(2);
    assert!(
        outcome.stderr.contains("adopt-two-files"),
        "{}",
        outcome.stderr
    );
    // The same file by another name goes on as far as to the cluster.
    let again = format!("{}/./a.yaml", program.home().display());
    let outcome = program
        .run(&["adopt", "--config", read, "--write", &again])
        .await
        .unwrap();
    assert!(
        !outcome.stderr.contains("adopt-two-files"),
        "{}",
        outcome.stderr
    );
}
