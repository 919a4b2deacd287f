//! What the registry says of the images of one object, each of them told.

use super::*;
use crate::clients::registry::DockerConfig;
use crate::clients::stand_in::{self, Authority};

#[tokio::test]
async fn an_image_that_nobody_can_tell_about_is_told_beside_one_that_is_absent() {
    let web = || {
        let mut object = deployment(1, "quay.io/gone/kube-rbac-proxy:v1");
        let containers = object.pointer_mut("/spec/template/spec/containers");
        let blocked = json!({"name": "log", "image": "quay.io/blocked/log:1"});
        containers.unwrap().as_array_mut().unwrap().push(blocked);
        object
    };
    let (cluster, asked) = cluster(move |method, path, _| match method {
        "GET" if path.contains("/deployments") => list(&[web()], ""),
        _ => status(404, "NotFound"),
    });
    let authority = Authority::new();
    let answer: stand_in::Answer = Arc::new(|head| {
        let status = match head {
            head if head.contains("/gone/") => 404,
            head if head.contains("/blocked/") => 401,
            _ => 200,
        };
        (status, String::new(), "{}".to_owned())
    });
    let (server, _) = stand_in::server(&authority, true, answer).await;
    let (proxy, _) = stand_in::proxy(server, None).await;
    let route = stand_in::route(&[&authority.root], proxy, None);
    let rules = RuleSet::compile(&[RuleSpec::new(
        "map quay.io",
        Matcher::Host("quay.io".into()),
        Action::Rewrite {
            target: "registry.corp".into(),
            drop_library: false,
        },
    )])
    .unwrap();
    for require_verified in [false, true] {
        let targets = Targets::new(route.client().unwrap(), DockerConfig::default(), false);
        let (meetings, interrupt) = (Meetings::default(), Interrupt::never());
        let hands = Hands::silent(Some(&targets), &meetings, &interrupt);
        let options = PatchOptions {
            require_verified,
            ..ends::everything(&[])
        };
        let report = patch_images(&cluster, &rules, &options, hands).await.report;
        let names = |requests: &[ImageRequest]| -> Vec<String> {
            let names = requests.iter().map(|request| request.image.after.clone());
            names.collect()
        };
        assert_eq!(
            names(&report.absent_images),
            ["registry.corp/gone/kube-rbac-proxy:v1"]
        );
        assert_eq!(
            names(&report.unverified_images),
            ["registry.corp/blocked/log:1"]
        );
    }
    assert_eq!(patches(&asked), 0);
}
