//! Asks the real programs which way they go.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use arc_setup::proxy::Program;

use super::generate::Asked;

/// Nothing listens there: a connection is refused at once, and what is said of it names the side.
const PROXY: &str = "http://127.9.9.9:9";
const DIRECT: &str = "127.9.9.8";

/// A list, and what is asked with it.
pub(super) type Case = (String, Vec<Asked>);

/// The programs that are here.
pub(super) struct Readers {
    built: PathBuf,
    home: tempfile::TempDir,
}

impl Readers {
    pub(super) fn new() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/no_proxy/build");
        let output = Command::new(script)
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "tests/it/no_proxy/build: {}",
            output.status
        );
        let built = String::from_utf8(output.stdout).unwrap();
        Self {
            built: PathBuf::from(built.trim_end()),
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// Whether each URL is reached directly, in order. None where the program is not here.
    pub(super) fn ask(&self, program: Program, cases: &[Case]) -> Option<Vec<bool>> {
        let answers = match program {
            Program::Curl => each(cases, |case| self.curl(case)),
            Program::Git => each(cases, |case| self.git(case)),
            Program::Wget => each(cases, |case| self.wget(case)),
            _ => self.driver(program, &[], &lines(cases)),
        }?;
        let count: usize = cases.iter().map(|(_, asked)| asked.len()).sum();
        assert_eq!(answers.len(), count, "{program} did not answer everything");
        Some(answers)
    }

    /// The same with variables of an environment.
    pub(super) fn ask_with(
        &self,
        program: Program,
        variables: &[(&str, &str)],
        asked: &[Asked],
    ) -> Option<Vec<bool>> {
        match program {
            Program::Curl => self.curl_with(variables, asked),
            Program::Git => asked
                .iter()
                .map(|asked| self.git_with(variables, asked))
                .collect(),
            Program::Wget => self.wget_with(variables, asked),
            _ => {
                let mut input = "E\n".to_owned();
                for asked in asked {
                    url_line(&mut input, asked);
                }
                self.driver(program, variables, &input)
            }
        }
    }

    /// Our own small program around a reader.
    fn driver(
        &self,
        program: Program,
        variables: &[(&str, &str)],
        input: &str,
    ) -> Option<Vec<bool>> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/no_proxy/read");
        let (needed, mut command) = match program {
            Program::Go => ("go", self.command(self.built.join("go"))),
            Program::Java => {
                let mut command = self.command("java");
                command.arg("-cp").arg(self.built.join("java")).arg("Read");
                ("java", command)
            }
            Program::Node => {
                let mut command = self.command("node");
                command.arg(source.join("read.mjs"));
                command.arg(self.built.join("node/node_modules"));
                ("node", command)
            }
            Program::Urllib | Program::Requests | Program::OldRequests => {
                let (needed, argument) = match program {
                    Program::Urllib => ("", PathBuf::from("urllib")),
                    Program::Requests => ("requests", self.built.join("requests")),
                    _ => ("old_requests", self.built.join("old_requests")),
                };
                let mut command = self.command("python3");
                command.arg(source.join("read.py")).arg(argument);
                (needed, command)
            }
            _ => return None,
        };
        if !self.built.join(needed).exists() {
            return None;
        }
        command.envs(variables.iter().copied());
        let (said, _) = said(command, input)?;
        Some(ways(&said))
    }

    fn curl(&self, (list, asked): &Case) -> Option<Vec<bool>> {
        self.curl_with(&listed(list), asked)
    }

    fn curl_with(&self, variables: &[(&str, &str)], asked: &[Asked]) -> Option<Vec<bool>> {
        let mut config = String::new();
        for asked in asked {
            writeln!(config, "url = \"{}\"\noutput = /dev/null", asked.url).unwrap();
        }
        let mut command = self.command("curl");
        command
            .args(["-q", "-s", "-g", "-K", "-", "--max-time", "20"])
            .args(["--connect-to", &format!("::{DIRECT}:9")])
            .args(["-w", "%{errormsg}\\n"])
            .envs(variables.iter().copied());
        let (said, _) = said(command, &config)?;
        Some(said.lines().map(|line| is_direct(line, DIRECT)).collect())
    }

    fn git(&self, (list, asked): &Case) -> Option<Vec<bool>> {
        asked
            .iter()
            .map(|asked| self.git_with(&listed(list), asked))
            .collect()
    }

    fn git_with(&self, variables: &[(&str, &str)], asked: &Asked) -> Option<bool> {
        let mut command = self.secluded("git");
        command
            .args(["ls-remote", &asked.url])
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(variables.iter().copied());
        let (_, said) = said(command, "")?;
        if is_secluded_in_vain(&said) {
            return None;
        }
        // It names what it wanted to connect to: the proxy, or the host.
        let failed = ["ailed to connect to", "ould not resolve host"];
        let is_told = failed.iter().any(|failed| said.contains(failed));
        assert!(is_told, "{}: {said}", asked.url);
        Some(!said.contains("connect to 127.9.9.9 port 9 "))
    }

    fn wget(&self, (list, asked): &Case) -> Option<Vec<bool>> {
        self.wget_with(&listed(list), asked)
    }

    fn wget_with(&self, variables: &[(&str, &str)], asked: &[Asked]) -> Option<Vec<bool>> {
        let mut command = self.secluded("wget");
        command
            .args(["--no-config", "--tries=1", "-O", "/dev/null", "-i", "-"])
            .env("LC_ALL", "C")
            .envs(variables.iter().copied());
        let urls: Vec<&str> = asked.iter().map(|asked| asked.url.as_str()).collect();
        let urls = urls.join("\n") + "\n";
        let (_, said) = said(command, &urls)?;
        if is_secluded_in_vain(&said) {
            return None;
        }
        // The first that it does for each URL.
        let of_each = said.split("\n--").map(|said| {
            let mut lines = said.lines();
            let step = lines.find(|line| {
                ["Connecting to ", "Resolving "]
                    .iter()
                    .any(|step| line.starts_with(step))
            });
            let step = step.unwrap_or_else(|| panic!("{said}"));
            !step.starts_with("Connecting to 127.9.9.9:9")
        });
        Some(of_each.collect())
    }

    /// In a network of its own without anything in it: names are asked for in vain, and nothing is reached.
    fn secluded(&self, program: &str) -> Command {
        let mut command = self.command("unshare");
        command.args(["--user", "--map-root-user", "--net", "--", program]);
        command
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
}

/// A list with proxies for both schemes.
fn listed(list: &str) -> [(&'static str, &str); 3] {
    [
        ("http_proxy", PROXY),
        ("https_proxy", PROXY),
        ("no_proxy", list),
    ]
}

/// Two at a time.
fn each(cases: &[Case], ask: impl Fn(&Case) -> Option<Vec<bool>> + Sync) -> Option<Vec<bool>> {
    let half = cases.len().div_ceil(2);
    let all = |cases: &[Case]| -> Option<Vec<Vec<bool>>> { cases.iter().map(&ask).collect() };
    let (first, second) = std::thread::scope(|scope| {
        let second = scope.spawn(|| all(&cases[half..]));
        (all(&cases[..half]), second.join().unwrap())
    });
    Some(first?.into_iter().chain(second?).flatten().collect())
}

fn is_secluded_in_vain(said: &str) -> bool {
    said.starts_with("unshare: ") || said.contains("unshare: failed to execute")
}

fn lines(cases: &[Case]) -> String {
    let mut lines = String::new();
    for (list, asked) in cases {
        lines.push('L');
        for byte in list.bytes() {
            write!(lines, "{byte:02x}").unwrap();
        }
        lines.push('\n');
        for asked in asked {
            url_line(&mut lines, asked);
        }
    }
    lines
}

fn url_line(lines: &mut String, asked: &Asked) {
    writeln!(lines, "U{}", asked.url).unwrap();
}

fn ways(said: &str) -> Vec<bool> {
    let known = HashMap::from([("direct", true), ("proxy", false)]);
    said.lines()
        .map(|line| *known.get(line).unwrap_or_else(|| panic!("neither: {line}")))
        .collect()
}

fn is_direct(line: &str, direct: &str) -> bool {
    let to = |address: &str| line.contains(&format!("ailed to connect to {address} port 9 "));
    assert!(to(direct) || to("127.9.9.9"), "{line}");
    to(direct)
}

/// What a program said on stdout and stderr; None where it is not here.
fn said(mut command: Command, input: &str) -> Option<(String, String)> {
    let child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("{command:?}: {error}"),
    };
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().ok();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some((text(output.stdout), text(output.stderr)))
}
