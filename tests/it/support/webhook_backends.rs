//! Puts a stand-in behind every admission webhook that appears in a control plane: what a running
//! manager would answer, as long as its Deployment is available and its certificate is right.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ServiceReference, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Secret, Service};
use kube::api::{Api, ListParams};
use tokio::task::JoinHandle;

use super::control_plane::{ControlPlane, WebhookBackend};

/// Looks for webhooks until it is dropped.
#[derive(Debug)]
pub(crate) struct WebhookBackends(JoinHandle<()>);

impl Drop for WebhookBackends {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl WebhookBackends {
    /// The control plane, an `Arc` or a `&'static`, must have been started with webhooks.
    pub(crate) fn follow(
        plane: impl Deref<Target = ControlPlane> + Send + Sync + 'static,
    ) -> Result<Self> {
        let client = plane.client()?;
        plane.webhooks()?;
        Ok(Self(tokio::spawn(async move {
            let mut served = BTreeSet::new();
            loop {
                for service in services(&client).await.unwrap_or_default() {
                    // What is not all there yet is looked at again.
                    if !served.contains(&service)
                        && let Ok(backend) = backend(&client, &service.0, &service.1).await
                        && let Ok(proxy) = plane.webhooks()
                    {
                        proxy.serve(backend);
                        served.insert(service);
                    }
                }
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
        })))
    }
}

/// Namespace and name of every Service that a webhook configuration calls.
async fn services(client: &kube::Client) -> Result<BTreeSet<(String, String)>> {
    let all = ListParams::default();
    let mutating = Api::<MutatingWebhookConfiguration>::all(client.clone())
        .list(&all)
        .await?;
    let validating = Api::<ValidatingWebhookConfiguration>::all(client.clone())
        .list(&all)
        .await?;
    let mutating = mutating
        .items
        .into_iter()
        .flat_map(|one| one.webhooks.unwrap_or_default());
    let validating = validating
        .items
        .into_iter()
        .flat_map(|one| one.webhooks.unwrap_or_default());
    let called = mutating.filter_map(|one| one.client_config.service);
    let called = called.chain(validating.filter_map(|one| one.client_config.service));
    Ok(called
        .map(
            |ServiceReference {
                 namespace, name, ..
             }| (namespace, name),
        )
        .collect())
}

/// The Deployment that the Service selects, and the TLS Secret that it mounts.
async fn backend(client: &kube::Client, namespace: &str, service: &str) -> Result<WebhookBackend> {
    let spec = Api::<Service>::namespaced(client.clone(), namespace)
        .get(service)
        .await?
        .spec
        .unwrap_or_default();
    let selector = spec.selector.unwrap_or_default();
    let deployments = Api::<Deployment>::namespaced(client.clone(), namespace)
        .list(&ListParams::default())
        .await?;
    let template =
        |deployment: &Deployment| deployment.spec.as_ref().map(|spec| spec.template.clone());
    let deployment = deployments
        .items
        .into_iter()
        .find(|deployment| {
            let metadata = template(deployment)
                .and_then(|template| template.metadata)
                .unwrap_or_default();
            selects(&selector, &metadata.labels.unwrap_or_default())
        })
        .context("the Service selects no Deployment")?;
    let volumes = template(&deployment)
        .and_then(|template| template.spec)
        .and_then(|spec| spec.volumes);
    let mounted = volumes
        .unwrap_or_default()
        .into_iter()
        .filter_map(|volume| volume.secret?.secret_name);
    let secrets = Api::<Secret>::namespaced(client.clone(), namespace);
    for name in mounted {
        let secret = secrets.get_opt(&name).await?;
        if secret
            .and_then(|secret| secret.data)
            .is_some_and(|data| data.contains_key("tls.crt"))
        {
            return Ok(WebhookBackend {
                namespace: namespace.to_owned(),
                service: service.to_owned(),
                secret: name,
                deployment: deployment.metadata.name.unwrap_or_default(),
            });
        }
    }
    anyhow::bail!("the Deployment mounts no certificate")
}

fn selects(selector: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> bool {
    !selector.is_empty()
        && selector
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
}
