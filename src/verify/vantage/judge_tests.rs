//! Each exit code of curl, with what it counted: the hop that fails.

use super::*;
use Asked::{Codeload, GithubApi, Proxy, Registry};

/// What is asked, curl's exit code, what it counted (status, of CONNECT, of the certificate, and whether name, connection and
/// TLS were there), its words, whether it was to go through the proxy, and what that means.
type Case = (Asked, u32, [u32; 6], &'static str, bool, &'static str);

#[rustfmt::skip]
const CASES: &[Case] = &[
    (Codeload, 0, [404, 200, 0, 1, 1, 1], "", true, "ok: http 404"),
    (Codeload, 0, [403, 200, 0, 1, 1, 1], "", true, "http 403 [vantage-http]"),
    (GithubApi, 0, [403, 0, 0, 1, 1, 1], "", false, "ok: http 403"),
    (GithubApi, 0, [404, 0, 0, 1, 1, 1], "", false, "http 404 [vantage-http]"),
    (Registry, 0, [401, 0, 0, 1, 1, 1], "", false, "ok: http 401"),
    (Registry, 0, [503, 0, 0, 1, 1, 1], "", false, "http 503 [vantage-http]"),
    (Codeload, 0, [407, 0, 0, 1, 1, 0], "", true, "proxy: 407 [vantage-proxy-login]"),
    (Codeload, 6, [0; 6], "Could not resolve host: a", false, "dns [vantage-dns]"),
    (Codeload, 5, [0; 6], "Could not resolve proxy: p", true, "proxy: dns [vantage-proxy-unreachable]"),
    (Codeload, 7, [0, 0, 0, 1, 0, 0], "Failed to connect", false, "tcp: refused [vantage-refused]"),
    (Codeload, 7, [0, 0, 0, 1, 0, 0], "Connection timed out", false, "tcp: timeout [vantage-timeout]"),
    (Codeload, 7, [0, 0, 0, 1, 0, 0], "Failed to connect", true, "proxy: tcp refused [vantage-proxy-unreachable]"),
    (Codeload, 28, [0; 6], "Resolving timed out", false, "dns: timeout [vantage-dns]"),
    (Codeload, 28, [0, 0, 0, 1, 0, 0], "", false, "tcp: timeout [vantage-timeout]"),
    (Codeload, 28, [0, 0, 0, 1, 0, 0], "", true, "proxy: tcp timeout [vantage-proxy-unreachable]"),
    (Codeload, 28, [0, 0, 0, 1, 1, 0], "", true, "proxy: no answer [vantage-proxy-unreachable]"),
    (Codeload, 28, [0, 0, 0, 1, 1, 0], "", false, "tls: no answer [vantage-timeout]"),
    (Codeload, 28, [0, 200, 0, 1, 1, 1], "", true, "http: no answer [vantage-timeout]"),
    (Codeload, 56, [0, 407, 0, 1, 1, 0], "CONNECT tunnel failed", true, "proxy: 407 [vantage-proxy-login]"),
    (Codeload, 56, [0, 403, 0, 1, 1, 0], "CONNECT tunnel failed", true, "proxy: 403 [vantage-proxy-refused]"),
    (Codeload, 60, [0, 0, 10, 1, 1, 0], "certificate has expired", false, "tls: expired [vantage-expired]"),
    (Codeload, 60, [0, 0, 9, 1, 1, 0], "", false, "tls: not yet valid [vantage-expired]"),
    (Codeload, 60, [0, 0, 20, 1, 1, 0], "unable to get local issuer", false, "tls: untrusted [vantage-untrusted]"),
    (Codeload, 60, [0, 0, 0, 1, 1, 0], "no alternative certificate subject name matches", false, "tls: name [vantage-name]"),
    (Codeload, 35, [0, 0, 0, 1, 1, 0], "wrong version number", false, "tls: not tls [vantage-not-tls]"),
    (Codeload, 35, [0, 0, 0, 1, 1, 0], "Recv failure: Connection reset by peer", false, "tls: closed [vantage-closed]"),
    (Codeload, 52, [0, 0, 0, 1, 1, 1], "Empty reply", false, "http: closed [vantage-closed]"),
    (Codeload, 23, [0, 0, 0, 1, 1, 1], "Failure writing", false, "curl: 23 [vantage-unclear]"),
    (Proxy, 56, [0, 403, 0, 1, 1, 0], "", true, "ok: it answers, 403 for this destination"),
    (Proxy, 60, [0, 200, 20, 1, 1, 0], "", true, "ok: it answers"),
    (Proxy, 56, [0, 407, 0, 1, 1, 0], "", true, "proxy: 407 [vantage-proxy-login]"),
    (Proxy, 7, [0, 0, 0, 1, 0, 0], "", true, "proxy: tcp refused [vantage-proxy-unreachable]"),
];

fn measured(exit: u32, numbers: [u32; 6], words: &str) -> Measured {
    let [http, connect, verify, looked_up, connected, secured] = numbers;
    Measured {
        exit,
        numbers: Numbers {
            http: u16::try_from(http).unwrap(),
            connect: u16::try_from(connect).unwrap(),
            verify,
            is_looked_up: looked_up > 0,
            is_connected: connected > 0,
            is_secured: secured > 0,
        },
        words: words.to_owned(),
    }
}

#[test]
fn each_exit_code_of_curl_is_a_hop() {
    for (asked, exit, numbers, words, is_proxied, expected) in CASES {
        let measured = measured(*exit, *numbers, words);
        let said = match judge(*asked, &measured, *is_proxied) {
            Ok(how) => format!("ok: {how}"),
            Err(blocked) => format!("{} [{}]", blocked.brief, blocked.code),
        };
        assert_eq!(&said, expected, "{measured:?}");
    }
}
