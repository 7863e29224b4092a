//! How long something is kept. Pure.

pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const HOUR: u64 = 3600 * SECOND;
pub(super) const DAY: u64 = 24 * HOUR;

/// How long records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Forever,
    /// Nanoseconds.
    For(u64),
    /// Until there are enough of them, however old they are.
    ByAmount,
    /// Not to be reported.
    Unknown,
}

impl Kept {
    /// Of a duration as it is written.
    pub(super) fn of(text: &str) -> Self {
        duration(text).map_or(Self::Unknown, Self::For)
    }

    /// What ends first.
    pub(super) fn shortest(self, other: Self) -> Self {
        match (self, other) {
            (Self::For(one), Self::For(other)) => Self::For(one.min(other)),
            (Self::ByAmount, _) | (_, Self::ByAmount) => Self::ByAmount,
            (Self::For(age), _) | (_, Self::For(age)) => Self::For(age),
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Forever, Self::Forever) => Self::Forever,
        }
    }
}

/// What becomes of what is kept shorter, after a verb; nothing if it isn't.
pub(super) fn shorter(old: Kept, new: Kept) -> Option<String> {
    Some(match (old, new) {
        (Kept::Forever, Kept::For(new)) => {
            format!(
                "deleted after {}; until now they were kept forever",
                words(new)
            )
        }
        (Kept::For(old), Kept::For(new)) if new < old => {
            format!("deleted after {} instead of {}", words(new), words(old))
        }
        (Kept::Forever | Kept::For(_), Kept::ByAmount) => {
            "deleted by their amount, regardless of their age".to_owned()
        }
        _ => return None,
    })
}

/// A duration in its largest unit that has no fraction.
pub(super) fn words(nanoseconds: u64) -> String {
    let units = [
        (DAY, "day"),
        (HOUR, "hour"),
        (60 * SECOND, "minute"),
        (SECOND, "second"),
        (1, "nanosecond"),
    ];
    let fits = |(size, _): &(u64, &str)| nanoseconds > 0 && nanoseconds.is_multiple_of(*size);
    match units.into_iter().find(fits) {
        Some((size, unit)) if nanoseconds / size == 1 => format!("1 {unit}"),
        Some((size, unit)) => format!("{} {unit}s", nanoseconds / size),
        None => "0 days".to_owned(),
    }
}

/// A duration as Elasticsearch and OpenSearch write it
/// (<https://www.elastic.co/docs/reference/elasticsearch/rest-apis/api-conventions#time-units>).
fn duration(text: &str) -> Option<u64> {
    let text = text.trim();
    let at = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let size = match unit {
        "d" => DAY,
        "h" => HOUR,
        "m" => 60 * SECOND,
        "s" => SECOND,
        "ms" => 1_000_000,
        "micros" => 1_000,
        "nanos" => 1,
        "" if number == "0" => 1,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("7d"), duration("168h"));
        assert_eq!(duration("60s"), duration("1m"));
        for text in [
            "",
            "d",
            "7 days",
            "-1",
            "99999999999999999999d",
            "9999999999d",
            "ü",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert_eq!(words(DAY), "1 day");
        assert_eq!(words(36 * 3600 * SECOND), "36 hours");
        assert_eq!(words(0), "0 days");
    }
}
