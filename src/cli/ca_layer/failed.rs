//! What went wrong at a registry, as a failure.

use crate::clients::registry::{Presence, Trouble};
use crate::failure::{Exit, Failure};
use crate::oci::Problem;
use crate::pki::chain::Verdict;
use crate::ui::foreign;

/// Of something that is read.
pub(super) fn reading(what: &str, trouble: Trouble) -> Failure {
    let what = format!("cannot read {what}");
    let of = |code| Failure::new(code, Exit::Preflight, what.clone());
    match trouble {
        Trouble::Answer(presence) => answer(presence, &of, "image-denied", "image-absent"),
        Trouble::Content(problem) => content(problem, &what),
        Trouble::Protocol(why) => of("image-unknown").why(foreign::line(&why)),
    }
}

/// Of something that is written.
pub(super) fn writing(what: &str, trouble: Trouble) -> Failure {
    const REFUSED: &str = "layer-push-refused";
    let what = format!("cannot push {what}");
    let of = |code| Failure::new(code, Exit::ApplyFailed, what.clone());
    let failure = match trouble {
        Trouble::Answer(Presence::AuthRequired { message }) => of(REFUSED)
            .why("the account may not push there, or none is known")
            .evidence(foreign::line(&message))
            .remedy("give an account that may push with --pull-secret-file: its auths need an entry for this host"),
        Trouble::Answer(presence) => answer(presence, &of, REFUSED, REFUSED),
        Trouble::Content(problem) => content(problem, &what),
        Trouble::Protocol(why) => of(REFUSED).why(foreign::line(&why)),
    };
    failure.why("no tag was written")
}

fn answer(
    presence: Presence,
    of: &dyn Fn(&'static str) -> Failure,
    denied: &'static str,
    absent: &'static str,
) -> Failure {
    let said = |message: String| foreign::line(&message);
    match presence {
        Presence::Absent { message } => of(absent)
            .why("the registry does not have it")
            .evidence(said(message)),
        Presence::AuthRequired { message } => of("image-unauthorized").why(said(message)).remedy(
            "give an account with --pull-secret-file: its auths need an entry for this host",
        ),
        Presence::Denied { message } => of(denied).why(said(message)),
        Presence::Untrusted { verdict, cause } => {
            let failure = of("image-untrusted").why(cause.to_string());
            match verdict {
                Verdict::MissingIssuer { issuer, .. } => {
                    failure.evidence(foreign::line(&format!("its chain lacks {issuer}")))
                }
                _ => failure,
            }
            .remedy("arc-setup ca doctor HOST says what is missing; add it to --ca-bundle")
        }
        Presence::ProxyRefused { status } => of("image-unknown").why(match status {
            Some(407) => "the proxy wants a login (407)",
            _ => "the proxy refused the registry",
        }),
        Presence::RateLimited { message } | Presence::Unknown { message } => {
            of("image-unknown").why(said(message))
        }
        Presence::Unreachable { cause } => of("image-unknown").why(said(cause.to_string())),
        Presence::Present { .. } => of("image-unknown"),
    }
}

/// Of an image that no layer can be put on.
pub(super) fn content(problem: Problem, what: &str) -> Failure {
    let failure = |code, problem: Problem| {
        Failure::new(code, Exit::Preflight, what).why(foreign::line(&problem.to_string()))
    };
    match problem {
        Problem::WrongDigest { .. } => failure("layer-digest", problem)
            .remedy("something between here and the registry changes what it hands out: a proxy, a broken mirror"),
        Problem::NoStore(_) => failure("layer-no-bundle", problem)
            .remedy("leave --merged out, or use an image with the package ca-certificates"),
        Problem::Layer(_) => failure("layer-base-unusable", problem)
            .remedy("leave --merged out: then no layer is read"),
        Problem::NameTooLong(_) | Problem::Certificate(_) => failure("ca-bundle", problem),
        _ => failure("layer-base-unusable", problem),
    }
}
