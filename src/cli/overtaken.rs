//! What a command does that another run of arc-setup has overtaken: it looks at the cluster again, a few times.

use crate::apply;
use crate::failure::{Exit, Failure};
use crate::ui::progress::Progress;

/// How often the cluster is looked at: again only where another run of arc-setup came in between.
const LOOKS: usize = 3;

/// Attempts it until another run of arc-setup no longer came in between, which `attempt` says by None.
pub(super) async fn look_again(
    install: &str,
    progress: &Progress,
    mut attempt: impl AsyncFnMut() -> Result<Option<Exit>, Failure>,
) -> Result<Exit, Failure> {
    for _ in 0..LOOKS {
        if let Some(exit) = attempt().await? {
            return Ok(exit);
        }
        progress.line(
            "another run of arc-setup was at work on this install: looking at the cluster again",
        );
    }
    Err(apply::contended(install))
}
