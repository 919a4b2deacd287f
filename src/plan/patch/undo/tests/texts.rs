//! The way back of parts: images within texts, mappings of parts, and the copies that are no slots.

use super::*;

/// Case 19 of the acceptance list, and its way back over edits by hand.
#[test]
fn objects_within_a_text_go_back_by_their_bytes() {
    let text = "# ours\napiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: quay.io/a/b:1   # why\n  - {name: b, image: \"quay.io/a/b:1\"}\n  - name: c\n    image: 'quay.io/c/d:1'\n";
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"pod.yaml": text, "x": "y"}});
    let live = patched(&object);
    let after = text.replace("quay.io", TARGET);
    assert_eq!(live["data"]["pod.yaml"], after);
    assert_eq!(undone(&live), (object.clone(), Vec::new()));

    // A line before, one image by hand: two of three go back, since both of one text are still there.
    let mut edited = live;
    let by_hand = format!("# a line\n{}", after.replace("/c/d:1", "/c/d:2"));
    edited["data"]["pod.yaml"] = json!(by_hand);
    let (back, notes) = undone(&edited);
    let expected = format!(
        "# a line\n{}",
        text.replace("quay.io/c/d:1", &format!("{TARGET}/c/d:2"))
    );
    assert_eq!(back["data"]["pod.yaml"], expected);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        notes[0].contains("quay.io/c/d:1") && notes[0].len() < 200,
        "{notes:?}"
    );
}

/// Case 18.
#[test]
fn each_part_of_a_split_image_goes_back() {
    let object = json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": {
        "image": {"registry": "quay.io", "repository": "a/b", "tag": "v1"}}});
    let live = patched(&object);
    assert_eq!(
        live["spec"]["image"],
        json!({"registry": "registry.example.com", "repository": "mirror/a/b", "tag": "v1"})
    );
    assert_eq!(undone(&live), (object, Vec::new()));
}

/// Case 20.
#[test]
fn copies_of_the_image_are_neither_written_nor_put_back() {
    let image = "quay.io/a/a:1";
    let mut object = deployment(&json!([{"name": "a", "image": image}]));
    let copy =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": image}]}}}});
    object["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/last-applied-configuration": copy.to_string()});
    object["metadata"]["managedFields"] =
        json!([{"manager": "kubectl", "fieldsV1": {"f:spec": {"image": image}}}]);
    object["status"] = json!({"image": image});
    let mut expected = object.clone();
    expected["spec"]["template"]["spec"]["containers"][0]["image"] =
        json!(format!("{TARGET}/a/a:1"));
    let mut live = patched(&object);
    live["metadata"]["annotations"]
        .as_object_mut()
        .unwrap()
        .remove(ORIGINAL_IMAGES);
    assert_eq!(live, expected);
}

/// One of two images that look alike was there before the patch: once one is gone, none is put back.
#[test]
fn an_image_that_was_never_written_stays() {
    let pod = |name: &str, image: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{{name: c, image: {image}}}]}}\n"
        )
    };
    let own = format!("{TARGET}/a/b:1");
    let map = |text: String| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"pods": text}});
    let both = |first: &str, second: &str| format!("{}---\n{}", pod("a", first), pod("b", second));
    for (first, second, left) in [
        ("quay.io/a/b:1", own.as_str(), "b"),
        (&own, "quay.io/a/b:1", "a"),
    ] {
        let object = map(both(first, second));
        let mut live = patched(&object);
        assert_eq!(live["data"]["pods"], both(&own, &own));
        assert_eq!(undone(&live), (object.clone(), Vec::new()));
        // As long as both are there, it is known which one it was, wherever it stands.
        let moved = |text: &str| format!("# a line\n{text}");
        let mut edited = live.clone();
        edited["data"]["pods"] = json!(moved(&both(&own, &own)));
        assert_eq!(
            undone(&edited),
            (map(moved(&both(first, second))), Vec::new())
        );
        live["data"]["pods"] = json!(pod(left, &own));
        let (after, notes) = undone(&live);
        assert_eq!(after, map(pod(left, &own)));
        assert_eq!(notes.len(), 1, "{notes:?}");
    }
}
