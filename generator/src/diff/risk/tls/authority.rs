//! Certificates of authorities that weren't trusted before. Pure.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::diff::risk::values::texts;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Where a file has other certificates than before: whoever has the key of
/// one can be the server. What the files had nothing of is reported otherwise.
pub(in crate::diff::risk) fn another_authority(old: &Json, new: &Json) -> Option<String> {
    let [before, after] = [old, new].map(|all| BTreeSet::from_iter(texts(Some(all))));
    let what = if after.is_subset(&before) {
        return None;
    } else if before.is_subset(&after) {
        "another certificate authority is trusted as well"
    } else {
        "another certificate authority is trusted, or the same one by another certificate"
    };
    Some(what.to_owned())
}

/// The certificates in a text, however it is laid out.
pub(in crate::diff::risk) fn certificates(text: &str) -> BTreeSet<String> {
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
