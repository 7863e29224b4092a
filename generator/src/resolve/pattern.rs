//! Regular expressions that Fluentd's Ruby reads as we do. Pure.
//!
//! Fluentd compiles them with Onigmo, whose syntax is Ruby's
//! (<https://github.com/k-takata/Onigmo/blob/master/doc/RE>). Our own engine
//! knows a little more; what only it knows would stop Fluentd at its start.

use std::cell::RefCell;
use std::collections::BTreeMap;

use fancy_regex::{Expr, LookAround};

/// Why a text is no regular expression in Ruby, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PatternFault {
    pub(super) message: String,
    pub(super) hint: &'static str,
}

thread_local! {
    /// What came of each pattern seen. Compiling one costs more than all else
    /// that is resolved, and clusters share most of them.
    static SEEN: RefCell<BTreeMap<String, Result<(), PatternFault>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Checks a pattern, each but once a thread.
pub(super) fn check(pattern: &str) -> Result<(), PatternFault> {
    SEEN.with_borrow_mut(|seen| match seen.get(pattern) {
        Some(result) => result.clone(),
        None => seen
            .entry(pattern.to_owned())
            .or_insert(compile(pattern))
            .clone(),
    })
}

fn compile(pattern: &str) -> Result<(), PatternFault> {
    if let Err(error) = fancy_regex::Regex::new(pattern) {
        return Err(PatternFault {
            message: format!(
                "this is not a regular expression: {}",
                reason(pattern, &error)
            ),
            hint: "a `\\` before a special character escapes it",
        });
    }
    if groups(pattern).any(|group| group.starts_with('P')) {
        return Err(PatternFault {
            message: "Fluentd's Ruby doesn't know `(?P`".to_owned(),
            hint: "a group with a name is written `(?<name>…)`",
        });
    }
    if groups(pattern).any(has_foreign_flag) {
        return Err(PatternFault {
            message: "Fluentd's Ruby knows no other flags than `i`, `m` and `x`".to_owned(),
            hint: "`(?m)` lets `.` match a newline in Ruby, as `(?s)` does elsewhere",
        });
    }
    let varies = Expr::parse_tree(pattern).is_ok_and(|tree| has_varying_look_behind(&tree.expr));
    if varies {
        return Err(PatternFault {
            message: "a look-behind must not repeat anything in Fluentd's Ruby".to_owned(),
            hint: "look behind for a text of one length, or match what comes before",
        });
    }
    Ok(())
}

/// What follows each `(?` that is not escaped and in no bracket.
fn groups(pattern: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    let mut brackets = 0_usize;
    pattern.char_indices().filter_map(move |(at, character)| {
        if std::mem::take(&mut escaped) {
            return None;
        }
        match character {
            '\\' => escaped = true,
            '[' => brackets += 1,
            ']' => brackets = brackets.saturating_sub(1),
            '(' if brackets == 0 => return pattern[at..].strip_prefix("(?"),
            _ => {}
        }
        None
    })
}

/// Whether a group's start, such as `s:` or `i-s)`, sets a flag that Ruby lacks.
fn has_foreign_flag(group: &str) -> bool {
    let end = group
        .find(|c: char| !c.is_ascii_alphabetic() && c != '-')
        .unwrap_or(group.len());
    let sets_flags = group[end..].starts_with([':', ')']);
    sets_flags && group[..end].contains(|c: char| !matches!(c, 'i' | 'm' | 'x' | '-'))
}

fn has_varying_look_behind(expression: &Expr) -> bool {
    let behind = match expression {
        Expr::LookAround(inner, LookAround::LookBehind | LookAround::LookBehindNeg) => {
            varies(inner)
        }
        _ => false,
    };
    behind || expression.children_iter().any(has_varying_look_behind)
}

fn varies(expression: &Expr) -> bool {
    matches!(expression, Expr::Repeat { lo, hi, .. } if lo != hi)
        || expression.children_iter().any(varies)
}

/// What is wrong, in the words of the engine that knows best: what ours hands
/// on to `regex` comes back without them.
fn reason(pattern: &str, error: &fancy_regex::Error) -> String {
    let text = match (error, regex::Regex::new(pattern)) {
        (fancy_regex::Error::CompileError(_), Err(error)) => error.to_string(),
        _ => error.to_string(),
    };
    let last = text.lines().last().unwrap_or_default().trim();
    let reported = last.split_once(": ").map_or(last, |(_, reported)| reported);
    let mut characters = reported.trim_end_matches('.').chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(characters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(pattern: &str) -> String {
        check(pattern).expect_err(pattern).message
    }

    #[test]
    fn lets_pass_what_ruby_knows() {
        for pattern in [
            r"^\d{4}-\d{2}",
            r"^(?!Traceback|\s)",
            r"(?<=ab)c",
            r"(?<!\bx|yz)c",
            r"(?<name>a)\k<name>",
            r"(?i)get /(?:a|b)(?m:.)",
            r"\(?P[(?s)]",
            r"[[:alpha:]]+(?>a|b)\z",
        ] {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn refuses_what_ruby_does_not_know() {
        assert!(reported("(?P<a>x)").contains("(?P"));
        assert!(reported("(?s)x").contains("flags"));
        assert!(reported("a(?i-s:x)").contains("flags"));
        assert!(reported("(?<=a+)x").contains("look-behind"));
        assert!(reported("(?<!(?:a{1,2}))x").contains("look-behind"));
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(
            reported("a(b"),
            "this is not a regular expression: opening parenthesis without closing parenthesis"
        );
        assert!(reported("[z-a]").contains("range"), "{}", reported("[z-a]"));
    }
}
