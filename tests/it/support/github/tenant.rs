//! What the scale-set service knows: who was let in, scale sets, their sessions, runners and jobs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Request, Response, StatusCode};
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::support::https::host;

use super::answers::{failure, ok};
use super::jobs::Queue;
use super::runners::Runner;

/// What a session's queue and the acquiring of jobs are asked with.
pub(super) const QUEUE_TOKEN: &str = "message-queue-token";

#[derive(Debug, Default)]
pub(super) struct State {
    last_id: u64,
    pub(super) sets: BTreeMap<u64, ScaleSet>,
    /// By its id.
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) runners: BTreeMap<u64, Runner>,
    /// Token → the scope that it was made for (`orgs/acme`).
    tokens: BTreeMap<String, String>,
}

/// A runner scale set of one scope.
#[derive(Debug)]
pub(super) struct ScaleSet {
    pub(super) scope: String,
    /// As it was sent, with the id.
    pub(super) object: Value,
    pub(super) queue: Queue,
}

/// A listener's session.
#[derive(Debug)]
pub(super) struct Session {
    /// Id of its scale set.
    pub(super) set: u64,
    pub(super) seen: Instant,
}

/// Who has not asked for so long is gone; the original gives minutes.
pub(super) const ABSENCE: Duration = Duration::from_secs(5);

impl ScaleSet {
    pub(super) fn name(&self) -> &str {
        self.object["name"].as_str().unwrap_or_default()
    }
}

impl State {
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// A token that clients read the `exp` claim of, without verifying it.
    pub(super) fn admin_token(&mut self, scope: &str) -> String {
        let expires = jiff::Timestamp::now().as_second() + 3600;
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = part(json!({ "exp": expires, "jti": self.tokens.len() }));
        let token = format!(
            "{}.{claims}.{}",
            part(json!({ "alg": "HS256", "typ": "JWT" })),
            part(json!("signature"))
        );
        self.tokens.insert(token.clone(), scope.to_owned());
        token
    }

    /// The scope of a token that was handed out here.
    pub(super) fn scope_of(&self, token: &str) -> Option<String> {
        self.tokens.get(token).cloned()
    }

    pub(super) fn create(&mut self, scope: &str, mut object: Value) -> Response<Bytes> {
        let Some(name) = object["name"]
            .as_str()
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
        else {
            return failure(
                StatusCode::BAD_REQUEST,
                "ArgumentException",
                "name is missing",
            );
        };
        let is_taken = |other: &ScaleSet| other.scope == scope && other.name() == name;
        if self.sets.values().any(is_taken) {
            return failure(
                StatusCode::CONFLICT,
                "RunnerScaleSetExistsException",
                "the name is taken",
            );
        }
        let id = self.next_id();
        object["id"] = json!(id);
        object["runnerGroupName"] = json!("Default");
        let set = ScaleSet {
            scope: scope.to_owned(),
            object: object.clone(),
            queue: Queue::default(),
        };
        self.sets.insert(id, set);
        ok(&object)
    }

    pub(super) fn open_session(
        &mut self,
        request: &Request<Bytes>,
        id: u64,
        body: &Value,
    ) -> Response<Bytes> {
        if body["ownerName"].as_str().is_none_or(str::is_empty) {
            return failure(
                StatusCode::BAD_REQUEST,
                "ArgumentException",
                "ownerName is missing",
            );
        }
        self.sessions
            .retain(|_, session| session.seen.elapsed() < ABSENCE);
        if self.sessions.values().any(|session| session.set == id) {
            return failure(
                StatusCode::CONFLICT,
                "RunnerScaleSetSessionConflictException",
                "a session is open already",
            );
        }
        let session = format!("00000000-0000-4000-8000-{:012}", self.next_id());
        let opened = Session {
            set: id,
            seen: Instant::now(),
        };
        self.sessions.insert(session.clone(), opened);
        let mut object = self.session_object(request, &session, id);
        object["ownerName"] = body["ownerName"].clone();
        ok(&object)
    }

    pub(super) fn session_object(&self, request: &Request<Bytes>, session: &str, id: u64) -> Value {
        let set = self.sets.get(&id);
        json!({
            "sessionId": session,
            "ownerName": "listener",
            "runnerScaleSet": set.map(|set| &set.object),
            "messageQueueUrl": format!("https://{}/message-queue/{session}", host(request)),
            "messageQueueAccessToken": QUEUE_TOKEN,
            "statistics": self.statistics(id),
        })
    }

    /// What a listener decides the number of runners by.
    pub(super) fn statistics(&self, id: u64) -> Value {
        let runners = self
            .runners
            .values()
            .filter(|runner| runner.set == Some(id));
        let registered = runners.filter(|runner| runner.session.is_some()).count();
        let queue = self.sets.get(&id).map(|set| &set.queue);
        queue.unwrap_or(&Queue::default()).statistics(registered)
    }
}
