//! What the runner's own .NET reads, by its release.

use serde_json::Value;

use crate::image_ref::ImageReference;
use crate::object::pods::Site;

/// The first runner on .NET 8: 2.321.0 (actions/runner).
const FIRST_MINOR: u32 = 321;

/// True where the runner's tag says that its .NET takes the whole of SSL_CERT_DIR as the name of one folder, as it did
/// before .NET 8 (dotnet/runtime#91110). With two folders in it such a runner trusts nothing at all.
///
/// A tag of another form says nothing, and the runner in it is taken for a newer one.
pub(super) fn reads_one_folder(object: &Value, site: &Site) -> bool {
    let container = site.container.as_ref().map(|at| at.child("image"));
    // The legacy kinds write the runner's image beside the container lists; RunnerSet above its pod.
    let beside = site.pod.pointer.child("image");
    let places = container.as_ref().into_iter().chain([&beside]);
    let mut found = places.filter_map(|at| at.get(object));
    let image = found.next().or_else(|| object.pointer("/spec/image"));
    image
        .and_then(Value::as_str)
        .and_then(|image| ImageReference::parse(image).ok())
        .and_then(|image| image.tag().and_then(major_and_minor))
        // 0.18.2 and the like are releases of ARC, by which the first mirrors named its images.
        .is_some_and(|(major, minor)| major < 2 || (major == 2 && minor < FIRST_MINOR))
}

/// `v2.277.1-ubuntu-20.04` → 2 and 277. Three numbers: `20.04` is no runner's release.
fn major_and_minor(tag: &str) -> Option<(u32, u32)> {
    let release = tag.trim_start_matches('v').split('-').next()?;
    let mut numbers = release.split('.').map(|part| part.parse::<u32>().ok());
    match (
        numbers.next(),
        numbers.next(),
        numbers.next(),
        numbers.next(),
    ) {
        (Some(Some(major)), Some(Some(minor)), Some(Some(_)), None) => Some((major, minor)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_tells_the_release_or_nothing() {
        assert_eq!(major_and_minor("v2.277.1"), Some((2, 277)));
        assert_eq!(major_and_minor("2.335.1"), Some((2, 335)));
        assert_eq!(major_and_minor("v2.328.0-ubuntu-22.04"), Some((2, 328)));
        assert_eq!(major_and_minor("v0.18.2"), Some((0, 18)));
        for silent in ["latest", "20.04", "ubuntu-20.04", "2", "1.2.3.4", "v2.x.1"] {
            assert_eq!(major_and_minor(silent), None, "{silent}");
        }
    }
}
