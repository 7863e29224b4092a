//! Small clusters, each with one reference that leads nowhere.

use super::*;
use crate::tree::TreePath;

fn tree(files: &[(&str, &str)]) -> RenderedTree {
    let files = files.iter().map(|(path, text)| {
        let path = TreePath::new(*path).expect("a path");
        (path, text.as_bytes().to_vec())
    });
    RenderedTree(files.collect())
}

fn reported(files: &[(&str, &str)]) -> Vec<String> {
    let faults = check("alpha", &tree(files)).sorted().into_iter();
    faults
        .map(|fault| {
            let place = fault
                .place
                .map(|place| format!("{}:{}", place.file, place.line));
            let place = place.unwrap_or_default();
            format!("{place}: {} ({})", fault.message, fault.hints.join("; "))
        })
        .collect()
}

const KUSTOMIZATION: &str = "\
resources:
  - a.yaml
  - https://example.com/b.yaml
configMapGenerator:
  - name: own
    files: [\"x=fluent.conf\"]
";

const OBJECT: &str = "{ \"apiVersion\": \"apps/v1\", \"kind\": \"DaemonSet\", \"metadata\": { \"name\": \"fluentd-nodes\" } }\n";

#[test]
fn what_a_kustomization_names_is_rendered() {
    let kustomization = ("kubernetes/kustomization.yaml", KUSTOMIZATION);
    let (object, conf) = (
        ("kubernetes/a.yaml", OBJECT),
        ("kubernetes/fluent.conf", ""),
    );
    assert_eq!(reported(&[kustomization, object, conf]), [""; 0]);
    let hint = "a template that renders nothing creates no file: remove its name in a template `kubernetes/kustomization.yaml` of your own";
    assert_eq!(
        reported(&[kustomization, conf]),
        [format!(
            "rendered/alpha/kubernetes/kustomization.yaml:2: `a.yaml` is named here and not rendered, so kustomize would refuse the whole cluster ({hint})"
        )]
    );
    assert_eq!(
        reported(&[kustomization, object]),
        [format!(
            "rendered/alpha/kubernetes/kustomization.yaml:6: `fluent.conf` is named here and not rendered, so kustomize would refuse the whole cluster ({hint})"
        )]
    );
}

#[test]
fn a_patch_is_of_an_object_that_is_rendered() {
    let patched = |patch: &str| {
        reported(&[
            ("kubernetes/kustomization.yaml", KUSTOMIZATION),
            ("kubernetes/a.yaml", OBJECT),
            ("kubernetes/fluent.conf", ""),
            ("kubernetes/patches/p.yaml", patch),
        ])
    };
    let of = |version: &str, kind: &str, metadata: &str| {
        patched(&format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata: {{ {metadata} }}\n"
        ))
    };
    assert_eq!(of("apps/v1", "DaemonSet", "name: fluentd-nodes"), [""; 0]);
    assert_eq!(of("v1", "ConfigMap", "name: own"), [""; 0]);
    let by_default = of(
        "apps/v1",
        "DaemonSet",
        "name: fluentd-nodes, namespace: default",
    );
    assert_eq!(by_default, [""; 0]);
    for (found, message) in [
        (
            of("apps/v1", "DaemonSet", "name: fluentd-node"),
            "clusters/alpha/kubernetes/p.yaml:3: no `DaemonSet fluentd-node` is rendered, so kustomize would refuse the whole cluster (did you mean `fluentd-nodes`?)",
        ),
        (
            of("apps/v1", "StatefulSet", "name: fluentd-nodes"),
            "clusters/alpha/kubernetes/p.yaml:3: no `StatefulSet fluentd-nodes` is rendered, so kustomize would refuse the whole cluster (no `StatefulSet` is rendered: remove the patch)",
        ),
        (
            of("apps/v1beta2", "DaemonSet", "name: fluentd-nodes"),
            "clusters/alpha/kubernetes/p.yaml:1: `DaemonSet fluentd-nodes` is of `apps/v1`, so kustomize finds none and would refuse the whole cluster (write `apiVersion: apps/v1`)",
        ),
        (
            of(
                "apps/v1",
                "DaemonSet",
                "name: fluentd-nodes, namespace: logging",
            ),
            "clusters/alpha/kubernetes/p.yaml:3: objects get their namespace after patches, so kustomize finds none in this one and would refuse the whole cluster (remove `metadata.namespace`)",
        ),
        (
            patched("- op: remove\n  path: /spec\n"),
            "clusters/alpha/kubernetes/p.yaml:1: a list of operations doesn't say which object it is for, so kustomize would refuse the whole cluster (write the object's `apiVersion`, `kind` and `metadata.name`, and what changes in it)",
        ),
        (
            patched("apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {}\n"),
            "clusters/alpha/kubernetes/p.yaml:1: the patch doesn't name its object, so kustomize would refuse the whole cluster (add `metadata: { name: … }`)",
        ),
    ] {
        assert_eq!(found, [message]);
    }
}

const STREAM: (&str, &str) = ("elasticsearch/main/_data_stream/logs-a-x.json", "{}");
const TEMPLATE: (&str, &str) = (
    "elasticsearch/main/_index_template/logs-a-x.json",
    r#"{ "index_patterns": ["logs-a-x"], "composed_of": ["logfleet-c"] }"#,
);
const COMPONENT: (&str, &str) = (
    "elasticsearch/main/_component_template/logfleet-c.json",
    r#"{ "template": { "settings": { "index": { "lifecycle": { "name": "own" } } } } }"#,
);
const POLICY: (&str, &str) = ("elasticsearch/main/_ilm/policy/own.json", "{}");

#[test]
fn policies_templates_and_streams_belong_together() {
    assert_eq!(reported(&[STREAM, TEMPLATE, COMPONENT, POLICY]), [""; 0]);
    for (files, message) in [
        (
            vec![STREAM, TEMPLATE, COMPONENT],
            "rendered/alpha/elasticsearch/main/_component_template/logfleet-c.json:1: no policy `own` is rendered, so these indices would have no life cycle (render it too: `elasticsearch/{destination}/_ilm/policy/own.json`)",
        ),
        (
            vec![
                STREAM,
                TEMPLATE,
                COMPONENT,
                POLICY,
                ("elasticsearch/main/_ilm/policy/other.json", "{}"),
            ],
            "rendered/alpha/elasticsearch/main/_ilm/policy/other.json:1: no template names the policy `other`, so it is of no index (set `index.lifecycle.name` in a template, or remove the policy)",
        ),
        (
            vec![STREAM, TEMPLATE],
            "rendered/alpha/elasticsearch/main/_index_template/logs-a-x.json:1: no component template `logfleet-c` is rendered, so the server would refuse this one (those that are rendered are none)",
        ),
        (
            vec![STREAM],
            "rendered/alpha/elasticsearch/main/_data_stream/logs-a-x.json:1: no index template is for the data stream `logs-a-x`, so the server would refuse it (name it in the `index_patterns` of one)",
        ),
        (
            vec![
                STREAM,
                TEMPLATE,
                COMPONENT,
                POLICY,
                (
                    "elasticsearch/main/_plugins/_ism/policies/p.json",
                    r#"{ "policy": { "ism_template": { "index_patterns": [".ds-logs-b-*"] } } }"#,
                ),
            ],
            "rendered/alpha/elasticsearch/main/_plugins/_ism/policies/p.json:1: no data stream there has indices like `.ds-logs-b-*`, so this policy is not theirs (the data streams there are `logs-a-x`)",
        ),
        (
            vec![
                STREAM,
                TEMPLATE,
                COMPONENT,
                POLICY,
                (
                    "elasticsearch/main/_plugins/_ism/policies/p.json",
                    r#"{ "policy": {} }"#,
                ),
            ],
            "rendered/alpha/elasticsearch/main/_plugins/_ism/policies/p.json:1: the policy `p` has no `ism_template`, so it is of no index and nothing is ever deleted by it (name the indices in `policy.ism_template`: `.ds-<data stream>-*`)",
        ),
        (
            vec![
                STREAM,
                TEMPLATE,
                COMPONENT,
                POLICY,
                (
                    "elasticsearch/main/_index_template/f.json",
                    r#"{ "index_patterns": "logs-a-y" }"#,
                ),
            ],
            "rendered/alpha/elasticsearch/main/_index_template/f.json:1: no data stream there is called like `logs-a-y`, so this template is for none (did you mean `logs-a-x`?)",
        ),
        (
            vec![
                STREAM,
                TEMPLATE,
                COMPONENT,
                POLICY,
                (
                    "elasticsearch/main/_component_template/logfleet-d.json",
                    "{}",
                ),
            ],
            "rendered/alpha/elasticsearch/main/_component_template/logfleet-d.json:1: no index template is composed of `logfleet-d`, so it has no effect (name it in `composed_of`, or remove it)",
        ),
    ] {
        assert_eq!(reported(&files), [message]);
    }
    // What a server brings itself, and indices of others, are nobody's mistake.
    let hook = (
        "elasticsearch/main/_component_template/logs@custom.json",
        "{}",
    );
    let others = (
        "elasticsearch/main/_index_template/others.json",
        r#"{ "index_patterns": ["metrics-others-*"] }"#,
    );
    assert_eq!(
        reported(&[STREAM, TEMPLATE, COMPONENT, POLICY, hook, others]),
        [""; 0]
    );
    // What another destination has is another's.
    let other = ("elasticsearch/other/_ilm/policy/own.json", "{}");
    assert_eq!(reported(&[STREAM, TEMPLATE, COMPONENT, other]).len(), 2);
}

#[test]
fn a_log_group_that_is_written_is_declared_in_its_region() {
    let conf = |group: &str| {
        format!(
            "<match **>\n  @type cloudwatch_logs\n  region \"eu-central-1\"\n  log_group_name \"{group}\"\n</match>\n"
        )
    };
    let stack = r#"{ "Resources": { "A": { "Type": "AWS::Logs::LogGroup", "Properties": { "LogGroupName": "/logfleet/alpha/nodes" } } } }"#;
    let found = |group: &str, region: &str| {
        let stack_path = format!("aws/{region}/stack.json");
        reported(&[
            ("kubernetes/nodes/fluent.conf", &conf(group)),
            (&stack_path, stack),
        ])
    };
    assert_eq!(found("/logfleet/alpha/nodes", "eu-central-1"), [""; 0]);
    assert_eq!(
        found("/logfleet/#{ENV['A']}/nodes", "eu-central-1"),
        [""; 0]
    );
    assert_eq!(
        found("/logfleet/alpha/node", "eu-central-1"),
        [
            "rendered/alpha/kubernetes/nodes/fluent.conf:4: no template declares the log group `/logfleet/alpha/node` in eu-central-1, so nothing can be written there (did you mean `/logfleet/alpha/nodes`?)"
        ]
    );
    assert_eq!(
        found("/logfleet/alpha/nodes", "us-east-1"),
        [
            "rendered/alpha/kubernetes/nodes/fluent.conf:4: no template declares the log group `/logfleet/alpha/nodes` in eu-central-1, so nothing can be written there (declare it in a template of CloudFormation, `aws/eu-central-1/…`)"
        ]
    );
}

const AUTHENTICATION: &str = r#"{
  "logfleet_authentication": 1,
  "destinations": {
    "main": { "type": "basic", "writer": "own-writer", "secret": "aws-secretsmanager:own/main", "keys": { "password_in": "pass" } }
  }
}
"#;

const EXTERNAL_SECRET: &str = "\
spec:
  data:
    - { secretKey: username, remoteRef: { key: own/main, property: username } }
    - { secretKey: password, remoteRef: { key: own/main, property: pass } }
";

#[test]
fn a_credential_is_made_as_it_is_read() {
    let user = "elasticsearch/main/_security/user/own-writer.json";
    let external = ("kubernetes/credentials/main.yaml", EXTERNAL_SECRET);
    let right = [
        ("authentication.json", AUTHENTICATION),
        ("elasticsearch/main/_security/role/own-writer.json", "{}"),
        (user, "{}"),
        external,
    ];
    assert_eq!(reported(&right), [""; 0]);
    let without = |left_out: &str| -> Vec<(&str, &str)> {
        let all = right.into_iter();
        all.filter(|(path, _)| *path != left_out).collect()
    };
    let hint = "the reconciler makes the credential as `authentication.json` says: change both, by templates of your own";
    assert_eq!(
        reported(&without(user)),
        [format!(
            "rendered/alpha/authentication.json:4: no file below `elasticsearch/main/` is of the user `own-writer` ({hint})"
        )]
    );
    assert_eq!(
        reported(&without("authentication.json")),
        [format!(
            "rendered/alpha/{user}:1: `authentication.json` doesn't name the user `own-writer` at the destination `main`, so its password is never created ({hint})"
        )]
    );
    for (wrong, line) in [
        (EXTERNAL_SECRET.replacen("own/main", "own/other", 1), 3),
        (
            EXTERNAL_SECRET.replace("property: pass", "property: password"),
            4,
        ),
    ] {
        let mut files = right.to_vec();
        files[3].1 = &wrong;
        assert_eq!(
            reported(&files),
            [format!(
                "rendered/alpha/kubernetes/credentials/main.yaml:{line}: this isn't where `authentication.json` says that the credential for `main` is ({hint})"
            )]
        );
    }
}

/// The files of an example cluster.
fn rendered(cluster: &str) -> RenderedTree {
    fn add(folder: &std::path::Path, below: &str, files: &mut RenderedTree) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("a name");
            let path = if below.is_empty() {
                name
            } else {
                format!("{below}/{name}")
            };
            if entry.file_type().expect("a type").is_dir() {
                add(&entry.path(), &path, files);
            } else if let Ok(path) = TreePath::new(path) {
                let bytes = std::fs::read(entry.path()).expect("a file");
                files.0.insert(path, bytes);
            }
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../rendered");
    let mut files = RenderedTree::default();
    add(&root.join(cluster), "", &mut files);
    files
}

#[test]
fn all_readers_of_a_credential_are_held_against_what_is_made() {
    let tree = rendered("prod-eu.k8s.example.com");
    assert_eq!(check("alpha", &tree).sorted(), []);
    let mut other = tree;
    let file = other.0.get_mut("authentication.json").expect("rendered");
    let text = String::from_utf8(file.clone()).expect("a text");
    let moved = text.replace("logfleet/prod-eu.k8s.example.com/main", "elsewhere");
    assert_ne!(text, moved);
    *file = moved.into_bytes();
    let found = check("alpha", &other).sorted().into_iter();
    let places: Vec<String> = found.filter_map(|fault| Some(fault.place?.file)).collect();
    // Both keys of the ExternalSecret, and the forwarder of each Region.
    assert_eq!(
        places,
        [
            "rendered/alpha/aws/eu-central-1/stack.json",
            "rendered/alpha/aws/us-east-1/stack.json",
            "rendered/alpha/kubernetes/credentials/main.yaml",
            "rendered/alpha/kubernetes/credentials/main.yaml",
        ]
    );
}
