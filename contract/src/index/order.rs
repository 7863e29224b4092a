//! In which order index templates are written. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Patterns and priority of an index template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// Its patterns. Those of logfleet are names of data streams, without
    /// `*`, so that two patterns overlap only if they are equal.
    pub patterns: BTreeSet<String>,
    /// Its priority: where two templates have a pattern, the higher one counts.
    pub priority: u64,
}

impl Template {
    /// Reads them from a template's body, the rendered one or the server's.
    pub fn of(body: &Value) -> Self {
        let patterns = match &body["index_patterns"] {
            Value::String(pattern) => vec![pattern.clone()],
            Value::Array(patterns) => {
                let texts = patterns.iter().filter_map(Value::as_str);
                texts.map(ToOwned::to_owned).collect()
            }
            _ => Vec::new(),
        };
        Self {
            patterns: patterns.into_iter().collect(),
            priority: body["priority"].as_u64().unwrap_or_default(),
        }
    }
}

/// A template to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateWrite {
    /// Its name.
    pub name: String,
    /// Patterns that it needs besides its own for a while: it is to be written
    /// with both, and comes once more later, without them.
    pub kept: BTreeSet<String>,
}

/// Why there is no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Two templates would have a pattern at the same priority, which servers refuse.
    #[error(
        "the index templates `{one}` and `{other}` would both have the pattern `{pattern}` at priority {priority}"
    )]
    SamePriority {
        /// The one that is written.
        one: String,
        /// The one that has it already.
        other: String,
        /// The pattern.
        pattern: String,
        /// The priority of both.
        priority: u64,
    },
}

/// Orders the writing of index templates. `now` are those that the server has
/// with our mark, `wanted` those to be written.
///
/// Elasticsearch and OpenSearch refuse a change that would leave a data stream
/// without a template, and a template whose patterns overlap with another's of
/// the same priority. So while a data stream moves from one template to
/// another, both must have its name for a moment, at different priorities:
/// a template that gains a pattern is written before the one that loses it.
/// Where templates exchange patterns, one of them keeps what it loses until all
/// others are written, and is then written again.
///
/// Templates that are wanted no more are removed after all these writes.
pub fn order_writes(
    now: &BTreeMap<String, Template>,
    wanted: &BTreeMap<String, Template>,
) -> Result<Vec<TemplateWrite>, OrderError> {
    let mut writing = Writing {
        there: now.clone(),
        wanted,
        left: wanted.keys().collect(),
    };
    let mut writes = Vec::new();
    while let Some((name, is_free)) = writing.next() {
        let mut template = wanted[name].clone();
        let mut kept = BTreeSet::new();
        if is_free {
            writing.left.remove(name);
        } else {
            kept = writing.lost(name);
            template.patterns.extend(kept.iter().cloned());
        }
        writing.write(name, template)?;
        writes.push(TemplateWrite {
            name: name.clone(),
            kept,
        });
    }
    Ok(writes)
}

/// What has been written so far, and what hasn't.
struct Writing<'w> {
    there: BTreeMap<String, Template>,
    wanted: &'w BTreeMap<String, Template>,
    left: BTreeSet<&'w String>,
}

impl<'w> Writing<'w> {
    /// The next template, and whether it may lose what it is to lose. If none
    /// may, the first that others wait for is next.
    fn next(&self) -> Option<(&'w String, bool)> {
        let free = self.left.iter().find(|name| self.is_free(name));
        let gains = |name: &&&String| !self.gained(name).is_empty();
        let next = free.or_else(|| self.left.iter().find(gains));
        next.map(|name| (*name, free.is_some()))
    }

    /// Whether all that a template loses is where it is wanted.
    fn is_free(&self, name: &str) -> bool {
        let lost = self.lost(name);
        let others = self.left.iter().filter(|other| other.as_str() != name);
        others
            .into_iter()
            .all(|other| self.gained(other).is_disjoint(&lost))
    }

    fn lost(&self, name: &str) -> BTreeSet<String> {
        difference(self.there.get(name), self.wanted.get(name))
    }

    fn gained(&self, name: &str) -> BTreeSet<String> {
        difference(self.wanted.get(name), self.there.get(name))
    }

    fn write(&mut self, name: &str, template: Template) -> Result<(), OrderError> {
        for (other, there) in &self.there {
            let mut common = there.patterns.intersection(&template.patterns);
            if other != name
                && there.priority == template.priority
                && let Some(pattern) = common.next()
            {
                return Err(OrderError::SamePriority {
                    one: name.to_owned(),
                    other: other.clone(),
                    pattern: pattern.clone(),
                    priority: template.priority,
                });
            }
        }
        self.there.insert(name.to_owned(), template);
        Ok(())
    }
}

/// The patterns of one that another hasn't.
fn difference(one: Option<&Template>, other: Option<&Template>) -> BTreeSet<String> {
    let patterns = |template: Option<&Template>| {
        template.map_or_else(BTreeSet::new, |template| template.patterns.clone())
    };
    &patterns(one) - &patterns(other)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    type Templates = BTreeMap<String, Template>;

    /// Templates whose priorities are told by their names.
    fn templates(all: &[(&str, &[&str])]) -> Templates {
        let template = |(name, patterns): &(&str, &[&str])| {
            let template = Template {
                patterns: patterns.iter().map(|&pattern| pattern.into()).collect(),
                priority: name.bytes().map(u64::from).sum(),
            };
            ((*name).to_owned(), template)
        };
        all.iter().map(template).collect()
    }

    fn ordered(now: &Templates, wanted: &Templates) -> Vec<String> {
        let writes = order_writes(now, wanted).expect("an order");
        let told = |write: TemplateWrite| match write.kept.into_iter().collect::<Vec<_>>() {
            kept if kept.is_empty() => write.name,
            kept => format!("{} with {}", write.name, kept.join(", ")),
        };
        writes.into_iter().map(told).collect()
    }

    #[test]
    fn who_gains_a_pattern_goes_before_who_loses_it() {
        let now = templates(&[("a", &["x", "y"]), ("b", &["z"])]);
        let wanted = templates(&[("a", &["x"]), ("b", &["y", "z"])]);
        assert_eq!(ordered(&now, &wanted), ["b", "a"]);
        // A chain, and one that is new.
        let now = templates(&[("a", &["x"]), ("b", &["y"])]);
        let wanted = templates(&[("a", &["w"]), ("b", &["x"]), ("c", &["y"])]);
        assert_eq!(ordered(&now, &wanted), ["c", "b", "a"]);
        // Nothing moves: by name.
        assert_eq!(ordered(&wanted, &wanted), ["a", "b", "c"]);
        assert_eq!(ordered(&Templates::new(), &wanted), ["a", "b", "c"]);
    }

    #[test]
    fn who_exchanges_patterns_keeps_them_until_the_others_are_written() {
        let now = templates(&[("a", &["x"]), ("b", &["y"])]);
        let wanted = templates(&[("a", &["y"]), ("b", &["x"])]);
        assert_eq!(ordered(&now, &wanted), ["a with x", "b", "a"]);
    }

    #[test]
    fn two_of_one_priority_cannot_hand_over() {
        let mut now = templates(&[("a", &["x"])]);
        let mut wanted = templates(&[("b", &["x"])]);
        now.get_mut("a").expect("a").priority = 500;
        wanted.get_mut("b").expect("b").priority = 500;
        let error = order_writes(&now, &wanted).expect_err("a conflict");
        assert_eq!(
            error.to_string(),
            "the index templates `b` and `a` would both have the pattern `x` at priority 500"
        );
    }

    #[test]
    fn a_template_is_read_off_its_body() {
        let template = Template::of(&json!({ "index_patterns": ["b", "a"], "priority": 7 }));
        assert_eq!(template.priority, 7);
        assert_eq!(
            template.patterns.into_iter().collect::<Vec<_>>(),
            ["a", "b"]
        );
        let one = Template::of(&json!({ "index_patterns": "a" }));
        assert_eq!(one.patterns.len(), 1);
    }

    /// Each pattern belongs to one of five templates, or to none.
    fn layout() -> impl Strategy<Value = Templates> {
        proptest::collection::vec(proptest::option::of(0..5_usize), 8).prop_map(|owners| {
            let names = ["a", "b", "c", "d", "e"];
            let mut all = Templates::new();
            for (number, owner) in owners.into_iter().enumerate() {
                if let Some(name) = owner.map(|owner| names[owner]) {
                    let one = templates(&[(name, &[])]).remove(name).expect("it");
                    let entry = all.entry(name.to_owned()).or_insert(one);
                    entry.patterns.insert(format!("p{number}"));
                }
            }
            all
        })
    }

    fn covered(all: &Templates) -> BTreeSet<&String> {
        all.values()
            .flat_map(|template| &template.patterns)
            .collect()
    }

    proptest! {
        #[test]
        fn nothing_is_ever_without_a_template(now in layout(), wanted in layout()) {
            let stays: BTreeSet<String> = covered(&now).intersection(&covered(&wanted)).map(|pattern| (*pattern).clone()).collect();
            let writes = order_writes(&now, &wanted).expect("priorities differ");
            prop_assert!(writes.len() <= 2 * wanted.len());
            let mut there = now.clone();
            for write in writes {
                let mut template = wanted[&write.name].clone();
                template.patterns.extend(write.kept);
                there.insert(write.name, template);
                for pattern in &stays {
                    prop_assert!(covered(&there).contains(pattern), "{pattern}");
                }
            }
            there.retain(|name, _| wanted.contains_key(name));
            prop_assert_eq!(there, wanted);
        }
    }
}
