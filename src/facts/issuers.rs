//! Authorities that a server does not send, from where its certificates say that they lie (AIA, RFC 5280 section 4.2.2.1).

use http::Method;

use crate::clients::transport::{Exchange, Http};
use crate::pki::chain::{certificates_of, pem};
use crate::pki::doctor::{Fetched, Shown, Wanted, wanted};

/// Most authorities that are fetched for one chain.
const MOST: usize = 4;
/// Most places that are asked for one of them.
const PLACES: usize = 3;
/// Most bytes of an answer, and most certificates in it: one is wanted.
const LARGEST: usize = 256 * 1024;
const MOST_FOUND: usize = 32;

/// Fetches what a chain lacks up to its root, beside what is known (DER): each with where it came from, or why not. What is
/// fetched has issued what names it, and nobody has said that it may be trusted.
pub async fn read_issuers(http: &Http, sent: &[Vec<u8>], known: &[Vec<u8>]) -> Vec<Fetched> {
    let mut known = known.to_vec();
    let mut fetched = Vec::new();
    for _ in 0..MOST {
        let Some(wanted) = wanted(sent, &known) else {
            break;
        };
        let before = known.len();
        for url in wanted.urls.iter().take(PLACES) {
            let one = match issuer(http, url, &wanted).await {
                Ok(der) => {
                    let found = Fetched {
                        url: url.clone(),
                        certificate: Shown::read(&der),
                        pem: Some(pem(&der)),
                        failure: None,
                    };
                    known.push(der);
                    found
                }
                Err(why) => Fetched {
                    url: url.clone(),
                    certificate: None,
                    pem: None,
                    failure: Some(why),
                },
            };
            fetched.push(one);
            if known.len() > before {
                break;
            }
        }
        if known.len() == before {
            break;
        }
    }
    fetched
}

async fn issuer(http: &Http, url: &str, wanted: &Wanted) -> Result<Vec<u8>, String> {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err("only http and https are asked".to_owned());
    }
    let reply = http.send(&Exchange::new(Method::GET, url)).await;
    let reply = reply.map_err(|cause| cause.to_string())?;
    if reply.status != 200 {
        return Err(format!("the answer is {}", reply.status));
    }
    if reply.body.len() > LARGEST {
        return Err(format!("the answer has more than {LARGEST} bytes"));
    }
    let mut found = certificates_of(&reply.body)?;
    found.truncate(MOST_FOUND);
    wanted
        .among(found)
        .ok_or_else(|| format!("what lies there is not {}", wanted.subject))
}
