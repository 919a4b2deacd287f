//! Images of runner sets, and what the legacy manager falls back to.

use crate::config::{Config, ContainerMode, RunnerSet};
use crate::render::versions;

/// The runner's image of a set.
pub(super) fn runner<'a>(config: &Config, set: &'a RunnerSet) -> &'a str {
    set.image
        .as_deref()
        .unwrap_or_else(|| versions::runner_image(config.mode))
}

/// The Docker daemon's image of a set.
pub(super) fn dind(set: &RunnerSet) -> &str {
    set.dind_image
        .as_deref()
        .unwrap_or_else(|| versions::dind_image())
}

/// `--runner-image`. Every set names its image, so the first one's will do: no image is asked for that nothing runs.
pub(super) fn fallback_runner(config: &Config) -> &str {
    config.runner_sets.first().map_or_else(
        || versions::runner_image(config.mode),
        |set| runner(config, set),
    )
}

/// `--docker-image`, in the same way.
pub(super) fn fallback_dind(config: &Config) -> &str {
    config
        .runner_sets
        .iter()
        .find(|set| set.container_mode == ContainerMode::Dind)
        .map_or_else(|| versions::dind_image(), dind)
}
