//! `init` is killed before and after each of its writes. What the dead run has left is all that the next one knows.
//!
//! After its second write is before its third: the server has seen two, and what the dead run was told of them died
//! with it. So each place is tried once: before the first write, and after every one.
//!
//! Several stores, each with an API server of its own, take one place after the other. Nothing is installed twice
//! into one: after each place a store is emptied, so that the next run finds a bare cluster. No controllers run:
//! what is stored is what was written. The dead run's lock is made to expire within a second, as if the rest of its
//! time had passed; one re-run of each generation waits all of it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::Value;

use crate::init::world::{differing, essence, inventory_faults};
use crate::init::{STORY, STORY_OF_SCALE_SETS};
use crate::support::company::Company;
use crate::support::recording_proxy::Hold;

use super::lane::Lane;

/// Stores that work at the same time. While a re-run waits for a lock, another one has the processor; each takes
/// 350 MB, and other tests want theirs.
const LANES: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_write_a_second_run_ends_as_an_undisturbed_one_with_scale_sets() {
    everywhere(STORY_OF_SCALE_SETS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_write_a_second_run_ends_as_an_undisturbed_one_in_the_first_generation() {
    everywhere(STORY).await;
}

async fn everywhere(config: &'static str) {
    let company = Company::start(config).await.unwrap();
    let first = Lane::start(config, &company).await;
    let writes = first.undisturbed().await;
    assert!(writes > 25, "{writes}");
    let world = first.world().await;
    let wanted = essence(&world);
    assert_eq!(inventory_faults(&world), [""; 0]);
    first.empty(&world).await;

    let places = std::iter::once(Hold::Before(1)).chain((1..=writes).map(Hold::After));
    let queue = Mutex::new(places);
    let others = (1..LANES).map(async |_| {
        let lane = Lane::start(config, &company).await;
        work(&lane, &queue, &wanted).await;
    });
    futures::join!(
        work(&first, &queue, &wanted),
        futures::future::join_all(others)
    );
}

/// Takes places until there is none left.
async fn work(
    lane: &Lane,
    queue: &Mutex<impl Iterator<Item = Hold>>,
    wanted: &BTreeMap<String, Value>,
) {
    // The longest wait of all, for a place that has a lock to wait for.
    let patient = Hold::After(12);
    loop {
        let Some(place) = queue.lock().unwrap().next() else {
            return;
        };
        lane.killed(place).await;
        if place != patient {
            lane.expire_lock().await;
        }
        lane.init().await;
        let world = lane.world().await;
        let mut faults = differing(wanted, &essence(&world));
        faults.extend(inventory_faults(&world));
        assert_eq!(faults, [""; 0], "killed {place:?}");
        lane.empty(&world).await;
    }
}
