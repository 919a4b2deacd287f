//! The network of the pods: all on one bridge, whose own address is the node's.

use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use crate::directory::Directory;

use super::namespaces::{BRIDGE, NODE, PODS};

/// Where Debian's package `containernetworking-plugins` puts the plugins.
pub(crate) const PLUGINS: &str = "/usr/lib/cni";

/// Writes the configuration and returns its directory.
pub(crate) fn configure(directory: &Directory) -> Result<PathBuf> {
    let config = json!({
        "cniVersion": "1.0.0",
        "name": "lab",
        "plugins": [
            {
                "type": "bridge",
                "bridge": BRIDGE,
                "isGateway": true,
                // A pod that calls its own Service.
                "hairpinMode": true,
                "ipam": {
                    "type": "host-local",
                    "dataDir": "/run/cni",
                    "ranges": [[{ "subnet": PODS, "rangeStart": "10.244.0.16", "gateway": NODE.to_string() }]],
                    "routes": [{ "dst": "0.0.0.0/0" }],
                },
            },
            { "type": "portmap", "capabilities": { "portMappings": true } },
        ],
    });
    directory.write("cni/10-lab.conflist", config.to_string())?;
    Ok(directory.path("cni"))
}
