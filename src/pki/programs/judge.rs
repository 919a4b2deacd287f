//! Builds the path as a program does, and asks for what it asks.

use std::net::IpAddr;

use super::habits::{Habits, Pinned};
use super::{PROGRAMS, Program, Refusal};
use crate::pki::certificate::{Certificate, LONGEST_CHAIN, matches};

/// Most certificates that are tried for one program: a server may send very many of one name.
const MOST_STEPS: usize = 100;

/// What a server presents to a program, and what that trusts.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The name or address that was asked for.
    pub host: &'a str,
    /// The chain as sent, DER, the server's own certificate first.
    pub sent: &'a [Vec<u8>],
    /// What is trusted, DER.
    pub trusted: &'a [Vec<u8>],
    /// Seconds since 1970.
    pub now: i64,
}

/// Why `program` would not take it; None where it would.
pub fn judge(program: Program, presented: &Presented<'_>) -> Option<Refusal> {
    let sent = Certificate::read_all(presented.sent);
    let trusted = Certificate::read_all(presented.trusted);
    judged(program, presented, &sent, &trusted)
}

/// The same of every program: the certificates are read once.
pub fn judge_all(presented: &Presented<'_>) -> Vec<(Program, Option<Refusal>)> {
    let sent = Certificate::read_all(presented.sent);
    let trusted = Certificate::read_all(presented.trusted);
    let judged = |program| (program, judged(program, presented, &sent, &trusted));
    PROGRAMS.into_iter().map(judged).collect()
}

fn judged(
    program: Program,
    presented: &Presented<'_>,
    sent: &[Certificate<'_>],
    trusted: &[Certificate<'_>],
) -> Option<Refusal> {
    // What cannot be read behind it is passed over.
    let readable = presented.sent.first().map(Vec::as_slice);
    let Some(server) = sent.first().filter(|first| Some(first.der) == readable) else {
        return Some(Refusal::Unreadable);
    };
    let search = Search {
        habits: program.habits(),
        sent,
        trusted,
        now: presented.now,
    };
    search
        .refusal(server)
        .or_else(|| search.name(server, presented.host))
}

struct Search<'a> {
    habits: Habits,
    sent: &'a [Certificate<'a>],
    trusted: &'a [Certificate<'a>],
    now: i64,
}

/// One of the certificates of a path, and whether it is trusted.
#[derive(Clone, Copy)]
struct Step<'a> {
    certificate: &'a Certificate<'a>,
    is_trusted: bool,
}

impl<'a> Search<'a> {
    /// What is wrong with the best path; None where nothing is.
    fn refusal(&self, server: &'a Certificate<'a>) -> Option<Refusal> {
        let is_trusted = self.is_trusted(server);
        let mut path = vec![Step {
            certificate: server,
            is_trusted,
        }];
        if is_trusted && let Some(behind) = self.pinned(server) {
            path.extend(behind);
            return self.faults(&path);
        }
        let mut steps = MOST_STEPS;
        self.climb(&mut path, &mut steps).err()
    }

    /// From the last certificate of the path to one that is trusted and ends the chain. The error is what is wrong with
    /// the first path that was tried.
    fn climb(&self, path: &mut Vec<Step<'a>>, steps: &mut usize) -> Result<(), Refusal> {
        let issuers = self.issuers(path);
        let mut first = None;
        for issuer in issuers {
            *steps = steps.saturating_sub(1);
            if *steps == 0 || path.len() >= LONGEST_CHAIN {
                break;
            }
            let is_root = issuer.certificate.is_self_issued();
            let ends = issuer.is_trusted && (self.habits.ends_anywhere || is_root);
            path.push(issuer);
            let found = if ends {
                self.faults(path).map_or(Ok(()), Err)
            } else {
                self.climb(path, steps)
            };
            match found {
                Ok(()) => return Ok(()),
                Err(refusal) => first = first.or(Some(refusal)),
            }
            path.pop();
            if !self.habits.tries_other_paths {
                break;
            }
        }
        Err(first.unwrap_or_else(|| no_end(path)))
    }

    fn is_trusted(&self, certificate: &Certificate<'_>) -> bool {
        self.trusted
            .iter()
            .any(|other| other.der == certificate.der)
    }

    /// What is looked at behind a server's certificate that is trusted itself; None where that does not end the chain.
    fn pinned(&self, server: &'a Certificate<'a>) -> Option<Vec<Step<'a>>> {
        let behind = self.sent_behind(server);
        match self.habits.pinned {
            Pinned::Always | Pinned::Unquestioned => Some(Vec::new()),
            Pinned::WithWhatIsSent => Some(behind),
            Pinned::Alone => self.is_alone(server).then(Vec::new),
            Pinned::Never => server.is_self_issued().then(Vec::new),
        }
    }

    /// True where the server sends nothing under the name of its certificate's issuer.
    fn is_alone(&self, server: &Certificate<'_>) -> bool {
        let mut sent = self.sent.iter().filter(|other| other.der != server.der);
        !sent.any(|other| other.x509.subject().as_raw() == server.x509.issuer().as_raw())
    }

    /// What the server sends of the chain of its own certificate.
    fn sent_behind(&self, server: &'a Certificate<'a>) -> Vec<Step<'a>> {
        let mut path: Vec<&Certificate<'a>> = vec![server];
        let mut current = server;
        while path.len() < LONGEST_CHAIN
            && let Some(next) = self.sent.iter().find(|other| {
                path.iter().all(|known| known.der != other.der) && current.is_issued_by(other)
            })
        {
            path.push(next);
            current = next;
        }
        let behind = path.into_iter().skip(1);
        behind
            .map(|certificate| Step {
                certificate,
                is_trusted: false,
            })
            .collect()
    }

    /// What may have issued the last certificate of a path: trusted ones first, of both kinds those that are valid now.
    fn issuers(&self, path: &[Step<'a>]) -> Vec<Step<'a>> {
        let Some(last) = path.last() else {
            return Vec::new();
        };
        let is_new =
            |other: &&Certificate<'_>| path.iter().all(|step| step.certificate.der != other.der);
        let issued = |other: &&Certificate<'_>| last.certificate.is_issued_by(other);
        let step = |is_trusted| {
            move |certificate| Step {
                certificate,
                is_trusted,
            }
        };
        let trusted = self
            .trusted
            .iter()
            .filter(is_new)
            .filter(issued)
            .map(step(true));
        let sent = self.sent.iter().filter(is_new).filter(issued);
        let sent = sent
            .filter(|other| !self.is_trusted(other))
            .map(step(false));
        let mut issuers: Vec<Step<'a>> = trusted.chain(sent).collect();
        issuers.sort_by_key(|step| {
            let is_over = !step.certificate.is_valid_at(self.now);
            let is_sent = || self.sent.iter().any(|one| one.der == step.certificate.der);
            let is_later = if self.habits.follows_what_is_sent {
                !is_sent()
            } else {
                !step.is_trusted
            };
            (is_later, is_over)
        });
        issuers
    }

    /// The first thing that is wrong with a path that ends.
    fn faults(&self, path: &[Step<'_>]) -> Option<Refusal> {
        let (server, authorities) = path.split_first()?;
        if authorities.is_empty() && self.habits.pinned == Pinned::Unquestioned {
            return None;
        }
        if server.certificate.is_authority() && !self.habits.takes_authority_as_server {
            return Some(Refusal::AuthorityAsServer);
        }
        let is_wrong_purpose = !self.habits.takes_any_purpose && !server.certificate.may_serve();
        path.iter()
            .find_map(|step| self.time(step))
            .or_else(|| is_wrong_purpose.then_some(Refusal::Purpose))
            .or_else(|| {
                let mut numbered = authorities.iter().enumerate();
                numbered.find_map(|(below, step)| self.authority(step, below))
            })
            .or_else(|| self.namesake(path))
            .or_else(|| self.too_long_above(path))
            .or_else(|| self.strictly(path))
    }

    fn time(&self, step: &Step<'_>) -> Option<Refusal> {
        let is_exempt = step.is_trusted && self.habits.takes_expired_root;
        let validity = step.certificate.x509.validity();
        (!is_exempt && !step.certificate.is_valid_at(self.now)).then(|| Refusal::NotValidNow {
            certificate: step.certificate.subject(),
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
        })
    }

    /// What is wrong with an authority that has so many others below it.
    fn authority(&self, step: &Step<'_>, below: usize) -> Option<Refusal> {
        let authority = step.certificate;
        let certificate = || authority.subject();
        if step.is_trusted && self.habits.takes_any_root {
            return None;
        }
        if !authority.is_authority() {
            return Some(Refusal::NoAuthority {
                certificate: certificate(),
            });
        }
        let may_sign =
            !self.habits.reads_key_usage || authority.may_sign_certificates() != Some(false);
        if !may_sign {
            return Some(Refusal::KeyUsage {
                certificate: certificate(),
            });
        }
        let is_exempt = step.is_trusted && !self.habits.reads_path_of_root;
        if !is_exempt && is_too_long(authority, below) {
            return Some(Refusal::PathTooLong {
                certificate: certificate(),
            });
        }
        (self.habits.reads_purposes_of_authorities && !authority.may_serve()).then(|| {
            Refusal::PurposeOfAuthority {
                certificate: certificate(),
            }
        })
    }

    /// One that was sent with the name of the issuer and another key, and that a trusted authority issued: the chain as it
    /// is sent is tried then, and nothing else.
    fn namesake(&self, path: &[Step<'_>]) -> Option<Refusal> {
        if !self.habits.trips_over_namesakes {
            return None;
        }
        let server = path.first()?.certificate;
        let is_one = |other: &&Certificate<'_>| {
            other.der != server.der
                && other.x509.subject().as_raw() == server.x509.issuer().as_raw()
                && !server.is_issued_by(other)
                && !self.is_trusted(other)
                && self.trusted.iter().any(|issuer| other.is_issued_by(issuer))
        };
        let namesake = self.sent.iter().find(is_one)?;
        Some(Refusal::Namesake {
            certificate: namesake.subject(),
        })
    }

    /// What is wrong with the path of a trusted authority above the one that ends the chain.
    fn too_long_above(&self, path: &[Step<'_>]) -> Option<Refusal> {
        let mut last = path
            .last()
            .filter(|_| self.habits.reads_paths_above)?
            .certificate;
        for below in path.len() - 1..LONGEST_CHAIN {
            let is_above = |one: &&Certificate<'_>| {
                one.der != last.der && !last.is_self_issued() && last.is_issued_by(one)
            };
            last = self.trusted.iter().find(is_above)?;
            if is_too_long(last, below) {
                return Some(Refusal::PathTooLong {
                    certificate: last.subject(),
                });
            }
        }
        None
    }

    /// What OpenSSL asks beside it where it is told to be strict (`X509_V_FLAG_X509_STRICT`).
    fn strictly(&self, path: &[Step<'_>]) -> Option<Refusal> {
        if !self.habits.is_strict {
            return None;
        }
        let last = path.len().saturating_sub(1);
        path.iter().enumerate().find_map(|(number, step)| {
            let one = step.certificate;
            let certificate = one.subject();
            if number > 0 && one.may_sign_certificates() != Some(true) {
                Some(Refusal::KeyUsage { certificate })
            } else if number > 0 && !one.insists_on_being_an_authority() {
                Some(Refusal::NotCritical { certificate })
            } else if (number < last && !one.names_its_issuers_key())
                || (number > 0 && !one.names_its_key())
            {
                Some(Refusal::KeyIdentifier { certificate })
            } else {
                None
            }
        })
    }

    fn name(&self, server: &Certificate<'_>, host: &str) -> Option<Refusal> {
        if let Ok(address) = host.parse::<IpAddr>() {
            let addresses = server.addresses();
            return (!addresses.contains(&address)).then(|| Refusal::Name {
                names: server.names(),
            });
        }
        let is_wide = self.habits.takes_wide_stars;
        let names = server.host_names();
        if names.iter().any(|name| matches(name, host, is_wide)) {
            return None;
        }
        let common = server.common_name().filter(|_| names.is_empty());
        let is_common = common.is_some_and(|name| matches(&name, host, is_wide));
        match (is_common, self.habits.takes_common_name) {
            (true, true) => None,
            (true, false) => Some(Refusal::CommonNameOnly),
            (false, _) => Some(Refusal::Name {
                names: server.names(),
            }),
        }
    }
}

/// True where an authority allows fewer others below it than there are.
fn is_too_long(authority: &Certificate<'_>, below: usize) -> bool {
    let longest = authority.longest_path();
    longest.is_some_and(|longest| usize::try_from(longest).is_ok_and(|longest| below > longest))
}

/// Why a path that goes no further ends nowhere.
fn no_end(path: &[Step<'_>]) -> Refusal {
    let Some(last) = path.last() else {
        return Refusal::Unreadable;
    };
    let certificate = last.certificate;
    match (path.len(), last.is_trusted, certificate.is_self_issued()) {
        (1, true, _) => Refusal::Pinned,
        (1, false, true) => Refusal::SelfSigned,
        (_, false, true) => Refusal::UnknownRoot {
            root: certificate.subject(),
        },
        (_, true, _) => Refusal::NoRoot {
            authority: certificate.subject(),
            root: certificate.issuer(),
        },
        (_, false, false) => Refusal::MissingIssuer {
            certificate: certificate.subject(),
            issuer: certificate.issuer(),
        },
    }
}
