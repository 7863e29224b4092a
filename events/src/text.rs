//! Texts as strings of JSON. Pure.

/// Appends a text as JSON.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    string_part(out, text);
    out.push(b'"');
}

/// Appends the inside of a string of JSON.
pub(crate) fn string_part(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if PLAIN[usize::from(*byte)] {
            continue;
        }
        out.extend_from_slice(&bytes[copied..at]);
        copied = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
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
    out.extend_from_slice(&bytes[copied..]);
}

/// The bytes that stand for themselves in a string of JSON.
static PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 32 {
        plain[byte] = false;
        byte += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain
};

#[cfg(test)]
mod tests {
    use super::string;

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
}
