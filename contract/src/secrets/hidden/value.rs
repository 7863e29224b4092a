//! How far a secret's value goes. Pure.

use std::sync::LazyLock;

use regex::Regex;

use super::super::key::{self, Secrecy};
use super::{
    Indent, Key, Scanner, Separator, column_of, end_within, line_after, line_end, start_within,
};

/// Bytes in which the end of an element of XML is looked for.
const LONGEST_ELEMENT: usize = 4_000;

/// What is no secret: a reference to one, a variable that holds one where a
/// program runs, and nothing at all.
static HARMLESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let references = [
        r"(?:aws-secretsmanager|kubernetes-secret):[A-Za-z0-9/_+=.@:!{}-]+",
        r"\$\{[A-Za-z0-9_.]+\}",
        r"\$\([A-Za-z0-9_.]+\)",
        r"\$[A-Z_]*(?:PASSWORD|PASSWD|PASS|TOKEN|SECRET|KEY|CREDENTIAL)[A-Z0-9_]*",
        r#"#\{ENV(?:\[|\.fetch\()\\*["'][A-Za-z0-9_]+\\*["'][\])]\}"#,
        r#"ENV(?:\[|\.fetch\()["'][A-Za-z0-9_]+["'][\])]"#,
        r"\{\{ *\.[A-Za-z0-9_.]+ *\}\}",
        r"\{\{resolve:(?:secretsmanager|ssm|ssm-secure):[A-Za-z0-9/_+=.@:-]+\}\}",
    ];
    let references = references.join("|");
    let nothing = r#"\\*"\\*"|''|\[ *\]|\{ *\}|true|false|null|nil|None|~"#;
    let end = r"[\s,;)\]}&<\\|]|$";
    let scheme = "(?:(?:Bearer|Basic|Token|ApiKey) +)?";
    // What is nothing may not be joined to something.
    Regex::new(&format!(
        r#"^(?:((?:\\*["'])?{scheme}(?:{references})(?:\\*["'])?)(?:["']|{end})|({nothing})(?:{end}))"#
    ))
    .ok()
});

/// A header of a block's text: `|`, `>-`.
static BLOCK: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:![^\s]* +)?[|>][0-9+-]{0,2}\s*(?:#.*)?$").ok());

/// A number in a list or map.
static NUMBER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^-?[0-9][0-9.]*\s*[,}\]]").ok());

/// The first key of a map in braces.
static FIRST_KEY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"^\{\s*\\*["']?([A-Za-z_:]+)\\*["']?\s*:"#).ok());

/// Brackets at the end of a line.
static CLOSERS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"[}\])][\s}\]),;"']*$"#).ok());

/// The word that a text of a shell goes up to.
static HERE_DOCUMENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"<<[-~]?[ \t]*\\?["']?([A-Za-z_][A-Za-z0-9_]*)"#).ok());

/// What ends a word of a shell, or a value in a list.
fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';' | ')' | ']' | '}' | '|' | '&' | '<' | '>')
}

/// The length of what is no secret at a value's beginning.
fn harmless(rest: &str) -> Option<usize> {
    let found = HARMLESS.as_ref()?.captures(rest)?;
    Some(found.get(1).or_else(|| found.get(2))?.end())
}

/// Whether a whole text is no secret, as it only says where one is.
pub fn is_harmless(text: &str) -> bool {
    text.is_empty() || harmless(text) == Some(text.len())
}

impl Scanner<'_> {
    /// Hides the value behind a key's separator.
    pub(super) fn value(&mut self, key: &Key, separator: &Separator) {
        let from = separator.end;
        let rest = &self.text[from..key.line.end];
        let is_empty = rest.is_empty() || rest.starts_with("# ") || rest == ",";
        let is_block = BLOCK.as_ref().is_some_and(|block| block.is_match(rest));
        if is_empty || (separator.is_colon && is_block) {
            self.value_below(key, separator, is_block);
        } else if let Some(length) = harmless(rest) {
            self.at = from + length;
        } else {
            match rest.trim_start_matches('\\').chars().next() {
                Some('"' | '\'' | '`') => self.quoted(from),
                Some('[' | '{' | '(') if !rest.starts_with('\\') => self.bracketed(key, from),
                _ => self.plain(key, from),
            }
        }
    }

    fn hide(&mut self, from: usize, to: usize) {
        self.hidden.push(from..to);
    }

    /// Hides a value up to its line's end, and the lines that continue it.
    fn plain(&mut self, key: &Key, from: usize) {
        let rest = &self.text[from..key.line.end];
        if let Some(number) = NUMBER.as_ref().and_then(|number| number.find(rest)) {
            self.at = from + number.end() - 1;
            return self.hide(from, self.at);
        }
        let is_in_brackets = self.text[key.line.start..key.word.start].contains(['{', '[', '(']);
        let closers = CLOSERS.as_ref().filter(|_| is_in_brackets);
        let closers = closers.and_then(|closers| closers.find(rest));
        self.hide(
            from,
            closers.map_or(key.line.end, |closers| from + closers.start()),
        );
        self.at = key.line.end;
        self.hide_continued(key);
        self.hide_document(key, from);
        if column_of(self.text, key).is_some() {
            self.hide_block(key, false, false);
        }
    }

    /// Hides the lines that a backslash joins to a key's.
    fn hide_continued(&mut self, key: &Key) {
        let mut line = key.line.clone();
        while self.text[line.clone()].trim_end().ends_with('\\') {
            let Some(next) = line_after(self.text, &line) else {
                return;
            };
            line = next;
            self.hide(line.start, line.end);
            self.at = self.at.max(line.end);
        }
    }

    /// Hides the lines of a text that begins in a key's line: `<<END`.
    fn hide_document(&mut self, key: &Key, from: usize) {
        let rest = &self.text[from..key.line.end];
        let found = HERE_DOCUMENT.as_ref().filter(|_| rest.contains("<<"));
        let found = found.and_then(|document| document.captures(rest)?.get(1));
        let Some(end) = found.map(|found| found.as_str()) else {
            return;
        };
        let mut line = key.line.clone();
        while let Some(next) = line_after(self.text, &line) {
            line = next;
            if self.text[line.clone()].trim() == end {
                return;
            }
            self.hide(line.start, line.end);
            self.at = self.at.max(line.end);
        }
    }

    /// Hides what stands in quotes, and what is joined to it.
    fn quoted(&mut self, from: usize) {
        let text = self.text;
        let mut rest = text[from..].chars();
        let (first, next) = (rest.next(), rest.next());
        // The end of what the key stands in, as in `"Password: "`.
        if self.is_in_quotes(from, first) && next.is_none_or(ends_word) {
            self.at = from + 1;
            return;
        }
        let mut at = from;
        while let Some(c) = text[at..].chars().next().filter(|c| !ends_word(*c)) {
            at = match c {
                '"' | '\'' | '`' | '\\' => quote_end(text, at),
                c => at + c.len_utf8(),
            };
        }
        self.hide(from, at);
        self.at = self.at.max(at);
    }

    /// Hides what stands in brackets.
    fn bracketed(&mut self, key: &Key, from: usize) {
        let found = FIRST_KEY.as_ref();
        let found = found.and_then(|first| first.captures(&self.text[from..]));
        let first = found.and_then(|found| found.get(1));
        let first = first.map_or("", |first| first.as_str());
        let is_place = key::is_reference_key(first) || self.names_volume(key, first);
        self.at = from + 1;
        if key.secrecy == Secrecy::OfAll && !is_place {
            let end = bracket_end(self.text, from);
            self.hide(from + 1, end);
            self.at = end;
        }
    }

    /// Whether a map with that key is a volume of Kubernetes: it names a secret.
    fn names_volume(&self, key: &Key, first: &str) -> bool {
        match &self.text[key.word.clone()] {
            "secret" => matches!(
                first,
                "secretName" | "name" | "items" | "optional" | "defaultMode"
            ),
            "serviceAccountToken" => matches!(first, "path" | "audience" | "expirationSeconds"),
            _ => false,
        }
    }

    /// Hides what stands on the lines below a key.
    fn value_below(&mut self, key: &Key, separator: &Separator, is_block: bool) {
        if key.secrecy == Secrecy::OfAll || is_block {
            let is_json = self.text[key.word.end..].starts_with('"');
            self.hide_block(key, is_block || is_json, separator.is_colon);
        }
    }

    /// Hides the lines that are indented deeper than a key. With `at_least_one`
    /// the next is hidden in any case; with `items`, those of a list that is
    /// indented as the key is.
    fn hide_block(&mut self, key: &Key, at_least_one: bool, items: bool) {
        let own_line = &self.text[key.line.clone()];
        let column = column_of(self.text, key).unwrap_or_else(|| Indent::of(own_line).column);
        let is_comment = own_line.trim_start().starts_with('#');
        let mut line = key.line.clone();
        let mut is_first = true;
        let mut place: Option<usize> = None;
        while let Some(next) = line_after(self.text, &line) {
            line = next;
            let shown = &self.text[line.clone()];
            let mut own = Indent::of(shown).column;
            if own == shown.len() {
                continue;
            }
            if is_comment {
                let Some(inner) = shown.trim_start().strip_prefix('#') else {
                    return;
                };
                own = shown.len() - inner.trim_start().len();
            }
            let is_item = items && own == column && shown[own..].starts_with('-');
            let name = shown[own..].trim_start_matches(['-', ' ', '"', '\'']);
            let name = name.split([':', '"', '\'']).next().unwrap_or_default();
            let ends = own <= column && !is_item && !(is_first && at_least_one);
            if ends || (is_first && self.names_volume(key, name)) {
                return;
            }
            is_first = false;
            if place.is_none_or(|place| own <= place) {
                place = key::is_reference_key(name).then_some(own);
                if place.is_none() {
                    self.hide(line.start, line.end);
                }
            }
        }
    }

    /// `--password …`, also as items of a list.
    pub(super) fn value_of_option(&mut self, key: &Key) {
        let rest = &self.text[key.word.end..key.line.end];
        let between = [' ', '\t', ',', '"', '\'', '\\'];
        let length = rest.len() - rest.trim_start_matches(between).len();
        let joined = &rest[..length];
        if length < rest.len() {
            if let Some(last) = joined.rfind([' ', '\t', ',']) {
                self.word(key.word.end + last + 1);
            }
            return;
        }
        let own_line = self.text[key.line.clone()].trim_start();
        let goes_on = own_line.starts_with("- ") || joined.contains(',') || joined.ends_with('\\');
        let next = line_after(self.text, &key.line).filter(|_| goes_on);
        if let Some(line) = next {
            let own = Indent::of(&self.text[line.clone()]);
            self.word(line.start + own.item_column);
        }
    }

    /// Hides a word, unless it is another option.
    fn word(&mut self, from: usize) {
        let rest = &self.text[from..line_end(self.text, from)];
        let bare = rest.trim_start_matches(['\\', '"', '\'']);
        let mut option = bare.strip_prefix('-').unwrap_or_default().chars();
        let is_option = option.next().is_some_and(|c| c == '-' || c.is_alphabetic());
        if is_option || rest.is_empty() {
            return;
        }
        if let Some(length) = harmless(rest) {
            self.at = self.at.max(from + length);
        } else if bare.len() < rest.len() {
            self.quoted(from);
        } else {
            let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
            self.hide(from, from + length);
            self.at = self.at.max(from + length);
        }
    }

    /// `<password>…</password>`.
    pub(super) fn value_of_element(&mut self, key: &Key) {
        let Some(open) = self.text[key.word.end..key.line.end].find('>') else {
            return;
        };
        let from = key.word.end + open + 1;
        let inner = &self.text[from..end_within(self.text, from, LONGEST_ELEMENT)];
        let is_empty = self.text[from..key.line.end].trim().is_empty();
        let close = format!("</{}", &self.text[key.word.clone()]);
        match inner.find(&close) {
            // A section of Fluentd holds options, each with a value behind it.
            Some(length) if !is_empty || is_word(&inner[..length]) => {
                self.hide(from, from + length);
                self.at = from + length;
            }
            _ if !is_empty => self.hide(from, key.line.end),
            _ => {}
        }
    }

    /// `password …` as a line of its own, or in quotes, or behind a login.
    pub(super) fn value_behind_blank(&mut self, key: &Key) {
        let rest = &self.text[key.word.end..key.line.end];
        let value = rest.trim_start_matches([' ', '\t']);
        if value.is_empty() || value.len() == rest.len() || harmless(value).is_some() {
            return;
        }
        let from = key.line.end - value.len();
        let first = start_within(self.text, key.word.start, 200).max(key.line.start);
        let before = self.text[first..key.word.start].trim_start();
        let commands = ["ENV ", "ARG ", "set ", "SET ", "setenv "];
        let before = if commands.contains(&before) {
            ""
        } else {
            before
        };
        let is_login = before.contains("login ") || before.contains("machine ");
        if value.starts_with(['"', '\'']) {
            self.quoted(from);
        } else if before.is_empty() && (is_word(value) || !self.begins_sentence(key)) {
            if !value.starts_with(['{', '(']) {
                self.hide(from, key.line.end);
                self.at = key.line.end;
            }
        } else if is_login || (before.trim_end() == "#" && is_word(value)) {
            self.word(from);
        }
    }

    /// Whether a key begins as a sentence does: `Password of the user`.
    fn begins_sentence(&self, key: &Key) -> bool {
        let mut chars = self.text[key.word.clone()].chars();
        let is_upper = chars.next().is_some_and(char::is_uppercase);
        is_upper && chars.next().is_some_and(char::is_lowercase)
    }
}

/// Whether it is one word.
fn is_word(text: &str) -> bool {
    text.split_whitespace().take(2).count() == 1
}

/// The end of a piece in quotes, or of an escape; that of the text without a closing quote.
fn quote_end(text: &str, from: usize) -> usize {
    let rest = &text[from..];
    let escapes = rest.len() - rest.trim_start_matches('\\').len();
    let is_quote = |c: &char| matches!(c, '"' | '\'' | '`');
    let Some(quote) = rest[escapes..].chars().next().filter(is_quote) else {
        // A backslash and what it escapes.
        return from + rest.chars().take(2).map(char::len_utf8).sum::<usize>();
    };
    let inner = from + escapes + 1;
    let mut backslashes = 0;
    for (at, c) in text[inner..].char_indices() {
        let closes = match escapes {
            0 => quote == '\'' || backslashes % 2 == 0,
            _ => backslashes == escapes,
        };
        match c {
            '\\' => backslashes += 1,
            c if c == quote && closes => return inner + at + 1,
            _ => backslashes = 0,
        }
    }
    text.len()
}

/// Where a bracket is closed; the text's end if it is not.
fn bracket_end(text: &str, from: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = from;
    while let Some(c) = text[at..].chars().next() {
        match c {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth = depth.saturating_sub(1),
            '"' => {
                let end = quote_end(text, at);
                let is_closed = text[at + 1..end].ends_with('"') && !text[at..end].contains('\n');
                at = if is_closed { end } else { at + 1 };
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            return at;
        }
        at += c.len_utf8();
    }
    text.len()
}
