//! The tables of all formats.

mod cloudtrail;
mod dns;
mod event_bridge;
mod kubernetes;
mod load_balancer;
mod made_here;
mod s3;
mod vpc;

use crate::field::{Field, FieldType, Reading, Table, TableName, field};

pub(crate) use vpc::{DEFAULT_COLUMNS as DEFAULT_FLOW_LOG_COLUMNS, LOG_STATUS};

/// All tables.
pub static TABLES: &[Table] = &[
    vpc::FLOW_LOG,
    load_balancer::APPLICATION,
    load_balancer::CONNECTIONS,
    load_balancer::HEALTH_CHECKS,
    load_balancer::NETWORK,
    load_balancer::CLASSIC,
    s3::ACCESS,
    dns::PUBLIC,
    dns::RESOLVER,
    cloudtrail::TRAIL,
    event_bridge::EVENT,
    made_here::METRIC,
    made_here::INSTANCE_STATUS,
    kubernetes::EKS,
    kubernetes::COMPONENTS,
    made_here::MACHINE,
];

/// A table by its name.
pub fn table(name: TableName) -> &'static Table {
    &TABLES[name as usize]
}

/// Fields that any format may have.
#[rustfmt::skip]
pub static COMMON: &[Field] = &[
    field("", "message", Reading::Text, "The event's original text. Metrics and the status of machines have none"),
    field("", "error.type", Reading::Keyword, "`unparsed` if the text doesn't have its format; there are then no other fields"),
    field("", "error.message", Reading::Text, "Why the text doesn't match its format"),
    field("", "aws.event", Reading::Map, "Keys of a JSON object that no table lists, up to 8 KiB together"),
];

/// Fields that the forwarder writes beside those of a table, of what brought the event.
#[rustfmt::skip]
pub static ENVELOPE: &[Field] = &[
    field("", "aws.source", Reading::Keyword, "The source, such as `aws.vpc`"),
    field("", "aws.account", Reading::Keyword, "The account that the event comes from"),
    field("", "aws.region", Reading::Keyword, "The Region that the event comes from"),
    field("", "aws.log_group", Reading::Keyword, "The log group"),
    field("", "aws.log_stream", Reading::Keyword, "The log stream"),
    field("", "aws.tags", Reading::Map, "The log group's tags that the settings select, such as `aws.tags.team`"),
    field("", "aws.source_log", Reading::Keyword, "The original log group, if it was copied to a central one"),
    field("", "aws.bucket", Reading::Keyword, "The bucket of the file that contains the line"),
    field("", "aws.object", Reading::Keyword, "That file"),
    field("", "aws.event_id", Reading::Keyword, "The id that CloudWatch Logs gave the event"),
    field("", "aws.resource", Reading::Keyword, "The ARN or id of the member concerned"),
    field("", "event.ingested", Reading::DateTime, "When the forwarder received it"),
    field("", "logfleet.original_time", Reading::Keyword, "The event's own time, if it was implausible and replaced"),
    field("", "data_stream.type", Reading::Keyword, "The first part of the data stream's name"),
    field("", "data_stream.dataset", Reading::Keyword, "The middle part"),
    field("", "data_stream.namespace", Reading::Keyword, "The last part"),
];

/// The paths and types of [`COMMON`].
pub fn common_fields() -> impl Iterator<Item = (&'static str, FieldType)> {
    COMMON
        .iter()
        .map(|field| (field.target, field.field_type()))
}

/// The paths and types of [`ENVELOPE`].
pub fn envelope_fields() -> impl Iterator<Item = (&'static str, FieldType)> {
    ENVELOPE
        .iter()
        .map(|field| (field.target, field.field_type()))
}

/// Every field that a record of a flow log may have, by AWS's names and in the
/// order of <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>.
pub const fn flow_log_columns() -> &'static [&'static str] {
    vpc::COLUMNS
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn all() -> impl Iterator<Item = (&'static str, &'static Field)> {
        let tables = TABLES.iter();
        let rows = tables.flat_map(|table| table.fields.iter().map(|field| (table.title, field)));
        let common = COMMON.iter().map(|field| ("common", field));
        rows.chain(common)
            .chain(ENVELOPE.iter().map(|field| ("envelope", field)))
    }

    /// Streams are shared, so each pair of tables may meet in one mapping.
    #[test]
    fn a_path_has_one_type_whichever_table_names_it() {
        let mut types: BTreeMap<&str, (FieldType, &str)> = BTreeMap::new();
        for (table, field) in all() {
            let (kind, first) = *types
                .entry(field.target)
                .or_insert((field.field_type(), table));
            assert_eq!(
                kind,
                field.field_type(),
                "{}: {first} and {table}",
                field.target
            );
        }
        for path in types.keys() {
            let inner = format!("{path}.");
            let inside = types.keys().find(|other| other.starts_with(&inner));
            assert_eq!(inside, None, "`{path}` is a field and holds one");
        }
    }

    #[test]
    fn tables_leave_the_envelope_alone_and_say_what_each_field_is() {
        for (table, field) in all() {
            let is_envelope = ENVELOPE.iter().any(|own| own.target == field.target);
            assert!(
                !is_envelope || table == "envelope",
                "{table}: {}",
                field.target
            );
            assert!(
                !field.meaning.is_empty() && !field.meaning.ends_with('.'),
                "{}",
                field.target
            );
            assert!(
                !["@timestamp", "cluster"].contains(&field.target),
                "{}",
                field.target
            );
        }
    }

    /// Two rows of one table must not wait for the same place with the same source.
    #[test]
    fn no_row_stands_twice() {
        for table in TABLES {
            let mut rows: Vec<(&str, &str)> = table
                .fields
                .iter()
                .map(|row| (row.source, row.target))
                .collect();
            rows.sort_unstable();
            assert!(
                rows.windows(2).all(|pair| pair[0] != pair[1]),
                "{}",
                table.title
            );
        }
    }
}
