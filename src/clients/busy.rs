//! A server outside that has too much to do (429): it is asked again when it says, as long as there is patience, and
//! nobody waits for one for which somebody else waited in vain.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::Url;

/// The first wait where the server names none; each further one is twice as long.
const USUAL: Duration = Duration::from_secs(1);
/// The shortest and the longest wait.
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(30);
/// Waits of one request.
const MOST_WAITS: u32 = 3;

/// The servers that stayed busy for a whole patience; shared by clones.
#[derive(Debug, Clone, Default)]
pub(super) struct Busy(Arc<Mutex<BTreeSet<String>>>);

impl Busy {
    /// How long to wait after a 429 to a request that waited so many times; None: no longer.
    pub(super) fn wait(&self, url: &str, headers: &HeaderMap, waits: u32) -> Option<Duration> {
        let url = Url::parse(url).ok()?;
        let port = url.port_or_known_default().unwrap_or_default();
        let server = format!("{}:{port}", url.host_str()?);
        let mut busy = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if busy.contains(&server) {
            return None;
        }
        let wait = told(headers).unwrap_or(USUAL * 2_u32.pow(waits.min(MOST_WAITS)));
        // What takes longer than all waits together is waited for in vain.
        if waits < MOST_WAITS && wait <= LONGEST * MOST_WAITS {
            return Some(wait.clamp(SHORTEST, LONGEST));
        }
        busy.insert(server);
        None
    }
}

/// What the server says: seconds, or a date, which is of its own clock.
fn told(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let told = text(header::RETRY_AFTER)?.trim();
    if let Ok(seconds) = told.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let wait = date(told)?.duration_since(date(text(header::DATE)?.trim())?);
    Some(Duration::try_from(wait).unwrap_or_default())
}

fn date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use http::{HeaderValue, Method};
    use tokio::time::Instant;

    use super::*;
    use crate::clients::cause::Cause;
    use crate::clients::stand_in::{Authority, route};
    use crate::clients::transport::{Exchange, Http, Reply};

    const URL: &str = "https://registry.corp/v2/a/manifests/1";
    const NOON: &str = "Fri, 27 Nov 2026 12:00:00 GMT";

    fn http() -> Http {
        let authority = Authority::new();
        let nowhere = ([127, 0, 0, 1], 1).into();
        route(&[&authority.root], nowhere, None).client().unwrap()
    }

    /// The status in the end, the seconds until then, and how often was asked, of a server that is busy so many times.
    async fn asked(
        http: &Http,
        method: Method,
        headers: &[(HeaderName, &'static str)],
        busy: u64,
    ) -> (u16, u64, u64) {
        let (count, start) = (Cell::new(0), Instant::now());
        let answer = || {
            count.set(count.get() + 1);
            let headers = headers.iter().cloned();
            let reply = Reply {
                status: if count.get() > busy { 200 } else { 429 },
                headers: headers
                    .map(|(name, text)| (name, HeaderValue::from_static(text)))
                    .collect(),
                body: Vec::new(),
            };
            async { Ok::<_, Cause>(reply) }
        };
        let reply = http.repeated(&Exchange::new(method, URL), answer).await;
        let seconds = start.elapsed().as_secs();
        (reply.unwrap().status, seconds, count.get())
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_server_is_asked_again_when_it_says() {
        let after = |text| (header::RETRY_AFTER, text);
        let now = (header::DATE, NOON);
        let later = after("Fri, 27 Nov 2026 12:00:20 GMT");
        for (headers, busy, expected) in [
            (vec![], 1, (200, 1, 2)),
            (vec![], 3, (200, 7, 4)),
            (vec![after("12")], 2, (200, 24, 3)),
            (vec![after("60")], 2, (200, 60, 3)),
            (vec![later.clone(), now], 1, (200, 20, 2)),
            // Of a date alone nobody knows how far it is.
            (vec![later], 1, (200, 1, 2)),
            (vec![after("soon")], 1, (200, 1, 2)),
        ] {
            let found = asked(&http(), Method::HEAD, &headers, busy).await;
            assert_eq!(found, expected, "{headers:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_and_nobody_else_has_it_for_that_server() {
        let thirty = [(header::RETRY_AFTER, "30")];
        let one = http();
        assert_eq!(asked(&one, Method::GET, &thirty, 9).await, (429, 90, 4));
        let other = one.clone();
        assert_eq!(asked(&other, Method::GET, &thirty, 9).await, (429, 0, 1));
        // An hour is not waited for, and what writes is never sent again.
        let hour = [(header::RETRY_AFTER, "3600")];
        assert_eq!(asked(&http(), Method::GET, &hour, 9).await, (429, 0, 1));
        assert_eq!(asked(&http(), Method::POST, &thirty, 9).await, (429, 0, 1));
    }
}
