//! undo(patch(x)) = x.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::generated::{kinds, object};
use super::manifests::text;
use super::*;
use crate::config::{Proxy, ProxyRunners};
use crate::facts::{Facts, KubernetesVersion};
use crate::rewrite::injection::Injection;

/// Every text that was rewritten, by pointer.
fn rewritten(before: &Value, after: &Value, at: &Pointer, found: &mut Vec<Pointer>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in before {
                if let Some(after) = after.get(key) {
                    rewritten(value, after, &at.child(key), found);
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                rewritten(before, after, &at.index(index), found);
            }
        }
        (Value::String(before), Value::String(after)) if before != after => found.push(at.clone()),
        _ => {}
    }
}

/// Two authorities would differ in nothing but their names, and keys take their time.
fn injection() -> Injection {
    static AUTHORITY: LazyLock<String> = LazyLock::new(|| {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::default();
        params.self_signed(&key).unwrap().pem()
    });
    let proxy = Proxy {
        http: Some("http://proxy.corp:3128".to_owned()),
        https: None,
        no_proxy: Vec::new(),
        open: Vec::new(),
        credentials: None,
        runners: ProxyRunners::None,
    };
    let cluster = Facts::assumed(KubernetesVersion::DEFAULT).cluster;
    Injection::new(std::slice::from_ref(&*AUTHORITY), Some(&proxy), &cluster).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// undo(patch(x)) = x, to the byte; with a pull secret and with authorities and a proxy too, and after a second patch
    /// by other rules.
    #[test]
    fn undo_restores_every_object(object in object(), secret in any::<bool>(), injects in any::<bool>(), twice in any::<bool>()) {
        let accounts = [AccountPullSecrets {
            account: "default".to_owned(),
            pull_secrets: vec!["account".to_owned()],
        }];
        let kinds = kinds();
        let injection = injection();
        let wanted = Wanted {
            pull_secret: secret.then_some("mirror"),
            force: false,
            service_account_pull_secrets: &accounts,
            custom_kinds: Some(&kinds),
            injection: injects.then_some(&injection),
            ..Wanted::default()
        };
        let Verdict::Patch(patch) = decide(&object, &rules(), &wanted).verdict else { return Err(TestCaseError::reject("nothing to patch")) };
        let mut live = checked(&object, &patch);
        // Of a pod that exists other places than its containers' images stay, and that is told.
        let again = decide(&live, &rules(), &wanted).verdict;
        prop_assert!(matches!(again, Verdict::Unchanged | Verdict::Stays), "{:?}", again);
        if twice {
            let onward = rewrite("registry.example.com", "new.example.com/much/longer");
            let onward = RuleSet::compile(&[onward]).unwrap();
            if let Verdict::Patch(patch) = decide(&live, &onward, &wanted).verdict {
                live = checked(&live, &patch);
            }
        }
        let (after, notes) = undone(&live);
        // What stood under the first target already was rewritten by the second rules only, and is undone with them.
        prop_assert_eq!(after.to_string(), object.to_string());
        prop_assert!(notes.is_empty(), "{:?}", notes);
    }

    /// Images that a person wrote since stay; everything else goes back.
    #[test]
    fn undo_keeps_what_a_person_wrote_since(object in object(), picked in any::<prop::sample::Index>()) {
        let kinds = kinds();
        let wanted = Wanted { custom_kinds: Some(&kinds), ..Wanted::default() };
        let Verdict::Patch(patch) = decide(&object, &rules(), &wanted).verdict else { return Err(TestCaseError::reject("nothing to patch")) };
        let mut live = patch.after(&object);
        let mut texts = Vec::new();
        rewritten(&object, &live, &Pointer::root(), &mut texts);
        texts.retain(|at| at.as_str().ends_with("/image"));
        prop_assume!(!texts.is_empty());
        let at = &texts[picked.index(texts.len())];
        let mut expected = object;
        for object in [&mut live, &mut expected] {
            *at.get_mut(object).unwrap() = json!("mine.example.com/upgraded:2");
        }
        let (after, notes) = undone(&live);
        prop_assert_eq!(after.to_string(), expected.to_string());
        prop_assert_eq!(notes.len(), 1);
    }
    /// Lines that a person wrote into a text since stay, and every image of it goes back.
    #[test]
    fn undo_finds_the_images_of_a_text_whose_lines_moved(text in text(), picked in any::<prop::sample::Index>(), long in 0..200_usize) {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"a": text}});
        let Verdict::Patch(patch) = decide(&object, &rules(), &Wanted::default()).verdict else { return Err(TestCaseError::reject("nothing to patch")) };
        let mut live = patch.after(&object);
        let at = Pointer::of(["data", "a"]);
        let added = |text: &str| {
            let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
            // The last line may have no end.
            lines.insert(picked.index(lines.len()), format!("#{}", " ".repeat(long)));
            lines.join("\n")
        };
        let mut expected = object;
        for object in [&mut live, &mut expected] {
            let text = at.get_mut(object).unwrap();
            *text = json!(added(text.as_str().unwrap()));
        }
        let (after, notes) = undone(&live);
        prop_assert_eq!(after.to_string(), expected.to_string());
        prop_assert!(notes.is_empty(), "{:?}", notes);
    }
}
