//! Listeners keep the image that they were made with: after a change of the controller's image they are
//! deleted, and the controller makes them again.

use serde_json::Value;

use super::Task;
use super::run::{Controller, Run};
use super::write::Mode;
use crate::clients::kube::ClusterError;
use crate::event::{Event, Outcome};
use crate::failure::{Exit, Failure};
use crate::image_ref::ImageReference;
use crate::object::pods::SCALE_SET_GROUP;
use crate::object::{ObjectRef, text_at};
use crate::rules;

impl Run<'_, '_> {
    /// Deletes stale listeners, after their controller rolled out: the old one would make them as they were.
    pub(super) async fn remake_listeners(&mut self) -> Result<(), Failure> {
        let controllers = std::mem::take(&mut self.controllers);
        for controller in &controllers {
            let stale = match self.stale_listeners(controller, &controllers).await {
                Ok(stale) => stale,
                Err(error) => {
                    self.check_interrupt()?;
                    let what = format!("cannot list the listeners of {}", controller.object);
                    return Err(error.failure(what, Exit::ApplyFailed));
                }
            };
            if stale.is_empty() {
                continue;
            }
            self.roll_out_also(&controller.object).await?;
            for (listener, uid) in stale {
                self.check_interrupt()?;
                if self.work.mode == Mode::Write {
                    match self.work.cluster.delete(&listener, Some(&uid)).await {
                        // Gone or made again already.
                        Ok(())
                        | Err(ClusterError::NotFound { .. } | ClusterError::Conflict { .. }) => {}
                        Err(error) => {
                            self.check_interrupt()?;
                            return Err(error
                                .failure(format!("cannot delete {listener}"), Exit::ApplyFailed));
                        }
                    }
                }
                (self.hands.sink)(Event::Object {
                    object: listener.clone(),
                    outcome: Outcome::Deleted,
                });
                self.report.listeners_remade.push(listener);
            }
        }
        Ok(())
    }

    async fn stale_listeners(
        &self,
        controller: &Controller,
        controllers: &[Controller],
    ) -> Result<Vec<(ObjectRef, String)>, ClusterError> {
        let api_version = format!("{SCALE_SET_GROUP}/v1alpha1");
        let namespace = controller.object.namespace.as_deref();
        let listeners = match self
            .work
            .cluster
            .list(&api_version, "AutoscalingListener", namespace, None)
            .await
        {
            Err(ClusterError::NotFound { .. }) => return Ok(Vec::new()),
            listeners => listeners?,
        };
        let text = |listener: &Value, pointer: &str| {
            text_at(listener, pointer).unwrap_or_default().to_owned()
        };
        Ok(listeners
            .iter()
            .filter(|listener| listener.pointer("/metadata/deletionTimestamp").is_none())
            .filter(|listener| {
                let set_namespace = text(listener, "/spec/autoscalingRunnerSetNamespace");
                let image = text(listener, "/spec/image");
                looks_after(controller, &set_namespace)
                    && !is_anothers(controller, controllers, &set_namespace, &image)
                    && self.is_stale(controller, &image)
            })
            .map(|listener| {
                (
                    ObjectRef::from_value(listener),
                    text(listener, "/metadata/uid"),
                )
            })
            .collect())
    }

    /// Any other image is stale where this run changed the controller, or takes back what an earlier one did; else only
    /// one that the rules turn into the controller's, as an interrupted run leaves it.
    fn is_stale(&self, controller: &Controller, image: &str) -> bool {
        if image.is_empty() || image == controller.image {
            return false;
        }
        let place = rules::Place {
            kind: &controller.object.kind,
            namespace: controller.object.namespace.as_deref(),
            field: controller.field.as_str(),
        };
        let rewritten = ImageReference::parse(image).is_ok_and(|reference| {
            self.work.rules.decide_at(&reference, &place).outcome
                == rules::Outcome::Rewritten(controller.image.clone())
        });
        let is_put_back = self.work.options.task == Task::Undo && controller.was_patched;
        controller.changed || is_put_back || rewritten
    }
}

fn looks_after(controller: &Controller, set_namespace: &str) -> bool {
    let watches = controller.watches.as_deref();
    watches.is_none_or(|namespace| namespace == set_namespace)
}

/// True where another controller beside this one looks after that runner set too, and gives its listeners this image.
fn is_anothers(
    controller: &Controller,
    controllers: &[Controller],
    set_namespace: &str,
    image: &str,
) -> bool {
    controllers.iter().any(|other| {
        other.object != controller.object
            && other.object.namespace == controller.object.namespace
            && other.image == image
            && looks_after(other, set_namespace)
    })
}
