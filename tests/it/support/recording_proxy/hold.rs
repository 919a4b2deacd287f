//! Stops a client at one of its writes, as a cut cable would: the server has seen what came before, and nothing after.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Where a client is stopped: what comes after that write waits, and with [`Hold::Before`] so does the write itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// The server never sees the write of this number (from 1).
    Before(usize),
    /// The server does it, and the client never learns.
    After(usize),
}

/// The way to the server.
#[derive(Debug)]
pub(super) struct Gate {
    writes: Mutex<Writes>,
    /// All writes before the place are done.
    held: watch::Sender<bool>,
    state: watch::Sender<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    open: bool,
    /// Who waits for it to open is turned away when this has changed.
    epoch: usize,
}

/// Writes since the last hold.
#[derive(Debug, Default)]
struct Writes {
    hold: Option<Hold>,
    came: usize,
    /// Those that were let in.
    seen: usize,
    /// Passed on and not done yet.
    running: usize,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Passed,
    /// Passed on, and its answer is held.
    Unanswered,
    Held,
}

/// A request that is passed on.
#[derive(Debug)]
pub(super) struct Pass {
    fate: Fate,
    writes: bool,
    epoch: usize,
}

impl Default for Gate {
    fn default() -> Self {
        let open = State {
            open: true,
            epoch: 0,
        };
        Self {
            writes: Mutex::default(),
            held: watch::Sender::new(false),
            state: watch::Sender::new(open),
        }
    }
}

impl Gate {
    pub(super) fn hold(&self, at: Hold) {
        *self.writes() = Writes {
            hold: Some(at),
            ..Writes::default()
        };
        self.held.send_replace(false);
    }

    pub(super) async fn held(&self) {
        let mut held = self.held.subscribe();
        held.wait_for(|held| *held).await.ok();
    }

    pub(super) fn is_held(&self) -> bool {
        *self.held.borrow()
    }

    pub(super) fn came(&self) -> usize {
        self.writes().came
    }

    pub(super) fn release(&self) {
        self.writes().hold = None;
        self.state.send_modify(|state| state.open = true);
    }

    pub(super) fn cut(&self) {
        self.writes().hold = None;
        self.state.send_modify(|state| {
            state.open = true;
            state.epoch += 1;
        });
    }

    /// Waits until a request may be passed on; None where that was cut.
    pub(super) async fn enter(&self, writes: bool) -> Option<Pass> {
        let epoch = self.state.borrow().epoch;
        if writes {
            self.writes().came += 1;
        }
        self.open(epoch).await?;
        let fate = if writes { self.begin() } else { Fate::Passed };
        if fate == Fate::Held {
            self.open(epoch).await?;
        }
        Some(Pass {
            fate,
            writes,
            epoch,
        })
    }

    /// Waits until a request that is done may be answered.
    pub(super) async fn leave(&self, pass: Pass) {
        if pass.writes && pass.fate != Fate::Held {
            self.end();
        }
        if pass.fate == Fate::Unanswered {
            self.open(pass.epoch).await;
        }
    }

    fn writes(&self) -> MutexGuard<'_, Writes> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Fate {
        let mut writes = self.writes();
        writes.seen += 1;
        let fate = match writes.hold {
            Some(Hold::Before(place)) if writes.seen >= place => Fate::Held,
            Some(Hold::After(place)) if writes.seen > place => Fate::Held,
            Some(Hold::After(place)) if writes.seen == place => Fate::Unanswered,
            _ => Fate::Passed,
        };
        if fate != Fate::Passed {
            self.state.send_modify(|state| state.open = false);
        }
        if fate == Fate::Held {
            self.held.send_replace(writes.running == 0);
        } else {
            writes.running += 1;
        }
        fate
    }

    fn end(&self) {
        let mut writes = self.writes();
        writes.running = writes.running.saturating_sub(1);
        let is_closed = !self.state.borrow().open;
        if is_closed && writes.running == 0 {
            self.held.send_replace(true);
        }
    }

    /// Waits until the way is open; None for who came before it was cut.
    async fn open(&self, epoch: usize) -> Option<()> {
        let mut state = self.state.subscribe();
        let is_decided = |state: &State| state.open || state.epoch != epoch;
        let state = state.wait_for(is_decided).await.ok()?;
        (state.epoch == epoch).then_some(())
    }
}
