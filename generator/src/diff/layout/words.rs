//! Words and numbers as all formats have them. Pure.

use crate::diff::preview::{
    ClusterChange, ClusterRisk, ClusterStatus, ClusterTotals, InputScope, PartFile, Shipment,
    Totals, Variant,
};

/// How somebody says that a risk is meant.
pub(in crate::diff) const ACKNOWLEDGE: &str =
    "If it is intended, say so in a commit message: `Acknowledge-Danger: <flag>: <reason>`";
/// Clusters that are named beside a file; more are counted.
const MAX_NAMED: usize = 3;
/// Characters of one value.
const MAX_VALUE: usize = 240;
/// Of these, those before what differs.
const BEFORE_DIFFERENCE: usize = 60;

/// What becomes of a cluster.
pub(in crate::diff) struct Status {
    /// In a word or two, the same in many rows.
    pub(in crate::diff) word: &'static str,
    /// What else there is to say.
    pub(in crate::diff) note: Option<String>,
}

impl Status {
    /// That of a cluster.
    pub(in crate::diff) fn of(change: &ClusterChange) -> Self {
        let (word, note) = match (change.status, &change.renamed_from) {
            (ClusterStatus::Added, Some(from)) => {
                let (name, files) = (&from.name, count(from.same_files, "file"));
                ("added", Some(format!("like {name} ({files} the same)")))
            }
            (ClusterStatus::Added, None) => ("added", None),
            (ClusterStatus::Removed, _) => ("removed", None),
            (ClusterStatus::Changed, _) => ("changed", None),
            (ClusterStatus::FleetFiles, _) => ("the whole fleet", None),
            (ClusterStatus::AccountFiles, _) => ("accounts", None),
            (ClusterStatus::HeadFaulty, _) => {
                ("not compared", Some("the head has an error".to_owned()))
            }
            (ClusterStatus::BaseFaulty, _) => {
                ("not compared", Some("the base has an error".to_owned()))
            }
        };
        Self { word, note }
    }
}

/// In which of a group's clusters a file is, if not in all of them.
pub(in crate::diff) fn only_in_words(file: &PartFile) -> Option<String> {
    let names = file.only_in.iter().map(String::as_str);
    let named = listed(names, MAX_NAMED, str::to_owned);
    (!named.is_empty()).then(|| format!("only in {named}"))
}

/// What becomes of a comparison whose head has faults.
pub(crate) fn outcome_of_head(clusters: ClusterTotals) -> &'static str {
    if is_none_compared(clusters) {
        "no cluster could be compared"
    } else {
        "clusters without errors are shown"
    }
}

/// What becomes of one whose base has.
pub(crate) fn outcome_of_base(clusters: ClusterTotals) -> &'static str {
    if is_none_compared(clusters) {
        "no cluster could be compared with the base"
    } else {
        "the base is compared without them"
    }
}

fn is_none_compared(clusters: ClusterTotals) -> bool {
    let compared = clusters.added + clusters.changed + clusters.removed + clusters.unchanged;
    compared == 0 && clusters.not_compared > 0
}

/// Where sources end, and how long records are kept there.
pub(in crate::diff) fn shipment_words(shipment: &Shipment) -> String {
    match shipment.kept_days {
        Some(days) => format!("{}, {}", shipment.at, count(usize::from(days), "day")),
        None if shipment.kept_for_good => format!("{}, for good", shipment.at),
        None => shipment.at.clone(),
    }
}

/// Sources by what they are of: those of `kubernetes.`, those of `aws.`, and so
/// on, each without it.
pub(in crate::diff) fn by_origin(sources: &[String]) -> Vec<(&str, Vec<&str>)> {
    let mut reported: Vec<(&str, Vec<&str>)> = Vec::new();
    for source in sources {
        let (origin, name) = source.split_once('.').unwrap_or(("", source));
        match reported.iter_mut().find(|(other, _)| *other == origin) {
            Some((_, names)) => names.push(name),
            None => reported.push((origin, vec![name])),
        }
    }
    reported
}

/// Whom an input is for, after its path.
pub(in crate::diff) fn scope_words(scope: InputScope) -> &'static str {
    match scope {
        InputScope::Fleet => "for every cluster",
        InputScope::Environment => "for the clusters of that environment",
        InputScope::Template => "a template, for every cluster",
        InputScope::Cluster => "",
        InputScope::Named => "for the clusters that name it",
    }
}

/// `+2 ~1 -3`; nothing for none.
pub(in crate::diff) fn counts(totals: Totals) -> String {
    let parts = [
        ('+', totals.added),
        ('~', totals.changed),
        ('-', totals.removed),
    ];
    let parts = parts.iter().filter(|(_, count)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(sign, count)| format!("{sign}{count}"))
        .collect();
    parts.join(" ")
}

/// A number of things.
pub(in crate::diff) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// "and 3 more", or "and 3 places more" of that noun.
pub(in crate::diff) fn and_more(more: usize, noun: &str) -> String {
    match noun {
        "" => format!("and {more} more"),
        _ => format!("and {} more", count(more, noun)),
    }
}

/// "and 3 ways more in 7 clusters", of the same change.
pub(in crate::diff) fn ways_more(variants: &[Variant]) -> String {
    let clusters: usize = variants.iter().map(|variant| variant.clusters.len()).sum();
    let (ways, clusters) = (variants.len(), count(clusters, "cluster"));
    format!("and {ways} ways more in {clusters}")
}

/// The first names, and how many more there are.
pub(in crate::diff) fn listed<'n>(
    names: impl ExactSizeIterator<Item = &'n str>,
    max: usize,
    show: impl FnMut(&str) -> String,
) -> String {
    let more = names.len().saturating_sub(max);
    let named: Vec<String> = names.take(max).map(show).collect();
    let named = named.join(", ");
    match more {
        0 => named,
        more => format!("{named} {}", and_more(more, "")),
    }
}

/// A value as far as it is shown.
pub(in crate::diff) fn cut(text: &str) -> String {
    cut_around(text, 0)
}

/// A value as far as it is shown, with the character of that number in it.
pub(in crate::diff) fn cut_around(text: &str, at: usize) -> String {
    let count = text.chars().count();
    if count <= MAX_VALUE {
        return text.to_owned();
    }
    let is_near = at < MAX_VALUE - BEFORE_DIFFERENCE;
    let first = if is_near { 0 } else { at - BEFORE_DIFFERENCE };
    let part: String = text.chars().skip(first).take(MAX_VALUE).collect();
    let before = if first > 0 { "…" } else { "" };
    let after = if first + MAX_VALUE < count { "…" } else { "" };
    format!("{before}{part}{after} ({count} characters)")
}

/// A text of at most about so many bytes: of a longer one its beginning and its end.
pub(in crate::diff) fn cut_within(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let is_end = |at: &usize| text.is_char_boundary(*at);
    let start = (0..=max * 2 / 5).rev().find(is_end).unwrap_or(0);
    let end = text.len() - (max - start - 1);
    let end = (end..text.len()).find(is_end).unwrap_or(text.len());
    format!("{}…{}", &text[..start], &text[end..])
}

/// Two texts of about so many characters, with what differs in them.
pub(in crate::diff) fn cut_pair(old: &str, new: &str, max: usize) -> (String, String) {
    let both = old.chars().zip(new.chars());
    let shared = both.take_while(|(old, new)| old == new).count();
    let first = if shared < max / 2 {
        0
    } else {
        shared - max / 4
    };
    let cut = |text: &str| {
        if text.chars().count() <= max {
            return text.to_owned();
        }
        let before = if first > 0 { "…" } else { "" };
        let rest: String = text.chars().skip(first).take(max).collect();
        let is_whole = first + max >= text.chars().count();
        format!("{before}{rest}{}", if is_whole { "" } else { "…" })
    };
    (cut(old), cut(new))
}

/// What a risk is called in the table.
pub(in crate::diff) fn risk_words(risk: ClusterRisk) -> String {
    let id = risk.flag.id();
    if risk.acknowledged {
        format!("{id} (meant)")
    } else {
        id.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Flag;

    #[test]
    fn a_long_text_keeps_its_end() {
        assert_eq!(cut_within("short", 5), "short");
        assert_eq!(
            cut_within("logs-{cluster}@settings.json", 12),
            "logs…gs.json"
        );
    }

    #[test]
    fn where_nothing_is_compared_nothing_is_said_to_be_shown() {
        let mut clusters = ClusterTotals {
            not_compared: 3,
            ..ClusterTotals::default()
        };
        assert_eq!(outcome_of_head(clusters), "no cluster could be compared");
        clusters.unchanged = 1;
        assert_eq!(
            outcome_of_head(clusters),
            "clusters without errors are shown"
        );
        assert_eq!(
            outcome_of_base(clusters),
            "the base is compared without them"
        );
    }

    #[test]
    fn what_is_meant_is_reported_to_be() {
        let words = |acknowledged| {
            risk_words(ClusterRisk {
                flag: Flag::TlsWeakens,
                acknowledged,
            })
        };
        assert_eq!(words(false), "tls-weakens");
        assert_eq!(words(true), "tls-weakens (meant)");
    }
}
