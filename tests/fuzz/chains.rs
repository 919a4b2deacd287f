//! Certificates that are broken in every way: whatever a file or a server holds, reading it ends without a panic, and what
//! was read is read again as the same.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use anyhow::{Result, ensure};
use arc_setup::pki::chain::{bundle, certificates_of, pem};
use arc_setup::pki::doctor::{examine, remedies};
use arc_setup::pki::programs::{PROGRAMS, Presented};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// Some time within the certificates' own.
const NOW: i64 = 1_800_000_000;

/// Each of so many cases is judged by every program: that takes a hundred times as long as to read it.
const JUDGED: usize = 50;

/// Numbers without end from one (xorshift, Marsaglia 2003).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % limit).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }
}

/// Runs so many cases; the error names the first that broke something, in hexadecimal digits.
pub(super) fn run(cases: usize, seed: u64) -> Result<()> {
    println!("certificates: {cases} cases, seed {seed}");
    let started = Instant::now();
    let samples = samples()?;
    // Zero would stay zero.
    let mut random = Random(seed | 1);
    let mut read = 0;
    for number in 0..cases {
        let case = broken(&samples, &mut random);
        let other = &samples[random.below(samples.len())];
        let is_judged = number % JUDGED == 0;
        let outcome = catch_unwind(AssertUnwindSafe(|| looked_at(&case, other, is_judged)));
        let is_right = matches!(outcome, Ok(Ok(_)));
        ensure!(is_right, "case {number} ({outcome:?}): {}", digits(&case));
        read += usize::from(matches!(outcome, Ok(Ok(true))));
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("certificates: no panic; {read} held an authority; {seconds:.1} s");
    Ok(())
}

/// True where an authority was read.
fn looked_at(case: &[u8], other: &[u8], is_judged: bool) -> Result<bool, String> {
    let read = bundle([("case", case)], NOW);
    let again: String = read
        .authorities
        .iter()
        .map(|one| one.pem.as_str())
        .collect();
    let same = bundle([("again", again.as_bytes())], NOW);
    if same.ders() != read.ders() {
        return Err("what was read is not read again as the same".to_owned());
    }
    if !is_judged {
        return Ok(!read.authorities.is_empty());
    }
    // As a server would send it, and as what is trusted.
    let sent = certificates_of(case).unwrap_or_else(|_| vec![case.to_vec()]);
    let trusted = certificates_of(other).unwrap_or_default();
    for (sent, trusted) in [(&sent, &trusted), (&trusted, &sent)] {
        let examination = examine(&Presented {
            host: "registry.corp",
            sent,
            trusted,
            now: NOW,
        });
        if examination.verdicts.len() != PROGRAMS.len() {
            return Err("a program has no verdict".to_owned());
        }
        remedies(&examination, "caBundle", &[]);
    }
    Ok(!read.authorities.is_empty())
}

/// A chain in each form.
fn samples() -> Result<Vec<Vec<u8>>> {
    let authority = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(3));
        params
    };
    let root_key = KeyPair::generate()?;
    let root = authority("Root").self_signed(&root_key)?.der().to_vec();
    let issuer = Issuer::new(authority("Root"), root_key);
    let issuing_key = KeyPair::generate()?;
    let issuing = authority("Issuing").signed_by(&issuing_key, &issuer)?;
    let issuing = issuing.der().to_vec();
    let issuer = Issuer::new(authority("Issuing"), issuing_key);
    let names = ["registry.corp", "10.0.0.1", "*.reg.corp"].map(str::to_owned);
    let leaf = CertificateParams::new(names)?.signed_by(&KeyPair::generate()?, &issuer)?;
    let leaf = leaf.der().to_vec();
    let chain = [leaf.clone(), issuing.clone(), root.clone()];
    let text: String = chain.iter().map(|der| pem(der)).collect();
    let trusted = pem(&root).replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    let file = pkcs7(&chain);
    let labelled = pem(&file).replace("CERTIFICATE", "PKCS7");
    Ok(vec![
        leaf,
        issuing,
        root,
        chain.concat(),
        text.into_bytes(),
        trusted.into_bytes(),
        file,
        labelled.into_bytes(),
    ])
}

/// A SignedData with these certificates (RFC 2315 section 9.1).
fn pkcs7(certificates: &[Vec<u8>]) -> Vec<u8> {
    let element = |tag: u8, content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap_or(0).to_be_bytes();
        [&[tag, 0x84], length.as_slice(), content].concat()
    };
    let identifier = |last: u8| {
        element(
            0x06,
            &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, last],
        )
    };
    let signed = [
        element(0x02, &[1]),
        element(0x31, &[]),
        element(0x30, &identifier(1)),
        element(0xa0, &certificates.concat()),
        element(0x31, &[]),
    ];
    let content = element(0xa0, &element(0x30, &signed.concat()));
    element(0x30, &[identifier(2), content].concat())
}

/// A sample that is changed in one to four places.
fn broken(samples: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut case = samples[random.below(samples.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(case.len());
        match random.below(7) {
            0 => case.truncate(at),
            1 => case.insert(at, random.byte()),
            2 => {
                let end = (at + random.below(64)).min(case.len());
                let part = case[at..end].to_vec();
                case.splice(at..at, part);
            }
            3 => {
                let other = &samples[random.below(samples.len())];
                let from = random.below(other.len());
                let end = (from + random.below(256)).min(other.len());
                case.splice(at..at, other[from..end].iter().copied());
            }
            4 => {
                let end = (at + random.below(32)).min(case.len());
                case.drain(at..end);
            }
            // Lengths and tags at their ends.
            5 => {
                let edges = [0x00, 0x30, 0x7f, 0x80, 0x81, 0x84, 0xa0, 0xff];
                let edge = edges[random.below(edges.len())];
                if let Some(byte) = case.get_mut(at) {
                    *byte = edge;
                }
            }
            _ => {
                let byte = random.byte();
                if let Some(place) = case.get_mut(at) {
                    *place = byte;
                }
            }
        }
    }
    case
}

fn digits(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.concat()
}
