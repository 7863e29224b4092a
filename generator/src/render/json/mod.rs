//! What a `.json` template renders to: JSON with comments and trailing commas
//! in, canonical JSON out. Pure.
//!
//! Canonical means: two spaces a level, keys as the template has them, one
//! newline at the end. A key that stands twice is a fault, since every reader
//! of JSON chooses another one of them.

mod quick;

use std::collections::BTreeSet;

use jsonc_parser::tokens::Token;
use jsonc_parser::{Scanner, ScannerOptions};

use crate::fault::Fault;
use crate::load::source_file::SourceFile;
use crate::tree::TreePath;

/// Why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct JsonError {
    message: String,
    /// Byte offset of the fault in the text.
    offset: usize,
}

/// How deep values may lie in one another: far more than any API takes.
const MAX_DEPTH: usize = 128;

/// Brings a text into its canonical form.
pub fn canonical(text: &str) -> Result<String, JsonError> {
    match quick::canonical(text) {
        Some(canonical) => Ok(canonical),
        None => transcribe(text),
    }
}

/// As [`canonical`], for any text.
fn transcribe(text: &str) -> Result<String, JsonError> {
    let mut transcriber = Transcriber::new(text);
    let first = transcriber.next()?;
    transcriber.value(first, 0)?;
    if let Some(token) = transcriber.scan()? {
        return Err(transcriber.unexpected(Some(&token), "nothing more"));
    }
    transcriber.out.push('\n');
    Ok(transcriber.out)
}

/// Reads tokens and writes them in their canonical form as it goes: a tree of
/// the values would cost more than all the rest.
struct Transcriber<'t> {
    scanner: Scanner<'t>,
    out: String,
}

impl<'t> Transcriber<'t> {
    fn new(text: &'t str) -> Self {
        let options = ScannerOptions {
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        };
        Self {
            scanner: Scanner::new(text, &options),
            out: String::with_capacity(text.len()),
        }
    }

    /// The next token that is no comment.
    fn scan(&mut self) -> Result<Option<Token<'t>>, JsonError> {
        loop {
            match self.scanner.scan() {
                Ok(Some(Token::CommentLine(_) | Token::CommentBlock(_))) => {}
                Ok(token) => return Ok(token),
                Err(error) => {
                    return Err(JsonError {
                        message: error.kind().to_string(),
                        offset: error.range().start,
                    });
                }
            }
        }
    }

    fn next(&mut self) -> Result<Token<'t>, JsonError> {
        match self.scan()? {
            Some(token) => Ok(token),
            None => Err(self.unexpected(None, "a value")),
        }
    }

    fn value(&mut self, token: Token<'t>, level: usize) -> Result<(), JsonError> {
        if level > MAX_DEPTH {
            return Err(self.error(format!(
                "values lie in one another more than {MAX_DEPTH} deep"
            )));
        }
        match token {
            Token::OpenBrace => return self.object(level),
            Token::OpenBracket => return self.array(level),
            Token::String(text) => self.string(&text),
            Token::Number(number) => self.out.push_str(number),
            Token::Boolean(boolean) => self.out.push_str(if boolean { "true" } else { "false" }),
            Token::Null => self.out.push_str("null"),
            other => return Err(self.unexpected(Some(&other), "a value")),
        }
        Ok(())
    }

    fn object(&mut self, level: usize) -> Result<(), JsonError> {
        let mut keys = BTreeSet::new();
        self.out.push('{');
        let mut token = self.next()?;
        while token != Token::CloseBrace {
            let Token::String(key) = token else {
                return Err(self.unexpected(Some(&token), "a key in quotes or `}`"));
            };
            if keys.contains(&key) {
                return Err(self.error(format!("duplicate key `{key}`")));
            }
            self.begin_item(keys.is_empty(), level + 1);
            self.string(&key);
            self.out.push_str(": ");
            keys.insert(key);
            let colon = self.next()?;
            if colon != Token::Colon {
                return Err(self.unexpected(Some(&colon), "a `:`"));
            }
            let first = self.next()?;
            self.value(first, level + 1)?;
            token = self.after_item(&Token::CloseBrace)?;
        }
        self.end_items(keys.is_empty(), level, '}');
        Ok(())
    }

    fn array(&mut self, level: usize) -> Result<(), JsonError> {
        self.out.push('[');
        let mut is_empty = true;
        let mut token = self.next()?;
        while token != Token::CloseBracket {
            self.begin_item(is_empty, level + 1);
            is_empty = false;
            self.value(token, level + 1)?;
            token = self.after_item(&Token::CloseBracket)?;
        }
        self.end_items(is_empty, level, ']');
        Ok(())
    }

    /// The token after an item and its comma, if it has one; the last may.
    fn after_item(&mut self, close: &Token<'t>) -> Result<Token<'t>, JsonError> {
        match self.next()? {
            Token::Comma => self.next(),
            token if token == *close => Ok(token),
            token => Err(self.unexpected(Some(&token), "a comma")),
        }
    }

    fn begin_item(&mut self, is_first: bool, level: usize) {
        if !is_first {
            self.out.push(',');
        }
        self.new_line(level);
    }

    fn end_items(&mut self, is_empty: bool, level: usize, close: char) {
        if !is_empty {
            self.new_line(level);
        }
        self.out.push(close);
    }

    fn new_line(&mut self, level: usize) {
        self.out.push('\n');
        for _ in 0..level {
            self.out.push_str("  ");
        }
    }

    fn string(&mut self, text: &str) {
        if text
            .bytes()
            .any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
        {
            // A text can always be written.
            self.out
                .push_str(&serde_json::to_string(text).unwrap_or_default());
        } else {
            self.out.push('"');
            self.out.push_str(text);
            self.out.push('"');
        }
    }

    fn error(&self, message: String) -> JsonError {
        JsonError {
            message,
            offset: self.scanner.token_start(),
        }
    }

    fn unexpected(&self, found: Option<&Token<'_>>, wanted: &str) -> JsonError {
        self.error(match found {
            Some(token) => format!("expected {wanted}, found `{}`", token.as_str()),
            None => format!("expected {wanted}, found the end"),
        })
    }
}

/// The fault for a template's output that is not JSON.
pub fn place(
    error: &JsonError,
    cluster: &str,
    path: &TreePath,
    template: &str,
    text: &str,
) -> Fault {
    let source = SourceFile::new(format!("rendered/{cluster}/{path}"), text);
    Fault::input(format!("this is not JSON: {error}"))
        .hint(crate::render::origin_hint(template))
        .at(source.place(error.offset, error.offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_trailing_commas_vanish() {
        let text = "{ // why\n \"b\": [1, 2.50, ], /* x */ \"a\": {}, \"c\": \"ü\\n\\u0001\",}";
        assert_eq!(
            canonical(text).as_deref(),
            Ok(
                "{\n  \"b\": [\n    1,\n    2.50\n  ],\n  \"a\": {},\n  \"c\": \"ü\\n\\u0001\"\n}\n"
            )
        );
    }

    #[test]
    fn canonical_json_stays_as_it_is() {
        let once = canonical("{\"a\":[{\"b\":null},true,\"x\"]}").unwrap();
        assert_eq!(canonical(&once).as_ref(), Ok(&once));
    }

    #[test]
    fn what_json_forbids_is_refused() {
        for text in [
            "{\"a\": 1 \"b\": 2}",
            "{a: 1}",
            "{'a': 1}",
            "[+1]",
            "[.5]",
            "[NaN]",
            "",
            "[1] [2]",
        ] {
            assert!(canonical(text).is_err(), "{text}");
        }
        let twice = canonical("{\"a\": 1,\n \"a\": 2}").unwrap_err();
        assert_eq!(twice.to_string(), "duplicate key `a`");
        assert_eq!(twice.offset, 10);
    }
}
