//! A group in one line: who, what, where.

use serde_json::Value as Json;

use super::inline::{code, html};
use crate::diff::preview::{Detail, Group, Part};
use crate::diff::words::count;

/// Clusters that are named; more are counted.
const MAX_NAMED: usize = 3;
/// Bytes of a name or a place.
const MAX_PLACE: usize = 72;
/// Bytes of a value.
const MAX_VALUE: usize = 40;

/// A line that is laid out as Markdown, or as HTML in a `<summary>`, in which
/// Markdown isn't read.
pub(super) struct Summary(Vec<Piece>);

enum Piece {
    /// Our own words, which hold no markup.
    Words(String),
    /// Anything, up to so many bytes.
    Code(String, usize),
}

impl Summary {
    /// That of a group, called `label` in front.
    pub(super) fn new(label: &str, group: &Group) -> Self {
        let mut summary = Self(Vec::new());
        summary.words(&format!("{label} · "));
        summary.who(&group.clusters);
        if group.comments_only {
            summary.words(", comments and layout only");
        }
        if let Some(first) = group.parts.first() {
            summary.words(": ");
            summary.what(first);
        }
        let more = group.parts.len().saturating_sub(1);
        if more > 0 {
            summary.words(&format!(", and {} more", count(more, "place")));
        }
        summary
    }

    fn words(&mut self, words: &str) {
        self.0.push(Piece::Words(words.to_owned()));
    }

    fn code(&mut self, text: &str, max_bytes: usize) {
        self.0.push(Piece::Code(text.to_owned(), max_bytes));
    }

    fn who(&mut self, clusters: &[String]) {
        if let [cluster] = clusters {
            return self.code(cluster, MAX_PLACE);
        }
        self.words(&count(clusters.len(), "cluster"));
        for (number, cluster) in clusters.iter().take(MAX_NAMED).enumerate() {
            self.words(if number == 0 { " (" } else { ", " });
            self.code(cluster, MAX_PLACE);
        }
        match clusters.len().saturating_sub(MAX_NAMED) {
            0 => self.words(")"),
            more => self.words(&format!(" and {more} more)")),
        }
    }

    fn what(&mut self, part: &Part) {
        if let Some(file) = part.files.first() {
            self.code(file.object.as_ref().unwrap_or(&file.path), MAX_PLACE);
            let more = part.files.len() - 1;
            if more > 0 {
                self.words(&format!(" and {} more", count(more, "file")));
            }
        }
        if !part.path.is_empty() {
            self.words(" ");
            self.code(&part.path, MAX_PLACE);
        }
        let Some((usual, others)) = part.variants.split_first() else {
            return;
        };
        self.words(" ");
        self.change(&usual.detail);
        let otherwise: usize = others.iter().map(|variant| variant.clusters.len()).sum();
        if otherwise > 0 {
            self.words(&format!(" (otherwise in {})", count(otherwise, "cluster")));
        }
    }

    fn change(&mut self, detail: &Detail) {
        match detail {
            Detail::Changed { old, new } if old != new => match (short(old), short(new)) {
                (Some(old), Some(new)) => {
                    self.code(&old, MAX_VALUE);
                    self.words(" → ");
                    self.code(&new, MAX_VALUE);
                }
                _ => self.words("changed"),
            },
            Detail::Changed { .. } | Detail::Opaque { .. } => self.words("differs"),
            Detail::Added { new } => {
                self.words("added");
                if let Some(new) = short(new) {
                    self.words(": ");
                    self.code(&new, MAX_VALUE);
                }
            }
            Detail::Removed { .. } => self.words("removed"),
            Detail::Renamed { to } => {
                self.words("is called ");
                self.code(to, MAX_VALUE);
            }
            Detail::Reordered { .. } => self.words("reordered"),
            Detail::Lines { .. } | Detail::Comments { .. } => self.words("lines differ"),
            Detail::LineEnds => self.words("ends of lines differ"),
            Detail::FileAdded { .. } | Detail::FileAddedOtherwise { .. } => {
                self.words("is a new file");
            }
            Detail::FileRemoved => self.words("is no longer there"),
            Detail::FileRenamed { from } => {
                self.words("was called ");
                self.code(from, MAX_PLACE);
            }
        }
    }

    /// As Markdown, in one line without its end.
    pub(super) fn to_markdown(&self) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Code(text, max_bytes) => code(text, *max_bytes),
        });
        pieces.collect()
    }

    /// As HTML.
    pub(super) fn to_html(&self) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Code(text, max_bytes) => format!("<code>{}</code>", html(text, *max_bytes)),
        });
        pieces.collect()
    }
}

/// A value that is no mapping or list, as far as it is shown.
fn short(value: &Json) -> Option<String> {
    match value {
        Json::Object(members) if !members.is_empty() => None,
        Json::Array(items) if !items.is_empty() => None,
        Json::String(text) => {
            let start: String = text.chars().take(MAX_VALUE).collect();
            Some(Json::String(start).to_string())
        }
        other => Some(other.to_string()),
    }
}
