//! One list-and-watch: what is there, then what happens to it; a list again where the watch lost its place.

use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::clients::kube::{Cluster, ClusterError, Selection, WatchKind};

/// What a feed looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Feed {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    /// One object by name; None is all of them.
    pub(super) name: Option<String>,
    /// Without it nothing can be judged; the others only explain.
    pub(super) is_needed: bool,
}

/// What a feed tells.
#[derive(Debug)]
pub(super) enum News {
    /// Everything there is; what else was known of this feed is gone.
    Listed(Vec<Value>),
    /// An object is new or has changed.
    Seen(Value),
    /// An object is gone.
    Gone(Value),
    /// It may not be read.
    Refused(ClusterError),
    /// The server does not answer; the feed goes on trying.
    Lost(ClusterError),
}

/// Between two tries after a lost connection or for a kind that is not served yet.
const RETRY: Duration = Duration::from_secs(2);

impl Feed {
    /// Runs until the receiver is dropped. `index` tells the feeds apart.
    pub(super) async fn run(self, index: usize, cluster: Cluster, to: mpsc::Sender<(usize, News)>) {
        let fields = self
            .name
            .as_ref()
            .map(|name| format!("metadata.name={name}"));
        let selection = Selection {
            namespace: self.namespace.as_deref(),
            labels: None,
            fields: fields.as_deref(),
        };
        while !to.is_closed() {
            let listed = cluster
                .list_selected(&self.api_version, &self.kind, &selection)
                .await;
            let news = match listed {
                Ok(page) => {
                    let version = page.resource_version;
                    if to.send((index, News::Listed(page.items))).await.is_err() {
                        return;
                    }
                    if self.watch(index, &cluster, &selection, version, &to).await {
                        continue;
                    }
                    return;
                }
                Err(
                    error @ (ClusterError::Forbidden { .. } | ClusterError::Unauthorized { .. }),
                ) => {
                    let _ = to.send((index, News::Refused(error))).await;
                    return;
                }
                Err(ClusterError::NotFound { .. }) => News::Listed(Vec::new()),
                Err(error) => News::Lost(error),
            };
            if to.send((index, news)).await.is_err() {
                return;
            }
            sleep(RETRY).await;
        }
    }

    /// Watches until a new list is needed; false where nothing more will come.
    async fn watch(
        &self,
        index: usize,
        cluster: &Cluster,
        selection: &Selection<'_>,
        mut version: String,
        to: &mpsc::Sender<(usize, News)>,
    ) -> bool {
        while !to.is_closed() {
            let stream = cluster
                .watch(&self.api_version, &self.kind, selection, Some(&version))
                .await;
            let mut stream = match stream {
                Ok(stream) => stream,
                Err(ClusterError::Gone { .. } | ClusterError::NotFound { .. }) => return true,
                Err(
                    error @ (ClusterError::Forbidden { .. } | ClusterError::Unauthorized { .. }),
                ) => {
                    // What nobody keeps up to date must not be judged: a pod that waited once may run by now. Where
                    // it is needed, the refusal ends the wait before anything is.
                    if !self.is_needed {
                        let _ = to.send((index, News::Listed(Vec::new()))).await;
                    }
                    let _ = to.send((index, News::Refused(error))).await;
                    return false;
                }
                Err(error) => {
                    let _ = to.send((index, News::Lost(error))).await;
                    sleep(RETRY).await;
                    continue;
                }
            };
            while let Some(event) = stream.next().await {
                let event = match event {
                    Ok(event) => event,
                    // A connection that broke goes on from the last version; anything else lists again.
                    Err(ClusterError::Unreachable { .. }) => break,
                    Err(_) => return true,
                };
                version = event.resource_version().to_owned();
                let news = match event.kind {
                    WatchKind::Bookmark => continue,
                    WatchKind::Deleted => News::Gone(event.object),
                    WatchKind::Added | WatchKind::Modified => News::Seen(event.object),
                };
                if to.send((index, news)).await.is_err() {
                    return false;
                }
            }
            // A server that closes at once must not be asked in a tight loop.
            sleep(Duration::from_millis(100)).await;
        }
        false
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
