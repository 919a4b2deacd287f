//! Runs the program that was built, as a shell or a CI job would: an environment of its own, a home
//! of its own, both streams and the exit code. No secret that was given may come out of it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

/// Longer than any single command takes here.
const PATIENCE: Duration = Duration::from_mins(5);

/// One way to run the program; each run gets the same home and environment.
#[derive(Debug)]
pub(crate) struct ArcSetup {
    home: TempDir,
    directory: PathBuf,
    environment: BTreeMap<OsString, OsString>,
    through: Vec<OsString>,
    stdin: Vec<u8>,
    canaries: Vec<(String, String)>,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// None when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

/// A run that goes on; it is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    streams: TempDir,
    started: Instant,
    canaries: Vec<(String, String)>,
}

impl ArcSetup {
    pub(crate) fn new() -> Result<Self> {
        let home = tempfile::Builder::new()
            .prefix("arc-setup-home-")
            .tempdir()?;
        let mut environment = BTreeMap::new();
        environment.insert("HOME".into(), home.path().as_os_str().to_owned());
        let directory = home.path().to_owned();
        Ok(Self {
            home,
            directory,
            environment,
            through: Vec::new(),
            stdin: Vec::new(),
            canaries: Vec::new(),
        })
    }

    /// The program's HOME, in which it runs unless [`Self::directory`] says otherwise.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file into the home, with its directories.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().context("a file without a directory")?)?;
        let mut file = std::fs::File::create(&path)?;
        file.write_all(content.as_ref())?;
        Ok(path)
    }

    /// Runs it in this directory.
    pub(crate) fn directory(&mut self, directory: &Path) -> &mut Self {
        directory.clone_into(&mut self.directory);
        self
    }

    /// Sets a variable.
    pub(crate) fn env(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Self {
        self.environment
            .insert(name.into(), value.as_ref().to_owned());
        self
    }

    /// Takes a variable away.
    pub(crate) fn without_env(&mut self, name: &str) -> &mut Self {
        self.environment.remove(OsStr::new(name));
        self
    }

    /// Has another program start it: that one's command line, to which ours is appended.
    pub(crate) fn through<A: AsRef<OsStr>>(&mut self, words: &[A]) -> &mut Self {
        self.through = words.iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    /// Sets a variable whose value must not come out on any stream.
    pub(crate) fn secret_env(&mut self, name: &str, value: &str) -> &mut Self {
        self.canary(name, value);
        self.env(name, value)
    }

    /// What the next runs read from their standard input.
    pub(crate) fn stdin(&mut self, content: impl Into<Vec<u8>>) -> &mut Self {
        self.stdin = content.into();
        self
    }

    /// From now on a run fails when `value` comes out of it, plainly, in base64 or percent-encoded.
    pub(crate) fn canary(&mut self, name: &str, value: &str) -> &mut Self {
        self.canaries.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Lifts the watch over secrets, for a command that was asked to show them.
    pub(crate) fn without_canaries(&mut self) -> &mut Self {
        self.canaries.clear();
        self
    }

    /// Runs it to its end. Other tasks of the runtime go on meanwhile: stand-ins must answer.
    pub(crate) async fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Outcome> {
        self.start(arguments)?.wait().await
    }

    /// Gives a command the environment and the directory.
    pub(crate) fn prepare(&self, command: &mut Command) {
        command
            .env_clear()
            .envs(&self.environment)
            .current_dir(&self.directory);
    }

    /// Starts it.
    pub(crate) fn start<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<Running> {
        // Files, not pipes: nobody has to read while it runs.
        let streams = tempfile::tempdir()?;
        let mut stdin = tempfile::tempfile()?;
        stdin.write_all(&self.stdin)?;
        std::io::Seek::rewind(&mut stdin)?;
        let program = program()?;
        let mut words = self.through.iter().cloned().chain([program.into()]);
        let program = words.next().unwrap_or_default();
        let mut command = Command::new(&program);
        command.args(words);
        self.prepare(&mut command);
        let child = command
            .args(arguments)
            .stdin(Stdio::from(stdin))
            .stdout(std::fs::File::create(streams.path().join("stdout"))?)
            .stderr(std::fs::File::create(streams.path().join("stderr"))?)
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        Ok(Running {
            child,
            streams,
            started: Instant::now(),
            canaries: self.canaries.clone(),
        })
    }
}

impl Running {
    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has said on stderr so far.
    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(self.streams.path().join("stderr")).unwrap_or_default()
    }

    /// Sends INT, as Ctrl-C does.
    pub(crate) fn interrupt(&self) -> Result<()> {
        let status = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status()?;
        ensure!(status.success(), "kill ended with {status}");
        Ok(())
    }

    /// How it ended, if it has.
    pub(crate) fn poll(&mut self) -> Result<Option<Outcome>> {
        if let Some(status) = self.child.try_wait()? {
            return self.outcome(status).map(Some);
        }
        if self.started.elapsed() > PATIENCE {
            bail!("not done after {PATIENCE:?}; it said:\n{}", self.stderr());
        }
        Ok(None)
    }

    pub(crate) async fn wait(mut self) -> Result<Outcome> {
        loop {
            if let Some(outcome) = self.poll()? {
                return Ok(outcome);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn outcome(&self, status: ExitStatus) -> Result<Outcome> {
        let read = |name| {
            std::fs::read(self.streams.path().join(name))
                .map(|text| String::from_utf8_lossy(&text).into_owned())
        };
        let outcome = Outcome {
            code: status.code(),
            stdout: read("stdout")?,
            stderr: read("stderr")?,
            took: self.started.elapsed(),
        };
        for (name, value) in &self.canaries {
            ensure_hidden(name, value, "stdout", &outcome.stdout)?;
            ensure_hidden(name, value, "stderr", &outcome.stderr)?;
        }
        Ok(outcome)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

impl Outcome {
    /// Fails, showing both streams, unless the exit code is `code`.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "\nstdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

/// Fails when the secret stands in `text` in a form in which it could be used. Never shows it.
pub(crate) fn ensure_hidden(name: &str, value: &str, place: &str, text: &str) -> Result<()> {
    use std::fmt::Write as _;

    let percent = value.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").ok();
        }
        encoded
    });
    for (form, found) in [
        ("plainly", text.contains(value)),
        (
            "in base64",
            text.contains(STANDARD.encode(value).trim_end_matches('=')),
        ),
        ("percent-encoded", text.contains(&percent)),
    ] {
        ensure!(!found, "the secret {name} stands {form} on {place}");
    }
    Ok(())
}

/// The program under test: cargo names it to tests and benches; an example stands beside it.
pub(crate) fn program() -> Result<PathBuf> {
    if let Some(program) = option_env!("CARGO_BIN_EXE_arc-setup") {
        return Ok(PathBuf::from(program));
    }
    let here = std::env::current_exe()?;
    let program = here
        .parent()
        .and_then(Path::parent)
        .context("an example without a directory")?
        .join("arc-setup");
    ensure!(
        program.exists(),
        "{} is not built: cargo build --bin arc-setup",
        program.display()
    );
    Ok(program)
}

/// Says aloud that a part of the tests could not run on this machine.
pub(crate) fn skipped(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}
