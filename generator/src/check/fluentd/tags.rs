//! Which tags come to a section: a filter or output for tags that never come sees
//! no record. Pure.
//!
//! Tags are followed from the sources through labels. What can't be known, such as
//! Ruby in a tag, is taken for any tag; so what is reported never comes indeed.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::schema::Schema;
use super::syntax::Section;
use crate::glob::overlap_globs;
use crate::sentence::list;

/// The label of what has none.
const TOP: &str = "";

/// More than these are taken for any tag.
const MOST_TAGS: usize = 32;

/// Tags, with `*` for any part.
type Tags = BTreeSet<String>;

pub(super) fn check(root: &Section<'_>, schema: &Schema) -> Vec<Finding> {
    let labels = labels(root);
    let chosen = |section: &Section<'_>| {
        let is_own = matches!(section.name, "filter" | "match");
        is_own && patterns(section).iter().any(|pattern| pattern != "*")
    };
    // What Fluentd itself says has tags of one kind, which are known.
    let mut others = labels.iter().filter(|(label, _)| **label != "@FLUENT_LOG");
    if !others.any(|(_, section)| section.sections.iter().any(chosen)) {
        return Vec::new();
    }
    let arriving = follow(&labels, root, schema);
    let mut findings = Vec::new();
    for (label, section) in &labels {
        let Some(tags) = arriving.get(label) else {
            continue;
        };
        for own in section.sections.iter().filter(|own| chosen(own)) {
            let comes = |pattern: &String| tags.iter().any(|tag| overlap_globs(pattern, tag));
            if !patterns(own).iter().any(comes) {
                let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
                findings.push(
                    Finding::new(
                        own.offset,
                        format!(
                            "no record with a tag like `{}` comes to this `<{}>`, so it does nothing",
                            own.argument.text, own.name
                        ),
                    )
                    .hint(format!("tags that come here are {}", list(&tags))),
                );
            }
        }
    }
    findings
}

/// The labels with their sections; the top is one, too.
fn labels<'s, 't>(root: &'s Section<'t>) -> BTreeMap<&'s str, &'s Section<'t>> {
    let own = root.sections.iter().filter(|own| own.name == "label");
    own.map(|own| (&*own.argument.text, own))
        .chain([(TOP, root)])
        .collect()
}

/// The tags that come to each label.
fn follow<'s>(
    labels: &BTreeMap<&'s str, &'s Section<'_>>,
    root: &'s Section<'_>,
    schema: &Schema,
) -> BTreeMap<&'s str, Tags> {
    let mut arriving: BTreeMap<&str, Tags> = BTreeMap::new();
    arriving.insert("@ERROR", Tags::from(["*".to_owned()]));
    arriving.insert("@FLUENT_LOG", Tags::from(["fluent.*".to_owned()]));
    for source in root.sections.iter().filter(|own| own.name == "source") {
        let label = source.get("@label").map_or(TOP, |label| &*label.text);
        let tag = source.get("tag").map(|tag| {
            let known = !tag.is_dynamic && !tag.text.contains("${");
            if known {
                tag.text.to_string()
            } else {
                "*".to_owned()
            }
        });
        // Without a tag the plugin chooses one.
        let tag = tag.unwrap_or_else(|| "*".to_owned());
        arriving.entry(label).or_default().insert(tag);
    }
    loop {
        let mut sent: Vec<(&str, Tags)> = Vec::new();
        for (label, section) in labels {
            if let Some(tags) = arriving.get(label) {
                for own in &section.sections {
                    send(own, label, tags, schema, &mut sent);
                }
            }
        }
        let mut is_new = false;
        for (label, tags) in sent {
            let known = arriving.entry(label).or_default();
            if known.contains("*") {
                continue;
            }
            for tag in tags {
                is_new |= known.insert(tag);
            }
            if known.len() > MOST_TAGS {
                *known = Tags::from(["*".to_owned()]);
            }
        }
        if !is_new {
            return arriving;
        }
    }
}

/// What a filter or output of a label sends on, and to which.
fn send<'s>(
    section: &'s Section<'_>,
    label: &'s str,
    tags: &Tags,
    schema: &Schema,
    sent: &mut Vec<(&'s str, Tags)>,
) {
    let kind = match section.name {
        "filter" => "filter",
        "match" | "store" => "match",
        _ => return,
    };
    let patterns = match section.name {
        "store" => vec!["*".to_owned()],
        _ => patterns(section),
    };
    let own = tags.iter().filter(|tag| {
        let mut patterns = patterns.iter();
        patterns.any(|pattern| overlap_globs(pattern, tag))
    });
    let own: Tags = own.cloned().collect();
    if own.is_empty() {
        return;
    }
    let plugin = section.get("@type").map(|name| &*name.text);
    let known = plugin.and_then(|name| schema.plugins.get(kind)?.get(name));
    let labels = known
        .map(|plugin| &plugin.label_options)
        .into_iter()
        .flatten();
    for option in labels {
        if let Some(to) = section.get(option) {
            sent.push((&*to.text, own.clone()));
        }
    }
    if plugin == Some("rewrite_tag_filter") {
        for rule in section.sections.iter().filter(|inner| inner.name == "rule") {
            let to = rule.get("label").or_else(|| section.get("@label"));
            let to = to.map_or(label, |to| &*to.text);
            let tag = rule.get("tag").map_or("", |tag| &*tag.text);
            sent.push((to, rewritten(tag, &own)));
        }
    } else if kind == "match"
        && let Some(to) = section.get("@label")
    {
        let tags = if known.is_some_and(|plugin| plugin.relabel) {
            own
        } else {
            // An output that emits again may do so with any tag.
            Tags::from(["*".to_owned()])
        };
        sent.push((&*to.text, tags));
    }
    for inner in section
        .sections
        .iter()
        .filter(|inner| inner.name == "store")
    {
        send(inner, label, tags, schema, sent);
    }
}

/// The tags that a rule of `rewrite_tag_filter` makes.
fn rewritten(tag: &str, from: &Tags) -> Tags {
    if tag == "${tag}" {
        return from.clone();
    }
    // `$1`, `${tag_parts[0]}`, `__HOSTNAME__`.
    let is_known = !tag.is_empty() && !tag.contains(['$', '#']) && !tag.contains("__");
    Tags::from([if is_known {
        tag.to_owned()
    } else {
        "*".to_owned()
    }])
}

/// The tags of a section as globs that match at least as much
/// (<https://docs.fluentd.org/configuration/config-file#how-match-patterns-work>).
fn patterns(section: &Section<'_>) -> Vec<String> {
    let text = &section.argument.text;
    if section.argument.is_dynamic || text.starts_with('/') || text.is_empty() {
        return vec!["*".to_owned()];
    }
    let words = text.split_whitespace().flat_map(alternatives);
    words
        .map(|word| {
            let mut glob = word.replace("**", "*");
            // `a.**` is `a`, too, and `**.a` as well.
            if let Some(start) = word.strip_suffix(".**") {
                glob = format!("{}*", start.replace("**", "*"));
            }
            if let Some(end) = glob.strip_prefix("*.").filter(|_| word.starts_with("**.")) {
                glob = format!("*{end}");
            }
            glob
        })
        .collect()
}

/// `a.{b,c}` is `a.b` and `a.c`.
fn alternatives(word: &str) -> Vec<String> {
    let (Some(open), Some(close)) = (word.find('{'), word.find('}')) else {
        return vec![word.to_owned()];
    };
    if close < open {
        return vec!["*".to_owned()];
    }
    let inside = word[open + 1..close].split(',');
    inside
        .flat_map(|part| {
            alternatives(&format!(
                "{}{}{}",
                &word[..open],
                part.trim(),
                &word[close + 1..]
            ))
        })
        .collect()
}
