//! The rows.

use super::{Field, Kind};

const VIA: &[&str] = &["proxy", "direct", "auto"];

const SCHEDULE: &[Field] = &[
    Field::new(
        "start",
        Kind::Text,
        "start, RFC 3339: 2026-01-05T07:00:00+01:00",
    ),
    Field::new("end", Kind::Text, "end, RFC 3339"),
    Field::new("min", Kind::Integer, "least number of runners in that time"),
    Field::new(
        "frequency",
        Kind::Choice(&["Daily", "Weekly", "Monthly", "Yearly"]),
        "repetition; once without it",
    ),
    Field::new("until", Kind::Text, "RFC 3339; no repetition after it"),
];

const MAP: &[Field] = &[
    Field::new(
        "source",
        Kind::Text,
        "registry whose images it applies to, with an optional path: quay.io",
    ),
    Field::new(
        "target",
        Kind::Text,
        "HOST[:PORT][/KEY] that takes its place, or a template, or `keep`, or `deny`",
    ),
    Field::new(
        "mirror",
        Kind::Text,
        "where dind finds images of a source that is kept: HOST[:PORT][/KEY]",
    ),
];

const KEY: &[Field] = &[
    Field::new(
        "source",
        Kind::Text,
        "registry that the repository stands for, with an optional path: quay.io",
    ),
    Field::new(
        "key",
        Kind::Text,
        "its name in the internal registry; of a layout by port, the port",
    ),
];

const RULE: &[Field] = &[
    Field::new("exact", Kind::Text, "one reference with its tag or digest"),
    Field::new(
        "repository",
        Kind::Text,
        "every tag of one repository: quay.io/brancz/kube-rbac-proxy",
    ),
    Field::new(
        "prefix",
        Kind::Text,
        "everything under a host and path: quay.io/brancz",
    ),
    Field::new("host", Kind::Text, "everything of a host: quay.io"),
    Field::new(
        "glob",
        Kind::Text,
        "`*` within a path component, `**` over several: *.gcr.io/**",
    ),
    Field::new(
        "regex",
        Kind::Text,
        r"regular expression of the whole canonical reference, tag and digest too: quay\.io/.*:v1\..*",
    ),
    Field::new(
        "rewrite",
        Kind::Text,
        "HOST[:PORT][/KEY] that takes the place of the host, or a template: {host_slug}.reg.corp/{path}",
    ),
    Field::new(
        "pin",
        Kind::Text,
        "digest that the image gets beside its tag, alone or with rewrite: sha256:…",
    ),
    Field::new(
        "keep",
        Kind::Boolean,
        "true leaves the reference as it is written",
    ),
    Field::new(
        "deny",
        Kind::Boolean,
        "true refuses the reference: rendering fails and names the rule",
    ),
    Field::new(
        "mirror",
        Kind::Text,
        "where dind finds images that are kept: HOST[:PORT][/KEY]",
    ),
    Field::new(
        "kinds",
        Kind::Texts,
        "kinds of objects that it applies in, every one without it: Deployment, Runner*",
    ),
    Field::new(
        "namespaces",
        Kind::Texts,
        "namespaces that it applies in, `*` for any letters; an object that names none is in none",
    ),
    Field::new(
        "fields",
        Kind::Texts,
        "JSON pointers that it applies to, `**` for any steps: /spec/**/env/**",
    ),
];

/// How an internal registry names the repositories that stand for other registries.
pub(in crate::config) const PRESETS: &[&str] = &[
    "artifactory-path",
    "artifactory-subdomain",
    "artifactory-port",
    "artifactory-virtual",
    "harbor",
    "nexus-path",
    "nexus-subdomain",
    "nexus-port",
    "ecr",
    "acr",
];

pub(super) const RUNNER_SET: &[Field] = &[
    Field::new(
        "name",
        Kind::Text,
        "name of the runner set; `runs-on` of a scale set",
    )
    .default("NAME-runners")
    .flag("runner-set", "ARC_SETUP_RUNNER_SET"),
    Field::new(
        "kind",
        Kind::Choice(&["ScaleSet", "Runner", "RunnerDeployment", "RunnerSet"]),
        "kind of object that carries the set; legacy knows the last three",
    )
    .default("ScaleSet, legacy RunnerDeployment")
    .flag("runner-kind", "ARC_SETUP_RUNNER_KIND"),
    Field::new("namespace", Kind::Text, "its namespace").default("namespaces.runners"),
    Field::new(
        "organization",
        Kind::Text,
        "organization that it registers with",
    )
    .default("github.organization"),
    Field::new(
        "repository",
        Kind::Text,
        "repository that it registers with: OWNER/NAME",
    )
    .default("github.repository"),
    Field::new(
        "enterprise",
        Kind::Text,
        "enterprise that it registers with",
    )
    .default("github.enterprise"),
    Field::new("labels", Kind::Texts, "extra labels for `runs-on`")
        .flag("runner-labels", "ARC_SETUP_RUNNER_LABELS"),
    Field::new("group", Kind::Text, "runner group").flag("runner-group", "ARC_SETUP_RUNNER_GROUP"),
    Field::new("image", Kind::Text, "runner image before rewriting")
        .default("of mode and container mode")
        .flag("runner-image", "ARC_SETUP_RUNNER_IMAGE"),
    Field::new("dindImage", Kind::Text, "dind image before rewriting")
        .default("a pinned docker image")
        .flag("dind-image", "ARC_SETUP_DIND_IMAGE"),
    Field::new("min", Kind::Integer, "least number of runners")
        .default("0")
        .flag("min", "ARC_SETUP_MIN"),
    Field::new(
        "max",
        Kind::Integer,
        "greatest number of runners; required but for kind Runner",
    )
    .flag("max", "ARC_SETUP_MAX"),
    Field::new(
        "containerMode",
        Kind::Choice(&["none", "dind", "kubernetes", "kubernetes-novolume"]),
        "how jobs get containers",
    )
    .default("none")
    .flag("container-mode", "ARC_SETUP_CONTAINER_MODE"),
    Field::new(
        "workVolume.emptyDir.sizeLimit",
        Kind::Text,
        "size limit of _work on the node's disk: 20Gi",
    ),
    Field::new(
        "workVolume.claim.storageClass",
        Kind::Text,
        "storage class of a volume claim for each pod",
    )
    .default("the cluster's"),
    Field::new(
        "workVolume.claim.size",
        Kind::Text,
        "size of the claim: 20Gi",
    ),
    Field::new(
        "workVolume.claim.accessMode",
        Kind::Choice(&["ReadWriteOnce", "ReadWriteMany"]),
        "access mode of the claim",
    )
    .default("ReadWriteOnce"),
    Field::new(
        "scaling.queue",
        Kind::Texts,
        "legacy: scale by queued and running workflow runs of these repositories (names without owner)",
    ),
    Field::new(
        "scaling.busy.upThreshold",
        Kind::Decimal,
        "legacy: share of busy runners above which to scale up",
    )
    .default("0.8"),
    Field::new(
        "scaling.busy.downThreshold",
        Kind::Decimal,
        "legacy: share of busy runners below which to scale down",
    )
    .default("0.3"),
    Field::new(
        "scaling.busy.upFactor",
        Kind::Decimal,
        "legacy: factor to scale up by",
    )
    .default("1.3"),
    Field::new(
        "scaling.busy.downFactor",
        Kind::Decimal,
        "legacy: factor to scale down by",
    )
    .default("0.7"),
    Field::new(
        "scaling.workdays.from",
        Kind::Text,
        "legacy: start of working hours, Monday to Friday: \"07:00\"",
    ),
    Field::new(
        "scaling.workdays.to",
        Kind::Text,
        "legacy: end of working hours: \"19:00\"; before the start means on the next day",
    ),
    Field::new(
        "scaling.workdays.min",
        Kind::Integer,
        "legacy: least number of runners in working hours",
    ),
    Field::new(
        "scaling.workdays.offset",
        Kind::Text,
        "legacy: fixed offset from UTC (daylight saving time is not followed): \"+01:00\"",
    )
    .default("+00:00"),
    Field::new(
        "scaling.schedules",
        Kind::List(SCHEDULE),
        "legacy: overrides of min at set times; the first that applies wins",
    ),
    Field::new(
        "scaling.scaleDownDelaySeconds",
        Kind::Integer,
        "legacy: seconds to wait before scaling down after a scale-out",
    ),
    Field::new(
        "githubSecret",
        Kind::ExistingSecret,
        "Secret with this set's own GitHub login, in its namespace",
    )
    .default("github credentials"),
    Field::new(
        "podTemplate",
        Kind::PodTemplate,
        "merged strategically over the runner's pod template",
    ),
];

pub(super) const ROOT: &[Field] = &[
    Field::new("name", Kind::Text, "name of the install; part of every cluster-scoped name").default("arc").flag("name", "ARC_SETUP_NAME"),
    Field::new("mode", Kind::Choice(&["scale-set", "legacy"]), "generation of ARC").default("scale-set").flag("mode", "ARC_SETUP_MODE"),
    Field::new("version", Kind::Text, "release of ARC").default("0.14.2, legacy 0.27.6").flag("arc-version", "ARC_SETUP_ARC_VERSION"),
    Field::new("github.url", Kind::Text, "root of the GitHub server: https://github.com or https://ghes.example.com").flag("github-url", "ARC_SETUP_GITHUB_URL"),
    Field::new("github.via", Kind::Choice(VIA), "way to the GitHub server where there is a proxy; of auto `init` looks whether it answers without it").env("ARC_SETUP_GITHUB_VIA"),
    Field::new("github.organization", Kind::Text, "organization that runners register with").flag("github-org", "ARC_SETUP_GITHUB_ORG"),
    Field::new("github.repository", Kind::Text, "repository that runners register with: OWNER/NAME").flag("github-repo", "ARC_SETUP_GITHUB_REPO"),
    Field::new("github.enterprise", Kind::Text, "enterprise that runners register with").flag("github-enterprise", "ARC_SETUP_GITHUB_ENTERPRISE"),
    Field::new("github.token", Kind::Secret, "personal access token").flag("github-token-file", "ARC_SETUP_GITHUB_TOKEN"),
    Field::new("github.app.id", Kind::Text, "id of a GitHub App, or its client id (scale sets 0.12 or newer)").flag("github-app-id", "ARC_SETUP_GITHUB_APP_ID"),
    Field::new("github.app.installationId", Kind::Text, "installation id of the App, a number").flag("github-app-installation-id", "ARC_SETUP_GITHUB_APP_INSTALLATION_ID"),
    Field::new("github.app.privateKey", Kind::Secret, "private key of the App, PEM").flag("github-app-private-key-file", "ARC_SETUP_GITHUB_APP_PRIVATE_KEY"),
    Field::new("github.existingSecret", Kind::ExistingSecret, "Secret with the login that is there already (legacy: controller's namespace, else each runner namespace)").flag("github-existing-secret", "ARC_SETUP_GITHUB_EXISTING_SECRET"),
    Field::new("registry.host", Kind::Text, "internal registry that all images come from: HOST[:PORT][/KEY]").flag("registry", "ARC_SETUP_REGISTRY"),
    Field::new("registry.via", Kind::Choice(VIA), "way to the internal registries where there is a proxy; of auto `init` looks whether they answer without it").env("ARC_SETUP_REGISTRY_VIA"),
    Field::new("registry.preset", Kind::Choice(PRESETS), "how the internal registry names what stands for other registries").flag("registry-preset", "ARC_SETUP_REGISTRY_PRESET"),
    Field::new("registry.keys", Kind::List(KEY), "with a preset, what stands for each source registry").flag("registry-key", "ARC_SETUP_REGISTRY_KEY"),
    Field::new("registry.library", Kind::Choice(&["keep", "drop"]), "whether official images keep `library/`").default("keep").flag("registry-library", "ARC_SETUP_REGISTRY_LIBRARY"),
    Field::new("registry.map", Kind::List(MAP), "where one source's images come from; the first that matches wins").flag("registry-map", "ARC_SETUP_REGISTRY_MAP"),
    Field::new("registry.rules", Kind::List(RULE), "rules before the map, for single images or paths"),
    Field::new("registry.pullSecret.dockerConfig", Kind::Secret, "docker config.json with accounts to pull with").flag("pull-secret-file", "ARC_SETUP_PULL_SECRET"),
    Field::new("registry.pullSecret.existingSecret", Kind::ExistingSecret, "pull secret that is there already, of one name in every namespace that pulls").flag("pull-secret-existing", "ARC_SETUP_PULL_SECRET_EXISTING"),
    Field::new("registry.mirrorCredentials.account", Kind::Secret, "read-only account for dind's mirrors as `user:password`; every workflow can read it").flag("mirror-credentials-file", "ARC_SETUP_MIRROR_CREDENTIALS"),
    Field::new("registry.mirrorCredentials.username", Kind::Secret, "user name of that account").env("ARC_SETUP_MIRROR_USERNAME"),
    Field::new("registry.mirrorCredentials.password", Kind::Secret, "password of that account").env("ARC_SETUP_MIRROR_PASSWORD"),
    Field::new("registry.mirrorCredentials.existingSecret", Kind::ExistingSecret, "Secret with keys username and password in each runner namespace"),
    Field::new("proxy.url", Kind::Text, "proxy for http and https, without user information: http://proxy.example.com:3128").flag("proxy", "ARC_SETUP_PROXY"),
    Field::new("proxy.http", Kind::Text, "proxy for http:// destinations, where it differs").env("ARC_SETUP_PROXY_HTTP"),
    Field::new("proxy.https", Kind::Text, "proxy for https:// destinations, where it differs").env("ARC_SETUP_PROXY_HTTPS"),
    Field::new("proxy.noProxy", Kind::Texts, "hosts, .domains and ranges that are reached directly; the cluster's own are added").flag("no-proxy", "ARC_SETUP_NO_PROXY"),
    Field::new("proxy.credentials.account", Kind::Secret, "the proxy's account as `user:password`").flag("proxy-credentials-file", "ARC_SETUP_PROXY_CREDENTIALS"),
    Field::new("proxy.credentials.username", Kind::Secret, "user name of that account").env("ARC_SETUP_PROXY_USERNAME"),
    Field::new("proxy.credentials.password", Kind::Secret, "password of that account").env("ARC_SETUP_PROXY_PASSWORD"),
    Field::new("proxy.credentials.existingSecret", Kind::ExistingSecret, "Secret with keys username and password in each namespace that needs it").flag("proxy-existing-secret", "ARC_SETUP_PROXY_EXISTING_SECRET"),
    Field::new("proxy.runners", Kind::Choice(&["none", "same"]), "what runners' pods get of the proxy's account; any workflow can read it").flag("proxy-runners", "ARC_SETUP_PROXY_RUNNERS"),
    Field::new("proxy.runnersExistingSecret", Kind::ExistingSecret, "Secret with keys username and password of an account for runners' pods alone, in each runner namespace").flag("proxy-runners-existing-secret", "ARC_SETUP_PROXY_RUNNERS_EXISTING_SECRET"),
    Field::new("caBundle", Kind::Path, "file or directory with the company's authorities, PEM or DER").flag("ca-bundle", "ARC_SETUP_CA_BUNDLE"),
    Field::new("pinSha256", Kind::Texts, "SHA-256 of a server's own certificate that arc-setup itself takes, whatever is wrong with it; nothing else is given it").flag("pin-sha256", "ARC_SETUP_PIN_SHA256"),
    Field::new("namespaces.controller", Kind::Text, "namespace of the controller").default("arc-systems").flag("controller-namespace", "ARC_SETUP_CONTROLLER_NAMESPACE"),
    Field::new("namespaces.runners", Kind::Text, "namespace of runner sets that name none").default("arc-runners").flag("runner-namespace", "ARC_SETUP_RUNNER_NAMESPACE"),
    Field::new("namespaces.manage", Kind::Boolean, "label namespaces that exist already, too").default("false").flag("manage-namespaces", "ARC_SETUP_MANAGE_NAMESPACES"),
    Field::new("controller.watch", Kind::Choice(&["runners", "cluster"]), "namespaces that the controller watches").default("runners").flag("watch", "ARC_SETUP_WATCH"),
    Field::new("controller.existing", Kind::Text, "NAMESPACE/NAME of a controller that is there already: only runner sets are installed").flag("existing-controller", "ARC_SETUP_EXISTING_CONTROLLER"),
    Field::new("controller.image", Kind::Text, "controller image before rewriting").default("the release's own").flag("controller-image", "ARC_SETUP_CONTROLLER_IMAGE"),
    Field::new("controller.replicas", Kind::Integer, "replicas of the controller; above 1 it elects a leader").default("1").env("ARC_SETUP_CONTROLLER_REPLICAS"),
    Field::new("controller.logLevel", Kind::Choice(&["debug", "info", "warn", "error"]), "log level of the controller").default("info").env("ARC_SETUP_CONTROLLER_LOG_LEVEL"),
    Field::new("controller.podTemplate", Kind::PodTemplate, "merged strategically over the controller's pod template"),
    Field::new("listener.podTemplate", Kind::PodTemplate, "merged strategically over the listener's pod template (scale sets)"),
    Field::new("rbacProxy.enabled", Kind::Boolean, "kube-rbac-proxy beside the legacy manager").default("true").env("ARC_SETUP_RBAC_PROXY_ENABLED"),
    Field::new("rbacProxy.image", Kind::Text, "its image before rewriting").default("the release's own").env("ARC_SETUP_RBAC_PROXY_IMAGE"),
    Field::new("webhookCertificate.issuer", Kind::Choice(&["generate", "cert-manager"]), "who makes the certificate of the legacy webhooks").default("generate").flag("webhook-certificate", "ARC_SETUP_WEBHOOK_CERTIFICATE"),
    Field::new("webhookCertificate.clusterIssuer", Kind::Text, "cert-manager's ClusterIssuer").default("a self-signed Issuer").env("ARC_SETUP_WEBHOOK_CLUSTER_ISSUER"),
    Field::new("webhookCertificate.existingSecret", Kind::ExistingSecret, "kubernetes.io/tls Secret with tls.crt, tls.key and ca.crt in the controller's namespace").flag("webhook-existing-secret", "ARC_SETUP_WEBHOOK_EXISTING_SECRET"),
    Field::new("webhookCertificate.certificate", Kind::Secret, "certificate chain that you bring, PEM").env("ARC_SETUP_WEBHOOK_CERTIFICATE_CHAIN"),
    Field::new("webhookCertificate.privateKey", Kind::Secret, "its private key, PEM").env("ARC_SETUP_WEBHOOK_PRIVATE_KEY"),
    Field::new("webhookCertificate.authority", Kind::Secret, "the authority that issued it, PEM").env("ARC_SETUP_WEBHOOK_AUTHORITY"),
    Field::new("runnerSets", Kind::List(RUNNER_SET), "the runner sets"),
    Field::new("commonLabels", Kind::TextMap, "labels on every object and pod"),
    Field::new("commonAnnotations", Kind::TextMap, "annotations on every object and pod"),
    Field::new("crds", Kind::Path, "directory with CRDs to use in place of the built-in ones").flag("crds", "ARC_SETUP_CRDS"),
];
