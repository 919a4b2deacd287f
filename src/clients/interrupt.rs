//! Ctrl-C and TERM, as something that a stage can look at between two requests or wait for.

use tokio::sync::watch;

use crate::failure::{Exit, Failure};

/// Says whether the run was interrupted. Clones see the same signal.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// An interrupt and the sender that sets it.
    pub fn channel() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// One that never comes.
    pub fn never() -> Self {
        Self(watch::channel(false).1)
    }

    /// True once it came.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends when it comes; never where nobody can set it any more.
    pub async fn wait(&mut self) {
        if self.0.wait_for(|set| *set).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Fails with exit code 130 once it came.
    pub fn check(&self) -> Result<(), Failure> {
        self.check_after("what was begun was finished; the rest was not started")
    }

    /// The same, saying how far things went.
    pub fn check_after(&self, state: &str) -> Result<(), Failure> {
        if self.is_set() {
            Err(interrupted(state))
        } else {
            Ok(())
        }
    }

    /// What `work` ends with; once it came, the failure that says how far things went. The work is dropped where it is:
    /// it must be of a kind that only reads.
    pub async fn unless<T>(
        &self,
        state: &str,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let mut waiting = self.clone();
        tokio::select! {
            biased;
            () = waiting.wait() => Err(interrupted(state)),
            done = work => Ok(done),
        }
    }

    /// Ends with the failure when it comes; never where nobody can set it any more.
    pub async fn requested(&self) -> Failure {
        let mut waiting = self.clone();
        waiting.wait().await;
        interrupted("what was begun was finished; the rest was not started")
    }
}

/// The failure of an interrupted run.
pub fn interrupted(state: &str) -> Failure {
    Failure::new("interrupted", Exit::Interrupted, "stopped on request")
        .why(state)
        .remedy("run the same command again: it goes on from what is there")
}

/// Waits for Ctrl-C and TERM and sets the interrupt; the second signal ends the process at once.
pub async fn listen(sender: watch::Sender<bool>) {
    let Ok(mut terminate) =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
    else {
        return;
    };
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        if sender.send_replace(true) {
            // Asked twice: whoever asks twice does not want to wait for a request to end.
            #[expect(
                clippy::exit,
                clippy::disallowed_methods,
                reason = "a person pressed Ctrl-C twice"
            )]
            std::process::exit(130);
        }
    }
}
