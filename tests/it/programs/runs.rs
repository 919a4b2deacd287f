//! Runs the real programs: each asks a server for a path of its own, and what the server was asked says whether the
//! program took its certificate.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use arc_setup::pki::programs::Program;
use tempfile::TempDir;

use super::situations::HOST;

/// Where the sources of our own small clients are.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/programs/fetch")
}

/// One question: with this bundle to this server.
pub(super) struct Question {
    pub(super) bundle: PathBuf,
    pub(super) port: u16,
    /// The path that is asked for.
    pub(super) path: String,
}

impl Question {
    fn url(&self) -> String {
        format!("https://{HOST}:{}{}", self.port, self.path)
    }

    fn line(&self) -> String {
        format!("{}\t{}\n", self.bundle.display(), self.url())
    }
}

/// The programs that are here.
pub(super) struct Programs {
    home: TempDir,
}

impl Programs {
    pub(super) fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// Asks every question with one program; what it said, question by question or all together. None where the
    /// program is not here.
    pub(super) fn ask(&self, program: Program, questions: &[Question]) -> Option<String> {
        let lines: String = questions.iter().map(Question::line).collect();
        let each = |command: &dyn Fn(&Question) -> (Command, String)| {
            let mut said = String::new();
            for question in questions {
                let (command, input) = command(question);
                said.push_str(&Self::said(command, &input)?);
            }
            Some(said)
        };
        match program {
            Program::Curl => each(&|question| {
                let mut command = self.command("curl");
                command
                    .args(["-sS", "--max-time", "20", "-o", "/dev/null", "--cacert"])
                    .arg(&question.bundle)
                    .arg(question.url());
                (command, String::new())
            }),
            Program::Git => each(&|question| {
                let mut command = self.command("git");
                command
                    .args(["ls-remote", &question.url()])
                    .env("GIT_SSL_CAINFO", &question.bundle)
                    .env("GIT_TERMINAL_PROMPT", "0");
                (command, String::new())
            }),
            Program::Wget => each(&|question| {
                let mut command = self.command("wget");
                command
                    .args(["-nv", "-O", "/dev/null", "--tries=1", "--timeout=20"])
                    .arg(format!("--ca-certificate={}", question.bundle.display()))
                    .arg(question.url());
                (command, String::new())
            }),
            Program::OpenSsl => each(&|question| {
                let mut command = self.command("openssl");
                command
                    .args(["s_client", "-quiet", "-verify_return_error", "-no-CApath"])
                    .args(["-no-CAstore", "-servername", HOST, "-verify_hostname", HOST])
                    .args(["-connect", &format!("127.0.0.1:{}", question.port)])
                    .arg("-CAfile")
                    .arg(&question.bundle);
                let request = format!(
                    "GET {} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n",
                    question.path
                );
                (command, request)
            }),
            Program::Node => {
                let mut bundles: BTreeMap<&PathBuf, Vec<&Question>> = BTreeMap::new();
                for question in questions {
                    bundles.entry(&question.bundle).or_default().push(question);
                }
                let mut said = String::new();
                for (bundle, questions) in bundles {
                    let mut command = self.command("node");
                    command
                        .arg(sources().join("fetch.mjs"))
                        .args(questions.iter().map(|question| question.url()))
                        .env("NODE_EXTRA_CA_CERTS", bundle);
                    said.push_str(&Self::said(command, "")?);
                }
                Some(said)
            }
            Program::Python | Program::StrictPython => {
                let mut command = self.command("python3");
                command.arg(sources().join("fetch.py"));
                if program == Program::StrictPython {
                    command.arg("--strict");
                }
                Self::said(command, &lines)
            }
            Program::Java => self.java(&[], &lines),
            Program::Go => {
                let built = self.home.path().join("fetch");
                let mut compiler = self.command("go");
                compiler
                    .current_dir(sources())
                    .env("GOWORK", "off")
                    .env("CGO_ENABLED", "0")
                    .env("GOCACHE", self.home.path().join("go"))
                    .args(["build", "-o"])
                    .arg(&built)
                    .arg(".");
                Self::compiled(compiler)?;
                Self::said(self.command(built), &lines)
            }
            Program::Rustls | Program::DotNet => None,
        }
    }

    fn java(&self, options: &[String], lines: &str) -> Option<String> {
        let classes = self.home.path().join("classes");
        let mut compiler = self.command("javac");
        let source = sources().join("Fetch.java");
        compiler.arg("-d").arg(&classes).arg(source);
        Self::compiled(compiler)?;
        let mut command = self.command("java");
        command
            .arg("-Djava.net.preferIPv4Stack=true")
            .args(options)
            .arg("-cp")
            .arg(&classes)
            .arg("Fetch");
        Self::said(command, lines)
    }

    /// Asks a server with Java's own trust from this store.
    pub(super) fn java_with(&self, store: &Path, port: u16, path: &str) -> Option<String> {
        let option = format!("-Djavax.net.ssl.trustStore={}", store.display());
        self.java(&[option], &format!("\thttps://{HOST}:{port}{path}\n"))
    }

    /// Asks a server with OpenSSL and this directory of authorities.
    pub(super) fn openssl_with(&self, directory: &Path, port: u16, path: &str) -> Option<String> {
        let mut command = self.command("openssl");
        command
            .args(["s_client", "-quiet", "-verify_return_error", "-no-CAfile"])
            .args(["-no-CAstore", "-servername", HOST, "-verify_hostname", HOST])
            .args(["-connect", &format!("127.0.0.1:{port}"), "-CApath"])
            .arg(directory);
        let request = format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
        Self::said(command, &request)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the programs are those of whoever runs the tests"
    )]
    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.home.path());
        for name in ["PATH", "JAVA_HOME", "PYENV_ROOT"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// None where the compiler is not here.
    fn compiled(mut command: Command) -> Option<()> {
        match command.stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => Some(()),
            Ok(output) => panic!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => panic!("{command:?}: {error}"),
        }
    }

    /// What a program said on stderr; None where it is not here.
    fn said(mut command: Command, input: &str) -> Option<String> {
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => panic!("{command:?}: {error}"),
        };
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        // A program that refuses the certificate may be gone before it has read all.
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let Output { stderr, .. } = child.wait_with_output().unwrap();
        writer.join().unwrap().ok();
        Some(String::from_utf8_lossy(&stderr).into_owned())
    }
}
