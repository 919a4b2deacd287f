//! Runs proofs, one after another, and says how they ended as `cargo test` does. Not libtest: that
//! knows no end of all tests, at which the lab must be stopped.

use std::any::Any;
use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::lab::Lab;

/// One proof: fails by an error or a panic.
pub(crate) type Proof = fn(Arc<Lab>) -> BoxFuture<'static, Result<()>>;

/// The proofs of one file, which stands under `tests/lab/proofs`.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: &'static str,
    pub(crate) proofs: &'static [(&'static str, Proof)],
}

/// `topic!(node: a_pod_runs, a_service_answers);` names the proofs of a file: `async fn(Arc<Lab>) -> Result<()>`.
macro_rules! topic {
    ($topic:ident: $($proof:ident),+ $(,)?) => {
        pub(crate) const TOPIC: $crate::harness::Topic = $crate::harness::Topic {
            name: stringify!($topic),
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
    chosen: Vec<(String, Proof)>,
    filtered_out: usize,
}

impl Selection {
    /// Those whose `topic::name` contains one of the filters; without any, all.
    pub(crate) fn of(topics: &[Topic], filters: &[String]) -> Self {
        let mut selection = Self {
            chosen: Vec::new(),
            filtered_out: 0,
        };
        for topic in topics {
            for (name, proof) in topic.proofs {
                let name = format!("{}::{name}", topic.name);
                if matches(&name, filters) {
                    selection.chosen.push((name, *proof));
                } else {
                    selection.filtered_out += 1;
                }
            }
        }
        selection
    }

    /// Runs them, saying how each ended.
    pub(crate) async fn run(self, lab: &Arc<Lab>) -> Report {
        let mut report = Report {
            filtered_out: self.filtered_out,
            ..Report::default()
        };
        println!("\nrunning {} tests", self.chosen.len());
        for (name, proof) in self.chosen {
            print!("test {name} ... ");
            std::io::stdout().flush().ok();
            let started = Instant::now();
            // A task of its own, so that a panic ends it alone.
            let result = match tokio::spawn(proof(Arc::clone(lab))).await {
                Ok(result) => result,
                Err(error) => Err(panicked(error)),
            };
            report.add(&name, started.elapsed(), result);
        }
        report
    }
}

impl Report {
    /// Ends the line that began with the name of a test.
    pub(crate) fn add(&mut self, name: &str, took: Duration, result: Result<()>) {
        let took = took.as_secs_f32();
        match result {
            Ok(()) => {
                println!("ok ({took:.1} s)");
                self.passed += 1;
            }
            Err(error) => {
                println!("FAILED ({took:.1} s)");
                self.failures.push((name.to_owned(), format!("{error:#}")));
            }
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
