//! The releases of ARC that are supported: the one list. `differences.rs` has what differs between them.

pub mod differences;

use self::differences::Feature;
use super::model::{ArcVersion, Mode};

/// What a scale-set install takes when nothing is said.
pub const DEFAULT_SCALE_SET: ArcVersion = ArcVersion::new(0, 14, 2);
/// What a legacy install takes when nothing is said.
pub const DEFAULT_LEGACY: ArcVersion = ArcVersion::new(0, 27, 6);

/// Minor and greatest patch of every released minor of the scale-set generation.
const SCALE_SET: &[(u32, u32)] = &[(9, 3), (10, 1), (11, 0), (12, 1), (13, 1), (14, 2)];
/// The same of the legacy generation from 0.20, the first with v1 CRDs and webhooks.
const LEGACY: &[(u32, u32)] = &[
    (20, 4),
    (21, 1),
    (22, 3),
    (23, 0),
    (24, 1),
    (25, 2),
    (26, 0),
    (27, 6),
];
/// The release of 2021 whose objects are rewritten to v1 APIs.
const STORY: ArcVersion = ArcVersion::new(0, 18, 2);

/// The default release of a generation.
pub const fn default_of(mode: Mode) -> ArcVersion {
    match mode {
        Mode::ScaleSet => DEFAULT_SCALE_SET,
        Mode::Legacy => DEFAULT_LEGACY,
    }
}

/// True where the release is supported.
pub fn is_supported(mode: Mode, version: ArcVersion) -> bool {
    if mode == Mode::Legacy && version == STORY {
        return true;
    }
    let minors = match mode {
        Mode::ScaleSet => SCALE_SET,
        Mode::Legacy => LEGACY,
    };
    version.major == 0
        && minors
            .iter()
            .any(|(minor, patch)| version.minor == *minor && version.patch <= *patch)
}

/// True where a scale-set controller of release `controller` keeps the runner sets that are labelled `label`; all
/// others it deletes at once (`IsVersionAllowed`: the same release up to 0.11, the same minor since).
pub fn keeps(controller: ArcVersion, label: ArcVersion) -> bool {
    let same_minor = (controller.major, controller.minor) == (label.major, label.minor);
    controller == label
        || same_minor && differences::has(Mode::ScaleSet, controller, Feature::KeepsMinor)
}

/// The supported releases in words.
pub const fn describe(mode: Mode) -> &'static str {
    match mode {
        Mode::ScaleSet => "0.9.0 to 0.14.2",
        Mode::Legacy => "0.18.2 and 0.20.0 to 0.27.6",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_keeps_its_own_release_and_later_ones_its_minor() {
        for (controller, label, kept) in [
            ("0.9.3", "0.9.3", true),
            ("0.9.3", "0.9.2", false),
            ("0.10.1", "0.10.0", false),
            ("0.11.0", "0.12.0", false),
            ("0.12.1", "0.12.0", true),
            ("0.14.2", "0.14.0", true),
            ("0.14.2", "0.13.1", false),
        ] {
            let (controller, label): (ArcVersion, ArcVersion) =
                (controller.parse().unwrap(), label.parse().unwrap());
            assert_eq!(keeps(controller, label), kept, "{controller} {label}");
        }
    }

    #[test]
    fn the_range_and_its_gaps() {
        for (mode, text, supported) in [
            (Mode::ScaleSet, "0.14.2", true),
            (Mode::ScaleSet, "0.9.0", true),
            (Mode::ScaleSet, "0.8.3", false),
            (Mode::ScaleSet, "0.14.3", false),
            (Mode::ScaleSet, "0.27.6", false),
            (Mode::ScaleSet, "1.14.2", false),
            (Mode::Legacy, "0.18.2", true),
            (Mode::Legacy, "0.18.1", false),
            (Mode::Legacy, "0.19.0", false),
            (Mode::Legacy, "0.20.0", true),
            (Mode::Legacy, "0.27.6", true),
            (Mode::Legacy, "0.27.7", false),
        ] {
            assert_eq!(
                is_supported(mode, text.parse().unwrap()),
                supported,
                "{text}"
            );
        }
        assert!(is_supported(Mode::ScaleSet, DEFAULT_SCALE_SET));
        assert!(is_supported(Mode::Legacy, DEFAULT_LEGACY));
    }
}
