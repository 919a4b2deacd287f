//! Images that are asked for, or asked about, at a registry's owner.

use serde::Serialize;

/// An image that an object would have, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetImage {
    /// What it is a copy of; None where nothing was written there.
    pub before: Option<String>,
    /// As it is pulled.
    pub after: String,
    /// The rule that decided.
    pub rule: String,
    /// `absent`, or why nobody can tell: `auth-required`, `denied`, `hidden`, `unreachable` …
    pub reason: String,
    /// The registry's words.
    pub why: String,
}

/// An image that is asked for, or asked about, once for all objects that name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageRequest {
    /// The image.
    #[serde(flatten)]
    pub image: TargetImage,
    /// The first object that would have it, for a person.
    pub first: String,
    /// How many objects would have it.
    pub objects: usize,
}

/// Most images that are asked for by name.
const MOST_REQUESTS: usize = 1000;

/// Adds what one object wants to what all of them want.
pub(super) fn request(requests: &mut Vec<ImageRequest>, image: &TargetImage, object: &str) {
    let known = requests
        .iter_mut()
        .find(|request| request.image.after == image.after);
    if let Some(request) = known {
        request.objects += 1;
    } else if requests.len() < MOST_REQUESTS {
        requests.push(ImageRequest {
            image: image.clone(),
            first: object.to_owned(),
            objects: 1,
        });
    }
}
