//! Why a connection failed, in words: walks an error's sources and names the innermost thing that matters.

use std::error::Error;
use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

/// The cause of a connection that did not come about or broke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The name has no address.
    NameNotFound,
    /// Nobody listens there.
    Refused,
    /// No answer in time.
    TimedOut,
    /// The certificate's issuer is not known here.
    Untrusted,
    /// The certificate is not for this name.
    WrongName(String),
    /// The certificate's time is over, or has not come.
    Expired,
    /// The certificate is an authority's, used as a server's: rustls refuses it.
    AuthorityAsServer,
    /// The server did not accept our client certificate; what it said.
    ClientCertificate(String),
    /// What answers does not speak TLS.
    NotTls,
    /// The proxy wants a login (407).
    ProxyLogin,
    /// The proxy refused the destination.
    ProxyRefused,
    /// The other side hung up.
    Closed,
    /// Our own login could not be made: plugin, token file.
    Login(String),
    /// Anything else, as the innermost error says it.
    Other(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameNotFound => formatter.write_str("the name has no address here (DNS)"),
            Self::Refused => formatter.write_str("connection refused: nothing listens at that address and port"),
            Self::TimedOut => formatter.write_str("no answer in time: a firewall, or a proxy is needed"),
            Self::Untrusted => formatter.write_str("its certificate is signed by an authority that is not trusted here"),
            Self::WrongName(detail) => write!(formatter, "its certificate is for another name: {detail}"),
            Self::Expired => formatter.write_str("its certificate is not valid at this time"),
            Self::AuthorityAsServer => {
                formatter.write_str("its certificate is an authority's own (CA:TRUE), which this program does not accept for a server")
            }
            Self::ClientCertificate(detail) => write!(formatter, "the server did not accept the client certificate: {detail}"),
            Self::NotTls => formatter.write_str("what answers there does not speak TLS"),
            Self::ProxyLogin => formatter.write_str("the proxy wants a login (407)"),
            Self::ProxyRefused => formatter.write_str("the proxy refused the connection to this destination"),
            Self::Closed => formatter.write_str("the connection was closed by the other side"),
            Self::Login(detail) | Self::Other(detail) => formatter.write_str(detail),
        }
    }
}

/// Names the cause of `error`.
pub fn of(error: &(dyn Error + 'static)) -> Cause {
    let mut current = Some(error);
    let mut innermost = String::new();
    while let Some(error) = current {
        if let Some(cause) = known(error) {
            return cause;
        }
        innermost = error.to_string();
        // An io::Error's source is its inner error's source: the inner error itself would be skipped.
        current = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    Cause::Other(innermost)
}

fn known(error: &(dyn Error + 'static)) -> Option<Cause> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(of_tls(error));
    }
    if let Some(error) = error.downcast_ref::<::kube::client::AuthError>() {
        return Some(Cause::Login(of_login(error)));
    }
    if let Some(cause) = error.downcast_ref::<io::Error>().and_then(of_io) {
        return Some(cause);
    }
    let text = error.to_string();
    // hyper-util's tunnel error is a private type.
    if text.starts_with("tunnel error: proxy authorization required")
        || text.contains("407") && text.contains("roxy")
    {
        Some(Cause::ProxyLogin)
    } else if text.starts_with("tunnel error: unsuccessful") {
        Some(Cause::ProxyRefused)
    } else if text.starts_with("connection error received")
        || text.starts_with("stream error received: refused stream")
    {
        // HTTP/2: GOAWAY, and a stream that the server never began.
        Some(Cause::Closed)
    } else if text.contains("dns error") || text.contains("failed to lookup address") {
        Some(Cause::NameNotFound)
    } else {
        None
    }
}

fn of_io(error: &io::Error) -> Option<Cause> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(Cause::Refused),
        io::ErrorKind::TimedOut => Some(Cause::TimedOut),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some(Cause::Other(
            "there is no network route to that address".to_owned(),
        )),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(Cause::Closed),
        _ => None,
    }
}

fn of_tls(error: &rustls::Error) -> Cause {
    use rustls::CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(reason) => match reason {
            Certificate::UnknownIssuer => Cause::Untrusted,
            Certificate::Expired
            | Certificate::ExpiredContext { .. }
            | Certificate::NotValidYet
            | Certificate::NotValidYetContext { .. } => Cause::Expired,
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                Cause::WrongName(reason.to_string())
            }
            other if other.to_string().contains("CaUsedAsEndEntity") => Cause::AuthorityAsServer,
            // Read before anything is sent, so it may be the client's own of a kubeconfig.
            other if other.to_string().contains("UnsupportedCertVersion") => Cause::Other(
                "a certificate, the server's or the client's, is of X.509 version 1: it must be made again in version 3, which is what extensions make it (openssl x509 -req -extfile …)"
                    .to_owned(),
            ),
            other => Cause::Other(format!("its certificate is not acceptable: {other}")),
        },
        rustls::Error::AlertReceived(rustls::AlertDescription::ProtocolVersion) => {
            Cause::Other("the server speaks neither TLS 1.2 nor 1.3".to_owned())
        }
        rustls::Error::AlertReceived(alert) => Cause::ClientCertificate(format!("{alert:?}")),
        rustls::Error::InvalidMessage(_) => Cause::NotTls,
        other => Cause::Other(format!("TLS: {other}")),
    }
}

/// Login errors carry the plugin's command line, its environment and what it printed: only what is safe is said.
fn of_login(error: &::kube::client::AuthError) -> String {
    use ::kube::client::AuthError as Auth;
    match error {
        Auth::AuthExecStart(cause) => {
            format!("the kubeconfig's login plugin cannot be started: {cause}")
        }
        Auth::AuthExecRun { out, .. } => {
            let text = String::from_utf8_lossy(&out.stderr);
            let last = text
                .lines()
                .rev()
                .map(str::trim)
                .find(|line| !line.is_empty());
            let last: String = last
                .unwrap_or("it printed no reason")
                .chars()
                .take(300)
                .collect();
            format!(
                "the kubeconfig's login plugin failed ({}): {last}",
                out.status
            )
        }
        Auth::AuthExecParse(_) | Auth::ExecPluginFailed => {
            "the kubeconfig's login plugin did not answer with an ExecCredential".to_owned()
        }
        Auth::ReadTokenFile(cause, path) => {
            format!("the token file {} cannot be read: {cause}", path.display())
        }
        Auth::InvalidBearerToken(_) => {
            "the bearer token holds characters that no HTTP header may have (a line break?)"
                .to_owned()
        }
        Auth::Oidc(_) => {
            "the OIDC token of the kubeconfig could not be refreshed: log in again".to_owned()
        }
        _ => "the kubeconfig's login did not work".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Debug)]
    struct UnsupportedCertVersion;

    impl fmt::Display for UnsupportedCertVersion {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("UnsupportedCertVersion")
        }
    }

    impl std::error::Error for UnsupportedCertVersion {}

    /// What webpki says of it reaches rustls' text as a name in a program.
    #[test]
    fn a_certificate_of_version_one_is_said_in_words() {
        let inner = rustls::OtherError(Arc::new(UnsupportedCertVersion));
        let reason = rustls::CertificateError::Other(inner);
        let cause = of_tls(&rustls::Error::InvalidCertificate(reason)).to_string();
        assert!(cause.contains("X.509 version 1"), "{cause}");
    }
}
