//! The fields that rules may name, each with the records that have it and the
//! moment from which, and until which, they do. Pure.
//!
//! The one table of it: rules are checked against it, and `docs/rule-fields.md` is
//! made of it. A rule on a field that no record has never holds, which a
//! program takes without a word; in `keep` it throws every record away.

use std::collections::BTreeSet;

use crate::nearest::nearest;

/// What is read, as far as its records differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordOrigin {
    /// Containers' logs, read by Fluentd.
    Containers,
    /// Files of the control plane's components, read by Fluentd.
    ComponentFiles,
    /// Units of the journal, read by Fluentd.
    NodeJournal,
    /// The journal of machines, read by Filebeat.
    MachineJournal,
    /// Files of machines, read by Filebeat.
    MachineFiles,
}

/// When a rule looks at a record. What happens to it in between adds fields and
/// takes some away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleMoment {
    /// `drop` of Kubernetes' sources; every rule of machines.
    Drop,
    /// `enrich`.
    Enrich,
    /// `routes`.
    Route,
}

/// The setting without which records don't have a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldNeed {
    /// `metadata.labels`.
    Labels,
    /// `metadata.namespace_labels`.
    NamespaceLabels,
    /// `metadata.annotations`, or an `enrich` from one.
    Annotations,
}

impl FieldNeed {
    /// The setting below `records` that gives it.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Labels => "metadata.labels: true",
            Self::NamespaceLabels => "metadata.namespace_labels: true",
            Self::Annotations => "metadata.annotations.<key>: true",
        }
    }
}

/// What is in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldContent {
    /// Text.
    Text,
    /// A number. Fluentd matches patterns with it as text, Logstash with nothing but text.
    Number,
    /// Texts by keys of any name.
    Texts,
}

/// A field that rules may name.
#[derive(Clone, Copy, Debug)]
pub struct RuleField {
    /// Its path.
    pub path: &'static str,
    /// What is in it.
    pub content: FieldContent,
    /// The records that have it.
    pub of: &'static [RecordOrigin],
    /// The first moment at which they do.
    pub first: RuleMoment,
    /// The last one.
    pub last: RuleMoment,
    /// What they need for it.
    pub need: Option<FieldNeed>,
    /// What it says.
    pub meaning: &'static str,
}

use FieldContent::{Number, Text, Texts};
use RecordOrigin::{ComponentFiles, Containers, MachineFiles, MachineJournal, NodeJournal};
use RuleMoment::{Drop, Enrich, Route};

const PODS: &[RecordOrigin] = &[Containers];
const FLUENTD: &[RecordOrigin] = &[Containers, ComponentFiles, NodeJournal];
const MACHINES: &[RecordOrigin] = &[MachineJournal, MachineFiles];
const EVERY: &[RecordOrigin] = &[
    Containers,
    ComponentFiles,
    NodeJournal,
    MachineJournal,
    MachineFiles,
];

/// Every field that rules may name, but those that users make themselves: by
/// reading JSON, by `enrich` and by `parse`.
///
/// What Fluentd's plugins add is from their sources
/// (<https://github.com/fabric8io/fluent-plugin-kubernetes_metadata_filter/blob/master/lib/fluent/plugin/kubernetes_metadata_common.rb>),
/// what Filebeat reads of the journal from
/// <https://github.com/elastic/beats/blob/main/filebeat/input/journald/pkg/journalfield/default.go>;
/// what is taken away again, from the templates.
#[rustfmt::skip]
pub const RULE_FIELDS: [RuleField; 33] = {
    const fn field(path: &'static str, content: FieldContent, of: &'static [RecordOrigin], meaning: &'static str) -> RuleField {
        RuleField { path, content, of, first: Drop, last: Route, need: None, meaning }
    }
    const fn until(last: RuleMoment, field: RuleField) -> RuleField {
        RuleField { last, ..field }
    }
    const fn from(first: RuleMoment, field: RuleField) -> RuleField {
        RuleField { first, ..field }
    }
    const fn with(need: FieldNeed, field: RuleField) -> RuleField {
        RuleField { need: Some(need), ..field }
    }
    [
        field("message", Text, EVERY, "the text"),
        field("stream", Text, PODS, "`stdout` or `stderr`"),
        until(Enrich, field("time", Text, PODS, "when the runtime read the line")),
        until(Enrich, field("docker.container_id", Text, PODS, "the container's id")),
        field("kubernetes.namespace_name", Text, &[Containers, ComponentFiles], "the namespace"),
        field("kubernetes.pod_name", Text, PODS, "the pod"),
        field("kubernetes.container_name", Text, &[Containers, ComponentFiles], "the container; for a file, the component"),
        field("kubernetes.pod_id", Text, PODS, "the pod's UID"),
        field("kubernetes.pod_ip", Text, PODS, "the pod's address"),
        field("kubernetes.host", Text, FLUENTD, "the node"),
        until(Enrich, field("kubernetes.labels", Texts, PODS, "the pod's labels")),
        with(FieldNeed::Labels, from(Route, field("kubernetes.labels", Texts, PODS, "the same, with `_` instead of `.` in keys"))),
        with(FieldNeed::Annotations, field("kubernetes.annotations", Texts, PODS, "the annotations that are kept")),
        with(FieldNeed::NamespaceLabels, field("kubernetes.namespace_labels", Texts, PODS, "the namespace's labels")),
        until(Enrich, with(FieldNeed::NamespaceLabels, field("kubernetes.namespace_id", Text, PODS, "the namespace's UID"))),
        until(Enrich, with(FieldNeed::NamespaceLabels, field("kubernetes.creation_timestamp", Text, PODS, "when the namespace was created"))),
        from(Enrich, field("cluster.name", Text, &[Containers, ComponentFiles], "the cluster")),
        from(Enrich, field("cluster.environment", Text, &[Containers, ComponentFiles], "its environment")),
        from(Enrich, field("cluster.region", Text, &[Containers, ComponentFiles], "its Region")),
        from(Enrich, field("cluster.account", Text, &[Containers, ComponentFiles], "its account")),
        field("cluster.name", Text, &[NodeJournal, MachineJournal, MachineFiles], "the cluster"),
        field("cluster.environment", Text, &[NodeJournal, MachineJournal, MachineFiles], "its environment"),
        field("cluster.region", Text, &[NodeJournal, MachineJournal, MachineFiles], "its Region"),
        field("cluster.account", Text, &[NodeJournal, MachineJournal, MachineFiles], "its account"),
        field("systemd.unit", Text, &[NodeJournal, MachineJournal], "the unit"),
        field("systemd.identifier", Text, &[NodeJournal, MachineJournal], "the program"),
        field("systemd.transport", Text, &[NodeJournal, MachineJournal], "how the line got into the journal: `kernel`, `syslog`, `stdout` …"),
        field("systemd.priority", Number, &[NodeJournal, MachineJournal], "0 to 7"),
        field("systemd.pid", Number, &[NodeJournal, MachineJournal], "the process"),
        field("host.name", Text, MACHINES, "the machine"),
        field("machine.role", Text, MACHINES, "`masters` or `nodes`"),
        field("log.file.path", Text, &[MachineFiles], "the file"),
        field("log.offset", Number, &[MachineFiles], "the position in the file"),
    ]
};

/// Fields that a user's own settings make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MadeField {
    /// Its path; everything in it is known.
    pub(super) path: String,
    /// The records that have it.
    pub(super) of: Vec<RecordOrigin>,
    /// The first moment at which they do.
    pub(super) first: RuleMoment,
}

/// A field that something took away before a rule looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TakenField {
    /// Its path.
    pub(super) path: String,
    /// The first moment at which it is gone.
    pub(super) from: RuleMoment,
    /// What takes it, as the start of a sentence.
    pub(super) by: String,
    /// What to do.
    pub(super) hint: String,
}

/// What records of a source look like at all moments.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// The setting of its rules, such as `sources.kubernetes.nodes.records`.
    pub(super) setting: String,
    /// What is read there.
    pub(super) origins: BTreeSet<RecordOrigin>,
    /// What records need for some fields, and have.
    pub(super) given: BTreeSet<FieldNeed>,
    /// Fields that settings make.
    pub(super) made: Vec<MadeField>,
    /// Fields that settings take away.
    pub(super) taken: Vec<TakenField>,
    /// Whether patterns match numbers.
    pub(super) matches_numbers: bool,
}

/// Why a rule on a field never holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldFault {
    pub(super) message: String,
    pub(super) hint: String,
}

fn lies_in(inner: &str, outer: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.starts_with('.'))
}

impl RuleField {
    /// Whether a written path names it, something in it, or what holds it.
    fn is_named_by(&self, written: &str) -> bool {
        written == self.path
            || lies_in(self.path, written)
            || (self.content == Texts
                && lies_in(written, self.path)
                && !written[self.path.len() + 1..].contains('.'))
    }

    fn is_of(&self, origins: &BTreeSet<RecordOrigin>) -> bool {
        self.of.iter().any(|origin| origins.contains(origin))
    }

    fn is_there(&self, moment: RuleMoment) -> bool {
        self.first <= moment && moment <= self.last
    }
}

impl Shape {
    /// What is wrong with a rule that looks at a field. `origins` are those of the
    /// source's records that the rule can be for.
    pub(super) fn fault(
        &self,
        written: &str,
        moment: RuleMoment,
        origins: &BTreeSet<RecordOrigin>,
    ) -> Option<FieldFault> {
        let taken = self.taken.iter().find(|taken| {
            taken.from <= moment && (written == taken.path || lies_in(written, &taken.path))
        });
        if let Some(taken) = taken {
            return Some(FieldFault {
                message: format!("{}, so this never matches", taken.by),
                hint: taken.hint.clone(),
            });
        }
        let made = |made: &&MadeField| {
            written == made.path || lies_in(written, &made.path) || lies_in(&made.path, written)
        };
        let made = self.made.iter().find(made);
        if let Some(made) = made
            && made.first <= moment
            && made.of.iter().any(|origin| origins.contains(origin))
        {
            return None;
        }
        let named: Vec<&RuleField> = RULE_FIELDS
            .iter()
            .filter(|field| field.is_named_by(written))
            .collect();
        let there = named.iter().find(|field| {
            field.is_of(origins)
                && field.is_there(moment)
                && field.need.is_none_or(|need| self.given.contains(&need))
        });
        if let Some(field) = there {
            let is_number = field.content == Number && field.path == written;
            return (is_number && !self.matches_numbers).then(|| FieldFault {
                message: format!(
                    "`{written}` is a number, and Logstash matches patterns with text alone, so this never matches"
                ),
                hint: format!("choose by another field: {}", self.fields(moment, origins)),
            });
        }
        Some(self.absent(written, moment, origins, &named, made))
    }

    /// Why a field isn't there.
    fn absent(
        &self,
        written: &str,
        moment: RuleMoment,
        origins: &BTreeSet<RecordOrigin>,
        named: &[&RuleField],
        made: Option<&MadeField>,
    ) -> FieldFault {
        if let Some(made) = made.filter(|made| made.first > moment) {
            return FieldFault {
                message: format!(
                    "`{}` is added after this point, so this never matches",
                    made.path
                ),
                hint: format!(
                    "look at the field that it is made from: {}",
                    self.fields(moment, origins)
                ),
            };
        }
        let mut own = named.iter().filter(|field| field.is_of(origins));
        let own = own
            .clone()
            .find(|field| field.is_there(moment))
            .or_else(|| own.next());
        if let Some(field) = own {
            if let Some(need) = field.need.filter(|need| !self.given.contains(need))
                && field.is_there(moment)
            {
                return FieldFault {
                    message: format!("records have no `{}`, so this never matches", field.path),
                    hint: format!("set `{}.{}`", self.setting, need.setting()),
                };
            }
            let moments: Vec<&&RuleField> =
                named.iter().filter(|field| field.is_of(origins)).collect();
            let message = if moments.iter().all(|field| field.first > moment) {
                format!("`{written}` is added after this point, so this never matches")
            } else {
                format!(
                    "`{written}` is removed from records before this point, so this never matches"
                )
            };
            return FieldFault {
                message,
                hint: format!("look at another field: {}", self.fields(moment, origins)),
            };
        }
        FieldFault {
            message: format!("records have no field `{written}` there, so this never matches"),
            hint: self.suggest(written, moment, origins),
        }
    }

    /// Every field that is there, as part of a sentence.
    fn fields(&self, moment: RuleMoment, origins: &BTreeSet<RecordOrigin>) -> String {
        let known = self.known(moment, origins);
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        crate::sentence::list(&known)
    }

    fn known(&self, moment: RuleMoment, origins: &BTreeSet<RecordOrigin>) -> BTreeSet<String> {
        let taken = |path: &str| {
            let mut taken = self.taken.iter();
            taken.any(|taken| taken.from <= moment && taken.path == path)
        };
        let built_in = RULE_FIELDS
            .iter()
            .filter(|field| field.is_of(origins) && field.is_there(moment))
            .filter(|field| field.need.is_none_or(|need| self.given.contains(&need)))
            .filter(|field| field.content != Number || self.matches_numbers)
            .map(|field| match field.content {
                Texts => format!("{}.<key>", field.path),
                Text | Number => field.path.to_owned(),
            });
        let made = self.made.iter().filter(|made| {
            made.first <= moment && made.of.iter().any(|origin| origins.contains(origin))
        });
        built_in
            .chain(made.map(|made| made.path.clone()))
            .filter(|path| !taken(path))
            .collect()
    }

    /// The field that was most likely meant, or all that there are.
    fn suggest(
        &self,
        written: &str,
        moment: RuleMoment,
        origins: &BTreeSet<RecordOrigin>,
    ) -> String {
        let known = self.known(moment, origins);
        let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
        let by_last = known
            .iter()
            .find(|path| last(path) == last(written))
            .or_else(|| {
                let lasts: Vec<String> = known.iter().map(|path| last(path)).collect();
                let near = nearest(&last(written), lasts.iter().map(String::as_str))?.to_owned();
                known.iter().find(|path| last(path) == near)
            });
        let first = written.split('.').next().unwrap_or(written);
        let whole = known.iter().filter(|path| !path.contains('.'));
        let near = nearest(written, known.iter().map(String::as_str))
            .or_else(|| by_last.map(String::as_str))
            .or_else(|| nearest(first, whole.map(String::as_str)))
            .filter(|near| !near.ends_with("<key>"));
        if let Some(near) = near {
            return format!("did you mean `{near}`?");
        }
        let fields = self.fields(moment, origins);
        // What JSON text says is not beside it, where people look for it first.
        let target = self.made.iter().find(|made| {
            made.first == Drop && made.of.iter().any(|origin| origins.contains(origin))
        });
        match target.filter(|made| !written.contains('.') && !made.path.contains('.')) {
            Some(made) => format!(
                "a value of JSON text is `{}.{written}`; the fields there are {fields}",
                made.path
            ),
            None => format!("the fields there are {fields}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::record_fields;

    fn shape(origins: &[RecordOrigin]) -> Shape {
        Shape {
            setting: "sources.kubernetes.applications.records".to_owned(),
            origins: origins.iter().copied().collect(),
            given: BTreeSet::from([FieldNeed::Labels]),
            made: vec![MadeField {
                path: "log_processed".to_owned(),
                of: origins.to_vec(),
                first: Drop,
            }],
            taken: Vec::new(),
            matches_numbers: origins.contains(&NodeJournal),
        }
    }

    fn reported(shape: &Shape, written: &str, moment: RuleMoment) -> Option<(String, String)> {
        let fault = shape.fault(written, moment, &shape.origins)?;
        Some((fault.message, fault.hint))
    }

    #[test]
    fn fields_are_there_from_when_they_are_added_until_they_are_taken() {
        let shape = shape(&[Containers]);
        for (written, at) in [
            ("message", [true, true, true]),
            ("stream", [true, true, true]),
            ("time", [true, true, false]),
            ("docker.container_id", [true, true, false]),
            ("cluster.name", [false, true, true]),
            ("kubernetes.labels.app", [true, true, true]),
            ("kubernetes.labels.app.name", [false, false, false]),
            ("kubernetes", [true, true, true]),
            ("kubernetes.namespace_labels.team", [false, false, false]),
            ("kubernetes.annotations.team", [false, false, false]),
            ("log_processed.level.name", [true, true, true]),
            ("kubernetes.container_image", [false, false, false]),
            ("systemd.unit", [false, false, false]),
            ("messages", [false, false, false]),
        ] {
            let found =
                [Drop, Enrich, Route].map(|moment| reported(&shape, written, moment).is_none());
            assert_eq!(found, at, "{written}");
        }
    }

    #[test]
    fn a_mistyped_field_is_reported_with_the_one_that_was_meant() {
        let shape = shape(&[Containers]);
        for (written, meant) in [
            ("mesage", "message"),
            ("kubernetes.namespace", "kubernetes.namespace_name"),
            ("namespace_name", "kubernetes.namespace_name"),
            ("pod_name", "kubernetes.pod_name"),
            ("kubernetes.container", "kubernetes.container_name"),
            ("log_procesed.level", "log_processed"),
        ] {
            let (message, hint) = reported(&shape, written, Drop).expect(written);
            assert_eq!(
                message,
                format!("records have no field `{written}` there, so this never matches")
            );
            assert_eq!(hint, format!("did you mean `{meant}`?"));
        }
    }

    #[test]
    fn logstash_matches_no_number() {
        let mut machines = shape(&[MachineJournal]);
        machines.matches_numbers = false;
        let (message, _) = reported(&machines, "systemd.priority", Drop).expect("a number");
        assert_eq!(
            message,
            "`systemd.priority` is a number, and Logstash matches patterns with text alone, so this never matches"
        );
        assert_eq!(reported(&machines, "systemd.unit", Drop), None);
        assert_eq!(
            reported(&shape(&[NodeJournal]), "systemd.priority", Drop),
            None
        );
    }

    #[test]
    fn labels_are_there_for_routes_where_they_are_kept() {
        let mut shape = shape(&[Containers]);
        shape.given.clear();
        assert_eq!(reported(&shape, "kubernetes.labels.app", Drop), None);
        let (_, hint) = reported(&shape, "kubernetes.labels.app", Route).expect("not kept");
        assert_eq!(
            hint,
            "set `sources.kubernetes.applications.records.metadata.labels: true`"
        );
    }

    #[test]
    fn what_a_need_gives_is_reported_with_its_setting() {
        let (message, hint) = reported(
            &shape(&[Containers]),
            "kubernetes.namespace_labels.team",
            Drop,
        )
        .expect("a need");
        assert_eq!(
            message,
            "records have no `kubernetes.namespace_labels`, so this never matches"
        );
        assert_eq!(
            hint,
            "set `sources.kubernetes.applications.records.metadata.namespace_labels: true`"
        );
    }

    /// What is searchable is what records have at last; the mapping and this table
    /// say the same of it.
    #[test]
    fn what_records_have_at_last_is_what_is_mapped() {
        /// Mapped, and not for rules: Fluentd's own log, and what its metadata
        /// filter is told to leave out.
        const NOT_FOR_RULES: [&str; 6] = [
            "@timestamp",
            "logtag",
            "fluentd.level",
            "fluentd.plugin",
            "fluentd.error",
            "kubernetes.container_image",
        ];
        let at_last: BTreeSet<&str> = RULE_FIELDS
            .iter()
            .filter(|field| field.last == Route)
            .map(|field| field.path)
            .collect();
        let mapped: BTreeSet<&str> = record_fields::of_shipped()
            .filter(|path| !NOT_FOR_RULES.contains(path))
            .collect();
        assert_eq!(at_last, mapped);
    }
}
