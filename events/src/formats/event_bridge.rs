//! Events of EventBridge. One that comes from CloudTrail holds a record of it. Pure.

use super::is_object;
use super::object::Reader;
use crate::compiled::compiled;
use crate::fault::Fault;
use crate::field::TableName;
use crate::json::Cursor;
use crate::writer::Writer;

/// How the type of an event ends that CloudTrail told EventBridge:
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>.
const FROM_CLOUDTRAIL: &str = "via CloudTrail";

pub(super) fn write(text: &str, writer: &mut Writer<'_>) -> Result<(), Fault> {
    if !is_object(text) {
        return Err(Fault("not a JSON object"));
    }
    let (table, trail) = (TableName::EventBridge, TableName::CloudTrail);
    let mut reader = Reader::new(writer);
    let Some(detail) = detail_of_trail(text) else {
        let mut cursor = Cursor::new(text);
        reader.object(&mut cursor, &compiled(table).root, true)?;
        cursor.ends()?;
        reader.finish(&[table]);
        return Ok(());
    };
    let root = &compiled(table).root;
    let mut cursor = Cursor::new(text);
    reader.object_but(&mut cursor, root, "detail")?;
    cursor.ends()?;
    reader.object(&mut Cursor::new(detail), &compiled(trail).root, true)?;
    reader.finish(&[table, trail]);
    Ok(())
}

/// The record of CloudTrail in an event, if it has one.
fn detail_of_trail(text: &str) -> Option<&str> {
    memchr::memmem::find(text.as_bytes(), FROM_CLOUDTRAIL.as_bytes())?;
    let (mut from_trail, mut detail) = (false, None);
    let read = Cursor::new(text).object(|cursor, key| {
        let value = cursor.skip()?;
        match key {
            "detail-type" => from_trail = value.trim_end_matches('"').ends_with(FROM_CLOUDTRAIL),
            "detail" if value.starts_with('{') => detail = Some(value),
            _ => {}
        }
        Ok(())
    });
    read.ok()?;
    detail.filter(|_| from_trail)
}
