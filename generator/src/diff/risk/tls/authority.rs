//! Certificates of authorities that weren't trusted before. Pure.

use std::collections::BTreeSet;

use super::super::Flag;
use super::super::change::{Change, Found};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Where a file has other certificates than before: whoever has the key of
/// one can be the server. What the files had nothing of is reported otherwise.
pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let (Some(old), Some(new)) = (change.old, change.new) else {
        return;
    };
    let (before, after) = (certificates(old.text), certificates(new.text));
    let more = after.difference(&before).count();
    if before.is_empty() || more == 0 {
        return;
    }
    let what = if before.is_subset(&after) {
        "another certificate authority is trusted as well"
    } else {
        "another certificate authority is trusted, or the same one by another certificate"
    };
    let live = "whoever has its key can pass for the servers that shippers send to";
    found.push(Flag::TlsWeakens, what, Some(live.to_owned()));
}

/// The certificates in a text, however it is laid out.
fn certificates(text: &str) -> BTreeSet<String> {
    let mut pieces = text.split(BEGIN);
    pieces.next();
    let bodies = pieces.filter_map(|piece| Some(piece.split_once(END)?.0));
    bodies
        .map(|body| {
            // A line break in JSON is written as two characters.
            let plain = body.replace("\\n", "");
            plain.chars().filter(|c| !c.is_whitespace()).collect()
        })
        .collect()
}
