//! Questions on a terminal: the program runs on a pseudo-terminal that `script` of util-linux makes.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::support::arc_setup::{ArcSetup, program, skipped};

const PATIENCE: Duration = Duration::from_mins(1);
const DOWN: &str = "\u{1b}[B";

/// A program on a terminal, and what it has shown so far.
pub(crate) struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: Arc<Mutex<String>>,
    /// Ends when everything that was written has been read.
    reader: JoinHandle<()>,
    read: usize,
}

impl Terminal {
    /// None where this machine has no `script`, which is said aloud.
    pub(crate) fn start(setup: &ArcSetup, arguments: &str) -> Result<Option<Self>> {
        let known = Command::new("script").arg("--version").output();
        let util_linux =
            known.is_ok_and(|known| String::from_utf8_lossy(&known.stdout).contains("util-linux"));
        if !util_linux {
            skipped("questions on a terminal: `script` of util-linux is missing");
            return Ok(None);
        }
        let mut command = Command::new("script");
        setup.prepare(&mut command);
        let line = format!("'{}' {arguments}", program()?.display());
        let mut child = command
            .args(["-qefc", &line, "/dev/null"])
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let keys = child.stdin.take().context("no keyboard")?;
        let mut output = child.stdout.take().context("no screen")?;
        let screen = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&screen);
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                shown
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push_str(&text);
            }
        });
        Ok(Some(Self {
            child,
            keys,
            screen,
            reader,
            read: 0,
        }))
    }

    fn screen(&self) -> String {
        self.screen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until the text stands on the screen, after what was waited for before.
    pub(crate) fn see(&mut self, text: &str) -> Result<()> {
        let started = Instant::now();
        loop {
            // Asked before the screen is looked at: what came last must not be missed.
            let ended = self.reader.is_finished();
            let screen = self.screen();
            if let Some(at) = screen.get(self.read..).and_then(|new| new.find(text)) {
                self.read += at + text.len();
                return Ok(());
            }
            if ended || started.elapsed() > PATIENCE {
                bail!("'{text}' is not on the screen:\n{screen}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn answer(&mut self, question: &str, keys: &str) -> Result<()> {
        self.press(question, &format!("{keys}\r"))
    }

    /// The same without Enter, where one key is the answer: another would answer the next question.
    pub(crate) fn press(&mut self, question: &str, keys: &str) -> Result<()> {
        self.see(question)?;
        self.keys.write_all(keys.as_bytes())?;
        Ok(self.keys.flush()?)
    }

    pub(crate) fn end(mut self) -> Result<(Option<i32>, String)> {
        let started = Instant::now();
        while !self.reader.is_finished() {
            if started.elapsed() > PATIENCE {
                bail!("it does not end:\n{}", self.screen());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let code = self.child.wait()?.code();
        Ok((code, self.screen()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

fn what_nobody_can_guess(terminal: &mut Terminal) -> Result<()> {
    terminal.answer("Which GitHub server?", "")?;
    terminal.answer("Where do the runners register?", "acme/shop")?;
    terminal.answer("How do the controllers log in", DOWN)?;
    terminal.answer("File with the token?", "./token.txt")?;
    terminal.answer("How many runners at most?", "5")
}

#[test]
fn init_with_a_registry_alone_asks_for_the_rest() -> Result<()> {
    let mut setup = ArcSetup::new()?;
    setup.file("token.txt", "ghp_canary0123456789abcdefghijklmnopqrst\n")?;
    setup.env("NO_COLOR", "1");
    let Some(mut terminal) = Terminal::start(&setup, "init --registry registry.example.com")?
    else {
        return Ok(());
    };
    what_nobody_can_guess(&mut terminal)?;
    terminal.answer("How do jobs get containers?", "")?;
    terminal.answer("Proxy for all traffic", "http://proxy.example.com:3128")?;
    terminal.answer("certificate authorities?", "")?;
    terminal.answer("How does the registry name", DOWN)?;
    terminal.answer("of each source", "docker.io=hub,ghcr.io=ghcr")?;
    terminal.answer("account to pull with?", "")?;
    // A pipeline does the same without questions.
    terminal
        .see("these answers as flags: --github-url https://github.com --github-repo acme/shop")?;
    terminal.see("--proxy http://proxy.example.com:3128")?;
    terminal.see("--registry-preset artifactory-path --registry-key docker.io=hub,ghcr.io=ghcr")?;
    // The configuration is whole: what is missing now is a cluster.
    terminal.see("reading the cluster")?;
    let (code, screen) = terminal.end()?;
    assert!(matches!(code, Some(2 | 3)), "{screen}");
    assert!(screen.contains("kubeconfig"), "{screen}");
    assert!(!screen.contains("canary"), "{screen}");
    Ok(())
}

#[test]
fn answers_are_what_the_configuration_holds() -> Result<()> {
    let mut setup = ArcSetup::new()?;
    setup.file("token.txt", "ghp_canary\n")?;
    setup
        .env("NO_COLOR", "1")
        .env("ARC_SETUP_PROXY", "http://proxy.example.com:3128");
    let Some(mut terminal) = Terminal::start(&setup, "config show --ca-bundle anchors")? else {
        return Ok(());
    };
    what_nobody_can_guess(&mut terminal)?;
    terminal.answer("How do jobs get containers?", DOWN)?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, Some(0), "{screen}");
    for line in [
        "acme/shop",
        "max: 5",
        "containerMode: dind",
        "http://proxy.example.com:3128",
    ] {
        assert!(screen.contains(line), "{line} is not in:\n{screen}");
    }
    // Named by a variable and a flag, or of no use without a registry.
    for question in [
        "Proxy for all traffic",
        "certificate authorities?",
        "account to pull with?",
    ] {
        assert!(!screen.contains(question), "{screen}");
    }
    Ok(())
}

#[test]
fn nothing_is_asked_where_nothing_is_missing_or_in_ci() -> Result<()> {
    const GOOD: &str = "github: {url: https://github.com, organization: o, existingSecret: login}\nrunnerSets: [{name: a, max: 2}]\n";
    let mut setup = ArcSetup::new()?;
    setup.file("good.yaml", GOOD)?;
    let Some(terminal) = Terminal::start(&setup, "config show --config good.yaml")? else {
        return Ok(());
    };
    let (code, screen) = terminal.end()?;
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains('?'), "{screen}");
    setup.env("CI", "true");
    if let Some(terminal) = Terminal::start(&setup, "config show")? {
        let (code, screen) = terminal.end()?;
        assert_eq!(code, Some(2), "{screen}");
        assert!(
            screen.contains("--github-url") && !screen.contains("Which GitHub server?"),
            "{screen}"
        );
    }
    Ok(())
}

#[test]
fn a_question_that_is_broken_off_ends_quietly() -> Result<()> {
    let setup = ArcSetup::new()?;
    let Some(mut terminal) = Terminal::start(&setup, "config show")? else {
        return Ok(());
    };
    terminal.press("Which GitHub server?", "\x03")?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, Some(130), "{screen}");
    assert!(screen.lines().count() < 12, "{screen}");
    Ok(())
}
