//! Events to a person: a spinner on a terminal, lines and heartbeats without one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::event::{Event, Outcome};
use crate::ui::output;
use crate::ui::terminal::{Style, Terminal};

/// How often a pipe is told that work goes on.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Shows events on stderr until dropped.
#[derive(Debug)]
pub struct Progress {
    terminal: Terminal,
    quiet: bool,
    verbose: bool,
    bar: ProgressBar,
    now: Arc<Mutex<Now>>,
    beat: Option<tokio::task::JoinHandle<()>>,
}

/// What is going on at this moment, for the heartbeat.
#[derive(Debug, Default)]
struct Now {
    text: String,
    since: Option<Instant>,
    unchanged: usize,
    /// Objects that a wait was told of.
    waited: BTreeSet<String>,
}

impl Progress {
    /// Starts showing. `quiet` shows nothing at all, `verbose` every object. Must be called within a tokio runtime.
    pub fn start(terminal: Terminal, quiet: bool, verbose: bool) -> Self {
        let animated = terminal.animated && !quiet;
        let bar = ProgressBar::new_spinner();
        bar.set_draw_target(if animated {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>3} {wide_msg}") {
            bar.set_style(style);
        }
        let now = Arc::new(Mutex::new(Now::default()));
        let beat = (!animated && !quiet).then(|| tokio::spawn(heartbeat(Arc::clone(&now))));
        if animated {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Self {
            terminal,
            quiet,
            verbose,
            bar,
            now,
            beat,
        }
    }

    /// Takes one event.
    pub fn tell(&self, event: &Event) {
        if self.quiet {
            return;
        }
        match event {
            Event::Stage { title } => self.line_when_plain(title),
            Event::Wave { number, of, title } => self.line(&format!("[{number}/{of}] {title}")),
            Event::Object {
                object,
                outcome: Outcome::Unchanged,
            } => {
                self.set(object.to_string());
                self.lock().unchanged += 1;
            }
            // The plan has named them all; a removal and a wait are news.
            Event::Object { object, outcome } if !self.verbose => {
                self.set(format!("{} {object}", mark(*outcome)));
            }
            Event::Object { object, outcome } => {
                self.line(&format!("  {} {object}", mark(*outcome)));
            }
            Event::Waiting { object, reason } => {
                let text = format!("waiting for {object}: {reason}");
                if self.lock().text != text {
                    self.line_when_plain(&text);
                }
                self.lock().waited.insert(object.to_string());
                self.set(text);
            }
            Event::Ready { object } => {
                if self.lock().waited.remove(&object.to_string()) || self.verbose {
                    self.line(&format!(
                        "  {} {object} is ready",
                        self.terminal.paint(Style::Green, "✓")
                    ));
                }
            }
            Event::Proven { object, proof } => self.line(&format!(
                "  {} {object}: {proof}",
                self.terminal.paint(Style::Green, "✓")
            )),
            Event::Note { text } => self.line(&format!(
                "  {} {text}",
                self.terminal.paint(Style::Yellow, "note:")
            )),
        }
    }

    /// Says what the program does now.
    pub fn stage(&self, title: &str) {
        self.tell(&Event::Stage {
            title: title.to_owned(),
        });
    }

    /// Runs something that needs the terminal for itself, such as a question.
    pub fn suspended<T>(&self, work: impl FnOnce() -> T) -> T {
        self.bar.suspend(work)
    }

    /// Takes the spinner away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Shows a line above the spinner.
    pub fn line(&self, text: &str) {
        self.bar.suspend(|| output::talk(text));
        self.set(text.trim().to_owned());
    }

    /// The same, unless nothing is shown at all.
    pub fn told(&self, text: &str) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// [`Progress::told`] for somebody who outlives it.
    pub fn talker(&self) -> impl Fn(&str) + Send + Sync + use<> {
        let (bar, quiet) = (self.bar.clone(), self.quiet);
        move |text| {
            if !quiet {
                bar.suspend(|| output::talk(text));
            }
        }
    }

    fn line_when_plain(&self, text: &str) {
        if self.beat.is_some() {
            output::talk(text);
        }
        self.set(text.to_owned());
    }

    fn set(&self, text: String) {
        self.bar.set_message(text.clone());
        let mut now = self.lock();
        now.text = text;
        now.since = Some(Instant::now());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(beat) = &self.beat {
            beat.abort();
        }
        self.bar.finish_and_clear();
    }
}

const fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created => "+",
        Outcome::Changed => "~",
        Outcome::Unchanged => "=",
        Outcome::Kept => "kept",
        Outcome::Deleted => "-",
    }
}

/// Says every 15 seconds what is going on, so that a CI log never looks dead.
async fn heartbeat(now: Arc<Mutex<Now>>) {
    let mut ticks = tokio::time::interval(HEARTBEAT);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let line = {
            let now = now.lock().unwrap_or_else(PoisonError::into_inner);
            let seconds = now.since.map_or(0, |since| since.elapsed().as_secs());
            format!("… {} ({seconds} s)", now.text)
        };
        output::talk(&line);
    }
}
