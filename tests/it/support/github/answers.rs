//! The forms of GitHub's answers.

use http::{Response, StatusCode};
use hyper::body::Bytes;
use serde_json::json;

pub(super) use crate::support::https::{empty, json};

/// `{"message": …}` with the link that GitHub adds.
pub(super) fn message(status: StatusCode, text: &str) -> Response<Bytes> {
    json(
        status,
        &json!({ "message": text, "documentation_url": "https://docs.github.com/rest", "status": status.as_str() }),
    )
}

pub(super) fn not_found() -> Response<Bytes> {
    message(StatusCode::NOT_FOUND, "Not Found")
}

pub(super) fn ok(body: &serde_json::Value) -> Response<Bytes> {
    json(StatusCode::OK, body)
}

/// An error of the scale-set service.
pub(super) fn failure(status: StatusCode, exception: &str, message: &str) -> Response<Bytes> {
    json(
        status,
        &json!({ "typeName": format!("GitHub.Actions.Runtime.WebApi.{exception}"), "message": message }),
    )
}
