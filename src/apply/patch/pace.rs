//! How many patches are on their way at the same time: as many as the server takes without letting each wait for the
//! others.
//!
//! A server far away is kept busy only by several; one whose processors are busy takes longer for each the more there
//! are, and longer for all. The measure is how long an answer takes beside the fastest one (the gradient of Netflix's
//! concurrency limits).

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// More are never on their way: more make an API server slower, as measured on one with two processors.
const MOST: u32 = 8;
/// Fewer are never on their way: so many keep a server busy with its own.
const LEAST: u32 = 4;
/// Answers after which the fastest one is found anew: a server changes.
const WINDOW: u32 = 500;
/// How much one answer counts in the average.
const WEIGHT: f64 = 0.1;

/// Lets so many through at once.
#[derive(Debug)]
pub(super) struct Pace {
    turns: Semaphore,
    state: Mutex<State>,
}

/// The right to send one.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pace: &'a Pace,
    permit: Option<SemaphorePermit<'a>>,
}

#[derive(Debug)]
struct State {
    limit: f64,
    /// Turns that there are.
    turns: u32,
    /// Seconds: the fastest answer, the fastest of this window, the average.
    fastest: f64,
    fastest_of_window: f64,
    average: f64,
    answers: u32,
}

impl Pace {
    pub(super) fn new() -> Self {
        let state = State::new();
        Self {
            turns: Semaphore::new(LEAST as usize),
            state: Mutex::new(state),
        }
    }

    /// Waits for its turn.
    pub(super) async fn turn(&self) -> Turn<'_> {
        Turn {
            pace: self,
            // It is never closed.
            permit: self.turns.acquire().await.ok(),
        }
    }
}

impl Turn<'_> {
    /// Sends, and learns from how long an answer took; from a refusal nothing, which takes no writing.
    pub(super) async fn send<T, E>(
        self,
        request: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let begun = Instant::now();
        let answer = request.await;
        if answer.is_ok() {
            self.learn(begun.elapsed().as_secs_f64());
        }
        answer
    }

    fn learn(self, seconds: f64) {
        let Self { pace, permit } = self;
        let mut state = pace.state.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = state.answered(seconds);
        if wanted > state.turns {
            pace.turns.add_permits((wanted - state.turns) as usize);
            state.turns = wanted;
        } else if wanted < state.turns
            && let Some(permit) = permit
        {
            permit.forget();
            state.turns -= 1;
        }
    }
}

impl State {
    fn new() -> Self {
        Self {
            limit: LEAST.into(),
            turns: LEAST,
            fastest: f64::INFINITY,
            fastest_of_window: f64::INFINITY,
            average: 0.0,
            answers: 0,
        }
    }

    /// Takes an answer into account that took so many seconds; how many may be on their way from now on.
    fn answered(&mut self, seconds: f64) -> u32 {
        // What took no time at all is no measure.
        let seconds = seconds.max(1e-6);
        self.answers += 1;
        self.average = match self.answers {
            1 => seconds,
            _ => self.average + WEIGHT * (seconds - self.average),
        };
        self.fastest = self.fastest.min(seconds);
        self.fastest_of_window = self.fastest_of_window.min(seconds);
        if self.answers.is_multiple_of(WINDOW) {
            self.fastest = self.fastest_of_window;
            self.fastest_of_window = f64::INFINITY;
        }
        let gradient = (self.fastest / self.average).clamp(0.5, 1.0);
        let wanted = self.limit * gradient + self.limit.sqrt();
        self.limit += WEIGHT * (wanted - self.limit);
        self.limit = self.limit.clamp(LEAST.into(), MOST.into());
        let fits = |turns: &u32| f64::from(*turns) <= self.limit + 0.5;
        (LEAST..=MOST).rev().find(fits).unwrap_or(LEAST)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::future::join_all;

    use super::*;

    /// How many are on their way in the end, where the first answer takes `first` seconds and each later one what
    /// `seconds` says of so many at once.
    fn settled(first: f64, seconds: impl Fn(f64) -> f64) -> u32 {
        let mut state = State::new();
        state.turns = state.answered(first);
        for _ in 0..WINDOW - 2 {
            state.turns = state.answered(seconds(state.turns.into()));
        }
        state.turns
    }

    #[test]
    fn a_server_far_away_gets_more_at_once_than_a_busy_one() {
        assert_eq!(settled(0.05, |_| 0.05), MOST);
        assert_eq!(settled(0.05, |turns| 0.05 + 0.0005 * turns), MOST);
        // Two processors, each of which needs 5 ms.
        let busy = settled(0.005, |turns| 0.0025 * turns);
        assert!(busy <= LEAST + 1, "{busy}");
    }

    #[tokio::test(start_paused = true)]
    async fn turns_grow_and_shrink_with_the_answers() {
        let pace = Pace::new();
        let send = async |millis| {
            let answer = async {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                Ok::<_, ()>(())
            };
            pace.turn().await.send(answer).await
        };
        join_all((0..100).map(|_| send(10))).await;
        assert_eq!(pace.turns.available_permits(), MOST as usize);
        join_all((0..100).map(|_| send(100))).await;
        assert_eq!(pace.turns.available_permits(), LEAST as usize);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_learned_from_a_refusal_and_its_turn_comes_back() {
        let pace = Pace::new();
        for _ in 0..100 {
            let refused: Result<(), ()> = pace.turn().await.send(async { Err(()) }).await;
            assert!(refused.is_err());
        }
        assert_eq!(pace.state.lock().unwrap().answers, 0);
        assert_eq!(pace.turns.available_permits(), LEAST as usize);
    }
}
