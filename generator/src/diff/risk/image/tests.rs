//! What is reported for images and programs, and what isn't.

use serde_json::json;

use super::program::of_machines;
use crate::diff::documents::Documents;
use crate::diff::risk::settings_tests::resolved;
use crate::diff::risk::tests::{of_pods, of_resource, tree};

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
            "the image `a` has no fixed version: it is whatever `latest` is",
        ),
        (
            "a:1",
            "a:stable",
            "the image `a` has no fixed version: it is whatever `stable` is",
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
        flagged("the image `a` has no fixed version: it is whatever `latest` is")
    );
    assert!(of_pods(&none, &image("a:1")).is_empty());
}

#[test]
fn programs_on_machines_go_back() {
    let settings = |version: &str| {
        format!("sources: {{ machines: {{ filebeat: {{ version: {version} }} }} }}")
    };
    let cluster = |version: &str| resolved(&settings(version));
    let script = |version: &str| {
        let install = format!("install_filebeat() {{\n  local version={version}\n}}\n");
        tree(&[
            ("machines/nodes/install.sh", install.clone()),
            ("machines/nodes/other.sh", "true\n".to_owned()),
            ("kubernetes/x.yaml", install),
        ])
    };
    let reported = |old: &str, new: &str| {
        let (base, head) = (script(old), script(new));
        let [base, head] = [&base, &head].map(Documents::of);
        let found = of_machines(&cluster(old), &cluster(new), (&base, &head));
        let found = found.into_iter();
        found
            .map(|one| (one.what, one.file.unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        reported("9.5.2", "9.4.9"),
        [(
            "`filebeat` on machines goes from 9.5.2 back to 9.4.9".to_owned(),
            "machines/nodes/install.sh".to_owned()
        )]
    );
    assert!(reported("9.4.9", "9.5.2").is_empty());
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
