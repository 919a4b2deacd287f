//! Waiting for rollouts, with our own look at the registry to settle what a node's text cannot tell.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::cli::pass;
use crate::clients::interrupt::Interrupt;
use crate::clients::kube::Cluster;
use crate::clients::registry::DockerConfig;
use crate::clients::transport::Http;
use crate::config::{Config, Credentials};
use crate::event::Sink;
use crate::facts::{self, Facts};
use crate::failure::Failure;
use crate::image_ref::ImageReference;
use crate::object::ObjectRef;
use crate::observe::{self, ImagePresence};
use crate::rules::Mirror;
use crate::verify::classify::RegistryAnswer;
use crate::verify::wait::{RegistryLook, rolled_out};

/// Asks registries for images, the way that the configuration goes.
#[derive(Debug)]
pub(super) struct Registries {
    http: Http,
    accounts: DockerConfig,
    interrupt: Interrupt,
    /// By the host that each stands in for.
    mirrors: Vec<(String, Mirror)>,
}

impl Registries {
    /// By the configuration's proxy, bundle and pull secret.
    pub(super) fn new(
        config: &Config,
        credentials: &Credentials,
        facts: &Facts,
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        Ok(Self {
            http: facts::route(config, credentials, facts).client()?,
            accounts: observe::accounts(credentials)?,
            interrupt: interrupt.clone(),
            mirrors: pass::rules(config)?.mirrors(),
        })
    }

    /// What the registry says of an image; None where it says nothing of use, or somebody stops the run meanwhile.
    pub(super) fn ask(&self, image: String) -> BoxFuture<'_, Option<RegistryAnswer>> {
        async move {
            let image = nearest(&image, &self.mirrors);
            let images = [image];
            let asking = observe::read_images(&images, &self.http, &self.accounts);
            let reports = self.interrupt.unless("", asking).await.ok()?;
            answer(&reports.into_iter().next()?.presence)
        }
        .boxed()
    }
}

/// Where an image can be asked for. What a rule keeps is the nodes' own affair, and its registry is often out of reach:
/// the mirror that the rule names is what is nearest to that of the nodes.
fn nearest(image: &str, mirrors: &[(String, Mirror)]) -> String {
    let Ok(reference) = ImageReference::parse(image) else {
        return image.to_owned();
    };
    let found = mirrors.iter().find(|(host, _)| host == reference.host());
    match found {
        Some((_, mirror)) => format!(
            "{}/{}{}",
            mirror.place,
            reference.path(),
            reference.suffix()
        ),
        None => image.to_owned(),
    }
}

fn answer(presence: &ImagePresence) -> Option<RegistryAnswer> {
    Some(match presence {
        ImagePresence::Present { .. } => RegistryAnswer::Present,
        ImagePresence::Absent { .. } => RegistryAnswer::Absent,
        ImagePresence::Unknown { reason, why } => match reason.as_str() {
            "auth-required" => RegistryAnswer::Unauthorized,
            "denied" => RegistryAnswer::Denied(why.clone()),
            "untrusted" => RegistryAnswer::Untrusted(why.clone()),
            "unreachable" | "proxy-refused" | "proxy-login" => {
                RegistryAnswer::Unreachable(why.clone())
            }
            _ => return None,
        },
    })
}

/// A wait for workloads, as apply and patch-images need it between their steps.
pub(super) struct Rollout<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) timeout: Duration,
    pub(super) registry: Option<RegistryLook<'a>>,
    pub(super) events: Sink<'a>,
    pub(super) interrupt: &'a Interrupt,
}

impl<'a> Rollout<'a> {
    /// Ends when all of them are available, or with what stops them.
    pub(super) fn of(&'a self, objects: Vec<ObjectRef>) -> BoxFuture<'a, Result<(), Failure>> {
        rolled_out(
            self.cluster,
            objects,
            self.timeout,
            self.registry,
            self.events,
            self.interrupt,
        )
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Target;

    #[test]
    fn what_a_rule_keeps_is_asked_of_the_mirror_that_it_names() {
        let mirrors = [(
            "docker.io".to_owned(),
            Mirror {
                place: Target::parse("registry.corp/hub").unwrap(),
                rule: "r".to_owned(),
            },
        )];
        assert_eq!(
            nearest("docker:29-dind", &mirrors),
            "registry.corp/hub/library/docker:29-dind"
        );
        assert_eq!(
            nearest("registry.corp/x/y:1", &mirrors),
            "registry.corp/x/y:1"
        );
        assert_eq!(nearest("not An image", &mirrors), "not An image");
    }
}
