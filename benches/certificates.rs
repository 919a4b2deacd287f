//! Reading and linting a bundle as large as the largest that distributions hand out, beside OpenSSL, which reads it.

use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use arc_setup::pki::chain::bundle;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose};

use crate::measure;

const AUTHORITIES: usize = 500;
/// Milliseconds.
const MOST: f64 = 50.0;
const NOW: i64 = 1_800_000_000;

pub(crate) fn run() -> Result<()> {
    let text = authorities()?;
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(text.as_bytes())?;
    let path = file.path().to_owned();
    let ours = || -> Result<Duration> {
        let started = Instant::now();
        let read = bundle([("bundle.pem", text.as_bytes())], NOW);
        let time = started.elapsed();
        ensure!(read.authorities.len() == AUTHORITIES, "not all was read");
        Ok(time)
    };
    let theirs = || {
        let mut command = Command::new("openssl");
        command.args(["storeutl", "-noout", "-certs"]).arg(&path);
        measure::run(&mut command, &[0])
    };
    let pairs = measure::in_turn(ours, theirs)?;
    let name = format!("a bundle of {AUTHORITIES} / openssl storeutl");
    measure::report_time(&name, &pairs, MOST)
}

fn authorities() -> Result<String> {
    let mut text = String::new();
    for number in 0..AUTHORITIES {
        let mut params = CertificateParams::default();
        let name = format!("Authority {number} of Example Trust Services");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        text.push_str(&params.self_signed(&KeyPair::generate()?)?.pem());
    }
    Ok(text)
}
