//! What an API server stores, at rest.

use std::collections::BTreeMap;

use kube::Client;
use serde_json::Value;

use super::site::Site;

pub(crate) use crate::support::world::{
    World, differing, essence, inventory_faults, read, versions,
};

/// Everything, once nothing moves any more.
pub(crate) async fn settled(client: &Client) -> World {
    let mut last = World::new();
    crate::control_plane::eventually("a world at rest", async || {
        let before = std::mem::replace(&mut last, read(client).await);
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        (before == last).then_some(before)
    })
    .await
}

/// The essence of a site at rest.
pub(crate) async fn essence_of(site: &Site) -> BTreeMap<String, Value> {
    essence(&settled(&site.client).await)
}
