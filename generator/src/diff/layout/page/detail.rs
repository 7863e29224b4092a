//! What changes at a place: words, or blocks of old and new lines. Pure.
//!
//! Old lines that new ones replace are a block followed by theirs, so that a
//! style alone puts them below each other or side by side.

use std::ops::Range;

use super::markup::Markup;
use crate::diff::layout::changes::{Said, Values};
use crate::diff::layout::intraline::{Intraline, intraline, is_blank, without_end};
use crate::diff::layout::words::and_more;
use crate::diff::preview::{Detail, Line, Sign};

/// Bytes of a line in which what differs is marked.
const MAX_MARKED: usize = 2_000;
/// Characters of a word that are marked before, or after, what differs in it.
const MAX_WORD: usize = 12;

impl Markup {
    pub(super) fn detail(&mut self, detail: &Detail) {
        let said = Said::of(detail, Values::Opened);
        if !said.words.is_empty() {
            self.raw("<p>");
            self.spans(&said.words);
            self.raw("</p>\n");
        }
        self.lines(&said.lines, said.omitted);
    }

    /// A block for all lines of one sign that follow each other.
    fn lines(&mut self, lines: &[Line], omitted: usize) {
        if !lines.is_empty() {
            self.raw("<div class=\"diff\">");
            for block in intraline(lines).chunk_by(|one, next| one.line.sign == next.line.sign) {
                self.block(block);
            }
            self.raw("</div>\n");
        }
        if omitted > 0 {
            let words = and_more(omitted, "line");
            self.within(
                "<p class=\"soft\">",
                &words,
                ", which the preview leaves out</p>\n",
            );
        }
    }

    fn block(&mut self, lines: &[Intraline<'_>]) {
        let (open, mark) = match lines.first().map(|line| line.line.sign) {
            Some(Sign::Added) => ("<pre class=\"new\">", "+ "),
            Some(Sign::Removed) => ("<pre class=\"old\">", "- "),
            Some(Sign::Gap) => ("<pre class=\"gap\">", "… "),
            Some(Sign::Context) | None => ("<pre>", "  "),
        };
        self.raw(open);
        for (number, line) in lines.iter().enumerate() {
            if number > 0 {
                self.raw("\n");
            }
            self.raw(mark);
            self.line(line);
        }
        self.raw("</pre>");
    }

    /// Blanks are marked where they are all that differs, and at the end.
    fn line(&mut self, line: &Intraline<'_>) {
        let text = &line.line.text;
        if line.only_in_blanks {
            return self.blanks(text);
        }
        let rest = match line.line.sign {
            Sign::Added | Sign::Removed => without_end(text),
            Sign::Context | Sign::Gap => text,
        };
        match line.differs.clone().and_then(|range| to_mark(rest, range)) {
            Some(range) => {
                self.text(&rest[..range.start]);
                self.within("<mark>", &rest[range.clone()], "</mark>");
                self.text(&rest[range.end..]);
            }
            None => self.text(rest),
        }
        self.blanks(&text[rest.len()..]);
    }

    /// A text whose blanks the style shows; what is copied stays as it is.
    fn blanks(&mut self, text: &str) {
        let of_one_kind =
            |one: &char, next: &char| one == next || !(is_blank(*one) || is_blank(*next));
        let characters: Vec<char> = text.chars().collect();
        for run in characters.chunk_by(of_one_kind) {
            let text: String = run.iter().collect();
            match run.first() {
                Some(' ') => self.within("<span class=\"blank\">", &text, "</span>"),
                Some('\t') => self.within("<span class=\"tab\">", &text, "</span>"),
                _ => self.text(&text),
            }
        }
    }
}

/// What of a line is marked as different: whole words, if it is short, and
/// has at least a third in common with the other side's.
fn to_mark(text: &str, differs: Range<usize>) -> Option<Range<usize>> {
    let is_word = |c: &char| c.is_alphanumeric();
    let end = differs.end.min(text.len());
    let start = differs.start.min(end);
    let common = text.len() - (end - start);
    if start == end || text.len() > MAX_MARKED || common * 3 < text.len() {
        return None;
    }
    let bytes = |characters: &mut dyn Iterator<Item = char>| -> usize {
        let word = characters.take_while(is_word).take(MAX_WORD);
        word.map(char::len_utf8).sum()
    };
    let before = bytes(&mut text[..start].chars().rev());
    let after = bytes(&mut text[end..].chars());
    Some(start - before..end + after)
}
