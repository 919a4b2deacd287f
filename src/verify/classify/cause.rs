//! The closed list of causes that a wait can find.

use serde::Serialize;

use crate::failure::{Exit, Failure};
use crate::object::ObjectRef;

/// When a cause ends a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// After two looks that found the same: waiting does not change it.
    SeenTwice,
    /// At once: the evidence itself is a repetition (two restarts, a minute without scale-up).
    AtOnce,
    /// Only at the timeout: it may pass.
    Timeout,
}

/// One cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// Stable, kebab-case.
    pub id: &'static str,
    /// What is the matter, in a few words.
    pub title: &'static str,
    /// What is behind it.
    pub cause: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// When it ends a wait.
    pub ending: Ending,
}

/// A cause found at an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Classified {
    /// Which.
    pub cause: &'static Cause,
    /// Where: the object that shows it.
    pub object: ObjectRef,
    /// The case in one sentence: container, image, policy.
    pub detail: String,
    /// Raw texts, each saying where it comes from.
    pub evidence: Vec<String>,
}

impl Classified {
    /// A cause at an object; an id that the table lacks is `unknown-cause`.
    pub fn new(id: &str, object: &ObjectRef, detail: impl Into<String>) -> Self {
        Self {
            cause: cause(id),
            object: object.clone(),
            detail: detail.into(),
            evidence: Vec::new(),
        }
    }

    /// Adds raw text; secrets in it are masked.
    #[must_use]
    pub fn evidence(mut self, text: impl AsRef<str>) -> Self {
        let text = super::without_secrets(text.as_ref().trim());
        if !text.is_empty() && !self.evidence.contains(&text) {
            self.evidence.push(text);
        }
        self
    }

    /// The failure that a person reads: `waited_for` is the object that does not become ready.
    pub fn failure(&self, waited_for: &ObjectRef, exit: Exit) -> Failure {
        let mut failure = Failure::new(
            self.cause.id,
            exit,
            format!("{waited_for} does not become ready: {}", self.cause.title),
        )
        .why(&self.detail)
        .why(self.cause.cause);
        for text in &self.evidence {
            failure = failure.evidence(text);
        }
        failure.remedy(self.cause.remedy)
    }
}

/// The cause with this id.
pub fn cause(id: &str) -> &'static Cause {
    CAUSES
        .iter()
        .find(|cause| cause.id == id)
        .unwrap_or(&UNKNOWN)
}

/// All causes, in alphabetical order.
pub fn causes() -> &'static [Cause] {
    CAUSES
}

const fn row(
    ending: Ending,
    id: &'static str,
    title: &'static str,
    cause: &'static str,
    remedy: &'static str,
) -> Cause {
    Cause {
        id,
        title,
        cause,
        remedy,
        ending,
    }
}

const UNKNOWN: Cause = row(
    Ending::Timeout,
    "unknown-cause",
    "not ready, for a reason that is not known",
    "What the cluster says does not match any known cause.",
    "read the evidence; kubectl describe the object for more",
);

use Ending::{AtOnce, SeenTwice, Timeout};

#[rustfmt::skip]
const CAUSES: &[Cause] = &[
    row(SeenTwice, "controller-rights", "the controller lacks rights",
        "The API server refuses requests of the controller's ServiceAccount, so that its caches never fill and it does nothing.",
        "compare Roles and bindings with arc-setup render, and run init again; an operator that prunes RBAC must leave these alone"),
    row(AtOnce, "crash-loop", "a container ends again and again",
        "It was started at least three times and ended each time; its last log lines say why.",
        "read the last lines of its log above; kubectl logs --previous shows all of it"),
    row(AtOnce, "crash-out-of-memory", "a container is killed for using too much memory",
        "It reached its memory limit and was killed, at least three times.",
        "raise the memory limit of that container under podTemplate"),
    row(AtOnce, "crash-unknown-flag", "the program does not know one of its flags",
        "Flags and image are of different ARC versions: an unknown flag ends the manager at once.",
        "set version: to the version of the image, or the image tag to the version; flags are emitted by version"),
    row(SeenTwice, "github-credentials", "GitHub refuses the credentials",
        "GitHub answered 401 or 403 to the controller: the token is wrong, expired or lacks a scope, or the App's key does not belong to its id.",
        "give a token with scope repo (repository), admin:org (organization) or manage_runners:enterprise (enterprise), or check app id, installation id and key"),
    row(SeenTwice, "github-not-found", "GitHub does not know the organization, repository or enterprise",
        "GitHub answered 404 to the controller; it says so too when the credentials may not see the scope.",
        "check the GitHub URL and scope for spelling, and that the credentials have rights there"),
    row(Timeout, "github-transient", "GitHub does not answer the controller",
        "The connection was refused, timed out or was answered with 429 or 5xx; that may pass.",
        "check proxy, noProxy and network policies of the controller's namespace"),
    row(SeenTwice, "github-untrusted", "the controller does not trust GitHub's certificate",
        "The certificate that the controller sees is signed by an authority that it does not know: the server's own, or that of a proxy that opens TLS.",
        "add that authority and its issuers to caBundle"),
    row(SeenTwice, "image-absent", "the registry does not have an image",
        "The registry has no such manifest: it is not mirrored, not on the allow-list, or stands under another name. Some virtual repositories say the same of an image that policy blocks.",
        "arc-setup images prints the list to send to the registry's owner; a rule under registry.map changes the name"),
    row(SeenTwice, "image-denied", "the registry refuses an image",
        "The registry answered 403: the account has no right to read it, or a policy such as Xray or curation blocks it. The node does not show the policy's words.",
        "ask the registry's owner to release the image for this account; arc-setup images prints the request"),
    row(SeenTwice, "image-invalid-reference", "an image reference is not valid",
        "The node cannot read the reference, so that nothing was asked for.",
        "correct the reference: repositories are lower case, and a port belongs to the host"),
    row(SeenTwice, "image-never-pull", "an image is not on the node and may not be pulled",
        "imagePullPolicy is Never and the node does not have the image.",
        "set imagePullPolicy to IfNotPresent, or load the image onto every node"),
    row(SeenTwice, "image-platform", "an image is not made for the node's platform",
        "The index in the registry has no manifest for the node's architecture; a mirror may have copied only one.",
        "mirror the image for all architectures, or add a nodeSelector for kubernetes.io/arch"),
    row(SeenTwice, "image-short-name", "the node refuses an image name without a registry",
        "This node does not look anywhere for names without a host.",
        "write the host: docker.io/…, or let a rule for docker.io rewrite it"),
    row(Timeout, "image-transient", "an image cannot be pulled just now",
        "The registry was busy, slow or not reachable from the node: 429, 5xx, refused, timeout or no such name. That may pass.",
        "check that the node reaches the registry: proxy of the container runtime, DNS, firewall"),
    row(SeenTwice, "image-unauthorized", "the registry asks for a login",
        "The registry answered 401: no pull secret, or one that is wrong or for another host.",
        "give registry.pullSecret an entry for this host, or put the Secret into imagePullSecrets of the pod (patch-images --pull-secret NAME)"),
    row(SeenTwice, "image-untrusted", "the node does not trust the registry's certificate",
        "The node's container runtime could not verify the registry's certificate.",
        "give the node the registry's root and issuing authority (containerd: certs.d/HOST/hosts.toml with ca; RKE2 and K3s: registries.yaml with ca_file)"),
    row(SeenTwice, "limit-range", "a LimitRange refuses the pod",
        "Requests or limits of a container are outside of what the namespace allows.",
        "set resources of that container within the LimitRange under podTemplate"),
    row(Timeout, "object-missing", "something that the pod needs is not there",
        "A Secret, ConfigMap, ServiceAccount or volume that the pod names does not exist yet.",
        "make it, or correct its name"),
    row(SeenTwice, "object-refused", "the API server refuses the pod",
        "The controller cannot make the pod; the API server's words are below.",
        "change what the message names, under podTemplate"),
    row(SeenTwice, "pod-security", "pod security refuses the pod",
        "The namespace enforces a pod security level that the pod does not meet. dind needs privileged.",
        "use container mode none or kubernetes, or have the namespace labelled pod-security.kubernetes.io/enforce=privileged by someone who may (on Rancher: right updatepsa)"),
    row(SeenTwice, "policy-denied", "an admission policy refuses the pod",
        "A policy engine of the cluster denied the request.",
        "change what the policy names under podTemplate, or ask its owner for an exception for this namespace"),
    row(SeenTwice, "proxy-refused", "the proxy asks for a login",
        "The proxy between the asking program and its goal answered 407.",
        "give the proxy's credentials to whoever asks: for image pulls the node's container runtime, for GitHub proxy.credentials; or except the host from the proxy"),
    row(SeenTwice, "quota-exceeded", "a quota refuses the pod",
        "The namespace's ResourceQuota has no room for the pod, or demands requests and limits that a container lacks.",
        "lower requests or maxRunners, set resources for every container, or ask for a larger quota"),
    row(SeenTwice, "security-context-constraint", "no security context constraint admits the pod",
        "OpenShift found no SCC for the pod's ServiceAccount that allows what it asks for.",
        "bind a fitting SCC to the ServiceAccount (oc adm policy add-scc-to-user), or use container mode none"),
    row(AtOnce, "unschedulable", "no node takes the pod",
        "The scheduler found no node for a minute, and no autoscaler is adding one.",
        "change nodeSelector, tolerations or requests under podTemplate, or add nodes"),
    row(Timeout, "webhook-unreachable", "an admission webhook does not answer",
        "The API server could not call the webhook that guards this kind: its pod is not ready, its certificate does not match, or the network is closed.",
        "get the pod behind it ready first (patch-images repairs its images); a webhook configuration left behind by an old install must be deleted"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sorted_unique_and_every_cause_says_what_to_do() {
        for pair in CAUSES.windows(2) {
            assert!(
                pair[0].id < pair[1].id,
                "{} before {}",
                pair[1].id,
                pair[0].id
            );
        }
        assert!(CAUSES.iter().all(|cause| !cause.remedy.is_empty()));
        assert_eq!(cause("no-such").id, "unknown-cause");
    }

    #[test]
    fn a_failure_reads_from_object_to_remedy_without_secrets() {
        let pod = ObjectRef::new("v1", "Pod", Some("arc"), "manager-1");
        let deployment = ObjectRef::new("apps/v1", "Deployment", Some("arc"), "manager");
        let failure = Classified::new("image-denied", &pod, "container manager, image r/x:1")
            .evidence("Authorization: Basic Y2FuYXJ5OmNhbmFyeQ== 403 Forbidden")
            .failure(&deployment, Exit::ApplyFailed);
        let details = failure.details();
        assert_eq!(details.code, "image-denied");
        assert!(details.what.starts_with("Deployment arc/manager"));
        assert!(!details.evidence[0].contains("Y2FuYXJ5"));
        assert!(!details.remedy.is_empty());
    }
}
