//! Who we are to the cluster: certificates that it does not know, and programs that log in.

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use serde_json::json;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::kubeconfig::{admin, look, refused};
use crate::support::arc_setup::ArcSetup;

/// A client certificate of nobody's authority that ends in this year, with its key.
fn stranger(last_year: i32) -> (String, String) {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "stranger");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(last_year, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_told_here_and_an_unknown_one_by_the_server() {
    let mut program = ArcSetup::new().unwrap();
    for (last_year, code, id) in [
        (2021, 2, "kubeconfig-client-certificate"),
        (2090, 3, "cluster-login"),
    ] {
        let (certificate, key) = stranger(last_year);
        let mut config = admin("stranger").await;
        config["users"][0]["user"] = json!({
            "client-certificate-data": STANDARD.encode(certificate),
            "client-key-data": STANDARD.encode(&key),
        });
        let file = program.file("stranger", config.to_string()).unwrap();
        program.env("KUBECONFIG", file);
        program.canary("the key", key.lines().nth(1).unwrap());
        refused(look(&program, &["-vv"]).await, code, id, &["log in again"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_server_does_not_know_is_refused_and_not_shown() {
    let mut program = ArcSetup::new().unwrap();
    let mut config = admin("token").await;
    config["users"][0]["user"] = json!({ "token": "canary-of-the-cluster-token" });
    let file = program.file("token", config.to_string()).unwrap();
    program.env("KUBECONFIG", file);
    program.canary("the token", "canary-of-the-cluster-token");
    refused(look(&program, &["-vv"]).await, 3, "cluster-login", &[]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_program_logs_in_and_its_failure_is_told_with_its_words() {
    let mut program = ArcSetup::new().unwrap();
    let mut config = admin("plugin").await;
    let user = config["users"][0]["user"].clone();
    let decoded = |key: &str| {
        let bytes = STANDARD.decode(user[key].as_str().unwrap()).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {
            "clientCertificateData": decoded("client-certificate-data"),
            "clientKeyData": decoded("client-key-data"),
        },
    });
    let answer = program
        .file("credential.json", credential.to_string())
        .unwrap();
    let plugin = program
        .file(
            "plugin.sh",
            format!(
                "test \"$WHO\" = me || {{ echo 'who is it?' >&2; exit 1; }}\ncat {}\n",
                answer.display()
            ),
        )
        .unwrap();
    for (who, code) in [("me", 0), ("you", 2)] {
        config["users"][0]["user"] = json!({ "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "/bin/sh",
            "args": [plugin],
            "env": [{ "name": "WHO", "value": who }],
            "interactiveMode": "Never",
        }});
        let file = program.file("kubeconfig", config.to_string()).unwrap();
        program.env("KUBECONFIG", file);
        let outcome = look(&program, &[]).await;
        if code == 0 {
            outcome.expect_code(0);
        } else {
            refused(outcome, code, "cluster-login", &["who is it?"]);
        }
    }
    config["users"][0]["user"]["exec"]["command"] = json!("no-such-login-program");
    let file = program.file("kubeconfig", config.to_string()).unwrap();
    program.env("KUBECONFIG", file);
    refused(
        look(&program, &[]).await,
        2,
        "cluster-login",
        &["no-such-login-program"],
    );
}
