//! One request: sent, waited for, tried again where the server asks for it, warnings read.

use std::time::Duration;

use ::kube::client::Body;
use http::{HeaderMap, Method, Request, header};
use http_body_util::BodyExt as _;
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::patience::{Next, repeatable};
use super::query::Path;
use super::{Cluster, ClusterError};
use crate::clients::cause::{self, Cause};

/// Longest wait for an answer's head or body; the API server itself gives up after 60 s.
const ANSWER: Duration = Duration::from_secs(65);

/// A request that can be sent more than once.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: Path,
    pub(super) accept: &'static str,
    /// Media type and body.
    pub(super) body: Option<(&'static str, Vec<u8>)>,
    /// Most bytes of an answer ([`ClusterError::TooLarge`]).
    pub(super) largest: Option<usize>,
}

impl Call {
    pub(super) fn get(path: Path) -> Self {
        Self {
            method: Method::GET,
            path,
            accept: "application/json",
            body: None,
            largest: None,
        }
    }

    pub(super) fn with_body(
        method: Method,
        path: Path,
        media_type: &'static str,
        body: &(impl Serialize + ?Sized),
    ) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self::with_bytes(method, path, media_type, body)
    }

    pub(super) fn with_bytes(
        method: Method,
        path: Path,
        media_type: &'static str,
        body: Vec<u8>,
    ) -> Self {
        Self {
            method,
            path,
            accept: "application/json",
            body: Some((media_type, body)),
            largest: None,
        }
    }

    fn request(&self) -> Result<Request<Vec<u8>>, ClusterError> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.path.as_str())
            .header(header::ACCEPT, self.accept);
        if let Some((media_type, _)) = &self.body {
            request = request.header(header::CONTENT_TYPE, *media_type);
        }
        let body = self
            .body
            .as_ref()
            .map(|(_, body)| body.clone())
            .unwrap_or_default();
        request.body(body).map_err(|error| ClusterError::Other {
            status: None,
            message: format!("no request can be made of this object's name: {error}"),
        })
    }
}

/// An answer of success.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) value: Value,
    pub(super) text: String,
    pub(super) warnings: Vec<String>,
}

impl Cluster {
    /// Sends `call` and reads its answer as JSON.
    pub(super) async fn call(&self, call: Call) -> Result<Answer, ClusterError> {
        let mut answer = self.call_text(call).await?;
        answer.value = serde_json::from_str(&answer.text).map_err(|error| ClusterError::Other {
            status: None,
            message: format!("the answer is no JSON: {error}"),
        })?;
        Ok(answer)
    }

    /// Sends `call` and reads its answer as text; what is no UTF-8 is replaced, as a log may hold anything.
    pub(super) async fn call_text(&self, call: Call) -> Result<Answer, ClusterError> {
        let start = Instant::now();
        let mut attempt: u32 = 0;
        loop {
            let (status, headers, body) = match self.send_once(&call).await {
                Ok(answer) => answer,
                // A server that is rolled, or a load balancer, hung up: once more, over a new connection.
                Err(Broken::Connection(Cause::Closed))
                    if attempt == 0 && repeatable(&call.method) =>
                {
                    attempt += 1;
                    continue;
                }
                Err(broken) => return Err(broken.into()),
            };
            if status < 400 {
                let warnings = warnings(&headers);
                let text = String::from_utf8(body)
                    .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
                return Ok(Answer {
                    value: Value::Null,
                    text,
                    warnings,
                });
            }
            attempt += 1;
            let elapsed = start.elapsed();
            match self
                .patience
                .next(status, &headers, &call.method, attempt, elapsed)
            {
                Next::Wait(wait) => {
                    if !self.patience.pause(wait).await {
                        return Err(ClusterError::from_answer(status, &body));
                    }
                }
                Next::TooLong(wait) => {
                    return Err(ClusterError::from_answer(status, &body).comes_back_in(wait));
                }
                Next::End => return Err(ClusterError::from_answer(status, &body)),
            }
        }
    }

    async fn send_once(&self, call: &Call) -> Result<(u16, HeaderMap, Vec<u8>), Broken> {
        let request = call.request().map_err(Broken::Answer)?.map(Body::from);
        let start = Instant::now();
        let exchange = async {
            let response = self
                .client
                .send(request)
                .await
                .map_err(|error| Broken::of(&error))?;
            let (parts, body) = response.into_parts();
            let body = whole(body, call.largest).await?;
            let took = start.elapsed();
            // Bodies and headers stay out of the log: both can hold secrets.
            tracing::debug!(method = %call.method, path = call.path.as_str(), status = parts.status.as_u16(), ?took, "cluster");
            Ok((parts.status.as_u16(), parts.headers, body))
        };
        timeout(ANSWER, exchange).await.unwrap_or_else(|_| {
            let message = format!("no answer within {} s", ANSWER.as_secs());
            Err(Broken::Answer(ClusterError::Unreachable { message }))
        })
    }
}

/// Reads a body to its end, or until it is larger than it may be: the rest is not sent then.
async fn whole(mut body: Body, largest: Option<usize>) -> Result<Vec<u8>, Broken> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Broken::of(&error))?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        bytes.extend_from_slice(&piece);
        if let Some(largest) = largest.filter(|largest| bytes.len() > *largest) {
            let message = format!("the answer is larger than {largest} bytes");
            return Err(Broken::Answer(ClusterError::TooLarge { message }));
        }
    }
    Ok(bytes)
}

/// Why no answer came.
enum Broken {
    Connection(Cause),
    Answer(ClusterError),
}

impl Broken {
    fn of(error: &::kube::Error) -> Self {
        match error {
            ::kube::Error::Api(status) => {
                let value = serde_json::to_value(status).unwrap_or_default();
                Self::Answer(ClusterError::from_status(status.code, &value))
            }
            other => Self::Connection(cause::of(other)),
        }
    }
}

impl From<Broken> for ClusterError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Answer(error) => error,
            Broken::Connection(Cause::Login(message)) => Self::Unauthorized { message },
            Broken::Connection(cause) => Self::Unreachable {
                message: cause.to_string(),
            },
        }
    }
}

/// Names the cause of a request that got no answer. Of what a login plugin printed, only the last line of its
/// standard error is repeated.
pub(super) fn unreachable(error: &::kube::Error) -> ClusterError {
    Broken::of(error).into()
}

/// The texts of the headers `Warning: 299 - "text"` (RFC 7234 section 5.5), in order, without repetition.
fn warnings(headers: &HeaderMap) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for value in headers.get_all(header::WARNING) {
        let Some(rest) = value
            .to_str()
            .ok()
            .and_then(|value| value.trim().strip_prefix("299 "))
        else {
            continue;
        };
        let Some((_, quoted)) = rest.split_once('"') else {
            continue;
        };
        let mut text = String::new();
        let mut characters = quoted.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => text.extend(characters.next()),
                other => text.push(other),
            }
        }
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn warnings_are_unquoted_and_said_once() {
        let mut headers = HeaderMap::new();
        for value in [
            r#"299 - "would violate \"restricted\"""#,
            r#"299 - "would violate \"restricted\"""#,
            "110 - stale",
        ] {
            headers.append(header::WARNING, HeaderValue::from_static(value));
        }
        assert_eq!(warnings(&headers), [r#"would violate "restricted""#]);
    }
}
