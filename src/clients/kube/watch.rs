//! Watches: a stream of what happens to objects from a resourceVersion on, with bookmarks.

use futures::{AsyncBufReadExt, Stream, StreamExt};
use http::{Request, header};
use serde_json::Value;

use super::reading::select;
use super::request::unreachable;
use super::{Cluster, ClusterError, Selection};
use crate::clients::cause;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchKind {
    /// It is there: made, or there from the start.
    Added,
    /// It changed.
    Modified,
    /// It is gone; the object is its last state.
    Deleted,
    /// Nothing, up to this resourceVersion.
    Bookmark,
}

/// One event of a watch.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchEvent {
    /// What happened.
    pub kind: WatchKind,
    /// The object; for a bookmark only its `metadata.resourceVersion` counts.
    pub object: Value,
}

impl WatchEvent {
    /// From where a next watch goes on.
    pub fn resource_version(&self) -> &str {
        self.object
            .pointer("/metadata/resourceVersion")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

impl Cluster {
    /// Watches objects from `resource_version` on ([`super::Page::resource_version`]; None sends every object first).
    ///
    /// The stream ends when the server closes it (about every 5 minutes): go on from the last event's
    /// resourceVersion. [`ClusterError::Gone`] asks for a new list.
    pub async fn watch(
        &self,
        api_version: &str,
        kind: &str,
        selection: &Selection<'_>,
        resource_version: Option<&str>,
    ) -> Result<
        impl Stream<Item = Result<WatchEvent, ClusterError>> + Send + Unpin + use<>,
        ClusterError,
    > {
        let path = self
            .collection(api_version, kind, selection.namespace)
            .await?;
        let path = select(path, selection)
            .parameter("watch", "true")
            .parameter("allowWatchBookmarks", "true")
            .parameter("timeoutSeconds", "290")
            .optional("resourceVersion", resource_version);
        let request = Request::get(path.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::ACCEPT_ENCODING, "identity")
            .body(Vec::new())
            .map_err(|error| ClusterError::Other {
                status: None,
                message: error.to_string(),
            })?;
        let lines = self
            .client
            .request_stream(request)
            .await
            .map_err(|error| unreachable(&error))?
            .lines();
        Ok(Box::pin(lines.filter_map(async |line| match line {
            Ok(line) if line.trim().is_empty() => None,
            Ok(line) => Some(parse(&line)),
            Err(error) => Some(Err(ClusterError::Unreachable {
                message: cause::of(&error).to_string(),
            })),
        })))
    }
}

fn parse(line: &str) -> Result<WatchEvent, ClusterError> {
    let other = |message: String| ClusterError::Other {
        status: None,
        message,
    };
    // A line cut in the middle is a connection that ended.
    let mut event: Value = serde_json::from_str(line).map_err(|_| ClusterError::Unreachable {
        message: "the watch ended in the middle of an event".to_owned(),
    })?;
    let object = event.get_mut("object").map(Value::take).unwrap_or_default();
    let kind = match event
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
    {
        "ADDED" => WatchKind::Added,
        "MODIFIED" => WatchKind::Modified,
        "DELETED" => WatchKind::Deleted,
        "BOOKMARK" => WatchKind::Bookmark,
        "ERROR" => {
            let code = object
                .get("code")
                .and_then(Value::as_u64)
                .unwrap_or_default();
            return Err(ClusterError::from_status(
                u16::try_from(code).unwrap_or_default(),
                &object,
            ));
        }
        unknown => {
            return Err(other(format!(
                "the watch sent an event of type '{unknown}'"
            )));
        }
    };
    Ok(WatchEvent { kind, object })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_bookmarks_and_errors_are_told_apart() {
        let event =
            parse(r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}"#).unwrap();
        assert_eq!(
            (event.kind, event.resource_version()),
            (WatchKind::Bookmark, "7")
        );
        let gone = parse(
            r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#,
        );
        assert_eq!(
            gone,
            Err(ClusterError::Gone {
                message: "too old".into(),
                next: None,
            })
        );
        assert!(matches!(
            parse(r#"{"type":"ADD"#),
            Err(ClusterError::Unreachable { .. })
        ));
    }
}
