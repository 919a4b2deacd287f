//! The stand-ins refuse what the originals refuse: a test that passes against them says something.

mod cluster;
mod github;
mod registry;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::authority::{Authority, Sends};
use crate::support::connect_proxy::{ConnectProxy, Proxied};
use crate::support::registry::{Registry, Setup as RegistrySetup};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const REGISTRY: &str = "registry.artifactory.mydomain.com";
const GITHUB: &str = "github.mydomain.com";

/// A client as arc-setup's own: these roots alone, and names that are looked up nowhere else.
fn client(roots: &str, addresses: &[(&str, std::net::SocketAddr)]) -> reqwest::Client {
    builder(roots, addresses).build().unwrap()
}

#[expect(
    clippy::disallowed_methods,
    reason = "these clients test the stand-ins, not arc-setup's transport"
)]
fn builder(roots: &str, addresses: &[(&str, std::net::SocketAddr)]) -> reqwest::ClientBuilder {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let roots = reqwest::Certificate::from_pem_bundle(roots.as_bytes()).unwrap();
    let builder = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only(roots)
        .user_agent("test");
    addresses.iter().fold(builder, |builder, (name, address)| {
        builder.resolve(name, *address)
    })
}

async fn registry(authority: &Authority, sends: Sends, setup: RegistrySetup) -> Registry {
    Registry::start(authority.server(&[REGISTRY], sends).unwrap(), setup)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_leaf_alone_is_trusted_only_by_who_knows_the_issuing_authority() {
    let authority = Authority::new().unwrap();
    let leaf_only = registry(&authority, Sends::LeafOnly, RegistrySetup::default()).await;
    let chain = registry(&authority, Sends::Chain, RegistrySetup::default()).await;
    let get = async |roots: &str, registry: &Registry| {
        let client = client(roots, &[(REGISTRY, registry.address())]);
        client.get(format!("https://{REGISTRY}/v2/")).send().await
    };
    let refused = get(&authority.root_pem(), &leaf_only).await.unwrap_err();
    assert!(
        format!("{refused:?}").contains("UnknownIssuer"),
        "{refused:?}"
    );
    assert_eq!(
        get(&authority.bundle_pem(), &leaf_only)
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        get(&authority.issuing_pem(), &leaf_only)
            .await
            .unwrap()
            .status(),
        200
    );
    assert_eq!(
        get(&authority.root_pem(), &chain).await.unwrap().status(),
        200
    );
    let stranger = Authority::new().unwrap();
    assert!(get(&stranger.bundle_pem(), &chain).await.is_err());
}

#[tokio::test]
async fn the_proxy_wants_its_account_and_reaches_only_what_it_maps() {
    let authority = Authority::new().unwrap();
    let registry = registry(&authority, Sends::Chain, RegistrySetup::default()).await;
    let routes = BTreeMap::from([(format!("{REGISTRY}:443"), registry.address())]);
    let account = Some(("jane".to_owned(), "p@ss".to_owned()));
    let proxy = ConnectProxy::start(Proxied { routes, account })
        .await
        .unwrap();
    let get = async |password: Option<&str>, url: &str| {
        let mut through = reqwest::Proxy::all(proxy.url()).unwrap();
        if let Some(password) = password {
            through = through.basic_auth("jane", password);
        }
        let client = builder(&authority.root_pem(), &[])
            .proxy(through)
            .build()
            .unwrap();
        client
            .get(url)
            .send()
            .await
            .map(|response| response.status().as_u16())
            .map_err(|error| format!("{error:?}"))
    };
    let url = format!("https://{REGISTRY}/v2/");
    let refused = get(None, &url).await.unwrap_err();
    assert!(refused.contains("ProxyAuthRequired"), "{refused}");
    assert!(get(Some("wrong"), &url).await.is_err());
    assert_eq!(get(Some("p@ss"), &url).await, Ok(200));
    assert!(get(Some("p@ss"), "https://quay.io/v2/").await.is_err());
    // A plain request is no CONNECT; the proxy itself answers it.
    assert_eq!(get(Some("p@ss"), "http://example.com/").await, Ok(403));
    let log: Vec<(String, u16)> = proxy
        .log()
        .into_iter()
        .map(|one| (one.target, one.status))
        .collect();
    let target = format!("{REGISTRY}:443");
    assert_eq!(
        log,
        [
            (target.clone(), 407),
            (target.clone(), 407),
            (target, 200),
            ("quay.io:443".to_owned(), 403),
            ("http://example.com/".to_owned(), 403),
        ]
    );
}

#[test]
fn a_secret_is_found_in_every_form() {
    use crate::support::arc_setup::ensure_hidden;

    let secret = "p@ss/word";
    for text in [
        secret.to_owned(),
        STANDARD.encode(secret),
        "http://jane:p%40ss%2Fword@proxy".to_owned(),
    ] {
        let error = ensure_hidden("TOKEN", secret, "stderr", &format!("error: {text}."))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("TOKEN") && !error.contains(secret),
            "{error}"
        );
    }
    ensure_hidden("TOKEN", secret, "stderr", "error: ***").unwrap();
}
