//! What the registry says of each image, and what nobody can be asked.

use super::place::Place;
use crate::support::registry::Answer;

const RUNNER: &str = "ghcr-remote/actions/actions-runner";
const CONTROLLER: &str = "ghcr-remote/actions/gha-runner-scale-set-controller";

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_no_blocks_and_no_clear_answer_does_not() {
    let place = Place::start("shelf").await;
    for (answer, id) in [
        (Answer::Missing, "image-absent"),
        (Answer::Denied, "image-denied"),
    ] {
        place.company.registry.answer_with(RUNNER, answer);
        let findings = place.findings(&[]).await;
        findings.expect(3, &[id]);
        let told = findings.only(id, "failed");
        assert!(
            told.contains(&format!("{}/{RUNNER}:", place.company.registry_host())),
            "{told}"
        );
    }
    for (answer, words) in [
        (Answer::RateLimited, "TOOMANYREQUESTS"),
        (Answer::Unavailable, "503"),
    ] {
        place.company.registry.answer_with(RUNNER, answer);
        place.company.registry.answer_with(CONTROLLER, answer);
        let findings = place.findings(&[]).await;
        findings.expect(0, &[]);
        let unknown = findings.with("image-unknown", "unknown");
        assert_eq!(unknown.len(), 2, "{unknown:?}");
        assert!(unknown[0].to_string().contains(words), "{unknown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_account_blocks_and_one_that_is_not_known_here_does_not() {
    let mut place = Place::start("account").await;
    let registry = place.company.registry_host().to_owned();
    let wrong =
        format!(r#"{{"auths":{{"{registry}":{{"username":"robot","password":"wrong-canary"}}}}}}"#);
    place.program.canary("the wrong password", "wrong-canary");
    place.program.env("ARC_SETUP_PULL_SECRET", &wrong);
    let findings = place.findings(&[]).await;
    findings.expect(3, &["image-unauthorized"]);
    let told = findings.with("image-unauthorized", "failed")[0].to_string();
    assert!(told.contains("the login was not accepted"), "{told}");
    // An entry for another host is no account for this one.
    place.program.env(
        "ARC_SETUP_PULL_SECRET",
        wrong.replace(&registry, "elsewhere.example.com"),
    );
    let findings = place.findings(&[]).await;
    findings.expect(3, &["image-unauthorized"]);
    // What only the cluster knows may be right.
    place.existing_pull_secret("registry-account");
    let findings = place
        .findings(&["--pull-secret-existing", "registry-account"])
        .await;
    findings.expect(0, &[]);
    let told = findings.with("image-unauthorized", "unknown")[0].to_string();
    assert!(
        told.contains("registry-account, which is not read"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_images_are_the_nodes_affair_and_say_so_with_their_mirror() {
    let place = Place::start("kept").await;
    let findings = place.findings(&[]).await;
    findings.expect(0, &[]);
    let told = findings.only("image-kept", "unknown");
    let mirror = format!("{}/docker-hub", place.company.registry_host());
    for words in ["docker.io", "docker:", &mirror, "nodes"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let asked = place.company.registry.asked();
    assert!(
        !asked.iter().any(|one| one.target.contains("/docker/")),
        "{asked:?}"
    );
}
