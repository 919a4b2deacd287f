//! From a kubeconfig or a ServiceAccount to a [`Cluster`]: the same place, the same way and as the same user as kubectl.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::kube::Config;
use http::Uri;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::kubeconfig::{self, Context};
use super::{Cluster, ClusterError, Identity, stack};
use crate::clients::roots::system_roots;
use crate::failure::{Exit, Failure};
use crate::proxy::NoProxy;

/// How to reach the cluster. The caller reads flags and environment.
#[derive(Debug, Clone, Default)]
pub struct ClusterOptions {
    /// `--kubeconfig`: must be there.
    pub kubeconfig: Option<PathBuf>,
    /// KUBECONFIG's list, else `~/.kube/config`: those that are there are merged.
    pub kubeconfig_list: Vec<PathBuf>,
    /// `--context`; None takes the current one.
    pub context: Option<String>,
    /// What the process finds in a pod; used where there is no kubeconfig and no context is named.
    pub in_cluster: Option<InCluster>,
    /// Proxy variables of the environment.
    pub proxy: EnvironmentProxy,
    /// A login plugin may talk to the user.
    pub interactive: bool,
}

impl ClusterOptions {
    /// True where a pod's own access is taken: then there is one cluster that can be meant, and no context to name.
    pub fn is_in_cluster(&self) -> bool {
        let has_kubeconfig =
            self.kubeconfig.is_some() || self.kubeconfig_list.iter().any(|file| file.exists());
        self.in_cluster.is_some() && self.context.is_none() && !has_kubeconfig
    }
}

/// A ServiceAccount's access, from KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT and the mounted files.
#[derive(Debug, Clone)]
pub struct InCluster {
    /// A name or an address; IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Usually [`InCluster::DIRECTORY`]; holds `token` (read again as it is renewed), `ca.crt` and `namespace`.
    pub directory: PathBuf,
}

impl InCluster {
    /// Where a pod finds its ServiceAccount.
    pub const DIRECTORY: &'static str = "/var/run/secrets/kubernetes.io/serviceaccount";
}

/// HTTP_PROXY, HTTPS_PROXY and NO_PROXY, upper case before lower case as Go reads them.
#[derive(Clone, Default)]
pub struct EnvironmentProxy {
    /// For an http:// server.
    pub http: Option<String>,
    /// For an https:// server.
    pub https: Option<String>,
    /// What is reached directly.
    pub no_proxy: String,
}

impl std::fmt::Debug for EnvironmentProxy {
    /// A proxy's URL may hold a password.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let given = |proxy: &Option<String>| proxy.as_ref().map(|_| "***");
        formatter
            .debug_struct("EnvironmentProxy")
            .field("http", &given(&self.http))
            .field("https", &given(&self.https))
            .field("no_proxy", &self.no_proxy)
            .finish()
    }
}

async fn connect(options: &ClusterOptions) -> Result<Cluster, Failure> {
    let files = options
        .kubeconfig
        .as_ref()
        .map_or(options.kubeconfig_list.as_slice(), std::slice::from_ref);
    let kubeconfig = kubeconfig::read(files, options.kubeconfig.is_some())?;
    let (config, identity) = match (kubeconfig, &options.in_cluster, &options.context) {
        (Some(kubeconfig), ..) => {
            let mut context = kubeconfig::choose(&kubeconfig, options.context.as_deref())?;
            context.prepare_login(options.interactive, now())?;
            outside(&context, &options.proxy)?
        }
        (None, Some(pod), None) => inside(pod)?,
        (None, ..) => return Err(no_kubeconfig(files)),
    };
    let cluster = Cluster::new(stack::client(&config)?, identity);
    identify(cluster, config.proxy_url.as_ref()).await
}

fn no_kubeconfig(files: &[PathBuf]) -> Failure {
    let failure = Failure::new(
        "kubeconfig-missing",
        Exit::Usage,
        "there is no kubeconfig, so no cluster is known",
    );
    let failure = files.iter().fold(failure, |failure, file| {
        failure.why(format!("{} is not there", file.display()))
    });
    failure.remedy("name one with --kubeconfig FILE or in KUBECONFIG")
}

fn outside(context: &Context, proxy: &EnvironmentProxy) -> Result<(Config, Identity), Failure> {
    let mut config = Config::new(context.server.clone());
    config.accept_invalid_certs = context.cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.root_cert = Some(match context.authorities()? {
        Some(authorities) => authorities,
        // The list, not the platform's verifier, which refuses to start where there is none.
        None => system_roots(),
    });
    config
        .tls_server_name
        .clone_from(&context.cluster.tls_server_name);
    config.proxy_url = proxy_for(context, proxy)?;
    config.auth_info = context.login.clone();
    config.default_retry = false;
    if let Some(namespace) = &context.namespace {
        config.default_namespace.clone_from(namespace);
    }
    let identity = Identity {
        context: context.name.clone(),
        server: context.server.to_string().trim_end_matches('/').to_owned(),
        user: context.user.clone(),
    };
    Ok((config, identity))
}

/// The kubeconfig's `proxy-url` always; else the environment's unless NO_PROXY covers the server.
fn proxy_for(context: &Context, environment: &EnvironmentProxy) -> Result<Option<Uri>, Failure> {
    let (text, origin) = if let Some(url) = context
        .cluster
        .proxy_url
        .as_ref()
        .filter(|url| !url.is_empty())
    {
        (url, "proxy-url of the kubeconfig")
    } else {
        let secure = context.server.scheme_str() == Some("https");
        let given = if secure {
            &environment.https
        } else {
            &environment.http
        };
        let Some(url) = given.as_ref().filter(|url| !url.is_empty()) else {
            return Ok(None);
        };
        let port = context
            .server
            .port_u16()
            .unwrap_or(if secure { 443 } else { 80 });
        if NoProxy::parse(&environment.no_proxy)
            .covers(context.server.host().unwrap_or_default(), port)
        {
            return Ok(None);
        }
        (url, if secure { "HTTPS_PROXY" } else { "HTTP_PROXY" })
    };
    // As Go does: without a scheme it is http.
    let text = if text.contains("://") {
        text.clone()
    } else {
        format!("http://{text}")
    };
    // An error would repeat the text, which may hold a password.
    let uri = text.parse::<Uri>().ok().filter(|uri| uri.host().is_some());
    uri.map(Some).ok_or_else(|| {
        Failure::new(
            "kubeconfig-proxy",
            Exit::Usage,
            format!("{origin} is no URL"),
        )
        .remedy("write it as http://proxy.corp:3128")
    })
}

fn inside(pod: &InCluster) -> Result<(Config, Identity), Failure> {
    let host = if pod.host.contains(':') {
        format!("[{}]", pod.host)
    } else {
        pod.host.clone()
    };
    let server = format!("https://{host}:{}", pod.port);
    let fail = |why: String| {
        Failure::new(
            "in-cluster",
            Exit::Usage,
            "this pod's ServiceAccount cannot be used",
        )
        .why(why)
        .remedy("set automountServiceAccountToken, or name a kubeconfig with --kubeconfig")
    };
    let uri: Uri = server
        .parse()
        .map_err(|_| fail(format!("{server} is no URL")))?;
    let mut config = Config::new(uri);
    for name in ["token", "ca.crt"] {
        let file = pod.directory.join(name);
        std::fs::metadata(&file).map_err(|error| fail(format!("{}: {error}", file.display())))?;
    }
    // With a file to read again no other root counts; without this the platform's verifier is made first.
    config.root_cert = Some(Vec::new());
    config.root_cert_file = Some(pod.directory.join("ca.crt"));
    config.auth_info.token_file = Some(pod.directory.join("token").to_string_lossy().into_owned());
    config.default_retry = false;
    if let Ok(namespace) = std::fs::read_to_string(pod.directory.join("namespace")) {
        namespace.trim().clone_into(&mut config.default_namespace);
    }
    let identity = Identity {
        context: "in-cluster".to_owned(),
        server,
        user: String::new(),
    };
    Ok((config, identity))
}

/// Asks who we are: the first request, so that it also tells whether the server is there and takes our login.
async fn identify(mut cluster: Cluster, proxy: Option<&Uri>) -> Result<Cluster, Failure> {
    cluster.seed(
        REVIEW,
        "SelfSubjectReview",
        "selfsubjectreviews",
        super::Scope::Cluster,
    );
    let review = json!({ "apiVersion": REVIEW, "kind": "SelfSubjectReview" });
    // A silent name server alone takes half a minute by itself.
    let first = timeout(FIRST_ANSWER, cluster.create(&review, false)).await;
    let first = first.unwrap_or_else(|_| {
        Err(ClusterError::Unreachable {
            message: format!(
                "no answer within {} s: a firewall, a silent name server, or a proxy is needed",
                FIRST_ANSWER.as_secs()
            ),
        })
    });
    match first {
        Ok(answer) => {
            if let Some(user) = answer
                .object
                .pointer("/status/userInfo/username")
                .and_then(Value::as_str)
            {
                user.clone_into(&mut cluster.identity.user);
            }
        }
        Err(error @ ClusterError::Unreachable { .. }) => {
            return Err(unreachable(&cluster.identity, &error, proxy));
        }
        Err(error @ ClusterError::Unauthorized { .. }) => {
            let what = format!(
                "{} did not accept the login of context '{}'",
                cluster.identity.server, cluster.identity.context
            );
            return Err(error
                .failure(what, Exit::Preflight)
                .remedy("log in again, or fetch a new kubeconfig"));
        }
        // A server before 1.28 does not know the review: the kubeconfig's name stands.
        Err(_) => {}
    }
    Ok(cluster)
}

/// Longest wait for the first answer.
const FIRST_ANSWER: Duration = Duration::from_secs(12);

const REVIEW: &str = "authentication.k8s.io/v1";

fn unreachable(identity: &Identity, error: &ClusterError, proxy: Option<&Uri>) -> Failure {
    let failure = error.failure(
        format!("the API server {} cannot be reached", identity.server),
        Exit::Preflight,
    );
    match proxy.and_then(Uri::host) {
        Some(host) => failure
            .evidence(format!("asked through the proxy {host}"))
            .remedy("check proxy-url of the kubeconfig, HTTPS_PROXY and NO_PROXY"),
        None => failure.remedy(format!("kubectl --context {} version", identity.context)),
    }
}

/// Seconds since 1970, for a client certificate's time.
fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| {
            i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
        })
}

impl Cluster {
    /// Connects and asks the server who we are. Exit 2 for what is wrong with files, context or login; exit 3 for
    /// a server that does not answer or does not take the login.
    pub async fn connect(options: &ClusterOptions) -> Result<Self, Failure> {
        connect(options).await
    }
}
