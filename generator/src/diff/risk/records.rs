//! Records that are thrown away from now on. Pure.

use super::wording::legible;
use crate::resolve::{Condition, RecordRule, ResolvedCluster, ResolvedKeep};
use crate::settings::WhenFull;

/// What is thrown away from now on, source by source, in sentences without an end.
pub(super) fn dropped(base: &ResolvedCluster, head: &ResolvedCluster) -> Vec<String> {
    let mut reported = Vec::new();
    for new in head.records() {
        let source = new.name();
        let Some(old) = base.records().find(|old| old.name() == source) else {
            continue;
        };
        let is_known = |rule: &RecordRule| old.drop.iter().any(|old| drops_no_more_than(rule, old));
        let more = new.drop.iter().filter(|rule| !is_known(rule));
        reported.extend(more.map(|rule| {
            let [name, reason] = [&rule.name, &rule.reason].map(|text| legible(text));
            format!("`{source}` drops what the rule `{name}` matches ({reason})")
        }));
    }
    reported.extend(kept_less(base, head));
    reported.extend(containers_kept_less(base, head));
    reported.extend(fields_taken_off(base, head));
    reported.extend(overflowing(base, head));
    reported.extend(given_up(base, head));
    reported
}

fn drops_no_more_than(rule: &RecordRule, other: &RecordRule) -> bool {
    let asks_for = |condition: &Condition| rule.conditions.contains(condition);
    let lasts = match (&rule.expires, &other.expires) {
        (_, None) => true,
        // A day sorts as its text does.
        (Some(day), Some(other)) => day.as_str() <= other.as_str(),
        (None, Some(_)) => false,
    };
    other.conditions.iter().all(asks_for) && lasts
}

/// Where only what is chosen is kept, and less is chosen.
fn kept_less(base: &ResolvedCluster, head: &ResolvedCluster) -> Vec<String> {
    let mut reported = Vec::new();
    for new in head.machines.roles() {
        let Some(old) = base.machines.roles().find(|old| old.name == new.name) else {
            continue;
        };
        let (before, after) = (&old.rules.keep, &new.rules.keep);
        let is_kept = |old: &RecordRule| {
            after.iter().any(|new| {
                new.conditions
                    .iter()
                    .all(|asked| old.conditions.contains(asked))
            })
        };
        if before.is_empty() && !after.is_empty() {
            let names: Vec<&str> = after.iter().map(|rule| rule.name.as_str()).collect();
            reported.push(format!(
                "`machines.{}` drops all but what it is to keep: {}",
                new.name,
                legible(&names.join(", "))
            ));
        } else if !after.is_empty() {
            let lost = before.iter().filter(|old| !is_kept(old));
            reported.extend(lost.map(|rule| {
                format!(
                    "`machines.{}` no longer keeps what the rule `{}` matches",
                    new.name,
                    legible(&rule.name)
                )
            }));
        }
    }
    reported
}

/// The same of containers, of which a rule may be for some only.
fn containers_kept_less(base: &ResolvedCluster, head: &ResolvedCluster) -> Vec<String> {
    let mut reported = Vec::new();
    for (source, new) in head.sources.containers() {
        let mut all = base.sources.containers();
        let Some((_, old)) = all.find(|(other, _)| *other == source) else {
            continue;
        };
        let (before, after) = (&old.records.keep, &new.records.keep);
        let holds_for = |rule: &ResolvedKeep, other: &ResolvedKeep| {
            rule.of.iter().all(|asked| other.of.contains(asked))
        };
        let is_new = |new: &&ResolvedKeep| !before.iter().any(|old| holds_for(old, new));
        let names: Vec<&str> = after
            .iter()
            .filter(is_new)
            .map(|rule| rule.name.as_str())
            .collect();
        if !names.is_empty() {
            reported.push(format!(
                "`{}` drops all but what it is to keep of some containers: {}",
                source.name(),
                legible(&names.join(", "))
            ));
        }
        let asks_no_more = |new: &ResolvedKeep, old: &ResolvedKeep| {
            let mut asked = new.of.iter().chain(&new.conditions);
            asked.all(|asked| old.of.contains(asked) || old.conditions.contains(asked))
        };
        let is_lost = |old: &&ResolvedKeep| {
            after.iter().any(|new| holds_for(new, old))
                && !after.iter().any(|new| asks_no_more(new, old))
        };
        reported.extend(before.iter().filter(is_lost).map(|rule| {
            format!(
                "`{}` no longer keeps what the rule `{}` matches",
                source.name(),
                legible(&rule.name)
            )
        }));
    }
    reported
}

/// Fields that records lose.
fn fields_taken_off(base: &ResolvedCluster, head: &ResolvedCluster) -> Vec<String> {
    let sources = head.sources.containers().filter_map(|(source, new)| {
        let mut all = base.sources.containers();
        let (_, old) = all.find(|(other, _)| *other == source)?;
        let more = new.records.remove.iter();
        let more = more.filter(|field| !old.records.remove.contains(field));
        let fields: Vec<String> = more.map(|field| field.join(".")).collect();
        (!fields.is_empty()).then(|| {
            let fields = legible(&fields.join(", "));
            format!(
                "`{}` removes fields from its records: {fields}",
                source.name()
            )
        })
    });
    sources.collect()
}

/// Streams whose oldest records go when a buffer is full, and didn't.
fn overflowing(base: &ResolvedCluster, head: &ResolvedCluster) -> Vec<String> {
    let drops = |when: WhenFull| when == WhenFull::DropOldest;
    let streams = head.streams.iter().filter(|new| {
        let old = base.streams.iter().find(|old| old.name == new.name);
        drops(new.buffer.when_full) && old.is_some_and(|old| !drops(old.buffer.when_full))
    });
    let reported = streams.map(|stream| {
        format!(
            "the oldest waiting records of the stream `{}` are dropped when its buffer is full",
            legible(&stream.name)
        )
    });
    reported.collect()
}

/// Destinations that Fluentd gives up, and didn't, or later.
fn given_up(base: &ResolvedCluster, head: &ResolvedCluster) -> Vec<String> {
    let before = limits(base);
    let sooner = limits(head).into_iter().filter_map(|(name, minutes)| {
        let minutes = minutes?;
        let old = before.iter().find(|(own, _)| *own == name)?.1;
        old.is_none_or(|old| minutes < old).then(|| {
            format!(
                "what waits for the destination `{}` is dropped after {minutes} minutes without success",
                legible(name)
            )
        })
    });
    sooner.collect()
}

/// For how many minutes Fluentd tries to send to each destination.
fn limits(cluster: &ResolvedCluster) -> Vec<(&str, Option<u32>)> {
    let servers = cluster.destinations.iter();
    let servers = servers.map(|own| (own.name.as_str(), own.give_up_after_minutes));
    let cloudwatch = cluster.cloudwatch.iter();
    let cloudwatch = cloudwatch.map(|own| (own.name.as_str(), own.give_up_after_minutes));
    let archives = cluster.archives.iter();
    let archives = archives.map(|own| (own.name.as_str(), own.give_up_after_minutes));
    servers.chain(cloudwatch).chain(archives).collect()
}

#[cfg(test)]
mod tests {
    use super::super::settings_tests::resolved;
    use super::*;

    fn reported(old: &str, new: &str) -> Vec<String> {
        dropped(&resolved(old), &resolved(new))
    }

    #[test]
    fn rules_that_throw_records_away_are_reported() {
        let rule = |more: &str| {
            let rule = format!("{{ matches: \"GET /health\", reason: noise{more} }}");
            format!(
                "sources: {{ kubernetes: {{ applications: {{ records: {{ drop: {{ health: {rule} }} }} }} }} }}"
            )
        };
        let (wide, narrow) = (rule(""), rule(", containers: { namespaces: [a] }"));
        assert_eq!(
            reported("", &wide),
            ["`kubernetes.applications` drops what the rule `health` matches (noise)"]
        );
        assert_eq!(reported(&narrow, &wide).len(), 1);
        for (old, new) in [(&wide, &narrow), (&wide, &wide), (&wide, &String::new())] {
            assert!(reported(old, new).is_empty(), "{new}");
        }
    }

    #[test]
    fn machines_that_keep_less_are_reported() {
        let keep = |names: &[&str]| {
            let rules: Vec<String> = names
                .iter()
                .map(|name| format!("{name}: {{ when: {{ message: {name} }}, reason: r }}"))
                .collect();
            format!(
                "sources: {{ machines: {{ nodes: {{ records: {{ keep: {{ {} }} }} }} }} }}",
                rules.join(", ")
            )
        };
        let (one, two) = (keep(&["a"]), keep(&["a", "b"]));
        assert_eq!(
            reported("", &one),
            ["`machines.nodes` drops all but what it is to keep: a"]
        );
        assert_eq!(
            reported(&two, &one),
            ["`machines.nodes` no longer keeps what the rule `b` matches"]
        );
        for (old, new) in [(&one, &two), (&one, &String::new())] {
            assert!(reported(old, new).is_empty(), "{new}");
        }
    }

    #[test]
    fn containers_that_keep_less_are_reported() {
        let keep = |rules: &[(&str, &str)]| {
            let rules: Vec<String> = rules
                .iter()
                .map(|(name, namespace)| format!("{name}: {{ containers: {{ namespaces: [{namespace}] }}, when: {{ message: {name} }}, reason: why }}"))
                .collect();
            format!(
                "sources: {{ kubernetes: {{ applications: {{ records: {{ keep: {{ {} }} }} }} }} }}",
                rules.join(", ")
            )
        };
        let (one, two) = (keep(&[("a", "x")]), keep(&[("a", "x"), ("b", "x")]));
        let elsewhere = keep(&[("a", "x"), ("b", "y")]);
        assert_eq!(
            reported("", &one),
            ["`kubernetes.applications` drops all but what it is to keep of some containers: a"]
        );
        assert_eq!(
            reported(&one, &elsewhere),
            ["`kubernetes.applications` drops all but what it is to keep of some containers: b"]
        );
        assert_eq!(
            reported(&two, &one),
            ["`kubernetes.applications` no longer keeps what the rule `b` matches"]
        );
        for (old, new) in [(&one, &two), (&elsewhere, &one), (&one, &String::new())] {
            assert!(reported(old, new).is_empty(), "{old} {new}");
        }
    }

    #[test]
    fn fields_that_are_taken_off_are_reported() {
        let remove = |fields: &str| {
            format!(
                "sources: {{ kubernetes: {{ applications: {{ records: {{ remove: {{ {fields} }} }} }} }} }}"
            )
        };
        let one = remove("kubernetes.pod_ip: true");
        let two = remove("kubernetes.pod_ip: true, stream: true");
        assert_eq!(
            reported(&one, &two),
            ["`kubernetes.applications` removes fields from its records: stream"]
        );
        assert!(reported(&two, &one).is_empty());
    }

    #[test]
    fn buffers_that_overflow_are_reported() {
        let full = "streams: { nodes: { buffer: { when_full: drop_oldest } } }";
        assert_eq!(
            reported("", full),
            [
                "the oldest waiting records of the stream `nodes` are dropped when its buffer is full"
            ]
        );
        assert!(reported(full, "").is_empty());
    }

    #[test]
    fn destinations_that_are_given_up_are_reported() {
        let after = |minutes: u32| {
            format!("destinations: {{ main: {{ give_up_after_minutes: {minutes} }} }}")
        };
        let hour =
            "what waits for the destination `main` is dropped after 60 minutes without success";
        assert_eq!(reported("", &after(60)), [hour]);
        assert_eq!(reported(&after(90), &after(60)), [hour]);
        for (old, new) in [(after(60), after(90)), (after(60), String::new())] {
            assert!(reported(&old, &new).is_empty(), "{new}");
        }
    }
}
