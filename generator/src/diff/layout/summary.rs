//! A group in one line: who, what, where. Pure.

use serde_json::Value as Json;

use super::words::{and_more, count, cut_pair, cut_within};
use crate::diff::preview::{Detail, Group, Part};

/// Clusters that are named; more are counted.
const MAX_NAMED: usize = 3;
/// Characters of a value.
const MAX_VALUE: usize = 40;
/// Characters of a value that any is shown of.
const MAX_CUT: usize = 10_000;

/// A piece of a line.
pub(in crate::diff) enum Piece {
    /// Our own words, which hold no markup.
    Words(String),
    /// Anything.
    Code(String),
}

/// A line, piece by piece.
pub(in crate::diff) struct Summary {
    pieces: Vec<Piece>,
    max_place: usize,
}

impl Summary {
    /// An empty one, in which a name or a place has at most about so many bytes.
    pub(in crate::diff) fn within(max_place: usize) -> Self {
        Self {
            pieces: Vec::new(),
            max_place,
        }
    }

    /// Which clusters a group is of.
    pub(in crate::diff) fn who(&mut self, group: &Group) {
        if let [cluster] = group.clusters.as_slice() {
            return self.place(cluster);
        }
        let clusters = &group.clusters;
        self.words(&count(clusters.len(), "cluster"));
        for (number, cluster) in clusters.iter().take(MAX_NAMED).enumerate() {
            self.words(if number == 0 { " (" } else { ", " });
            self.place(cluster);
        }
        match clusters.len().saturating_sub(MAX_NAMED) {
            0 => self.words(")"),
            more => self.words(&format!(" {})", and_more(more, ""))),
        }
    }

    /// Its first place, after these words, and how many more there are.
    pub(in crate::diff) fn what(&mut self, before: &str, group: &Group) {
        if let Some(first) = group.parts.first() {
            self.words(before);
            self.part(first);
        }
        let more = group.parts.len().saturating_sub(1);
        if more > 0 {
            self.words(&format!(", {}", and_more(more, "place")));
        }
    }

    /// Words of our own.
    pub(in crate::diff) fn words(&mut self, words: &str) {
        self.pieces.push(Piece::Words(words.to_owned()));
    }

    /// Anything, as it is.
    pub(in crate::diff) fn code(&mut self, text: &str) {
        self.pieces.push(Piece::Code(text.to_owned()));
    }

    fn place(&mut self, text: &str) {
        self.code(&cut_within(text, self.max_place));
    }

    fn part(&mut self, part: &Part) {
        if let Some(file) = part.files.first() {
            self.place(file.object.as_ref().unwrap_or(&file.path));
            let more = part.files.len() - 1;
            if more > 0 {
                self.words(&format!(" {}", and_more(more, "file")));
            }
        }
        if !part.path.is_empty() {
            self.words(" ");
            self.place(&part.path);
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
                    let (old, new) = cut_pair(&old, &new, MAX_VALUE);
                    self.code(&old);
                    self.words(" → ");
                    self.code(&new);
                }
                _ => self.words("changed"),
            },
            Detail::Changed { .. } | Detail::Opaque { .. } => self.words("differs"),
            Detail::Added { new } => {
                self.words("added");
                if let Some(new) = short(new) {
                    self.words(": ");
                    self.code(&cut_within(&new, MAX_VALUE));
                }
            }
            Detail::Removed { .. } => self.words("removed"),
            Detail::Renamed { to } => {
                self.words("is called ");
                self.place(to);
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
                self.place(from);
            }
        }
    }

    /// The pieces.
    pub(in crate::diff) fn into_pieces(self) -> Vec<Piece> {
        self.pieces
    }
}

/// A value that fits into a line: no mapping, no list, no text of several lines.
fn short(value: &Json) -> Option<String> {
    match value {
        Json::Object(members) if !members.is_empty() => None,
        Json::Array(items) if !items.is_empty() => None,
        Json::String(text) if text.len() > MAX_CUT || text.contains('\n') => None,
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reported(old: &str, new: &str) -> String {
        let mut summary = Summary::within(72);
        summary.change(&Detail::Changed {
            old: json!(old),
            new: json!(new),
        });
        let pieces = summary.into_pieces().into_iter();
        let pieces = pieces.map(|(Piece::Words(text) | Piece::Code(text))| text);
        pieces.collect()
    }

    #[test]
    fn values_are_cut_where_they_differ() {
        assert_eq!(reported("1", "2"), "\"1\" → \"2\"");
        assert_eq!(reported("a\nb", "2"), "changed");
        let image = |tag| format!("registry.example.com/logging/fluentd:{tag}-debian");
        assert_eq!(
            reported(&image("1.19.0"), &image("1.20.0")),
            "…fluentd:1.19.0-debian\" → …fluentd:1.20.0-debian\""
        );
    }
}
