//! Which custom kinds of a cluster hold pods, read from its CustomResourceDefinitions; from `/openapi/v3`, which every
//! user may read, where the user may not list those.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::clients::kube::{Cluster, ClusterError};
use crate::object::pods::{CustomKinds, Definition, is_built_in};

/// Definitions in one answer: one has up to 1.5 MB, and a page of them is held as text.
const PAGE: usize = 8;
/// How often a list whose token has expired goes on or begins again.
const RESTARTS: usize = 3;

/// What the schemas of a cluster tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomKindsReport {
    /// Kinds with pods.
    pub kinds: CustomKinds,
    /// What could not be read, each with the reason: kinds of it are known by their shape alone.
    pub unread: Vec<String>,
}

/// Reads the schemas of a cluster, one page or document in memory at a time. Only a server that does not answer is an
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

#[derive(Debug, Deserialize)]
struct DefinitionList {
    #[serde(default)]
    metadata: ListMetadata,
    items: Vec<Definition>,
}

#[derive(Debug, Default, Deserialize)]
struct ListMetadata {
    #[serde(default, rename = "continue")]
    next: String,
}

async fn definitions(cluster: &Cluster) -> Result<CustomKinds, ClusterError> {
    let first = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions?limit={PAGE}");
    let mut kinds = CustomKinds::default();
    let mut path = first.clone();
    let mut restarts = 0;
    loop {
        let list: DefinitionList = match cluster.read_as(&path).await {
            Ok(list) => list,
            // A definition that is read twice adds nothing.
            Err(ClusterError::Gone { next, .. }) if restarts < RESTARTS => {
                restarts += 1;
                path = next.map_or_else(|| first.clone(), |token| with_token(&first, &token));
                continue;
            }
            Err(error) => return Err(error),
        };
        for definition in &list.items {
            kinds.add_definition(definition);
        }
        if list.metadata.next.is_empty() {
            return Ok(kinds);
        }
        path = with_token(&first, &list.metadata.next);
    }
}

/// Tokens are made of letters, digits, `-` and `_`; `=` may fill them up.
fn with_token(path: &str, token: &str) -> String {
    format!("{path}&continue={}", token.replace('=', "%3D"))
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
        match cluster.read_as(&entry.server_relative_url).await {
            Ok(document) => report.kinds.add_openapi(&document),
            Err(error @ ClusterError::Unreachable { .. }) => return Err(error),
            Err(error) => report.unread.push(format!("{path}: {}", error.message())),
        }
    }
    Ok(report)
}
