//! A server that has too much to do says how long to stay away: it is obeyed as long as there is patience, and whoever
//! watches is told.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method, header};
use tokio::time::{Instant, sleep};

use crate::clients::interrupt::Interrupt;

/// How long a request waits for a busy server, where nobody says otherwise.
const USUAL: Duration = Duration::from_mins(1);
/// Shorter waits are not worth a word.
const WORTH_A_WORD: Duration = Duration::from_secs(2);
/// How often 503 and 504 are asked again: nobody knows whether that helps.
const MOST_BREAKS: u32 = 4;

/// Takes how long the next wait is.
type Tell = Arc<dyn Fn(Duration) + Send + Sync>;

/// How long each request waits for a busy server, and who is told. Clones tell as one.
#[derive(Clone)]
pub(super) struct Patience {
    /// All waits of one request together.
    longest: Duration,
    tell: Option<Tell>,
    interrupt: Interrupt,
    /// What was told already: several requests wait at the same time.
    told: Arc<Mutex<Option<Instant>>>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            longest: USUAL,
            tell: None,
            interrupt: Interrupt::never(),
            told: Arc::default(),
        }
    }
}

/// What an answer of failure means for the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Again, after this wait.
    Wait(Duration),
    /// Not again: the server wants a longer wait than there is patience for.
    TooLong(Duration),
    /// Not again.
    End,
}

impl Patience {
    pub(super) fn new(
        longest: Duration,
        interrupt: Interrupt,
        tell: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Self {
        Self {
            longest: longest.max(USUAL),
            tell: Some(Arc::new(tell)),
            interrupt,
            told: Arc::default(),
        }
    }

    /// Decides after the answer number `attempt` to a request that was first sent `elapsed` ago.
    pub(super) fn next(
        &self,
        status: u16,
        headers: &HeaderMap,
        method: &Method,
        attempt: u32,
        elapsed: Duration,
    ) -> Next {
        let may_repeat = match status {
            // Nothing was done, so every method may be repeated.
            429 => true,
            503 | 504 => repeatable(method) && attempt <= MOST_BREAKS,
            _ => false,
        };
        if !may_repeat {
            return Next::End;
        }
        let wait = wait(headers, attempt);
        if elapsed.saturating_add(wait) <= self.longest {
            Next::Wait(wait)
        } else if wait > self.longest {
            Next::TooLong(wait)
        } else {
            Next::End
        }
    }

    /// Waits, and tells of it; false where somebody stops the run meanwhile.
    pub(super) async fn pause(&self, wait: Duration) -> bool {
        self.tell(wait);
        tokio::select! {
            biased;
            _ = self.interrupt.requested() => false,
            () = sleep(wait) => true,
        }
    }

    /// Tells of a wait that begins now.
    fn tell(&self, wait: Duration) {
        let Some(tell) = self.tell.as_ref().filter(|_| wait >= WORTH_A_WORD) else {
            return;
        };
        let until = Instant::now() + wait;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| until > told + WORTH_A_WORD) {
            *told = Some(until);
            tell(wait);
        }
    }
}

/// Reads; and patches, which bring an object to the same state when they are sent twice.
pub(super) fn repeatable(method: &Method) -> bool {
    method == Method::GET || method == Method::PATCH
}

/// As long as the server says, and longer each time it says the same again. A date in its place is read as nothing.
fn wait(headers: &HeaderMap, attempt: u32) -> Duration {
    let told = headers
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse::<u64>().ok())
        .map_or(Duration::ZERO, Duration::from_secs);
    let own = Duration::from_millis(250 << attempt.min(5));
    told.max(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn next(
        status: u16,
        method: &Method,
        attempt: u32,
        elapsed: u64,
        told: Option<&'static str>,
    ) -> Next {
        let mut headers = HeaderMap::new();
        if let Some(told) = told {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(told));
        }
        let patience = Patience::new(Duration::from_mins(5), Interrupt::never(), |_| {});
        patience.next(
            status,
            &headers,
            method,
            attempt,
            Duration::from_secs(elapsed),
        )
    }

    #[test]
    fn only_what_is_safe_is_repeated_and_never_without_end() {
        assert_eq!(next(503, &Method::POST, 1, 0, None), Next::End);
        assert!(matches!(next(503, &Method::GET, 1, 0, None), Next::Wait(_)));
        assert_eq!(next(503, &Method::GET, 5, 0, None), Next::End);
        assert_eq!(next(429, &Method::POST, 9, 300, Some("0")), Next::End);
        assert_eq!(next(500, &Method::GET, 1, 0, Some("1")), Next::End);
    }

    #[test]
    fn the_server_is_obeyed_as_long_as_there_is_patience() {
        let seconds = Duration::from_secs;
        assert_eq!(
            next(429, &Method::POST, 1, 0, Some("120")),
            Next::Wait(seconds(120))
        );
        assert_eq!(next(429, &Method::POST, 1, 200, Some("120")), Next::End);
        assert_eq!(
            next(429, &Method::POST, 1, 0, Some("3600")),
            Next::TooLong(seconds(3600))
        );
        // More than any clock can hold.
        assert_eq!(
            next(429, &Method::POST, 2, 1, Some("18446744073709551615")),
            Next::TooLong(seconds(u64::MAX))
        );
        // At least as long, and not at once where it says so again and again.
        assert_eq!(
            next(429, &Method::GET, 5, 0, Some("1")),
            Next::Wait(seconds(8))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_in_a_run_that_was_stopped() {
        let (sender, interrupt) = Interrupt::channel();
        let patience = Patience::new(Duration::ZERO, interrupt, |_| {});
        assert!(patience.pause(Duration::from_secs(5)).await);
        let start = Instant::now();
        let pause = patience.pause(Duration::from_mins(4));
        let (went_on, ()) = tokio::join!(pause, async { sender.send(true).unwrap() });
        assert!(!went_on && start.elapsed().is_zero());
    }

    #[tokio::test(start_paused = true)]
    async fn several_requests_that_wait_are_told_of_once() {
        let told: Arc<Mutex<Vec<Duration>>> = Arc::default();
        let seen = told.clone();
        let patience = Patience::new(Duration::ZERO, Interrupt::never(), move |wait| {
            seen.lock().unwrap().push(wait);
        });
        let seconds = Duration::from_secs;
        for wait in [seconds(1), seconds(30), seconds(30), seconds(31)] {
            patience.clone().tell(wait);
        }
        tokio::time::sleep(seconds(30)).await;
        patience.tell(seconds(5));
        assert_eq!(*told.lock().unwrap(), [seconds(30), seconds(5)]);
    }
}
