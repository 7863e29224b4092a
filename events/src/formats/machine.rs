//! Lines of machines: syslog in its forms, and the kernel's own. Pure.

use crate::compiled::compiled;
use crate::fault::Fault;
use crate::field::TableName;
use crate::time::{MONTHS, Time};
use crate::value;
use crate::writer::Writer;

const UNKNOWN: Fault = Fault("no line of syslog");

fn field(source: &str, text: &str, writer: &mut Writer<'_>) {
    if let Some(node) = compiled(TableName::Machine)
        .root
        .child(source.as_bytes(), &mut 0)
    {
        for field in &node.fields {
            value::write(field, text, writer);
        }
    }
}

/// A line of the kernel, with syslog's head or only with the seconds since it
/// started: `[    0.000000] Linux version 6.1.0`.
pub(super) fn kernel(text: &str, writer: &mut Writer<'_>) -> Result<(), Fault> {
    if text.starts_with('[') {
        field("program", "kernel", writer);
        return Ok(());
    }
    syslog(text, writer)
}

/// A line by RFC 5424, by RFC 3164, or as rsyslog writes it to files.
pub(super) fn syslog(text: &str, writer: &mut Writer<'_>) -> Result<(), Fault> {
    let rest = match priority(text) {
        Some((severity, rest)) => {
            field("severity", severity, writer);
            rest
        }
        None => text,
    };
    let read = rfc5424(rest, writer).or_else(|| {
        let rest = date(rest, writer)?;
        let (host, rest) = rest.trim_ascii_start().split_once(' ')?;
        field("host", host, writer);
        program(rest, writer);
        Some(())
    });
    read.ok_or(UNKNOWN)
}

/// The severity of `<34>`: <https://www.rfc-editor.org/rfc/rfc5424#section-6.2.1>.
fn priority(text: &str) -> Option<(&'static str, &str)> {
    const SEVERITIES: [&str; 8] = ["0", "1", "2", "3", "4", "5", "6", "7"];
    let (number, rest) = text.strip_prefix('<')?.split_once('>')?;
    let number: usize = number.parse().ok().filter(|number| *number <= 191)?;
    Some((SEVERITIES[number % 8], rest))
}

/// `1 2003-10-11T22:14:15.003Z host program 123 ID47 - text`
fn rfc5424(text: &str, writer: &mut Writer<'_>) -> Option<()> {
    let mut parts = text.strip_prefix("1 ")?.splitn(5, ' ');
    let time = parts
        .next()
        .filter(|time| *time == "-" || Time::read(time).is_some())?;
    let (host, program, process) = (parts.next()?, parts.next()?, parts.next()?);
    field("time", time, writer);
    field("host", host, writer);
    field("program", program, writer);
    field("process", process, writer);
    Some(())
}

/// Passes `Jan  2 03:04:05`, which has no year, or a date by ISO 8601.
fn date<'t>(text: &'t str, writer: &mut Writer<'_>) -> Option<&'t str> {
    let (first, rest) = text.split_once(' ')?;
    if MONTHS.iter().any(|month| first.as_bytes() == *month) {
        let (day, rest) = rest.trim_ascii_start().split_once(' ')?;
        let (time, rest) = rest.split_once(' ')?;
        let is_day = day.len() <= 2 && day.bytes().all(|byte| byte.is_ascii_digit());
        let is_time = time.len() == 8
            && time
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b':');
        return (is_day && is_time).then_some(rest);
    }
    Time::read(first)?;
    field("time", first, writer);
    Some(rest)
}

/// `sshd[123]: text` or `kernel: text`
fn program(text: &str, writer: &mut Writer<'_>) {
    let Some((head, _)) = text.split_once(':') else {
        return;
    };
    if head.contains(' ') {
        return;
    }
    match head.strip_suffix(']').and_then(|head| head.split_once('[')) {
        Some((name, process)) => {
            field("program", name, writer);
            field("process", process, writer);
        }
        None => field("program", head, writer),
    }
}
