//! A Kubernetes version as somebody types it.

use crate::facts::KubernetesVersion;

/// `1.33`, `v1.33`, `1.33.4`.
pub(super) fn parse(text: &str) -> Result<KubernetesVersion, String> {
    let mut parts = text
        .trim_start_matches('v')
        .split('.')
        .map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Ok(KubernetesVersion { major, minor }),
        _ => Err(format!("'{text}' is no version such as 1.33")),
    }
}
