//! A registry that has too much to do.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn busy() -> (u16, String, String) {
    (429, "retry-after: 0\r\n".to_owned(), "{}".to_owned())
}

#[tokio::test]
async fn it_is_asked_again_and_what_it_says_then_counts() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let answers: Answers = |head| {
        let is_first = head.contains("/manifests/") && ASKED.fetch_add(1, Ordering::Relaxed) == 0;
        if is_first { busy() } else { plain_answer(200) }
    };
    let stage = stage(answers, false).await;
    let answer = ask(&stage, &cluster(&["amd64"]), "registry.corp/shop/web:1").await;
    assert_eq!(answer.presence, ImagePresence::Present { digest: None });
}

#[tokio::test]
async fn the_first_image_waits_in_vain_and_the_others_do_not_wait() {
    let answers: Answers = |head| {
        if head.contains("/manifests/") {
            busy()
        } else {
            plain_answer(200)
        }
    };
    let stage = stage(answers, false).await;
    let cluster = cluster(&["amd64"]);
    for (image, expected) in [("web:1", 5), ("log:1", 2), ("job:1", 2)] {
        stage.asked.lock().unwrap().clear();
        let answer = ask(&stage, &cluster, &format!("registry.corp/shop/{image}")).await;
        assert!(
            matches!(&answer.presence, ImagePresence::Unknown { reason, .. } if reason == "rate-limited"),
            "{answer:?}"
        );
        let asked = stage.asked.lock().unwrap();
        let manifests = asked.iter().filter(|head| head.contains("/manifests/"));
        assert_eq!(manifests.count(), expected, "{image}: {asked:?}");
    }
}
