//! `docs/fields.md`: the fields of AWS logs, from the tables that parsers and
//! mappings come from.

use std::env;
use std::fmt::Write as _;
use std::fs;

use logfleet_events::{COMMON, ENVELOPE, Field, FieldType, Shape, TABLES, Table};

use super::repository;

const INTRODUCTION: &str = "\
# Fields of AWS logs

<!-- Generated from the tables in events/src/tables. Don't edit; `LOGFLEET_WRITE_DOCS=1 cargo test --test docs` writes it anew. -->

What is read from each AWS log, and the document field that it becomes. Field names are from the [Elastic Common Schema](https://www.elastic.co/docs/reference/ecs)
if it has one; fields specific to AWS are below `aws.`. Parsers and index mapping come from the same tables, so every field can be searched by its type. The reasons are in decisions
[31](decisions/0031-own-parsers-from-tables.md) and [32](decisions/0032-one-mapping-for-logs-of-aws.md).

- `message` is the event's original text, so nothing below loses information.
- `@timestamp` is the event's own time, from the rows marked **time**, or else CloudWatch's.
- A value that doesn't fit its type is left out, so that no server refuses the document: an invalid IP address, a number out of range, a date that doesn't exist or isn't between 1970 and 9999, a keyword of more than 8,191 bytes. Empty values and `-` are left out, too.
- Text that doesn't match its format only gets `message`, `error.type: unparsed` and `error.message`, and is counted. Search for `error.type: unparsed`.
- Columns that AWS adds at the end of a line later are ignored. Keys of a JSON object that aren't in its table are in `aws.event`.
- If the source is a list, so is the field.
";

#[test]
fn the_page_of_fields_is_up_to_date() {
    let path = repository().join("docs/fields.md");
    let text = page();
    if env::var_os("LOGFLEET_WRITE_DOCS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "docs/fields.md is out of date; LOGFLEET_WRITE_DOCS=1 cargo test --test docs writes it anew"
    );
}

fn page() -> String {
    let mut out = INTRODUCTION.to_owned();
    out.push_str("\n## Every event\n\n| Field | Type | What it is |\n|---|---|---|\n");
    for field in COMMON.iter().chain(ENVELOPE) {
        writeln!(
            out,
            "| `{}` | {} | {} |",
            field.target,
            kind(field),
            field.meaning
        )
        .unwrap();
    }
    for table in TABLES {
        section(&mut out, table);
    }
    out
}

fn section(out: &mut String, table: &Table) {
    write!(out, "\n## {}\n\n", table.title).unwrap();
    let shape = match table.shape {
        Shape::Columns { at_least: 0, .. } => "Space-separated columns: those that the flow log was created with, in their order. A JSON object with these keys is also read".to_owned(),
        Shape::Columns { at_least, .. } => format!(
            "At least {at_least} space-separated columns. A JSON object with these keys is also read"
        ),
        Shape::Json => "A JSON object".to_owned(),
        Shape::Lines => "Lines".to_owned(),
    };
    writeln!(out, "{shape}: [format]({}).\n", table.page).unwrap();
    out.push_str("| Source | Field | Type | What it is |\n|---|---|---|---|\n");
    for field in table.fields {
        let time = if table.time.contains(&field.source) && field.field_type() == FieldType::Date {
            ", **time**"
        } else {
            ""
        };
        writeln!(
            out,
            "| `{}` | `{}` | {}{time} | {} |",
            field.source,
            field.target,
            kind(field),
            field.meaning
        )
        .unwrap();
    }
}

fn kind(field: &Field) -> &'static str {
    match field.field_type() {
        FieldType::Map => "object",
        kind => kind.name(),
    }
}
