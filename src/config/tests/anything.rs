//! Any text at any place.

use super::{flag, root, sources, write};
use crate::config::load::{Stdin, load};
use crate::config::table;
use crate::secret::Secret;

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 64, failure_persistence: None, ..Default::default() })]

    /// Any text at any place ends in a configuration or in problems.
    #[test]
    fn nothing_panics(text in "[ -~\\n]{0,200}", value in "\\PC{0,40}", pick in 0usize..1000) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("arc-setup.yaml");
        write(file.clone(), &text);
        let flags = table::flags();
        let spec = &flags[pick % flags.len()];
        let mut sources = sources(&file);
        sources.flags = vec![flag(spec.path, spec.name, &value)];
        sources.stdin = Stdin::Given(Secret::new(value.clone().into_bytes()));
        let _ = load(&sources);
        sources.file = Some(root().join("examples/legacy-scaling/arc-setup.yaml"));
        let _ = load(&sources);
        let _ = crate::yaml::parse_documents(&value, "x");
    }
}
