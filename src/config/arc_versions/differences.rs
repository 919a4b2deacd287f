//! What differs between releases of ARC: one table of flags, one of features, one of default images.
//!
//! Templates, checks and code ask by name; no version number stands anywhere else.

use std::collections::BTreeMap;

use crate::config::model::{ArcVersion, Mode};

/// The first and the last release that has something; no last release means that it is still there.
type Row<Name> = (Name, Mode, ArcVersion, Option<ArcVersion>);

const START: ArcVersion = ArcVersion::new(0, 0, 0);

const fn legacy<Name: Copy>(name: Name, first: (u32, u32, u32)) -> Row<Name> {
    (
        name,
        Mode::Legacy,
        ArcVersion::new(first.0, first.1, first.2),
        None,
    )
}

const fn scale_set<Name: Copy>(name: Name, first: (u32, u32, u32)) -> Row<Name> {
    (
        name,
        Mode::ScaleSet,
        ArcVersion::new(first.0, first.1, first.2),
        None,
    )
}

/// Flags of `/manager`. An unknown flag ends the process, so what is not listed here is never emitted.
const FLAGS: &[Row<&str>] = &[
    legacy("--metrics-addr", (0, 0, 0)),
    legacy("--enable-leader-election", (0, 0, 0)),
    legacy("--leader-election-id", (0, 20, 0)),
    legacy("--port", (0, 24, 0)),
    legacy("--sync-period", (0, 0, 0)),
    legacy("--default-scale-down-delay", (0, 23, 0)),
    legacy("--docker-image", (0, 0, 0)),
    legacy("--runner-image", (0, 0, 0)),
    legacy("--runner-image-pull-secret", (0, 21, 0)),
    legacy("--docker-registry-mirror", (0, 20, 0)),
    legacy("--watch-namespace", (0, 0, 0)),
    legacy("--log-level", (0, 20, 0)),
    legacy("--log-format", (0, 27, 0)),
    legacy("--runner-github-url", (0, 21, 0)),
    legacy("--docker-gid", (0, 27, 3)),
    scale_set("--auto-scaling-runner-set-only", (0, 0, 0)),
    scale_set("--enable-leader-election", (0, 0, 0)),
    scale_set("--leader-election-id", (0, 0, 0)),
    scale_set("--auto-scaler-image-pull-secrets", (0, 0, 0)),
    scale_set("--log-level", (0, 0, 0)),
    scale_set("--log-format", (0, 0, 0)),
    scale_set("--watch-single-namespace", (0, 4, 0)),
    scale_set("--runner-max-concurrent-reconciles", (0, 10, 0)),
    (
        "--update-strategy",
        Mode::ScaleSet,
        ArcVersion::new(0, 5, 0),
        Some(ArcVersion::new(0, 14, 2)),
    ),
    scale_set("--exclude-label-propagation-prefix", (0, 9, 3)),
    scale_set("--listener-metrics-addr", (0, 5, 0)),
    scale_set("--listener-metrics-endpoint", (0, 5, 0)),
    scale_set("--metrics-addr", (0, 0, 0)),
    scale_set("--health-probe-bind-address", (0, 14, 2)),
];

/// Something that a release has or has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// RunnerSet, its webhook on pods, StatefulSets, short names, and `kind` in `scaleTargetRef`.
    RunnerSet,
    /// Controllers of the PersistentVolumes and claims of RunnerSets; their caches need both.
    RunnerVolumes,
    /// Leader election by a Lease.
    LeaseLock,
    /// Leader election by a ConfigMap.
    ConfigMapLock,
    /// CONTROLLER_MANAGER_CONTAINER_IMAGE and CONTROLLER_MANAGER_POD_NAMESPACE.
    ManagerEnvironment,
    /// GITHUB_URL, for servers that have api.HOST.
    GithubUrl,
    /// A generated `docker` container whose environment, mounts and `work` volume can be chosen. Before
    /// it the container is written out (0.20 lacks dockerEnv and duplicates a volume named `work`).
    GeneratedDocker,
    /// `volumeSizeLimit: 0` takes the volume away that the controller puts at /runner.
    NoRunnerVolume,
    /// The controller says by itself that runners are ephemeral.
    RunnerEnvironment,
    /// `dockerVarRunVolumeSizeLimit`: without it /run of the daemon is a memory volume of 1 MB, which a few
    /// containers fill (actions-runner-controller#2621).
    RunVolumeLimit,
    /// `containerMode: kubernetes`.
    KubernetesMode,
    /// `containerMode: kubernetes-novolume`.
    KubernetesNovolume,
    /// `githubAPICredentialsFrom`.
    CredentialsFrom,
    /// `runnerScaleSetLabels`.
    ScaleSetLabels,
    /// Native sidecars survive the controller's own Kubernetes types.
    NativeSidecar,
    /// Endpoints for probes.
    HealthProbe,
    /// Claims made for each pod survive the controller's own Kubernetes types.
    EphemeralClaim,
    /// The generated daemon listens on a socket that both containers mount, without TLS; it has a group, guessed
    /// from the runner image's name.
    SocketGroup,
    /// That socket lies in /run itself.
    SocketInRun,
    /// `scheduledOverrides`.
    Schedules,
    /// A GitHub App's client id serves in place of its number.
    ClientId,
    /// Jobs of a GitHub Enterprise Server are acquired: removed in 0.14.0, back in 0.14.1
    /// (actions-runner-controller#4442, #4447).
    EnterpriseServer,
    /// Runner sets of another patch of its minor are kept (`IsVersionAllowed`); before it they are deleted.
    KeepsMinor,
}

const FEATURES: &[Row<Feature>] = &[
    legacy(Feature::RunnerSet, (0, 20, 0)),
    legacy(Feature::RunnerVolumes, (0, 22, 0)),
    legacy(Feature::LeaseLock, (0, 20, 0)),
    scale_set(Feature::LeaseLock, (0, 0, 0)),
    (
        Feature::ConfigMapLock,
        Mode::Legacy,
        START,
        Some(ArcVersion::new(0, 24, 99)),
    ),
    legacy(Feature::ManagerEnvironment, (0, 27, 0)),
    scale_set(Feature::ManagerEnvironment, (0, 0, 0)),
    legacy(Feature::GithubUrl, (0, 21, 0)),
    legacy(Feature::GeneratedDocker, (0, 24, 0)),
    legacy(Feature::NoRunnerVolume, (0, 19, 0)),
    legacy(Feature::RunnerEnvironment, (0, 20, 0)),
    legacy(Feature::RunVolumeLimit, (0, 27, 5)),
    legacy(Feature::KubernetesMode, (0, 25, 0)),
    scale_set(Feature::KubernetesMode, (0, 0, 0)),
    scale_set(Feature::KubernetesNovolume, (0, 13, 0)),
    legacy(Feature::CredentialsFrom, (0, 26, 0)),
    scale_set(Feature::ScaleSetLabels, (0, 14, 0)),
    scale_set(Feature::NativeSidecar, (0, 12, 0)),
    scale_set(Feature::HealthProbe, (0, 14, 2)),
    legacy(Feature::EphemeralClaim, (0, 20, 0)),
    scale_set(Feature::EphemeralClaim, (0, 0, 0)),
    legacy(Feature::SocketGroup, (0, 27, 3)),
    legacy(Feature::SocketInRun, (0, 27, 4)),
    legacy(Feature::Schedules, (0, 20, 0)),
    scale_set(Feature::ClientId, (0, 12, 0)),
    legacy(Feature::EnterpriseServer, (0, 0, 0)),
    (
        Feature::EnterpriseServer,
        Mode::ScaleSet,
        START,
        Some(ArcVersion::new(0, 13, 99)),
    ),
    scale_set(Feature::EnterpriseServer, (0, 14, 1)),
    scale_set(Feature::KeepsMinor, (0, 12, 0)),
];

impl Feature {
    const ALL: [(Self, &'static str); 23] = [
        (Self::RunnerSet, "runner_set"),
        (Self::RunnerVolumes, "runner_volumes"),
        (Self::LeaseLock, "lease_lock"),
        (Self::ConfigMapLock, "config_map_lock"),
        (Self::ManagerEnvironment, "manager_environment"),
        (Self::GithubUrl, "github_url"),
        (Self::GeneratedDocker, "generated_docker"),
        (Self::NoRunnerVolume, "no_runner_volume"),
        (Self::RunnerEnvironment, "runner_environment"),
        (Self::RunVolumeLimit, "run_volume_limit"),
        (Self::KubernetesMode, "kubernetes_mode"),
        (Self::KubernetesNovolume, "kubernetes_novolume"),
        (Self::CredentialsFrom, "credentials_from"),
        (Self::ScaleSetLabels, "scale_set_labels"),
        (Self::NativeSidecar, "native_sidecar"),
        (Self::HealthProbe, "health_probe"),
        (Self::EphemeralClaim, "ephemeral_claim"),
        (Self::SocketGroup, "socket_group"),
        (Self::SocketInRun, "socket_in_run"),
        (Self::Schedules, "schedules"),
        (Self::ClientId, "client_id"),
        (Self::EnterpriseServer, "enterprise_server"),
        (Self::KeepsMinor, "keeps_minor"),
    ];
}

fn stands<Name: PartialEq>(
    rows: &[Row<Name>],
    name: &Name,
    mode: Mode,
    version: ArcVersion,
) -> bool {
    rows.iter().any(|(row, row_mode, first, last)| {
        row == name
            && *row_mode == mode
            && *first <= version
            && last.is_none_or(|last| version <= last)
    })
}

/// True where the manager of this release knows the flag (`--docker-image`).
pub fn has_flag(mode: Mode, version: ArcVersion, flag: &str) -> bool {
    stands(FLAGS, &flag, mode, version)
}

/// True where this release has the feature.
pub fn has(mode: Mode, version: ArcVersion, feature: Feature) -> bool {
    stands(FEATURES, &feature, mode, version)
}

/// Every feature by the name that templates use.
pub fn features(mode: Mode, version: ArcVersion) -> BTreeMap<&'static str, bool> {
    Feature::ALL
        .iter()
        .map(|(feature, name)| (*name, has(mode, version, *feature)))
        .collect()
}

/// The first release that has the feature, for messages.
pub fn first_with(mode: Mode, feature: Feature) -> Option<ArcVersion> {
    FEATURES
        .iter()
        .find(|(row, row_mode, ..)| *row == feature && *row_mode == mode)
        .map(|(_, _, first, _)| *first)
}

/// How often the legacy manager looks at everything again: the default of the release.
pub fn sync_period(version: ArcVersion) -> &'static str {
    if version < ArcVersion::new(0, 24, 0) {
        "10m"
    } else {
        "1m"
    }
}

/// Upstream's image of the manager.
pub fn manager_image(mode: Mode, version: ArcVersion) -> String {
    match mode {
        Mode::Legacy => format!("summerwind/actions-runner-controller:v{version}"),
        // Tags of this image carry no `v`.
        Mode::ScaleSet => format!("ghcr.io/actions/gha-runner-scale-set-controller:{version}"),
    }
}

/// kube-rbac-proxy as the release's own manifests and charts pin it.
pub fn rbac_proxy_image(version: ArcVersion) -> &'static str {
    const ROWS: [(ArcVersion, &str); 6] = [
        (START, "quay.io/brancz/kube-rbac-proxy:v0.8.0"),
        (
            ArcVersion::new(0, 19, 0),
            "quay.io/brancz/kube-rbac-proxy:v0.10.0",
        ),
        (
            ArcVersion::new(0, 21, 0),
            "quay.io/brancz/kube-rbac-proxy:v0.11.0",
        ),
        (
            ArcVersion::new(0, 24, 0),
            "quay.io/brancz/kube-rbac-proxy:v0.12.0",
        ),
        (
            ArcVersion::new(0, 25, 0),
            "quay.io/brancz/kube-rbac-proxy:v0.13.0",
        ),
        (
            ArcVersion::new(0, 27, 0),
            "quay.io/brancz/kube-rbac-proxy:v0.13.1",
        ),
    ];
    ROWS.iter()
        .rev()
        .find(|(first, _)| *first <= version)
        .map_or(ROWS[0].1, |(_, image)| image)
}

/// The runner's image. Upstream defaults to a floating `latest`; these are published tags.
pub fn runner_image(mode: Mode) -> &'static str {
    match mode {
        // Tags name the runner's release and the base, never ARC's release; from 0.27.3 the manager reads the
        // group of the Docker socket out of "22.04".
        Mode::Legacy => "summerwind/actions-runner:v2.328.0-ubuntu-22.04",
        Mode::ScaleSet => "ghcr.io/actions/actions-runner:2.335.1",
    }
}

/// The Docker daemon's image. Upstream floats on `docker:dind`; from 29 on it reads hosts.toml.
pub fn dind_image() -> &'static str {
    "docker:29.7.2-dind"
}

/// Keeps the flags that the release has, in order, as arguments; an empty value stands for a bare flag.
pub fn arguments(
    mode: Mode,
    version: ArcVersion,
    wanted: &[(&str, Option<String>)],
) -> Vec<String> {
    wanted
        .iter()
        .filter(|(flag, _)| has_flag(mode, version, flag))
        .map(|(flag, value)| match value {
            Some(value) => format!("{flag}={value}"),
            None => (*flag).to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_ends_where_its_last_release_ends() {
        let strategy = |version| has_flag(Mode::ScaleSet, version, "--update-strategy");
        assert!(strategy(ArcVersion::new(0, 14, 2)));
        assert!(!strategy(ArcVersion::new(0, 15, 0)));
        assert!(!has_flag(
            Mode::Legacy,
            ArcVersion::new(0, 27, 6),
            "--update-strategy"
        ));
    }

    #[test]
    fn every_feature_has_a_row_and_a_name() {
        for (feature, name) in Feature::ALL {
            assert!(FEATURES.iter().any(|(row, ..)| *row == feature), "{name}");
        }
    }

    #[test]
    fn the_lock_is_a_config_map_first_then_both_then_a_lease() {
        let locks = |minor| {
            let version = ArcVersion::new(0, minor, 0);
            (
                has(Mode::Legacy, version, Feature::ConfigMapLock),
                has(Mode::Legacy, version, Feature::LeaseLock),
            )
        };
        assert_eq!(
            [locks(18), locks(20), locks(24), locks(25)],
            [(true, false), (true, true), (true, true), (false, true)]
        );
    }

    #[test]
    fn images_follow_the_release_and_are_pinned() {
        assert_eq!(
            rbac_proxy_image(ArcVersion::new(0, 18, 2)),
            "quay.io/brancz/kube-rbac-proxy:v0.8.0"
        );
        assert_eq!(
            rbac_proxy_image(ArcVersion::new(0, 27, 6)),
            "quay.io/brancz/kube-rbac-proxy:v0.13.1"
        );
        assert_eq!(
            manager_image(Mode::ScaleSet, ArcVersion::new(0, 14, 2)),
            "ghcr.io/actions/gha-runner-scale-set-controller:0.14.2"
        );
    }
}
