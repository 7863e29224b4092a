//! A group in one line, as Markdown, or as HTML in a `<summary>`, in which
//! Markdown isn't read.

use super::inline::{code, html};
use crate::diff::layout::summary::{Piece, Summary};
use crate::diff::preview::{ClusterRisk, Group};

/// Bytes of a name or a place.
const MAX_PLACE: usize = 72;

/// The line of a group, called `label` in front, with the risks in it.
pub(super) struct GroupLine(Vec<Piece>);

impl GroupLine {
    pub(super) fn new(label: &str, group: &Group, risks: &[ClusterRisk]) -> Self {
        let mut summary = Summary::within(MAX_PLACE);
        summary.words(&format!("{label} · "));
        for risk in risks {
            summary.words(if risk.acknowledged {
                "meant "
            } else {
                "danger "
            });
            summary.code(risk.flag.id());
            summary.words(" · ");
        }
        summary.who(group);
        if group.comments_only {
            summary.words(", comments and layout only");
        }
        summary.what(": ", group);
        Self(summary.into_pieces())
    }

    /// As Markdown, in one line without its end.
    pub(super) fn to_markdown(&self) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Code(text) => code(text, usize::MAX),
        });
        pieces.collect()
    }

    /// As HTML.
    pub(super) fn to_html(&self) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Words(words) => words.clone(),
            Piece::Code(text) => format!("<code>{}</code>", html(text, usize::MAX)),
        });
        pieces.collect()
    }
}
