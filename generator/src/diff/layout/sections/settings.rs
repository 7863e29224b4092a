//! The settings that changed, with what they reach.

use std::borrow::Cow;

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
    let detail = match (&setting.before, &setting.after) {
        (Some(old), Some(new)) if old == new => {
            return Text::default().words("differs; what it is, is not shown");
        }
        (Some(old), Some(new)) => Detail::Changed {
            old: old.clone(),
            new: new.clone(),
        },
        (Some(old), None) => Detail::Removed { old: old.clone() },
        (None, Some(new)) => Detail::Added { new: new.clone() },
        (None, None) => return Text::default(),
    };
    let in_line = |value: &Option<Json>| {
        value
            .as_ref()
            .map_or(Some(None), |value| short(value).map(Some))
    };
    let (Some(before), Some(after)) = (in_line(&setting.before), in_line(&setting.after)) else {
        let word = match detail {
            Detail::Added { .. } => "added",
            Detail::Removed { .. } => "removed",
            _ => "changed",
        };
        return Text::default().change(Text::default().words(word), detail);
    };
    let (old, new) = (
        before.as_deref().unwrap_or(""),
        after.as_deref().unwrap_or(""),
    );
    let (old_cut, new_cut) = cut_pair(old, new, MAX_VALUE);
    let value = |text: Text<'static>, value: &Option<String>, cut: &str| match value {
        Some(_) => text.code(cut),
        None => text.words("not set"),
    };
    let text = value(Text::default(), &before, &old_cut).words(" → ");
    let text = value(text, &after, &new_cut);
    if (old, new) == (old_cut.as_str(), new_cut.as_str()) {
        text
    } else {
        Text::default().change(text, detail)
    }
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
        names: places.collect(),
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
            let folders: Vec<String> = folders.iter().map(|name| format!("{name}/")).collect();
            text.words("only ").code(folders.join(", "))
        }
        SettingReach::Nothing => text.words("changes nothing that is rendered"),
        SettingReach::NotCompared => text.words("not compared"),
    }
}
