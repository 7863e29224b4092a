//! The settings that changed, with what they reach.

use std::borrow::Cow;
use std::collections::BTreeSet;

use logfleet_contract::folder::{ACCOUNTS, FLEET};
use serde_json::Value as Json;

use crate::diff::layout::document::{Names, Row, Section, Table, Text, Tone};
use crate::diff::layout::words::{count, cut_pair};
use crate::diff::preview::{Detail, Preview, SettingChange, SettingReach};

/// Files that are named beside a setting; more are counted.
const MAX_PLACES: usize = 2;
/// Characters of a value.
const MAX_VALUE: usize = 60;
/// Characters of a value that any is shown of.
const MAX_CUT: usize = 10_000;

pub(in crate::diff) fn settings(preview: &Preview) -> Section<'_> {
    let rows = preview.settings.iter().map(|setting| Row {
        tone: match setting.reach {
            SettingReach::Nothing => Tone::Quiet,
            _ => Tone::Plain,
        },
        ..Row::of([
            Text::default().code(&setting.path),
            change(setting),
            place(setting),
            reach(&setting.reach),
        ])
    });
    Section::of(
        "Settings that changed",
        Table {
            class: "settings",
            columns: &["Setting", "Change", "Where", "What it reaches"],
            narrow: 0,
            below: 2,
            noun: "setting",
            max_rows: 30,
            rows: rows.collect(),
            rest: None,
        },
    )
}

/// Both values; of what doesn't fit into a line, what becomes of it.
fn change(setting: &SettingChange) -> Text<'static> {
    let (before, after) = (setting.before.as_ref(), setting.after.as_ref());
    let (detail, word) = match (before.cloned(), after.cloned()) {
        (Some(old), Some(new)) if old == new => {
            return Text::default().words("differs; what it is, is not shown");
        }
        (Some(old), Some(new)) => (Detail::Changed { old, new }, "changed"),
        (Some(old), None) => (Detail::Removed { old }, "removed"),
        (None, Some(new)) => (Detail::Added { new }, "added"),
        (None, None) => return Text::default(),
    };
    let (below, before, after) = only_difference(before, after);
    let (short, is_whole) = match in_line(before, after) {
        None => (Text::default().words(word), false),
        Some(values) if below.is_empty() => values,
        Some((values, _)) => {
            let name = Text::default().code(below.join(".")).words(" ");
            (name.and(values), false)
        }
    };
    if is_whole {
        short
    } else {
        Text::default().change(short, detail)
    }
}

/// Of two mappings with one difference, where that is below them, and both values there.
fn only_difference<'v>(
    before: Option<&'v Json>,
    after: Option<&'v Json>,
) -> (Vec<&'v str>, Option<&'v Json>, Option<&'v Json>) {
    let (Some(Json::Object(old)), Some(Json::Object(new))) = (before, after) else {
        return (Vec::new(), before, after);
    };
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut differing = keys
        .into_iter()
        .filter(|key| old.get(*key) != new.get(*key));
    match (differing.next(), differing.next()) {
        (Some(key), None) => {
            let (below, before, after) = only_difference(old.get(key), new.get(key));
            ([vec![key.as_str()], below].concat(), before, after)
        }
        _ => (Vec::new(), before, after),
    }
}

/// Two values in a line, and whether that is all of them; none if they don't fit.
fn in_line(before: Option<&Json>, after: Option<&Json>) -> Option<(Text<'static>, bool)> {
    let value = |value: Option<&Json>| value.map_or(Some(None), |value| short(value).map(Some));
    let (before, after) = (value(before)?, value(after)?);
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let (old, new) = (text(&before), text(&after));
    let (old_cut, new_cut) = cut_pair(&old, &new, MAX_VALUE);
    let is_whole = old == old_cut && new == new_cut;
    let shown = |value: Option<String>, cut: String| match value {
        Some(_) => Text::default().code(cut),
        None => Text::default().words("not set"),
    };
    let text = shown(before, old_cut)
        .words(" → ")
        .and(shown(after, new_cut));
    Some((text, is_whole))
}

/// A value that fits into a line: plain, or a list of plain ones.
fn short(value: &Json) -> Option<String> {
    let is_plain = |value: &Json| match value {
        Json::Object(members) => members.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::String(text) => text.len() <= MAX_CUT && !text.contains('\n'),
        _ => true,
    };
    match value {
        Json::Array(items) if items.iter().all(is_plain) => {
            let items: Vec<String> = items.iter().map(Json::to_string).collect();
            Some(format!("[{}]", items.join(", "))).filter(|text| text.len() <= MAX_CUT)
        }
        other => is_plain(other).then(|| other.to_string()),
    }
}

/// Where it is set; of a setting that is removed, where it was.
fn place(setting: &SettingChange) -> Text<'_> {
    let places = setting.places.iter();
    let places = places.map(|place| Cow::Owned(format!("{}:{}", place.file, place.line)));
    let text = Text::default().names(Names {
        all: places.collect(),
        count: String::new(),
        max_shown: MAX_PLACES,
    });
    match &setting.after {
        Some(_) => text,
        None => text.words(" at the base"),
    }
}

fn reach(reach: &SettingReach) -> Text<'_> {
    let text = Text::default();
    match reach {
        SettingReach::AllClusters { count: all } => text.words(format!("all {all} clusters")),
        SettingReach::Clusters { clusters, of } => {
            let number = format!("{} of {}", clusters.len(), count(*of, "cluster"));
            text.clusters(clusters.iter().map(String::as_str), number)
        }
        SettingReach::SharedFiles { folders } => {
            let folders = folders.iter().map(|name| match name.as_str() {
                FLEET => Text::default().words("files of the whole fleet"),
                ACCOUNTS => Text::default().words("files of accounts"),
                other => Text::default().words("files of ").code(other),
            });
            folders.fold(text, |text, folder| {
                if text.is_empty() {
                    folder
                } else {
                    text.words(", ").and(folder)
                }
            })
        }
        SettingReach::Nothing => text.words("changes nothing that is rendered"),
        SettingReach::NotCompared => text.words("not compared"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diff::layout::document::Span;
    use crate::diff::preview::InputScope;

    fn reported(before: Option<Json>, after: Option<Json>) -> String {
        fn text(whole: &Text<'_>) -> String {
            let spans = whole.spans().iter().map(|span| match span {
                Span::Change(short, _) => format!("({})", text(short)),
                Span::Words(words) | Span::Code(words) | Span::Note(words) => words.clone(),
                Span::Names(_) | Span::Totals(_) => String::new(),
            });
            spans.collect()
        }
        text(&change(&SettingChange {
            path: "x".to_owned(),
            scope: InputScope::Fleet,
            before,
            after,
            places: Vec::new(),
            reach: SettingReach::Nothing,
        }))
    }

    #[test]
    fn a_change_is_said_in_a_line_and_else_opened() {
        let rule = |lines, wait| json!({"lines": {"max": lines}, "wait": wait});
        for (before, after, expected) in [
            (Some(json!(500)), Some(json!(300)), "500 → 300"),
            (None, Some(json!(["a", 1])), "not set → [\"a\", 1]"),
            (Some(json!(1)), Some(Json::Null), "1 → null"),
            (Some(json!("a")), None, "\"a\" → not set"),
            (
                Some(json!("*****")),
                Some(json!("*****")),
                "differs; what it is, is not shown",
            ),
            (Some(rule(1, 2)), Some(rule(3, 2)), "(lines.max 1 → 3)"),
            (Some(json!({})), Some(json!({"a": 1})), "(a not set → 1)"),
            (Some(rule(1, 2)), Some(rule(3, 4)), "(changed)"),
            (None, Some(rule(3, 4)), "(added)"),
            (Some(rule(3, 4)), None, "(removed)"),
            (Some(json!("a\nb")), Some(json!("c")), "(changed)"),
        ] {
            assert_eq!(reported(before, after), expected);
        }
        let long = reported(Some(json!("a".repeat(99))), Some(json!("b")));
        assert!(
            long.starts_with("(\"aaa") && long.contains("… → "),
            "{long}"
        );
    }
}
