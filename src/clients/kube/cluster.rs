//! The cluster as the stages see it: get, list, apply, patch, delete; every object a JSON value.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ClusterError;
use super::discovery::{Discovery, Scope};
use super::patience::Patience;
use super::query::Path;
use super::request::Call;
use crate::clients::interrupt::Interrupt;
use crate::object::{ObjectRef, Operation};

/// A connection to one cluster. Cheap to clone; clones share connection and discovery.
#[derive(Clone)]
pub struct Cluster {
    /// The client beneath, for what is not offered here.
    pub client: ::kube::Client,
    /// Which cluster, as whom.
    pub identity: Identity,
    pub(super) discovery: Arc<Discovery>,
    pub(super) patience: Patience,
}

/// What a person must see before anything is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The context's name; `in-cluster` for a ServiceAccount.
    pub context: String,
    /// URL of the API server.
    pub server: String,
    /// The user as the server sees it, else the kubeconfig's name for it.
    pub user: String,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cluster")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// How to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApplyOptions<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// Takes other managers' fields.
    pub force: bool,
    /// Asks the server what would happen, without writing.
    pub dry_run: bool,
}

/// A patch of an object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PatchBody<'a> {
    /// JSON patch (RFC 6902): all operations or none.
    Json(&'a [Operation]),
    /// Strategic merge patch; only for kinds that the server has types for.
    Strategic(&'a Value),
}

/// How to patch without reading what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patching<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// Refuses fields that the kind does not know; the server reads the object twice for it.
    pub strict: bool,
    /// Asks the server what would happen, without writing.
    pub dry_run: bool,
}

/// What the server made of a write.
#[derive(Debug, Clone, PartialEq)]
pub struct Applied {
    /// The object as it is now, or would be.
    pub object: Value,
    /// The server's warnings, such as pod security's.
    pub warnings: Vec<String>,
}

/// The manager of objects that are created rather than applied (reviews, dry-run pods).
const CREATE_MANAGER: &str = "arc-setup";

/// Of an object, nothing but its metadata.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// The same in the server's own encoding, which costs it a fraction; custom kinds have none.
const METADATA_AS_PROTOBUF: &str =
    "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

impl Cluster {
    /// A cluster behind a client that is there already (tests, `connect`).
    pub fn new(client: ::kube::Client, identity: Identity) -> Self {
        Self {
            client,
            identity,
            discovery: Arc::default(),
            patience: Patience::default(),
        }
    }

    /// Waits up to `longest` for a server that has too much to do, a minute at least, and not in a run that is stopped;
    /// `tell` takes how long each wait is that a person would notice.
    #[must_use]
    pub fn patient(
        mut self,
        longest: Duration,
        interrupt: &Interrupt,
        tell: impl Fn(Duration) + Send + Sync + 'static,
    ) -> Self {
        self.patience = Patience::new(longest, interrupt.clone(), tell);
        self
    }

    /// One object; None where it, its namespace or its kind is not there.
    pub async fn get(&self, object: &ObjectRef) -> Result<Option<Value>, ClusterError> {
        let path = match self.path_of(object).await {
            Err(ClusterError::NotFound { .. }) => return Ok(None),
            path => path?,
        };
        match self.call(Call::get(path)).await {
            Ok(answer) => Ok(Some(answer.value)),
            Err(ClusterError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// True where one object is there. Of it, nothing but its metadata is sent: it may be somebody's Secret.
    pub async fn is_there(&self, object: &ObjectRef) -> Result<bool, ClusterError> {
        let mut call = Call::get(self.path_of(object).await?);
        call.accept = METADATA;
        match self.call(call).await {
            Ok(_) => Ok(true),
            Err(ClusterError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// One object as [`Cluster::get`] reads it, also for a user who may write it and not read it, as it is common for
    /// Secrets: a patch of nothing, which is not stored, is answered with the object.
    pub async fn see(
        &self,
        object: &ObjectRef,
        manager: &str,
    ) -> Result<Option<Value>, ClusterError> {
        let denied = match self.get(object).await {
            Err(denied @ ClusterError::Forbidden { .. }) => denied,
            answer => return answer,
        };
        match self.merge_patch(object, &json!({}), manager, true).await {
            Ok(answer) => Ok(Some(answer.object)),
            Err(ClusterError::NotFound { .. }) => Ok(None),
            Err(_) => Err(denied),
        }
    }

    /// Server-side apply of a complete object, with strict field validation.
    pub async fn apply(
        &self,
        object: &Value,
        options: &ApplyOptions<'_>,
    ) -> Result<Applied, ClusterError> {
        let path = self
            .path_of(&ObjectRef::from_value(object))
            .await?
            .parameter("fieldManager", options.manager)
            .parameter("fieldValidation", "Strict")
            .parameter("force", if options.force { "true" } else { "false" });
        // JSON is YAML, and the server reads it faster.
        self.write(
            Method::PATCH,
            path,
            "application/apply-patch+yaml",
            object,
            options.dry_run,
        )
        .await
    }

    /// Creates an object, with strict field validation. `metadata.generateName` works.
    pub async fn create(&self, object: &Value, dry_run: bool) -> Result<Applied, ClusterError> {
        let reference = ObjectRef::from_value(object);
        let path = self
            .collection(
                &reference.api_version,
                &reference.kind,
                reference.namespace.as_deref(),
            )
            .await?
            .parameter("fieldManager", CREATE_MANAGER)
            .parameter("fieldValidation", "Strict");
        self.write(Method::POST, path, "application/json", object, dry_run)
            .await
    }

    /// JSON patch (RFC 6902): all operations or none.
    pub async fn json_patch(
        &self,
        object: &ObjectRef,
        operations: &[impl Serialize],
        manager: &str,
        dry_run: bool,
    ) -> Result<Applied, ClusterError> {
        let path = self.patch_path(object, manager).await?;
        self.write(
            Method::PATCH,
            path,
            "application/json-patch+json",
            operations,
            dry_run,
        )
        .await
    }

    /// A patch of which only the server's warnings are wanted: nothing of the object but its metadata is sent back, and of
    /// that nothing is read.
    pub async fn patch_unread(
        &self,
        object: &ObjectRef,
        body: PatchBody<'_>,
        how: &Patching<'_>,
    ) -> Result<Vec<String>, ClusterError> {
        let validation = if how.strict { "Strict" } else { "Ignore" };
        let path = self
            .path_of(object)
            .await?
            .parameter("fieldManager", how.manager)
            .parameter("fieldValidation", validation)
            .optional("dryRun", how.dry_run.then_some("All"));
        let (media_type, body, accept) = match body {
            // The server has types for what takes one, and with them the encoding. An error comes as JSON all the same: it
            // has no metadata to be taken out.
            PatchBody::Strategic(merged) => (
                "application/strategic-merge-patch+json",
                serde_json::to_vec(merged),
                METADATA_AS_PROTOBUF,
            ),
            PatchBody::Json(operations) => (
                "application/json-patch+json",
                serde_json::to_vec(operations),
                METADATA,
            ),
        };
        let mut call = Call::with_bytes(Method::PATCH, path, media_type, body.unwrap_or_default());
        call.accept = accept;
        self.call_text(call).await.map(|answer| answer.warnings)
    }

    /// JSON merge patch (RFC 7386).
    pub async fn merge_patch(
        &self,
        object: &ObjectRef,
        patch: &Value,
        manager: &str,
        dry_run: bool,
    ) -> Result<Applied, ClusterError> {
        let target = self.patch_path(object, manager).await?;
        self.write(
            Method::PATCH,
            target,
            "application/merge-patch+json",
            patch,
            dry_run,
        )
        .await
    }

    /// Asks for deletion, dependents in the background; with `uid`, only of that very object ([`ClusterError::Conflict`] otherwise).
    pub async fn delete(&self, object: &ObjectRef, uid: Option<&str>) -> Result<(), ClusterError> {
        let mut options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
        });
        if let Some(uid) = uid {
            options["preconditions"] = json!({ "uid": uid });
        }
        let path = self.path_of(object).await?;
        let call = Call::with_body(Method::DELETE, path, "application/json", &options);
        self.call(call).await.map(|_| ())
    }

    /// Whether a kind lives in namespaces. [`ClusterError::NotFound`] for a kind that is not served.
    pub async fn scope_of(&self, api_version: &str, kind: &str) -> Result<Scope, ClusterError> {
        self.resource(api_version, kind)
            .await
            .map(|resource| resource.scope)
    }

    /// The path of a kind's objects; all namespaces where `namespace` is None.
    pub(super) async fn collection(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
    ) -> Result<Path, ClusterError> {
        let resource = self.resource(api_version, kind).await?;
        let path = Path::of_version(api_version);
        Ok(match namespace {
            Some(namespace) if resource.scope == Scope::Namespaced => {
                path.segment("namespaces").segment(namespace)
            }
            _ => path,
        }
        .segment(&resource.plural))
    }

    pub(super) async fn path_of(&self, object: &ObjectRef) -> Result<Path, ClusterError> {
        let refuse = |what: &str| {
            let message = format!("{object} has no {what}");
            ClusterError::Invalid {
                message,
                causes: Vec::new(),
            }
        };
        if object.name.is_empty() {
            return Err(refuse("name"));
        }
        if object.namespace.is_none()
            && self.scope_of(&object.api_version, &object.kind).await? == Scope::Namespaced
        {
            return Err(refuse("namespace"));
        }
        let path = self
            .collection(
                &object.api_version,
                &object.kind,
                object.namespace.as_deref(),
            )
            .await?;
        Ok(path.segment(&object.name))
    }

    async fn patch_path(&self, object: &ObjectRef, manager: &str) -> Result<Path, ClusterError> {
        let path = self.path_of(object).await?;
        Ok(path
            .parameter("fieldManager", manager)
            .parameter("fieldValidation", "Strict"))
    }

    async fn write(
        &self,
        method: Method,
        path: Path,
        media_type: &'static str,
        body: &(impl Serialize + ?Sized),
        dry_run: bool,
    ) -> Result<Applied, ClusterError> {
        let path = path.optional("dryRun", dry_run.then_some("All"));
        let answer = self
            .call(Call::with_body(method, path, media_type, body))
            .await?;
        Ok(Applied {
            object: answer.value,
            warnings: answer.warnings,
        })
    }
}
