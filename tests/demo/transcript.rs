//! What the demo prints: titles, commands, and how long each took.

use std::time::{Duration, Instant};

/// Counts the time since the demo began.
#[derive(Debug)]
pub(crate) struct Transcript(Instant);

impl Transcript {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// A new part of the demo.
    pub(crate) fn title(&self, text: &str) {
        println!("\n{:6.1} s  ── {text}", self.0.elapsed().as_secs_f64());
    }

    pub(crate) fn say(&self, text: &str) {
        println!("{:6.1} s  {text}", self.0.elapsed().as_secs_f64());
    }

    /// A command as one would type it.
    pub(crate) fn command(&self, words: &[&str]) {
        println!(
            "{:6.1} s  $ {}",
            self.0.elapsed().as_secs_f64(),
            words.join(" ")
        );
    }

    /// Output of a command, set apart.
    pub(crate) fn output(text: &str) {
        for line in text.lines() {
            println!("          {line}");
        }
    }

    pub(crate) fn took(&self, what: &str, duration: Duration) {
        self.say(&format!("{what} took {:.1} s", duration.as_secs_f64()));
    }
}
