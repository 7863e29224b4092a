//! What a schema can't see in the rules of Kubernetes' records: patterns that
//! Ruby doesn't know, choices of everything, and rules that never hold. Pure.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::pattern::matches;

use super::fields::{FieldNeed, MadeField, RecordOrigin, RuleMoment, Shape, TakenField};
use super::problem::Problems;
use super::source::{check_day, check_reason, check_stream, on, record_conditions};
use super::stream::LABELS;
use super::{KubernetesSource, OwnFiles, choice, pattern};
use crate::settings::{
    ContainerSelector, ControlPlaneRead, Drop, Enrichment, Glob, Name, Pattern, RecordSelector,
    Records, Settings, multiline_in_order,
};

/// Checks the rules of a source.
pub(super) fn check(
    source: KubernetesSource,
    records: &Records,
    settings: &Settings,
    own_files: &OwnFiles,
    problems: &mut Problems,
) {
    check_records(source.key(), records, settings, problems);
    let rules = Rules {
        source,
        records,
        settings,
        shape: shape(source, records, settings),
    };
    rules.check_fields(problems);
    rules.check_hidden(problems);
    rules.check_choices(own_files, problems);
}

/// The rules of a source, and what its records look like.
struct Rules<'a> {
    source: KubernetesSource,
    records: &'a Records,
    settings: &'a Settings,
    shape: Shape,
}

fn origins(source: KubernetesSource, settings: &Settings) -> BTreeSet<RecordOrigin> {
    let kubernetes = &settings.sources.kubernetes;
    let mut origins = BTreeSet::new();
    match source {
        KubernetesSource::Applications => {
            origins.insert(RecordOrigin::Containers);
        }
        KubernetesSource::Nodes => {
            if on(&kubernetes.nodes.namespaces).next().is_some() {
                origins.insert(RecordOrigin::Containers);
            }
            if kubernetes.nodes.journal.enabled {
                origins.insert(RecordOrigin::NodeJournal);
            }
        }
        KubernetesSource::ControlPlane => {
            origins.insert(match kubernetes.control_plane.read {
                ControlPlaneRead::Containers => RecordOrigin::Containers,
                ControlPlaneRead::Files => RecordOrigin::ComponentFiles,
            });
        }
    }
    origins
}

/// What records of a source look like, by what its settings do to them.
fn shape(source: KubernetesSource, records: &Records, settings: &Settings) -> Shape {
    let setting = format!("sources.{}.records", source.name());
    let origins = origins(source, settings);
    let annotated = records
        .enrich
        .values()
        .any(|from| matches!(from, Enrichment::PodAnnotation { .. }));
    let given = [
        (FieldNeed::Labels, records.metadata.labels),
        (
            FieldNeed::NamespaceLabels,
            records.metadata.namespace_labels,
        ),
        (
            FieldNeed::Annotations,
            annotated || on(&records.metadata.annotations).next().is_some(),
        ),
    ];
    let target = records.json.target.as_str();
    let mut made = Vec::new();
    if records.json.parse {
        let read = origins.iter().copied();
        made.push(MadeField {
            path: target.to_owned(),
            of: read
                .filter(|origin| *origin != RecordOrigin::NodeJournal)
                .collect(),
            first: RuleMoment::Drop,
        });
    }
    made.extend(records.enrich.keys().map(|field| MadeField {
        path: field.to_string(),
        of: origins.iter().copied().collect(),
        first: RuleMoment::Route,
    }));
    let mut taken: Vec<TakenField> = on(&records.remove)
        .map(|field| TakenField {
            path: field.to_string(),
            from: RuleMoment::Route,
            by: format!("`remove.{field}` removes `{field}` from records before this point"),
            hint: "look at another field, or keep this one".to_owned(),
        })
        .collect();
    if records.json.parse && !records.json.keep_text {
        taken.push(TakenField {
            path: "message".to_owned(),
            from: RuleMoment::Drop,
            by: "`json.keep_text: false` removes `message` from records whose text is JSON before this point".to_owned(),
            hint: format!(
                "look at a value of the text, such as `{target}.level`; or set `{setting}.json.keep_text: true`"
            ),
        });
    }
    taken.extend(records.enrich.iter().filter_map(|(to, from)| match from {
        Enrichment::Field { name } if name != to => Some(TakenField {
            path: name.to_string(),
            from: RuleMoment::Route,
            by: format!("`enrich.{to}` gives `{name}` another name before this point"),
            hint: format!("look at `{to}`"),
        }),
        _ => None,
    }));
    Shape {
        setting,
        origins,
        given: given
            .into_iter()
            .filter_map(|(need, is_given)| is_given.then_some(need))
            .collect(),
        made,
        taken,
        matches_numbers: true,
    }
}

impl Rules<'_> {
    fn at<'k>(&self, keys: &[&'k str]) -> Vec<&'k str> {
        let base = ["sources", "kubernetes", self.source.key(), "records"];
        [&base[..], keys].concat()
    }

    /// The records that a rule for some containers can be for.
    fn origins_of(&self, selector: &ContainerSelector) -> BTreeSet<RecordOrigin> {
        let mut origins = self.shape.origins.clone();
        if !is_everything(selector) {
            origins.remove(&RecordOrigin::NodeJournal);
        }
        if !selector.pods.is_empty() {
            origins.remove(&RecordOrigin::ComponentFiles);
        }
        origins
    }

    /// Finds rules on fields that no record has when they look.
    fn check_fields(&self, problems: &mut Problems) {
        let mut reported =
            |keys: &[&str], field: &str, moment, origins: &BTreeSet<RecordOrigin>| {
                // That no such record is read is reported for the choice.
                if origins.is_empty() {
                    return;
                }
                if let Some(fault) = self.shape.fault(field, moment, origins) {
                    problems.push(&self.at(keys), fault.message, fault.hint);
                }
            };
        for (name, rule) in &self.records.keep {
            let origins = rule.containers.as_ref().map_or_else(
                || self.shape.origins.clone(),
                |containers| self.origins_of(containers),
            );
            for field in rule.when.keys() {
                let keys = ["keep", name.as_str(), "when", field.as_str()];
                reported(&keys, field.as_str(), RuleMoment::Drop, &origins);
            }
        }
        for (name, rule) in &self.records.drop {
            let origins = rule.containers.as_ref().map_or_else(
                || self.shape.origins.clone(),
                |containers| self.origins_of(containers),
            );
            let keys = ["drop", name.as_str(), "field"];
            reported(&keys, rule.field.as_str(), RuleMoment::Drop, &origins);
        }
        for (name, route) in &self.records.routes {
            let mut origins = self.origins_of(&selector_of(&route.when));
            if !route.when.labels.is_empty() {
                origins.retain(|origin| *origin == RecordOrigin::Containers);
            }
            for field in route.when.fields.keys() {
                let keys = ["routes", name.as_str(), "when", "fields", field.as_str()];
                reported(&keys, field.as_str(), RuleMoment::Route, &origins);
            }
        }
        self.check_enrichments(problems);
        self.check_removals(problems);
    }

    /// Finds fields that no record has when they would be taken off, or that others make for it.
    fn check_removals(&self, problems: &mut Problems) {
        let mut shape = self.shape.clone();
        let is_removed = |path: &str| on(&self.records.remove).any(|field| field.as_str() == path);
        shape.taken.retain(|taken| !is_removed(&taken.path));
        for field in on(&self.records.remove) {
            let keys = ["remove", field.as_str()];
            let fault = shape.fault(field.as_str(), RuleMoment::Route, &shape.origins);
            if self.records.enrich.contains_key(field) {
                problems.push(
                    &self.at(&keys),
                    format!("`enrich.{field}` adds this field, and this removes it"),
                    "remove one of the two",
                );
            } else if let Some(fault) = fault {
                problems.push(&self.at(&keys), fault.message, fault.hint);
            }
        }
    }

    /// Fields are made in the order of their names, each of what those before it left.
    fn check_enrichments(&self, problems: &mut Problems) {
        let mut shape = self.shape.clone();
        shape.made.retain(|made| made.first == RuleMoment::Drop);
        shape.taken.retain(|taken| taken.from == RuleMoment::Drop);
        for (field, from) in &self.records.enrich {
            let keys = ["enrich", field.as_str()];
            let of_pods = shape.origins.contains(&RecordOrigin::Containers);
            match from {
                Enrichment::Field { name } => {
                    let moment = RuleMoment::Enrich;
                    if let Some(fault) = shape.fault(name.as_str(), moment, &shape.origins) {
                        let keys = [&keys[..], &["name"]].concat();
                        problems.push(&self.at(&keys), fault.message, fault.hint);
                    }
                    shape.taken.push(TakenField {
                        path: name.to_string(),
                        from: moment,
                        by: format!("`enrich.{field}` gives `{name}` another name before"),
                        hint: "remove one of the two".to_owned(),
                    });
                }
                Enrichment::PodLabel { .. } | Enrichment::PodAnnotation { .. } if !of_pods => {
                    problems.push(
                        &self.at(&[&keys[..], &["from"]].concat()),
                        "no record of this source is of a pod, so this field is never made",
                        "take it from another field, or remove it",
                    );
                }
                Enrichment::Constant { .. }
                | Enrichment::PodLabel { .. }
                | Enrichment::PodAnnotation { .. } => {}
            }
            shape.taken.retain(|taken| taken.path != field.as_str());
            shape.made.push(MadeField {
                path: field.to_string(),
                of: shape.origins.iter().copied().collect(),
                first: RuleMoment::Enrich,
            });
        }
    }

    /// Finds rules that another one leaves nothing for.
    fn check_hidden(&self, problems: &mut Problems) {
        let records = self.records;
        let mut earlier: Vec<(&Name, &ContainerSelector)> = Vec::new();
        for (name, rule) in multiline_in_order(&records.multiline) {
            let keys = ["multiline", name.as_str(), "containers"];
            let by = earlier
                .iter()
                .find(|(_, other)| choice::covers(other, &rule.containers));
            if let Some((other, _)) = by {
                problems.push(
                    &self.at(&keys),
                    format!("`multiline.{other}` comes first and takes all of these containers, so this never matches"),
                    format!("give this one a lower `order` than that, or choose fewer containers in `{other}`"),
                );
            }
            self.check_excluded(&keys, &rule.containers, problems);
            earlier.push((name, &rule.containers));
        }
        for (name, rule) in &records.keep {
            if let Some(containers) = &rule.containers {
                self.check_excluded(&["keep", name.as_str(), "containers"], containers, problems);
            }
        }
        for (name, rule) in &records.drop {
            let keys = ["drop", name.as_str()];
            let mut others = records.drop.iter().take_while(|(other, _)| *other != name);
            if let Some((other, _)) = others.find(|(_, other)| drops_all_of(other, rule)) {
                problems.push(
                    &self.at(&keys),
                    format!(
                        "`drop.{other}` already drops all of these records, so this never matches"
                    ),
                    "remove it",
                );
            }
            if let Some(containers) = &rule.containers {
                self.check_excluded(&[&keys[..], &["containers"]].concat(), containers, problems);
            }
        }
        let mut routes: Vec<_> = records.routes.iter().collect();
        routes.sort_by_key(|(name, route)| (route.order, *name));
        for (at, (name, route)) in routes.iter().enumerate() {
            let keys = ["routes", name.as_str(), "when"];
            let by = routes[..at].iter().find(|(_, other)| {
                other.order < route.order && takes_all_of(&other.when, &route.when)
            });
            if let Some((other, before)) = by {
                problems.push(
                    &self.at(&keys),
                    format!("`routes.{other}` comes first and takes all of these records, so this never matches"),
                    format!("give this one a lower `order` than {}, or remove it", before.order),
                );
            }
            self.check_excluded(&keys, &selector_of(&route.when), problems);
        }
    }

    fn check_excluded(&self, keys: &[&str], selector: &ContainerSelector, problems: &mut Problems) {
        if is_everything(selector) {
            return;
        }
        let mut exclusions = self.records.exclude.iter();
        if let Some((name, _)) =
            exclusions.find(|(_, exclusion)| choice::covers(&exclusion.containers, selector))
        {
            problems.push(
                &self.at(keys),
                format!("`exclude.{name}` keeps all of these containers from being read, so this never matches"),
                "remove one of the two",
            );
        }
    }

    /// Finds choices of containers that the source doesn't read. What a layer of
    /// several clusters says may hold in another one.
    fn check_choices(&self, own_files: &OwnFiles, problems: &mut Problems) {
        let records = self.records;
        let of_exclude = records.exclude.iter().map(|(name, rule)| {
            (
                ["exclude", name.as_str(), "containers"],
                rule.containers.clone(),
            )
        });
        let of_multiline = records.multiline.iter().map(|(name, rule)| {
            (
                ["multiline", name.as_str(), "containers"],
                rule.containers.clone(),
            )
        });
        let of_keep = records.keep.iter().filter_map(|(name, rule)| {
            Some((
                ["keep", name.as_str(), "containers"],
                rule.containers.clone()?,
            ))
        });
        let of_drop = records.drop.iter().filter_map(|(name, rule)| {
            Some((
                ["drop", name.as_str(), "containers"],
                rule.containers.clone()?,
            ))
        });
        let of_routes = records
            .routes
            .iter()
            .map(|(name, route)| (["routes", name.as_str(), "when"], selector_of(&route.when)));
        for (keys, selector) in of_exclude
            .chain(of_multiline)
            .chain(of_keep)
            .chain(of_drop)
            .chain(of_routes)
        {
            let at = self.at(&keys);
            if is_everything(&selector) || !own_files.says(&at) {
                continue;
            }
            if let Some((message, hint)) = self.chooses_nothing(&selector) {
                problems.push(&at, message, hint);
            }
        }
    }

    /// Why a choice is of no container that the source reads.
    fn chooses_nothing(&self, selector: &ContainerSelector) -> Option<(String, String)> {
        let kubernetes = &self.settings.sources.kubernetes;
        let system: Vec<String> = on(&kubernetes.nodes.namespaces)
            .map(ToString::to_string)
            .collect();
        match self.source {
            KubernetesSource::Applications => {
                let of_nodes = |name: &Glob| {
                    let mut system = system.iter();
                    system.any(|system| matches(system, name.as_str()))
                };
                let all = !selector.namespaces.is_empty() && selector.namespaces.iter().all(of_nodes);
                all.then(|| {
                    (
                        "these namespaces are the node's, and the source `nodes` reads their containers, so this never matches".to_owned(),
                        "put it below `sources.kubernetes.nodes.records`".to_owned(),
                    )
                })
            }
            KubernetesSource::Nodes => (!choice::any_of(&selector.namespaces, &system)).then(|| {
                (
                    "the source `nodes` reads no container of these namespaces, so this never matches".to_owned(),
                    "put it below `sources.kubernetes.applications.records`; or set the namespace to `true` in `sources.kubernetes.nodes.namespaces`".to_owned(),
                )
            }),
            KubernetesSource::ControlPlane => {
                let control_plane = &kubernetes.control_plane;
                let pods: Vec<String> = on(&control_plane.components)
                    .map(|component| format!("{component}-*"))
                    .collect();
                let namespace = ["kube-system".to_owned()];
                let found = choice::any_of(&selector.namespaces, &namespace)
                    && choice::any_of(&selector.pods, &pods)
                    && (control_plane.read == ControlPlaneRead::Containers || selector.pods.is_empty());
                (!found).then(|| {
                    (
                        "the source `control_plane` reads no such container, so this never matches".to_owned(),
                        "choose pods of `sources.kubernetes.control_plane.components` in `kube-system`; with `read: files` choose by `containers`".to_owned(),
                    )
                })
            }
        }
    }
}

fn is_everything(selector: &ContainerSelector) -> bool {
    selector.namespaces.is_empty() && selector.pods.is_empty() && selector.containers.is_empty()
}

fn selector_of(when: &RecordSelector) -> ContainerSelector {
    ContainerSelector {
        namespaces: when.namespaces.clone(),
        pods: when.pods.clone(),
        containers: when.containers.clone(),
    }
}

/// Whether a route takes every record that another one would.
fn takes_all_of(first: &RecordSelector, second: &RecordSelector) -> bool {
    let labels = first
        .labels
        .iter()
        .all(|(key, value)| second.labels.get(key) == Some(value));
    let fields = first
        .fields
        .iter()
        .all(|(field, pattern)| second.fields.get(field) == Some(pattern));
    labels && fields && choice::covers(&selector_of(first), &selector_of(second))
}

/// Whether a rule throws every record away that another one would, for as long.
fn drops_all_of(first: &Drop, second: &Drop) -> bool {
    let containers = match (&first.containers, &second.containers) {
        (None, _) => true,
        (Some(first), Some(second)) => choice::covers(first, second),
        (Some(_), None) => false,
    };
    containers
        && first.expires.is_none()
        && first.field == second.field
        && first.matches == second.matches
}

/// A stream of these records that gives them labels.
fn labelled<'r>(records: &'r Records, settings: &Settings) -> Option<&'r Name> {
    let routed = records.routes.values().map(|route| &route.stream);
    let mut streams = routed.chain([&records.stream]);
    streams.find(|name| {
        let stream = settings.streams.get(*name);
        stream.is_some_and(|stream| !stream.labels.is_empty())
    })
}

fn check_records(source: &str, records: &Records, settings: &Settings, problems: &mut Problems) {
    let base = ["sources", "kubernetes", source, "records"];
    let setting = |keys: &[&'static str]| [&base[..], keys].concat();
    check_stream(&setting(&["stream"]), &records.stream, settings, problems);
    let mut orders = BTreeMap::new();
    for (name, route) in &records.routes {
        let route_setting = [&base[..], &["routes", name.as_str()]].concat();
        check_stream(
            &[&route_setting[..], &["stream"]].concat(),
            &route.stream,
            settings,
            problems,
        );
        if let Some(other) = orders.insert(route.order, name) {
            problems.push(
                &[&route_setting[..], &["order"]].concat(),
                format!(
                    "the routes `{other}` and `{name}` have the same order, so neither is first"
                ),
                "give each route a different number",
            );
        }
        if record_conditions(&route.when).is_empty() {
            problems.push(
                &[&route_setting[..], &["when"]].concat(),
                "this chooses every record",
                "say which `namespaces`, `pods`, `containers`, `labels` or `fields`; the rest goes to `records.stream`",
            );
        }
        if !route.when.labels.is_empty() && !records.metadata.labels {
            problems.push(
                &[&route_setting[..], &["when", "labels"]].concat(),
                "labels are removed from the records before they are routed, so this never matches",
                format!("set `sources.kubernetes.{source}.records.metadata.labels: true`"),
            );
        }
        for (field, pattern) in &route.when.fields {
            check_pattern(
                &[&route_setting[..], &["when", "fields", field.as_str()]].concat(),
                pattern,
                problems,
            );
        }
    }
    for field in records.enrich.keys() {
        let target = records.json.target.as_str();
        if records.json.parse && field.as_str().split('.').next() == Some(target) {
            problems.push(
                &[&base[..], &["enrich", field.as_str()]].concat(),
                format!("`{target}` holds what was read from JSON, within limits that this would pass by"),
                "choose a field outside of it",
            );
        }
        if field.as_str() == LABELS
            && let Some(stream) = labelled(records, settings)
        {
            problems.push(
                &[&base[..], &["enrich", LABELS]].concat(),
                format!(
                    "`{LABELS}` holds the labels of the stream `{stream}`, so it can't be a value"
                ),
                "choose a field in it, such as `labels.team`; or another one",
            );
        }
    }
    let mut orders = BTreeMap::new();
    for (name, rule) in &records.multiline {
        if let Some(order) = rule.order
            && let Some(other) = orders.insert(order, name)
        {
            problems.push(
                &[&base[..], &["multiline", name.as_str(), "order"]].concat(),
                format!(
                    "the rules `{other}` and `{name}` have the same order, so neither is first"
                ),
                "give each rule a different number",
            );
        }
        check_pattern(
            &[&base[..], &["multiline", name.as_str(), "first_line"]].concat(),
            &rule.first_line,
            problems,
        );
        check_selector(
            &[&base[..], &["multiline", name.as_str(), "containers"]].concat(),
            &rule.containers,
            problems,
        );
    }
    for (name, rule) in &records.keep {
        let setting = [&base[..], &["keep", name.as_str()]].concat();
        for (field, pattern) in &rule.when {
            let setting = [&setting[..], &["when", field.as_str()]].concat();
            check_pattern(&setting, pattern, problems);
        }
        check_reason(
            &[&setting[..], &["reason"]].concat(),
            &rule.reason,
            problems,
        );
        if let Some(containers) = &rule.containers {
            let setting = [&setting[..], &["containers"]].concat();
            check_selector(&setting, containers, problems);
        }
    }
    for (name, rule) in &records.drop {
        check_pattern(
            &[&base[..], &["drop", name.as_str(), "matches"]].concat(),
            &rule.matches,
            problems,
        );
        check_reason(
            &[&base[..], &["drop", name.as_str(), "reason"]].concat(),
            &rule.reason,
            problems,
        );
        if let Some(day) = &rule.expires {
            check_day(
                &[&base[..], &["drop", name.as_str(), "expires"]].concat(),
                day,
                problems,
            );
        }
        if let Some(containers) = &rule.containers {
            check_selector(
                &[&base[..], &["drop", name.as_str(), "containers"]].concat(),
                containers,
                problems,
            );
        }
    }
    for (name, exclusion) in &records.exclude {
        check_reason(
            &[&base[..], &["exclude", name.as_str(), "reason"]].concat(),
            &exclusion.reason,
            problems,
        );
        check_selector(
            &[&base[..], &["exclude", name.as_str(), "containers"]].concat(),
            &exclusion.containers,
            problems,
        );
    }
}

/// A selector without anything in it chooses everything, which nobody means
/// who writes one.
fn check_selector(setting: &[&str], selector: &ContainerSelector, problems: &mut Problems) {
    if selector.namespaces.is_empty() && selector.pods.is_empty() && selector.containers.is_empty()
    {
        problems.push(
            setting,
            "this chooses every container",
            "say which `namespaces`, `pods` or `containers`; `[\"*\"]` if all are meant",
        );
    }
}

fn check_pattern(setting: &[&str], pattern: &Pattern, problems: &mut Problems) {
    if let Err(fault) = pattern::check(pattern.as_str()) {
        problems.push(setting, fault.message, fault.hint);
    }
}
