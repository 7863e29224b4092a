//! JSON that is longer than memory, and JSON that isn't quite right. Pure but for
//! the reader that it is given.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};

use serde::de::{Deserialize, Deserializer, Error as _, Visitor};

/// Bytes that are read at a time.
const CHUNK: usize = 64 * 1024;

/// Appends a text as a JSON string.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    logfleet_events::write_string(out, text);
}

/// A text whose broken characters were replaced: UTF-16 surrogates by
/// themselves, which JSON can hold and a text can't.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<'t>(pub Cow<'t, str>);

impl<'de: 't, 't> Deserialize<'de> for Text<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lossy;
        impl<'de> Visitor<'de> for Lossy {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Text(lossy(bytes)))
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(
                    String::from_utf8_lossy(bytes).into_owned(),
                )))
            }
        }
        // As bytes, since serde_json refuses lone surrogates in texts only.
        deserializer.deserialize_bytes(Lossy)
    }
}

/// Why JSON couldn't be read on.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// What it is read from failed.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It ends in the middle.
    #[error("it ends in the middle")]
    Truncated,
    /// It isn't JSON.
    #[error("it is not JSON: unexpected byte {byte:#04x} at {at}")]
    Unexpected {
        /// The byte.
        byte: u8,
        /// Where it is, from the start.
        at: u64,
    },
}

/// A value of a [`Scanner`].
#[derive(Debug, PartialEq, Eq)]
pub enum Value<'s> {
    /// Its bytes, as they were read: valid only if what they came from is.
    Whole(&'s [u8]),
    /// It is longer than the scanner keeps; these are its first bytes, and how many it has.
    TooLong(&'s [u8], u64),
}

/// Takes values out of JSON one after another. It holds one chunk and one value
/// of at most `longest` bytes, however long the whole is.
#[derive(Debug)]
pub struct Scanner<R> {
    reader: R,
    buffer: Vec<u8>,
    /// What of the buffer was taken.
    taken: usize,
    /// Where the buffer starts in the whole.
    offset: u64,
    longest: usize,
}

/// How far a value was looked through.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one bit of where it is"
)]
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    depth: u32,
    in_text: bool,
    escaped: bool,
    /// Whether it is a number or a word, which ends where something else begins.
    bare: bool,
    started: bool,
}

impl Progress {
    /// Looks at more bytes of a value; the number of them that belong to it if it ends there.
    fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if self.in_text {
                if self.escaped {
                    self.escaped = false;
                    at += 1;
                    continue;
                }
                let found = memchr::memchr2(b'"', b'\\', &bytes[at..])?;
                at += found + 1;
                if bytes[at - 1] == b'\\' {
                    self.escaped = true;
                } else {
                    self.in_text = false;
                    if self.depth == 0 {
                        return Some(at);
                    }
                }
                continue;
            }
            let byte = bytes[at];
            match byte {
                _ if self.bare
                    && matches!(
                        byte,
                        b',' | b'}' | b']' | b':' | b' ' | b'\n' | b'\r' | b'\t'
                    ) =>
                {
                    return Some(at);
                }
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ if !self.started => self.bare = true,
                _ => {}
            }
            self.started = true;
            at += 1;
        }
        None
    }
}

impl<R: Read> Scanner<R> {
    /// Starts at the beginning. A value may have `longest` bytes.
    pub fn new(reader: R, longest: usize) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            taken: 0,
            offset: 0,
            longest,
        }
    }

    /// Bytes of memory that it holds.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Bytes that were taken so far.
    pub fn position(&self) -> u64 {
        self.offset + self.taken as u64
    }

    /// Reads more behind what is there; whether there was more.
    fn fill(&mut self) -> Result<bool, ScanError> {
        if self.taken > 0 {
            self.buffer.drain(..self.taken);
            self.offset += self.taken as u64;
            self.taken = 0;
        }
        let had = self.buffer.len();
        self.buffer.resize(had + CHUNK, 0);
        loop {
            match self.reader.read(&mut self.buffer[had..]) {
                Ok(read) => {
                    self.buffer.truncate(had + read);
                    return Ok(read > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.buffer.truncate(had);
                    return Err(error.into());
                }
            }
        }
    }

    /// The next byte that is no space, not taken; none at the end.
    pub fn peek(&mut self) -> Result<Option<u8>, ScanError> {
        loop {
            while let Some(byte) = self.buffer.get(self.taken) {
                if !byte.is_ascii_whitespace() {
                    return Ok(Some(*byte));
                }
                self.taken += 1;
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Takes this byte if it is the next one.
    pub fn take_if(&mut self, byte: u8) -> Result<bool, ScanError> {
        let is_next = self.peek()? == Some(byte);
        self.taken += usize::from(is_next);
        Ok(is_next)
    }

    /// Takes this byte, which must be the next one.
    pub fn expect(&mut self, byte: u8) -> Result<(), ScanError> {
        match self.peek()? {
            Some(found) if found == byte => {
                self.taken += 1;
                Ok(())
            }
            Some(found) => Err(ScanError::Unexpected {
                byte: found,
                at: self.position(),
            }),
            None => Err(ScanError::Truncated),
        }
    }

    /// Takes the next value.
    pub fn value(&mut self) -> Result<Value<'_>, ScanError> {
        match self.peek()? {
            None => return Err(ScanError::Truncated),
            Some(byte @ (b',' | b':' | b'}' | b']')) => {
                return Err(ScanError::Unexpected {
                    byte,
                    at: self.position(),
                });
            }
            Some(_) => {}
        }
        let mut progress = Progress::default();
        let mut seen = 0;
        loop {
            let rest = &self.buffer[self.taken + seen..];
            if let Some(more) = progress.advance(rest) {
                let start = self.taken;
                self.taken += seen + more;
                return Ok(Value::Whole(&self.buffer[start..self.taken]));
            }
            seen += rest.len();
            if seen > self.longest {
                return self.too_long(progress, seen);
            }
            if !self.fill()? {
                if progress.bare {
                    let start = self.taken;
                    self.taken += seen;
                    return Ok(Value::Whole(&self.buffer[start..self.taken]));
                }
                return Err(ScanError::Truncated);
            }
        }
    }

    /// Reads on to the end of a value, and keeps its beginning only.
    fn too_long(&mut self, mut progress: Progress, seen: usize) -> Result<Value<'_>, ScanError> {
        let mut length = seen as u64;
        let kept = self.taken..self.taken + seen.min(CHUNK);
        let mut head = self.buffer[kept].to_vec();
        self.taken += seen;
        loop {
            if !self.fill()? {
                return Err(ScanError::Truncated);
            }
            let rest = &self.buffer[self.taken..];
            if let Some(more) = progress.advance(rest) {
                self.taken += more;
                length += more as u64;
                // The beginning goes before what wasn't taken yet.
                head.extend_from_slice(&self.buffer[self.taken..]);
                let kept = head.len() - (self.buffer.len() - self.taken);
                self.offset = self.position() - kept as u64;
                self.buffer = head;
                self.taken = kept;
                return Ok(Value::TooLong(&self.buffer[..kept], length));
            }
            length += rest.len() as u64;
            self.taken = self.buffer.len();
        }
    }
}

/// As `String::from_utf8_lossy`, which looks at each character; most texts are whole, which is seen
/// faster.
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// Reads a value of JSON whose characters may be broken; whether they were.
pub fn lenient(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    match lossy(bytes) {
        Cow::Borrowed(text) => (Cow::Borrowed(text), false),
        Cow::Owned(text) => (Cow::Owned(text), true),
    }
}

/// Reads a text out of a value; another kind of value is taken as it is written.
pub fn text_of(value: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    if value.starts_with('"') {
        serde_json::from_str::<Text<'_>>(value).map(|text| text.0)
    } else if value.is_empty() {
        Err(serde_json::Error::custom("no value"))
    } else {
        Ok(Cow::Borrowed(value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Hands bytes over a few at a time.
    struct Drip<'b>(&'b [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let many = self.1.min(self.0.len()).min(out.len());
            out[..many].copy_from_slice(&self.0[..many]);
            self.0 = &self.0[many..];
            Ok(many)
        }
    }

    fn values(json: &[u8], step: usize, longest: usize) -> Result<Vec<String>, ScanError> {
        let mut scanner = Scanner::new(Drip(json, step), longest);
        scanner.expect(b'[')?;
        let mut found = Vec::new();
        while !scanner.take_if(b']')? {
            if !found.is_empty() {
                scanner.expect(b',')?;
            }
            found.push(match scanner.value()? {
                Value::Whole(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Value::TooLong(head, length) => format!("{length} from {}", head.len()),
            });
        }
        Ok(found)
    }

    #[test]
    fn values_are_found_whatever_they_hold_and_however_they_come() {
        let json = br#" [ {"a":"}\"]","b":[1,{"c":"\\"}]} , "x,y" , 12.5e3 , null,[] ] "#;
        for step in [1, 2, 3, 7, 1000] {
            assert_eq!(
                values(json, step, 1000).expect("JSON"),
                [
                    r#"{"a":"}\"]","b":[1,{"c":"\\"}]}"#,
                    r#""x,y""#,
                    "12.5e3",
                    "null",
                    "[]"
                ]
            );
        }
        assert!(matches!(values(b"[1,", 9, 9), Err(ScanError::Truncated)));
        assert!(matches!(values(b"[\"a", 9, 9), Err(ScanError::Truncated)));
        assert!(matches!(
            values(b"[1}", 9, 9),
            Err(ScanError::Unexpected { byte: b'}', at: 2 })
        ));
        assert!(matches!(
            values(b"[,", 9, 9),
            Err(ScanError::Unexpected { .. })
        ));
    }

    #[test]
    fn a_long_value_is_passed_over_and_the_next_one_found() {
        let long = "y".repeat(3 * CHUNK);
        let json = format!(r#"["{long}", "z", "{long}",7]"#);
        let told = format!("{} from {CHUNK}", long.len() + 2);
        for step in [1000, CHUNK, 10 * CHUNK] {
            assert_eq!(
                values(json.as_bytes(), step, CHUNK).expect("JSON"),
                [&told, "\"z\"", &told, "7"]
            );
        }
    }

    #[test]
    fn a_lone_surrogate_and_broken_bytes_are_replaced() {
        assert_eq!(
            text_of(r#""a\ud800b""#).expect("a text"),
            "a\u{fffd}\u{fffd}\u{fffd}b"
        );
        assert_eq!(
            text_of(r#""a\ud83d\ude00b""#).expect("a text"),
            "a\u{1f600}b"
        );
        assert_eq!(text_of("12").expect("as it is"), "12");
        assert!(text_of("\"a").is_err());
        let (text, broken) = lenient(b"\"a\xffb\"");
        assert!(broken);
        assert_eq!(text_of(&text).expect("a text"), "a\u{fffd}b");
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_is_taken_apart_again(
            texts in prop::collection::vec(".{0,40}", 0..8), step in 1usize..50,
        ) {
            let json = serde_json::to_string(&texts).expect("JSON");
            let found = values(json.as_bytes(), step, 10_000).expect("JSON");
            let read: Vec<String> = found.iter().map(|one| text_of(one).expect("a text").into_owned()).collect();
            prop_assert_eq!(read, texts);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), step in 1usize..9, longest in 1usize..50) {
            let _ = values(&bytes, step, longest);
        }
    }
}
