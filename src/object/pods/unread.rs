//! Which fields of the known kinds no place of the catalogue reads.

use super::places::places;

/// Names that no reader of pods, images and arguments asks for, in the kinds whose pods stand at known paths.
pub(super) const UNREAD: [&str; 26] = [
    "affinity",
    "configMap",
    "dnsConfig",
    "emptyDir",
    "envFrom",
    "hostAliases",
    "labels",
    "lifecycle",
    "livenessProbe",
    "managedFields",
    "nodeSelector",
    "ownerReferences",
    "ports",
    "projected",
    "readinessProbe",
    "resources",
    "securityContext",
    "selector",
    "startupProbe",
    "status",
    "strategy",
    "tolerations",
    "topologySpreadConstraints",
    "updateStrategy",
    "valueFrom",
    "volumeClaimTemplates",
];

/// The fields that may be left out of an object before its images are looked for, whatever they hold and wherever they
/// stand. None in custom kinds, where a field of any name may hold an image. The property test of `rewrite::text`
/// compares with the whole object.
pub fn unread_fields(api_version: &str, kind: &str) -> &'static [&'static str] {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    if places(group, kind).is_empty() {
        &[]
    } else {
        &UNREAD
    }
}
