//! `--inject`: what it needs of the configuration and of the cluster.

use super::args::Inject;
use crate::cli::clock;
use crate::clients::kube::Cluster;
use crate::config::problem::Problem;
use crate::config::{Origin, Partial, ProxyCredentials};
use crate::facts;
use crate::failure::Failure;
use crate::rewrite::injection::Injection;

/// What is missing of the configuration.
pub(super) fn needs(wanted: &[Inject], partial: &Partial) -> Vec<Problem> {
    let mut missing = Vec::new();
    if wanted.contains(&Inject::Ca) && partial.ca_bundle.is_none() {
        let what = "--inject ca: of which authorities?";
        let problem = Problem::new("inject-missing", "", what, Origin::Default);
        missing.push(problem.remedy("give --ca-bundle FILE or DIRECTORY"));
    }
    if wanted.contains(&Inject::Proxy) && partial.proxy.is_none() {
        let what = "--inject proxy: which one?";
        let problem = Problem::new("inject-missing", "", what, Origin::Default);
        missing.push(problem.remedy("give --proxy URL"));
    }
    let account = partial
        .proxy
        .as_ref()
        .and_then(|proxy| proxy.credentials.as_ref());
    if wanted.contains(&Inject::Proxy)
        && matches!(account, Some(ProxyCredentials::ExistingSecret(_)))
    {
        let what = "--inject proxy: the Secret of proxy.credentials.existingSecret lies in the namespaces of ARC alone, and pods that name it elsewhere would not start";
        let problem = Problem::new("inject-missing", "", what, Origin::Default);
        missing.push(problem.remedy("give the account itself (--proxy-credentials-file), which is put into a Secret of each namespace"));
    }
    missing
}

/// What is put into containers; None where nothing is.
pub(super) async fn injection(
    wanted: &[Inject],
    partial: &Partial,
    cluster: &Cluster,
) -> Result<Option<Injection>, Failure> {
    if wanted.is_empty() {
        return Ok(None);
    }
    let bundle = partial.ca_bundle.as_deref();
    let bundle = bundle.filter(|_| wanted.contains(&Inject::Ca));
    let pems = bundle.map_or(Ok(Vec::new()), |path| {
        facts::host::read_authorities(path, clock::now()).map(|authorities| authorities.pems)
    })?;
    let proxy = partial.proxy.as_ref();
    let proxy = proxy.filter(|_| wanted.contains(&Inject::Proxy));
    // Only NO_PROXY asks for it.
    let network = match proxy {
        Some(_) => facts::read_addresses(cluster).await?,
        None => facts::Facts::assumed(facts::KubernetesVersion::DEFAULT).cluster,
    };
    Injection::new(&pems, proxy, &network).map(Some)
}
