//! A preview as the comment of a pull request, in the Markdown of GitHub and
//! GitLab (<https://github.github.com/gfm/>). Pure.
//!
//! ```text
//! inline   names and sentences, so that nothing in them is markup …
//! fence    … and whole lines
//! rows     rows, as long as they have room
//! section  a section of rows
//! head     the verdict, risks, clusters, what was touched
//! summary  a group in one line
//! body     a group's changes
//! tiers    as much of the groups as fits
//! ```
//!
//! Nobody can scroll to what a forge refuses, so all is measured in bytes as
//! it is written, and cut only between rows, lines of a fence, or groups.
//!
//! All texts of a preview may be a stranger's. They stand in code spans, in
//! fences that nothing in them closes, or escaped in a `<summary>`; so they
//! call nobody, link nowhere and open no tag.

mod body;
mod fence;
mod head;
mod inline;
mod link;
mod rows;
mod section;
mod summary;
#[cfg(test)]
mod tests;
mod tiers;

pub use link::Link;

use crate::diff::preview::Preview;
use head::head;
use tiers::{Item, Reported};

/// How long a comment may be.
#[derive(Clone, Debug)]
pub struct Limit {
    /// In bytes; at least [`Limit::MIN_BYTES`].
    pub max_bytes: u32,
    /// Where all of it is.
    pub link: Option<Link>,
}

impl Limit {
    /// What the verdict, a word on each risk and the end need.
    pub const MIN_BYTES: u32 = 2_000;
    /// GitHub takes 65,536 characters; whoever posts the comment adds some lines.
    pub const DEFAULT_BYTES: u32 = 64_500;
}

/// Lays a preview out within a limit.
pub fn to_markdown(preview: &Preview, limit: &Limit) -> String {
    let items = Item::all(preview);
    let max_bytes = limit.max_bytes.max(Limit::MIN_BYTES);
    let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    let reserved = foot(&Reported::longest(&items), limit.link.as_ref()).len();
    // Without changes to tell, all is the head's.
    let for_head = if items.is_empty() {
        max_bytes.saturating_sub(reserved)
    } else {
        max_bytes / 2
    };
    let mut text = head(preview, for_head);
    if !items.is_empty() {
        text += "**What changes**\n\n";
    }
    let room = max_bytes.saturating_sub(text.len() + reserved);
    let reported = tiers::tell(&items, room, &mut text);
    text += &foot(&reported, limit.link.as_ref());
    text
}

/// How much is shown, and where the rest is.
fn foot(reported: &Reported, link: Option<&Link>) -> String {
    let mut sentences = Vec::new();
    if reported.whole < reported.groups {
        let short = match reported.shown - reported.whole {
            0 => String::new(),
            short => format!(", {short} of them in short"),
        };
        let (shown, groups) = (reported.shown, reported.groups);
        sentences.push(format!("**{shown} of {groups} groups shown**{short}."));
    }
    match link {
        Some(link) => sentences.push(format!("[Everything on one page]({})", link.destination())),
        None if sentences.is_empty() => return String::new(),
        None => sentences.push("`gen diff` shows everything.".to_owned()),
    }
    format!("\n{}\n", sentences.join(" "))
}
