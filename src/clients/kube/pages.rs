//! A kind's objects, page by page, however many there are: the next page is on its way while one is worked on.
//!
//! Of each page the text is held, and of its objects the one that is read just now.

use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::task::JoinSet;

use super::lean;
use super::reading::{select, typed};
use super::request::Call;
use super::{Cluster, ClusterError, Selection};

/// Objects of the first page: nobody knows yet how large they are.
const FIRST: usize = 100;
/// Most objects of a page.
const MOST: usize = 1000;
/// Bytes that a page should have.
const WANTED: usize = 2 * 1024 * 1024;
/// Bytes at which a page is asked for again with fewer objects.
const LARGEST: usize = 4 * 1024 * 1024;

/// A list that is being read.
#[derive(Debug)]
pub struct Pages {
    of: Of,
    limit: usize,
    asked: JoinSet<(Result<RawPage, ClusterError>, Option<String>)>,
    resumed: usize,
}

/// What is listed.
#[derive(Debug, Clone)]
struct Of {
    cluster: Cluster,
    api_version: String,
    kind: String,
    namespace: Option<String>,
    labels: Option<String>,
}

/// Some of the objects of a kind, as the server sent them.
#[derive(Debug)]
pub struct RawPage {
    text: String,
    items: Vec<Range<usize>>,
    next: Option<String>,
    api_version: String,
    kind: String,
}

impl Cluster {
    /// Begins to list a kind. A token that has expired meanwhile goes on where it was, by the server's new one.
    /// [`ClusterError::NotFound`] for a kind that is not served.
    pub fn pages(&self, api_version: &str, kind: &str, selection: &Selection<'_>) -> Pages {
        self.pages_from(FIRST, api_version, kind, selection)
    }

    /// As [`Cluster::pages`], with so many objects in the first page: for a kind whose objects are large.
    pub fn pages_from(
        &self,
        first: usize,
        api_version: &str,
        kind: &str,
        selection: &Selection<'_>,
    ) -> Pages {
        let mut pages = Pages {
            of: Of {
                cluster: self.clone(),
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                namespace: selection.namespace.map(str::to_owned),
                labels: selection.labels.map(str::to_owned),
            },
            limit: first,
            asked: JoinSet::new(),
            resumed: 0,
        };
        pages.ask(None);
        pages
    }
}

impl Pages {
    /// The next page; None after the last. May be dropped and called again at any time.
    pub async fn next(&mut self) -> Option<Result<RawPage, ClusterError>> {
        loop {
            let (answer, token) = match self.asked.join_next().await? {
                Ok(answer) => answer,
                Err(error) => {
                    let message = format!("the list was not read to its end: {error}");
                    return Some(Err(ClusterError::Other {
                        status: None,
                        message,
                    }));
                }
            };
            match answer {
                Ok(page) => {
                    let size = page.text.len() / page.items.len().max(1);
                    self.limit = (WANTED / size.max(1)).clamp(1, MOST);
                    if let Some(next) = &page.next {
                        self.ask(Some(next.clone()));
                    }
                    return Some(Ok(page));
                }
                // The token outlived etcd's compaction.
                Err(ClusterError::Gone {
                    next: Some(next), ..
                }) if token.is_some() => {
                    self.resumed += 1;
                    self.ask(Some(next));
                }
                Err(ClusterError::TooLarge { .. }) if self.limit > 1 => {
                    self.limit = (self.limit / 4).max(1);
                    self.ask(token);
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// True until the last page was given out.
    pub fn has_more(&self) -> bool {
        !self.asked.is_empty()
    }

    /// How often a token had expired: what follows is of a later state than what came before.
    pub fn resumed(&self) -> usize {
        self.resumed
    }

    fn ask(&mut self, token: Option<String>) {
        let (of, limit) = (self.of.clone(), self.limit);
        self.asked.spawn(async move {
            let page = of.page(limit, token.as_deref()).await;
            (page, token)
        });
    }
}

impl Of {
    async fn page(&self, limit: usize, token: Option<&str>) -> Result<RawPage, ClusterError> {
        let selection = Selection {
            namespace: self.namespace.as_deref(),
            labels: self.labels.as_deref(),
            fields: None,
        };
        let path = self
            .cluster
            .collection(&self.api_version, &self.kind, selection.namespace)
            .await?;
        let path = select(path, &selection)
            .parameter("limit", &limit.to_string())
            .optional("continue", token);
        let mut call = Call::get(path);
        // A single object is as large as it is.
        call.largest = (limit > 1).then_some(LARGEST);
        let text = self.cluster.call_text(call).await?.text;
        RawPage::read(text, &self.api_version, &self.kind)
    }
}

impl RawPage {
    fn read(text: String, api_version: &str, kind: &str) -> Result<Self, ClusterError> {
        #[derive(Deserialize)]
        struct List<'a> {
            #[serde(default)]
            metadata: Metadata,
            #[serde(borrow, default)]
            items: Option<Vec<&'a RawValue>>,
        }
        #[derive(Deserialize, Default)]
        struct Metadata {
            #[serde(default, rename = "continue")]
            next: String,
        }
        let list: List<'_> = serde_json::from_str(&text).map_err(|error| no_json(&error))?;
        let start = text.as_ptr() as usize;
        let items = list
            .items
            .unwrap_or_default()
            .iter()
            .map(|item| {
                let from = item.get().as_ptr() as usize - start;
                from..from + item.get().len()
            })
            .collect();
        let next = Some(list.metadata.next).filter(|token| !token.is_empty());
        Ok(Self {
            items,
            next,
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            text,
        })
    }

    /// How many objects it holds.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True where it holds none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many bytes the object of this number has, as it was sent.
    pub fn size(&self, number: usize) -> Option<usize> {
        self.items.get(number).map(ExactSizeIterator::len)
    }

    /// The object of this number, with apiVersion and kind. Of its managedFields it has who wrote which top-level
    /// fields, and no more.
    pub fn object(&self, number: usize) -> Option<Result<Value, ClusterError>> {
        Some(self.typed(lean::object(self.object_text(number)?)))
    }

    /// The same with all of its managedFields.
    pub fn whole_object(&self, number: usize) -> Option<Result<Value, ClusterError>> {
        Some(self.typed(serde_json::from_str(self.object_text(number)?)))
    }

    fn typed(&self, object: serde_json::Result<Value>) -> Result<Value, ClusterError> {
        let object = object.map_err(|error| no_json(&error))?;
        Ok(typed(&self.api_version, &self.kind, object))
    }

    /// The object of this number, as much of it as `T` keeps.
    pub fn object_as<'a, T: Deserialize<'a>>(
        &'a self,
        number: usize,
    ) -> Option<Result<T, ClusterError>> {
        let object = serde_json::from_str(self.object_text(number)?);
        Some(object.map_err(|error| no_json(&error)))
    }

    fn object_text(&self, number: usize) -> Option<&str> {
        self.text.get(self.items.get(number)?.clone())
    }
}

fn no_json(error: &serde_json::Error) -> ClusterError {
    ClusterError::Other {
        status: None,
        message: format!("the answer is no JSON: {error}"),
    }
}
