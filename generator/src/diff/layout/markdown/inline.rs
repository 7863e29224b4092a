//! Texts within a line, so that nothing in them is markup.

use crate::diff::layout::words::listed;
use crate::report::push_shown;

/// Bytes of a cluster's name.
const MAX_NAME: usize = 64;

/// A text in one line: what would be obeyed rather than shown is replaced, and
/// what is too long is cut.
pub(super) fn plain(text: &str, max_bytes: usize) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        let before = shown.len();
        match character {
            '\n' => shown.push('↵'),
            '\t' => shown.push('\t'),
            _ => push_shown(&mut shown, character),
        }
        if shown.len() > max_bytes {
            shown.truncate(before);
            shown.push('…');
            break;
        }
    }
    shown
}

/// The longest run of backticks.
pub(super) fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or(0)
}

/// A text as code, within delimiters that it can't end
/// (<https://spec.commonmark.org/0.31.2/#code-spans>).
pub(super) fn code(text: &str, max_bytes: usize) -> String {
    let text = plain(text, max_bytes).replace('\t', " ");
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let delimiter = "`".repeat(longest_run(&text) + 1);
    // A space on both sides is taken away again.
    let edge = |c: char| c == '`' || c == ' ';
    let space = if text.starts_with(edge) || text.ends_with(edge) {
        " "
    } else {
        ""
    };
    format!("{delimiter}{space}{text}{space}{delimiter}")
}

/// A sentence: plain words as they are, all else as code. A forge makes links
/// of much that Markdown doesn't (`@name`, `#1`, `GH-1`, hashes, `www.`), and
/// knows no escape for it but code.
pub(super) fn prose(text: &str, max_bytes: usize) -> String {
    let text = plain(text, max_bytes);
    let mut words = Words::default();
    let is_quoted = longest_run(&text) < 2 && text.matches('`').count().is_multiple_of(2);
    if !is_quoted {
        words.words(&text);
        return words.into_text();
    }
    for (number, piece) in text.split('`').enumerate() {
        if number % 2 == 1 {
            words.code(piece);
        } else {
            words.between_code(piece, number > 0);
        }
    }
    words.into_text()
}

/// Words of a sentence; those that are no plain ones gather in one code span.
#[derive(Default)]
struct Words {
    text: String,
    gathered: String,
    /// Whether what comes next stands right at what is there.
    is_glued: bool,
}

impl Words {
    fn words(&mut self, text: &str) {
        let words = text.split([' ', '\t']).filter(|word| !word.is_empty());
        words.for_each(|word| self.word(word));
    }

    fn word(&mut self, word: &str) {
        if is_plain(word) {
            self.flush();
            self.space();
            self.text += word;
            return;
        }
        if !self.gathered.is_empty() {
            self.gathered.push(' ');
        }
        let core = word.trim_end_matches([',', ';', ':']);
        if core.is_empty() {
            self.gathered += word;
            return;
        }
        self.gathered += core;
        if core.len() < word.len() {
            self.flush();
            self.text += &word[core.len()..];
        }
    }

    /// What stands before, after or between names in backticks. Signs of the
    /// sentence stay where they are.
    fn between_code(&mut self, text: &str, is_after: bool) {
        let signs = |c: char| matches!(c, ',' | ';' | ':' | '.' | ')');
        let rest = text.trim_start_matches(signs);
        let signs = &text[..text.len() - rest.len()];
        let rest = if is_after && signs.len() <= 2 {
            self.text += signs;
            rest
        } else {
            text
        };
        match rest.strip_suffix('(') {
            Some(before) if before.is_empty() || before.ends_with(' ') => {
                self.words(before);
                self.flush();
                self.space();
                self.text.push('(');
                self.is_glued = true;
            }
            _ => self.words(rest),
        }
    }

    fn code(&mut self, text: &str) {
        self.flush();
        self.gathered += text;
        self.flush();
    }

    fn flush(&mut self) {
        if !self.gathered.is_empty() {
            let text = std::mem::take(&mut self.gathered);
            self.space();
            self.text += &code(&text, usize::MAX);
        }
    }

    fn space(&mut self) {
        if !self.text.is_empty() && !self.is_glued {
            self.text.push(' ');
        }
        self.is_glued = false;
    }

    fn into_text(mut self) -> String {
        self.flush();
        self.text
    }
}

/// Whether no forge makes anything of a word: letters, or a small number.
fn is_plain(word: &str) -> bool {
    let word = word.strip_prefix('(').unwrap_or(word);
    let core = word.trim_end_matches([',', ';', ':', '.', ')']);
    let tail = &word[core.len()..];
    if core.is_empty() || tail.len() > 2 {
        return false;
    }
    let is_hash = core.len() >= 7 && core.chars().all(|c| c.is_ascii_hexdigit());
    if core.chars().all(|c| c.is_ascii_digit()) {
        // `1.` and `1)` begin lists.
        return !is_hash && !tail.contains(['.', ')']);
    }
    let parts = core.split(['-', '\'']);
    let is_word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphabetic());
    !is_hash && parts.into_iter().all(is_word)
}

/// Inline Markdown as a cell of a table, which a `|` would end
/// (<https://github.github.com/gfm/#example-200>).
pub(super) fn cell(markdown: &str) -> String {
    // What a backslash before an escaped one is, parsers don't agree on.
    markdown.replace("\\|", "\u{fffd}|").replace('|', "\\|")
}

/// A text within an HTML tag.
pub(super) fn html(text: &str, max_bytes: usize) -> String {
    let text = plain(text, max_bytes);
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// The first names, and how many more there are.
pub(super) fn names<S: AsRef<str>>(names: &[S], max_named: usize) -> String {
    let names = names.iter().map(AsRef::as_ref);
    listed(names, max_named, |name| code(name, MAX_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_span_ends_where_it_should() {
        assert_eq!(code("a", 9), "`a`");
        assert_eq!(code("", 9), "(empty)");
        assert_eq!(code("a`b", 9), "``a`b``");
        assert_eq!(code("``a", 9), "``` ``a ```");
        assert_eq!(code("a\nb\u{202e}\u{1b}", 99), "`a↵b\\u{202e}\\u{1b}`");
        assert_eq!(code("ääää", 5), "`ää…`");
    }

    #[test]
    fn plain_words_stay_plain() {
        let plain = "1 cluster changed, 3 unchanged; 2 files changed (it doesn't matter)";
        assert_eq!(prose(plain, 200), plain);
        let names = "write-only role logs/audit-7, of @team www.example.com GH-1 #2 goes";
        assert_eq!(
            prose(names, 200),
            "write-only role `logs/audit-7`, of `@team www.example.com GH-1 #2` goes"
        );
        let quoted = "takes `a b` away (`x/y`), and `_`: it doesn't matter";
        assert_eq!(prose(quoted, 200), quoted);
        assert_eq!(prose("takes `a b away", 200), "takes `` `a `` b away");
        assert_eq!(
            prose("1. x deadbeef <b> * _x_ [a](b)", 200),
            "`1.` x `deadbeef <b> * _x_ [a](b)`"
        );
    }

    #[test]
    fn a_cell_is_not_ended_from_within() {
        assert_eq!(cell(&code("a|b\\|c", 20)), "`a\\|b\u{fffd}\\|c`");
    }

    #[test]
    fn html_opens_no_tag() {
        assert_eq!(html("<b>&amp;", 99), "&lt;b&gt;&amp;amp;");
    }
}
