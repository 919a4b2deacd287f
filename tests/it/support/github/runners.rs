//! Runners: how one is registered, its session, and the job that it is given.
//!
//! A runner of a scale set has its identity from `generatejitconfig`; one of the first generation adds itself
//! with the token that `runner-registration` gave it. Both then open a session, and count as online from there on.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::support::https::{host, query};

use super::answers::{empty, failure, ok};
use super::tenant::{ABSENCE, State};

/// A runner that is known, whether or not it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Runner {
    pub(crate) name: String,
    /// `orgs/acme`, `repos/acme/app`, `enterprises/acme`.
    pub(crate) scope: String,
    pub(crate) labels: Vec<String>,
    /// Set while it is online: its session, and when it was last asked with.
    pub(super) session: Option<(String, Instant)>,
    /// Its scale set; None in the first generation.
    pub(super) set: Option<u64>,
    /// The job that it was given.
    pub(super) job: Option<u64>,
}

impl Runner {
    /// Whether it has opened a session.
    pub(crate) fn is_online(&self) -> bool {
        self.session.is_some()
    }

    /// Whether it has a job.
    pub(crate) fn is_busy(&self) -> bool {
        self.job.is_some()
    }
}

impl State {
    /// `generatejitconfig`: a new runner and all that it needs to know.
    pub(super) fn add_runner(
        &mut self,
        request: &Request<Bytes>,
        body: &Value,
        set: u64,
    ) -> Response<Bytes> {
        let Some(name) = body["name"].as_str().filter(|name| !name.is_empty()) else {
            return failure(
                StatusCode::BAD_REQUEST,
                "ArgumentException",
                "name is missing",
            );
        };
        if self.runners.values().any(|known| known.name == name) {
            return taken();
        }
        let scope = self.sets.get(&set).map(|set| set.scope.clone());
        let scope = scope.unwrap_or_default();
        let id = self.next_id();
        let token = self.admin_token(&scope);
        let work = body["workFolder"].as_str().unwrap_or_default();
        let configuration = jit_configuration(request, id, name, work, &token);
        let runner = Runner {
            name: name.to_owned(),
            scope,
            labels: Vec::new(),
            session: None,
            set: Some(set),
            job: None,
        };
        self.runners.insert(id, runner);
        ok(&json!({
            "runner": { "id": id, "name": name, "runnerScaleSetId": set },
            "encodedJITConfig": configuration,
        }))
    }

    /// `…/_apis/distributedtask/pools/POOL/REST` for whoever came with a token for `scope`.
    pub(super) fn pool(
        &mut self,
        request: &Request<Bytes>,
        scope: &str,
        rest: &[&str],
    ) -> Response<Bytes> {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        match (request.method(), rest) {
            (&Method::GET, ["agents"]) => self.find(request, scope),
            (&Method::POST, ["agents"]) => self.register(scope, &body),
            (method, ["agents", id]) => self.agent(method, scope, id, &body),
            (&Method::POST, ["sessions"]) => self.come_online(scope, &body),
            (&Method::DELETE, ["sessions", session]) => match self.of_session(session) {
                Some((_, runner)) => {
                    runner.session = None;
                    empty(StatusCode::NO_CONTENT)
                }
                None => no_session(),
            },
            (&Method::PATCH, ["jobrequests", id]) => self.finish(scope, id, &body),
            _ => empty(StatusCode::NOT_FOUND),
        }
    }

    fn find(&self, request: &Request<Bytes>, scope: &str) -> Response<Bytes> {
        let name = query(request, "agentName").unwrap_or_default();
        let found: Vec<Value> = self
            .runners
            .iter()
            .filter(|(_, one)| one.name == name && one.scope == scope)
            .map(|(id, one)| agent_object(*id, one))
            .collect();
        ok(&json!({ "count": found.len(), "value": found }))
    }

    /// The first generation: the runner makes itself known.
    fn register(&mut self, scope: &str, body: &Value) -> Response<Bytes> {
        let Some(name) = body["name"].as_str().filter(|name| !name.is_empty()) else {
            return failure(
                StatusCode::BAD_REQUEST,
                "ArgumentException",
                "name is missing",
            );
        };
        let is_taken = |known: &Runner| known.name == name && known.scope == scope;
        if self.runners.values().any(is_taken) {
            return taken();
        }
        let id = self.next_id();
        let runner = Runner {
            name: name.to_owned(),
            scope: scope.to_owned(),
            labels: labels(body),
            session: None,
            set: None,
            job: None,
        };
        let object = agent_object(id, &runner);
        self.runners.insert(id, runner);
        ok(&object)
    }

    fn agent(&mut self, method: &Method, scope: &str, id: &str, body: &Value) -> Response<Bytes> {
        let id = id.parse::<u64>().unwrap_or_default();
        let Some(runner) = self.runners.get_mut(&id).filter(|one| one.scope == scope) else {
            return failure(
                StatusCode::NOT_FOUND,
                "AgentNotFoundException",
                "no such agent",
            );
        };
        match *method {
            Method::GET => ok(&agent_object(id, runner)),
            Method::PUT => {
                runner.labels = labels(body);
                ok(&agent_object(id, runner))
            }
            Method::DELETE if runner.job.is_some() => failure(
                StatusCode::BAD_REQUEST,
                "JobStillRunningException",
                "the runner runs a job",
            ),
            Method::DELETE => {
                self.runners.remove(&id);
                empty(StatusCode::NO_CONTENT)
            }
            _ => empty(StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    fn come_online(&mut self, scope: &str, body: &Value) -> Response<Bytes> {
        let session = format!("00000000-0000-4000-9000-{:012}", self.next_id());
        let id = body["agent"]["id"].as_u64().unwrap_or_default();
        let Some(runner) = self.runners.get_mut(&id).filter(|one| one.scope == scope) else {
            return failure(
                StatusCode::NOT_FOUND,
                "AgentNotFoundException",
                "no such agent",
            );
        };
        if runner
            .session
            .as_ref()
            .is_some_and(|(_, seen)| seen.elapsed() < ABSENCE)
        {
            return failure(
                StatusCode::CONFLICT,
                "TaskAgentSessionConflictException",
                "a session is open already",
            );
        }
        runner.session = Some((session.clone(), Instant::now()));
        let agent = agent_object(id, runner);
        ok(&json!({ "sessionId": session, "ownerName": body["ownerName"], "agent": agent }))
    }

    /// What a runner's session is told: the job that it is to run, or that it is not open. None: nothing yet.
    pub(super) fn runner_message(&mut self, session: &str) -> Option<Response<Bytes>> {
        let Some((id, runner)) = self.of_session(session) else {
            return Some(no_session());
        };
        runner.session = Some((session.to_owned(), Instant::now()));
        let (name, set) = (runner.name.clone(), runner.set);
        if runner.job.is_some() {
            return None;
        }
        let job = self.sets.get_mut(&set?)?.queue.start(id, &name)?;
        if let Some(runner) = self.runners.get_mut(&id) {
            runner.job = Some(job);
        }
        let body = json!({ "runner_request_id": job.to_string(), "id": job }).to_string();
        Some(ok(
            &json!({ "messageId": job, "messageType": "RunnerJobRequest", "body": body }),
        ))
    }

    fn of_session(&mut self, session: &str) -> Option<(u64, &mut Runner)> {
        self.runners
            .iter_mut()
            .find(|(_, runner)| matches!(&runner.session, Some((open, _)) if open == session))
            .map(|(id, runner)| (*id, runner))
    }

    fn finish(&mut self, scope: &str, job: &str, body: &Value) -> Response<Bytes> {
        let job = job.parse::<u64>().unwrap_or_default();
        let result = body["result"].as_str().unwrap_or_default();
        let found = self
            .runners
            .iter_mut()
            .find(|(_, one)| one.job == Some(job) && one.scope == scope);
        let Some((id, runner)) = found else {
            return empty(StatusCode::NOT_FOUND);
        };
        runner.job = None;
        let (id, name, set) = (*id, runner.name.clone(), runner.set);
        let set = set.and_then(|set| self.sets.get_mut(&set));
        if set.is_none_or(|set| !set.queue.complete(job, id, &name, result)) {
            return empty(StatusCode::NOT_FOUND);
        }
        // A runner of a scale set has one job in its life.
        self.runners.remove(&id);
        ok(&json!({ "requestId": job, "result": result }))
    }
}

fn labels(body: &Value) -> Vec<String> {
    let labels = body["labels"].as_array().into_iter().flatten();
    labels
        .filter_map(|label| label["name"].as_str().or(label.as_str()))
        .map(str::to_owned)
        .collect()
}

fn agent_object(id: u64, runner: &Runner) -> Value {
    let status = if runner.is_online() {
        "online"
    } else {
        "offline"
    };
    let mut object = json!({ "id": id, "name": runner.name, "enabled": true, "status": status });
    if let Some(set) = runner.set {
        object["runnerScaleSetId"] = json!(set);
    }
    object
}

/// Files by name, each in base64, the whole in base64 again. The original's credentials are an RSA key that is
/// traded for a token; here the token stands there itself.
fn jit_configuration(
    request: &Request<Bytes>,
    id: u64,
    name: &str,
    work: &str,
    token: &str,
) -> String {
    let host = host(request);
    let runner = json!({
        "AgentId": id, "AgentName": name, "PoolId": 1, "PoolName": "Default", "Ephemeral": true, "DisableUpdate": true,
        "ServerUrl": format!("https://{host}/tenant/"), "GitHubUrl": format!("https://{host}"), "WorkFolder": work,
    });
    let credentials = json!({ "Scheme": "OAuthAccessToken", "Data": { "Token": token } });
    let file = |content: &Value| STANDARD.encode(content.to_string());
    let files = json!({ ".runner": file(&runner), ".credentials": file(&credentials) });
    STANDARD.encode(files.to_string())
}

fn taken() -> Response<Bytes> {
    failure(
        StatusCode::CONFLICT,
        "AgentExistsException",
        "the name is taken",
    )
}

fn no_session() -> Response<Bytes> {
    failure(
        StatusCode::UNAUTHORIZED,
        "TaskAgentSessionExpiredException",
        "no such session",
    )
}
