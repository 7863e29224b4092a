//! What the keys of a credential's secret are called, in every file that reads it.

use serde_json::Value;

use crate::fleet::TestFleet;

fn fleet(authentication: &str, backend: &str) -> TestFleet {
    let fleet = TestFleet::base();
    fleet.append(
        "clusters/alpha/cluster.yaml",
        &format!(
            "destinations: {{ main: {{ {backend}, authentication: {{ {authentication} }} }} }}\n"
        ),
    );
    fleet
}

fn rendered(fleet: &TestFleet) {
    let run = fleet.call(&["render", "alpha"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run}");
}

/// Keys and properties of the `ExternalSecret`.
fn fetched(fleet: &TestFleet) -> Vec<(String, String)> {
    let text = fleet.text("rendered/alpha/kubernetes/credentials/main.yaml");
    let value = |line: &str| {
        let (_, value) = line.split_once(": ").expect("a value");
        value.trim_matches('"').to_owned()
    };
    let of = |key: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains(key));
        lines.map(value).collect()
    };
    of("secretKey: ")
        .into_iter()
        .zip(of("property: "))
        .collect()
}

fn forwarder(fleet: &TestFleet) -> Value {
    let stack = fleet.text("rendered/alpha/aws/eu-central-1/stack.json");
    let stack: Value = serde_json::from_str(&stack).expect("JSON");
    let variables = &stack["Resources"]["Forwarder"]["Properties"]["Environment"]["Variables"];
    let configuration = variables["LOGFLEET_CONFIGURATION"].as_str();
    let text = configuration.expect("a configuration");
    serde_json::from_str(text).expect("JSON that is not packed")
}

fn pairs<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<(String, String)> {
    let owned = pairs
        .iter()
        .map(|(one, other)| ((*one).to_owned(), (*other).to_owned()));
    owned.collect()
}

const OPENSEARCH: &str = "backend: opensearch, version: 3";
const ELASTICSEARCH: &str = "backend: elasticsearch, version: 8";

/// What is fetched gets its own names, so pods read it as ever; machines and the
/// forwarder read AWS Secrets Manager themselves.
#[test]
fn keys_in_secrets_manager_are_read_by_every_reader() {
    let usual = fleet("type: basic", OPENSEARCH);
    rendered(&usual);
    let named = "type: basic, secret: 'aws-secretsmanager:team/es', keys: { username_in: es.user, password_in: es_pass }";
    let fleet = fleet(named, OPENSEARCH);
    rendered(&fleet);
    assert_eq!(
        fetched(&fleet),
        pairs(&[("username", "es.user"), ("password", "es_pass")])
    );
    let path = "rendered/alpha/kubernetes/applications/daemonset.yaml";
    assert_eq!(fleet.text(path), usual.text(path));
    let keys = &forwarder(&fleet)["destinations"]["main"]["keys"];
    assert_eq!(
        *keys,
        serde_json::json!({ "username_in": "es.user", "password_in": "es_pass" })
    );
    assert_eq!(
        forwarder(&usual)["destinations"]["main"]["keys"],
        Value::Null
    );
}

#[test]
fn keys_of_an_api_key_go_to_the_machines_keystore() {
    let fleet = fleet(
        "type: api_key, keys: { id_in: key-id, api_key_in: '1e3' }",
        ELASTICSEARCH,
    );
    rendered(&fleet);
    assert_eq!(
        fetched(&fleet),
        pairs(&[("id", "key-id"), ("api_key", "1e3")])
    );
    let install = fleet.text("rendered/alpha/machines/nodes/install.sh");
    for line in [
        "value key-id <<<\"$secret\" | \"${filebeat[@]}\" keystore add LOGFLEET_MAIN_API_KEY_ID",
        "value 1e3 <<<\"$secret\" | \"${filebeat[@]}\" keystore add LOGFLEET_MAIN_API_KEY ",
    ] {
        assert!(install.contains(line), "{line}\n{install}");
    }
}

#[test]
fn keys_of_a_secret_of_ones_own_are_read_by_the_pods() {
    let off = "aws: { enabled: false }, machines: { nodes: { enabled: false } }";
    let with = |authentication: &str| {
        let fleet = fleet(authentication, OPENSEARCH);
        fleet.append(
            "clusters/alpha/cluster.yaml",
            &format!("sources: {{ {off} }}\n"),
        );
        rendered(&fleet);
        fleet.text("rendered/alpha/kubernetes/applications/daemonset.yaml")
    };
    let secret = "secret: 'kubernetes-secret:own'";
    let text = with(&format!(
        "type: basic, {secret}, keys: {{ username_in: 'true', password_in: '1e3' }}"
    ));
    // Not what YAML would make of them.
    assert!(
        text.contains("key: \"true\"\n") && text.contains("key: \"1e3\"\n"),
        "{text}"
    );
    let text = with(&format!(
        "type: client_certificate, {secret}, keys: {{ certificate_in: client.pem }}"
    ));
    let items = "            items:\n              - key: \"client.pem\"\n                path: tls.crt\n              - key: \"tls.key\"\n                path: tls.key\n";
    assert!(text.contains(items), "{text}");
    let text = with(&format!("type: client_certificate, {secret}"));
    assert!(!text.contains("            items:\n"), "{text}");
}
