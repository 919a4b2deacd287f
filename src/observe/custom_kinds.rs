//! Which custom kinds of a cluster hold pods or may name images, read from its CustomResourceDefinitions; from `/openapi/v3`, which every
//! user may read, where the user may not list those.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::clients::kube::{Cluster, ClusterError, Scope, Selection};
use crate::object::pods::{CustomKinds, Definition, OpenApi, is_built_in};

/// Group and version, kind, and plural of what is listed.
const DEFINITION: (&str, &str, &str) = (
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
);
/// Definitions of the first page: one has up to 1.5 MB.
const FIRST: usize = 4;
/// Most bytes of a document of `/openapi/v3`, which is held as text.
const LARGEST_DOCUMENT: usize = 24 * 1024 * 1024;

/// What the schemas of a cluster tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomKindsReport {
    /// Kinds that may name images.
    pub kinds: CustomKinds,
    /// What could not be read, each with the reason: kinds of it are known by their shape alone.
    pub unread: Vec<String>,
}

/// Reads the schemas of a cluster: two pages or one document in memory as text, and one schema as values. Only a server that does not answer is an
/// error.
pub async fn custom_kinds(cluster: &Cluster) -> Result<CustomKindsReport, ClusterError> {
    match definitions(cluster).await {
        Ok(kinds) => Ok(CustomKindsReport {
            kinds,
            unread: Vec::new(),
        }),
        Err(error @ (ClusterError::Unreachable { .. } | ClusterError::Unauthorized { .. })) => {
            Err(error)
        }
        Err(_) => documents(cluster).await,
    }
}

async fn definitions(cluster: &Cluster) -> Result<CustomKinds, ClusterError> {
    let (api_version, kind, plural) = DEFINITION;
    cluster.seed(api_version, kind, plural, Scope::Cluster);
    let mut kinds = CustomKinds::default();
    // A definition that is read twice, since a token had expired, adds nothing.
    let mut pages = cluster.pages_from(FIRST, api_version, kind, &Selection::default());
    while let Some(page) = pages.next().await {
        let page = page?;
        for number in 0..page.len() {
            if let Some(definition) = page.object_as::<Definition>(number) {
                kinds.add_definition(&definition?);
            }
        }
    }
    Ok(kinds)
}

#[derive(Debug, Deserialize)]
struct Index {
    paths: BTreeMap<String, IndexEntry>,
}

#[derive(Debug, Deserialize)]
struct IndexEntry {
    #[serde(rename = "serverRelativeURL")]
    server_relative_url: String,
}

async fn documents(cluster: &Cluster) -> Result<CustomKindsReport, ClusterError> {
    let mut report = CustomKindsReport::default();
    let index: Index = match cluster.read_as("/openapi/v3").await {
        Ok(index) => index,
        Err(error @ ClusterError::Unreachable { .. }) => return Err(error),
        Err(error) => {
            let reason = error.message();
            report.unread.push(format!("/openapi/v3: {reason}"));
            return Ok(report);
        }
    };
    for (path, entry) in index.paths {
        // `apis/GROUP/VERSION`; `apis/GROUP` lists versions alone.
        let Some((group, _)) = path
            .strip_prefix("apis/")
            .and_then(|rest| rest.split_once('/'))
        else {
            continue;
        };
        if is_built_in(group) {
            continue;
        }
        let url = &entry.server_relative_url;
        let text = match cluster.read_text(url, LARGEST_DOCUMENT).await {
            Ok(text) => text,
            Err(error @ ClusterError::Unreachable { .. }) => return Err(error),
            Err(error) => {
                report.unread.push(format!("{path}: {}", error.message()));
                continue;
            }
        };
        match serde_json::from_str::<OpenApi<'_>>(&text) {
            Ok(document) => report.kinds.add_openapi(&document),
            Err(error) => report.unread.push(format!("{path}: {error}")),
        }
    }
    Ok(report)
}
