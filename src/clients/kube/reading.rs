//! Lists page by page, logs, and plain paths of the API server.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::query::Path;
use super::request::Call;
use super::{Cluster, ClusterError};
use crate::object::text_at;

/// Objects in one page: what kubectl asks for.
const PAGE: &str = "500";

/// How often a list whose token has expired begins again.
const RESTARTS: usize = 3;

/// Bytes of a log: one line may be as long as a program likes.
const LONGEST_LOG: &str = "1048576";

/// Which objects of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Selection<'a> {
    /// One namespace; None is all of them.
    pub namespace: Option<&'a str>,
    /// `app.kubernetes.io/name=x`.
    pub labels: Option<&'a str>,
    /// `metadata.name=x`.
    pub fields: Option<&'a str>,
}

/// Some of the objects of a kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The objects, each with apiVersion and kind.
    pub items: Vec<Value>,
    /// From where a watch goes on.
    pub resource_version: String,
    /// The token of the next page.
    pub next: Option<String>,
}

/// Which lines of a container's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOptions<'a> {
    /// The container; None where the pod has one.
    pub container: Option<&'a str>,
    /// How many lines from the end.
    pub tail: u32,
    /// Those of the container's previous run.
    pub previous: bool,
}

impl Cluster {
    /// All objects of a kind, page by page. [`ClusterError::NotFound`] for a kind that is not served.
    pub async fn list(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        label_selector: Option<&str>,
    ) -> Result<Vec<Value>, ClusterError> {
        let selection = Selection {
            namespace,
            labels: label_selector,
            fields: None,
        };
        self.list_selected(api_version, kind, &selection)
            .await
            .map(|page| page.items)
    }

    /// All selected objects, with the resourceVersion to watch from.
    pub async fn list_selected(
        &self,
        api_version: &str,
        kind: &str,
        selection: &Selection<'_>,
    ) -> Result<Page, ClusterError> {
        let mut all = self.page(api_version, kind, selection, None).await?;
        while let Some(token) = all.next.take() {
            match self.page(api_version, kind, selection, Some(&token)).await {
                Ok(page) => {
                    all.items.extend(page.items);
                    all.next = page.next;
                }
                // The token outlived etcd's compaction: once more, in one piece.
                Err(ClusterError::Gone { .. }) => {
                    return self
                        .request_page(api_version, kind, selection, None, None)
                        .await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// What `keep` makes of every object of a kind; one page is held at a time, however many objects there are.
    /// [`ClusterError::NotFound`] for a kind that is not served.
    pub async fn list_reduced<T>(
        &self,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        keep: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<T>, ClusterError> {
        let selection = Selection {
            namespace,
            ..Selection::default()
        };
        let mut kept = Vec::new();
        let mut token: Option<String> = None;
        let mut restarts = 0;
        loop {
            let page = self.page(api_version, kind, &selection, token.as_deref());
            let page = match page.await {
                // The token outlived etcd's compaction: what was read is half of an old state.
                Err(ClusterError::Gone { .. }) if token.is_some() && restarts < RESTARTS => {
                    restarts += 1;
                    kept.clear();
                    token = None;
                    continue;
                }
                page => page?,
            };
            kept.extend(page.items.iter().filter_map(&keep));
            token = page.next;
            if token.is_none() {
                return Ok(kept);
            }
        }
    }

    /// One page of at most 500 objects; `token` is [`Page::next`] of the page before.
    async fn page(
        &self,
        api_version: &str,
        kind: &str,
        selection: &Selection<'_>,
        token: Option<&str>,
    ) -> Result<Page, ClusterError> {
        self.request_page(api_version, kind, selection, Some(PAGE), token)
            .await
    }

    async fn request_page(
        &self,
        api_version: &str,
        kind: &str,
        selection: &Selection<'_>,
        limit: Option<&str>,
        token: Option<&str>,
    ) -> Result<Page, ClusterError> {
        let path = self
            .collection(api_version, kind, selection.namespace)
            .await?;
        let path = select(path, selection)
            .optional("limit", limit)
            .optional("continue", token);
        let mut list = self.call(Call::get(path)).await?.value;
        let items = match list.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        let text = |pointer| text_at(&list, pointer).unwrap_or_default();
        Ok(Page {
            items: items
                .into_iter()
                .map(|item| typed(api_version, kind, item))
                .collect(),
            resource_version: text("/metadata/resourceVersion").to_owned(),
            next: Some(text("/metadata/continue").to_owned()).filter(|token| !token.is_empty()),
        })
    }

    /// The last lines of a container's log, at most 1 MiB from the first of them.
    pub async fn logs(
        &self,
        namespace: &str,
        pod: &str,
        options: &LogOptions<'_>,
    ) -> Result<String, ClusterError> {
        let path = Path::of_version("v1")
            .segment("namespaces")
            .segment(namespace)
            .segment("pods")
            .segment(pod)
            .segment("log")
            .parameter("tailLines", &options.tail.to_string())
            .parameter("limitBytes", LONGEST_LOG)
            .optional("container", options.container)
            .optional("previous", options.previous.then_some("true"));
        let call = Call {
            accept: "*/*",
            ..Call::get(path)
        };
        self.call_text(call).await.map(|answer| answer.text)
    }

    /// As [`Cluster::read`], what `T` keeps of the answer: a large one never stands in memory as values.
    pub async fn read_as<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClusterError> {
        let answer = self.call_text(Call::get(Path::new(path))).await?;
        serde_json::from_str(&answer.text).map_err(|error| ClusterError::Other {
            status: None,
            message: format!("the answer to {path} is not what it should be: {error}"),
        })
    }

    /// The text that a path of the API server answers; [`ClusterError::TooLarge`] where it has more bytes.
    pub async fn read_text(&self, path: &str, largest: usize) -> Result<String, ClusterError> {
        let mut call = Call::get(Path::new(path));
        call.largest = Some(largest);
        self.call_text(call).await.map(|answer| answer.text)
    }

    /// Any path of the API server that answers JSON, such as `/version`.
    pub async fn read(&self, path: &str) -> Result<Value, ClusterError> {
        self.call(Call::get(Path::new(path)))
            .await
            .map(|answer| answer.value)
    }
}

pub(super) fn select(path: Path, selection: &Selection<'_>) -> Path {
    path.optional("labelSelector", selection.labels)
        .optional("fieldSelector", selection.fields)
}

/// Items of a list of a built-in kind come without apiVersion and kind.
pub(super) fn typed(api_version: &str, kind: &str, item: Value) -> Value {
    let Value::Object(fields) = item else {
        return item;
    };
    if fields.contains_key("kind") {
        return Value::Object(fields);
    }
    let mut object = Map::with_capacity(fields.len() + 2);
    object.insert(
        "apiVersion".to_owned(),
        Value::String(api_version.to_owned()),
    );
    object.insert("kind".to_owned(), Value::String(kind.to_owned()));
    object.extend(fields);
    Value::Object(object)
}
