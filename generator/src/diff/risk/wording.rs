//! Names and values in sentences. Pure.

use std::collections::BTreeSet;

use crate::diff::redact;
use crate::sentence::first_of;

/// Longest sentence, in characters.
pub(super) const LONGEST: usize = 480;
/// Longest name, in characters: that of most resources of AWS fits.
const LONGEST_NAME: usize = 128;
/// Most names in one sentence.
const MOST_NAMES: usize = 8;

/// A few names, fit to be shown.
pub(super) fn names<N: AsRef<str> + Ord>(names: impl IntoIterator<Item = N>) -> String {
    let all: BTreeSet<N> = names.into_iter().collect();
    first_of(all.iter().map(|name| legible(name.as_ref())), MOST_NAMES)
}

/// The same, if there are any.
pub(super) fn some_names<N: AsRef<str> + Ord>(all: impl IntoIterator<Item = N>) -> Option<String> {
    let mut all = all.into_iter().peekable();
    all.peek().is_some().then(|| names(all))
}

/// A few names in backticks.
pub(super) fn quoted<N: AsRef<str>>(all: impl IntoIterator<Item = N>) -> String {
    names(all.into_iter().map(|name| format!("`{}`", name.as_ref())))
}

/// A name or value, fit to be shown. Of a long one both ends tell which it is.
pub(super) fn legible(value: &str) -> String {
    let plain: String = value.chars().filter(|c| !c.is_control()).collect();
    shorten(&redact::text(&plain), LONGEST_NAME)
}

/// A text of that many characters at most, with a mark where some are left out.
pub(super) fn shorten(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let before = most.saturating_sub(1).div_ceil(2);
    let after = most.saturating_sub(1) - before;
    let start: String = text.chars().take(before).collect();
    let end: String = text.chars().skip(length - after).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_with_a_mark_and_keeps_its_end() {
        assert_eq!(legible("short"), "short");
        let long = format!("{}-the-end", "a".repeat(200));
        let reported = legible(&long);
        assert_eq!(reported.chars().count(), LONGEST_NAME);
        assert!(
            reported.contains('…') && reported.ends_with("-the-end"),
            "{reported}"
        );
    }
}
