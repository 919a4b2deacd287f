//! Kubeconfig files: read, merged as kubectl merges them, one context chosen, its parts checked.

use std::fs;
use std::path::PathBuf;

use ::kube::config::{
    AuthInfo, Cluster as ClusterEntry, Context as ContextEntry, ExecInteractiveMode, Kubeconfig,
    KubeconfigError,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::failure::{Exit, Failure, file_error};
use crate::spelling;

/// The parts of one context.
pub(super) struct Context {
    pub(super) name: String,
    pub(super) server: http::Uri,
    pub(super) user: String,
    pub(super) namespace: Option<String>,
    pub(super) cluster: ClusterEntry,
    pub(super) login: AuthInfo,
}

impl std::fmt::Debug for Context {
    /// A login may hold tokens in the settings of its plugin.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Context")
            .field("name", &self.name)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Reads and merges files. A file that was named by itself must be there; of a list, those that are there count.
/// None where no file is there.
pub(super) fn read(files: &[PathBuf], explicit: bool) -> Result<Option<Kubeconfig>, Failure> {
    let mut merged: Option<Kubeconfig> = None;
    for file in files {
        if !explicit && !file.exists() {
            continue;
        }
        let next = Kubeconfig::read_from(file).map_err(|error| unreadable(file, &error))?;
        merged = Some(match merged {
            None => next,
            Some(first) => first
                .merge(next)
                .map_err(|error| unreadable(file, &error))?,
        });
    }
    Ok(merged)
}

fn unreadable(file: &std::path::Path, error: &KubeconfigError) -> Failure {
    let what = format!("the kubeconfig {} cannot be used", file.display());
    let failure = Failure::new("kubeconfig-unreadable", Exit::Usage, what);
    match error {
        KubeconfigError::ReadConfig(cause, _) => failure.why(file_error(cause)),
        // The parser's own text quotes the file, which holds tokens.
        KubeconfigError::Parse(cause) => failure.why(match cause.location() {
            Some(at) => format!(
                "it is no kubeconfig: line {}, column {}",
                at.line(),
                at.column()
            ),
            None => "it is no kubeconfig".to_owned(),
        }),
        other => failure.why(other.to_string()),
    }
    .remedy("name another file with --kubeconfig or in KUBECONFIG")
}

/// Chooses a context: the one that is named, else the current one.
pub(super) fn choose(config: &Kubeconfig, wanted: Option<&str>) -> Result<Context, Failure> {
    let (name, context) = named(config, wanted)?;
    let cluster = cluster_of(config, name, context)?;
    let server = server_of(name, &cluster)?;
    let user = context.user.clone().unwrap_or_default();
    let login = config
        .auth_infos
        .iter()
        .find(|entry| entry.name == user)
        .and_then(|entry| entry.auth_info.clone())
        .unwrap_or_default();
    Ok(Context {
        name: name.to_owned(),
        server,
        user,
        namespace: context.namespace.clone(),
        cluster,
        login,
    })
}

/// The context that is meant, and its name.
fn named<'a>(
    config: &'a Kubeconfig,
    wanted: Option<&'a str>,
) -> Result<(&'a str, &'a ContextEntry), Failure> {
    let names: Vec<&str> = config
        .contexts
        .iter()
        .map(|context| context.name.as_str())
        .collect();
    let wanted = wanted.or(config.current_context.as_deref());
    let Some(name) = wanted.filter(|name| !name.is_empty()) else {
        let what = "the kubeconfig has no current context".to_owned();
        return Err(unknown(what, None, &names));
    };
    let entry = config.contexts.iter().find(|context| context.name == name);
    let context = entry.and_then(|entry| entry.context.as_ref());
    context.map(|context| (name, context)).ok_or_else(|| {
        let what = format!("there is no context '{name}'");
        unknown(what, spelling::nearest(name, &names), &names)
    })
}

fn cluster_of(
    config: &Kubeconfig,
    name: &str,
    context: &ContextEntry,
) -> Result<ClusterEntry, Failure> {
    config
        .clusters
        .iter()
        .find(|cluster| cluster.name == context.cluster)
        .and_then(|cluster| cluster.cluster.clone())
        .ok_or_else(|| {
            let cluster = &context.cluster;
            let why = format!("its cluster '{cluster}' is not in the kubeconfig");
            incomplete(name, why)
        })
}

fn server_of(name: &str, cluster: &ClusterEntry) -> Result<http::Uri, Failure> {
    let server = cluster.server.as_deref().unwrap_or_default();
    // The URL stands in prompts, answers and failures: an account in it would too.
    if server.contains('@') {
        let why = "the URL of its server holds an account, which would be shown wherever the server is named";
        return Err(incomplete(name, why.to_owned()).remedy(
            "write the URL without it, and the account as username and password of the kubeconfig's user",
        ));
    }
    let uri = server.parse().ok().filter(|uri: &http::Uri| {
        matches!(uri.scheme_str(), Some("https" | "http")) && uri.host().is_some()
    });
    uri.ok_or_else(|| {
        let why = format!("its server '{server}' is no URL such as https://api.corp:6443");
        incomplete(name, why)
    })
}

fn incomplete(name: &str, why: String) -> Failure {
    Failure::new(
        "kubeconfig-context",
        Exit::Usage,
        format!("context '{name}' is incomplete"),
    )
    .why(why)
    .remedy(format!("kubectl config view --minify --context {name}"))
}

fn unknown(what: String, nearest: Option<&str>, names: &[&str]) -> Failure {
    let failure = Failure::new("kubeconfig-context", Exit::Usage, what);
    let failure = match names {
        [] => failure.why("the kubeconfig has no contexts"),
        names => failure.why(format!("contexts there: {}", names.join(", "))),
    };
    match nearest {
        Some(name) => failure.remedy(format!("did you mean --context {name}?")),
        None if names.is_empty() => {
            failure.remedy("name another file with --kubeconfig or in KUBECONFIG")
        }
        None => failure.remedy("name one of them with --context"),
    }
}

impl Context {
    /// DER of the cluster's authorities; None where the kubeconfig names none.
    pub(super) fn authorities(&self) -> Result<Option<Vec<Vec<u8>>>, Failure> {
        let bad = |why: String| {
            Failure::new(
                "kubeconfig-ca",
                Exit::Usage,
                format!("the CA of context '{}' cannot be used", self.name),
            )
            .why(why)
        };
        let pem = if let Some(data) = filled(self.cluster.certificate_authority_data.as_deref()) {
            STANDARD
                .decode(data.split_whitespace().collect::<String>())
                .map_err(|_| bad("certificate-authority-data is not base64".to_owned()))?
        } else if let Some(file) = filled(self.cluster.certificate_authority.as_deref()) {
            fs::read(file).map_err(|error| bad(format!("{file}: {}", file_error(&error))))?
        } else {
            return Ok(None);
        };
        let mut ders = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|_| bad("it is not PEM".to_owned()))?;
            rustls::RootCertStore::empty()
                .add(certificate.clone())
                .map_err(|error| bad(format!("one of its certificates is broken: {error}")))?;
            ders.push(certificate.to_vec());
        }
        if ders.is_empty() {
            return Err(bad("it holds no PEM certificate".to_owned()));
        }
        Ok(Some(ders))
    }

    /// Checks the client certificate's time and readies a login plugin for where we run. `now` in seconds.
    pub(super) fn prepare_login(&mut self, interactive: bool, now: i64) -> Result<(), Failure> {
        self.check_client_certificate(now)?;
        if let Some(plugin) = &mut self.login.exec {
            if !interactive {
                if plugin.interactive_mode == Some(ExecInteractiveMode::Always) {
                    let command = plugin.command.clone().unwrap_or_default();
                    return Err(Failure::new(
                        "kubeconfig-login",
                        Exit::Usage,
                        format!("the login plugin '{command}' wants a terminal, and there is none"),
                    )
                    .remedy("use a kubeconfig with a token or a client certificate"));
                }
                plugin.interactive_mode = Some(ExecInteractiveMode::Never);
            }
            if plugin.provide_cluster_info {
                let cluster = (&self.cluster)
                    .try_into()
                    .map_err(|error: KubeconfigError| {
                        Failure::new(
                            "kubeconfig-ca",
                            Exit::Usage,
                            "the login plugin cannot be told of the cluster",
                        )
                        .why(error.to_string())
                    })?;
                plugin.cluster = Some(cluster);
            }
        }
        Ok(())
    }

    fn check_client_certificate(&self, now: i64) -> Result<(), Failure> {
        let fail = |why: String| {
            Failure::new(
                "kubeconfig-client-certificate",
                Exit::Usage,
                format!(
                    "the client certificate of context '{}' cannot be used",
                    self.name
                ),
            )
            .why(why)
            .remedy("log in again, or fetch a new kubeconfig")
        };
        let pem = if let Some(data) = filled(self.login.client_certificate_data.as_deref()) {
            STANDARD
                .decode(data.split_whitespace().collect::<String>())
                .map_err(|_| fail("client-certificate-data is not base64".to_owned()))?
        } else if let Some(file) = filled(self.login.client_certificate.as_deref()) {
            fs::read(file).map_err(|error| fail(format!("{file}: {}", file_error(&error))))?
        } else {
            return Ok(());
        };
        let first = CertificateDer::pem_slice_iter(&pem)
            .next()
            .and_then(Result::ok);
        let der = first.ok_or_else(|| fail("it is not PEM".to_owned()))?;
        let (_, certificate) = x509_parser::parse_x509_certificate(&der)
            .map_err(|_| fail("it is no X.509 certificate".to_owned()))?;
        let validity = certificate.validity();
        if validity.not_after.timestamp() < now {
            return Err(fail(format!("it expired on {}", validity.not_after)));
        }
        Ok(())
    }
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Kubeconfig {
        Kubeconfig::from_yaml(text).unwrap()
    }

    const TWO: &str = "
clusters:
- {name: c, cluster: {server: 'https://api.corp:6443'}}
- {name: bad, cluster: {server: 'api.corp'}}
contexts:
- {name: production, context: {cluster: c, user: u}}
- {name: broken, context: {cluster: bad, user: u}}
users: []
";

    #[test]
    fn an_unknown_context_lists_those_that_are_there() {
        let failure = choose(&config(TWO), Some("prodction")).unwrap_err();
        assert_eq!(
            (failure.code(), failure.exit()),
            ("kubeconfig-context", Exit::Usage)
        );
        assert_eq!(
            failure.details().why,
            ["contexts there: production, broken"]
        );
        assert_eq!(
            failure.details().remedy,
            ["did you mean --context production?"]
        );
        assert!(choose(&config(TWO), None).is_err());
        assert_eq!(
            choose(&config(TWO), Some("production"))
                .unwrap()
                .server
                .host(),
            Some("api.corp")
        );
        assert!(choose(&config(TWO), Some("broken")).is_err());
    }

    #[test]
    fn an_account_in_the_servers_url_is_refused_and_never_told() {
        for server in [
            "https://jo:canary-secret@api.corp:6443",
            "https://canary-secret@api.corp",
            "https://jo:canary secret@api.corp",
        ] {
            let text = TWO.replace("https://api.corp:6443", server);
            let failure = choose(&config(&text), Some("production")).unwrap_err();
            assert_eq!(failure.code(), "kubeconfig-context");
            let told = format!("{failure:?}");
            assert!(!told.contains("canary"), "{told}");
            assert!(told.contains("username"), "{told}");
        }
    }

    #[test]
    fn a_named_file_must_be_there_and_a_listed_one_need_not() {
        let missing = [PathBuf::from("/nonexistent/kubeconfig")];
        assert_eq!(
            read(&missing, true).unwrap_err().code(),
            "kubeconfig-unreadable"
        );
        assert!(read(&missing, false).unwrap().is_none());
    }

    #[test]
    fn an_expired_client_certificate_is_told_before_the_server_is_asked() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        let mut context = choose(&config(TWO), Some("production")).unwrap();
        context.login.client_certificate_data =
            Some(STANDARD.encode(params.self_signed(&key).unwrap().pem()));
        let failure = context.prepare_login(false, 1_800_000_000).unwrap_err();
        assert!(
            failure.details().why[0].contains("expired on"),
            "{failure:?}"
        );
        assert_eq!(failure.exit(), Exit::Usage);
        context.login.client_certificate_data = Some("!".into());
        assert!(context.prepare_login(false, 0).is_err());
    }

    #[test]
    fn an_authority_that_is_none_is_a_failure() {
        let mut context = choose(&config(TWO), Some("production")).unwrap();
        assert_eq!(context.authorities().unwrap(), None);
        for data in ["!!", "bm90IFBFTQ=="] {
            context.cluster.certificate_authority_data = Some(data.into());
            assert_eq!(context.authorities().unwrap_err().code(), "kubeconfig-ca");
        }
    }

    #[test]
    fn a_broken_file_is_never_quoted() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config");
        std::io::Write::write_all(
            &mut fs::File::create(&file).unwrap(),
            b"users:\n- name: u\n  user: {token: canary-secret\n",
        )
        .unwrap();
        let failure = read(std::slice::from_ref(&file), true).unwrap_err();
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    }
}
