//! What is reported for connections and stores, and what isn't.

use serde_json::{Value as Json, json};

use crate::diff::risk::tests::{STACK, of_resource, of_texts, of_trees, of_values};

const FLUENTD: &str = "kubernetes/x/fluent.conf";
const LOGSTASH: &str = "kubernetes/logstash/pipeline.conf";
const FILEBEAT: &str = "machines/nodes/filebeat.yml";

fn fluentd(id: &str, options: &str) -> String {
    format!("<match {id}>\n  @type opensearch\n  @id {id}\n{options}\n</match>\n")
}

/// What a new file says, where others are there already.
fn of_new(base: &[(&str, String)], path: &str, text: &str) -> Vec<String> {
    let new = (path, text.to_owned());
    of_trees(base, &[base, &[new]].concat())
}

#[test]
fn new_connections_may_be_weak() {
    for (path, text, what) in [
        (
            FLUENTD,
            fluentd("a", "host a\nscheme http"),
            "a connection is not encrypted (`a`)",
        ),
        (
            FLUENTD,
            fluentd("a", "host a"),
            "a connection is not encrypted (`a`)",
        ),
        (
            FLUENTD,
            fluentd("a", "host a\nscheme https\nssl_verify false"),
            "a server's certificate is not verified (`a`)",
        ),
        (
            LOGSTASH,
            "input { beats { port => 5044 } }".to_owned(),
            "a connection is not encrypted",
        ),
        (
            LOGSTASH,
            "input { beats { port => 5044 ssl_enabled => true } }".to_owned(),
            "clients need no certificate",
        ),
        (
            FILEBEAT,
            "output.logstash:\n  hosts: [\"a:5044\"]\n".to_owned(),
            "a connection is not encrypted (`a`)",
        ),
    ] {
        assert_eq!(
            of_new(&[], path, &text),
            [format!("tls-weakens: {what}")],
            "{text}"
        );
    }
    for (path, text) in [
        (FLUENTD, fluentd("a", "host a\nscheme https\nssl_verify true")),
        (FLUENTD, fluentd("a", "host localhost")),
        (
            FLUENTD,
            fluentd("a", "<endpoint>\nurl https://a\nregion b\n</endpoint>"),
        ),
        (
            LOGSTASH,
            "output { opensearch { id => \"a\" hosts => [\"https://a:9200\"] } }".to_owned(),
        ),
        (
            LOGSTASH,
            "output { elasticsearch { hosts => [\"a:9200\"] ssl_enabled => true } }".to_owned(),
        ),
        (
            FILEBEAT,
            "output.elasticsearch:\n  hosts: [\"https://a:9200\"]\n".to_owned(),
        ),
        (
            FILEBEAT,
            "output:\n  logstash:\n    hosts: [\"a:5044\"]\n    ssl.certificate_authorities: [b]\n"
                .to_owned(),
        ),
        (
            "kubernetes/x.yaml",
            "kind: Pod\nspec: { containers: [{ name: a, livenessProbe: { httpGet: { scheme: HTTP, host: a } } }] }\n"
                .to_owned(),
        ),
    ] {
        assert_eq!(of_new(&[], path, &text), [""; 0], "{text}");
    }
}

#[test]
fn who_logs_in_is_not_reported() {
    let text = fluentd(
        "a",
        "hosts http://anna:hunter2hunter2@logs.example.com:9200",
    );
    assert_eq!(
        of_new(&[], FLUENTD, &text),
        ["tls-weakens: a connection is not encrypted (`logs.example.com`)"]
    );
}

#[test]
fn a_new_stream_of_a_weak_destination_weakens_nothing() {
    let weak = |id: &str| fluentd(id, "host a\nscheme https\nssl_verify false");
    let base = [(FLUENTD, weak("one"))];
    assert!(of_new(&base, "kubernetes/y/fluent.conf", &weak("two")).is_empty());
    let both = format!("{}{}", weak("one"), weak("two"));
    assert!(of_texts(FLUENTD, &weak("one"), &both).is_empty());
    let other = weak("two").replace("host a", "host b");
    assert_eq!(
        of_new(&base, "kubernetes/y/fluent.conf", &other),
        ["tls-weakens: a server's certificate is not verified (`b`)"]
    );
    assert_eq!(
        of_texts(FLUENTD, &weak("one"), &format!("{}{other}", weak("one"))),
        ["tls-weakens: a server's certificate is not verified (`b`)"]
    );
}

#[test]
fn what_is_not_said_may_be_weak() {
    for (path, old, new, what) in [
        (
            FLUENTD,
            fluentd("a", "host a\nscheme https"),
            fluentd("a", "host a"),
            "a connection is no longer encrypted (`a`)",
        ),
        (
            LOGSTASH,
            "input { beats { port => 1 ssl_enabled => true ssl_client_authentication => \"required\" } }".to_owned(),
            "input { beats { port => 1 ssl_client_authentication => \"required\" } }".to_owned(),
            "a connection is no longer encrypted",
        ),
        (
            LOGSTASH,
            "input { beats { port => 1 ssl_enabled => true ssl_client_authentication => \"required\" } }".to_owned(),
            "input { beats { port => 1 ssl_enabled => true } }".to_owned(),
            "clients need no certificate any more",
        ),
        (
            LOGSTASH,
            "output { elasticsearch { id => \"a\" hosts => [\"a\"] ssl_enabled => true } }".to_owned(),
            "output { elasticsearch { id => \"a\" hosts => [\"a\"] } }".to_owned(),
            "a connection is no longer encrypted (`a`)",
        ),
        (
            FILEBEAT,
            "output.logstash:\n  hosts: [\"a:5044\"]\n  ssl.enabled: true\n".to_owned(),
            "output.logstash:\n  hosts: [\"a:5044\"]\n".to_owned(),
            "a connection is no longer encrypted (`a`)",
        ),
    ] {
        assert_eq!(
            of_texts(path, &old, &new),
            [format!("tls-weakens: {what}")],
            "{new}"
        );
        assert!(of_texts(path, &new, &old).is_empty(), "{new}");
    }
}

fn forwarder(destination: &Json) -> Json {
    let text = json!({"destinations": {"main": destination}}).to_string();
    json!({"Resources": {"F": {"Type": "AWS::Lambda::Function",
        "Properties": {"Environment": {"Variables": {"LOGFLEET_CONFIGURATION": text}}}}}})
}

#[test]
fn the_forwarder_is_asked_too() {
    let safe = json!({"url": "https://a:9200", "minimum_tls": "1.3", "own_ca": true});
    for (weak, what) in [
        (
            json!({"url": "http://a:9200", "minimum_tls": "1.3", "own_ca": true}),
            "a connection is no longer encrypted (`a`)",
        ),
        (
            json!({"url": "https://a:9200", "minimum_tls": "1.3", "accept_any_certificate": true}),
            "the server's certificate is no longer verified (`a`)",
        ),
        (
            json!({"url": "https://a:9200", "minimum_tls": "1.2", "own_ca": true}),
            "TLS 1.2 is allowed again (`a`)",
        ),
        (
            json!({"url": "https://a:9200", "minimum_tls": "1.3"}),
            "every public authority is trusted, not only the one that was named (`a`)",
        ),
    ] {
        assert_eq!(
            of_values(STACK, &forwarder(&safe), &forwarder(&weak)),
            [format!("tls-weakens: {what}")]
        );
        assert!(of_values(STACK, &forwarder(&weak), &forwarder(&safe)).is_empty());
    }
    let weak = forwarder(&json!({"url": "https://a", "accept_any_certificate": true}));
    assert_eq!(
        of_new(&[], STACK, &weak.to_string()),
        ["tls-weakens: a server's certificate is not verified (`a`)"]
    );
}

#[test]
fn another_authority_is_trusted() {
    let certificate =
        |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    let path = "kubernetes/certificates/main.pem";
    let (one, two) = (certificate("AAAA\nBBBB"), certificate("CCCC"));
    assert_eq!(
        of_texts(path, &one, &format!("{one}{two}")),
        ["tls-weakens: another certificate authority is trusted as well"]
    );
    assert_eq!(
        of_texts(path, &one, &two),
        [
            "tls-weakens: another certificate authority is trusted, or the same one by another certificate"
        ]
    );
    assert!(of_texts(path, &format!("{one}{two}"), &two).is_empty());
    assert!(of_texts(path, &one, &certificate("AAAABBBB")).is_empty());
    let script = |text: &str| json!({"script": text}).to_string();
    assert_eq!(
        of_texts("machines/stack.json", &script(&one), &script(&two)).len(),
        1
    );
}

#[test]
fn stores_keep_their_keys() {
    let bucket = |algorithm: &str| {
        json!({"BucketEncryption": {"ServerSideEncryptionConfiguration": [
            {"ServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}]}})
    };
    let kind = "AWS::S3::Bucket";
    assert_eq!(
        of_resource(kind, &bucket("aws:kms"), &bucket("AES256")),
        ["tls-weakens: a store is encrypted with a service-managed key instead of a KMS key"]
    );
    assert!(of_resource(kind, &bucket("AES256"), &bucket("aws:kms")).is_empty());
    assert!(of_resource(kind, &bucket("aws:kms"), &bucket("aws:kms:dsse")).is_empty());
    for removed in [
        json!({"BucketEncryption": {"ServerSideEncryptionConfiguration": []}}),
        json!({"BucketEncryption": {}}),
    ] {
        assert_eq!(
            of_resource(kind, &bucket("AES256"), &removed),
            ["tls-weakens: a store is no longer encrypted as configured"]
        );
    }
}
