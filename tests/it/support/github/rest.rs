//! The REST API: tokens, registration, and what the legacy controller asks about runners and runs.

use http::{Method, Request, Response, StatusCode};
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::support::https::host;

use super::answers::{empty, json, message, not_found, ok};
use super::server::Shared;

/// Answers the request for `path`, which is without `/api/v3`.
pub(super) fn answer(shared: &Shared, request: &Request<Bytes>, path: &str) -> Response<Bytes> {
    let accounts = &shared.accounts;
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (request.method(), parts.as_slice()) {
        (&Method::GET, ["meta"]) => return meta(shared, request),
        (&Method::POST, ["app", "installations", id, "access_tokens"]) => {
            return accounts.installation_token(request, id);
        }
        (&Method::POST, ["actions", "runner-registration"]) => return register(shared, request),
        _ => {}
    }
    if let Some(refusal) = accounts.refuse(request) {
        return refusal;
    }
    let (scope, rest) = match parts.as_slice() {
        [kind @ ("orgs" | "enterprises"), name, rest @ ..] => (format!("{kind}/{name}"), rest),
        ["repos", owner, name, rest @ ..] => (format!("repos/{owner}/{name}"), rest),
        _ => return not_found(),
    };
    if shared.setup.forbidden.contains(&scope) {
        return message(
            StatusCode::FORBIDDEN,
            "Resource not accessible by integration",
        );
    }
    if !shared.has(&scope) {
        return not_found();
    }
    match (request.method(), rest) {
        (&Method::POST, ["actions", "runners", "registration-token"]) => {
            accounts.registration_token(&scope)
        }
        (&Method::GET, ["actions", "runners"]) => runners(shared, &scope),
        (&Method::DELETE, ["actions", "runners", id]) => {
            let id = id.parse().unwrap_or_default();
            if shared.scale_sets.remove_runner(&scope, id) {
                empty(StatusCode::NO_CONTENT)
            } else {
                not_found()
            }
        }
        (&Method::GET, ["actions", "runs"]) => {
            ok(&json!({ "total_count": 0, "workflow_runs": [] }))
        }
        (&Method::GET, ["actions", "runs", _, "jobs"]) => {
            ok(&json!({ "total_count": 0, "jobs": [] }))
        }
        (&Method::GET, ["actions", "runner-groups"]) => {
            let group = json!({ "id": 1, "name": "Default", "visibility": "all", "default": true });
            ok(&json!({ "total_count": 1, "runner_groups": [group] }))
        }
        (&Method::GET, ["actions", "runner-groups", _, "repositories"]) => {
            ok(&json!({ "total_count": 0, "repositories": [] }))
        }
        _ => not_found(),
    }
}

fn runners(shared: &Shared, scope: &str) -> Response<Bytes> {
    let known = shared.scale_sets.runners();
    let known = known.iter().filter(|(_, runner)| runner.scope == scope);
    let runners: Vec<Value> = known
        .map(|(id, runner)| {
            let labels = runner.labels.iter().map(|name| json!({ "name": name, "type": "custom" }));
            let status = if runner.is_online() { "online" } else { "offline" };
            json!({ "id": id, "name": runner.name, "os": "linux", "status": status, "busy": runner.is_busy(),
                "labels": labels.collect::<Vec<_>>() })
        })
        .collect();
    ok(&json!({ "total_count": runners.len(), "runners": runners }))
}

/// Open to everyone, but a wrong token is refused here too.
fn meta(shared: &Shared, request: &Request<Bytes>) -> Response<Bytes> {
    if request.headers().contains_key(http::header::AUTHORIZATION)
        && let Some(refusal) = shared.accounts.refuse(request)
    {
        return refusal;
    }
    let mut body = json!({ "verifiable_password_authentication": true });
    if let Some(version) = &shared.setup.enterprise_version {
        body["installed_version"] = json!(version);
    }
    ok(&body)
}

/// `POST /actions/runner-registration`: trades a registration token for the scale-set service.
fn register(shared: &Shared, request: &Request<Bytes>) -> Response<Bytes> {
    let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let url = body["url"].as_str().unwrap_or_default();
    let path = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map_or("", |(_, path)| path);
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let scope = match parts.as_slice() {
        ["enterprises", name] => format!("enterprises/{name}"),
        [owner, name] => format!("repos/{owner}/{name}"),
        [name] if !name.is_empty() => format!("orgs/{name}"),
        _ => {
            return message(
                StatusCode::UNPROCESSABLE_ENTITY,
                "url is not that of a scope",
            );
        }
    };
    if body["runner_event"] != "register" {
        return message(StatusCode::UNPROCESSABLE_ENTITY, "runner_event is missing");
    }
    if !shared.accounts.may_register(request, &scope) {
        return message(StatusCode::UNAUTHORIZED, "Bad credentials");
    }
    let url = format!("https://{}/tenant/", host(request));
    json(
        StatusCode::OK,
        &json!({ "url": url, "token": shared.scale_sets.admin_token(&scope) }),
    )
}
