//! The GitHub server's version, and whether it takes the credentials.

use super::Finding;
use crate::config::arc_versions::differences::{Feature, has};
use crate::config::{Config, Mode};
use crate::facts::Facts;

/// First server with the scale-set API (actions/actions-runner-controller#3070).
const FIRST_SERVER: (u32, u32) = (3, 9);

/// The server's version against mode and release.
pub(super) fn server_version(config: &Config, facts: &Facts) -> Option<Finding> {
    if !config.github.is_enterprise_server() || config.mode != Mode::ScaleSet {
        return None;
    }
    let id = "github-server-version";
    let host = config.github.host();
    if !has(config.mode, config.version, Feature::EnterpriseServer) {
        return Some(
            Finding::failed(id, host)
                .why(format!(
                    "ARC {} does not work with any GitHub Enterprise Server",
                    config.version
                ))
                .remedy("version: 0.14.2"),
        );
    }
    let Some(text) = facts
        .github
        .as_ref()
        .and_then(|github| github.enterprise_version.as_deref())
    else {
        let finding = Finding::unknown(id, host).why("the server did not tell its version");
        return Some(finding.remedy("nothing if it is 3.9 or newer"));
    };
    let mut parts = text.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    Some(if version < FIRST_SERVER {
        Finding::failed(id, host)
            .why(format!(
                "the server is {text}; scale sets need 3.9 or newer"
            ))
            .remedy("mode: legacy, or upgrade the server")
    } else {
        Finding::ok(id, format!("{host} {text}"))
    })
}
