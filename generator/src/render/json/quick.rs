//! The quick way from a text to its canonical form, for texts without a fault. Pure.
//!
//! JSON is most of what is rendered, and reading it token by token would be
//! the dearest part of a run. So this goes through the bytes once and copies
//! what is canonical already. Whatever it doesn't expect, be it a fault or only
//! rare, it leaves to [`super::Transcriber`], which knows all of JSON's rules
//! and can say what is wrong; so the two can't contradict each other on what is
//! allowed, and a property test shows that they write the same.

use memchr::memchr2;

use super::MAX_DEPTH;

/// Keys up to which comparing each with each is quicker than sorting.
const FEW_KEYS: usize = 16;

/// A line break and blanks for as many levels as most texts have.
const LINE: &str = "\n                                        ";

/// Brings a text into its canonical form; `None` where this isn't the way to.
pub(super) fn canonical(text: &str) -> Option<String> {
    let mut quick = Quick {
        text,
        at: 0,
        out: String::with_capacity(text.len() + text.len() / 4),
        keys: Vec::new(),
    };
    quick.value(0)?;
    quick.skip();
    if quick.at < text.len() {
        return None;
    }
    quick.out.push('\n');
    Some(quick.out)
}

struct Quick<'t> {
    text: &'t str,
    /// The next byte to read.
    at: usize,
    out: String,
    /// The keys of the objects that are open, the innermost object's last.
    keys: Vec<&'t str>,
}

impl<'t> Quick<'t> {
    /// Goes to the next byte that is neither blank nor part of a line's comment.
    fn skip(&mut self) {
        let bytes = self.text.as_bytes();
        loop {
            while matches!(bytes.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
                self.at += 1;
            }
            let rest = &bytes[self.at..];
            if !rest.starts_with(b"//") {
                return;
            }
            self.at += memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        }
    }

    /// The next byte that means something, which isn't passed by.
    fn peek(&mut self) -> Option<u8> {
        self.skip();
        self.text.as_bytes().get(self.at).copied()
    }

    fn value(&mut self, level: usize) -> Option<()> {
        if level > MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            b'{' => self.object(level),
            b'[' => self.array(level),
            b'"' => self.string().map(|_| ()),
            _ => self.word(),
        }
    }

    fn object(&mut self, level: usize) -> Option<()> {
        self.open('{');
        let first_key = self.keys.len();
        while self.peek()? != b'}' {
            self.begin_item(self.keys.len() == first_key, level + 1);
            let key = self.string()?;
            self.keys.push(key);
            if self.peek()? != b':' {
                return None;
            }
            self.at += 1;
            self.out.push_str(": ");
            self.value(level + 1)?;
            self.after_item(b'}')?;
        }
        let own = &mut self.keys[first_key..];
        let is_empty = own.is_empty();
        if may_stand_twice(own) {
            return None;
        }
        self.keys.truncate(first_key);
        self.close(is_empty, level, '}');
        Some(())
    }

    fn array(&mut self, level: usize) -> Option<()> {
        self.open('[');
        let mut is_empty = true;
        while self.peek()? != b']' {
            self.begin_item(is_empty, level + 1);
            is_empty = false;
            self.value(level + 1)?;
            self.after_item(b']')?;
        }
        self.close(is_empty, level, ']');
        Some(())
    }

    /// Passes a comma by; without one, the end must follow.
    fn after_item(&mut self, close: u8) -> Option<()> {
        match self.peek()? {
            b',' => self.at += 1,
            byte if byte == close => {}
            _ => return None,
        }
        Some(())
    }

    /// Copies a string, and gives what stands between its quotes.
    fn string(&mut self) -> Option<&'t str> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        if bytes[start] != b'"' {
            return None;
        }
        let mut has_escape = false;
        self.at += 1;
        loop {
            self.at += memchr2(b'"', b'\\', bytes.get(self.at..)?)?;
            if bytes[self.at] == b'"' {
                break;
            }
            has_escape = true;
            self.at += 2;
        }
        self.at += 1;
        let quoted = &self.text[start..self.at];
        let inner = &quoted[1..quoted.len() - 1];
        if has_escape {
            let text: String = serde_json::from_str(quoted).ok()?;
            self.out.push_str(&serde_json::to_string(&text).ok()?);
        } else if inner.bytes().all(|byte| byte >= 0x20) {
            self.out.push_str(quoted);
        } else {
            return None;
        }
        Some(inner)
    }

    /// Copies a number, `true`, `false` or `null`.
    fn word(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let is_part =
            |byte: u8| matches!(byte, b'a'..=b'z' | b'E' | b'0'..=b'9' | b'+' | b'-' | b'.');
        let end = rest.bytes().position(|byte| !is_part(byte));
        let word = &rest[..end.unwrap_or(rest.len())];
        if !matches!(word, "true" | "false" | "null") {
            serde_json::from_str::<serde_json::Number>(word).ok()?;
        }
        self.at += word.len();
        self.out.push_str(word);
        Some(())
    }

    fn open(&mut self, bracket: char) {
        self.at += 1;
        self.out.push(bracket);
    }

    fn close(&mut self, is_empty: bool, level: usize, bracket: char) {
        self.at += 1;
        if !is_empty {
            self.new_line(level);
        }
        self.out.push(bracket);
    }

    fn begin_item(&mut self, is_first: bool, level: usize) {
        if !is_first {
            self.out.push(',');
        }
        self.new_line(level);
    }

    fn new_line(&mut self, level: usize) {
        let blanks = 2 * level;
        let at_once = blanks.min(LINE.len() - 1);
        self.out.push_str(&LINE[..=at_once]);
        self.out.extend(std::iter::repeat_n(' ', blanks - at_once));
    }
}

/// Whether two keys are the same, or may be: with an escape in it, a key can
/// be equal to one that is written otherwise.
fn may_stand_twice(keys: &mut [&str]) -> bool {
    if keys.iter().any(|key| key.contains('\\')) {
        return true;
    }
    if keys.len() <= FEW_KEYS {
        return keys
            .iter()
            .enumerate()
            .any(|(at, key)| keys[..at].contains(key));
    }
    keys.sort_unstable();
    keys.windows(2).any(|two| two[0] == two[1])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::transcribe;
    use super::*;

    /// JSON with comments and commas where our templates have them.
    fn written(value: &Value, out: &mut String) {
        match value {
            Value::Array(items) => {
                out.push_str("[ // why\n");
                for item in items {
                    written(item, out);
                    out.push_str(" ,");
                }
                out.push(']');
            }
            Value::Object(map) => {
                out.push_str("{\r\n");
                for (key, item) in map {
                    out.push_str(&format!("{}\t: ", Value::from(key.as_str())));
                    written(item, out);
                    out.push_str(",\n// \"why\": 1\n");
                }
                out.push('}');
            }
            scalar => out.push_str(&scalar.to_string()),
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 20, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..20).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..20)
                    .prop_map(|map| Value::from(serde_json::Map::from_iter(map))),
            ]
        })
    }

    #[test]
    fn what_our_templates_render_goes_the_quick_way() {
        let text = "{ // why\n \"b\": [1, -2.50e3, ], \"a\": {}, \"c\": \"ü\\n\\u0001\", \"d\": [true, null]}";
        assert!(canonical(text).is_some());
    }

    #[test]
    fn what_is_wrong_or_rare_is_left_to_the_other_way() {
        for text in [
            "",
            "{",
            "[1",
            "[1 2]",
            "{\"a\"}",
            "{\"a\" 1}",
            "{a: 1}",
            "{\"a\": 1, \"a\": 2}",
            "{\"a\": 1, \"\\u0061\": 2}",
            "[,]",
            "[01]",
            "[+1]",
            "[NaN]",
            "[tru]",
            "\"",
            "\"\\",
            "\"\\\"",
            "\"\\x\"",
            "\"a\nb\"",
            "[1] [2]",
            "/* block */ 1",
        ] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn both_ways_write_the_same(value in any_json()) {
            let mut text = String::new();
            written(&value, &mut text);
            let slow = transcribe(&text);
            if let Some(quick) = canonical(&text) {
                prop_assert_eq!(Ok(quick), slow.clone());
            }
            prop_assert!(slow.is_ok());
        }

        #[test]
        fn what_the_quick_way_takes_the_other_takes_too(text in "[\\[\\]{}\",:0-9a\\\\/ \ntruefalsn.-]{0,30}") {
            if let Some(quick) = canonical(&text) {
                prop_assert_eq!(Ok(quick), transcribe(&text));
            }
        }
    }
}
