//! `docs/fields.md`: the fields of AWS's logs, from the tables that the parsers
//! and the mappings are made of.

use std::env;
use std::fmt::Write as _;
use std::fs;

use logfleet_events::{COMMON, ENVELOPE, Field, FieldType, Shape, TABLES, Table};

use super::repository;

const INTRODUCTION: &str = "\
# Fields of AWS's logs

<!-- Generated from the tables in events/src/tables. Don't edit; `LOGFLEET_WRITE_DOCS=1 cargo test --test docs` writes it anew. -->

What is read from each log of AWS, and the field of the document that it becomes. Names are those of the [Elastic Common Schema](https://www.elastic.co/docs/reference/ecs)
where it has one; what only AWS knows is below `aws.`. Parser and index mapping are made of the same tables, so every field that is written can be searched by its type. Why: decisions
[31](decisions/0031-own-parsers-from-tables.md) and [32](decisions/0032-one-mapping-for-logs-of-aws.md).

- `message` is the event's text, as it came. So nothing is lost by what follows.
- `@timestamp` is the event's own time, from the rows marked **time**; if there is none, CloudWatch's.
- A value that doesn't fit its type is left out: no address, a number out of range, a date that doesn't exist or isn't between 1970 and 9999, a keyword of more than 8,191 bytes. So are empty values and `-`. No server refuses a document for them.
- A text that isn't of its format has no fields but `message`, `error.type: unparsed` and `error.message`, and is counted. Search for `error.type: unparsed`.
- Columns that AWS adds later at the end of a line are passed over. What a table doesn't name of a JSON object is in `aws.event`.
- A source that is a list gives the field a list.
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
        Shape::Columns { at_least: 0, .. } => "Columns that blanks separate: those that the flow log was made with, in their order. An object of JSON with these keys is read, too".to_owned(),
        Shape::Columns { at_least, .. } => format!(
            "Columns that blanks separate, at least {at_least} of them. An object of JSON with these keys is read, too"
        ),
        Shape::Json => "An object of JSON".to_owned(),
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
