//! Points in time as milliseconds since 1970. Pure: nothing here asks a clock.

use std::io::Write as _;

use jiff::Timestamp;
use logfleet_events::time_text;

/// Milliseconds of a day.
pub const DAY: i64 = 24 * 3_600_000;

/// How far an event's own time may lie before CloudWatch's. `PutLogEvents`
/// takes events of the last 14 days, and a record may be about something older:
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>.
const LONGEST_BEFORE: i64 = 15 * DAY;

/// How far it may lie after CloudWatch's: clocks differ.
const LONGEST_AFTER: i64 = 3 * 3_600_000;

/// How far CloudWatch's own time may lie before now: it keeps logs for ten years.
const LONGEST_KEPT: i64 = 3_653 * DAY;

/// Writes a time as RFC 3339 in UTC with milliseconds. One that no calendar
/// has is written as its nearest end.
pub fn write(milliseconds: i64, out: &mut Vec<u8>) {
    if let Some(text) = time_text(milliseconds) {
        out.extend_from_slice(&text);
        return;
    }
    let end = if milliseconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    let time = Timestamp::from_millisecond(milliseconds).unwrap_or(end);
    // Writing to memory can't fail.
    let _ = write!(out, "{time:.3}");
}

/// A time as RFC 3339.
pub fn text(milliseconds: i64) -> String {
    let mut out = Vec::with_capacity(24);
    write(milliseconds, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Reads RFC 3339.
pub fn parse(text: &str) -> Option<i64> {
    let time: Timestamp = text.trim().parse().ok()?;
    Some(time.as_millisecond())
}

/// The year, month and day of a time, each as a folder's name: `2026/11/29`.
pub fn folder(milliseconds: i64) -> String {
    text(milliseconds)
        .split('T')
        .next()
        .unwrap_or_default()
        .replace('-', "/")
}

/// The time that a document is filed under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// What goes to `@timestamp`.
    pub time: i64,
    /// What the event says, where that isn't believed.
    pub original: Option<i64>,
}

/// Chooses the time of a document: the event's own, or CloudWatch's if it has
/// none or one that can't be right; or now, if CloudWatch's can't be right
/// either. A document far out of the present would keep its index, and
/// everything in it, from ever expiring, or be deleted at once.
pub fn choose(own: Option<i64>, received: Option<i64>, now: i64) -> Chosen {
    let received_is_right =
        |time: &i64| (now - LONGEST_KEPT..=now.saturating_add(DAY)).contains(time);
    let base = received.filter(received_is_right);
    let around = base.unwrap_or(now);
    match own {
        Some(own) if (around - LONGEST_BEFORE..=around + LONGEST_AFTER).contains(&own) => Chosen {
            time: own,
            original: None,
        },
        Some(own) => Chosen {
            time: around,
            original: Some(own),
        },
        None => Chosen {
            time: around,
            original: received.filter(|_| base.is_none()),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_795_900_000_000;

    #[test]
    fn times_are_written_with_milliseconds_and_read_back() {
        assert_eq!(text(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(text(NOW), "2026-11-28T21:06:40.000Z");
        assert_eq!(parse("2026-11-28T21:06:40.000Z"), Some(NOW));
        assert_eq!(folder(NOW), "2026/11/28");
        // The years 1 and 9999, and times that no calendar has.
        assert_eq!(text(-62_135_596_800_000), "0001-01-01T00:00:00.000Z");
        assert_eq!(text(253_402_200_000_000), "9999-12-30T20:00:00.000Z");
        assert!(text(i64::MAX).starts_with("9999-"));
        assert!(text(i64::MIN).starts_with('-'));
    }

    #[test]
    fn an_event_s_own_time_counts_unless_it_cannot_be_right() {
        let believed = |own, received| choose(own, received, NOW);
        let at = |time, original| Chosen { time, original };
        assert_eq!(believed(None, Some(NOW - 5)), at(NOW - 5, None));
        assert_eq!(believed(Some(NOW - 9), Some(NOW)), at(NOW - 9, None));
        assert_eq!(
            believed(Some(NOW + 30 * DAY), Some(NOW)),
            at(NOW, Some(NOW + 30 * DAY))
        );
        let year_1 = -62_135_596_800_000;
        let year_9999 = 253_402_200_000_000;
        assert_eq!(believed(Some(year_1), Some(NOW)), at(NOW, Some(year_1)));
        assert_eq!(believed(None, Some(year_9999)), at(NOW, Some(year_9999)));
        assert_eq!(believed(None, None), at(NOW, None));
        // An old log that is replayed keeps its times.
        assert_eq!(
            believed(Some(NOW - 100 * DAY), Some(NOW - 100 * DAY)).original,
            None
        );
    }

    proptest! {
        /// Most times are written without the calendar's help.
        #[test]
        fn a_time_is_written_as_the_calendar_writes_it(time in -1_000_000_i64..253_402_300_800_000) {
            let calendar = Timestamp::from_millisecond(time).expect("a time");
            prop_assert_eq!(text(time), format!("{calendar:.3}"));
        }

        #[test]
        fn a_chosen_time_lies_within_the_years_that_an_index_may_hold(
            own: Option<i64>, received: Option<i64>,
        ) {
            let chosen = choose(own, received, NOW);
            prop_assert!((NOW - LONGEST_KEPT - LONGEST_BEFORE..=NOW + DAY + LONGEST_AFTER).contains(&chosen.time));
            if let Some(own) = own {
                prop_assert!(chosen.time == own || chosen.original == Some(own));
            }
        }
    }
}
