//! What Tera complains of, as faults with a place. Pure.

use tera::{Error, ErrorKind};

use crate::fault::{Fault, Place};

/// The faults of an error that came up in `template`, or while all templates
/// were put together if that is empty. At least one.
pub(super) fn faults(error: &Error, template: &str) -> Vec<Fault> {
    match error.kind() {
        ErrorKind::CircularInclude { tpl, include_chain } => {
            vec![circle(tpl, "includes itself", include_chain)]
        }
        ErrorKind::CircularExtend {
            tpl,
            inheritance_chain,
        } => {
            vec![circle(tpl, "extends itself", inheritance_chain)]
        }
        _ => {
            let text = error.to_string();
            let reports: Vec<Fault> = reports(&text).filter_map(read_report).collect();
            if reports.is_empty() {
                vec![bare(&text, template)]
            } else {
                reports
            }
        }
    }
}

fn circle(template: &str, what: &str, chain: &[String]) -> Fault {
    Fault::input(format!("the template {what}: {}", chain.join(" → "))).at(Place {
        file: format!("templates/{template}"),
        line: 1,
        column: 1,
        excerpt: String::new(),
        width: 1,
    })
}

/// An error without a place of its own.
fn bare(text: &str, template: &str) -> Fault {
    let message = lower_first(text.trim_end_matches('.'));
    if template.is_empty() {
        return Fault::input(format!("templates: {message}"));
    }
    let fault = Fault::input(format!("the template `{template}`: {message}"));
    if message.contains("recursion depth") {
        fault.hint("one of its components calls itself without an end")
    } else {
        fault
    }
}

/// Tera lays out each of its errors as
///
/// ```text
/// error: Unknown filter `jsn`
///  --> extra.txt:1:19
///   |
/// 1 | {{ cluster.name | jsn }}
///   |                   ^^^
/// ```
///
/// and several below each other.
fn reports(text: &str) -> impl Iterator<Item = &str> {
    text.split("error: ").skip(1)
}

fn read_report(report: &str) -> Option<Fault> {
    let mut lines = report.lines();
    let message = lines.next()?;
    let mut place = lines
        .next()?
        .trim_start()
        .strip_prefix("--> ")?
        .rsplitn(3, ':');
    let (column, line, file) = (place.next()?, place.next()?, place.next()?);
    let excerpt = lines
        .nth(1)
        .and_then(|line| line.split_once(" | "))
        .map_or("", |(_, excerpt)| excerpt);
    let width = lines
        .next()
        .map_or(0, |underline| underline.matches('^').count());
    let (message, known) = split_known(message);
    let fault = Fault::input(format!(
        "template: {}",
        lower_first(message.trim_end_matches('.'))
    ))
    .at(Place {
        file: format!("templates/{file}"),
        line: line.parse().ok()?,
        column: column.parse().ok()?,
        excerpt: excerpt.to_owned(),
        width: u32::try_from(width.max(1)).ok()?,
    });
    Some(match known {
        Some(known) => fault.hint(known),
        None => fault,
    })
}

/// Tera names what there is instead in a second sentence: a hint.
fn split_known(message: &str) -> (&str, Option<String>) {
    match message.split_once(". Available ") {
        Some((message, known)) => (message, Some(format!("available {known}"))),
        None => (message, None),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}
