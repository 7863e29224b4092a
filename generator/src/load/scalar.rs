//! Types plain scalars as YAML 1.2's core schema does. Pure.
//!
//! <https://yaml.org/spec/1.2.2/#103-core-schema>, with one exception: digits
//! after a leading zero (`012`, the account number `012345678901`) stay text,
//! because YAML 1.1 reads them as octal, 1.2 as decimal, and people mean
//! neither.

use super::node::Value;

/// Why a plain scalar can't be a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScalarFault {
    /// A whole number beyond 64 bits.
    TooLarge,
    /// `.inf`, `.nan`, or a float beyond the range.
    NotFinite,
}

/// The value of a plain scalar.
pub(super) fn type_plain(text: &str) -> Result<Value, ScalarFault> {
    let Some(first) = text.bytes().next() else {
        return Ok(Value::Null);
    };
    match first {
        b'~' | b'n' | b'N' if matches!(text, "~" | "null" | "Null" | "NULL") => Ok(Value::Null),
        b't' | b'T' if matches!(text, "true" | "True" | "TRUE") => Ok(Value::Bool(true)),
        b'f' | b'F' if matches!(text, "false" | "False" | "FALSE") => Ok(Value::Bool(false)),
        b'0'..=b'9' | b'+' | b'-' | b'.' => type_number(text),
        _ => Ok(Value::String(text.to_owned())),
    }
}

fn type_number(text: &str) -> Result<Value, ScalarFault> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err(ScalarFault::NotFinite);
    }
    if let Some(digits) = radix_digits(text, "0x", 16).or_else(|| radix_digits(text, "0o", 8)) {
        return i64::from_str_radix(&text[2..], digits)
            .map(Value::Integer)
            .map_err(|_| ScalarFault::TooLarge);
    }
    if is_digits(unsigned) {
        if unsigned.len() > 1 && unsigned.starts_with('0') {
            return Ok(Value::String(text.to_owned()));
        }
        return text
            .parse()
            .map(Value::Integer)
            .map_err(|_| ScalarFault::TooLarge);
    }
    if is_float(unsigned) {
        return match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => Err(ScalarFault::NotFinite),
        };
    }
    Ok(Value::String(text.to_owned()))
}

/// The radix, if all after the prefix are digits of it.
fn radix_digits(text: &str, prefix: &str, radix: u32) -> Option<u32> {
    let digits = text.strip_prefix(prefix)?;
    (!digits.is_empty() && digits.chars().all(|c| c.is_digit(radix))).then_some(radix)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
fn is_float(unsigned: &str) -> bool {
    let (number, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((number, exponent)) => (
            number,
            Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        ),
        None => (unsigned, None),
    };
    let mantissa = match number.split_once('.') {
        Some(("", decimals)) => is_digits(decimals),
        Some((digits, decimals)) => {
            is_digits(digits) && (decimals.is_empty() || is_digits(decimals))
        }
        None => is_digits(number),
    };
    mantissa && exponent.is_none_or(is_digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_as_the_core_schema_does() {
        for (text, value) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("FALSE", Value::Bool(false)),
            ("0", Value::Integer(0)),
            ("-19", Value::Integer(-19)),
            ("+12", Value::Integer(12)),
            ("0o14", Value::Integer(12)),
            ("0xC", Value::Integer(12)),
            ("9223372036854775807", Value::Integer(i64::MAX)),
            ("-9223372036854775808", Value::Integer(i64::MIN)),
            ("1.5", Value::Float(1.5)),
            ("-.5", Value::Float(-0.5)),
            ("1.", Value::Float(1.0)),
            ("12e03", Value::Float(12000.0)),
        ] {
            assert_eq!(type_plain(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn keeps_what_yaml_1_1_would_turn_as_text() {
        for text in [
            "yes",
            "No",
            "on",
            "OFF",
            "y",
            "n",
            "012",
            "-07",
            "012345678901",
            "1:30",
            "1_000",
            "0b1",
            "2024-01-02",
            "tRUE",
            "nULL",
            "1.2.3",
            ".",
            "-",
            "+",
            "0x",
            "0xG",
            "1e",
            "e3",
        ] {
            assert_eq!(type_plain(text), Ok(Value::String(text.into())), "{text}");
        }
    }

    #[test]
    fn refuses_numbers_that_do_not_fit() {
        assert_eq!(
            type_plain("9223372036854775808"),
            Err(ScalarFault::TooLarge)
        );
        assert_eq!(
            type_plain("0xFFFFFFFFFFFFFFFFFF"),
            Err(ScalarFault::TooLarge)
        );
        for text in [".inf", "-.INF", ".NaN", "1e999", "12e5555"] {
            assert_eq!(type_plain(text), Err(ScalarFault::NotFinite), "{text}");
        }
    }
}
