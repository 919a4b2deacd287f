//! The HTTP stack of a cluster: HTTP/2 where offered, the kubeconfig's login, an optional proxy.

use std::time::Duration;

use ::kube::client::{Body, ConfigExt};
use ::kube::config::AuthInfo;
use ::kube::{Client, Config};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tower::ServiceBuilder;

use crate::clients::cause;
use crate::failure::{Exit, Failure};

const CONNECT: Duration = Duration::from_secs(10);
/// A watch over a connection that died silently is noticed after this and the next.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Enough for a list page with many large objects without waiting for window updates.
const WINDOW: u32 = 4 * 1024 * 1024;

/// Builds the client. `config.proxy_url` is the decision of the caller; the environment is not read.
pub(super) fn client(config: &Config) -> Result<Client, Failure> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_connect_timeout(Some(CONNECT));
    tcp.set_nodelay(true);
    let Some(proxy) = &config.proxy_url else {
        return over(config, tcp);
    };
    match proxy.scheme_str() {
        Some("socks5" | "socks5h") => over(config, SocksV5::new(proxy.clone(), tcp)),
        Some("http") => over(config, login(proxy, Tunnel::new(proxy.clone(), tcp))),
        Some("https") => {
            // Our login is for the API server alone.
            let mut anonymous = config.clone();
            anonymous.auth_info = AuthInfo::default();
            let outer = HttpsConnectorBuilder::new()
                .with_tls_config(tls(&anonymous)?)
                .https_or_http()
                .enable_http1()
                .wrap_connector(tcp);
            over(config, login(proxy, Tunnel::new(proxy.clone(), outer)))
        }
        other => Err(Failure::new(
            "kubeconfig-proxy",
            Exit::Usage,
            format!(
                "the proxy to the API server has the unknown scheme '{}'",
                other.unwrap_or_default()
            ),
        )
        .remedy("use http://, https:// or socks5://")),
    }
}

fn tls(config: &Config) -> Result<ClientConfig, Failure> {
    config
        .rustls_client_config()
        .map_err(|error| match cause::of(&error) {
            cause::Cause::Login(why) => login_failed(config, why),
            other => Failure::new(
                "kubeconfig-tls",
                Exit::Usage,
                "the kubeconfig's certificates cannot be used",
            )
            .why(other.to_string()),
        })
}

/// Names the program that logs in, where there is one.
fn login_failed(config: &Config, why: String) -> Failure {
    let what = "the login to the cluster cannot be made";
    let failure = Failure::new("cluster-login", Exit::Usage, what).why(why);
    let plugin = config.auth_info.exec.as_ref();
    match plugin.and_then(|plugin| plugin.command.as_ref()) {
        Some(command) => failure
            .evidence(format!("the kubeconfig logs in with the program {command}"))
            .remedy("install it, or see by kubectl get namespaces why it fails; or fetch a kubeconfig with a token"),
        None => failure.remedy("log in again, or fetch a new kubeconfig"),
    }
}

fn over<C>(config: &Config, connector: C) -> Result<Client, Failure>
where
    C: tower::Service<Uri> + Clone + Send + Sync + 'static,
    HttpsConnector<C>: Connect + Clone + Send + Sync + 'static,
{
    let broken = |error: ::kube::Error| login_failed(config, cause::of(&error).to_string());
    let by_header = config.auth_layer().map_err(broken)?;
    let mut identity = config.clone();
    if by_header.is_some() {
        // A login plugin that gave a token has no certificate to give: it need not run again.
        identity.auth_info.exec = None;
    }
    let tls = tls(&identity)?;
    let mut builder = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http();
    if let Some(name) = &config.tls_server_name {
        let name = name.clone().try_into().map_err(|_| {
            Failure::new(
                "kubeconfig-tls",
                Exit::Usage,
                format!("tls-server-name '{name}' is no host name"),
            )
        })?;
        builder = builder.with_server_name_resolver(FixedServerNameResolver::new(name));
    }
    let connector = builder.enable_all_versions().wrap_connector(connector);
    let http: hyper_util::client::legacy::Client<_, Body> =
        hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .http2_initial_stream_window_size(WINDOW)
            .http2_initial_connection_window_size(WINDOW)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .http2_keep_alive_timeout(KEEP_ALIVE)
            .build(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(by_header)
        .layer(config.extra_headers_layer().map_err(broken)?)
        .map_err(tower::BoxError::from)
        .service(http);
    Ok(Client::new(service, config.default_namespace.clone()))
}

fn login<C>(proxy: &Uri, tunnel: Tunnel<C>) -> Tunnel<C> {
    let account = proxy
        .authority()
        .and_then(|authority| authority.as_str().rsplit_once('@'));
    let Some((account, _)) = account else {
        return tunnel;
    };
    let mut value = STANDARD.encode(unescape(account));
    value.insert_str(0, "Basic ");
    match HeaderValue::from_str(&value) {
        Ok(header) => tunnel.with_auth(header),
        Err(_) => tunnel,
    }
}

/// Decodes %XX of a URL's user information; what is no escape stays as it is.
fn unescape(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%').then(|| (digit(bytes.get(at + 1)), digit(bytes.get(at + 2))));
        if let Some((Some(high), Some(low))) = escaped {
            decoded.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
            at += 3;
        } else {
            decoded.push(*byte);
            at += 1;
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_information_is_decoded() {
        assert_eq!(unescape("corp%5Cbob:p%40ss%"), b"corp\\bob:p@ss%");
    }
}
