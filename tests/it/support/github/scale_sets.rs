//! The scale-set service: scale sets, sessions, their message queue, and the way to runners.
//!
//! A job comes only when a test assigns one: until then a message queue holds its answer for a moment and has none.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::{Method, Request, Response, StatusCode};
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::support::https::{authorization, query};

use super::answers::{empty, failure, ok};
use super::jobs::Job;
use super::runners::Runner;
use super::tenant::{QUEUE_TOKEN, ScaleSet, State};

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
        let state = self.state();
        state
            .sets
            .values()
            .map(|set| set.name().to_owned())
            .collect()
    }

    /// Known runners with their ids.
    pub(super) fn runners(&self) -> Vec<(u64, Runner)> {
        let state = self.state();
        let runners = state.runners.iter();
        runners.map(|(id, runner)| (*id, runner.clone())).collect()
    }

    /// Forgets a runner of `scope`; false where there is none or it runs a job.
    pub(super) fn remove_runner(&self, scope: &str, id: u64) -> bool {
        let mut state = self.state();
        let runner = state.runners.get(&id);
        let removable = runner.is_some_and(|one| one.scope == scope && one.job.is_none());
        removable && state.runners.remove(&id).is_some()
    }

    /// Offers a new job to the scale set called `name` in `scope`.
    pub(super) fn offer_job(&self, scope: &str, name: &str) -> Option<u64> {
        let mut state = self.state();
        let is_asked = |set: &ScaleSet| set.scope == scope && set.name() == name;
        let set = *state.sets.iter().find(|(_, set)| is_asked(set))?.0;
        let id = state.next_id();
        state.sets.get_mut(&set)?.queue.offer(id);
        Some(id)
    }

    pub(super) fn job(&self, id: u64) -> Option<Job> {
        let state = self.state();
        state
            .sets
            .values()
            .find_map(|set| set.queue.job(id))
            .cloned()
    }

    pub(super) fn admin_token(&self, scope: &str) -> String {
        self.state().admin_token(scope)
    }

    /// Answers what stands under the service's URL; `path` has no leading slash.
    pub(super) async fn answer(&self, request: &Request<Bytes>, path: &str) -> Response<Bytes> {
        let path = path.trim_end_matches('/');
        let parts: Vec<&str> = path.split('/').collect();
        let Some(scope) = self.scope(request, path.ends_with("/acquirejobs")) else {
            return empty(StatusCode::UNAUTHORIZED);
        };
        if query(request, "api-version").as_deref() != Some("6.0-preview") {
            return failure(
                StatusCode::BAD_REQUEST,
                "VssVersionNotSpecifiedException",
                "no api-version 6.0-preview",
            );
        }
        match parts.as_slice() {
            ["_apis", "runtime", "runnerscalesets", rest @ ..] => {
                self.scale_set(request, &scope, rest)
            }
            ["_apis", "runtime", "runnergroups"] => {
                let name = query(request, "groupName").unwrap_or_else(|| "Default".to_owned());
                let group = json!({ "id": 1, "name": name, "size": 0, "isDefaultGroup": true });
                ok(&json!({ "count": 1, "value": [group] }))
            }
            ["_apis", "distributedtask", "pools", _, "messages"] => self.messages(request).await,
            ["_apis", "distributedtask", "pools", _, rest @ ..] => {
                self.state().pool(request, &scope, rest)
            }
            _ => empty(StatusCode::NOT_FOUND),
        }
    }

    /// The scope of the caller's token. Jobs are acquired with the queue's token instead, which is of no scope.
    fn scope(&self, request: &Request<Bytes>, acquires: bool) -> Option<String> {
        match authorization(request.headers()) {
            Some(("Bearer", QUEUE_TOKEN)) if acquires => Some(String::new()),
            Some(("Bearer", token)) if !acquires => self.state().scope_of(token),
            _ => None,
        }
    }

    fn scale_set(&self, request: &Request<Bytes>, scope: &str, rest: &[&str]) -> Response<Bytes> {
        let mut state = self.state();
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let id = rest.first().and_then(|id| id.parse::<u64>().ok());
        let id = id.unwrap_or_default();
        let acquires = matches!(rest, [_, "acquirejobs"]);
        let exists = |set: &ScaleSet| acquires || set.scope == scope;
        let set = state.sets.get(&id).filter(|set| exists(set));
        let set = set.map(|set| set.object.clone());
        match (request.method(), rest, set) {
            (&Method::GET, [], _) => {
                let name = query(request, "name");
                let is_asked = |one: &str| name.as_deref().is_none_or(|name| name == one);
                let found: Vec<&Value> = state
                    .sets
                    .values()
                    .filter(|set| set.scope == scope && is_asked(set.name()))
                    .map(|set| &set.object)
                    .collect();
                ok(&json!({ "count": found.len(), "value": found }))
            }
            (&Method::POST, [], _) => state.create(scope, body),
            (_, [], _) | (_, _, None) => failure(
                StatusCode::NOT_FOUND,
                "RunnerScaleSetNotFoundException",
                "no such runner scale set",
            ),
            (&Method::GET, [_], Some(set)) => ok(&set),
            (&Method::PATCH, [_], Some(mut object)) => {
                for (key, value) in body.as_object().into_iter().flatten() {
                    object[key.as_str()] = value.clone();
                }
                if let Some(set) = state.sets.get_mut(&id) {
                    set.object = object.clone();
                }
                ok(&object)
            }
            (&Method::DELETE, [_], Some(_)) => {
                state.sets.remove(&id);
                state.sessions.retain(|_, session| session.set != id);
                empty(StatusCode::NO_CONTENT)
            }
            (&Method::POST, [_, "sessions"], Some(_)) => state.open_session(request, id, &body),
            (&Method::PATCH, [_, "sessions", session], Some(_)) => {
                ok(&state.session_object(request, session, id))
            }
            (&Method::DELETE, [_, "sessions", session], Some(_)) => {
                state.sessions.remove(*session);
                empty(StatusCode::NO_CONTENT)
            }
            (&Method::POST, [_, "acquirejobs"], Some(_)) => {
                let wanted = body.as_array().into_iter().flatten();
                let wanted: Vec<u64> = wanted.filter_map(Value::as_u64).collect();
                let set = state.sets.get_mut(&id);
                let acquired = set.map(|set| set.queue.acquire(&wanted));
                let acquired = acquired.unwrap_or_default();
                ok(&json!({ "count": acquired.len(), "value": acquired }))
            }
            (&Method::POST, [_, "generatejitconfig"], Some(_)) => {
                state.add_runner(request, &body, id)
            }
            _ => empty(StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    /// What a runner's session waits for.
    async fn messages(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let session = query(request, "sessionId").unwrap_or_default();
        for last_look in [false, true] {
            if let Some(answer) = self.state().runner_message(&session) {
                return answer;
            }
            if !last_look {
                tokio::time::sleep(LONG_POLL).await;
            }
        }
        empty(StatusCode::ACCEPTED)
    }

    /// The message queue of one session.
    pub(super) async fn queue(&self, request: &Request<Bytes>, path: &str) -> Response<Bytes> {
        let mut parts = path.trim_end_matches('/').split('/');
        let session = parts.next().unwrap_or_default();
        let set = self.state().sessions.get_mut(session).map(|session| {
            session.seen = Instant::now();
            session.set
        });
        let is_known = matches!(
            authorization(request.headers()),
            Some(("Bearer", QUEUE_TOKEN))
        );
        let Some(set) = set.filter(|_| is_known) else {
            return failure(
                StatusCode::UNAUTHORIZED,
                "SessionExpiredException",
                "no such session",
            );
        };
        match *request.method() {
            Method::GET => {
                let last = query(request, "lastMessageId").and_then(|last| last.parse().ok());
                self.next_message(set, last.unwrap_or_default()).await
            }
            Method::DELETE => {
                let message = parts.next().and_then(|id| id.parse().ok());
                if let (Some(message), Some(set)) = (message, self.state().sets.get_mut(&set)) {
                    set.queue.delete(message);
                }
                empty(StatusCode::NO_CONTENT)
            }
            _ => empty(StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    async fn next_message(&self, set: u64, last: u64) -> Response<Bytes> {
        for last_look in [false, true] {
            let message = {
                let state = self.state();
                let statistics = state.statistics(set);
                let set = state.sets.get(&set);
                set.and_then(|set| set.queue.message_after(last, &statistics))
            };
            if let Some(message) = message {
                return ok(&message);
            }
            if !last_look {
                tokio::time::sleep(LONG_POLL).await;
            }
        }
        empty(StatusCode::ACCEPTED)
    }
}
