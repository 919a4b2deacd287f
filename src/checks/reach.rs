//! What this machine saw of registry and GitHub: TLS and login.
//!
//! From here is not from there: only what the other side itself refuses blocks; what cannot be reached is unknown.

use super::{Finding, Verdict as Says};
use crate::config::{Config, ProxyCredentials};
use crate::facts::{GithubReport, Registration, RegistrationOutcome, TlsOutcome, TlsReport};
use crate::pki::chain::Verdict;

/// One finding for each handshake.
pub(super) fn handshakes(reports: &[TlsReport], config: &Config) -> Vec<Finding> {
    reports
        .iter()
        .map(|report| handshake(report, config))
        .collect()
}

/// What a proxy that wants a login (407) means: an account in a Secret that is not read may be the right one.
pub(super) fn proxy_login(config: &Config) -> (Says, &'static str) {
    let credentials = config
        .proxy
        .as_ref()
        .and_then(|proxy| proxy.credentials.as_ref());
    match credentials {
        None => (
            Says::Failed,
            "the proxy wants a login (407), and no account is given",
        ),
        Some(ProxyCredentials::Given) => (
            Says::Failed,
            "the proxy does not accept the account of proxy.credentials (407)",
        ),
        Some(ProxyCredentials::ExistingSecret(_)) => (
            Says::Unknown,
            "the proxy wants a login (407); the account is in a Secret that is not read",
        ),
    }
}

/// What to do about a proxy that wants a login which programs cannot make by their variables.
pub const FORWARDER: &str = "have the proxy allow Basic for an account, or the cluster's addresses without a login; or put a forwarder that can log in (cntlm, px) in between, and give its address as the proxy";

/// True where a proxy offers logins, and none that Go, .NET and curl make from proxy variables.
pub fn lacks_basic(schemes: &[String]) -> bool {
    let is_basic = |scheme: &String| scheme.eq_ignore_ascii_case("basic");
    !schemes.is_empty() && !schemes.iter().any(is_basic)
}

/// Such a login, in words.
pub fn wanted_login(schemes: &[String]) -> String {
    format!(
        "the proxy wants a login by {} (407): from proxy variables Go, .NET and the rest make Basic ones only",
        schemes.join(" or ")
    )
}

fn handshake(report: &TlsReport, config: &Config) -> Finding {
    let subject = match &report.proxy {
        Some(proxy) => format!("{} through {proxy}", report.server),
        None => report.server.clone(),
    };
    match &report.outcome {
        TlsOutcome::Trusted { expiring: None } => Finding::ok("tls-untrusted", subject),
        TlsOutcome::Trusted {
            expiring: Some(expiring),
        } => Finding::warning("certificate-expiring", subject).why(expiring.clone()),
        TlsOutcome::Untrusted { verdict, why } => {
            let finding = Finding::failed("tls-untrusted", subject).why(why.clone());
            match verdict {
                Verdict::MissingIssuer { certificate, issuer, .. } => finding
                    .why(format!("the issuer of \"{certificate}\" is neither sent by the server nor in the bundle"))
                    .remedy(format!("add the certificate of \"{issuer}\" to caBundle (root and every issuing CA)")),
                Verdict::UnknownRoot { root } => {
                    finding.remedy(format!("add the certificate of \"{root}\" to caBundle"))
                }
                _ => finding,
            }
        }
        TlsOutcome::ProxyRefused {
            status: Some(407),
            schemes,
        } if lacks_basic(schemes) => Finding::failed("proxy-refused", subject)
            .why(wanted_login(schemes))
            .remedy(FORWARDER),
        TlsOutcome::ProxyRefused {
            status: Some(407), ..
        } => {
            let (verdict, why) = proxy_login(config);
            Finding::new("proxy-refused", verdict, subject).why(why)
        }
        TlsOutcome::ProxyRefused { status, .. } => {
            let words = status.map_or_else(
                || "the proxy refuses the destination".to_owned(),
                |status| format!("the proxy refuses the destination ({status})"),
            );
            Finding::failed("proxy-refused", subject).why(words)
        }
        TlsOutcome::Unreachable { why, .. } => {
            Finding::unknown("tls-unreachable", subject).why(why.clone())
        }
    }
}

/// Hosts whose handshake failed for sure.
pub(super) fn broken(reports: &[TlsReport]) -> Vec<&str> {
    let failed = |report: &&TlsReport| {
        matches!(
            report.outcome,
            TlsOutcome::Untrusted { .. } | TlsOutcome::ProxyRefused { .. }
        )
    };
    reports
        .iter()
        .filter(failed)
        .filter_map(|report| Some(report.server.rsplit_once(':')?.0))
        .collect()
}

/// True where a finding says no more than that a connection to a broken host did not come about.
pub(super) fn repeats(finding: &Finding, broken: &[&str]) -> bool {
    let of_connection = matches!(
        finding.id.as_str(),
        "image-untrusted" | "image-unknown" | "proxy-refused" | "github-unreachable"
    ) || (finding.id == "github-server-version"
        && finding.verdict == super::Verdict::Unknown);
    let host = finding.subject.split(['/', ':']).next().unwrap_or_default();
    of_connection && broken.contains(&host)
}

/// One finding for each scope that a registration token was requested for.
pub(super) fn github(report: &GithubReport, host: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> = report
        .registrations
        .iter()
        .map(|registration| login(registration, host))
        .collect();
    if findings.is_empty() {
        findings.push(
            Finding::unknown("github-credentials", host)
                .why("the login is in a Secret that is not read")
                .remedy("nothing; the controller's log tells after the install"),
        );
    }
    findings
}

fn login(registration: &Registration, host: &str) -> Finding {
    let subject = format!("{host}{}", registration.scope);
    match &registration.outcome {
        RegistrationOutcome::Granted { .. } => Finding::ok("github-credentials", subject),
        RegistrationOutcome::Refused { reason, why } => {
            let id = match reason.as_str() {
                "not-found" => "github-not-found",
                "forbidden" => "github-forbidden",
                "private-key" => "github-private-key",
                _ => "github-credentials",
            };
            Finding::failed(id, subject).why(why.clone())
        }
        RegistrationOutcome::Unknown { why } => {
            Finding::unknown("github-unreachable", subject).why(why.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ContainerMode, Mode};
    use crate::render::fixtures::config;

    #[test]
    fn only_logins_that_programs_can_make_are_asked_for() {
        for (schemes, lacks) in [
            (vec![], false),
            (vec!["basic"], false),
            (vec!["NTLM", "Basic"], false),
            (vec!["NTLM"], true),
            (vec!["Negotiate", "Digest"], true),
        ] {
            let schemes: Vec<String> = schemes.into_iter().map(str::to_owned).collect();
            assert_eq!(lacks_basic(&schemes), lacks, "{schemes:?}");
        }
    }

    #[test]
    fn a_certificate_that_expires_soon_is_a_warning_that_names_the_server() {
        let config = config(Mode::ScaleSet, "0.14.2", ContainerMode::None);
        let report = |expiring: Option<&str>| TlsReport {
            server: "registry.corp:443".to_owned(),
            proxy: None,
            outcome: TlsOutcome::Trusted {
                expiring: expiring.map(str::to_owned),
            },
        };
        let soon = "\"CN=registry.corp\" expires on Jan 31, in 29 days";
        let findings = handshakes(&[report(Some(soon)), report(None)], &config);
        assert_eq!(findings[0].id, "certificate-expiring");
        assert_eq!(findings[0].verdict, Says::Warning);
        assert_eq!(findings[0].subject, "registry.corp:443");
        assert_eq!(findings[0].why, [soon]);
        assert_eq!(findings[1].verdict, Says::Ok);
        // It was reached: what else is wrong there is told beside it.
        assert!(broken(&[report(Some(soon))]).is_empty());
    }

    #[test]
    fn a_broken_handshake_is_told_once() {
        let report = TlsReport {
            server: "registry.corp:443".to_owned(),
            proxy: None,
            outcome: TlsOutcome::ProxyRefused {
                status: Some(407),
                schemes: Vec::new(),
            },
        };
        let reports = [report];
        let broken = broken(&reports);
        assert_eq!(broken, ["registry.corp"]);
        assert!(repeats(
            &Finding::failed("proxy-refused", "registry.corp/a:1"),
            &broken
        ));
        assert!(!repeats(
            &Finding::failed("image-absent", "registry.corp/a:1"),
            &broken
        ));
        assert!(!repeats(
            &Finding::failed("proxy-refused", "other.corp/a:1"),
            &broken
        ));
    }
}
