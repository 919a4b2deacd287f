//! Which servers a client has reached. An answer over TLS proves way, certificate and name of a server: nobody need
//! prove them again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use tokio::sync::watch;
use tokio::time::timeout;

/// Servers, and whether one of their requests was answered; shared by clones.
#[derive(Debug, Clone, Default)]
pub(super) struct Reached(Arc<watch::Sender<BTreeMap<String, bool>>>);

impl Reached {
    /// Notes how a request ended: with an answer of whatever status, or without any.
    pub(super) fn note(&self, url: &Url, answered: bool) {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return;
        };
        if url.scheme() != "https" {
            return;
        }
        self.0.send_if_modified(|servers| {
            let known = servers.get(&server(host, port)).copied();
            // One answer outweighs every break.
            let now = answered || known == Some(true);
            servers.insert(server(host, port), now);
            known != Some(now)
        });
    }

    /// True once a request to the server was answered; false where one broke, or none ended within `patience`.
    pub(super) async fn answered(&self, host: &str, port: u16, patience: Duration) -> bool {
        let mut servers = self.0.subscribe();
        let server = server(host, port);
        let ended = servers.wait_for(|servers| servers.contains_key(&server));
        match timeout(patience, ended).await {
            Ok(Ok(servers)) => servers.get(&server) == Some(&true),
            _ => false,
        }
    }
}

fn server(host: &str, port: u16) -> String {
    format!("{}:{port}", host.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_counts_a_break_does_not_and_silence_ends() {
        let reached = Reached::default();
        reached.note(&url("https://Registry.corp/v2/"), true);
        reached.note(&url("https://registry.corp/v2/"), false);
        reached.note(&url("https://broken.corp:5000/v2/"), false);
        reached.note(&url("http://plain.corp:443/"), true);
        for (host, port, answered) in [
            ("registry.CORP", 443, true),
            ("registry.corp", 5000, false),
            ("broken.corp", 5000, false),
            ("plain.corp", 443, false),
        ] {
            let found = reached.answered(host, port, PATIENCE).await;
            assert_eq!(found, answered, "{host}:{port}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_told_of_an_answer_that_comes() {
        let reached = Reached::default();
        let waiting = reached.clone();
        let later = async {
            tokio::task::yield_now().await;
            reached.note(&url("https://registry.corp/"), true);
        };
        let asked = waiting.answered("registry.corp", 443, PATIENCE);
        let (answered, ()) = futures::join!(asked, later);
        assert!(answered);
    }
}
