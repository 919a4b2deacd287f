//! A blocker that answers HEAD and refuses what follows it: nobody can say that the image can be pulled.

use super::*;

const XRAY: &str =
    r#"{"errors":[{"code":"DENIED","message":"Artifact download is blocked due to Xray policy"}]}"#;

fn refused(status: u16) -> (u16, String, String) {
    (status, String::new(), XRAY.to_owned())
}

fn typed(head: &str, media_type: &str, status: u16) -> (u16, String, String) {
    if head.starts_with("HEAD ") {
        return (
            200,
            format!("content-type: {media_type}\r\n"),
            String::new(),
        );
    }
    if head.contains("/manifests/") {
        refused(status)
    } else {
        plain_answer(200)
    }
}

fn reason(answer: &TargetAnswer) -> (&str, &str) {
    let ImagePresence::Unknown { reason, why } = &answer.presence else {
        panic!("{answer:?}")
    };
    (reason, why)
}

#[tokio::test]
async fn what_head_finds_and_get_is_refused_is_unknown_whoever_knows_the_nodes() {
    let cases: [(Answers, &str); 5] = [
        (|head| typed(head, INDEX, 403), "denied"),
        (|head| typed(head, MANIFEST, 403), "denied"),
        (|head| typed(head, MANIFEST, 401), "auth-required"),
        (|head| typed(head, INDEX, 404), "no-answer"),
        (|head| typed(head, "", 403), "denied"),
    ];
    for nodes in [&["amd64"][..], &[]] {
        for (at, (answers, expected)) in cases.into_iter().enumerate() {
            let stage = stage(answers, false).await;
            let answer = ask(&stage, &cluster(nodes), "registry.corp/shop/web:1").await;
            let (reason, why) = reason(&answer);
            assert_eq!(reason, expected, "{at}");
            assert!(why.contains("Xray"), "{at}: {why}");
        }
    }
}

#[tokio::test]
async fn an_index_whose_image_for_the_nodes_is_refused_is_unknown() {
    let answers: Answers = |head| {
        if head.contains("/manifests/1 ") {
            index(&[("linux", "amd64"), ("linux", "arm64")])
        } else if head.contains("amd64amd64") && head.starts_with("GET ") {
            refused(403)
        } else {
            plain_answer(200)
        }
    };
    let image = "registry.corp/shop/web:1";
    let blocked = stage(answers, false).await;
    let answer = ask(&blocked, &cluster(&["amd64"]), image).await;
    let (reason, why) = reason(&answer);
    assert_eq!(reason, "denied");
    assert!(why.starts_with("its image for linux/amd64: "), "{why}");
    // The image for other nodes is nobody's concern.
    let fine = stage(answers, false).await;
    let answer = ask(&fine, &cluster(&["arm64"]), image).await;
    assert!(matches!(answer.presence, ImagePresence::Present { .. }));
}

#[tokio::test]
async fn a_configuration_that_is_refused_is_an_image_that_cannot_be_pulled() {
    let answers: Answers = |head| single(head, CONFIG, 99, (403, XRAY));
    let stage = stage(answers, false).await;
    let answer = ask(&stage, &cluster(&["amd64"]), "registry.corp/shop/web:1").await;
    assert_eq!(reason(&answer).0, "denied");
}
