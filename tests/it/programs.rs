//! What each program that makes connections takes of a server's certificate: our table beside the real programs.

mod runs;
mod situations;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_setup::clients::handshake::{Handshake, handshake};
use arc_setup::clients::roots::Roots;
use arc_setup::clients::transport::{Route, Timeouts};
use arc_setup::object::sha256;
use arc_setup::pki::chain::pem;
use arc_setup::pki::programs::{PROGRAMS, Presented, Program, judge};
use hyper::body::Bytes;
use tempfile::TempDir;

use crate::support::arc_setup::ArcSetup;
use crate::support::authority::{Authority, Sends};
use crate::support::https::{Handler, HttpsServer};
use runs::{Programs, Question};
use situations::{HOST, Situation, TRUSTS, Trust, situations};

/// Every situation with a server of its own, and a bundle for each kind of trust.
struct Grid {
    servers: Vec<(Situation, HttpsServer)>,
    bundles: TempDir,
}

/// Situation and trust.
type Cell = (&'static str, Trust);

impl Grid {
    async fn start() -> Self {
        let bundles = tempfile::tempdir().unwrap();
        let mut servers = Vec::new();
        for situation in situations() {
            for trust in TRUSTS {
                let path = bundle_path(bundles.path(), (situation.name, trust));
                let mut file = std::fs::File::create(path).unwrap();
                let trusted: String = situation
                    .trusted(trust)
                    .iter()
                    .map(|der| pem(der))
                    .collect();
                file.write_all(trusted.as_bytes()).unwrap();
            }
            let server = HttpsServer::start(situation.server(), nothing_here()).await;
            servers.push((situation, server.unwrap()));
        }
        Self { servers, bundles }
    }

    fn questions(&self, program: Program) -> Vec<(Cell, Question)> {
        let cells = self.servers.iter().flat_map(|(situation, server)| {
            TRUSTS.map(|trust| ((situation.name, trust), server.address().port()))
        });
        cells
            .map(|(cell, port)| {
                let question = Question {
                    bundle: bundle_path(self.bundles.path(), cell),
                    port,
                    path: format!("/{program:?}/{:?}", cell.1),
                };
                (cell, question)
            })
            .collect()
    }

    /// Which cells a program took, as the servers saw it; and what it said. None where it is not here.
    async fn outcomes(
        &self,
        programs: &Arc<Programs>,
        program: Program,
    ) -> Option<(BTreeMap<String, bool>, String)> {
        if program == Program::Rustls {
            return Some((self.of_our_own_client().await, String::new()));
        }
        let (cells, questions): (Vec<Cell>, Vec<Question>) =
            self.questions(program).into_iter().unzip();
        let paths: Vec<String> = questions.iter().map(|one| one.path.clone()).collect();
        let running = Arc::clone(programs);
        let said = tokio::task::spawn_blocking(move || running.ask(program, &questions));
        let said = said.await.unwrap()?;
        let taken = cells.iter().zip(paths).map(|(cell, path)| {
            let (_, server) = self
                .servers
                .iter()
                .find(|(situation, _)| situation.name == cell.0)
                .unwrap();
            let asked = server.asked();
            let is_taken = asked.iter().any(|asked| asked.target.starts_with(&path));
            (name(*cell), is_taken)
        });
        Some((taken.collect(), said))
    }

    async fn of_our_own_client(&self) -> BTreeMap<String, bool> {
        let mut taken = BTreeMap::new();
        for (situation, server) in &self.servers {
            for trust in TRUSTS {
                let route = Route {
                    roots: Roots {
                        system: false,
                        bundle: situation.trusted(trust),
                        pins: Vec::new(),
                    },
                    proxy: None,
                    timeouts: Timeouts::default(),
                    retries: 0,
                    now: now(),
                };
                let outcome = handshake(&route, HOST, server.address().port()).await;
                taken.insert(
                    name((situation.name, trust)),
                    matches!(outcome, Handshake::Trusted { .. }),
                );
            }
        }
        taken
    }

    /// What our table says of the same.
    fn predicted(&self, program: Program) -> BTreeMap<String, bool> {
        let mut predicted = BTreeMap::new();
        for (situation, _) in &self.servers {
            for trust in TRUSTS {
                let trusted = situation.trusted(trust);
                let presented = Presented {
                    host: HOST,
                    sent: &situation.sent,
                    trusted: &trusted,
                    now: now(),
                };
                let is_taken = judge(program, &presented).is_none();
                predicted.insert(name((situation.name, trust)), is_taken);
            }
        }
        predicted
    }
}

#[expect(
    clippy::print_stderr,
    reason = "who runs the tests sees what was not run"
)]
fn tell_skipped(program: Program) {
    // What is by its source alone is never run.
    if program != Program::DotNet {
        eprintln!("SKIPPED: {program} is not here; what is said of it was not tried");
    }
}

fn name((situation, trust): Cell) -> String {
    format!("{situation}, {trust:?}")
}

fn bundle_path(folder: &Path, (situation, trust): Cell) -> PathBuf {
    folder.join(format!("{}-{trust:?}.pem", situation.replace(' ', "-")))
}

fn now() -> i64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_secs().try_into().unwrap()
}

fn nothing_here() -> Handler {
    Arc::new(|_| {
        Box::pin(async {
            let mut response = http::Response::new(Bytes::new());
            *response.status_mut() = http::StatusCode::NOT_FOUND;
            response
        })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_certificate_is_taken_by_our_own_client_whatever_is_wrong_with_it() {
    let grid = Grid::start().await;
    for (situation, server) in &grid.servers {
        let other = &grid.servers[0].0.sent[0];
        for (pinned, is_taken) in [(&situation.sent[0], true), (other, false)] {
            let route = Route {
                roots: Roots {
                    pins: vec![sha256(pinned)],
                    ..Roots::default()
                },
                proxy: None,
                timeouts: Timeouts::default(),
                retries: 0,
                now: now(),
            };
            let outcome = handshake(&route, HOST, server.address().port()).await;
            let wanted = is_taken || situation.sent[0] == *other;
            let is_trusted = matches!(outcome, Handshake::Trusted { .. });
            assert_eq!(is_trusted, wanted, "{}: {outcome:?}", situation.name);
        }
    }
}

/// `ca bundle` for Java and OpenSSL, and a server that sends its own certificate alone.
#[tokio::test(flavor = "multi_thread")]
async fn trust_stores_of_a_bundle_are_taken() {
    let authority = Authority::new().unwrap();
    let tls = authority.server(&[HOST], Sends::LeafOnly).unwrap();
    let server = HttpsServer::start(tls, nothing_here()).await.unwrap();
    let program = ArcSetup::new().unwrap();
    program.file("in/root.pem", authority.root_pem()).unwrap();
    program
        .file("in/issuing.der", authority.issuing_der())
        .unwrap();
    let arguments = [
        "ca",
        "bundle",
        "in",
        "--directory",
        "hashed",
        "--pkcs12",
        "trust.p12",
    ];
    program.run(&arguments).await.unwrap().expect_code(0);
    let programs = Programs::new();
    let port = server.address().port();
    let home = program.home().to_owned();
    let asked = tokio::task::spawn_blocking(move || {
        [
            programs.java_with(&home.join("trust.p12"), port, "/java"),
            programs.openssl_with(&home.join("hashed"), port, "/openssl"),
        ]
    });
    for (path, said) in ["/java", "/openssl"].iter().zip(asked.await.unwrap()) {
        let Some(said) = said else { continue };
        let asked = server.asked();
        assert!(
            asked.iter().any(|asked| asked.target == *path),
            "{path}: {said}"
        );
    }
}

/// `cargo test --test it programs::the_table -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints what the programs of this machine do"]
#[expect(clippy::print_stdout, reason = "the table is what it is for")]
async fn the_table() {
    let grid = Grid::start().await;
    let programs = Arc::new(Programs::new());
    let mut columns = Vec::new();
    for program in PROGRAMS {
        match grid.outcomes(&programs, program).await {
            Some((taken, said)) => {
                println!("== {program:?}\n{said}");
                columns.push((program, taken));
            }
            None => println!("== {program:?} is not here"),
        }
    }
    let head: Vec<String> = columns
        .iter()
        .map(|(program, _)| format!("{program:?}"))
        .collect();
    println!("{}", head.join(" "));
    for (situation, _) in &grid.servers {
        for trust in TRUSTS {
            let cell = name((situation.name, trust));
            let row: Vec<String> = columns
                .iter()
                .zip(&head)
                .map(|((_, taken), head)| {
                    let word = if taken[&cell] { "ok" } else { "-" };
                    format!("{word:width$}", width = head.len())
                })
                .collect();
            println!("{} {cell}", row.join(" "));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_program_that_is_here_takes_what_the_table_says() {
    let grid = Grid::start().await;
    let programs = Arc::new(Programs::new());
    let mut wrong = Vec::new();
    for program in PROGRAMS {
        let Some((taken, _)) = grid.outcomes(&programs, program).await else {
            tell_skipped(program);
            continue;
        };
        let predicted = grid.predicted(program);
        for (cell, is_taken) in taken {
            if predicted[&cell] != is_taken {
                wrong.push(format!(
                    "{program:?}: {cell}: it says {}",
                    if is_taken { "yes" } else { "no" }
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
