//! What is reported for secrets, and that none is ever shown.

use serde_json::{Value as Json, json};

use crate::diff::risk::tests::{STACK, of_pods, of_resource, of_texts, of_trees, of_values, pod};

fn environment(variables: &Json) -> Json {
    json!({"containers": [{"name": "a", "env": variables}]})
}

fn variable(name: &str, secret: &str, key: &str) -> Json {
    json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})
}

fn external(data: &[(&str, &str)]) -> Json {
    let data: Vec<Json> = data
        .iter()
        .map(|(key, property)| {
            json!({"secretKey": key, "remoteRef": {"key": "fleet/main", "property": property}})
        })
        .collect();
    json!({"kind": "ExternalSecret", "metadata": {"name": "logfleet-main"}, "spec": {
        "secretStoreRef": {"kind": "SecretStore", "name": "s"}, "target": {"name": "logfleet-main"}, "data": data}})
}

#[test]
fn a_variable_becomes_a_literal() {
    let before = environment(&json!([variable("PASSWORD", "extra", "password")]));
    let after = environment(&json!([{"name": "PASSWORD", "value": "hunter2hunter2"}]));
    assert_eq!(
        of_pods(&before, &after),
        [
            "secret-reference-changes: `PASSWORD` of the container `a` is no longer read from `extra/password`, but is in the file itself"
        ]
    );
    let conf = |value: &str| format!("<match **>\n  @id main\n  password \"{value}\"\n</match>\n");
    assert_eq!(
        of_texts(
            "kubernetes/x/fluent.conf",
            &conf("#{ENV['MAIN_PASSWORD']}"),
            &conf("hunter2hunter2")
        ),
        [
            "secret-reference-changes: `password` of the connection `main` is no longer read from `MAIN_PASSWORD`, but is in the file itself"
        ]
    );
    let beat = |value: &str| {
        format!("output.logstash:\n  hosts: [\"https://a\"]\n  password: \"{value}\"\n")
    };
    let reported = of_texts(
        "machines/nodes/filebeat.yml",
        &beat("${PASSWORD}"),
        &beat("hunter2hunter2"),
    );
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert!(!reported.concat().contains("hunter2"));
    let reported = of_texts(
        "machines/nodes/filebeat.yml",
        &beat("${PASSWORD}"),
        &beat("${OTHER:hunter2hunter2}"),
    );
    assert_eq!(
        reported,
        ["secret-reference-changes: a secret is read from `OTHER` instead of `PASSWORD`"]
    );
}

#[test]
fn a_credential_takes_another_form() {
    let before = external(&[("username", "username"), ("password", "password")]);
    let after = external(&[("id", "id"), ("api_key", "api_key")]);
    let path = "kubernetes/credentials/main.yaml";
    assert_eq!(
        of_values(path, &before, &after),
        [
            "secret-reference-changes: a secret is read from `fleet/main/api_key`, `fleet/main/id` instead of `fleet/main/password`, `fleet/main/username`"
        ]
    );
    let before = environment(&json!([variable("PASSWORD", "main", "password")]));
    let after = environment(&json!([variable("API_KEY", "main", "api_key")]));
    assert_eq!(
        of_pods(&before, &after),
        [
            "secret-reference-changes: a secret is read from `main/api_key` instead of `main/password`"
        ]
    );
    // Only the variable is called otherwise.
    let renamed = environment(&json!([variable("SECRET", "main", "password")]));
    assert!(of_pods(&before, &renamed).is_empty());
    let conf = |options: &str| format!("<match **>\n  @id main\n{options}\n</match>\n");
    assert_eq!(
        of_texts(
            "kubernetes/x/fluent.conf",
            &conf("password \"#{ENV['MAIN_PASSWORD']}\""),
            &conf("time_key x")
        ),
        ["secret-reference-changes: a secret is no longer read from `MAIN_PASSWORD`"]
    );
}

#[test]
fn nothing_writes_a_secret_that_pods_read() {
    let path = "kubernetes/credentials/main.yaml";
    let secret = (path, external(&[("password", "password")]).to_string());
    let set = pod(&environment(&json!([variable(
        "P",
        "logfleet-main",
        "password"
    )])));
    let set = ("kubernetes/x/daemonset.yaml", set.to_string());
    assert_eq!(
        of_trees(&[secret.clone(), set.clone()], std::slice::from_ref(&set)),
        [
            "secret-reference-changes: the Secret `logfleet-main` is no longer synced from a secret store, but pods still need it"
        ]
    );
    // It goes with what needed it.
    let other = pod(&environment(&json!([])));
    let other = ("kubernetes/x/daemonset.yaml", other.to_string());
    let conf = (
        "kubernetes/x/fluent.conf",
        "<match **>\n  @id main\n  password \"#{ENV['P']}\"\n</match>\n".to_owned(),
    );
    let without = (
        "kubernetes/x/fluent.conf",
        "<match **>\n  @type null\n</match>\n".to_owned(),
    );
    assert_eq!(
        of_trees(&[secret, set.clone(), conf], &[other.clone(), without]),
        [""; 0]
    );
    // Of a program of one's own nothing else tells.
    assert_eq!(
        of_trees(&[set], &[other]),
        ["secret-reference-changes: a secret is no longer read from `logfleet-main/password`"]
    );
}

#[test]
fn templates_read_secrets() {
    let value = |value: &str| json!({"Password": value});
    assert_eq!(
        of_resource(
            "AWS::X::Y",
            &value("{{resolve:secretsmanager:a}}"),
            &value("hunter2hunter2")
        ),
        ["secret-reference-changes: a secret is no longer read from `secretsmanager:a`"]
    );
    let forwarder = |destinations: &Json| {
        let text = json!({"destinations": destinations}).to_string();
        json!({"Resources": {"F": {"Type": "AWS::Lambda::Function",
            "Properties": {"Environment": {"Variables": {"LOGFLEET_CONFIGURATION": text}}}}}})
    };
    let by = |secret: &str| json!({"authentication": {"type": "basic", "secret": secret}});
    let main = forwarder(&json!({"main": by("a")}));
    for (other, count) in [
        (json!({"main": by("b")}), 1),
        (
            json!({"main": {"authentication": {"type": "aws_sigv4"}}}),
            1,
        ),
        (json!({"main": by("a"), "more": by("b")}), 0),
        (json!({}), 0),
        // As an earlier release wrote it.
        (json!({"main": {"secret": "a"}}), 0),
        (json!({"main": {"secret": "b"}}), 1),
    ] {
        let reported = of_values(STACK, &main, &forwarder(&other));
        assert_eq!(reported.len(), count, "{other}: {reported:?}");
    }
    // What a role may read comes and goes with destinations.
    let role = |names: &[&str]| {
        let arns: Vec<String> = names
            .iter()
            .map(|name| format!("arn:aws:secretsmanager:eu-west-1:1:secret:{name}"))
            .collect();
        json!({"Parts": arns})
    };
    assert!(of_resource("AWS::X::Y", &role(&["a"]), &role(&["a", "b"])).is_empty());
    assert!(of_resource("AWS::X::Y", &role(&["a", "b"]), &role(&["a"])).is_empty());
    assert_eq!(
        of_resource("AWS::X::Y", &role(&["a"]), &role(&["b"])),
        ["secret-reference-changes: a secret is read from `b` instead of `a`"]
    );
}
