//! The scale-set service: scale sets, sessions, their message queue and runner configurations.
//!
//! No job ever comes: a message queue holds its answer for a moment and then has none.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::support::https::{authorization, query};

use super::answers::{empty, failure, ok};
use super::tenant::{QUEUE_TOKEN, State, session_object};

/// GitHub holds it 50 s; short enough that nobody waits for us.
const LONG_POLL: Duration = Duration::from_millis(250);

#[derive(Debug, Default)]
pub(super) struct ScaleSets {
    state: Mutex<State>,
}

impl ScaleSets {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.state()
            .sets
            .values()
            .filter_map(|set| set["name"].as_str().map(str::to_owned))
            .collect()
    }

    /// A token that clients read the `exp` claim of, without verifying it.
    pub(super) fn admin_token(&self) -> String {
        let mut state = self.state();
        let expires = jiff::Timestamp::now().as_second() + 3600;
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = part(json!({ "exp": expires, "jti": state.tokens.len() }));
        let token = format!(
            "{}.{claims}.{}",
            part(json!({ "alg": "HS256", "typ": "JWT" })),
            part(json!("signature"))
        );
        state.tokens.push(token.clone());
        token
    }

    /// Answers what stands under the service's URL; `path` has no leading slash.
    pub(super) fn answer(&self, request: &Request<Bytes>, path: &str) -> Response<Bytes> {
        let known = |token: &str| self.state().tokens.iter().any(|known| known == token);
        if !matches!(authorization(request.headers()), Some(("Bearer", token)) if known(token)) {
            return empty(StatusCode::UNAUTHORIZED);
        }
        if query(request, "api-version").as_deref() != Some("6.0-preview") {
            return failure(
                StatusCode::BAD_REQUEST,
                "VssVersionNotSpecifiedException",
                "no api-version 6.0-preview",
            );
        }
        let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        match parts.as_slice() {
            ["_apis", "runtime", "runnerscalesets", rest @ ..] => self.scale_set(request, rest),
            ["_apis", "runtime", "runnergroups"] => {
                let name = query(request, "groupName").unwrap_or_else(|| "Default".to_owned());
                let group = json!({ "id": 1, "name": name, "size": 0, "isDefaultGroup": true });
                ok(&json!({ "count": 1, "value": [group] }))
            }
            [
                "_apis",
                "distributedtask",
                "pools",
                "0",
                "agents",
                rest @ ..,
            ] => self.agent(request, rest),
            _ => empty(StatusCode::NOT_FOUND),
        }
    }

    fn scale_set(&self, request: &Request<Bytes>, rest: &[&str]) -> Response<Bytes> {
        let mut state = self.state();
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let id = rest.first().and_then(|id| id.parse::<u64>().ok());
        let set = id.and_then(|id| state.sets.get(&id)).cloned();
        match (request.method(), rest, set) {
            (&Method::GET, [], _) => {
                let name = query(request, "name");
                let found: Vec<&Value> = state
                    .sets
                    .values()
                    .filter(|set| name.is_none() || set["name"].as_str() == name.as_deref())
                    .collect();
                ok(&json!({ "count": found.len(), "value": found }))
            }
            (&Method::POST, [], _) => state.create(body),
            (_, [], _) | (_, _, None) => failure(
                StatusCode::NOT_FOUND,
                "RunnerScaleSetNotFoundException",
                "no such runner scale set",
            ),
            (&Method::GET, [_], Some(set)) => ok(&set),
            (&Method::PATCH, [_], Some(mut set)) => {
                for (key, value) in body.as_object().into_iter().flatten() {
                    set[key.as_str()] = value.clone();
                }
                state.sets.insert(id.unwrap_or_default(), set.clone());
                ok(&set)
            }
            (&Method::DELETE, [_], Some(_)) => {
                state.sets.remove(&id.unwrap_or_default());
                empty(StatusCode::NO_CONTENT)
            }
            (&Method::POST, [_, "sessions"], Some(set)) => {
                state.open_session(request, id.unwrap_or_default(), &set, &body)
            }
            (&Method::PATCH, [_, "sessions", session], Some(set)) => {
                ok(&session_object(request, session, &set))
            }
            (&Method::DELETE, [_, "sessions", session], Some(_)) => {
                state.sessions.remove(*session);
                empty(StatusCode::NO_CONTENT)
            }
            (&Method::POST, [_, "acquirejobs"], Some(_)) => ok(&json!({ "count": 0, "value": [] })),
            (&Method::POST, [_, "generatejitconfig"], Some(_)) => {
                state.add_runner(&body, id.unwrap_or_default())
            }
            _ => empty(StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    fn agent(&self, request: &Request<Bytes>, rest: &[&str]) -> Response<Bytes> {
        let mut state = self.state();
        let object =
            |(id, name): (&u64, &String)| json!({ "id": id, "name": name, "runnerScaleSetId": 1 });
        match (request.method(), rest) {
            (&Method::GET, []) => {
                let name = query(request, "agentName").unwrap_or_default();
                let found: Vec<Value> = state
                    .runners
                    .iter()
                    .filter(|one| *one.1 == name)
                    .map(object)
                    .collect();
                ok(&json!({ "count": found.len(), "value": found }))
            }
            (method, [id]) => {
                let id = id.parse::<u64>().unwrap_or_default();
                match (method, state.runners.get_key_value(&id)) {
                    (_, None) => failure(
                        StatusCode::NOT_FOUND,
                        "AgentNotFoundException",
                        "no such agent",
                    ),
                    (&Method::GET, Some(runner)) => ok(&object(runner)),
                    (&Method::DELETE, Some(_)) => {
                        state.runners.remove(&id);
                        empty(StatusCode::NO_CONTENT)
                    }
                    _ => empty(StatusCode::METHOD_NOT_ALLOWED),
                }
            }
            _ => empty(StatusCode::NOT_FOUND),
        }
    }

    /// The message queue of one session.
    pub(super) async fn queue(&self, request: &Request<Bytes>, path: &str) -> Response<Bytes> {
        let session = path.split('/').next().unwrap_or_default();
        let is_open = self.state().sessions.contains_key(session);
        let is_known = matches!(
            authorization(request.headers()),
            Some(("Bearer", QUEUE_TOKEN))
        );
        match *request.method() {
            _ if !is_open || !is_known => failure(
                StatusCode::UNAUTHORIZED,
                "SessionExpiredException",
                "no such session",
            ),
            Method::GET => {
                tokio::time::sleep(LONG_POLL).await;
                empty(StatusCode::ACCEPTED)
            }
            Method::DELETE => empty(StatusCode::NO_CONTENT),
            _ => empty(StatusCode::METHOD_NOT_ALLOWED),
        }
    }
}
