//! `ca bundle`: the authorities of many places as one bundle, in the forms that programs read.

mod sources;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::config_args::{Part, PartArgs};
use crate::cli::server::{Server, server};
use crate::cli::{Session, clock};
use crate::failure::{Exit, Failure};
use crate::object::sha256_as_written;
use crate::pki::chain::{Authority, Bundle, Note, NoteKind, bundle};
use crate::pki::{hashed, pkcs12};
use crate::plan::counted;
use crate::ui::format::Format;
use crate::ui::{files, foreign, output};
use sources::{InCluster, Sources};

/// Arguments of `ca bundle`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files and directories with certificates: PEM, DER or PKCS#7 [default: caBundle]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What administrators of this machine added (RHEL, Debian and SUSE keep it in different places)
    #[arg(long, help_heading = "Sources")]
    anchors: bool,
    /// The authorities that a server sends; asks whether their SHA-256 are right
    #[arg(long = "host", value_name = "HOST[:PORT]", value_parser = server, help_heading = "Sources")]
    hosts: Vec<Server>,
    /// SHA-256 of an authority that a server may send: then nothing is asked
    #[arg(long, value_name = "DIGITS", value_parser = digits, requires = "hosts", help_heading = "Sources")]
    sha256: Vec<String>,
    /// Certificates of a ConfigMap, all keys or one
    #[arg(long = "config-map", value_name = "NAMESPACE/NAME[/KEY]", value_parser = sources::in_cluster, help_heading = "Sources")]
    config_maps: Vec<InCluster>,
    /// Certificates of a Secret, all keys or one
    #[arg(long = "secret", value_name = "NAMESPACE/NAME[/KEY]", value_parser = sources::in_cluster, help_heading = "Sources")]
    secrets: Vec<InCluster>,
    /// Write PEM here [default: stdout, where nothing else is written]
    #[arg(long, value_name = "FILE", help_heading = "Written")]
    pem: Option<PathBuf>,
    /// Write a file for each into this directory, named as OpenSSL looks for them
    #[arg(long, value_name = "DIRECTORY", help_heading = "Written")]
    directory: Option<PathBuf>,
    /// Write a trust store for Java here, without a password
    #[arg(long, value_name = "FILE", help_heading = "Written")]
    pkcs12: Option<PathBuf>,
    #[command(flatten)]
    config: PartArgs<Places>,
}

/// What says where the company's authorities are, and which way a server is asked.
#[derive(Debug, Clone)]
pub(super) struct Places;

impl Part for Places {
    const FIELDS: &'static [&'static str] = &["caBundle", "proxy"];
    // It starts no runner.
    const EXCEPT: &'static [&'static str] = &["proxy.runners", "proxy.runnersExistingSecret"];
}

fn digits(text: &str) -> Result<String, String> {
    sha256_as_written(text).ok_or_else(|| "a SHA-256 has 64 hexadecimal digits".to_owned())
}

/// What was collected.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    authorities: &'a [Authority],
    notes: &'a [Note],
    written: Vec<String>,
}

pub(super) async fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let now = clock::now();
    let found = Sources::new(args, session)?.read().await?;
    let contents = found.contents.iter();
    let mut bundle = bundle(
        contents.map(|(name, bytes)| (name.as_str(), bytes.as_slice())),
        now,
    );
    bundle.notes.splice(0..0, found.notes);
    for (name, why) in &bundle.unreadable {
        if found.asked_for.contains(name) {
            return Err(unusable(name).why(why.clone()));
        }
        output::talk(&foreign::line(&format!(
            "note: {name} was passed over: {why}"
        )));
    }
    for note in &bundle.notes {
        let word = if note.kind == NoteKind::Expiring {
            "warning"
        } else {
            "note"
        };
        output::talk(&foreign::line(&format!("{word}: {}", note.text)));
    }
    if bundle.authorities.is_empty() {
        return Err(Failure::new(
            "ca-bundle",
            Exit::Usage,
            "there is no authority in what was read",
        )
        .remedy("name files with certificates of authorities (CA:TRUE), such as /etc/pki/ca-trust/source/anchors"));
    }
    write(args, session, &bundle)?;
    Ok(Exit::Done)
}

fn unusable(name: &str) -> Failure {
    Failure::new(
        "ca-bundle",
        Exit::Usage,
        format!("{} cannot be used", foreign::value(name)),
    )
}

/// Writes every form that was asked for, and says so.
fn write(args: &Args, session: &Session, bundle: &Bundle) -> Result<(), Failure> {
    let pems = || {
        bundle
            .authorities
            .iter()
            .map(|authority| authority.pem.as_str())
    };
    let pem: String = pems().collect();
    let mut written = Vec::new();
    refuse_others(args)?;
    if let Some(path) = args.pem.as_ref().filter(|path| !is_stdout(path)) {
        files::write_readable(path, pem.as_bytes())?;
        written.push(path.display().to_string());
    }
    if let Some(directory) = &args.directory {
        let hashed = hashed(pems())
            .map_err(|(_, error)| unusable("a certificate").why(error.to_string()))?;
        hashed_directory(directory, &hashed)?;
        written.push(directory.display().to_string());
    }
    if let Some(path) = &args.pkcs12 {
        files::write_readable(path, &pkcs12::trust_store(&bundle.ders()))?;
        written.push(path.display().to_string());
    }
    let count = counted(bundle.authorities.len(), "authority");
    if !written.is_empty() {
        output::talk(&format!("{count} written: {}", written.join(", ")));
    }
    let is_text = matches!(session.format, Format::Text | Format::Github);
    if is_text && !written.is_empty() {
        return Ok(());
    }
    let answer = Answer {
        authorities: &bundle.authorities,
        notes: &bundle.notes,
        written,
    };
    output::answer(session.format, "CertificateBundle", &answer, || pem)
}

fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// One file for each form, and none that is something else than what is written: a key may lie there.
fn refuse_others(args: &Args) -> Result<(), Failure> {
    let refused = |path: &Path, why: &str| {
        let what = format!("{} {why}", path.display());
        let failure = Failure::new("output-directory", Exit::Usage, what);
        failure.remedy("name a file that is not there yet, or a bundle of an earlier run")
    };
    if let (Some(pem), Some(pkcs12)) = (&args.pem, &args.pkcs12)
        && pem == pkcs12
    {
        return Err(refused(pem, "is named twice"));
    }
    let is_bundle = |bytes: &[u8]| {
        let read = bundle([("there", bytes)], 0);
        let has_others = read.notes.iter().any(|note| note.kind == NoteKind::LeftOut);
        bytes.is_empty() || (!read.authorities.is_empty() && !has_others)
    };
    if let Some(path) = args.pem.as_ref().filter(|path| !is_stdout(path))
        && let Some(bytes) = files::content(path)?
        && !is_bundle(&bytes)
    {
        return Err(refused(path, "holds something else than a bundle"));
    }
    if let Some(path) = &args.pkcs12
        && let Some(bytes) = files::content(path)?
        && !(bytes.is_empty() || pkcs12::is_one(&bytes))
    {
        return Err(refused(path, "holds something else than a trust store"));
    }
    Ok(())
}

/// Says that a directory is ours.
const MARK: &str = ".arc-setup-bundle";

/// Writes the files into a directory that is empty or ours; of ours nothing stays that is no longer in the bundle.
fn hashed_directory(directory: &Path, hashed: &BTreeMap<String, String>) -> Result<(), Failure> {
    files::make_directory(directory)?;
    let mark = directory.join(MARK);
    let names = files::names(directory)?;
    let is_ours = names.iter().any(|name| name == MARK);
    if !is_ours && !names.is_empty() {
        return Err(Failure::new(
            "output-directory",
            Exit::Usage,
            format!("{} holds files of somebody else", directory.display()),
        )
        .remedy(
            "name an empty directory: authorities of another bundle would stay trusted in it",
        ));
    }
    files::write_readable(&mark, b"written by arc-setup ca bundle\n")?;
    for name in names.iter().filter(|name| is_hashed(name)) {
        if !hashed.contains_key(name) {
            files::remove(&directory.join(name))?;
        }
    }
    for (name, pem) in hashed {
        files::write_readable(&directory.join(name), pem.as_bytes())?;
    }
    Ok(())
}

/// `5229d903.0`
fn is_hashed(name: &str) -> bool {
    name.split_once('.').is_some_and(|(hash, number)| {
        hash.len() == 8
            && hash.bytes().all(|digit| digit.is_ascii_hexdigit())
            && number.parse::<usize>().is_ok()
    })
}
