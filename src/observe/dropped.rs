//! What an earlier run noted and this configuration no longer has, as it lives now: a receipt tells names, and a name
//! may be somebody else's by now.

use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clients::kube::{Cluster, ClusterError};
use crate::failure::{Exit, Failure};
use crate::object::{Manifest, ObjectRef, text_at};

use super::mask::MANAGER;
use super::receipt::{INSTALL_LABEL, Receipt};
use super::surroundings::is_ours;

/// Reads in flight at once.
const CONCURRENCY: usize = 8;

/// An object that the configuration no longer has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dropped {
    /// Which.
    pub object: ObjectRef,
    /// What stands there.
    pub now: Remains,
}

/// What stands at the place of an object that an earlier run noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Remains {
    /// Nothing: it was never written, or is gone.
    Absent,
    /// An object of this install.
    Ours {
        /// Its uid.
        uid: String,
    },
    /// An object that does not say that it is of this install.
    Theirs,
    /// Nobody could look.
    Unread {
        /// The server's words.
        why: String,
    },
}

/// Reads what `receipt` notes and `manifests` lack. Fails where the server gives no answer at all.
pub(super) async fn dropped(
    cluster: &Cluster,
    receipt: &Receipt,
    manifests: &[Manifest],
) -> Result<Vec<Dropped>, Failure> {
    futures::stream::iter(receipt.dropped(manifests))
        .map(async |object| {
            let live = match cluster.see(object, MANAGER).await {
                Err(ClusterError::Forbidden { message }) => Err(message),
                live => Ok(live.map_err(|error| {
                    let what = format!("cannot read {object}, which an earlier run made");
                    error.failure(what, Exit::Preflight)
                })?),
            };
            Ok(Dropped {
                object: object.clone(),
                now: remains(live, &receipt.install),
            })
        })
        .buffered(CONCURRENCY)
        .try_collect()
        .await
}

fn remains(live: Result<Option<Value>, String>, install: &str) -> Remains {
    match live {
        Err(why) => Remains::Unread { why },
        Ok(None) => Remains::Absent,
        Ok(Some(live)) => {
            let labels = live.pointer("/metadata/labels");
            let named = labels.and_then(|labels| labels.get(INSTALL_LABEL)?.as_str());
            if is_ours(&live) && named.is_none_or(|named| named == install) {
                let uid = text_at(&live, "/metadata/uid").unwrap_or_default();
                Remains::Ours {
                    uid: uid.to_owned(),
                }
            } else {
                Remains::Theirs
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_says_so_is_of_this_install() {
        let of = |labels: Value| {
            let live = json!({"metadata": {"uid": "u", "labels": labels}});
            remains(Ok(Some(live)), "one")
        };
        let ours = Remains::Ours {
            uid: "u".to_owned(),
        };
        let managed = "app.kubernetes.io/managed-by";
        assert_eq!(
            of(json!({managed: "arc-setup", INSTALL_LABEL: "one"})),
            ours
        );
        assert_eq!(of(json!({managed: "arc-setup"})), ours);
        for labels in [
            json!({managed: "arc-setup", INSTALL_LABEL: "two"}),
            json!({managed: "Helm", INSTALL_LABEL: "one"}),
            json!(null),
        ] {
            assert_eq!(of(labels.clone()), Remains::Theirs, "{labels}");
        }
        assert_eq!(remains(Ok(None), "one"), Remains::Absent);
    }
}
