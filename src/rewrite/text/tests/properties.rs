//! What holds for every text: generated objects in every spelling of YAML, and texts that are none.

use proptest::prelude::*;

use super::aliases::of_team_a;
use super::generated::{aliased, anchored, mutated, shared_parts, stream};
use super::*;

/// Each edit taken back gives the text as it was.
fn taken_back(rewritten: &Rewritten, before: &str, after: &str) -> String {
    let mut text = after.to_owned();
    for edit in rewritten.edits.iter().rev() {
        let grown: isize = rewritten
            .edits
            .iter()
            .filter(|other| other.bytes.start < edit.bytes.start)
            .map(|other| other.text.len().cast_signed() - other.bytes.len().cast_signed())
            .sum();
        let start = edit.bytes.start.checked_add_signed(grown).unwrap();
        assert_eq!(&text[start..start + edit.text.len()], edit.text);
        text.replace_range(start..start + edit.text.len(), &before[edit.bytes.clone()]);
    }
    text
}

fn read(text: &str, reading: Reading) -> Result<Rewritten, Failure> {
    rewrite(
        text,
        "x",
        &rules(),
        &mut Meeting::default(),
        (reading, Telling::Each),
    )
}

/// What holds for every text that can be read. Texts that cannot are counted: most must be readable.
fn holds(text: &str) -> Result<(), TestCaseError> {
    let rewritten = read(text, Reading::Whole);
    prop_assume!(rewritten.is_ok());
    holds_of(text, rewritten.unwrap())
}

fn holds_of(text: &str, rewritten: Rewritten) -> Result<(), TestCaseError> {
    let after = rewritten.written(text);
    prop_assert_eq!(taken_back(&rewritten, text, &after), text);
    // A second time nothing is left to do.
    let again = read(&after, Reading::Whole);
    prop_assert!(again.is_ok(), "{:?}\n{}", again, after);
    let again = again.unwrap();
    prop_assert_eq!(&again.edits, &[], "{}", after);
    // What is not parsed has nothing in it.
    let by_words = read(text, Reading::ByWords);
    prop_assert!(by_words.is_ok());
    prop_assert_eq!(by_words.unwrap(), rewritten);
    Ok(())
}

/// True where every place of `now` says what it said before, or what is wanted there.
fn is_between(before: &Value, now: &Value, wanted: &Value) -> bool {
    match (before, now, wanted) {
        (Value::Array(before), Value::Array(now), Value::Array(wanted)) => {
            let places = before.iter().zip(now).zip(wanted);
            before.len() == now.len()
                && places
                    .into_iter()
                    .all(|((before, now), wanted)| is_between(before, now, wanted))
        }
        (Value::Object(before), Value::Object(now), Value::Object(wanted)) => {
            before.keys().eq(now.keys())
                && before
                    .iter()
                    .all(|(key, before)| is_between(before, &now[key], &wanted[key]))
        }
        _ => now == before || now == wanted,
    }
}

proptest! {
    #[test]
    fn anchors_keep_the_same_promises(text in anchored()) {
        holds(&text)?;
    }

    #[test]
    fn no_place_changes_but_images(text in aliased()) {
        let before = yaml::parse_documents(&text, "x");
        prop_assume!(before.is_ok());
        let before = before.unwrap();
        let after = read(&text, Reading::Whole).unwrap().written(&text);
        let now = yaml::parse_documents(&after, "x").unwrap();
        let wanted = expected(&text);
        prop_assert!(now.len() == before.len());
        for ((before, now), wanted) in before.iter().zip(&now).zip(&wanted) {
            prop_assert!(is_between(before, now, wanted), "{}\n{}", text, after);
        }
        holds(&text)?;
    }

    /// Every image is what it was, or what the rules make of it; nothing else changes.
    #[test]
    fn images_that_share_parts_are_each_as_before_or_as_wanted(text in shared_parts()) {
        let rules = of_team_a();
        let written = |text: &str| {
            let rewritten = rewrite(text, "x", &rules, &mut Meeting::default(), BY_WORDS);
            rewritten.unwrap().written(text)
        };
        let read = |text: &str| yaml::parse_documents(text, "x").unwrap().remove(0);
        let after = written(&text);
        let (before, now) = (read(&text), read(&after));
        let wanted = targets(&before, &rules);
        let (was, is) = (image_slots(&before), image_slots(&now));
        prop_assert_eq!(was.len(), is.len(), "{}\n{}", text, after);
        for (was, is) in was.iter().zip(&is) {
            let target = wanted.iter().find(|(slot, _)| slot.pointer == was.pointer);
            let is_right = is.text == was.text || target.is_some_and(|(_, target)| is.text == *target);
            prop_assert!(is_right, "{}: {} → {}\n{}\n{}", was.pointer, was.text, is.text, text, after);
        }
        for (key, value) in before.as_object().unwrap() {
            for other in ["note", "other"] {
                prop_assert_eq!(value.get(other), now[key].get(other), "{}\n{}", text, after);
            }
        }
        prop_assert_eq!(written(&after), after, "{}", text);
    }

    #[test]
    fn a_stream_says_the_same_with_its_slots_replaced((objects, text) in stream()) {
        let said = yaml::parse_documents(&text, "x");
        prop_assert!(said.is_ok(), "{:?}\n{}", said, text);
        prop_assert_eq!(&said.unwrap(), &objects, "{}", text);
        let rewritten = read(&text, Reading::Whole);
        prop_assert!(rewritten.is_ok(), "{:?}\n{}", rewritten, text);
        let after = rewritten.unwrap().written(&text);
        prop_assert_eq!(yaml::parse_documents(&after, "x").unwrap(), expected(&text), "{}", after);
        holds(&text)?;
    }

    #[test]
    fn a_broken_stream_is_an_error_or_keeps_the_same_promises(text in mutated()) {
        if let Ok(rewritten) = read(&text, Reading::Whole) {
            holds_of(&text, rewritten)?;
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        if let Ok(rewritten) = read(&text, Reading::Whole) {
            holds_of(&text, rewritten)?;
        }
    }
}
