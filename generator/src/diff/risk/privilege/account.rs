//! Accounts of AWS that a cluster's files didn't name before. Pure.

use crate::diff::documents::{Document, Documents};

/// Digits of an account's id
/// (<https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html>).
const DIGITS: usize = 12;

/// The accounts in a text that no template of the base names. Of a cluster
/// without any it can't be reported whose an account is.
pub(super) fn others(base: &Documents<'_>, text: &str) -> Vec<String> {
    let found = accounts(text);
    if found.is_empty() {
        return Vec::new();
    }
    let templates: Vec<&str> = base
        .iter()
        .filter(|file| file.path().ends_with(".json"))
        .filter_map(Document::text)
        .filter(|text| text.contains("\"Resources\""))
        .collect();
    let is_known = |account: &String| {
        templates.is_empty() || templates.iter().any(|text| text.contains(account.as_str()))
    };
    found
        .into_iter()
        .filter(|account| !is_known(account))
        .collect()
}

/// Runs of as many digits as an account's id has.
fn accounts(text: &str) -> Vec<String> {
    let runs = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_account = |run: &&str| run.len() == DIGITS && run.bytes().all(|b| b.is_ascii_digit());
    runs.filter(is_account).map(str::to_owned).collect()
}
