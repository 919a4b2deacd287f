//! Writes the admission policies, waits until they are in force, and takes them away again.

mod removal;

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

pub use self::removal::{may_not, remove};
use super::ssa::{SETTLING, Writer};
use crate::clients::interrupt::Interrupt;
use crate::clients::kube::{ApplyOptions, Cluster, ClusterError};
use crate::failure::{Exit, Failure};
use crate::object::{Manifest, ObjectRef, items_at};
use crate::observe::{MANAGER, Resolver, is_ours};
use crate::plan::admission::{Api, Probe, Proof, probe};
use crate::rules::RuleSet;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const KINDS: [&str; 2] = ["MutatingAdmissionPolicy", "ValidatingAdmissionPolicy"];

/// What is, or would be, done with one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Writing {
    /// It is new.
    Created,
    /// It was there and is another now.
    Changed,
    /// It is there as it is wanted.
    Unchanged,
    /// The user may not ask.
    Unknown,
}

/// One object and what was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// The object.
    pub object: ObjectRef,
    /// What was done.
    pub writing: Writing,
    /// Why the user may not write it, in the server's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Namespaces that it covers now and then no longer does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub no_longer_in: Vec<String>,
}

impl Written {
    /// What is done with an object that is not there.
    pub fn created(object: ObjectRef) -> Self {
        Self {
            object,
            writing: Writing::Created,
            why: None,
            no_longer_in: Vec::new(),
        }
    }
}

/// Whether the policies are in force in one namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InForce {
    /// The namespace.
    pub namespace: String,
    /// An example of each rule, as the API server made it of a pod in a dry run.
    pub proven: Vec<Proof>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unproven: Option<String>,
}

/// The version in which the server has mutating policies.
///
/// # Errors
/// `admission-unsupported` where it has them in neither.
pub async fn served(cluster: &Cluster) -> Result<Api, Failure> {
    for api in Api::ALL {
        match cluster.scope_of(&api.version(), KINDS[0]).await {
            Ok(_) => return Ok(api),
            Err(ClusterError::NotFound { .. }) => {}
            Err(error) => {
                let what = "cannot ask which admission policies the cluster has";
                return Err(error.failure(what, Exit::Preflight));
            }
        }
    }
    Err(unsupported(
        "the cluster serves no MutatingAdmissionPolicy, neither v1 nor v1beta1",
    ))
}

/// The refusal of a cluster that is too old, or has the policies turned off.
pub fn unsupported(why: &str) -> Failure {
    Failure::new(
        "admission-unsupported",
        Exit::Preflight,
        "this cluster cannot rewrite the images of pods as they are made",
    )
    .why(why)
    .why("Kubernetes has it from 1.36; 1.34 and 1.35 only where the API server runs with --feature-gates=MutatingAdmissionPolicy=true and --runtime-config=admissionregistration.k8s.io/v1beta1=true")
    .remedy("have it turned on, or have the nodes' container runtime pull from your registry (hosts.toml); what runs already is rewritten without --admission")
}

/// Asks the server what it would make of the policies. Nothing is written.
///
/// # Errors
/// Of what somebody else owns, and of what the server does not take.
pub async fn preview(cluster: &Cluster, manifests: &[Manifest]) -> Result<Vec<Written>, Failure> {
    let mut all = Vec::new();
    for manifest in manifests {
        let object = manifest.reference();
        let live = match cluster.get(&object).await {
            Ok(live) => live,
            // Who may not read may still write; the dry run tells.
            Err(ClusterError::Forbidden { .. }) => None,
            Err(error) => {
                return Err(error.failure(format!("cannot read {object}"), Exit::Preflight));
            }
        };
        if live.as_ref().is_some_and(|live| !is_ours(live)) {
            return Err(foreign(&object));
        }
        let options = ApplyOptions {
            manager: MANAGER,
            // What another manager has set is told when it is written.
            force: true,
            dry_run: true,
        };
        let mut written = Written::created(object);
        if let Some(live) = &live {
            written.no_longer_in = no_longer_in(live, &manifest.object);
        }
        match (cluster.apply(&manifest.object, &options).await, live) {
            (Ok(_), None) => {}
            (Ok(applied), Some(live)) if same(&applied.object, &live) => {
                written.writing = Writing::Unchanged;
            }
            (Ok(_), Some(_)) => written.writing = Writing::Changed,
            (Err(ClusterError::Forbidden { message }), _) if is_missing_right(&message) => {
                written.writing = Writing::Unknown;
                written.why = Some(message);
            }
            (Err(error), _) => return Err(refused(&written.object, &error)),
        }
        all.push(written);
    }
    Ok(all)
}

/// True for the words of an authorizer: `User "jane" cannot patch resource "…"`. What a webhook or a policy refuses is
/// answered with 403, too.
fn is_missing_right(message: &str) -> bool {
    message.contains("User \"") && message.contains(" cannot ") && message.contains(" resource ")
}

/// What the server does not take of somebody who may write.
fn refused(object: &ObjectRef, error: &ClusterError) -> Failure {
    let failure = error.failure(format!("{object} was refused"), Exit::Preflight);
    match error {
        ClusterError::Forbidden { .. } => failure
            .remedy("the rights are there: ask whoever looks after the webhook or policy that refuses it for an exception"),
        _ => failure,
    }
}

/// The namespaces that a binding covers as it is and not as it is wanted.
fn no_longer_in(live: &Value, wanted: &Value) -> Vec<String> {
    let of = |object| {
        let values = "/spec/matchResources/namespaceSelector/matchExpressions/0/values";
        items_at(object, values).iter().filter_map(Value::as_str)
    };
    let stays = |name: &&str| !of(wanted).any(|wanted| wanted == *name);
    of(live).filter(stays).map(str::to_owned).collect()
}

/// Writes what `preview` found to differ, in order.
pub async fn install(
    cluster: &Cluster,
    resolver: &Resolver<'_>,
    manifests: &[Manifest],
    preview: &[Written],
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let writer = Writer {
        cluster,
        resolver,
        force_conflicts: false,
        interrupt,
        settling: SETTLING,
    };
    for (manifest, written) in manifests.iter().zip(preview) {
        if written.writing != Writing::Unchanged {
            writer.apply(manifest, false).await?;
        }
    }
    Ok(())
}

/// Waits until the API server makes of a pod in a dry run what the rules say, in each of the namespaces.
///
/// # Errors
/// `admission-not-in-force` where it still does not after `limit`.
pub async fn in_force(
    cluster: &Cluster,
    rules: &RuleSet,
    name: &str,
    namespaces: &[String],
    limit: Duration,
    interrupt: &Interrupt,
) -> Result<Vec<InForce>, Failure> {
    let end = Instant::now() + limit;
    let mut all = Vec::new();
    for namespace in namespaces {
        let (proven, unproven) = match probe(rules, namespace) {
            None => (Vec::new(), Some("no rule has an example".to_owned())),
            Some(probe) => match proof(cluster, &probe, name, namespace, end, interrupt).await? {
                Some(why) => (Vec::new(), Some(why)),
                None => (probe.expected, None),
            },
        };
        all.push(InForce {
            namespace: namespace.clone(),
            proven,
            unproven,
        });
    }
    Ok(all)
}

/// None once the probe comes out as it should; why nobody can tell otherwise.
async fn proof(
    cluster: &Cluster,
    probe: &Probe,
    name: &str,
    namespace: &str,
    end: Instant,
    interrupt: &Interrupt,
) -> Result<Option<String>, Failure> {
    let mut pause = FIRST_PAUSE;
    loop {
        interrupt
            .check_after("the policies are written; whether they are in force was not seen")?;
        let seen = match cluster.create(&probe.pod, true).await {
            Ok(answer) => {
                let missed = probe.missed(&answer.object);
                match missed.first() {
                    Some((proof, image)) => {
                        format!("{} became {image} and not {}", proof.image, proof.to)
                    }
                    None if catches(cluster, probe, name, namespace).await? => return Ok(None),
                    None => {
                        "a pod with an image that the rules cannot rewrite was made without a word"
                            .to_owned()
                    }
                }
            }
            // The policies themselves: the one refuses what the other does not rewrite yet.
            Err(ClusterError::Forbidden { message } | ClusterError::Invalid { message, .. })
                if message.contains(name) =>
            {
                message
            }
            Err(ClusterError::NotFound { .. }) => {
                return Ok(Some("the namespace is not there yet".to_owned()));
            }
            Err(ClusterError::Forbidden { message } | ClusterError::Invalid { message, .. }) => {
                return Ok(Some(message));
            }
            Err(error) => {
                return Err(untried(namespace, &error));
            }
        };
        if Instant::now() > end {
            return Err(not_in_force(name, namespace, &seen));
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// True once the validating policy tells, or refuses, what the other one cannot rewrite; also where no example is known.
async fn catches(
    cluster: &Cluster,
    probe: &Probe,
    name: &str,
    namespace: &str,
) -> Result<bool, Failure> {
    let Some(pod) = &probe.caught else {
        return Ok(true);
    };
    match cluster.create(pod, true).await {
        Ok(answer) => Ok(answer.warnings.iter().any(|told| told.contains(name))),
        // Whoever refuses it, it does not get in.
        Err(ClusterError::Forbidden { .. } | ClusterError::Invalid { .. }) => Ok(true),
        Err(error) => Err(untried(namespace, &error)),
    }
}

/// The policies stand, and nobody saw what they do.
fn untried(namespace: &str, error: &ClusterError) -> Failure {
    let what = format!("cannot try a pod in {namespace}");
    taken_away(error.failure(what, Exit::ApplyFailed))
        .remedy("run the same command again: it tries the pods again")
}

/// What a failure says after the policies were written.
fn taken_away(failure: Failure) -> Failure {
    failure
        .why("the policies are written: new pods are made by them from now on")
        .remedy("to take them away: arc-setup patch-images --admission --undo")
}

fn not_in_force(name: &str, namespace: &str, seen: &str) -> Failure {
    taken_away(Failure::new(
        "admission-not-in-force",
        Exit::Timeout,
        format!("the API server does not rewrite the images of pods in {namespace}"),
    ))
    .why("a pod in a dry run did not come out as the rules say")
    .evidence(seen)
    .remedy(format!(
        "see what the server makes of them: kubectl get mutatingadmissionpolicy,validatingadmissionpolicy {name} -o yaml"
    ))
    .remedy("see whether another admission webhook or policy writes the images of pods in that namespace")
}

fn foreign(object: &ObjectRef) -> Failure {
    Failure::new(
        "admission-foreign",
        Exit::Conflict,
        format!("{object} was made by somebody else"),
    )
    .why("it does not say that arc-setup manages it (app.kubernetes.io/managed-by)")
    .remedy("remove it, or give this install another name: --name NAME")
}

/// True where nothing but what the server notes of writes differs.
fn same(one: &Value, other: &Value) -> bool {
    let of = |object: &Value| {
        let metadata = |key: &str| object.get("metadata").and_then(|all| all.get(key)).cloned();
        (
            object.get("spec").cloned(),
            metadata("labels"),
            metadata("annotations"),
        )
    };
    of(one) == of(other)
}

#[cfg(test)]
mod tests;
