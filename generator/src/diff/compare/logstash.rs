//! The syntax of a Logstash pipeline, as far as its blocks and options go. Pure.
//!
//! <https://www.elastic.co/docs/reference/logstash/configuration-file-structure>

use super::blocks::Block;

/// Deepest nesting of blocks.
const MAX_DEPTH: usize = 32;

/// Reads a pipeline; nothing if it is none.
pub(in crate::diff) fn parse(text: &str) -> Option<Block> {
    let mut reader = Reader { text, at: 0 };
    let root = reader.body(0)?;
    reader.skip_space();
    (reader.at == text.len()).then_some(root)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    /// Options and blocks up to a `}` or the end, neither taken.
    fn body(&mut self, depth: usize) -> Option<Block> {
        let mut block = Block::default();
        if depth > MAX_DEPTH {
            return None;
        }
        loop {
            self.skip_space();
            if matches!(self.peek(), None | Some('}')) {
                block.id = option(&block, "id");
                return Some(block);
            }
            let head = self.head()?;
            if self.rest().starts_with("=>") {
                self.at += 2;
                self.skip_space();
                block.options.push((head, self.value(0)?));
            } else {
                self.at += 1;
                let inner = self.body(depth + 1)?;
                self.close()?;
                block.blocks.push(Block { head, ..inner });
            }
        }
    }

    fn close(&mut self) -> Option<()> {
        self.rest().strip_prefix('}')?;
        self.at += 1;
        Some(())
    }

    /// What stands before a `{` or `=>`, which is next then.
    fn head(&mut self) -> Option<String> {
        let mut words: Vec<&str> = Vec::new();
        loop {
            self.skip_space();
            match self.peek()? {
                '{' if !words.is_empty() => return Some(words.join(" ")),
                '=' if self.rest().starts_with("=>") && !words.is_empty() => {
                    return Some(words.join(" "));
                }
                '{' | '}' => return None,
                _ => words.push(self.word()?),
            }
        }
    }

    /// A text in quotes, a regular expression, or what goes up to the next white space or brace.
    fn word(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let length = match self.peek()? {
            quote @ ('"' | '\'') => quoted_length(rest, quote)?,
            '/' => quoted_length(rest, '/')?,
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | '"' | '\'');
                let arrow = rest.find("=>").filter(|at| *at > 0);
                let end = rest.find(ends).unwrap_or(rest.len());
                arrow.map_or(end, |arrow| end.min(arrow)).max(1)
            }
        };
        self.at += length;
        rest.get(..length)
    }

    /// A value: a list or hash as it is written but for white space, or a word.
    fn value(&mut self, depth: usize) -> Option<String> {
        let close = match self.peek()? {
            '[' => ']',
            '{' => '}',
            _ => return self.plain_value(depth),
        };
        if depth > MAX_DEPTH {
            return None;
        }
        let mut parts = vec![self.rest()[..1].to_owned()];
        self.at += 1;
        loop {
            self.skip_space();
            match self.peek()? {
                c if c == close => {
                    self.at += 1;
                    parts.push(c.to_string());
                    return Some(parts.join(" "));
                }
                ',' => {
                    self.at += 1;
                    parts.push(",".to_owned());
                }
                '=' if self.rest().starts_with("=>") => {
                    self.at += 2;
                    parts.push("=>".to_owned());
                }
                _ => parts.push(self.value(depth + 1)?),
            }
        }
    }

    fn plain_value(&mut self, depth: usize) -> Option<String> {
        let rest = self.rest();
        if let Some(quote) = self.peek().filter(|c| matches!(c, '"' | '\'')) {
            let length = quoted_length(rest, quote)?;
            self.at += length;
            return Some(unquoted(rest.get(..length)?, depth));
        }
        let ends = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ',' | ']');
        let length = rest.find(ends).unwrap_or(rest.len());
        if length == 0 {
            return None;
        }
        self.at += length;
        // A plugin in a value, such as `codec => json { … }`.
        let word = rest.get(..length)?.to_owned();
        let before = self.at;
        self.skip_space();
        if self.peek() == Some('{') {
            return Some(format!("{word} {}", self.value(1)?));
        }
        self.at = before;
        Some(word)
    }
}

/// A quoted text without its quotes, unless it could be taken for something
/// else then: for a list, or for more than one item of that which it is in.
fn unquoted(text: &str, depth: usize) -> String {
    let inner = &text[1..text.len() - 1];
    let is_plain = match depth {
        0 => !inner.starts_with(['[', '{', '"', '\'']) && !inner.contains(" {"),
        _ => !inner.is_empty() && !inner.contains(is_separator),
    };
    let shown = if is_plain { inner } else { text };
    shown.to_owned()
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | '"' | '\'' | '[' | ']' | '{' | '}' | '=' | '#')
}

/// The bytes of a quoted text, both quotes included.
fn quoted_length(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at + c.len_utf8()),
            _ => {}
        }
    }
    None
}

fn option(block: &Block, name: &str) -> Option<String> {
    let found = block.options.iter().find(|(other, _)| other == name)?;
    Some(found.1.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PIPELINE: &str = r#"
# Filebeat's events.
input {
  beats { port => 5044 id => "in" ssl_certificate => "/etc/x.pem" }
}
filter {
  if [log][level] == "debug" and "x" in [tags] {
    drop { }
  } else if [m] =~ /a{2}\/b/ {
    mutate { add_field => { "a" => "b" "c" => "d" } remove_field => ["x", "y"] }
  }
}
output { elasticsearch { hosts => ["https://a:9200"] codec => json { charset => "UTF-8" } } }
"#;

    #[test]
    fn reads_blocks_and_options() {
        let root = parse(PIPELINE).expect("a pipeline");
        let heads: Vec<&str> = root
            .blocks
            .iter()
            .map(|block| block.head.as_str())
            .collect();
        assert_eq!(heads, ["input", "filter", "output"]);
        let beats = &root.blocks[0].blocks[0];
        assert_eq!(
            (beats.head.as_str(), beats.id.as_deref()),
            ("beats", Some("in"))
        );
        assert_eq!(beats.options[0], ("port".to_owned(), "5044".to_owned()));
        let filter = &root.blocks[1].blocks;
        assert_eq!(
            filter[0].head,
            r#"if [log][level] == "debug" and "x" in [tags]"#
        );
        assert_eq!(filter[1].head, r"else if [m] =~ /a{2}\/b/");
        let mutate = &filter[1].blocks[0].options;
        assert_eq!(mutate[0].1, "{ a => b c => d }");
        assert_eq!(mutate[1].1, "[ x , y ]");
        assert_eq!(
            root.blocks[2].blocks[0].options[1].1,
            "json { charset => UTF-8 }"
        );
    }

    #[test]
    fn values_that_differ_are_reported_apart() {
        let value = |text: &str| {
            let root = parse(&format!("output {{ x {{ a => {text} }} }}")).expect("a pipeline");
            root.blocks[0].blocks[0].options[0].1.clone()
        };
        for (one, other) in [
            (r#"["a", "b"]"#, r#"["a , b"]"#),
            (r#"'"a"'"#, r#""a""#),
            (r#"["a"]"#, r#""[ a ]""#),
            (r#"'["a"]'"#, r#""[\"a\"]""#),
            (r#"{ "a" => "b" "c" => "d" }"#, r#"{ "a" => "b c => d" }"#),
            (r"json { x => 1 }", r#""json { x => 1 }""#),
            (r#"[""]"#, "[]"),
        ] {
            assert_ne!(value(one), value(other), "{one} {other}");
        }
        assert_eq!(value(r#""a b""#), "a b");
        assert_eq!(value(r#"["a"]"#), value("[ 'a' ]"));
    }

    #[test]
    fn what_is_no_pipeline_is_none() {
        for text in ["input {", "} input {", "{}", "a => ", "input { a => [1 }"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a-z{}\\[\\]=>\"' #/,\n\\\\ü]{0,60}") {
            let _ = parse(&text);
        }
    }
}
