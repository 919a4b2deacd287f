//! Which causes were seen, and since when: a cause ends a wait when a second look finds it again.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::object::ObjectRef;
use crate::verify::classify::{Classified, Ending};

/// From the first look to the one that confirms it. A kubelet tries a pull again after about 10 seconds, so
/// that a second try is always in between, and a wait ends within 20.
pub(super) const SECOND_LOOK: Duration = Duration::from_secs(15);

/// What is seen now.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    since: BTreeMap<(ObjectRef, &'static str), Instant>,
}

impl Sightings {
    /// Takes everything that is seen at `now`: each cause with the target that it blocks. What is no longer
    /// seen is forgotten; what ends no wait is not kept. Returns the first that ends the wait.
    pub(super) fn take<'a>(
        &mut self,
        seen: &'a [(ObjectRef, Classified)],
        now: Instant,
    ) -> Option<&'a (ObjectRef, Classified)> {
        self.since.retain(|(target, id), _| {
            seen.iter()
                .any(|(other, classified)| other == target && classified.cause.id == *id)
        });
        let mut ended = None;
        for one in seen {
            let (target, classified) = one;
            let ends = match classified.cause.ending {
                Ending::AtOnce => true,
                Ending::SeenTwice => {
                    let key = (target.clone(), classified.cause.id);
                    let first = *self.since.entry(key).or_insert(now);
                    now.duration_since(first) >= SECOND_LOOK
                }
                // Never due: a look that is past would make the wait spin.
                Ending::Timeout => false,
            };
            if ends && ended.is_none() {
                ended = Some(one);
            }
        }
        ended
    }

    /// When the next second look is due.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.since.values().map(|first| *first + SECOND_LOOK).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_still_there_at_the_second_look_ends_the_wait() {
        let target = ObjectRef::new("apps/v1", "Deployment", Some("arc"), "manager");
        let seen = |id: &str| vec![(target.clone(), Classified::new(id, &target, "x"))];
        let start = Instant::now();
        let later = start + SECOND_LOOK;
        let mut sightings = Sightings::default();
        assert!(sightings.take(&seen("image-denied"), start).is_none());
        assert_eq!(sightings.next_look(), Some(later));
        assert!(
            sightings
                .take(&[], start + Duration::from_secs(5))
                .is_none()
        );
        assert!(sightings.take(&seen("image-denied"), later).is_none());
        assert!(
            sightings
                .take(&seen("image-denied"), later + SECOND_LOOK)
                .is_some()
        );
        assert!(sightings.take(&seen("image-transient"), start).is_none());
        assert_eq!(
            sightings.next_look(),
            None,
            "a cause that may pass is never due, or the wait would spin"
        );
        assert!(
            sightings
                .take(&seen("image-transient"), start + SECOND_LOOK * 9)
                .is_none()
        );
        assert!(sightings.take(&seen("crash-loop"), start).is_some());
    }
}
