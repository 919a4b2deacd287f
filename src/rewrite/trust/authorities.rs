//! The authorities in the forms that programs read: one bundle, and a file for each under its subject's hash.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::BUNDLE;
use crate::failure::{Exit, Failure};
use crate::pki::hashed;

/// etcd takes objects of 1.5 MiB; a ConfigMap may hold 1 MiB of data.
const LIMIT: usize = 1024 * 1024 - 4096;

#[derive(Debug)]
pub(in crate::rewrite) struct Authorities {
    bundle: String,
    /// `5229d903.0` → PEM.
    hashed: BTreeMap<String, String>,
}

impl Authorities {
    pub(in crate::rewrite) fn new(pems: &[String]) -> Result<Self, Failure> {
        let hashed = hashed(pems.iter().map(String::as_str)).map_err(|(pem, error)| {
            Failure::new(
                "ca-unreadable",
                Exit::Usage,
                "a certificate of the CA bundle cannot be used",
            )
            .why(error.to_string())
            .evidence(pem.lines().take(2).collect::<Vec<_>>().join(" "))
            .remedy("check the file with `openssl x509 -noout -text -in FILE`")
        })?;
        let lines = pems.iter().map(|pem| format!("{}\n", pem.trim()));
        let authorities = Self {
            bundle: lines.collect(),
            hashed,
        };
        if authorities.bundle.len() * 2 > LIMIT {
            return Err(Failure::new(
                "ca-too-large",
                Exit::Usage,
                format!("the CA bundle has {} certificates", pems.len()),
            )
            .why("a ConfigMap holds at most 1 MiB, and each certificate stands in it twice")
            .remedy(
                "name only your company's authorities in caBundle: public roots stay trusted",
            ));
        }
        Ok(authorities)
    }

    pub(in crate::rewrite) fn is_empty(&self) -> bool {
        self.hashed.is_empty()
    }

    pub(in crate::rewrite) fn data(&self) -> Vec<(String, String)> {
        let bundle = (BUNDLE.to_owned(), self.bundle.clone());
        let hashed = self
            .hashed
            .iter()
            .map(|(key, pem)| (key.clone(), pem.clone()));
        std::iter::once(bundle).chain(hashed).collect()
    }

    /// Items of a ConfigMap volume: one certificate a file, named `*.crt`.
    pub(in crate::rewrite) fn local_items(&self) -> Vec<Value> {
        self.hashed
            .keys()
            .map(|key| json!({"key": key, "path": format!("{}.crt", key.replace('.', "-"))}))
            .collect()
    }
}
