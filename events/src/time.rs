//! Points in time: what AWS writes, and how it is written here. Pure.

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// A date that both servers take: the years 1970 to 9999.
const ACCEPTED: std::ops::Range<i64> = 0..253_402_300_800_000;

/// A point in time that a text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time<'t> {
    /// Milliseconds since 1970.
    pub milliseconds: i64,
    /// The text, if a server takes it as it is but for a `Z` that may be missing.
    verbatim: Option<&'t str>,
}

impl<'t> Time<'t> {
    /// Of seconds since 1970.
    pub(crate) fn of_seconds(seconds: i64) -> Option<Self> {
        let milliseconds = seconds.checked_mul(1000)?;
        Some(Self {
            milliseconds,
            verbatim: None,
        })
    }

    /// Of a text by ISO 8601, or as web servers write it:
    /// `06/Feb/2019:00:00:38 +0000`, in brackets or without.
    pub(crate) fn read(text: &'t str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.get(4) == Some(&b'-') {
            iso(text)
        } else {
            web(text)
        }
    }

    /// Whether both servers take it.
    pub(crate) fn is_accepted(self) -> bool {
        ACCEPTED.contains(&self.milliseconds)
    }

    /// Appends it in the form `2014-12-14T04:06:50Z`.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        if let Some(text) = self.verbatim {
            out.extend_from_slice(text.as_bytes());
            if !text.ends_with('Z') {
                out.push(b'Z');
            }
            return;
        }
        let text = written(self.milliseconds);
        if self.milliseconds.rem_euclid(1000) == 0 {
            out.extend_from_slice(&text[..19]);
            out.push(b'Z');
        } else {
            out.extend_from_slice(&text);
        }
    }
}

/// A time in milliseconds since 1970 as RFC 3339 in UTC, with milliseconds; none for one that
/// a server wouldn't take, of years before 1970 or after 9999.
pub fn time_text(milliseconds: i64) -> Option<[u8; 24]> {
    ACCEPTED
        .contains(&milliseconds)
        .then(|| written(milliseconds))
}

/// Of a year of more than four digits, the last four; a year before 0 is none that anything is written of.
fn written(milliseconds: i64) -> [u8; 24] {
    let (year, month, day) = civil(milliseconds.div_euclid(DAY));
    // Numbers of 32 bits are divided several times as fast as those of 64.
    let small = |number: i64| u32::try_from(number).unwrap_or_default();
    let (year, month, day) = (small(year), small(month), small(day));
    let of_day = small(milliseconds.rem_euclid(DAY));
    let (seconds, fraction) = (of_day / 1000, of_day % 1000);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    two_digits(&mut text, 0, year / 100);
    two_digits(&mut text, 2, year);
    two_digits(&mut text, 5, month);
    two_digits(&mut text, 8, day);
    two_digits(&mut text, 11, seconds / 3600);
    two_digits(&mut text, 14, seconds / 60 % 60);
    two_digits(&mut text, 17, seconds % 60);
    two_digits(&mut text, 20, fraction / 10);
    text[22] = digit(fraction % 10);
    text
}

/// Writes the last two digits of a number.
fn two_digits(text: &mut [u8; 24], at: usize, number: u32) {
    text[at] = digit(number / 10 % 10);
    text[at + 1] = digit(number % 10);
}

/// The digit of a number below ten.
fn digit(number: u32) -> u8 {
    b'0' + (number & 15) as u8
}

/// `2018-07-02T22:23:00.186641Z`, with up to nine digits behind the point; the
/// zone may be missing, and is UTC then.
fn iso(text: &str) -> Option<Time<'_>> {
    let bytes = text.as_bytes();
    let date = bytes.get(..19)?;
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if separators.iter().any(|(at, byte)| date[*at] != *byte) {
        return None;
    }
    let number = |from: usize, count: usize| decimal(&bytes[from..from + count]);
    let seconds = moment(
        [number(0, 4)?, number(5, 2)?, number(8, 2)?],
        [number(11, 2)?, number(14, 2)?, number(17, 2)?],
    )?;
    let mut rest = &bytes[19..];
    let mut milliseconds = 0;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if !(1..=9).contains(&count) {
            return None;
        }
        let digits = fraction[..count].iter().map(|byte| byte - b'0');
        for digit in digits.chain([0, 0]).take(3) {
            milliseconds = milliseconds * 10 + i64::from(digit);
        }
        rest = &fraction[count..];
    }
    let (offset, verbatim) = match rest {
        b"" | b"Z" => (0, Some(text)),
        zone => (offset(zone)?, None),
    };
    Some(Time {
        milliseconds: (seconds - offset) * 1000 + milliseconds,
        verbatim,
    })
}

/// `06/Feb/2019:00:00:38 +0000`.
fn web(text: &str) -> Option<Time<'_>> {
    let text = text.strip_prefix('[').unwrap_or(text);
    let text = text.strip_suffix(']').unwrap_or(text);
    let bytes = text.as_bytes();
    if bytes.len() != 26 {
        return None;
    }
    let separators = [
        (2, b'/'),
        (6, b'/'),
        (11, b':'),
        (14, b':'),
        (17, b':'),
        (20, b' '),
    ];
    if separators.iter().any(|(at, byte)| bytes[*at] != *byte) {
        return None;
    }
    let number = |from: usize, count: usize| decimal(&bytes[from..from + count]);
    let month = MONTHS.iter().position(|name| bytes[3..6] == **name)? + 1;
    let seconds = moment(
        [number(7, 4)?, i64::try_from(month).ok()?, number(0, 2)?],
        [number(12, 2)?, number(15, 2)?, number(18, 2)?],
    )?;
    Some(Time {
        milliseconds: (seconds - offset(&bytes[21..])?) * 1000,
        verbatim: None,
    })
}

/// As syslog and web servers name them.
pub(crate) const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Seconds of `+01:00` or `+0100`.
fn offset(zone: &[u8]) -> Option<i64> {
    let (sign, rest) = match zone.split_first()? {
        (b'+', rest) => (1, rest),
        (b'-', rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest.len() {
        4 => (&rest[..2], &rest[2..]),
        5 if rest[2] == b':' => (&rest[..2], &rest[3..]),
        _ => return None,
    };
    let (hours, minutes) = (decimal(hours)?, decimal(minutes)?);
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60)
}

fn decimal(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit()
            .then(|| number * 10 + i64::from(byte - b'0'))
    })
}

/// Seconds since 1970 of a day and a time of day that exist.
fn moment([year, month, day]: [i64; 3], [hour, minute, second]: [i64; 3]) -> Option<i64> {
    let exists = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    exists.then(|| ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970: <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The reverse: <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<(i64, String)> {
        let time = Time::read(text)?;
        let mut out = Vec::new();
        time.write(&mut out);
        Some((time.milliseconds, String::from_utf8(out).expect("ASCII")))
    }

    #[test]
    fn dates_are_read_and_written() {
        for (text, milliseconds, told) in [
            (
                "2018-07-02T22:23:00.186641Z",
                1_530_570_180_186,
                "2018-07-02T22:23:00.186641Z",
            ),
            (
                "2018-12-20T02:59:40",
                1_545_274_780_000,
                "2018-12-20T02:59:40Z",
            ),
            (
                "[06/Feb/2019:00:00:38 +0000]",
                1_549_411_238_000,
                "2019-02-06T00:00:38Z",
            ),
            (
                "06/Feb/2019:01:00:38 +0100",
                1_549_411_238_000,
                "2019-02-06T00:00:38Z",
            ),
            (
                "2000-02-29T23:59:59.5+00:30",
                951_866_999_500,
                "2000-02-29T23:29:59.500Z",
            ),
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
            (
                "9999-12-31T23:59:59Z",
                253_402_300_799_000,
                "9999-12-31T23:59:59Z",
            ),
        ] {
            assert_eq!(
                written(text),
                Some((milliseconds, told.to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "-",
            "2017-03-16T19:20:177Z",
            "2019-02-29T00:00:00Z",
            "2019-13-01T00:00:00Z",
            "2019-01-01T24:00:00Z",
            "2019-01-01T00:00:60Z",
            "2019-01-01T00:00:00.Z",
            "2019-01-01T00:00:00.1234567890Z",
            "2019-01-01T00:00:00z",
            "2019-01-01T00:00:00+25:00",
            "2019-01-01 00:00:00Z",
            "06/Foo/2019:00:00:38 +0000",
            "06/Feb/2019:00:00:38",
            "ö2019-01-01T00:00:00",
        ] {
            assert_eq!(written(text), None, "{text}");
        }
    }

    #[test]
    fn days_go_both_ways() {
        for day in (-800_000..3_000_000).step_by(97) {
            let (year, month, of_month) = civil(day);
            assert_eq!(days(year, month, of_month), day);
            assert!((1..=days_of(year, month)).contains(&of_month));
        }
    }

    #[test]
    fn years_that_a_server_refuses_are_known() {
        for (text, accepted) in [
            ("0001-01-01T00:00:00Z", false),
            ("1969-12-31T23:59:59Z", false),
            ("1970-01-01T00:00:00Z", true),
            ("9999-12-31T23:59:59Z", true),
        ] {
            assert_eq!(
                Time::read(text).expect(text).is_accepted(),
                accepted,
                "{text}"
            );
        }
        assert_eq!(Time::of_seconds(i64::MAX), None);
        assert!(
            !Time::of_seconds(253_402_300_800)
                .expect("a time")
                .is_accepted()
        );
    }
}
