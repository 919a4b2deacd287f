//! The way back over what people and controllers did to an object in between.

use super::*;

#[test]
fn what_was_changed_since_stays_and_is_told() {
    let object = deployment(&json!([
        {"name": "a", "image": "quay.io/a/a:1"}, {"name": "b", "image": "quay.io/b/b:1"}]));
    let mut live = patched(&object);
    live["spec"]["template"]["spec"]["containers"][0]["image"] = json!("quay.io/a/a:2");
    let Verdict::Patch(patch) = undo(&live).verdict else {
        panic!()
    };
    assert_eq!(patch.changed_since, 1);
    let (after, notes) = undone(&live);
    let mut expected = object;
    expected["spec"]["template"]["spec"]["containers"][0]["image"] = json!("quay.io/a/a:2");
    assert_eq!(after.to_string(), expected.to_string());
    assert_eq!(
        notes,
        ["container a: quay.io/a/a:2 was put there since and stays; before, it was quay.io/a/a:1"]
    );
}

#[test]
fn containers_are_known_by_name_wherever_they_stand() {
    let object = deployment(&json!([
        {"name": "a", "image": "quay.io/a/a:1"}, {"name": "b", "image": "quay.io/b/b:1"}]));
    let mut live = patched(&object);
    let containers = live["spec"]["template"]["spec"]["containers"]
        .as_array_mut()
        .unwrap();
    // The new one has the very image that was written at the index where it stands now.
    let first = containers[0]["image"].clone();
    containers.insert(0, json!({"name": "new", "image": first}));
    containers.remove(2);
    let (after, notes) = undone(&live);
    let expected = deployment(&json!([
        {"name": "new", "image": first}, {"name": "a", "image": "quay.io/a/a:1"}]));
    assert_eq!(after.to_string(), expected.to_string());
    assert!(
        notes[0].contains(
            "b (/spec/template/spec/containers/1/image) is gone; quay.io/b/b:1 stood there"
        ),
        "{notes:?}"
    );
}

#[test]
fn arguments_are_found_where_they_moved_to() {
    let object = deployment(
        &json!([{"name": "manager", "image": "quay.io/x/actions-runner-controller:v0.27.6",
        "args": ["--proxy-image", "quay.io/p/p:1", "--sidecar-image=quay.io/a/b:1,r.corp/c:1,quay.io/c/d:2"]}]),
    );
    let wanted = Wanted {
        pull_secret: Some("mirror"),
        ..Wanted::default()
    };
    let mut live = patched_with(&object, &wanted);
    let args = live["spec"]["template"]["spec"]["containers"][0]["args"]
        .as_array_mut()
        .unwrap();
    args.insert(0, json!("--v=10"));
    args.push(json!("--last"));
    assert_eq!(args.len(), 8);
    // One of the list's images is upgraded by hand, and another put before it.
    let list = args[3]
        .as_str()
        .unwrap()
        .replace("r.corp/c:1", "r.corp/cc:2");
    args[3] = json!(list.replace("/c/d:2", "/c/d:3"));
    let (after, notes) = undone(&live);
    let args = &after["spec"]["template"]["spec"]["containers"][0]["args"];
    assert_eq!(
        *args,
        json!([
            "--v=10",
            "--proxy-image",
            "quay.io/p/p:1",
            format!("--sidecar-image=quay.io/a/b:1,r.corp/cc:2,{TARGET}/c/d:3"),
            "--last"
        ])
    );
    assert_eq!(
        after["spec"]["template"]["spec"].get("imagePullSecrets"),
        None
    );
    assert_eq!(notes.len(), 1, "{notes:?}");
}

#[test]
fn a_list_that_was_made_stays_while_others_use_it() {
    let object = deployment(
        &json!([{"name": "manager", "image": "quay.io/x/actions-runner-controller:v0.27.6"}]),
    );
    let wanted = Wanted {
        pull_secret: Some("mirror"),
        ..Wanted::default()
    };
    let live = patched_with(&object, &wanted);
    let (after, _) = undone(&live);
    assert_eq!(after.to_string(), object.to_string());
    let mut live = live;
    let spec = &mut live["spec"]["template"]["spec"];
    spec["imagePullSecrets"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "mine"}));
    spec["containers"][0]["args"][0] = json!("--docker-image=mine.example.com/dind:1");
    let (after, notes) = undone(&live);
    let spec = &after["spec"]["template"]["spec"];
    assert_eq!(spec["imagePullSecrets"], json!([{"name": "mine"}]));
    assert_eq!(
        spec["containers"][0]["args"],
        json!(["--docker-image=mine.example.com/dind:1"])
    );
    assert!(
        notes[0].contains("container manager --docker-image"),
        "{notes:?}"
    );
}

#[test]
fn a_rolled_back_revision_needs_nothing_but_the_receipt_gone() {
    let object = deployment(&json!([{"name": "a", "image": "quay.io/a/a:1"}]));
    let mut live = patched(&object);
    live["spec"] = object["spec"].clone();
    let (after, notes) = undone(&live);
    assert_eq!(after.to_string(), object.to_string());
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(undo(&after).verdict, Verdict::Unchanged);
}

#[test]
fn a_receipt_of_the_first_form_is_undone_too() {
    let mut object = deployment(&json!([
        {"name": "manager", "image": format!("{TARGET}/x/arc:1"), "args": ["--v=1", format!("--docker-image={TARGET}/library/docker:dind")]},
        {"name": "b", "image": format!("{TARGET}/b/b:2")}]));
    let containers = "/spec/template/spec/containers";
    object["metadata"]["annotations"] = json!({"mine": "x", ORIGINAL_IMAGES: json!({
        format!("{containers}/0/image"): "quay.io/x/arc:1",
        format!("{containers}/0/args/1"): null,
        format!("{containers}/1/image"): "quay.io/b/b:1"}).to_string()});
    let (after, notes) = undone(&object);
    let mut expected = deployment(&json!([
        {"name": "manager", "image": "quay.io/x/arc:1", "args": ["--v=1"]},
        {"name": "b", "image": format!("{TARGET}/b/b:2")}]));
    expected["metadata"]["annotations"] = json!({"mine": "x"});
    assert_eq!(after.to_string(), expected.to_string());
    assert!(notes[0].starts_with("container b: "), "{notes:?}");
}

#[test]
fn copies_and_what_cannot_be_read_are_left_alone() {
    let mut object = patched(&deployment(
        &json!([{"name": "a", "image": "quay.io/a/a:1"}]),
    ));
    object["kind"] = json!("ReplicaSet");
    object["metadata"]["ownerReferences"] =
        json!([{"kind": "Deployment", "name": "d", "controller": true}]);
    assert_eq!(undo(&object).verdict, Verdict::Unchanged);
    object["metadata"]["annotations"][ORIGINAL_IMAGES] = json!("{");
    let Verdict::Refused(reasons) = undo(&object).verdict else {
        panic!()
    };
    assert!(reasons[0].contains("cannot be read"), "{reasons:?}");
}

/// An argument is known by its flag, and an item of a list by the number of those that look alike.
#[test]
fn an_argument_of_another_flag_stays() {
    let own = format!("{TARGET}/a/b:1");
    let container =
        |args: Value| deployment(&json!([{"name": "m", "image": "busybox", "args": args}]));
    for (mine, patched_one) in [
        (
            json!(["--sidecar-image", own]),
            json!(["--runner-image", "quay.io/a/b:1"]),
        ),
        (
            json!([format!("--sidecar-image={own}")]),
            json!(["--runner-image=quay.io/a/b:1"]),
        ),
        (
            json!([format!("helper-image={own}")]),
            json!(["sidecar-image=quay.io/a/b:1"]),
        ),
    ] {
        let all = [
            mine.as_array().unwrap().clone(),
            patched_one.as_array().unwrap().clone(),
        ]
        .concat();
        let object = container(json!(all));
        let mut live = patched(&object);
        assert_eq!(undone(&live), (object, Vec::new()));
        let args = |object: &mut Value| -> Value {
            object["spec"]["template"]["spec"]["containers"][0]["args"].take()
        };
        live["spec"]["template"]["spec"]["containers"][0]["args"] = mine.clone();
        let (mut after, notes) = undone(&live);
        assert_eq!(args(&mut after), mine);
        assert_eq!(notes.len(), 1, "{notes:?}");
    }
}

#[test]
fn an_item_without_a_name_is_put_back_only_while_all_are_there() {
    let own = format!("{TARGET}/a/b:1");
    let object = deployment(&json!([{"image": own}, {"image": "quay.io/a/b:1"}]));
    let mut live = patched(&object);
    assert_eq!(undone(&live), (object, Vec::new()));
    let containers = &mut live["spec"]["template"]["spec"]["containers"];
    containers.as_array_mut().unwrap().pop();
    let (after, notes) = undone(&live);
    assert_eq!(after, deployment(&json!([{"image": own}])));
    assert_eq!(notes.len(), 1, "{notes:?}");
}
