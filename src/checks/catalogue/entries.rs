//! The table of codes, in alphabetical order.

use super::Entry;

const fn code(
    id: &'static str,
    title: &'static str,
    cause: &'static str,
    remedy: &'static str,
) -> Entry {
    Entry {
        id,
        title,
        cause,
        remedy,
    }
}

pub(super) const ENTRIES: &[Entry] = &[
    code(
        "authority-expiring",
        "a certificate of the CA bundle expires soon",
        "A certificate of the bundle that is given to every container expires within 30 days, or has expired. From then on every connection through it fails.",
        "ask whoever runs the authority for its successor, add it to caBundle beside the old one, and run init again",
    ),
    code(
        "cluster-unread",
        "a part of the cluster could not be read",
        "The user of this kubeconfig may not read it, so checks that need it say nothing: another controller, for example, could stand there unseen.",
        "grant read access, or ask an administrator whether another ARC controller watches these namespaces",
    ),
    code(
        "controller-existing",
        "the controller that the runner sets should go under does not fit",
        "controller.existing names a Deployment that is not there, is of the other generation or minor version, or does not watch the runner namespaces.",
        "name an ARC controller of the same generation and minor version that watches these namespaces",
    ),
    code(
        "controller-overlap",
        "another controller watches the same namespaces",
        "Two ARC controllers that watch the same runner sets delete each other's: each removes every set whose version label is not its own. There is no flag to override this.",
        "uninstall the other controller, narrow its watch to other namespaces, or install only runner sets under it with controller.existing: NAMESPACE/NAME",
    ),
    code(
        "crd-too-old",
        "a CustomResourceDefinition in the cluster lacks fields that are needed",
        "The CRD was installed by someone else and is kept as it is. Its schema has no place for a field that this configuration renders, so the API server would refuse or drop it.",
        "have its owner apply the CRDs of this ARC release, or, where nobody else needs it, give them with --crds DIR after removing the old one",
    ),
    code(
        "github-credentials",
        "GitHub refuses the credentials",
        "GitHub answered 401 or 403 when a registration token was requested with the given credentials: the token is wrong, expired or lacks a scope, or the App's key does not belong to its id.",
        "give a token with scope repo (repository), admin:org (organization) or manage_runners:enterprise (enterprise), or check app id, installation id and key",
    ),
    code(
        "github-not-found",
        "GitHub does not know the organization, repository or enterprise",
        "GitHub answered 404 when a registration token was requested. It says so too when the credentials may not see the scope.",
        "check github.organization, github.repository or github.enterprise for spelling, and that the credentials have rights there",
    ),
    code(
        "github-server-version",
        "the GitHub Enterprise Server does not work with this ARC",
        "Scale sets need GitHub Enterprise Server 3.9 or newer, and ARC 0.14.0 does not work with any of them.",
        "use version 0.14.1 or newer, mode: legacy on an old server, or upgrade the server",
    ),
    code(
        "github-unreachable",
        "GitHub cannot be reached from here",
        "The connection from this machine failed. The cluster may have another route: that is why it does not block.",
        "check proxy and NO_PROXY of this machine; the controller's own connection is shown by its log after the install",
    ),
    code(
        "image-absent",
        "the registry does not have an image",
        "The registry answered 404 for the manifest: it is not mirrored, not on the allow-list, or stands under another name. Some virtual repositories answer the same for an image that policy blocks.",
        "arc-setup images prints the list to send to the registry's owner; a rule under registry.map changes the name",
    ),
    code(
        "image-denied",
        "the registry refuses an image",
        "The registry answered 403: the account has no rights, or a policy (Xray, curation) blocks the image.",
        "ask the registry's owner for this image, naming the account of the pull secret",
    ),
    code(
        "image-unauthorized",
        "the registry wants a login",
        "The registry answered 401: the pull secret is missing, is for another host, or is out of date.",
        "give the account with registry.pullSecret.dockerConfig (or registry.pullSecret.existingSecret); its auths need an entry for this host",
    ),
    code(
        "image-unknown",
        "it is not known whether the registry has an image",
        "The registry gave no clear answer from here, or cannot be reached from here. The nodes may see it differently.",
        "nothing if the nodes reach the registry; otherwise check registry.host, the proxy and the CA bundle",
    ),
    code(
        "image-untrusted",
        "the registry's certificate is not trusted",
        "The chain that the registry sends does not lead to an authority that is known here.",
        "add root and issuing CA to caBundle; the nodes need the same in their container runtime's configuration",
    ),
    code(
        "kubernetes-version",
        "the cluster's Kubernetes version does not fit",
        "This ARC release or arc-setup needs a newer (or knows only an older) API server.",
        "choose an ARC version that fits (README: versions), or upgrade the cluster",
    ),
    code(
        "limit-range",
        "a LimitRange refuses a pod",
        "The namespace has a LimitRange, and a container's requests or limits fall outside of it.",
        "set resources in podTemplate of the controller, the listener or the runner set, within the LimitRange",
    ),
    code(
        "minor-change",
        "the ARC minor version would change under running scale sets",
        "A controller of another minor version deletes every AutoscalingRunnerSet at once, with its runners. `upgrade`, which does this in order, does not exist yet.",
        "keep version: at the minor that runs, or uninstall and init again when no job runs",
    ),
    code(
        "object-conflict",
        "another manager owns a field",
        "Someone else wrote a field that this configuration sets (kubectl, Helm, a GitOps controller). Taking it silently would start a fight.",
        "let the owner drop the field, or take it once with --force-conflicts",
    ),
    code(
        "object-later",
        "objects cannot be checked before what they need is there",
        "Their namespace or kind is made by this very run, so the API server cannot be asked about them beforehand.",
        "nothing: they are asked again as soon as it is there, and before the first pod",
    ),
    code(
        "object-refused",
        "the API server refuses an object",
        "A server-side dry-run of the object was refused.",
        "the evidence holds the server's words; change the configuration that it names",
    ),
    code(
        "pod-security",
        "pod security refuses a pod",
        "The namespace enforces a pod security level that the pod does not meet. dind is privileged and needs a namespace that enforces `privileged`.",
        "have someone with the right label the namespace pod-security.kubernetes.io/enforce=privileged (Rancher: the right updatepsa), choose another namespace, or containerMode: none or kubernetes",
    ),
    code(
        "policy-denied",
        "an admission policy refuses an object",
        "An admission webhook or policy of the cluster (Kyverno, Gatekeeper) refused the object in a dry-run.",
        "the evidence names the policy: satisfy it with podTemplate, commonLabels or commonAnnotations, or ask for an exception",
    ),
    code(
        "proxy-refused",
        "the proxy refuses the connection",
        "The proxy answered 407 (it wants a login) or refused the destination.",
        "give the account with proxy.credentials, or ask for the destination to be allowed; proxies that only speak NTLM or Kerberos need a local forwarder",
    ),
    code(
        "quota-exceeded",
        "a ResourceQuota is used up",
        "The namespace's ResourceQuota has no room for the pod.",
        "have the quota raised, or lower resources in podTemplate",
    ),
    code(
        "rights",
        "rights are missing",
        "The user of this kubeconfig may not write an object of the plan.",
        "have an administrator grant the right, or run the part that needs it: arc-setup render -o yaml shows all objects",
    ),
    code(
        "tls-unreachable",
        "a server cannot be reached from here",
        "No TLS connection from this machine. The cluster may have another route: that is why it does not block.",
        "check the host, and the proxy and NO_PROXY of the configuration",
    ),
    code(
        "tls-untrusted",
        "a server's certificate is not trusted",
        "The chain that the server sends does not lead to an authority of the given bundle. Often the server sends only its leaf, and the issuing CA is missing in the bundle.",
        "add the missing issuer to caBundle: root and every issuing CA",
    ),
    code(
        "unknown-code",
        "there is no such code",
        "explain knows the codes that failures and findings carry.",
        "arc-setup explain lists all codes",
    ),
];
