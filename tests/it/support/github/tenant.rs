//! What the scale-set service knows: scale sets, their sessions and their runners.

use std::collections::BTreeMap;

use http::{Request, Response, StatusCode};
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::support::https::host;

use super::answers::{failure, ok};

pub(super) const QUEUE_TOKEN: &str = "message-queue-token";

#[derive(Debug, Default)]
pub(super) struct State {
    last_id: u64,
    pub(super) sets: BTreeMap<u64, Value>,
    /// Session id → id of its scale set.
    pub(super) sessions: BTreeMap<String, u64>,
    pub(super) runners: BTreeMap<u64, String>,
    pub(super) tokens: Vec<String>,
}

impl State {
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn create(&mut self, mut set: Value) -> Response<Bytes> {
        let Some(name) = set["name"]
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
        if self.sets.values().any(|other| other["name"] == name) {
            return failure(
                StatusCode::CONFLICT,
                "RunnerScaleSetExistsException",
                "the name is taken",
            );
        }
        let id = self.next_id();
        set["id"] = json!(id);
        set["runnerGroupName"] = json!("Default");
        self.sets.insert(id, set.clone());
        ok(&set)
    }

    pub(super) fn open_session(
        &mut self,
        request: &Request<Bytes>,
        id: u64,
        set: &Value,
        body: &Value,
    ) -> Response<Bytes> {
        if body["ownerName"].as_str().is_none_or(str::is_empty) {
            return failure(
                StatusCode::BAD_REQUEST,
                "ArgumentException",
                "ownerName is missing",
            );
        }
        if self.sessions.values().any(|of| *of == id) {
            return failure(
                StatusCode::CONFLICT,
                "RunnerScaleSetSessionConflictException",
                "a session is open already",
            );
        }
        let session = format!("00000000-0000-4000-8000-{:012}", self.next_id());
        self.sessions.insert(session.clone(), id);
        let mut object = session_object(request, &session, set);
        object["ownerName"] = body["ownerName"].clone();
        ok(&object)
    }

    pub(super) fn add_runner(&mut self, body: &Value, scale_set: u64) -> Response<Bytes> {
        let Some(name) = body["name"].as_str() else {
            return failure(
                StatusCode::BAD_REQUEST,
                "ArgumentException",
                "name is missing",
            );
        };
        if self.runners.values().any(|known| known == name) {
            return failure(
                StatusCode::CONFLICT,
                "AgentExistsException",
                "the name is taken",
            );
        }
        let id = self.next_id();
        self.runners.insert(id, name.to_owned());
        ok(&json!({
            "runner": { "id": id, "name": name, "runnerScaleSetId": scale_set },
            "encodedJITConfig": "eyJ9",
        }))
    }
}

pub(super) fn session_object(request: &Request<Bytes>, session: &str, set: &Value) -> Value {
    json!({
        "sessionId": session,
        "ownerName": "listener",
        "runnerScaleSet": set,
        "messageQueueUrl": format!("https://{}/message-queue/{session}", host(request)),
        "messageQueueAccessToken": QUEUE_TOKEN,
        "statistics": {
            "totalAvailableJobs": 0, "totalAcquiredJobs": 0, "totalAssignedJobs": 0, "totalRunningJobs": 0,
            "totalRegisteredRunners": 0, "totalBusyRunners": 0, "totalIdleRunners": 0,
        },
    })
}
