//! Texts as strings of JSON. Pure.

/// Appends a text as a string of JSON.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    string_part(out, text);
    out.push(b'"');
}

/// Appends the inside of a string of JSON.
pub(crate) fn string_part(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    loop {
        let plain = plain_length(rest);
        out.extend_from_slice(&rest[..plain]);
        let Some(byte) = rest.get(plain) else {
            return;
        };
        escape(out, *byte);
        rest = &rest[plain + 1..];
    }
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        byte => {
            let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[high], HEX[low]]);
        }
    }
}

/// How many bytes stand for themselves in a string of JSON, from the first on.
fn plain_length(bytes: &[u8]) -> usize {
    let mut chunks = bytes.chunks_exact(8);
    let mut passed = 0;
    for chunk in chunks.by_ref() {
        let word = word(chunk);
        let special = with_zero(word ^ QUOTE) | with_zero(word ^ BACKSLASH) | below_blank(word);
        if special != 0 {
            return passed + first(special);
        }
        passed += 8;
    }
    let special = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\');
    let rest = chunks.remainder();
    passed + rest.iter().position(special).unwrap_or(rest.len())
}

/// Where the first quote or backslash is.
pub(crate) fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    let mut chunks = bytes.chunks_exact(8);
    let mut passed = 0;
    for chunk in chunks.by_ref() {
        let word = word(chunk);
        let found = with_zero(word ^ QUOTE) | with_zero(word ^ BACKSLASH);
        if found != 0 {
            return Some(passed + first(found));
        }
        passed += 8;
    }
    let found = chunks
        .remainder()
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\'));
    found.map(|at| passed + at)
}

// Eight bytes at a time, the first in the lowest bits. The lowest byte that is
// marked is marked rightly: <https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord>.

/// A 1 in each byte.
const ALL: u64 = 0x0101_0101_0101_0101;

/// A quote in each byte.
const QUOTE: u64 = ALL * 0x22;

/// A backslash in each byte.
const BACKSLASH: u64 = ALL * 0x5c;

/// The highest bit of each byte.
const HIGH: u64 = 0x8080_8080_8080_8080;

fn word(chunk: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(chunk);
    u64::from_le_bytes(bytes)
}

/// Marks bytes that are 0.
const fn with_zero(word: u64) -> u64 {
    word.wrapping_sub(ALL) & !word & HIGH
}

/// Marks bytes that are below a blank.
const fn below_blank(word: u64) -> u64 {
    word.wrapping_sub(ALL * 0x20) & !word & HIGH
}

const fn first(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use super::{plain_length, quote_or_backslash, string};

    #[test]
    fn any_text_is_a_string_of_json() {
        let text: String = (0..0x300)
            .filter_map(char::from_u32)
            .chain(['\u{2028}', '\u{fffd}', '😀', '"', '\\'])
            .collect();
        let mut out = Vec::new();
        string(&mut out, &text);
        let read: String = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(read, text);
    }

    #[test]
    fn each_byte_is_found_wherever_it_stands() {
        for special in (0..=255).map(|byte: u8| byte) {
            for at in 0..20 {
                let mut bytes = [b'a'; 20];
                bytes[at] = special;
                let is_special = special < b' ' || matches!(special, b'"' | b'\\');
                assert_eq!(
                    plain_length(&bytes),
                    if is_special { at } else { 20 },
                    "{special} at {at}"
                );
                let is_end = matches!(special, b'"' | b'\\');
                assert_eq!(
                    quote_or_backslash(&bytes),
                    is_end.then_some(at),
                    "{special} at {at}"
                );
            }
        }
    }
}
