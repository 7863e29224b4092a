//! What a control plane of EKS logs: the audit log as JSON, the components'
//! lines in the form of klog, the authenticator's as pairs of keys and values.
//! Pure.

use super::{is_object, object};
use crate::compiled::compiled;
use crate::fault::Fault;
use crate::field::TableName;
use crate::value;
use crate::writer::Writer;

const UNKNOWN: Fault = Fault("neither an audit event nor a line of a component");

pub(super) fn write(text: &str, writer: &mut Writer<'_>) -> Result<(), Fault> {
    if is_object(text) {
        return object::write(TableName::EksControlPlane, text, writer);
    }
    if klog(text, writer).is_some() || pairs(text, writer).is_some() {
        return Ok(());
    }
    Err(UNKNOWN)
}

/// Writes the fields of a source that isn't part of JSON.
fn field(source: &str, text: &str, writer: &mut Writer<'_>) {
    if let Some(node) = compiled(TableName::EksComponent)
        .root
        .child(source.as_bytes(), &mut 0)
    {
        for field in &node.fields {
            value::write(field, text, writer);
        }
    }
}

/// `I0102 03:04:05.678901       1 controller.go:123] text`, which has no year:
/// <https://github.com/kubernetes/klog/blob/main/klog.go>.
fn klog(text: &str, writer: &mut Writer<'_>) -> Option<()> {
    let bytes = text.as_bytes();
    let level = match bytes.first()? {
        b'I' => "info",
        b'W' => "warning",
        b'E' => "error",
        b'F' => "fatal",
        _ => return None,
    };
    let date = bytes.get(1..6)?;
    if !date[..4].iter().all(u8::is_ascii_digit) || date[4] != b' ' {
        return None;
    }
    let (head, _) = text.split_once("] ")?;
    let mut parts = head.split_ascii_whitespace();
    let (_, time, thread, place) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || time.len() != 15 {
        return None;
    }
    let (file, line) = place.rsplit_once(':')?;
    field("level", level, writer);
    field("thread", thread, writer);
    field("file", file, writer);
    field("line", line, writer);
    Some(())
}

/// `time="2022-12-26T20:48:31Z" level=warning msg="…" arn="…"`: the form of logfmt.
fn pairs(text: &str, writer: &mut Writer<'_>) -> Option<()> {
    let mut rest = text.strip_prefix("time=").map(|_| text)?;
    while let Some((key, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => end_of_quotes(quoted),
            None => after.split_at(after.find(' ').unwrap_or(after.len())),
        };
        match key {
            "time" | "level" | "arn" | "client" | "method" | "path" | "uid" | "username"
            | "groups" => {
                field(key, value, writer);
            }
            _ => {}
        }
        rest = after.trim_ascii_start();
    }
    Some(())
}

/// A text up to a quote that isn't escaped, and what follows it.
fn end_of_quotes(text: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' if !escaped => return (&text[..at], &text[at + 1..]),
            byte => escaped = byte == b'\\' && !escaped,
        }
    }
    (text, "")
}
