//! JSON, read in one pass without a tree: what no table names is checked and
//! passed over. Pure.

use std::borrow::Cow;

use crate::fault::Fault;
use crate::text::quote_or_backslash;

/// How deep a text may nest.
const DEEPEST: u32 = 100;

const NOT_JSON: Fault = Fault("not a JSON object");
const MALFORMED: Fault = Fault("malformed JSON");
const TOO_DEEP: Fault = Fault("JSON nested too deeply");

/// A place in a text of JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

/// A value that is no object and no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar<'t> {
    /// The inside of a string, with its escapes.
    String(&'t str),
    /// A number, `true` or `false`.
    Bare(&'t str),
    /// `null`.
    Null,
}

impl<'t> Scalar<'t> {
    /// It as a text; none for `null`.
    pub(crate) fn text(self) -> Result<Option<Cow<'t, str>>, Fault> {
        Ok(match self {
            Self::String(inner) => Some(unescape(inner)?),
            Self::Bare(text) => Some(Cow::Borrowed(text)),
            Self::Null => None,
        })
    }
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(MALFORMED)
        }
    }

    /// Whether the text ends here.
    pub(crate) fn ends(&mut self) -> Result<(), Fault> {
        self.peek().map_or(Ok(()), |_| Err(MALFORMED))
    }

    /// Calls `member` with each key, in front of its value, which it must pass.
    pub(crate) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &'t str) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.peek() != Some(b'{') {
            return Err(NOT_JSON);
        }
        self.at += 1;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(MALFORMED),
            }
        }
    }

    /// Calls `element` in front of each, which it must pass.
    pub(crate) fn list(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.expect(b'[')?;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            element(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(MALFORMED),
            }
        }
    }

    /// A key, without its quotes, and the colon.
    fn key(&mut self) -> Result<&'t str, Fault> {
        if self.peek() != Some(b'"') {
            return Err(MALFORMED);
        }
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// The inside of a string. It begins here.
    fn string(&mut self) -> Result<&'t str, Fault> {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut at = start;
        loop {
            at += quote_or_backslash(&bytes[at..]).ok_or(MALFORMED)?;
            if bytes[at] == b'"' {
                self.at = at + 1;
                return Ok(&self.text[start..at]);
            }
            // What is escaped is one byte at least, and the text goes on after it.
            at += 2;
            if at > bytes.len() {
                return Err(MALFORMED);
            }
        }
    }

    /// A value that is no object and no list.
    pub(crate) fn scalar(&mut self) -> Result<Scalar<'t>, Fault> {
        let start = self.at;
        match self.peek().ok_or(MALFORMED)? {
            b'"' => return Ok(Scalar::String(self.string()?)),
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => {
                self.word("null")?;
                return Ok(Scalar::Null);
            }
            _ => self.at += number_length(&self.text.as_bytes()[self.at..]).ok_or(MALFORMED)?,
        }
        Ok(Scalar::Bare(self.text[start..self.at].trim_ascii_start()))
    }

    fn word(&mut self, word: &str) -> Result<(), Fault> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            Err(MALFORMED)
        }
    }

    /// Passes a value and gives its text. However deep it is, this needs no stack.
    pub(crate) fn skip(&mut self) -> Result<&'t str, Fault> {
        self.peek();
        let start = self.at;
        let mut nested = Nested::default();
        loop {
            match self.peek().ok_or(MALFORMED)? {
                open @ (b'{' | b'[') => {
                    self.at += 1;
                    let close = if open == b'{' { b'}' } else { b']' };
                    if self.peek() == Some(close) {
                        self.at += 1;
                    } else {
                        nested.enter(open == b'{')?;
                        if open == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => {
                    self.scalar()?;
                }
            }
            // A value has ended: what it is in may end with it.
            loop {
                let Some(in_object) = nested.in_object() else {
                    return Ok(&self.text[start..self.at]);
                };
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if in_object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if in_object => nested.leave(),
                    Some(b']') if !in_object => nested.leave(),
                    _ => return Err(MALFORMED),
                }
                self.at += 1;
            }
        }
    }
}

/// Which of the enclosing values are objects; one bit for each.
#[derive(Default)]
struct Nested {
    objects: u128,
    depth: u32,
}

impl Nested {
    fn enter(&mut self, is_object: bool) -> Result<(), Fault> {
        if self.depth == DEEPEST {
            return Err(TOO_DEEP);
        }
        self.objects = self.objects << 1 | u128::from(is_object);
        self.depth += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.objects >>= 1;
        self.depth -= 1;
    }

    fn in_object(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.objects & 1 == 1)
    }
}

/// Bytes of the number at the start of a text: <https://www.rfc-editor.org/rfc/rfc8259#section-6>.
pub(crate) fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && bytes[at] == b'0') {
        return None;
    }
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        let count = digits(at + 1);
        if count == 0 {
            return None;
        }
        at += 1 + count;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let count = digits((at + 1 + sign).min(bytes.len()));
        if count == 0 {
            return None;
        }
        at += 1 + sign + count;
    }
    Some(at)
}

/// The text of a string. Half of a surrogate pair becomes U+FFFD.
fn unescape(inner: &str) -> Result<Cow<'_, str>, Fault> {
    let Some(first) = memchr::memchr(b'\\', inner.as_bytes()) else {
        return Ok(Cow::Borrowed(inner));
    };
    let mut text = String::with_capacity(inner.len());
    text.push_str(&inner[..first]);
    let mut rest = &inner[first..];
    while let Some(start) = rest.find('\\') {
        text.push_str(&rest[..start]);
        let escaped = rest[start + 1..].chars().next().ok_or(MALFORMED)?;
        rest = &rest[start + 1 + escaped.len_utf8()..];
        text.push(match escaped {
            '"' | '\\' | '/' => escaped,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => unit(&mut rest)?,
            _ => return Err(MALFORMED),
        });
    }
    text.push_str(rest);
    Ok(Cow::Owned(text))
}

/// The character of four hexadecimal digits, and of the escape that follows if they go together.
fn unit(rest: &mut &str) -> Result<char, Fault> {
    let high = hex(rest)?;
    *rest = &rest[4..];
    if !(0xd800..0xdc00).contains(&high) {
        return Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    let low = rest.strip_prefix("\\u").and_then(|rest| hex(rest).ok());
    let Some(low) = low.filter(|low| (0xdc00..0xe000).contains(low)) else {
        return Ok(char::REPLACEMENT_CHARACTER);
    };
    *rest = &rest[6..];
    let character = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    Ok(char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn hex(text: &str) -> Result<u32, Fault> {
    let digits = text.get(..4).ok_or(MALFORMED)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(MALFORMED);
    }
    u32::from_str_radix(digits, 16).map_err(|_| MALFORMED)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it is taken as a whole.
    fn passes(text: &str) -> bool {
        let mut cursor = Cursor::new(text);
        cursor.skip().is_ok() && cursor.ends().is_ok()
    }

    #[test]
    fn values_are_those_that_serde_json_takes() {
        for text in [
            "{}",
            "[]",
            "[{}]",
            r#"{"a":1}"#,
            r#"{"a":{"b":[1,2,{"c":null}]},"d":"e"}"#,
            "[1,]",
            "[,1]",
            "{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a" : 1 , "b":[ ] }"#,
            "[1 2]",
            "[}",
            "{]",
            r#"{"a":1]"#,
            "tru",
            "true",
            "nul",
            "null",
            "-",
            "-1",
            "01",
            "1.5e3",
            "1e",
            "1e+",
            r#""a"#,
            r#""a\"#,
            r#""a\""#,
            r#""a\"b""#,
            "",
            " ",
            "[[[[]]]]",
            r#"{"a":[}"#,
            "1 ",
            " 1",
            "[1]x",
            "{a:1}",
            r#""a string that is longer than twenty-four bytes \" and goes on""#,
        ] {
            let expected = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(passes(text), expected, "{text}");
        }
        assert!(passes(&("[".repeat(100) + &"]".repeat(100))));
        assert!(!passes(&("[".repeat(102) + &"]".repeat(102))));
        assert!(!passes(&"[".repeat(1_000_000)));
    }

    #[test]
    fn strings_lose_their_escapes() {
        for (inner, text) in [
            (r"a\n\t\r\b\f\/\\\u0041", Some("a\n\t\r\u{8}\u{c}/\\A")),
            (r"\ud83d\ude00!", Some("😀!")),
            (r"\ud83d!", Some("\u{fffd}!")),
            (r"\ud83d\ud83d\ude00", Some("\u{fffd}😀")),
            (r"\ude00", Some("\u{fffd}")),
            (r"\u12", None),
            (r"\u+123", None),
            (r"\x", None),
            (r"\ü", None),
        ] {
            assert_eq!(unescape(inner).ok().as_deref(), text, "{inner}");
        }
    }
}
