//! A preview as one HTML page. Pure.
//!
//! The page holds all that the [`Preview`] has, and needs nothing beside itself:
//! its policy forbids every request, and any script and style but its own
//! (<https://www.w3.org/TR/CSP3/>). It can be read without its script, which
//! adds search, keys and the view side by side.
//!
//! It is not a template, as that of [`fleet_page`](crate::fleet_page) is: ten
//! thousand groups are written here in a tenth of the time.

mod detail;
mod group;
mod head;
mod markup;
mod section;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

use super::links::Links;
use crate::diff::preview::Preview;
use markup::Markup;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// About how long a group of one changed value is, in bytes.
const BYTES_OF_GROUP: usize = 1_000;

/// Lays a preview out.
pub fn to_html(preview: &Preview) -> String {
    let mut title = Markup::default();
    title.within("Preview: ", &preview.verdict, "");
    let mut content = Markup::with_capacity(preview.groups.len() * BYTES_OF_GROUP);
    let links = Links::of(preview);
    content.head(preview, &links);
    content.changes(preview, &links);
    fill(&[
        ("{policy}", &policy()),
        ("{title}", &title.into_string()),
        ("{style}", STYLE),
        ("{content}", &content.into_string()),
        ("{script}", SCRIPT),
    ])
}

/// The page's frame with its slots filled; these are named in its order. What
/// fills a slot is never searched for another.
fn fill(slots: &[(&str, &str)]) -> String {
    let length: usize = slots.iter().map(|(_, text)| text.len()).sum();
    let mut page = String::with_capacity(PAGE.len() + length);
    let mut rest = PAGE;
    for (slot, text) in slots {
        if let Some((before, after)) = rest.split_once(slot) {
            page.extend([before, text]);
            rest = after;
        }
    }
    page + rest
}

/// What the page may do: nothing, but have this style and this script.
fn policy() -> String {
    let hash = |text: &str| BASE64.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}
