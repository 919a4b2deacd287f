//! What an API server refuses, as a closed enum that stages match on instead of on texts.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::object::text_at;

/// Another field manager that holds a field.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FieldOwner {
    /// Its name: `kubectl-client-side-apply`, `helm`.
    pub manager: String,
    /// The field as the server writes it: `.spec.replicas`.
    pub field: String,
}

/// One reason of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FieldCause {
    /// The field: `spec.template.spec.containers[0].image`; may be empty.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// What went wrong between us and the API server. `message` is always the server's own text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(
    tag = "error",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum ClusterError {
    /// The object, its namespace or its kind is not there (404).
    #[error("{message}")]
    NotFound {
        /// The server's text.
        message: String,
    },
    /// Other managers hold fields, or the object moved on (409). `owners` is empty for the latter.
    #[error("{message}")]
    Conflict {
        /// The server's text.
        message: String,
        /// Who holds what.
        owners: Vec<FieldOwner>,
    },
    /// It is there already (409).
    #[error("{message}")]
    AlreadyExists {
        /// The server's text.
        message: String,
    },
    /// The login is missing or was not accepted (401).
    #[error("{message}")]
    Unauthorized {
        /// The server's text.
        message: String,
    },
    /// The user may not, or admission said no (403): rights, pod security, quota, policies.
    #[error("{message}")]
    Forbidden {
        /// The server's text.
        message: String,
    },
    /// The object is wrong (400, 422).
    #[error("{message}")]
    Invalid {
        /// The server's text.
        message: String,
        /// Field by field, where the server says so.
        causes: Vec<FieldCause>,
    },
    /// An admission webhook did not answer.
    #[error("{message}")]
    WebhookFailed {
        /// Its name: `mutate.runner.actions.summerwind.dev`.
        webhook: String,
        /// The server's text.
        message: String,
    },
    /// Still too many requests after waiting as told (429).
    #[error("{message}")]
    TooManyRequests {
        /// The server's text.
        message: String,
    },
    /// No answer came: name, connection, TLS, proxy, time.
    #[error("{message}")]
    Unreachable {
        /// The cause, translated.
        message: String,
    },
    /// The resourceVersion or the continue token is too old (410).
    #[error("{message}")]
    Gone {
        /// The server's text.
        message: String,
        /// The token with which the server goes on with the list all the same, from its present state.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
    /// The answer is larger than was asked for.
    #[error("{message}")]
    TooLarge {
        /// How large it may be.
        message: String,
    },
    /// Anything else.
    #[error("{message}")]
    Other {
        /// HTTP status; None where there was none.
        status: Option<u16>,
        /// The server's text.
        message: String,
    },
}

impl ClusterError {
    /// The server's text.
    pub fn message(&self) -> &str {
        match self {
            Self::NotFound { message }
            | Self::Conflict { message, .. }
            | Self::AlreadyExists { message }
            | Self::Unauthorized { message }
            | Self::Forbidden { message }
            | Self::Invalid { message, .. }
            | Self::WebhookFailed { message, .. }
            | Self::TooManyRequests { message }
            | Self::Unreachable { message }
            | Self::Gone { message, .. }
            | Self::TooLarge { message }
            | Self::Other { message, .. } => message,
        }
    }

    /// The same, where the server said how long it wants to be left alone.
    pub(super) fn comes_back_in(self, wait: Duration) -> Self {
        match self {
            Self::TooManyRequests { message } => Self::TooManyRequests {
                message: format!("{message}; it asks to come back in {} s", wait.as_secs()),
            },
            other => other,
        }
    }

    /// A failure for a request that a stage cannot do without: `what` names the object.
    pub fn failure(&self, what: impl Into<String>, exit: Exit) -> Failure {
        let code = match self {
            Self::Unreachable { .. } => "cluster-unreachable",
            Self::Unauthorized { .. } => "cluster-login",
            Self::Forbidden { .. } => "cluster-forbidden",
            Self::Conflict { .. } | Self::AlreadyExists { .. } => "cluster-conflict",
            Self::Invalid { .. } => "cluster-invalid",
            Self::WebhookFailed { .. } => "webhook-failed",
            _ => "cluster-request",
        };
        Failure::new(code, exit, what).why(self.message())
    }

    /// An answer of status 400 or above.
    pub(super) fn from_answer(status: u16, body: &[u8]) -> Self {
        let parsed: Option<Value> = serde_json::from_slice(body).ok();
        match parsed.filter(|value| value.get("kind").and_then(Value::as_str) == Some("Status")) {
            Some(answer) => Self::from_status(status, &answer),
            None => Self::from_reason(status, "", plain(status, body), None),
        }
    }

    /// A `Status` object, from an answer or from an ERROR event of a watch.
    pub(super) fn from_status(status: u16, answer: &Value) -> Self {
        let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
        let message = if text("message").is_empty() {
            format!("the API server answered {status} {}", text("reason"))
        } else {
            text("message").to_owned()
        };
        let causes = answer.pointer("/details/causes");
        match Self::from_reason(status, text("reason"), message, causes) {
            Self::Gone { message, .. } => Self::Gone {
                message,
                next: text_at(answer, "/metadata/continue")
                    .filter(|token| !token.is_empty())
                    .map(str::to_owned),
            },
            error => error,
        }
    }

    fn from_reason(status: u16, reason: &str, message: String, causes: Option<&Value>) -> Self {
        if let Some(webhook) = failed_webhook(&message) {
            return Self::WebhookFailed { webhook, message };
        }
        // Server-side apply reports a field that the schema lacks as its own trouble (500).
        let unknown_field = message.contains("failed to create typed patch object");
        match (status, reason) {
            (500, _) if unknown_field => Self::Invalid {
                message,
                causes: Vec::new(),
            },
            (_, "Expired" | "Gone") | (410, _) => Self::Gone {
                message,
                next: None,
            },
            (404, _) => Self::NotFound { message },
            (409, "AlreadyExists") => Self::AlreadyExists { message },
            (409, _) => Self::Conflict {
                message,
                owners: owners(causes),
            },
            (401, _) => Self::Unauthorized { message },
            (403, _) => Self::Forbidden { message },
            (400 | 422, _) => Self::Invalid {
                message,
                causes: field_causes(causes),
            },
            (429, _) => Self::TooManyRequests { message },
            _ => Self::Other {
                status: Some(status),
                message,
            },
        }
    }
}

/// A body that is no `Status`: a load balancer's page, or plain text of the API server. The first line is enough.
fn plain(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(2048)]);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    match line {
        Some(line) if !line.starts_with('<') && !line.starts_with('{') => {
            format!(
                "the server answered {status}: {}",
                line.chars().take(300).collect::<String>()
            )
        }
        _ => format!("the server answered {status}, not in the words of the Kubernetes API"),
    }
}

/// The name in `failed calling webhook "name": …` (apiserver, `admission/plugin/webhook/errors`).
fn failed_webhook(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("failed calling webhook \"")?;
    rest.split_once('"').map(|(name, _)| name.to_owned())
}

fn each<'a>(causes: Option<&'a Value>) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
    let text =
        |cause: &'a Value, key: &str| cause.get(key).and_then(Value::as_str).unwrap_or_default();
    causes
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(move |cause| {
            (
                text(cause, "reason"),
                text(cause, "field"),
                text(cause, "message"),
            )
        })
}

/// Causes read `conflict with "helm" using apps/v1`, with or without a subresource and a time.
fn owners(causes: Option<&Value>) -> Vec<FieldOwner> {
    each(causes)
        .filter(|(reason, ..)| *reason == "FieldManagerConflict")
        .map(|(_, field, message)| FieldOwner {
            manager: message.split('"').nth(1).unwrap_or(message).to_owned(),
            field: field.to_owned(),
        })
        .collect()
}

fn field_causes(causes: Option<&Value>) -> Vec<FieldCause> {
    each(causes)
        .map(|(_, field, message)| FieldCause {
            field: field.to_owned(),
            message: message.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: &Value) -> ClusterError {
        ClusterError::from_answer(status, body.to_string().as_bytes())
    }

    #[test]
    fn a_conflict_names_managers_and_fields() {
        let error = answer(
            409,
            &json!({"kind": "Status", "reason": "Conflict", "message": "Apply failed with 1 conflict",
                "details": {"causes": [{"reason": "FieldManagerConflict", "field": ".spec.replicas",
                    "message": "conflict with \"kubectl\" with subresource \"scale\" using apps/v1 at 2026-01-01T00:00:00Z"}]}}),
        );
        let ClusterError::Conflict { owners, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(
            owners,
            [FieldOwner {
                manager: "kubectl".into(),
                field: ".spec.replicas".into()
            }]
        );
    }

    #[test]
    fn reasons_become_variants() {
        let of = |status, reason: &str, message: &str| {
            answer(
                status,
                &json!({"kind": "Status", "reason": reason, "message": message}),
            )
        };
        assert!(matches!(
            of(409, "AlreadyExists", "x"),
            ClusterError::AlreadyExists { .. }
        ));
        assert!(matches!(
            of(404, "NotFound", "x"),
            ClusterError::NotFound { .. }
        ));
        assert!(matches!(of(410, "Expired", "x"), ClusterError::Gone { .. }));
        assert!(matches!(
            of(422, "Invalid", "x"),
            ClusterError::Invalid { .. }
        ));
        assert!(matches!(
            of(400, "BadRequest", "x"),
            ClusterError::Invalid { .. }
        ));
        let webhook = of(
            500,
            "InternalError",
            "Internal error occurred: failed calling webhook \"mutate.x.dev\": failed to call webhook: Post",
        );
        let ClusterError::WebhookFailed { webhook, .. } = webhook else {
            panic!("{webhook:?}")
        };
        assert_eq!(webhook, "mutate.x.dev");
    }

    #[test]
    fn a_page_of_a_load_balancer_is_not_repeated() {
        let error = ClusterError::from_answer(502, b"<html><body>secret</body></html>");
        assert_eq!(
            error.message(),
            "the server answered 502, not in the words of the Kubernetes API"
        );
    }
}
