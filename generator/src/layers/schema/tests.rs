use std::collections::BTreeMap;

use super::*;
use crate::layers::patch_schema::patch_schema;
use crate::load::source_file::SourceFile;
use crate::load::yaml;
use crate::report::{Style, to_text};

/// What the tests configure.
#[derive(schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct Settings {
    /// The name of the cluster. It is the folder's name.
    name: Name,
    streams: BTreeMap<String, Stream>,
    destination: Option<Destination>,
    mode: Option<Mode>,
    level: Option<Level>,
    #[schemars(length(min = 1))]
    regions: Option<Vec<String>>,
    account: Option<String>,
}

#[derive(schemars::JsonSchema)]
#[schemars(transparent, extend("x-pattern-meaning" = "lower-case letters, digits and hyphens"))]
#[allow(dead_code, reason = "only its schema is used")]
struct Name(#[schemars(regex(pattern = r"^[a-z0-9-]+$"))] String);

#[derive(schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct Stream {
    /// Whole days that logs are kept.
    #[schemars(range(min = 1, max = 3650))]
    retention_days: u32,
    enabled: Option<bool>,
}

#[derive(schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
enum Destination {
    Elasticsearch {
        url: String,
        username: Option<String>,
    },
    Opensearch {
        url: String,
        shards: u32,
    },
}

#[derive(schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "only its schema is used")]
enum Mode {
    Fast,
    Thorough,
}

#[derive(schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(dead_code, reason = "only its schema is used")]
enum Level {
    /// Everything.
    Debug,
    /// Only what is wrong.
    Error,
}

fn strict() -> Json {
    serde_json::to_value(schemars::schema_for!(Settings)).expect("a schema")
}

fn reported_by(schema: Json, text: &str) -> String {
    let mut sources = Sources::default();
    let file = sources.push(SourceFile::new("clusters/x/cluster.yaml", text));
    let node = yaml::parse(file, sources.get(file).expect("there")).expect("valid YAML");
    let check = SchemaCheck::new(schema).expect("a schema");
    to_text(
        check.check(&node, &sources),
        "nothing was written",
        Style::Plain,
    )
}

fn reported(text: &str) -> String {
    reported_by(strict(), text)
}

#[test]
fn says_nothing_of_a_good_value() {
    let text = "name: a\nstreams: {a: {retention_days: 3.0}}\ndestination: {type: opensearch, url: u, shards: 1}\n";
    assert_eq!(reported(text), "");
}

#[test]
fn tells_all_faults_each_at_its_place() {
    insta::assert_snapshot!(reported(concat!(
        "name: Prod_EU\n",
        "streams:\n",
        "  applications:\n",
        "    retention_day: 30\n",
        "    retention_days: thirty\n",
        "    enabled: yes\n",
        "  nodes:\n",
        "    enabled: \"true\"\n",
        "    retention_days: \"30\"\n",
        "  kernel:\n",
        "    retention_days: 0\n",
        "  events: {retention_days: 1.5, enabled: On}\n",
        "mode: fats\n",
        "level: warn\n",
        "regions: eu-central-1\n",
        "account: 123456789012\n",
        "nonsense: 1\n",
    )));
}

#[test]
fn tells_the_faults_of_the_branch_that_the_tag_names() {
    let text = "name: a\nstreams: {}\ndestination:\n  type: opensearch\n  url: 3\n  sahrds: 2\nregions: []\n";
    insta::assert_snapshot!(reported(text));
}

#[test]
fn tells_an_unknown_or_missing_tag() {
    insta::assert_snapshot!(reported(
        "name: a\nstreams: {}\ndestination: {type: elastic_search, url: u}\n"
    ));
    insta::assert_snapshot!(reported("name: a\nstreams: {}\ndestination:\n  url: u\n"));
    insta::assert_snapshot!(reported("name: a\nstreams: {}\ndestination: https://a\n"));
}

#[test]
fn tells_what_is_missing() {
    insta::assert_snapshot!(reported("mode: fast\n"));
    insta::assert_snapshot!(reported("[]"));
}

#[test]
fn shows_no_secret() {
    let secret = format!("AKIA{}", "IOSFODNN7EXAMPLE");
    let reported = reported(&format!(
        "name: {secret}\nstreams: {{}}\nmode: {secret}\n{secret}: 1\n"
    ));
    assert!(
        reported.contains("3 errors") && !reported.contains(&secret),
        "{reported}"
    );
}

#[test]
fn a_layer_may_leave_out_and_remove_but_not_invent() {
    let layer = patch_schema(&strict());
    for text in [
        "{}",
        "name: null",
        "streams: {applications: null}",
        "streams: {applications: {enabled: null}}",
        "destination: {url: u}",
        "destination: {shards: 3, username: u}",
        "destination: null",
        "mode: null",
        "level: null",
        "level: error",
    ] {
        assert_eq!(reported_by(layer.clone(), text), "", "{text}");
    }
    insta::assert_snapshot!(reported_by(
        layer,
        concat!(
            "streams: {a: {retention: 3, retention_days: 0}}\n",
            "destination: {type: elastic, shard: 1, shards: x}\n",
            "level: warn\n",
        )
    ));
}
