//! Fluentd's configuration syntax as a tree. Pure.
//!
//! The rules are those of Fluentd's own parser
//! (<https://github.com/fluent/fluentd/blob/v1.19.3/lib/fluent/config/v1_parser.rb>),
//! narrower where leniency could hide a mistake: `@include` is refused, since
//! the file must be whole; a key that stands twice is refused, of which
//! Fluentd silently takes the last; Ruby is only looked up, never run.

use std::borrow::Cow;

use super::Finding;

/// `<name argument> … </name>`; the root has neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section<'t> {
    /// Its name.
    pub name: &'t str,
    /// What stands behind the name.
    pub argument: Value<'t>,
    /// Its own parameters.
    pub parameters: Vec<Parameter<'t>>,
    /// The sections in it.
    pub sections: Vec<Self>,
    /// Where it starts, in bytes.
    pub offset: usize,
}

/// `key value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter<'t> {
    /// Its key.
    pub key: Cow<'t, str>,
    /// Its value.
    pub value: Value<'t>,
    /// Where the key starts, in bytes.
    pub offset: usize,
}

/// A value with its quotes taken off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value<'t> {
    /// The text; Ruby in it stands as it is written.
    pub text: Cow<'t, str>,
    /// Whether a part of it is only known when Fluentd runs.
    pub is_dynamic: bool,
    /// Where it starts, in bytes.
    pub offset: usize,
}

impl<'t> Section<'t> {
    /// The value of a parameter.
    pub fn get(&self, key: &str) -> Option<&Value<'t>> {
        self.parameters
            .iter()
            .find(|parameter| parameter.key == key)
            .map(|parameter| &parameter.value)
    }
}

/// Reads a configuration.
pub(crate) fn parse(text: &str) -> Result<Section<'_>, Finding> {
    Parser { text, at: 0 }.body(None)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

type Parsed<T> = Result<T, Finding>;

/// Deepest nesting of sections; Fluentd's plugins know four.
const MAX_DEPTH: usize = 16;

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn fail<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(Finding::new(self.at, message))
    }

    /// Blanks, line ends and comments.
    fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b'#' => self.skip_line(),
                _ => break,
            }
        }
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    fn skip_line(&mut self) {
        self.at += self.rest().find(['\n', '\r']).unwrap_or(self.rest().len());
    }

    fn at_line_end(&self) -> bool {
        matches!(self.peek(), None | Some(b'\n' | b'\r' | b'#'))
    }

    fn expect_line_end(&mut self) -> Parsed<()> {
        self.skip_blanks();
        if self.at_line_end() {
            self.skip_line();
            return Ok(());
        }
        self.fail("the line should end here")
    }

    fn body(&mut self, open: Option<(&'t str, usize)>) -> Parsed<Section<'t>> {
        // The stack stands for recursion, so that no input can exhaust ours.
        let mut stack: Vec<Section<'t>> = vec![Section {
            name: open.map_or("", |(name, _)| name),
            ..Section::default()
        }];
        loop {
            self.skip_space();
            let offset = self.at;
            if self.peek().is_none() {
                let Some(section) = stack.pop() else {
                    return self.fail("there is no section");
                };
                if stack.is_empty() {
                    return Ok(section);
                }
                return Err(Finding::new(
                    section.offset,
                    format!("`<{}>` is never closed", section.name),
                ));
            }
            if self.rest().starts_with("</") {
                self.at += 2;
                let name = self.name()?;
                self.skip_blanks();
                if self.peek() != Some(b'>') {
                    return self.fail("expected `>`");
                }
                self.at += 1;
                self.expect_line_end()?;
                let closed = stack.pop().unwrap_or_default();
                let Some(parent) = stack.last_mut() else {
                    return Err(Finding::new(offset, format!("`</{name}>` closes nothing")));
                };
                if closed.name != name {
                    return Err(Finding::new(
                        offset,
                        format!("`</{name}>` should be `</{}>`", closed.name),
                    ));
                }
                parent.sections.push(closed);
            } else if self.peek() == Some(b'<') {
                if stack.len() > MAX_DEPTH {
                    return self.fail("sections are nested too deep");
                }
                stack.push(self.open_section(offset)?);
            } else {
                let parameter = self.parameter()?;
                let Some(section) = stack.last_mut() else {
                    return self.fail("there is no section");
                };
                if section
                    .parameters
                    .iter()
                    .any(|other| other.key == parameter.key)
                {
                    return Err(Finding::new(
                        offset,
                        format!("duplicate `{}`", parameter.key),
                    ));
                }
                section.parameters.push(parameter);
            }
        }
    }

    fn name(&mut self) -> Parsed<&'t str> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        if end == 0 {
            return self.fail("expected a section's name");
        }
        self.at += end;
        Ok(&rest[..end])
    }

    fn open_section(&mut self, offset: usize) -> Parsed<Section<'t>> {
        self.at += 1;
        let name = self.name()?;
        self.skip_blanks();
        let argument = match self.peek() {
            Some(b'"') => self.double_quoted()?,
            Some(b'\'') => self.single_quoted()?,
            _ => {
                let start = self.at;
                let end = self
                    .rest()
                    .find(['>', '\n', '\r'])
                    .unwrap_or(self.rest().len());
                self.at += end;
                Value {
                    text: Cow::Borrowed(self.text[start..self.at].trim_end()),
                    is_dynamic: false,
                    offset: start,
                }
            }
        };
        self.skip_blanks();
        if self.peek() != Some(b'>') {
            return self.fail("expected `>`");
        }
        self.at += 1;
        self.expect_line_end()?;
        Ok(Section {
            name,
            argument,
            offset,
            ..Section::default()
        })
    }

    fn parameter(&mut self) -> Parsed<Parameter<'t>> {
        let offset = self.at;
        let key = match self.peek() {
            Some(b'"') => self.double_quoted()?.text,
            Some(b'\'') => self.single_quoted()?.text,
            _ => {
                let rest = self.rest();
                let end = rest
                    .find([' ', '\t', '\n', '\r', '#'])
                    .unwrap_or(rest.len());
                self.at += end;
                Cow::Borrowed(&rest[..end])
            }
        };
        if matches!(&*key, "@include" | "include") {
            return Err(Finding::new(
                offset,
                "`@include` would make the file depend on another one",
            ));
        }
        self.skip_blanks();
        let start = self.at;
        let value = match self.peek() {
            Some(b'"') => self.double_quoted()?,
            Some(b'\'') => self.single_quoted()?,
            Some(b'[' | b'{') => self.json()?,
            _ => self.unquoted(),
        };
        self.expect_line_end()?;
        Ok(Parameter {
            key,
            value: Value {
                offset: start,
                ..value
            },
            offset,
        })
    }

    /// Up to the line's end, or a comment behind blanks.
    fn unquoted(&mut self) -> Value<'t> {
        let start = self.at;
        let line_end = self
            .rest()
            .find(['\n', '\r'])
            .map_or(self.text.len(), |end| start + end);
        let line = &self.text[start..line_end];
        let comment = line
            .match_indices('#')
            .map(|(at, _)| at)
            .find(|&at| at == 0 || line[..at].ends_with([' ', '\t']));
        let text = line[..comment.unwrap_or(line.len())].trim_end();
        self.at = start + text.len();
        Value {
            text: Cow::Borrowed(text),
            is_dynamic: false,
            offset: start,
        }
    }

    fn single_quoted(&mut self) -> Parsed<Value<'t>> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            if rest.starts_with("\\'") || rest.starts_with("\\\\") {
                text.push_str(&rest[1..2]);
                self.at += 2;
            } else if let Some(c) = rest.chars().next().filter(|&c| c != '\n') {
                self.at += c.len_utf8();
                if c == '\'' {
                    return Ok(Value {
                        text: Cow::Owned(text),
                        is_dynamic: false,
                        offset: start,
                    });
                }
                text.push(c);
            } else {
                return Err(Finding::new(start, "this quote is never closed"));
            }
        }
    }

    fn double_quoted(&mut self) -> Parsed<Value<'t>> {
        let start = self.at;
        self.at += 1;
        let first = self.rest();
        // Most values need no work at all.
        if let Some(end) = first.find(['"', '\\', '#', '\n', '\r'])
            && first.as_bytes()[end] == b'"'
        {
            self.at += end + 1;
            return Ok(Value {
                text: Cow::Borrowed(&first[..end]),
                is_dynamic: false,
                offset: start,
            });
        }
        let mut text = String::new();
        let mut is_dynamic = false;
        loop {
            let rest = self.rest();
            let plain = rest
                .find(['"', '\\', '#', '\n', '\r'])
                .unwrap_or(rest.len());
            text.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                None | Some(b'\n' | b'\r') => {
                    return Err(Finding::new(start, "this quote is never closed"));
                }
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Value {
                        text: Cow::Owned(text),
                        is_dynamic,
                        offset: start,
                    });
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) if self.rest().starts_with("#{") => {
                    text.push_str(self.environment_variable()?);
                    is_dynamic = true;
                }
                Some(_) => {
                    text.push('#');
                    self.at += 1;
                }
            }
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let escaped = self.rest()[1..].chars().next();
        let c = match escaped {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('f') => '\u{c}',
            Some('b') => '\u{8}',
            Some('0') => '\0',
            Some(c) if c.is_ascii_alphanumeric() => {
                return self.fail(format!("`\\{c}` means nothing here"));
            }
            Some(c) if c != '\n' && c != '\r' => c,
            _ => return self.fail("a `\\` at the end of the line"),
        };
        self.at += 1 + escaped.map_or(0, char::len_utf8);
        Ok(c)
    }

    /// `#{ENV['NAME']}`, or a choice between two plain texts by what it
    /// includes: the only Ruby that Fluentd may run while it reads the file,
    /// since anything else could come from a user's value.
    fn environment_variable(&mut self) -> Parsed<&'t str> {
        let rest = self.rest();
        let Some(length) = harmless_ruby(rest) else {
            return Err(Finding::new(
                self.at,
                "Ruby that is run when the file is read: only `#{ENV['NAME']}` may be",
            )
            .hint("values go in through the filter `fluentd`, which escapes `#`"));
        };
        self.at += length;
        Ok(&rest[..length])
    }

    /// JSON of any number of lines.
    fn json(&mut self) -> Parsed<Value<'t>> {
        let start = self.at;
        let mut stream =
            serde_json::Deserializer::from_str(self.rest()).into_iter::<serde::de::IgnoredAny>();
        match stream.next() {
            Some(Ok(_)) => {
                let end = stream.byte_offset();
                let text = &self.rest()[..end];
                if let Some(at) = text.find('#') {
                    return Err(Finding::new(
                        start + at,
                        "Fluentd would run or cut off what follows `#` in a list",
                    )
                    .hint("lists go in through the filter `fluentd_list`, which escapes `#`"));
                }
                self.at += end;
                Ok(Value {
                    text: Cow::Borrowed(text),
                    is_dynamic: false,
                    offset: start,
                })
            }
            _ => self.fail("this list or hash is not JSON"),
        }
    }
}

/// The length of the Ruby at the start of a text, if it is
/// `#{ENV['NAME']}` or `#{ENV['NAME'].to_s.include?('a') ? 'b' : 'c'}`.
fn harmless_ruby(text: &str) -> Option<usize> {
    let (name, rest) = quoted(text.strip_prefix("#{ENV[")?)?;
    let is_name = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
    if name.is_empty() || !name.bytes().all(is_name) {
        return None;
    }
    let rest = rest.strip_prefix(']')?;
    let end = match rest.strip_prefix(".to_s.include?(") {
        None => rest,
        Some(rest) => {
            let (_, rest) = quoted(rest)?;
            let (_, rest) = quoted(rest.strip_prefix(") ? ")?)?;
            quoted(rest.strip_prefix(" : ")?)?.1
        }
    };
    Some(text.len() - end.strip_prefix('}')?.len())
}

/// A text in single quotes that needs no escape, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (inner, rest) = text.strip_prefix('\'')?.split_once('\'')?;
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || b".:_[]-".contains(&c);
    inner.bytes().all(is_plain).then_some((inner, rest))
}
