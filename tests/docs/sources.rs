//! `docs/sources.md`: each source, from the rows of the example fleet that
//! `gen sources` prints, and the tests that look at it.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;

use logfleet_generator::pipeline::{Timings, load_fleet};
use logfleet_generator::resolve::ResolvedCluster;
use logfleet_generator::sources::{self, EndKind, SourceRow};

use super::repository;

const INTRODUCTION: &str = "\
# Sources

<!-- Generated from the example fleet. Don't edit; `LOGFLEET_WRITE_DOCS=1 cargo test --test docs` writes it anew. -->

Every log source of a cluster: what is read, which files in `rendered/<cluster>/` do that, where the logs end up, and which tests verify it.
The fields of AWS logs have [their own page](fields.md).
The rows are the output of `gen sources` for two clusters of the example fleet. `<cluster>` stands for the
cluster's name, `<namespace>` for its name in data streams, `<region>` and `<account>` for its Region and account.
";

/// A cluster for each distribution.
const EXAMPLES: [(&str, &str); 2] = [("kops", "prod-eu.k8s.example.com"), ("EKS", "analytics-us")];

/// What looks at sources whose names begin so: a file, and the test in it that
/// does, or nothing for a script that is a check as a whole.
const VERIFIED: [(&str, &str, &str); 14] = [
    (
        "kubernetes.",
        "tests/real/kubernetes.rs",
        "accepts_every_rendered_object",
    ),
    (
        "kubernetes.",
        "tests/real/indices.rs",
        "every_field_that_fluentd_sends_is_found",
    ),
    ("machines.", "ci/machines", ""),
    (
        "machines.",
        "generator/src/check/machines.rs",
        "tells_what_filebeat_would_pass_over",
    ),
    (
        "machines.",
        "generator/src/check/logstash/tests.rs",
        "each_mistake_has_its_fault",
    ),
    (
        "machines.",
        "tests/real/indices.rs",
        "every_field_that_fluentd_sends_is_found",
    ),
    (
        "machines.",
        "tests/real/aws/rendered.rs",
        "the_example_fleet_is_deployed_changed_and_deleted",
    ),
    (
        "aws.",
        "tests/real/aws/rendered.rs",
        "the_example_fleet_is_deployed_changed_and_deleted",
    ),
    ("aws.", "tests/real/aws/sources.rs", "differences"),
    (
        "aws.",
        "tests/docs/aws.rs",
        "roles_may_what_is_reviewed_here",
    ),
    (
        "aws.",
        "generator/src/check/aws/tests.rs",
        "the_forwarders_own_log_is_never_subscribed",
    ),
    (
        "aws.",
        "tests/real/indices/events.rs",
        "every_event_of_aws_is_taken_and_found",
    ),
    (
        "aws.s3",
        "generator/src/check/aws/tests.rs",
        "no_trail_writes_down_requests_at_buckets_of_logs",
    ),
    (
        "aws.iam",
        "generator/src/check/aws/tests.rs",
        "a_role_may_what_is_named",
    ),
];

#[test]
fn the_list_of_sources_is_up_to_date() {
    let path = repository().join("docs/sources.md");
    let text = text();
    if env::var_os("LOGFLEET_WRITE_DOCS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "docs/sources.md is out of date; LOGFLEET_WRITE_DOCS=1 cargo test --test docs writes it anew"
    );
}

#[test]
fn every_test_that_it_names_is_there() {
    for (_, file, test) in VERIFIED {
        let text = fs::read_to_string(repository().join(file)).unwrap_or_default();
        assert!(!text.is_empty(), "{file}");
        // Some are made by a macro, for each back end.
        assert!(text.contains(test), "{file}: {test}");
    }
}

fn text() -> String {
    let fleet = load_fleet(&repository(), None, &Timings::default()).unwrap();
    let mut out = INTRODUCTION.to_owned();
    for (distribution, name) in EXAMPLES {
        let member = fleet
            .members
            .iter()
            .find(|member| member.cluster.cluster.name == name)
            .unwrap();
        write!(
            out,
            "\n## {distribution}\n\n| Source | What is read, or its AWS objects | Files | Index and other destinations | Verified by |\n|---|---|---|---|---|\n"
        )
        .unwrap();
        for row in sources::list(&member.cluster) {
            writeln!(out, "{}", line(&row, &member.cluster)).unwrap();
        }
    }
    out
}

fn line(row: &SourceRow, cluster: &ResolvedCluster) -> String {
    if let Some(missing) = &row.missing {
        return format!("| `{}` | {} | | | |", row.source, missing.why);
    }
    let general = |text: &String| general(text, cluster);
    let code = |text: String| format!("`{text}`");
    let cell = |texts: Vec<String>| texts.join("<br>");
    let ends = row.ends.iter().map(|end| {
        let name = general(&end.name);
        match end.kind {
            EndKind::DataStream => format!("**`{name}`**"),
            EndKind::LogGroup | EndKind::Archive | EndKind::Elsewhere => code(name),
        }
    });
    let mut seen = BTreeSet::new();
    let ends = ends.filter(|end| seen.insert(end.clone()));
    let verified = VERIFIED
        .iter()
        .filter(|(source, _, _)| row.source.starts_with(source))
        .map(|(_, file, test)| {
            let file_name = file.rsplit('/').next().unwrap_or(file);
            let shown = if test.is_empty() { file_name } else { test };
            format!("[`{shown}`](../{file})")
        });
    format!(
        "| `{}` | {} | {} | {} | {} |",
        row.source,
        cell(row.reads.iter().map(general).map(escape).collect()),
        cell(row.files.iter().map(general).map(code).collect()),
        cell(ends.collect()),
        cell(verified.collect()),
    )
}

/// A `*` or `_` in a path is no emphasis, and no `|` ends the cell.
fn escape(text: String) -> String {
    if text.contains(['*', '_', '<', '|']) {
        format!("`{}`", text.replace('|', "\\|"))
    } else {
        text
    }
}

/// A text without what is the example's own.
fn general(text: &str, cluster: &ResolvedCluster) -> String {
    let own = &cluster.cluster;
    let dashed = own.name.replace('.', "-");
    let mut text = text.to_owned();
    for (value, placeholder) in [
        (own.name.as_str(), "<cluster>"),
        (&own.slug, "<namespace>"),
        (&dashed, "<cluster>"),
        (&own.account, "<account>"),
        (&own.region, "<region>"),
    ] {
        text = text.replace(value, placeholder);
    }
    text
}
