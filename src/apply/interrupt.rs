//! A request to stop, honoured between requests: what was begun is finished, the lock is released.

use tokio::sync::watch;

use crate::failure::{Exit, Failure};

/// Listens for a request to stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// A sender (send `true` to stop) and its listener.
    pub fn channel() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// A listener that nobody ever interrupts.
    pub fn never() -> Self {
        Self::channel().1
    }

    /// Fails with exit code 130 once a stop was asked for.
    pub fn check(&self) -> Result<(), Failure> {
        if *self.0.borrow() {
            Err(interrupted())
        } else {
            Ok(())
        }
    }

    /// Ends when a stop is asked for; never where nobody can ask any more.
    pub async fn requested(&self) -> Failure {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
        interrupted()
    }
}

fn interrupted() -> Failure {
    Failure::new("interrupted", Exit::Interrupted, "stopped on request")
        .why("what was begun was finished; the rest of the plan was not started")
        .remedy("run the same command again: it goes on from what is there")
}
