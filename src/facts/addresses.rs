//! Names, addresses and ranges that traffic inside the cluster uses, and that no proxy must see. Nodes are not read:
//! a big cluster has thousands, and many users may not.

use futures::future::join_all;
use serde_json::{Value, json};

use super::gaps::Gaps;
use crate::clients::kube::{Cluster, ClusterError, Selection};
use crate::failure::Failure;
use crate::object::ObjectRef;

/// What is read; each part can fail by itself.
pub(super) struct Reads {
    server: String,
    service: Result<Option<Value>, ClusterError>,
    slices: Result<Vec<Value>, ClusterError>,
    services: Result<Vec<String>, ClusterError>,
    corefiles: Vec<Result<Option<Value>, ClusterError>>,
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Addresses {
    pub(super) api_server: Vec<String>,
    pub(super) services: Vec<String>,
    pub(super) domain: String,
}

/// What `kubeadm`, k3s, AKS and EKS call it, then RKE2's chart, then OpenShift's.
const COREFILES: [(&str, &str); 3] = [
    ("kube-system", "coredns"),
    ("kube-system", "rke2-coredns-rke2-coredns"),
    ("openshift-dns", "dns-default"),
];

pub(super) async fn read(cluster: &Cluster) -> Reads {
    let service = ObjectRef::new("v1", "Service", Some("default"), "kubernetes");
    let selection = Selection {
        namespace: Some("default"),
        labels: Some("kubernetes.io/service-name=kubernetes"),
        fields: None,
    };
    let (service, slices, services, corefiles) = futures::join!(
        cluster.get(&service),
        cluster.list_selected("discovery.k8s.io/v1", "EndpointSlice", &selection),
        service_ranges(cluster),
        join_all(COREFILES.iter().map(async |(namespace, name)| {
            cluster
                .get(&ObjectRef::new("v1", "ConfigMap", Some(namespace), name))
                .await
        })),
    );
    Reads {
        server: cluster.identity.server.clone(),
        service,
        slices: slices.map(|page| page.items),
        services,
        corefiles,
    }
}

/// The ServiceCIDR API (1.33); before it, a Service with an address outside of any range is refused with the range named.
async fn service_ranges(cluster: &Cluster) -> Result<Vec<String>, ClusterError> {
    match cluster
        .list("networking.k8s.io/v1", "ServiceCIDR", None, None)
        .await
    {
        Ok(ranges) => Ok(ranges
            .iter()
            .flat_map(|range| strings(range, "/spec/cidrs"))
            .collect()),
        Err(ClusterError::NotFound { .. }) => {
            let probe = json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": { "generateName": "arc-setup-range-", "namespace": "default" },
                // Reserved for documentation (RFC 5737): in nobody's range.
                "spec": { "clusterIP": "192.0.2.1", "ports": [{ "port": 443 }] },
            });
            match cluster.create(&probe, true).await {
                Err(ClusterError::Invalid { message, .. }) => Ok(range_in(&message)),
                Err(error) => Err(error),
                Ok(_) => Ok(Vec::new()),
            }
        }
        Err(error) => Err(error),
    }
}

/// `… The range of valid IPs is 10.43.0.0/16` (Kubernetes, `ipallocator`).
fn range_in(message: &str) -> Vec<String> {
    let Some((_, rest)) = message.split_once("range of valid IPs is ") else {
        return Vec::new();
    };
    let range: String = rest
        .chars()
        .take_while(|character| character.is_ascii_hexdigit() || ".:/".contains(*character))
        .collect();
    if range.contains('/') {
        vec![range.trim_end_matches(['.', ':']).to_owned()]
    } else {
        Vec::new()
    }
}

impl Reads {
    pub(super) fn fold(self, gaps: &mut Gaps) -> Result<Addresses, Failure> {
        let mut api_server = Vec::new();
        let mut add = |host: String| {
            if !host.is_empty() && !api_server.contains(&host) {
                api_server.push(host);
            }
        };
        add(host_of(&self.server));
        if let Some(service) = gaps.fill("Service default/kubernetes", self.service)? {
            strings(&service, "/spec/clusterIPs")
                .into_iter()
                .for_each(&mut add);
            add(text(&service, "/spec/clusterIP").to_owned());
        }
        let mut endpoints: Vec<String> = Vec::new();
        for slice in gaps.fill("EndpointSlices of default/kubernetes", self.slices)? {
            for endpoint in slice
                .get("endpoints")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                endpoints.extend(strings(endpoint, "/addresses"));
            }
        }
        // The server lists them in the order of its leases, which changes.
        endpoints.sort();
        endpoints.into_iter().for_each(&mut add);
        let mut services = gaps.fill("the Service range", self.services)?;
        services.sort();
        services.dedup();
        Ok(Addresses {
            api_server,
            services,
            domain: domain(self.corefiles, gaps)?,
        })
    }
}

fn domain(
    corefiles: Vec<Result<Option<Value>, ClusterError>>,
    gaps: &mut Gaps,
) -> Result<String, Failure> {
    let mut unread = None;
    for (result, (namespace, name)) in corefiles.into_iter().zip(COREFILES) {
        match result {
            Ok(Some(config)) => {
                if let Some(domain) = zone(text(&config, "/data/Corefile")) {
                    return Ok(domain);
                }
            }
            Ok(None) => {}
            Err(error) => {
                unread = unread.or(Some((
                    format!("ConfigMap {namespace}/{name} (cluster domain)"),
                    error,
                )));
            }
        }
    }
    if let Some((what, error)) = unread {
        gaps.fill(&what, Err::<(), _>(error))?;
    }
    Ok("cluster.local".to_owned())
}

/// The zone of the Corefile's line `kubernetes cluster.local in-addr.arpa ip6.arpa {`.
fn zone(corefile: &str) -> Option<String> {
    corefile
        .lines()
        .map(str::trim)
        .filter_map(|line| line.strip_prefix("kubernetes "))
        .flat_map(str::split_whitespace)
        .map(|zone| zone.trim_end_matches('.'))
        .find(|zone| {
            zone.rsplit('.').next() != Some("arpa")
                && zone.contains(|character: char| character.is_ascii_alphabetic())
                && zone
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric() || ".-".contains(character))
        })
        .map(str::to_lowercase)
}

/// The host of a URL, without brackets.
fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host),
    };
    host.to_owned()
}

fn strings(value: &Value, pointer: &str) -> Vec<String> {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied<T>() -> Result<T, ClusterError> {
        Err(ClusterError::Forbidden {
            message: "no".into(),
        })
    }

    #[test]
    fn what_may_not_be_read_is_left_out_and_named() {
        let reads = Reads {
            server: "https://[fd00::1]:6443".into(),
            service: Ok(Some(
                json!({"spec": {"clusterIP": "10.43.0.1", "clusterIPs": ["10.43.0.1"]}}),
            )),
            slices: Ok(vec![
                json!({"endpoints": [{"addresses": ["10.0.0.2"]}, {"addresses": ["10.0.0.1"]}]}),
            ]),
            services: denied(),
            corefiles: vec![denied(), Ok(None)],
        };
        let mut gaps = Gaps::default();
        let addresses = reads.fold(&mut gaps).unwrap();
        assert_eq!(
            addresses.api_server,
            ["fd00::1", "10.43.0.1", "10.0.0.1", "10.0.0.2"]
        );
        assert_eq!(addresses.domain, "cluster.local");
        assert_eq!(
            gaps.0,
            [
                "the Service range: no",
                "ConfigMap kube-system/coredns (cluster domain): no"
            ]
        );
    }

    #[test]
    fn the_refused_service_names_the_range() {
        let message = "Service \"x\" is invalid: spec.clusterIPs: Invalid value: [\"192.0.2.1\"]: failed to allocate IP 192.0.2.1: the provided IP (192.0.2.1) is not in the valid range. The range of valid IPs is 10.43.0.0/16";
        assert_eq!(range_in(message), ["10.43.0.0/16"]);
        assert_eq!(range_in("other"), Vec::<String>::new());
    }

    #[test]
    fn the_zone_is_the_first_that_is_no_reverse_zone() {
        assert_eq!(
            zone(".:53 {\n    kubernetes in-addr.arpa Corp.Local. ip6.arpa {\n"),
            Some("corp.local".into())
        );
        assert_eq!(zone("    forward . /etc/resolv.conf"), None);
        assert_eq!(zone("kubernetes {$ZONE} {"), None);
    }
}
