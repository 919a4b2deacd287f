//! Installs of one name without receipts, as `render` and a deployment tool make them.

use arc_setup::object::ObjectRef;

use super::YES;
use super::census::difference;
use super::site::Site;

const ONE: &[&str] = &["--controller-namespace", "one-systems"];
const TWO: &[&str] = &[
    "--controller-namespace",
    "two-systems",
    "--runner-namespace",
    "two-runners",
];

async fn forget(site: &Site, namespace: &str) {
    let receipt = ObjectRef::new("v1", "Secret", Some(namespace), "arc-setup-arc");
    site.cluster.delete(&receipt, None).await.unwrap();
}

#[tokio::test]
async fn of_two_installs_of_one_name_without_receipts_none_is_removed_until_somebody_says_which() {
    let site = Site::scale_set().await;
    let before = site.census().await;
    site.init(ONE).await;
    forget(&site, "one-systems").await;
    let one = site.census().await;
    site.init(TWO).await;
    forget(&site, "two-systems").await;
    let both = site.census().await;
    assert!(difference(&one, &both).len() > 10);

    for place in [ONE, TWO] {
        let outcome = site.run("uninstall", &[place, YES].concat()).await;
        let outcome = outcome.expect_code(2);
        for part in [
            "code: install-ambiguous",
            "a controller in one-systems",
            "a controller in two-systems",
            "run init again",
        ] {
            assert!(outcome.stderr.contains(part), "{part}: {}", outcome.stderr);
        }
        let touched = difference(&both, &site.census().await);
        assert!(touched.is_empty(), "{touched:?}");
    }

    // The way out that it names: one of them gets its receipt, goes, and leaves the other whole.
    site.init(TWO).await;
    site.run("uninstall", &[TWO, YES].concat())
        .await
        .expect_code(0);
    site.is_again(&one).await;
    // Alone it is found by its label, as ever.
    site.run("uninstall", &[ONE, YES].concat())
        .await
        .expect_code(0);
    site.is_again(&before).await;
}
