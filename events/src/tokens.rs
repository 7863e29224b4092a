//! Columns of a line. Pure.

/// Columns that a line can have; what follows is in `message` alone.
pub(crate) const MOST: usize = 64;

/// The columns of a line.
pub(crate) struct Tokens<'t> {
    tokens: [&'t str; MOST],
    count: usize,
}

impl<'t> Tokens<'t> {
    /// Splits a line at blanks. A column may stand in quotes, which end where a
    /// blank or the line's end follows, and in brackets, behind which it may go on
    /// up to a blank: `[2001:db8::1]:443`.
    pub(crate) fn of(line: &'t str) -> Self {
        let mut tokens = [""; MOST];
        let mut count = 0;
        let mut rest = line.trim_ascii();
        while !rest.is_empty() && count < MOST {
            let (token, after) = match rest.as_bytes()[0] {
                b'"' => quoted(rest),
                b'[' => enclosed(rest),
                _ => bare(rest),
            };
            tokens[count] = token;
            count += 1;
            rest = after.trim_ascii_start();
        }
        Self { tokens, count }
    }

    /// The columns.
    pub(crate) fn as_slice(&self) -> &[&'t str] {
        &self.tokens[..self.count]
    }
}

fn bare(text: &str) -> (&str, &str) {
    let end = memchr::memchr(b' ', text.as_bytes()).unwrap_or(text.len());
    text.split_at(end)
}

/// Without its quotes. One that is never closed is the rest of the line.
fn quoted(text: &str) -> (&str, &str) {
    let inner = &text[1..];
    let bytes = inner.as_bytes();
    let mut ends = memchr::memchr_iter(b'"', bytes);
    let end = ends.find(|end| bytes.get(end + 1).is_none_or(|next| *next == b' '));
    match end {
        Some(end) => (&inner[..end], &inner[end + 1..]),
        None => (inner, ""),
    }
}

fn enclosed(text: &str) -> (&str, &str) {
    let Some(close) = memchr::memchr(b']', text.as_bytes()) else {
        return bare(text);
    };
    let (_, after) = bare(&text[close..]);
    text.split_at(text.len() - after.len())
}

#[cfg(test)]
mod tests {
    use super::Tokens;

    #[test]
    fn quotes_and_brackets_hold_blanks() {
        for (line, columns) in [
            ("a b  c", vec!["a", "b", "c"]),
            (r#"a "b c" [d e] f"#, vec!["a", "b c", "[d e]", "f"]),
            (r#""" "-""#, vec!["", "-"]),
            (r#""say "hi" there" x"#, vec!["say \"hi", "there\"", "x"]),
            (r#""a"b" c"#, vec!["a\"b", "c"]),
            (r#"a "never closed"#, vec!["a", "never closed"]),
            (
                "[2001:db8::1]:443 [::1]:80 -",
                vec!["[2001:db8::1]:443", "[::1]:80", "-"],
            ),
            ("[a b]:c d", vec!["[a b]:c", "d"]),
            ("[never closed", vec!["[never", "closed"]),
            ("", vec![]),
            (" ü\n", vec!["ü"]),
        ] {
            assert_eq!(Tokens::of(line).as_slice(), columns, "{line}");
        }
        assert_eq!(Tokens::of(&"x ".repeat(100)).as_slice().len(), super::MOST);
    }
}
