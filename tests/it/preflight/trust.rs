//! Certificates and the proxy on the way to registry and GitHub.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};

use super::place::Place;

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_issuer_is_named_and_the_whole_bundle_is_enough() {
    let mut place = Place::start("issuer").await;
    let root = place.company.authority.root_pem();
    let file = place.program.file("root.pem", root).unwrap();
    place.program.env("ARC_SETUP_CA_BUNDLE", file);
    let findings = place.findings(&[]).await;
    findings.expect(3, &["image-untrusted", "tls-untrusted"]);
    let untrusted = findings.with("tls-untrusted", "failed");
    for host in [place.company.registry_host(), place.company.github_host()] {
        let told = untrusted
            .iter()
            .find(|finding| finding["subject"].as_str().unwrap().starts_with(host));
        let told = told
            .unwrap_or_else(|| panic!("{host}: {untrusted:?}"))
            .to_string();
        assert!(
            told.contains("add the certificate of \\\"CN=Example Issuing CA 1\\\" to caBundle"),
            "{told}"
        );
    }
    // One registry, one certificate: told once for all of its images.
    findings.only("image-untrusted", "failed");
    let issuing = place.company.authority.issuing_pem();
    let both = format!("{}{issuing}", place.company.authority.root_pem());
    let file = place.program.file("both.pem", both).unwrap();
    place.program.env("ARC_SETUP_CA_BUNDLE", file);
    place.findings(&[]).await.expect(0, &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_to_each_server_is_opened_once_and_still_told() {
    let mut place = Place::start("once").await;
    let proxy = place.proxy(None, None).await;
    let mut fewest = [usize::MAX; 2];
    // A server that is silent for a second is looked at by a handshake too; one of three runs is quick enough
    // on any machine.
    for _ in 0..3 {
        let before = proxy.log().len();
        let findings = place.findings(&[]).await;
        findings.expect(0, &[]);
        let servers = [place.company.github_host(), place.company.registry_host()];
        let opened = proxy.log().split_off(before);
        for (server, fewest) in servers.into_iter().zip(&mut fewest) {
            let to_it = opened.iter().filter(|one| one.target.starts_with(server));
            *fewest = to_it.count().min(*fewest);
            let trusted = findings.with("tls-untrusted", "ok");
            let told = |finding: &&serde_json::Value| {
                finding["subject"].as_str().unwrap().starts_with(server)
            };
            assert_eq!(trusted.into_iter().filter(told).count(), 1, "{server}");
        }
        if fewest == [1, 1] {
            return;
        }
    }
    panic!("opened in the best of three runs: {fewest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_wants_a_login_is_told_with_and_without_an_account() {
    let mut place = Place::start("proxied").await;
    let proxy = place.proxy(None, Some(("jane", "proxy-canary"))).await;
    place.program.canary("the proxy's password", "proxy-canary");
    let findings = place.findings(&[]).await;
    findings.expect(3, &["proxy-refused"]);
    let told = findings.with("proxy-refused", "failed")[0].to_string();
    assert!(
        told.contains("407") && told.contains("no account is given"),
        "{told}"
    );
    place
        .program
        .env("ARC_SETUP_PROXY_RUNNERS", "none")
        .secret_env("ARC_SETUP_PROXY_CREDENTIALS", "jane:wrong-canary");
    let findings = place.findings(&[]).await;
    findings.expect(3, &["proxy-refused"]);
    let told = findings.with("proxy-refused", "failed")[0].to_string();
    assert!(
        told.contains("does not accept the account of proxy.credentials"),
        "{told}"
    );
    // The right account, in a Secret that is not read: nothing can be told from here.
    place
        .program
        .env("ARC_SETUP_PROXY_CREDENTIALS", "jane:proxy-canary");
    place.findings(&[]).await.expect(0, &[]);
    assert!(proxy.log().iter().any(|one| one.status == 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_account_in_a_secret_of_the_cluster_blocks_nothing() {
    let mut place = Place::start("unread").await;
    let _proxy = place.proxy(None, Some(("jane", "proxy-canary"))).await;
    place.existing_secret("proxy-account", &["username", "password"]);
    let findings = place
        .findings(&[
            "--proxy-existing-secret",
            "proxy-account",
            "--proxy-runners",
            "same",
        ])
        .await;
    findings.expect(0, &[]);
    let told = findings.with("proxy-refused", "unknown")[0].to_string();
    assert!(told.contains("in a Secret that is not read"), "{told}");
}

/// A root of the company that expires in `days`.
fn ageing(days: i64) -> String {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Ageing Root");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let now = std::time::SystemTime::now();
    let end = if days < 0 {
        now - std::time::Duration::from_secs(86_400 * days.unsigned_abs())
    } else {
        now + std::time::Duration::from_secs(86_400 * days.unsigned_abs())
    };
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = end.into();
    params
        .self_signed(&KeyPair::generate().unwrap())
        .unwrap()
        .pem()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_about_to_expire_warns_and_blocks_under_strict_alone() {
    let mut place = Place::start("ageing").await;
    let bundle = place.company.authority.bundle_pem();
    for (days, words) in [(10, "expires on"), (-1, "expired on")] {
        let file = format!("{bundle}{}", ageing(days));
        let file = place.program.file("ageing.pem", file).unwrap();
        place.program.env("ARC_SETUP_CA_BUNDLE", file);
        let findings = place.findings(&[]).await;
        findings.expect(0, &[]);
        let told = findings.only("authority-expiring", "warning");
        assert!(
            told.contains("Ageing Root") && told.contains(words),
            "{told}"
        );
        let strict = place.findings(&["--strict"]).await;
        strict.expect(4, &[]);
        assert_eq!(
            strict.document["code"], "authority-expiring",
            "{:#}",
            strict.document
        );
    }
}
