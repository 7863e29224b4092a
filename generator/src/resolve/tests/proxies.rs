//! A proxy reaches every program that ships, each in the way that it obeys.

use serde_json::{Value, json};

use super::bench::Bench;
use super::effects::CLUSTERS;

fn files(cluster: usize, proxy: &Value) -> impl Fn(&str) -> String + use<> {
    // The first cluster's user data has no room left.
    let delivery = json!({ "cloud_init": false, "kops": false });
    let change = json!({ "proxy": proxy, "sources": { "machines": { "delivery": delivery } } });
    let tree = Bench::new(CLUSTERS[cluster].1)
        .render(&change)
        .expect("no fault");
    move |path| {
        let mut files = tree.files();
        let (_, bytes) = files
            .find(|(own, _)| own.as_str() == path)
            .unwrap_or_else(|| panic!("{path} isn't rendered"));
        String::from_utf8(bytes.to_vec()).expect("UTF-8")
    }
}

const PROXY: &str = "http://proxy.example.com:3128";

fn proxy(no_proxy: &Value) -> Value {
    json!({ "http": null, "https": PROXY, "no_proxy": no_proxy })
}

#[test]
fn pods_have_it_in_their_environment_and_aws_in_its_options() {
    let file = files(0, &proxy(&json!({ ".example.net": true })));
    let daemon_set = file("kubernetes/applications/daemonset.yaml");
    for (name, value) in [
        ("https_proxy", PROXY),
        ("HTTPS_PROXY", PROXY),
        (
            "no_proxy",
            "localhost,127.0.0.1,169.254.169.254,.svc,.cluster.local,.example.net,$(KUBERNETES_SERVICE_HOST)",
        ),
    ] {
        let entry = format!("            - name: {name}\n              value: \"{value}\"\n");
        assert!(daemon_set.contains(&entry), "{entry}\n{daemon_set}");
    }
    assert!(!daemon_set.contains("- name: http_proxy"));
    let fluentd = file("kubernetes/applications/fluent.conf");
    assert!(fluentd.contains(&format!("    http_proxy \"{PROXY}\"\n")));
    assert!(fluentd.contains(&format!("    proxy_uri \"{PROXY}\"\n")));
    // Endpoints of AWS in the network itself.
    let file = files(0, &proxy(&json!({ ".amazonaws.com": true })));
    let fluentd = file("kubernetes/applications/fluent.conf");
    assert!(!fluentd.contains("http_proxy") && !fluentd.contains("proxy_uri"));
}

#[test]
fn logstash_has_it_as_an_option_unless_its_destination_is_excepted() {
    let option = format!("      proxy => \"{PROXY}\"\n");
    let output = "kubernetes/logstash/output-main.conf";
    let file = files(0, &proxy(&json!({})));
    assert!(file(output).contains(&option));
    let file = files(0, &proxy(&json!({ "logs.example.com": true })));
    assert!(!file(output).contains("proxy"));
}

#[test]
fn machines_have_it_for_what_they_install_and_run() {
    let file = files(0, &proxy(&json!({})));
    let script = file("machines/nodes/install.sh");
    let no_proxy = "localhost,127.0.0.1,::1,169.254.169.254,fd00:ec2::254";
    for line in [
        format!("export no_proxy={no_proxy} https_proxy={PROXY}\n"),
        format!("\n[Service]\nEnvironment=\"no_proxy={no_proxy}\" \"https_proxy={PROXY}\"\n"),
        "amazon-cloudwatch-agent.service.d/logfleet-proxy.conf".to_owned(),
    ] {
        assert!(script.contains(&line), "{line}\n{script}");
    }
    let units = script.matches("\"https_proxy=").count();
    assert_eq!(units, 2, "Filebeat's and the agent's");
    assert!(!script.contains("http_proxy=http"), "none is set for http");
}

#[test]
fn without_one_nothing_speaks_of_it() {
    let file = files(0, &json!({}));
    for path in [
        "kubernetes/applications/daemonset.yaml",
        "kubernetes/applications/fluent.conf",
        "machines/nodes/install.sh",
    ] {
        assert!(!file(path).to_lowercase().contains("proxy"), "{path}");
    }
}
