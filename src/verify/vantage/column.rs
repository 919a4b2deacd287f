//! One place: the state of each target, from what its probe said or from why it did not start.

use serde::Serialize;

use super::judge::{Blocked, Hop, judge};
use super::pull::pulled;
use super::said::Said;
use crate::failure::Details;
use crate::image_ref::ImageReference;
use crate::plan::vantage::{Asked, Need, Place, Probe, Run, Spot, Target, Untried, need};

/// What is known of one target from one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// Reached.
    Ok {
        /// By what answer.
        how: String,
    },
    /// Not reached.
    Blocked(Blocked),
    /// Not reached for the reason that another target of the place is not.
    Behind {
        /// The other one's name.
        what: String,
    },
    /// Nobody could look.
    Unproven {
        /// Why.
        why: String,
    },
    /// Nothing in this place goes there.
    Never,
}

/// One place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Which.
    pub place: Place,
    /// For each target, in their order.
    pub states: Vec<State>,
    /// In what the probe differs from what it stands for.
    pub remarks: Vec<String>,
    /// Why the place could not be looked from.
    pub failure: Option<Details>,
}

/// How a probe ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It ran, and left this message.
    Said(String),
    /// It did not come to its end.
    Failed(Details),
}

/// The column of a probe. `is_proxied` says whether its requests for a target were to go through the proxy.
pub fn of_probe(
    probe: &Probe,
    ended: &Ended,
    targets: &[Target],
    run: &Run,
    is_proxied: &dyn Fn(&Target) -> bool,
) -> Column {
    let (states, failure) = match ended {
        Ended::Said(message) => {
            let said = Said::parse(message, run);
            let numbered = targets.iter().enumerate();
            let states = numbered.map(|(number, target)| {
                if probe.asked.contains(&number) {
                    of_target(&said, number, target, probe.place.spot, is_proxied(target))
                } else {
                    State::Never
                }
            });
            (states.collect(), None)
        }
        Ended::Failed(details) => {
            let why = format!("its pod did not run: {}", details.what);
            let states = (0..targets.len()).map(|number| {
                if probe.asked.contains(&number) {
                    State::Unproven { why: why.clone() }
                } else {
                    State::Never
                }
            });
            (states.collect(), Some(details.clone()))
        }
    };
    Column {
        place: probe.place.clone(),
        states,
        remarks: probe.remarks.clone(),
        failure,
    }
}

fn of_target(said: &Said, number: usize, target: &Target, spot: Spot, is_proxied: bool) -> State {
    let Some(measured) = said.of(number) else {
        let why = said.lacks().unwrap_or_else(|| {
            if said.is_whole() {
                "the probe said nothing of it".to_owned()
            } else {
                "the probe did not come to its end".to_owned()
            }
        });
        return State::Unproven { why };
    };
    let result = if spot == Spot::Dind {
        pulled(measured)
    } else {
        judge(target.asked, measured, is_proxied)
    };
    let token = said.token_service(number);
    let result = match (result, token) {
        (Ok(how), Some(token)) => match judge(Asked::Github, token, is_proxied) {
            Ok(_) => Ok(format!("{how}, token service")),
            Err(blocked) => Err(Blocked {
                brief: format!("token: {}", blocked.brief),
                why: format!("its token service: {}", blocked.why),
                ..blocked
            }),
        },
        (result, _) => result,
    };
    match result {
        Ok(how) => State::Ok { how },
        Err(blocked) => State::Blocked(blocked),
    }
}

/// The column of a place without a probe.
pub fn untried(untried: &Untried, targets: &[Target], is_scale_set: bool) -> Column {
    let states = targets.iter().map(|target| {
        if need(&untried.place, target, is_scale_set) == Need::Never {
            State::Never
        } else {
            State::Unproven {
                why: untried.why.clone(),
            }
        }
    });
    Column {
        place: untried.place.clone(),
        states: states.collect(),
        remarks: Vec::new(),
        failure: None,
    }
}

/// The nodes, from how the pods of all probes came to run: every image of a pod that ran was pulled by its node, and of one
/// that did not its failure names the image.
pub fn node(targets: &[Target], ended: &[(Probe, Ended)]) -> Column {
    let states = targets.iter().map(|target| match target.asked {
        Asked::Registry => pulls(target, ended),
        _ => State::Never,
    });
    // Why a pod was not made that was only to be pulled for; a pull that failed is told by its cell.
    let failure = ended.iter().find_map(|(probe, ended)| match ended {
        Ended::Failed(details) if probe.place.spot == Spot::Node => {
            of_pull(details, "").is_none().then(|| details.clone())
        }
        _ => None,
    });
    Column {
        place: Place::of(Spot::Node),
        states: states.collect(),
        remarks: Vec::new(),
        failure,
    }
}

fn pulls(target: &Target, ended: &[(Probe, Ended)]) -> State {
    let is_from = |image: &&str| is_from(target, image);
    let mut was_pulled = None;
    for (probe, ended) in ended {
        let images: Vec<&str> = probe.images().into_iter().filter(is_from).collect();
        match ended {
            Ended::Said(_) => {
                was_pulled = was_pulled.or(images.first().copied().map(str::to_owned));
            }
            Ended::Failed(details) => {
                let named = |image: &&&str| {
                    let words = format!("image {image}");
                    details.why.iter().any(|why| why.contains(&words))
                };
                if let Some(image) = images.iter().find(named)
                    && let Some(blocked) = of_pull(details, image)
                {
                    return State::Blocked(blocked);
                }
            }
        }
    }
    match was_pulled {
        Some(image) => State::Ok {
            how: format!("pulled {image}"),
        },
        None => State::Unproven {
            why: "no probe that ran has an image of it".to_owned(),
        },
    }
}

fn is_from(target: &Target, image: &str) -> bool {
    let host = |image: &str| ImageReference::parse(image).map(|image| image.host().to_owned());
    let wanted = target.image.as_deref().and_then(|image| host(image).ok());
    wanted.is_some() && host(image).ok() == wanted
}

/// A failure of an image pull; None for any other.
fn of_pull(details: &Details, image: &str) -> Option<Blocked> {
    let (hop, brief, code) = match details.code.as_str() {
        "image-absent" => (Hop::Http, "http 404", "image-absent"),
        "image-denied" => (Hop::Http, "http 403", "image-denied"),
        "image-unauthorized" => (Hop::Http, "http 401", "image-unauthorized"),
        "image-untrusted" => (Hop::Tls, "tls: untrusted", "image-untrusted"),
        "image-transient" => (Hop::Tcp, "no answer", "image-transient"),
        "image-platform" => (Hop::Http, "platform", "image-platform"),
        "proxy-refused" => (Hop::Proxy, "proxy", "proxy-refused"),
        "image-short-name" | "image-invalid-reference" | "image-never-pull" => {
            (Hop::Http, "no pull", "image-invalid-reference")
        }
        _ => return None,
    };
    let words = details.evidence.first().map(String::as_str);
    let why = format!("{image}: {}", words.unwrap_or(&details.what));
    Some(Blocked::new(hop, brief, code, why))
}

#[cfg(test)]
#[path = "column_tests.rs"]
mod tests;
