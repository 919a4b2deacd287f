//! Writing: blobs, mounted where the registry has them, and manifests. Nothing goes by way of a disk.

use http::Method;
use reqwest::Url;

use super::{DIGEST, Repository, Trouble, answer, text};
use crate::clients::transport::{Exchange, Reply};
use crate::oci::{Blob, Descriptor};

const BYTES: &str = "application/octet-stream";

/// How a blob of the base came into the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// It was there.
    There,
    /// The registry took it from the base's repository.
    Mounted,
    /// It went through this machine.
    Copied,
}

impl Repository {
    /// Puts a small blob there: in one request where the registry knows that, which leaves no half upload behind where the
    /// account may not delete, else in two.
    pub async fn put_blob(&self, blob: &Blob) -> Result<(), Trouble> {
        let whole = [("digest", blob.digest.as_str())];
        let mut started = self.start(&whole, blob.bytes.clone()).await?;
        if matches!(started.status, 400 | 404 | 405 | 411 | 415 | 501) {
            started = self.start(&[], Vec::new()).await?;
        }
        match started.status {
            201 => Ok(()),
            202 => {
                let place = self.place(&started, &blob.digest)?;
                let put = Exchange::new(Method::PUT, place).body(BYTES, blob.bytes.clone());
                let reply = self.ask(put).await?;
                self.expect_created(&reply)
            }
            _ => Err(self.refused(&started)),
        }
    }

    /// Has a blob of the base in this repository: the registry is asked to take it from `base` where that is one of its
    /// own, else it is streamed from there.
    pub async fn carry(&self, base: &Self, blob: &Descriptor) -> Result<Carried, Trouble> {
        if !self.is_beside(base) {
            if self.has_blob(&blob.digest).await? {
                return Ok(Carried::There);
            }
            let started = self.start(&[], Vec::new()).await?;
            return self.copy(base, blob, &started).await;
        }
        if self.name == base.name {
            return Ok(Carried::There);
        }
        let mount = [
            ("mount", blob.digest.as_str()),
            ("from", base.name.as_str()),
        ];
        let started = self.start(&mount, Vec::new()).await?;
        match started.status {
            201 => Ok(Carried::Mounted),
            // It does not mount, and has begun an upload. What an earlier run has brought need not come again.
            202 if self.has_blob(&blob.digest).await? => {
                let place = self.place(&started, &blob.digest)?;
                // Who may not delete leaves it to the registry, which throws such uploads away.
                let _ = self.ask(Exchange::new(Method::DELETE, place)).await;
                Ok(Carried::There)
            }
            _ => self.copy(base, blob, &started).await,
        }
    }

    /// Puts a manifest under a tag or under its digest.
    pub async fn put_manifest(&self, reference: &str, manifest: &Blob) -> Result<(), Trouble> {
        let url = self.url(&format!("manifests/{reference}"));
        let put =
            Exchange::new(Method::PUT, url).body(&manifest.media_type, manifest.bytes.clone());
        let reply = self.ask(put).await?;
        self.expect_created(&reply)?;
        match reply.headers.get(DIGEST).and_then(text) {
            Some(digest) if digest != manifest.digest => Err(Trouble::Protocol(format!(
                "it keeps another manifest than it was sent: {digest} for {}",
                manifest.digest
            ))),
            _ => Ok(()),
        }
    }

    async fn has_blob(&self, digest: &str) -> Result<bool, Trouble> {
        let url = self.url(&format!("blobs/{digest}"));
        let reply = self.ask(Exchange::new(Method::HEAD, url)).await?;
        match reply.status {
            // Some send one on to their storage.
            200 | 301 | 302 | 307 | 308 => Ok(true),
            401 => Err(self.refused(&reply)),
            // Where it is not clear, it is sent.
            _ => Ok(false),
        }
    }

    async fn start(&self, query: &[(&str, &str)], body: Vec<u8>) -> Result<Reply, Trouble> {
        let mut url = Url::parse(&self.url("blobs/uploads/")).map_err(|_| no_place())?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut post = Exchange::new(Method::POST, url.as_str());
        if !body.is_empty() {
            post = post.body(BYTES, body);
        }
        Ok(self.ask(post).await?)
    }

    async fn copy(
        &self,
        base: &Self,
        blob: &Descriptor,
        started: &Reply,
    ) -> Result<Carried, Trouble> {
        if started.status != 202 {
            return Err(self.refused(started));
        }
        let place = self.place(started, &blob.digest)?;
        let source = base.open_blob(blob).await?;
        let put = Exchange::new(Method::PUT, place).body(BYTES, Vec::new());
        let put = self.with_login(&put);
        let reply = self.registry.http.relay(&put, source, blob.size).await?;
        self.expect_created(&reply)?;
        Ok(Carried::Copied)
    }

    /// Where an upload goes on, with the digest that ends it. It is on the registry itself, over TLS: a login goes there.
    fn place(&self, started: &Reply, digest: &str) -> Result<String, Trouble> {
        let here = Url::parse(&self.url("blobs/uploads/")).map_err(|_| no_place())?;
        let location = started.header("location").ok_or_else(no_place)?;
        let mut place = here.join(location).map_err(|_| no_place())?;
        let is_other_port = place.scheme() == "https"
            && place.port_or_known_default() != here.port_or_known_default();
        if place.host_str() != here.host_str() || is_other_port {
            return Err(Trouble::Protocol(format!(
                "it wants blobs at another host or port, {}, where no login is sent",
                place.authority()
            )));
        }
        // Behind a server that ends TLS it may not know that it is reached by it, nor at which port.
        if place.scheme() == "http" {
            place.set_scheme("https").map_err(|()| no_place())?;
            place.set_port(here.port()).map_err(|()| no_place())?;
        }
        place.query_pairs_mut().append_pair("digest", digest);
        Ok(place.to_string())
    }

    fn expect_created(&self, reply: &Reply) -> Result<(), Trouble> {
        match reply.status {
            200..=204 => Ok(()),
            _ => Err(self.refused(reply)),
        }
    }

    fn refused(&self, reply: &Reply) -> Trouble {
        answer::decode(reply, self.has_account()).into()
    }
}

fn no_place() -> Trouble {
    Trouble::Protocol("it does not say where an upload goes on".to_owned())
}
