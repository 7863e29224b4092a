//! Which JSON can be passed on as it is without a server refusing the whole
//! document for it. Pure.
//!
//! Both servers refuse duplicate keys, bare control characters and numbers of
//! more than 1,000 digits. Elasticsearch's `flattened` refuses more than 20
//! levels and a NUL in a key
//! (<https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/flattened>).
//! Of half a surrogate pair each makes something else.

use crate::json::Cursor;

/// Levels that are passed on.
const DEEPEST: usize = 15;

/// Digits of a number, its sign, point and exponent counted in.
const LONGEST_NUMBER: usize = 100;

/// Whether a value that was read as JSON can be passed on.
pub(super) fn is_safe(value: &str) -> bool {
    is_safe_value(&mut Cursor::new(value), 0)
}

/// The same for a member of an object: its key without quotes, and its value.
pub(super) fn is_safe_member(key: &str, value: &str) -> bool {
    is_safe_key(key) && is_safe_value(&mut Cursor::new(value), 1)
}

fn is_safe_key(key: &str) -> bool {
    // Dots at these places are no path to some versions of the servers.
    let is_path = !key.starts_with('.') && !key.ends_with('.') && !key.contains("..");
    is_path && !key.trim().is_empty() && key.bytes().all(|byte| byte >= 0x20 && byte != b'\\')
}

fn is_safe_value(cursor: &mut Cursor<'_>, depth: usize) -> bool {
    if depth > DEEPEST {
        return false;
    }
    match cursor.peek() {
        Some(b'{') => {
            let mut keys = Vec::new();
            let mut safe = true;
            let read = cursor.object(|cursor, key| {
                safe &= is_safe_key(key) && is_safe_value(cursor, depth + 1);
                keys.push(key);
                stop_unless(safe)
            });
            keys.sort_unstable();
            read.is_ok() && keys.windows(2).all(|pair| pair[0] != pair[1])
        }
        Some(b'[') => {
            let mut safe = true;
            let read = cursor.list(|cursor| {
                safe &= is_safe_value(cursor, depth + 1);
                stop_unless(safe)
            });
            read.is_ok()
        }
        Some(b'"') => match cursor.scalar() {
            Ok(crate::json::Scalar::String(inner)) => is_safe_string(inner),
            _ => false,
        },
        _ => match cursor.scalar() {
            Ok(crate::json::Scalar::Bare(text)) => {
                text.len() <= LONGEST_NUMBER && text.parse::<f64>().map_or(true, f64::is_finite)
            }
            other => other.is_ok(),
        },
    }
}

fn stop_unless(safe: bool) -> Result<(), crate::fault::Fault> {
    if safe {
        Ok(())
    } else {
        Err(crate::fault::Fault("not safe"))
    }
}

/// The inside of a string: no bare control character, and each escape is one
/// that JSON has, none of them half a pair.
fn is_safe_string(inner: &str) -> bool {
    if inner.bytes().any(|byte| byte < 0x20) {
        return false;
    }
    let mut rest = inner;
    while let Some(start) = memchr::memchr(b'\\', rest.as_bytes()) {
        let Some(escaped) = rest.as_bytes().get(start + 1) else {
            return false;
        };
        let length = match escaped {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' => {
                let digits = rest.get(start + 2..start + 6);
                let hex =
                    digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
                let unit = hex.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                // Pairs are written as they are by nearly everything; so none is told from a half.
                match unit.and_then(char::from_u32) {
                    Some('\0') | None => return false,
                    Some(_) => 6,
                }
            }
            _ => return false,
        };
        rest = &rest[start + length..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{is_safe, is_safe_member};

    #[test]
    fn what_a_server_refuses_is_not_passed_on() {
        for (value, safe) in [
            (r#"{"a":{"b":[1,null,true,"x\n\u0041"]}}"#, true),
            (r#"{"a":1,"a":2}"#, false),
            (r#"{"x":{"a":1,"b":1,"a":2}}"#, false),
            (r#"{"\u0061":1}"#, false),
            (r#"{"":1}"#, false),
            (r#"{".a":1}"#, false),
            (r#"{"a..b":1}"#, false),
            (r#"{"a.b":1}"#, true),
            ("{\"a\":\"\u{1}\"}", false),
            (r#"{"a":"\ud800"}"#, false),
            (r#"{"a":"\u0000"}"#, false),
            (r#"{"a":"\x"}"#, false),
            (r#"{"a":1e999}"#, false),
        ] {
            assert_eq!(is_safe(value), safe, "{value}");
        }
        assert!(!is_safe(&format!("{{\"a\":{}}}", "9".repeat(2000))));
        assert!(!is_safe(&("[".repeat(50) + &"]".repeat(50))));
        assert!(!is_safe_member("a\\u0062", "1"));
        assert!(is_safe_member("a-b", "{}"));
    }
}
