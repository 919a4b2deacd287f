//! One repository: its manifests and blobs, every one held against its digest, with a login that is asked for once.

use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, header};

use super::{DIGEST, Presence, Registry, Trouble, answer, text, to_pull};
use crate::clients::transport::{Exchange, Opened, Reply};
use crate::image_ref::check_digest;
use crate::oci::{ACCEPT, Descriptor, Hasher, LayerReader, Problem, Tree};
use crate::secret::Secret;

/// Redirects to where a registry keeps its blobs.
const MOST_REDIRECTS: usize = 5;
/// The largest document that is read whole, in bytes: manifests end at 4 MiB, configurations long before.
const LARGEST_DOCUMENT: u64 = 4 << 20;

/// A repository, to read or to write.
#[derive(Debug, Clone)]
pub struct Repository {
    pub(super) registry: Registry,
    pub(super) name: String,
    scopes: Vec<String>,
    login: Arc<Mutex<Option<Secret<String>>>>,
}

/// A manifest as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What the answer called it.
    pub media_type: String,
    /// Of the bytes.
    pub digest: String,
    /// As they came.
    pub bytes: Vec<u8>,
}

impl Repository {
    /// To read. `name` has no host: `library/docker`.
    pub fn to_read(registry: Registry, name: &str) -> Self {
        Self::new(registry, name, vec![to_pull(name)])
    }

    /// To write, with blobs mounted from other repositories of the same registry.
    pub fn to_write(registry: Registry, name: &str, from: &[&str]) -> Self {
        let mut scopes = vec![format!("repository:{name}:pull,push")];
        let others = from.iter().filter(|from| **from != name);
        scopes.extend(others.map(|from| to_pull(from)));
        Self::new(registry, name, scopes)
    }

    fn new(registry: Registry, name: &str, scopes: Vec<String>) -> Self {
        Self {
            registry,
            name: name.to_owned(),
            scopes,
            login: Arc::default(),
        }
    }

    /// Its name, without the host.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// True where the other's blobs may be mounted in this one.
    pub fn is_beside(&self, other: &Self) -> bool {
        self.registry.host == other.registry.host
    }

    /// The digest of the manifest under a tag or digest; None where there is none.
    pub async fn digest(&self, reference: &str) -> Result<Option<String>, Trouble> {
        let head = self.manifest_request(Method::HEAD, reference);
        let reply = self.ask(head).await?;
        if reply.status == 404 {
            return Ok(None);
        }
        if reply.status == 200
            && let Some(digest) = reply.headers.get(DIGEST).and_then(text)
        {
            return Ok(Some(digest));
        }
        // Some products answer neither HEAD nor with a digest; a GET tells why.
        match self.manifest(reference).await {
            Ok(document) => Ok(Some(document.digest)),
            Err(Trouble::Answer(Presence::Absent { .. })) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// The manifest under a tag or digest. What was asked for by digest has that digest, and none has another than the
    /// registry says.
    pub async fn manifest(&self, reference: &str) -> Result<Document, Trouble> {
        let get = self.manifest_request(Method::GET, reference);
        let reply = self.ask(get).await?;
        let found = answer::decode(&reply, self.has_account());
        let Presence::Present { digest, media_type } = found else {
            return Err(found.into());
        };
        let asked = check_digest(reference)
            .is_ok()
            .then(|| reference.to_owned());
        let said = digest.filter(|digest| check_digest(digest).is_ok());
        let wanted = [asked.as_ref(), said.as_ref()].into_iter().flatten();
        for wanted in wanted {
            check("the manifest", wanted, &reply.body)?;
        }
        let digest = asked.or(said);
        Ok(Document {
            media_type,
            digest: digest.unwrap_or_else(|| Hasher::digest_like("sha256:", &reply.body)),
            bytes: reply.body,
        })
    }

    /// A blob of a few KiB: a configuration.
    pub async fn small_blob(&self, blob: &Descriptor) -> Result<Vec<u8>, Trouble> {
        if blob.size > LARGEST_DOCUMENT {
            let why = format!("it has {} bytes", blob.size);
            return Err(Problem::Malformed {
                what: "configuration",
                why,
            }
            .into());
        }
        let reply = self.open_blob(blob).await?.read().await?;
        check("the configuration", &blob.digest, &reply.body)?;
        Ok(reply.body)
    }

    /// Reads a layer over what is below it.
    pub async fn layer(&self, tree: Tree, layer: &Descriptor) -> Result<Tree, Trouble> {
        let mut reader = LayerReader::new(tree, layer)?;
        let mut opened = self.open_blob(layer).await?;
        while let Some(piece) = opened.next().await? {
            reader.take(piece.as_ref())?;
        }
        Ok(reader.finish()?)
    }

    /// Opens a blob where it lies: registries send one on to their storage, which gets no login.
    pub(super) async fn open_blob(&self, blob: &Descriptor) -> Result<Opened, Trouble> {
        let url = self.url(&format!("blobs/{}", blob.digest));
        let mut opened = self.open(Exchange::new(Method::GET, url.as_str())).await?;
        let mut at = url;
        for _ in 0..MOST_REDIRECTS {
            if !matches!(opened.status, 301 | 302 | 303 | 307 | 308) {
                break;
            }
            let next = opened.header("location").map(str::to_owned);
            at = next
                .and_then(|next| reqwest::Url::parse(&at).ok()?.join(&next).ok())
                .filter(|next| next.scheme() == "https")
                .ok_or_else(|| Trouble::Protocol("a blob lies where no https leads".to_owned()))?
                .to_string();
            let exchange = Exchange::new(Method::GET, at.as_str());
            opened = self.registry.http.open(&exchange).await?;
        }
        if opened.status == 200 {
            return Ok(opened);
        }
        let reply = opened.read().await?;
        Err(answer::decode(&reply, self.has_account()).into())
    }

    fn manifest_request(&self, method: Method, reference: &str) -> Exchange {
        let url = self.url(&format!("manifests/{reference}"));
        Exchange::new(method, url).header(header::ACCEPT, ACCEPT)
    }

    pub(super) fn url(&self, rest: &str) -> String {
        format!("https://{}/v2/{}/{rest}", self.registry.host, self.name)
    }

    pub(super) fn has_account(&self) -> bool {
        self.registry.account.is_some()
    }

    /// Sends a request with the login that was taken last, and logs in where the registry asks for it.
    pub(super) async fn ask(&self, exchange: Exchange) -> Result<Reply, Presence> {
        let first = self.registry.send(&self.with_login(&exchange)).await?;
        if first.status != 401 {
            return Ok(first);
        }
        let mut last = first;
        for login in self.registry.logins(&last.headers, &self.scopes).await? {
            let Some(again) = exchange.clone().authorization(&login) else {
                continue;
            };
            last = self.registry.send(&again).await?;
            if last.status != 401 {
                *self.kept() = Some(login);
                break;
            }
        }
        Ok(last)
    }

    async fn open(&self, exchange: Exchange) -> Result<Opened, Trouble> {
        let http = &self.registry.http;
        let first = match http.open(&self.with_login(&exchange)).await {
            Ok(opened) => opened,
            Err(cause) => return Err(self.registry.explain(&exchange, cause).await.into()),
        };
        if first.status != 401 {
            return Ok(first);
        }
        let mut last = first;
        for login in self.registry.logins(&last.headers, &self.scopes).await? {
            let Some(again) = exchange.clone().authorization(&login) else {
                continue;
            };
            last = http.open(&again).await?;
            if last.status != 401 {
                *self.kept() = Some(login);
                break;
            }
        }
        Ok(last)
    }

    pub(super) fn with_login(&self, exchange: &Exchange) -> Exchange {
        let login = self.kept().clone();
        let with = login.and_then(|login| exchange.clone().authorization(&login));
        with.unwrap_or_else(|| exchange.clone())
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<Secret<String>>> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(what: &str, wanted: &str, bytes: &[u8]) -> Result<(), Problem> {
    let found = Hasher::digest_like(wanted, bytes);
    if found == wanted {
        return Ok(());
    }
    Err(Problem::WrongDigest {
        what: what.to_owned(),
        wanted: wanted.to_owned(),
        found,
    })
}
