//! Days of the calendar. Pure.

/// Whether a text is a day such as `2027-03-31`, and one that there is.
pub fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let &[year, month, day] = parts.as_slice() else {
        return false;
    };
    let number = |part: &str, digits: usize| -> Option<u32> {
        let plain = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        if plain { part.parse().ok() } else { None }
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    (1..=days_of(year, month)).contains(&day)
}

/// The days of a month in the Gregorian calendar; none for a month there isn't.
fn days_of(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_days_from_what_only_looks_like_one() {
        for day in ["2027-03-31", "2028-02-29", "2000-02-29", "2027-12-01"] {
            assert!(is_day(day), "{day}");
        }
        for text in [
            "2027-02-29",
            "2100-02-29",
            "2027-04-31",
            "2027-13-01",
            "2027-00-10",
            "2027-01-00",
            "2027-1-1",
            "27-01-01",
            "2027-01-01x",
            "2027-01",
            "+027-01-01",
            "",
        ] {
            assert!(!is_day(text), "{text}");
        }
    }
}
