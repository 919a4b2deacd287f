//! Which function judges which kind.

use serde_json::Value;

use super::{
    State, World, autoscaling_listener, autoscaling_runner_set, custom_resource_definition,
    deployment, horizontal_runner_autoscaler, pod, pull_test, runner, runner_deployment,
    runner_set, webhook_configuration,
};
use crate::object::ObjectRef;
use crate::plan::PULL_TEST_LABEL;
use crate::plan::vantage::PROBE_LABEL;

/// Judges one object of the world; None for a kind that has nothing to wait for. `answer` is what a dry-run
/// of a guarded object said, for webhook configurations.
pub fn judge(
    object: &ObjectRef,
    world: &World,
    answer: Option<&webhook_configuration::Answer>,
) -> Option<State> {
    let is_waited_for = matches!(
        object.kind.as_str(),
        "Deployment"
            | "Pod"
            | "CustomResourceDefinition"
            | "AutoscalingRunnerSet"
            | "AutoscalingListener"
            | "Runner"
            | "RunnerDeployment"
            | "RunnerSet"
            | "HorizontalRunnerAutoscaler"
            | "MutatingWebhookConfiguration"
            | "ValidatingWebhookConfiguration"
    );
    if !is_waited_for {
        return None;
    }
    let Some(live) = world.get(object) else {
        // Nobody makes a pod of a pull test again.
        if object.kind == "Pod" {
            return Some(pull_test::removed());
        }
        return Some(State::waiting("not in the cluster"));
    };
    Some(match object.kind.as_str() {
        "Deployment" => deployment::deployment(live),
        "Pod" if is_tried(live) => pull_test::pull_test(live),
        "Pod" => pod::pod(live),
        "CustomResourceDefinition" => custom_resource_definition::custom_resource_definition(live),
        "AutoscalingRunnerSet" => autoscaling_runner_set::autoscaling_runner_set(live, world),
        "AutoscalingListener" => autoscaling_listener::autoscaling_listener(live, world),
        "Runner" => runner::runner(live),
        "RunnerDeployment" => runner_deployment::runner_deployment(live),
        "RunnerSet" => runner_set::runner_set(live),
        "HorizontalRunnerAutoscaler" => {
            horizontal_runner_autoscaler::horizontal_runner_autoscaler(live)
        }
        _ => webhook_configuration::webhook_configuration(live, world, answer),
    })
}

/// A pod of a pull test or a probe: it ends by itself.
fn is_tried(pod: &Value) -> bool {
    pod.pointer("/metadata/labels").is_some_and(|labels| {
        [PULL_TEST_LABEL, PROBE_LABEL]
            .iter()
            .any(|label| labels.get(label).is_some())
    })
}
