//! What is reported of images and programs, and what isn't.

use serde_json::json;

use crate::diff::risk::tests::{of_pods, of_resource, of_texts};

fn flagged(what: &str) -> Vec<String> {
    vec![format!("image-downgrade: {what}")]
}

#[test]
fn the_image_is_named() {
    let image = |image: &str| json!({"containers": [{"name": "a", "image": image}]});
    for (old, new, what) in [
        (
            "x/a:1.2",
            "y/a:1.1",
            "the image `a` goes from 1.2 back to 1.1",
        ),
        (
            "a:1",
            "a",
            "the image `a` is whatever is the latest, and no fixed version",
        ),
        (
            "a:1",
            "a:stable",
            "the image `a` is whatever is `stable`, and no fixed version",
        ),
        (
            "a@sha256:0",
            "a:1",
            "the image `a` is no longer pinned by its digest",
        ),
    ] {
        assert_eq!(of_pods(&image(old), &image(new)), flagged(what));
    }
    // A new container.
    let none = json!({"containers": []});
    assert_eq!(
        of_pods(&none, &image("a:latest")),
        flagged("the image `a` is whatever is the latest, and no fixed version")
    );
    assert!(of_pods(&none, &image("a:1")).is_empty());
}

#[test]
fn programs_on_machines_go_back() {
    let script = |version: &str| {
        format!(
            "#!/bin/bash\ninstall_filebeat() {{\n  local version={version} repository=https://a\n}}\ninstall_cloudwatch_agent() {{\n  local version=1.2\n}}\n"
        )
    };
    let what = flagged("`filebeat` on machines goes from 8.9.0 back to 8.1.0");
    let (old, new) = (script("8.9.0"), script("8.1.0"));
    let path = "machines/nodes/install.sh";
    assert_eq!(of_texts(path, &old, &new), what);
    assert!(of_texts(path, &new, &old).is_empty());
    let embedded = |script: &str| json!({"Script": script}).to_string();
    assert_eq!(
        of_texts("machines/stack.json", &embedded(&old), &embedded(&new)),
        what
    );
    // Not a word of a script that isn't known.
    assert!(of_texts(path, "local version=2\n", "local version=1\n").is_empty());
}

#[test]
fn code_of_functions_goes_back() {
    let code = |key: &str| json!({"Code": {"S3Bucket": "b", "S3Key": key}});
    let kind = "AWS::Lambda::Function";
    for (old, new) in [
        ("forwarder/0.10.0.zip", "forwarder/0.9.0.zip"),
        ("forwarder-1.1.zip", "forwarder-1.0.zip"),
        ("forwarder/v2/code.zip", "forwarder/v1/code.zip"),
    ] {
        assert_eq!(of_resource(kind, &code(old), &code(new)).len(), 1, "{new}");
        assert!(
            of_resource(kind, &code(new), &code(old)).is_empty(),
            "{new}"
        );
    }
    assert!(of_resource(kind, &code("forwarder.zip"), &code("other.zip")).is_empty());
}
