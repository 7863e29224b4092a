//! `docs/rule-fields.md`: the fields that rules may name, from the table that rules are
//! checked against.

use std::env;
use std::fmt::Write as _;
use std::fs;

use logfleet_generator::resolve::{
    FieldContent, RULE_FIELDS, RecordOrigin, RuleField, RuleMoment, fields_without_rules,
};

use super::repository;

const INTRODUCTION: &str = "\
# Fields

<!-- Generated from the table in generator/src/resolve/fields.rs. Don't edit;
     `LOGFLEET_WRITE_DOCS=1 cargo test --test docs` writes it anew. -->

The fields that you can use in `keep`, `drop`, `mask`, `parse`, `enrich` and `routes`. `gen` refuses a rule on any other field, because it would never match; in `keep`, it would drop every record.
You can also use fields that you create: those of [`enrich`](route-logs.md#several-lines-json-fields), the groups of `parse` below `parsed`, and everything below `log_processed`, which has the values of JSON text.
";

/// What a table is of.
const TABLES: [(RecordOrigin, &str, &str); 5] = [
    (
        RecordOrigin::Containers,
        "Containers",
        "For `sources.kubernetes.applications`, `nodes` and `control_plane`.",
    ),
    (
        RecordOrigin::NodeJournal,
        "Kubelet and container runtime",
        "For `sources.kubernetes.nodes.journal`. Rules with `namespaces`, `pods`, `containers` or `labels` don't apply to it.",
    ),
    (
        RecordOrigin::ComponentFiles,
        "Files of the control plane",
        "For `sources.kubernetes.control_plane` with `read: files`. The audit log has no rules.",
    ),
    (
        RecordOrigin::MachineJournal,
        "Kernel and units of machines",
        "For `sources.machines.<role>` with `read: journal`. Logstash only matches patterns against text.",
    ),
    (
        RecordOrigin::MachineFiles,
        "Files of machines",
        "For `sources.machines.<role>.files`, and for rsyslog's files with `read: files`.",
    ),
];

#[test]
fn the_table_of_fields_is_up_to_date() {
    let path = repository().join("docs/rule-fields.md");
    let text = text();
    if env::var_os("LOGFLEET_WRITE_DOCS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "docs/rule-fields.md is out of date; LOGFLEET_WRITE_DOCS=1 cargo test --test docs writes it anew"
    );
}

fn text() -> String {
    let mut out = INTRODUCTION.to_owned();
    for (origin, title, about) in TABLES {
        write!(
            out,
            "\n## {title}\n\n{about}\n\n| Field | Meaning | In |\n|---|---|---|\n"
        )
        .unwrap();
        for field in RULE_FIELDS
            .iter()
            .filter(|field| field.of.contains(&origin))
        {
            writeln!(
                out,
                "| `{}` | {} | {} |",
                shown(field),
                field.meaning,
                rules(field, origin)
            )
            .unwrap();
        }
    }
    out.push_str(
        "\n## Without rules\n\nThese records have no rules. Their fields are searchable.\n",
    );
    for (title, fields) in fields_without_rules() {
        write!(out, "\n### {title}\n\n| Field | Type |\n|---|---|\n").unwrap();
        for (path, kind) in fields {
            writeln!(out, "| `{path}` | {kind} |").unwrap();
        }
    }
    out
}

fn shown(field: &RuleField) -> String {
    match field.content {
        FieldContent::Texts => format!("{}.<key>", field.path),
        FieldContent::Text | FieldContent::Number => field.path.to_owned(),
    }
}

/// The rules that may name a field.
fn rules(field: &RuleField, origin: RecordOrigin) -> String {
    let of_machines = matches!(
        origin,
        RecordOrigin::MachineJournal | RecordOrigin::MachineFiles
    );
    if of_machines {
        return match field.content {
            FieldContent::Number => "none: it is a number".to_owned(),
            _ => "all".to_owned(),
        };
    }
    let rules: Vec<&str> = [
        (RuleMoment::Drop, "`keep`, `drop`"),
        (RuleMoment::Enrich, "`enrich`"),
        (RuleMoment::Route, "`remove`, `routes`"),
    ]
    .into_iter()
    .filter(|(moment, _)| field.first <= *moment && *moment <= field.last)
    .map(|(_, name)| name)
    .collect();
    let rules = rules.join(", ");
    match field.need {
        Some(need) => format!("{rules}; with `{}`", need.setting()),
        None => rules,
    }
}
