use super::*;

fn made(template: &str, image: &str) -> Result<String, String> {
    let template = Template::compile(template)?;
    let reference = ImageReference::parse(image).unwrap();
    Ok(template.render(&reference)? + &template.suffix(&reference, None))
}

#[test]
fn every_field_has_its_part_of_the_reference() {
    for (template, image, expected) in [
        (
            "{host_slug}.reg.corp/{path}",
            "nginx:1",
            "docker-io.reg.corp/library/nginx:1",
        ),
        (
            "reg.corp/{host}/{path_nolib}",
            "nginx",
            "reg.corp/docker.io/nginx",
        ),
        (
            "reg.corp/{host_slug}/{name}",
            "localhost:5000/a/b:1",
            "reg.corp/localhost-5000/b:1",
        ),
        (
            "reg.corp/x-{host_slug}-{name}",
            "quay.io/a/b",
            "reg.corp/x-quay-io-b",
        ),
        (
            "reg.corp/{path}:{tag}-corp",
            "quay.io/a/b:1",
            "reg.corp/a/b:1-corp",
        ),
        (
            "reg.corp/{path}/{tag}:stable",
            "quay.io/a/b:1",
            "reg.corp/a/b/1:stable",
        ),
        (
            "reg.corp/{path_nolib}",
            "quay.io/library/b",
            "reg.corp/library/b",
        ),
    ] {
        assert_eq!(made(template, image).unwrap(), expected, "{template}");
    }
}

#[test]
fn what_the_template_does_not_name_of_tag_and_digest_stays() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let image = format!("quay.io/a:1@{digest}");
    let made = |template| made(template, &image).unwrap();
    assert_eq!(made("reg.corp/{path}"), format!("reg.corp/a:1@{digest}"));
    assert_eq!(
        made("reg.corp/{path}:{tag}"),
        format!("reg.corp/a:1@{digest}")
    );
    assert_eq!(
        made("reg.corp/{path}@{digest}"),
        format!("reg.corp/a@{digest}")
    );
}

#[test]
fn what_makes_no_reference_is_refused() {
    for (template, said) in [
        ("reg.corp/{pth}", "did you mean {path}"),
        ("reg.corp/{}", "unknown field {}"),
        ("reg.corp/{path", "no other half"),
        ("reg.corp/path}", "no other half"),
        ("reg.corp/{{path}}", "no other half"),
        ("{host_slug}.reg.corp", "no path"),
        ("{host}/{path}", "domain behind it"),
        ("{host_slug}:5000/{path}", "domain behind it"),
        ("{name}.reg.corp/{path}", "cannot stand in the host"),
        ("reg/{path}", "user of Docker Hub"),
        ("/{path}", "begins with /"),
        ("https://reg.corp/{path}", "scheme"),
        ("reg.corp/{path}{digest}", "behind @"),
        ("reg.corp/UPPER/{path}", "upper-case"),
        ("reg.corp/a//{path}", "makes no image reference"),
        ("reg.corp/{path}/", "makes no image reference"),
    ] {
        let error = Template::compile(template).unwrap_err();
        assert!(error.contains(said), "{template}: {error}");
    }
    let error = made("reg.corp/{path}:{tag}", "quay.io/a").unwrap_err();
    assert_eq!(
        error,
        "the template needs {tag}, and the reference has none"
    );
}

#[test]
fn what_stands_before_the_first_field_is_the_target_set() {
    for (template, set) in [
        ("reg.corp/a/b-{name}", "reg.corp/a"),
        ("reg.corp/{path}", "reg.corp"),
        ("index.docker.io/a/{path}", "docker.io/a"),
        ("x-{host_slug}.reg.corp/k/{path}", "x-*.reg.corp/k"),
    ] {
        assert_eq!(Template::compile(template).unwrap().set().to_string(), set);
    }
}

#[test]
fn a_mirror_is_a_template_that_puts_something_before_the_path() {
    let mirror = |template: &str| {
        let template = Template::compile(template).unwrap();
        template.mirror("quay.io").map(|target| target.to_string())
    };
    assert_eq!(
        mirror("{host_slug}.reg.corp/{path}").unwrap(),
        "quay-io.reg.corp"
    );
    assert_eq!(
        mirror("reg.corp/{host}/{path}").unwrap(),
        "reg.corp/quay.io"
    );
    assert_eq!(mirror("reg.corp/{path_nolib}"), None);
    assert_eq!(mirror("reg.corp/x-{path}"), None);
    assert_eq!(mirror("reg.corp/{path}:{tag}"), None);
}
