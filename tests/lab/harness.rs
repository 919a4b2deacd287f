//! Runs proofs and says how they ended as `cargo test` does. Not libtest: that knows no end of all
//! tests, at which the lab must be stopped.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use futures::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};

use crate::lab::Lab;

/// One proof: fails by an error or a panic. It stays on one thread, so that its future may hold what it likes.
pub(crate) type Proof = fn(Arc<Lab>) -> LocalBoxFuture<'static, Result<()>>;

/// Proofs of one lane run one after another, those of different lanes side by side: they would
/// disturb each other by the objects that a cluster has once, such as definitions of ARC's kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    /// Installs ARC's first generation.
    Legacy,
    /// Installs its second generation.
    ScaleSet,
    /// Installs nothing.
    Aside,
}

/// The proofs of one file, which stands under `tests/lab/proofs`.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: &'static str,
    pub(crate) lane: Lane,
    /// They share an install (`Standing`), and so come after those of the lane that have one of their own.
    pub(crate) share: bool,
    pub(crate) proofs: &'static [(&'static str, Proof)],
}

/// `topic!(node in Aside: a_pod_runs, a_service_answers);` names the proofs of a file and their lane;
/// each is an `async fn(Arc<Lab>) -> Result<()>`. Without a lane they are aside. `topic!(LEGACY = story in Legacy: …)`
/// gives the constant a name, for a topic of several lanes; with `on` for `in` the proofs share the lane's standing install.
macro_rules! topic {
    ($topic:ident: $($proof:ident),+ $(,)?) => {
        $crate::harness::topic!($topic in Aside: $($proof),+);
    };
    ($topic:ident in $lane:ident: $($proof:ident),+ $(,)?) => {
        $crate::harness::topic!(TOPIC = $topic in $lane: $($proof),+);
    };
    ($constant:ident = $topic:ident in $lane:ident: $($proof:ident),+ $(,)?) => {
        $crate::harness::topic!($constant = $topic, $lane, false: $($proof),+);
    };
    ($constant:ident = $topic:ident on $lane:ident: $($proof:ident),+ $(,)?) => {
        $crate::harness::topic!($constant = $topic, $lane, true: $($proof),+);
    };
    ($constant:ident = $topic:ident, $lane:ident, $share:literal: $($proof:ident),+) => {
        pub(crate) const $constant: $crate::harness::Topic = $crate::harness::Topic {
            name: stringify!($topic),
            lane: $crate::harness::Lane::$lane,
            share: $share,
            proofs: &[$((stringify!($proof), |lab| Box::pin($proof(lab)))),+],
        };
    };
}
pub(crate) use topic;

/// How tests ended; the process in the lab hands it to the one outside.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) passed: usize,
    /// Names and reasons.
    pub(crate) failures: Vec<(String, String)>,
    pub(crate) filtered_out: usize,
}

/// What is to be run.
#[derive(Debug)]
pub(crate) struct Selection {
    chosen: BTreeMap<Lane, Vec<Chosen>>,
    filtered_out: usize,
}

#[derive(Debug)]
struct Chosen {
    name: String,
    proof: Proof,
    shares: bool,
}

impl Selection {
    /// Those whose `topic::name` contains one of the filters; without any, all.
    pub(crate) fn of(topics: impl IntoIterator<Item = &'static Topic>, filters: &[String]) -> Self {
        let mut selection = Self {
            chosen: BTreeMap::new(),
            filtered_out: 0,
        };
        for topic in topics {
            for (name, proof) in topic.proofs {
                let name = format!("{}::{name}", topic.name);
                if matches(&name, filters) {
                    let lane = selection.chosen.entry(topic.lane).or_default();
                    lane.push(Chosen {
                        name,
                        proof: *proof,
                        shares: topic.share,
                    });
                } else {
                    selection.filtered_out += 1;
                }
            }
        }
        selection
    }

    /// Runs them, saying how each ended.
    pub(crate) async fn run(self, lab: &Arc<Lab>) -> Report {
        let count: usize = self.chosen.values().map(Vec::len).sum();
        println!("\nrunning {count} tests");
        let report = Mutex::new(Report {
            filtered_out: self.filtered_out,
            ..Report::default()
        });
        let lanes = self.chosen.into_values().map(|mut lane| {
            // Nobody then has to take the shared install away.
            lane.sort_by_key(|one| one.shares);
            run_lane(lane, lab, &report)
        });
        futures::future::join_all(lanes).await;
        lab.standing.forget().await;
        report.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run_lane(proofs: Vec<Chosen>, lab: &Arc<Lab>, report: &Mutex<Report>) {
    for Chosen { name, proof, .. } in proofs {
        let started = Instant::now();
        // A thread of its own, so that a panic ends it alone.
        let (runtime, lab) = (tokio::runtime::Handle::current(), Arc::clone(lab));
        let run = move || runtime.block_on(proof(lab));
        let result = match tokio::task::spawn_blocking(run).await {
            Ok(result) => result,
            Err(error) => Err(panicked(error)),
        };
        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
        report.add(&name, started.elapsed(), result);
    }
}

impl Report {
    /// Says how a test ended.
    pub(crate) fn add(&mut self, name: &str, took: Duration, result: Result<()>) {
        let took = took.as_secs_f32();
        let word = if result.is_ok() { "ok" } else { "FAILED" };
        println!("test {name} ... {word} ({took:.1} s)");
        match result {
            Ok(()) => self.passed += 1,
            Err(error) => self.failures.push((name.to_owned(), format!("{error:#}"))),
        }
    }

    /// The reasons of the failures, and the closing line; `true` when all passed.
    pub(crate) fn close(&self, took: Duration) -> bool {
        if !self.failures.is_empty() {
            println!("\nfailures:");
            for (name, error) in &self.failures {
                println!("\n---- {name} ----\n{error}");
            }
            println!("\nfailures:");
            for (name, _) in &self.failures {
                println!("    {name}");
            }
        }
        let passed = self.failures.is_empty();
        println!(
            "\ntest result: {}. {} passed; {} failed; 0 ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
            if passed { "ok" } else { "FAILED" },
            self.passed,
            self.failures.len(),
            self.filtered_out,
            took.as_secs_f32(),
        );
        passed
    }
}

/// Whether a name contains one of the filters; without any, it does.
pub(crate) fn matches(name: &str, filters: &[String]) -> bool {
    filters.is_empty() || filters.iter().any(|filter| name.contains(filter))
}

/// Where it panicked was already written to stderr.
fn panicked(error: tokio::task::JoinError) -> anyhow::Error {
    let Ok(payload) = error.try_into_panic() else {
        return anyhow!("the proof was cancelled");
    };
    anyhow!("panicked: {}", text(&*payload))
}

fn text(payload: &(dyn Any + Send)) -> &str {
    let owned = payload.downcast_ref::<String>().map(String::as_str);
    owned
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("without a word")
}
