//! Lays faults out as text or JSON. Pure: it returns what is to be printed.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style as Ansi};
use serde::Serialize;
use unicode_width::UnicodeWidthChar;

use crate::fault::{Fault, FaultKind, Faults, Place};
use crate::repeats::{self, Repeated};

/// How wide a tab is shown.
const TAB: usize = 4;
/// How many columns of a long line are shown around the caret.
const WINDOW: usize = 100;

/// Whether the text is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Bare text.
    #[default]
    Plain,
    /// With ANSI escapes.
    Coloured,
}

impl Style {
    pub(crate) fn paint(self, style: Ansi, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("{style}{text}{style:#}"),
        }
    }
}

const MESSAGE: Ansi = Ansi::new().bold();
const CARET: Ansi = AnsiColor::Red.on_default().bold();
const GUTTER: Ansi = AnsiColor::Blue.on_default();
const HINT: Ansi = AnsiColor::Cyan.on_default();

/// Lays out all faults, and `outcome` ("nothing was written") after their
/// number in the last line. Empty without a fault. What many clusters' outputs
/// have alike is reported, and counted, once.
pub fn to_text(faults: Faults, outcome: &str, style: Style) -> String {
    let faults = repeats::fold(faults.sorted());
    let mut text = String::new();
    for fault in &faults {
        write_fault(&mut text, fault, style);
        text.push('\n');
    }
    match faults.len() {
        0 => {}
        1 => text.extend(["1 error; ", outcome, "\n"]),
        many => text.extend([many.to_string().as_str(), " errors; ", outcome, "\n"]),
    }
    text
}

/// The report for `--format json`.
#[derive(Serialize)]
struct Report<'f> {
    faults: &'f [Fault],
    outcome: &'f str,
}

/// Lays out all faults as one JSON document.
pub fn to_json(faults: Faults, outcome: &str) -> String {
    let faults = faults.sorted();
    let report = Report {
        faults: &faults,
        outcome,
    };
    // Only maps with keys that are no text can fail, and there is none.
    serde_json::to_string_pretty(&report)
        .map(|text| text + "\n")
        .unwrap_or_default()
}

/// The exit code of a run with these faults: 0 none, 1 an input is wrong, 2
/// the surroundings are.
pub fn exit_code(faults: &[Fault]) -> u8 {
    match faults.iter().map(|fault| fault.kind).max() {
        None => 0,
        Some(FaultKind::Input) => 1,
        Some(FaultKind::Environment) => 2,
    }
}

fn write_fault(text: &mut String, repeated: &Repeated, style: Style) {
    let fault = &repeated.fault;
    if let Some(place) = &fault.place {
        text.extend([place.to_string().as_str(), ": "]);
    }
    text.push_str(&style.paint(MESSAGE, &printable(&fault.message)));
    text.push('\n');
    if let Some(place) = fault
        .place
        .as_ref()
        .filter(|place| !place.excerpt.trim().is_empty())
    {
        write_excerpt(text, place, style);
    }
    if let Some(clusters) = repeated.clusters() {
        text.extend([printable(&clusters).as_str(), "\n"]);
    }
    for hint in &fault.hints {
        text.extend([
            style.paint(HINT, "hint:").as_str(),
            " ",
            &printable(hint),
            "\n",
        ]);
    }
}

fn write_excerpt(text: &mut String, place: &Place, style: Style) {
    let number = place.line.to_string();
    let gutter = style.paint(GUTTER, "|");
    let shown = Excerpt::of(place);
    let caret = style.paint(CARET, &"^".repeat(shown.width));
    // `write!` into a String can't fail.
    let _ = writeln!(
        text,
        " {} {gutter} {}",
        style.paint(GUTTER, &number),
        shown.line
    );
    let _ = writeln!(
        text,
        " {} {gutter} {}{caret}",
        " ".repeat(number.len()),
        " ".repeat(shown.column)
    );
}

/// A line as it is shown, and where the caret goes, in terminal columns.
struct Excerpt {
    line: String,
    column: usize,
    width: usize,
}

impl Excerpt {
    fn of(place: &Place) -> Self {
        let (from, to) = (
            place.column.saturating_sub(1) as usize,
            (place.column + place.width - 1) as usize,
        );
        let characters: Vec<char> = place.excerpt.trim_end().chars().collect();
        let first = if characters.len() > WINDOW {
            from.saturating_sub(WINDOW / 2)
        } else {
            0
        };
        let mut shown = Self {
            line: String::new(),
            column: 0,
            width: 0,
        };
        if first > 0 {
            shown.line.push('…');
            shown.column = 1;
        }
        for (at, character) in characters.iter().enumerate().skip(first).take(WINDOW) {
            let width = shown.push(*character);
            if at < from {
                shown.column += width;
            } else if at < to {
                shown.width += width;
            }
        }
        if first + WINDOW < characters.len() {
            shown.line.push('…');
        }
        shown.width = shown.width.max(1);
        shown
    }

    fn push(&mut self, character: char) -> usize {
        match character {
            '\t' => {
                self.line.push_str(&" ".repeat(TAB));
                TAB
            }
            // Invisible and direction-changing characters would move the caret.
            _ if is_obeyed(character) => {
                push_shown(&mut self.line, character);
                character.escape_unicode().len()
            }
            _ => {
                self.line.push(character);
                character.width().unwrap_or(0)
            }
        }
    }
}

/// Characters that a terminal or a page would obey rather than show, or that
/// nobody can see: control characters, those that reorder a line
/// (<https://www.unicode.org/reports/tr9/>), those that are shown as nothing
/// (`Default_Ignorable_Code_Point`, <https://www.unicode.org/reports/tr44/>),
/// and blanks that look like a space.
pub(crate) fn is_obeyed(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    let is_unseen = matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    );
    is_unseen || character.is_control() || character.is_whitespace()
}

/// Appends a character as it is shown: in place of one that would be obeyed,
/// or not be seen, stands its number, `\u{200b}`, so that no two look the same.
pub(crate) fn push_shown(text: &mut String, character: char) {
    if is_obeyed(character) {
        text.extend(character.escape_unicode());
    } else {
        text.push(character);
    }
}

/// A message without characters that a terminal would obey. Ends of lines
/// stay, and a tab is as wide as it is elsewhere.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => printable.push('\n'),
            '\t' => printable.push_str(&" ".repeat(TAB)),
            _ => push_shown(&mut printable, character),
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::source_file::SourceFile;

    fn at(text: &str, piece: &str) -> Place {
        let start = text.find(piece).expect("there");
        SourceFile::new("clusters/x/cluster.yaml", text).place(start, start + piece.len())
    }

    fn some() -> Faults {
        let text = "streams:\n  applications:\n    retention: 3\n";
        [
            Fault::input("`streams.applications.retention` is not a setting")
                .at(at(text, "retention"))
                .hint("did you mean `retention_days`?"),
            Fault::input("a tab and wide characters").at(at("a:\t日本: [語, x]", "語")),
            Fault::environment("can't read `clusters/y`: permission denied"),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn shows_place_excerpt_caret_and_hints() {
        insta::assert_snapshot!(to_text(some(), "nothing was written", Style::Plain));
    }

    #[test]
    fn colours_only_when_asked() {
        let faults: Faults = Fault::input("wrong")
            .at(at("a: 1", "1"))
            .hint("write 2")
            .into();
        let coloured = to_text(faults, "nothing was written", Style::Coloured);
        insta::assert_snapshot!(coloured.escape_debug().to_string());
    }

    #[test]
    fn says_one_fault_and_no_fault() {
        assert_eq!(
            to_text(
                Fault::input("wrong").into(),
                "nothing was written",
                Style::Plain
            ),
            "wrong\n\n1 error; nothing was written\n"
        );
        assert_eq!(
            to_text(Faults::new(), "nothing was written", Style::Plain),
            ""
        );
    }

    #[test]
    fn shows_a_window_of_a_long_line() {
        let text = format!("[{}here{}]", "1, ".repeat(100), ", 1".repeat(100));
        let shown = Excerpt::of(&at(&text, "here"));
        assert!(shown.line.starts_with('…') && shown.line.ends_with('…'));
        let caret: String = shown
            .line
            .chars()
            .skip(shown.column)
            .take(shown.width)
            .collect();
        assert_eq!(caret, "here");
    }

    #[test]
    fn lets_no_escape_reach_the_terminal() {
        let faults: Faults = Fault::input("a \u{1b}[31m b \u{202e}").into();
        assert!(!to_text(faults, "", Style::Plain).contains(['\u{1b}', '\u{202e}']));
    }

    #[test]
    fn what_cannot_be_seen_is_reported_by_its_number() {
        let hidden = [
            ("a\u{200b}b", "a\\u{200b}b"),
            ("a\u{ad}b", "a\\u{ad}b"),
            ("a\u{a0}b", "a\\u{a0}b"),
            ("a\u{e0041}b", "a\\u{e0041}b"),
            ("a\u{3164}b", "a\\u{3164}b"),
            ("a\u{2028}b", "a\\u{2028}b"),
            ("a\tb\r", "a    b\\u{d}"),
        ];
        for (text, shown) in hidden {
            assert_eq!(printable(text), shown);
        }
        let seen = "a b\n日本語 ää e\u{301} → ·";
        assert_eq!(printable(seen), seen);
    }

    #[test]
    fn writes_json() {
        insta::assert_snapshot!(to_json(some(), "nothing was written"));
    }

    #[test]
    fn an_environment_fault_decides_the_exit_code() {
        assert_eq!(exit_code(&[]), 0);
        assert_eq!(exit_code(&[Fault::input("a")]), 1);
        assert_eq!(exit_code(&[Fault::environment("a"), Fault::input("b")]), 2);
    }
}
