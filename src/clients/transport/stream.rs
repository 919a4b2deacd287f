//! Bodies of any size, piece by piece: read, or sent on to another server as they come. Nothing of them is kept.

use std::convert::Infallible;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use http_body_util::Channel;
use tokio::time::timeout;

use super::{Exchange, Http, LARGEST_BODY, Reply, WRITES, fail};
use crate::clients::cause::Cause;

/// The longest that one layer may take, whatever its size: what stands still ends long before.
const LONGEST: Duration = Duration::from_hours(6);
/// Pieces on their way from one server to the other.
const UNDER_WAY: usize = 8;

/// An answer whose body has not been read.
#[derive(Debug)]
pub struct Opened {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    response: reqwest::Response,
    patience: Duration,
}

impl Opened {
    /// The next piece of the body; None behind the last.
    ///
    /// # Errors
    /// The connection broke, or nothing came within the time for an answer.
    pub async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, Cause> {
        let piece = timeout(self.patience, self.response.chunk()).await;
        piece.map_err(|_| Cause::TimedOut)?.map_err(fail)
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The whole answer; of the body at most 8 MiB.
    pub async fn read(mut self) -> Result<Reply, Cause> {
        let mut body = Vec::new();
        while let Some(piece) = self.next().await? {
            body.extend_from_slice(piece.as_ref());
            if body.len() > LARGEST_BODY {
                return Err(Cause::Other("the answer is too large".to_owned()));
            }
        }
        Ok(Reply {
            status: self.status,
            headers: self.headers,
            body,
        })
    }
}

impl Http {
    /// Sends a request without a body, once, and returns as soon as the answer begins.
    pub async fn open(&self, exchange: &Exchange) -> Result<Opened, Cause> {
        let patience = self.route.timeouts.answer;
        let sent = self.request(exchange).timeout(LONGEST).send();
        let response = timeout(patience, sent).await;
        let response = response.map_err(|_| Cause::TimedOut)?.map_err(fail)?;
        self.reached.note(response.url(), true);
        tracing::debug!(method = %exchange.method, url = %exchange.url, status = response.status().as_u16(), "opened");
        Ok(Opened {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            response,
            patience,
        })
    }

    /// Sends a request whose body, of `size` bytes, is that of an answer, as it comes.
    ///
    /// # Errors
    /// Either connection broke, or either side stood still for the time of an answer.
    pub async fn relay(
        &self,
        exchange: &Exchange,
        mut source: Opened,
        size: u64,
    ) -> Result<Reply, Cause> {
        let patience = self.route.timeouts.answer;
        let (mut pieces, body) = Channel::<_, Infallible>::new(UNDER_WAY);
        let request = self.request(exchange).timeout(LONGEST);
        let request = request.header(header::CONTENT_LENGTH, HeaderValue::from(size));
        let answer = async move {
            let response = request.body(reqwest::Body::wrap(body)).send().await;
            let response = response.map_err(fail)?;
            Ok(Opened {
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                response,
                patience,
            })
        };
        let pump = async move {
            loop {
                let piece = timeout(patience, source.response.chunk()).await;
                let Some(piece) = piece.map_err(|_| Cause::TimedOut)?.map_err(fail)? else {
                    return Ok(());
                };
                match timeout(patience, pieces.send_data(piece)).await {
                    Err(_) => return Err(Cause::TimedOut),
                    // The other side has answered before the end: what it says counts.
                    Ok(Err(_)) => return Ok(()),
                    Ok(Ok(())) => {}
                }
            }
        };
        let mut answer = Box::pin(answer);
        let opened = tokio::select! {
            opened = &mut answer => opened,
            pumped = pump => {
                pumped?;
                let last = timeout(patience * WRITES, &mut answer).await;
                last.map_err(|_| Cause::TimedOut)?
            }
        };
        let reply = opened?.read().await?;
        tracing::debug!(method = %exchange.method, url = %exchange.url, status = reply.status, "relayed");
        Ok(reply)
    }
}
