//! Values as a field's type has them: what doesn't fit is left out. Pure.

use std::net::Ipv6Addr;

use crate::compiled::CompiledField;
use crate::field::Reading;
use crate::text::{string, string_part};
use crate::time::Time;
use crate::writer::Writer;

/// Most bytes of a keyword: what is longer is left out, since a term may have
/// 32,766 bytes (<https://www.elastic.co/docs/reference/elasticsearch/mapping-reference/ignore-above>),
/// and nobody looks for it as a whole.
pub(crate) const LONGEST_KEYWORD: usize = 8191;

/// Most bytes of a text beside `message`; the rest is cut.
pub(crate) const LONGEST_TEXT: usize = 8192;

/// Most bytes of what goes to `aws.event`, or to another map, together.
pub(crate) const LARGEST_MAP: usize = 8192;

/// Digits that a number may have, its sign, point and exponent counted in.
const LONGEST_NUMBER: usize = 40;

/// Writes a field, if its value fits. A text of `-` is none.
pub(crate) fn write(field: &CompiledField, text: &str, writer: &mut Writer<'_>) {
    if text.is_empty() || text == "-" || writer.has(field.slot) {
        return;
    }
    if let Some(value) = Value::read(field.reading, text) {
        if let Value::Date(time) = value {
            writer.at(field, time);
            if !time.is_accepted() {
                return;
            }
        }
        if let Some(out) = writer.begin(field.slot, &field.key) {
            value.write(out);
        }
    }
}

/// Writes a text into a field, whatever its reading is.
pub(crate) fn write_text(field: &CompiledField, text: &str, writer: &mut Writer<'_>) {
    if let Some(out) = writer.begin(field.slot, &field.key) {
        string(out, text);
    }
}

/// Writes a field that has a value for each of several texts.
pub(crate) fn write_list<'t>(
    field: &CompiledField,
    texts: impl Iterator<Item = &'t str>,
    writer: &mut Writer<'_>,
) {
    if writer.has(field.slot) {
        return;
    }
    let mut values = texts
        .filter_map(|text| Value::read(field.reading, text))
        .peekable();
    if values.peek().is_none() {
        return;
    }
    let Some(out) = writer.begin(field.slot, &field.key) else {
        return;
    };
    out.push(b'[');
    for (place, value) in values.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        value.write(out);
    }
    out.push(b']');
}

/// A value that fits its field.
#[derive(Clone, Copy)]
enum Value<'t> {
    /// A text, as JSON writes it.
    Text(&'t str),
    /// A text in lower case.
    Lower(&'t str),
    /// A text of any length, cut.
    Cut(&'t str),
    /// A number or a word of JSON.
    Bare(&'t str),
    /// A whole number.
    Long(i64),
    /// A point in time.
    Date(Time<'t>),
}

impl<'t> Value<'t> {
    fn read(reading: Reading, text: &'t str) -> Option<Self> {
        match reading {
            Reading::Keyword => keyword(text),
            Reading::Lower => keyword(text).map(|_| Self::Lower(text)),
            Reading::Text => Some(Self::Cut(text)),
            Reading::Long => long(text).map(Self::Long),
            Reading::Double => double(text).map(Self::Bare),
            Reading::Duration => (!text.starts_with('-'))
                .then(|| double(text))?
                .map(Self::Bare),
            Reading::Boolean => boolean(text).map(Self::Bare),
            Reading::Ip => is_ip(text).then_some(Self::Text(text)),
            Reading::NotIp => (!is_ip(text)).then(|| keyword(text))?,
            Reading::EndpointIp => {
                let (address, _) = endpoint(text)?;
                is_ip(address).then_some(Self::Text(address))
            }
            Reading::EndpointPort => port(endpoint(text)?.1).map(Self::Long),
            Reading::Seconds => long(text).and_then(Time::of_seconds).map(Self::Date),
            Reading::DateTime => Time::read(text).map(Self::Date),
            Reading::Transport => transport(text).map(Self::Text),
            Reading::Outcome => outcome(text).map(Self::Text),
            Reading::Failure => Some(Self::Text("failure")),
            Reading::Domain => keyword(
                text.strip_suffix('.')
                    .filter(|name| !name.is_empty())
                    .unwrap_or(text),
            ),
            Reading::TlsVersion => tls_version(text).map(Self::Text),
            Reading::Priority => long(text)
                .filter(|number| (0..=7).contains(number))
                .map(Self::Long),
            Reading::Method
            | Reading::Url
            | Reading::UrlScheme
            | Reading::UrlDomain
            | Reading::UrlPort
            | Reading::UrlPath
            | Reading::UrlQuery
            | Reading::HttpVersion => request_part(reading, text),
            // They take objects, see `json`.
            Reading::Map | Reading::Rest => None,
        }
    }

    fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => string(out, text),
            Self::Lower(text) => {
                let start = out.len();
                string(out, text);
                out[start..].make_ascii_lowercase();
            }
            Self::Cut(text) => {
                out.push(b'"');
                string_part(out, cut(text));
                out.push(b'"');
            }
            Self::Bare(text) => out.extend_from_slice(text.as_bytes()),
            Self::Long(number) => write_long(number, out),
            Self::Date(time) => {
                out.push(b'"');
                time.write(out);
                out.push(b'"');
            }
        }
    }
}

/// Most fields of flow logs are numbers; this takes a fifth of the time of `write!`.
fn write_long(number: i64, out: &mut Vec<u8>) {
    // As many as the digits of the largest number, and a sign.
    let mut digits = [b'-'; 20];
    let mut start = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    start -= usize::from(number < 0);
    out.extend_from_slice(&digits[start..]);
}

/// The beginning of a text that is too long.
fn cut(text: &str) -> &str {
    if text.len() <= LONGEST_TEXT {
        return text;
    }
    let mut end = LONGEST_TEXT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn keyword(text: &str) -> Option<Value<'_>> {
    (!text.is_empty() && text.len() <= LONGEST_KEYWORD).then_some(Value::Text(text))
}

fn long(text: &str) -> Option<i64> {
    // Every length of text that can be a number of 64 bits, and no sign but a minus.
    (text.len() <= 20 && !text.starts_with('+')).then(|| text.parse().ok())?
}

fn port(text: &str) -> Option<i64> {
    long(text).filter(|port| (0..=65_535).contains(port))
}

/// A number by JSON's grammar, as it is.
fn double(text: &str) -> Option<&str> {
    if text.len() > LONGEST_NUMBER
        || crate::json::number_length(text.as_bytes()) != Some(text.len())
    {
        return None;
    }
    text.parse::<f64>()
        .is_ok_and(f64::is_finite)
        .then_some(text)
}

fn boolean(text: &str) -> Option<&'static str> {
    match text {
        "true" | "True" | "Yes" => Some("true"),
        "false" | "False" | "No" => Some("false"),
        _ => None,
    }
}

/// Whether a text is an address, by the rules of both servers: no zone, no
/// zeros in front.
pub(crate) fn is_ip(text: &str) -> bool {
    let bytes = text.as_bytes();
    match bytes.first() {
        Some(b'0'..=b'9') if bytes.len() <= 15 && is_ipv4(bytes) => true,
        Some(b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b':') => {
            bytes.contains(&b':') && text.parse::<Ipv6Addr>().is_ok()
        }
        _ => false,
    }
}

fn is_ipv4(bytes: &[u8]) -> bool {
    let mut parts = 0;
    for part in bytes.split(|byte| *byte == b'.') {
        let leading_zero = part.len() > 1 && part[0] == b'0';
        if part.is_empty() || part.len() > 3 || leading_zero {
            return false;
        }
        let mut number = 0_u16;
        for byte in part {
            if !byte.is_ascii_digit() {
                return false;
            }
            number = number * 10 + u16::from(byte - b'0');
        }
        if number > 255 {
            return false;
        }
        parts += 1;
    }
    parts == 4
}

/// `10.0.0.1:80` and `[2001:db8::1]:80`, also without the brackets.
fn endpoint(text: &str) -> Option<(&str, &str)> {
    let (address, port) = text.rsplit_once(':')?;
    let address = address
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(address);
    Some((address, port))
}

/// <https://www.iana.org/assignments/protocol-numbers/protocol-numbers.xhtml>
fn transport(number: &str) -> Option<&'static str> {
    Some(match number {
        "1" => "icmp",
        "2" => "igmp",
        "4" => "ipv4",
        "6" => "tcp",
        "17" => "udp",
        "41" => "ipv6",
        "47" => "gre",
        "50" => "esp",
        "51" => "ah",
        "58" => "ipv6-icmp",
        "89" => "ospf",
        "103" => "pim",
        "132" => "sctp",
        _ => return None,
    })
}

fn outcome(text: &str) -> Option<&'static str> {
    match text {
        "ACCEPT" => Some("success"),
        "REJECT" => Some("failure"),
        _ => None,
    }
}

/// Load balancers write `TLSv1.2` and `tlsv12`, S3 `TLSv1.2` and `TLSV1.2`.
fn tls_version(text: &str) -> Option<&'static str> {
    let version = text
        .get(..4)
        .filter(|start| start.eq_ignore_ascii_case("tlsv"))?
        .len();
    Some(match &text[version..] {
        "1" | "1.0" | "10" => "1.0",
        "1.1" | "11" => "1.1",
        "1.2" | "12" => "1.2",
        "1.3" | "13" => "1.3",
        _ => return None,
    })
}

/// Part of `GET http://www.example.com:80/path?query HTTP/1.1`. Load balancers
/// write `- http://www.example.com:80- -` of what was no request.
fn request_part(reading: Reading, line: &str) -> Option<Value<'_>> {
    let (method, rest) = line.split_once(' ')?;
    let (url, version) = rest.rsplit_once(' ')?;
    let version = version.trim_end();
    if method == "-"
        || method.len() > 32
        || !method
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
    {
        return None;
    }
    let (scheme, after) = match url.split_once("://") {
        Some((scheme, after)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            (Some(scheme), after)
        }
        _ => (None, url),
    };
    let (authority, path) = match scheme {
        Some(_) => after.split_at(after.find(['/', '?']).unwrap_or(after.len())),
        None => ("", after),
    };
    let (host, port_number) = match endpoint(authority) {
        Some((host, number)) if port(number).is_some() => (host, Some(number)),
        _ => (authority, None),
    };
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    match reading {
        Reading::Method => keyword(method),
        Reading::Url => keyword(url),
        Reading::UrlScheme => keyword(scheme?),
        Reading::UrlDomain => keyword(host),
        Reading::UrlPort => port(port_number?).map(Value::Long),
        Reading::UrlPath => keyword(path),
        Reading::UrlQuery => keyword(query?),
        Reading::HttpVersion => keyword(version.strip_prefix("HTTP/")?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        for number in [0, 7, -7, 10, 443, -1_000, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            write_long(number, &mut out);
            assert_eq!(out, number.to_string().as_bytes());
        }
    }

    #[test]
    fn addresses_are_what_the_standard_library_takes() {
        for text in [
            "10.0.0.1",
            "255.255.255.255",
            "0.0.0.0",
            "256.0.0.1",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "1.2.3.4 ",
            "1..2.3",
            "::1",
            "2001:db8::1",
            "::ffff:10.0.0.1",
            "fe80::1%eth0",
            "1:2",
            "abcd",
            ":",
            "::",
            "-",
            "ec2.amazonaws.com",
            "12345",
            "1:2:3:4:5:6:7:8",
            "A::",
            "g::",
        ] {
            assert_eq!(
                is_ip(text),
                text.parse::<std::net::IpAddr>().is_ok(),
                "{text}"
            );
        }
    }

    fn told(reading: Reading, text: &str) -> Option<String> {
        let mut out = Vec::new();
        Value::read(reading, text)?.write(&mut out);
        Some(String::from_utf8(out).expect("text"))
    }

    #[test]
    fn numbers_are_those_of_json() {
        for (text, long, double) in [
            ("80", Some("80"), Some("80")),
            ("-1", Some("-1"), Some("-1")),
            ("007", Some("7"), None),
            ("+1", None, None),
            ("1.5", None, Some("1.5")),
            ("1e999", None, None),
            ("NaN", None, None),
            ("inf", None, None),
            (
                "9223372036854775807",
                Some("9223372036854775807"),
                Some("9223372036854775807"),
            ),
            ("9223372036854775808", None, Some("9223372036854775808")),
            ("1.", None, None),
            (".5", None, None),
            ("", None, None),
        ] {
            assert_eq!(told(Reading::Long, text).as_deref(), long, "{text}");
            assert_eq!(told(Reading::Double, text).as_deref(), double, "{text}");
        }
        assert_eq!(told(Reading::Duration, "-1"), None);
        assert_eq!(told(Reading::EndpointPort, "10.0.0.1:65536"), None);
        assert_eq!(told(Reading::Priority, "8"), None);
    }

    #[test]
    fn a_request_line_has_parts() {
        let parts = [
            Reading::Method,
            Reading::UrlScheme,
            Reading::UrlDomain,
            Reading::UrlPort,
            Reading::UrlPath,
            Reading::UrlQuery,
            Reading::HttpVersion,
        ];
        for (line, expected) in [
            (
                "GET http://www.example.com:80/a?b=c HTTP/1.1",
                "GET http www.example.com 80 /a b=c 1.1",
            ),
            (
                "GET /bucket?versioning HTTP/1.1",
                "GET . . . /bucket versioning 1.1",
            ),
            (
                "GET https://[2001:db8::1]:443/ HTTP/2.0",
                "GET https 2001:db8::1 443 / . 2.0",
            ),
            (
                "GET https://example.com?x HTTP/2.0",
                "GET https example.com . . x 2.0",
            ),
            ("- http://www.example.com:80- -", ". . . . . . ."),
            ("- - -", ". . . . . . ."),
            ("GET", ". . . . . . ."),
        ] {
            let told: Vec<String> = parts
                .iter()
                .map(|part| {
                    told(*part, line)
                        .map_or(".".to_owned(), |text| text.trim_matches('"').to_owned())
                })
                .collect();
            assert_eq!(told.join(" "), expected, "{line}");
        }
    }

    #[test]
    fn what_is_too_long_is_left_out_or_cut() {
        let long = "ü".repeat(5000);
        assert_eq!(told(Reading::Keyword, &long), None);
        assert_eq!(
            told(Reading::Text, &long).expect("cut").len(),
            LONGEST_TEXT + 2
        );
    }
}
