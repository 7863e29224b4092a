//! Sources that go on, and read less than before. Pure.
//!
//! What one source leaves to another isn't lost: it counts what any source of
//! the cluster reads.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::account::Source;
use logfleet_contract::pattern::matches;

use super::wording::names;
use crate::resolve::{
    ContainerSource, KubernetesSource, MachineInputKind, ResolvedCluster, ResolvedSources,
};
use crate::settings::ControlPlaneRead;

/// What of the journal is read where nothing else is said.
const EVERY_UNIT: &str = "journal: every unit";

/// What a source reads.
#[derive(Debug, Default)]
struct Reads {
    /// Globs of containers' files.
    containers: Vec<String>,
    /// Globs that are left out all the same, each with its reason.
    excluded: Vec<(String, String)>,
    /// All else, in words.
    others: BTreeSet<String>,
    /// Units that are left out where every unit is read.
    excluded_units: BTreeSet<String>,
}

/// What each source that stays reads no more, in a sentence without its end.
pub(super) fn lost(base: &ResolvedCluster, head: &ResolvedCluster) -> Vec<String> {
    let (before, after) = (reads(base), reads(head));
    let mut reported = Vec::new();
    for (source, old) in &before {
        let Some(new) = after.get(source) else {
            continue;
        };
        let others = after
            .iter()
            .filter(|(other, _)| may_take_over(source, other));
        let others: Vec<&Reads> = others.map(|(_, reads)| reads).collect();
        let lost = lost_of(old, new, &others);
        if !lost.is_empty() {
            reported.push(format!("`{source}` no longer reads {}", names(&lost)));
        }
    }
    reported
}

/// What becomes of calls that are no cluster's where a cluster goes over to the
/// trail of its account.
pub(super) fn calls_of_others(base: &ResolvedCluster, head: &ResolvedCluster) -> Option<String> {
    const CALLS: &str = "aws.cloudtrail";
    let ships = |cluster: &ResolvedCluster| {
        let mut sources = cluster.aws.sources.iter();
        sources.any(|source| source.source == CALLS)
    };
    let shares = |cluster: &ResolvedCluster| {
        let share = cluster.aws.share.as_ref();
        share.is_some_and(|share| share.wants.contains_key(&Source::Cloudtrail))
    };
    (ships(base) && ships(head) && !shares(base) && shares(head)).then(|| {
        format!("`{CALLS}` no longer reads calls that name no member, role or EKS cluster of the cluster's")
    })
}

/// Whether a source runs where another one does: machines of one role don't
/// read what those of the other one log.
fn may_take_over(source: &str, other: &str) -> bool {
    source == other || !(source.starts_with("machines.") && other.starts_with("machines."))
}

fn lost_of(old: &Reads, new: &Reads, all: &[&Reads]) -> BTreeSet<String> {
    let is_read = |glob: &str| all.iter().any(|reads| reads.has_containers(glob));
    let is_read_elsewhere = |item: &String| all.iter().any(|reads| reads.has_other(item));
    let containers = old.containers.iter().filter(|glob| !is_read(glob));
    let mut lost: BTreeSet<String> = containers
        .filter(|glob| !new.containers.contains(glob))
        .cloned()
        .collect();
    let was_excluded = |glob: &String| old.excluded.iter().any(|(other, _)| matches(other, glob));
    let excluded = new
        .excluded
        .iter()
        .filter(|(glob, _)| !was_excluded(glob) && !is_read(glob));
    lost.extend(excluded.map(|(glob, reason)| format!("{glob} ({reason})")));
    let others = old.others.iter().filter(|item| !is_read_elsewhere(item));
    lost.extend(others.map(|item| match item.as_str() {
        EVERY_UNIT => "journal: units that aren't listed".to_owned(),
        item => item.to_owned(),
    }));
    if old.others.contains(EVERY_UNIT) && new.others.contains(EVERY_UNIT) {
        let units = new.excluded_units.difference(&old.excluded_units);
        let units = units.map(|unit| format!("journal: {unit}"));
        lost.extend(units.filter(|unit| !is_read_elsewhere(unit)));
    }
    lost
}

impl Reads {
    fn has_containers(&self, glob: &str) -> bool {
        let takes = |own: &String| matches(own, glob);
        self.containers.iter().any(takes)
            && !self.excluded.iter().any(|(own, _)| matches(own, glob))
    }

    fn has_other(&self, item: &str) -> bool {
        let unit = item.strip_prefix("journal: ");
        let every = self.others.contains(EVERY_UNIT);
        self.others.iter().any(|own| matches(own, item))
            || every
                && unit.is_some_and(|unit| unit != "kernel" && !self.excluded_units.contains(unit))
    }

    fn of_containers(source: &ContainerSource) -> Self {
        let excluded = source.exclude.iter().filter(|exclusion| !exclusion.is_own);
        let excluded = excluded.flat_map(|exclusion| {
            let reason = exclusion.reason.trim_end_matches('.');
            exclusion
                .paths
                .iter()
                .map(move |path| (path.clone(), reason.to_owned()))
        });
        Self {
            containers: source.paths.clone(),
            excluded: excluded.collect(),
            ..Self::default()
        }
    }
}

fn reads(cluster: &ResolvedCluster) -> BTreeMap<String, Reads> {
    let mut all = BTreeMap::new();
    let sources = &cluster.sources;
    for (source, containers) in sources.containers() {
        let mut reads = Reads::of_containers(containers);
        match source {
            KubernetesSource::Applications => {}
            KubernetesSource::Nodes => reads.others.extend(units_of(sources)),
            KubernetesSource::ControlPlane => reads.others.extend(files_of_control_plane(sources)),
        }
        all.insert(source.name(), reads);
    }
    for role in cluster.machines.roles() {
        let mut reads = Reads::default();
        for input in &role.inputs {
            read_machine(&input.from, &mut reads);
        }
        all.insert(format!("machines.{}", role.name), reads);
    }
    for source in &cluster.aws.sources {
        // Names of buckets are reported by the stacks.
        let others = source
            .reads
            .iter()
            .filter(|item| !item.starts_with("s3://"));
        let mut others: BTreeSet<String> = others.cloned().collect();
        if source.metrics {
            others.insert("CloudWatch: metrics".to_owned());
        }
        let reads = Reads {
            others,
            ..Reads::default()
        };
        all.insert(source.source.clone(), reads);
    }
    all
}

/// The units that Fluentd reads, in words.
fn units_of(sources: &ResolvedSources) -> impl Iterator<Item = String> {
    let journal = sources.nodes.iter().flat_map(|source| &source.journal);
    let units = journal.flat_map(|journal| &journal.units);
    units.map(|unit| format!("journal: {unit}"))
}

/// The files of the control plane that are no containers', in words.
fn files_of_control_plane(sources: &ResolvedSources) -> BTreeSet<String> {
    let Some(source) = &sources.control_plane else {
        return BTreeSet::new();
    };
    let audit_log = source.audit_log.iter();
    let audit_log = audit_log.map(|log| format!("audit log {}", log.path));
    match source.read {
        ControlPlaneRead::Containers => audit_log.collect(),
        ControlPlaneRead::Files => {
            let files = source.files.values().map(ToString::to_string);
            files.chain(audit_log).collect()
        }
    }
}

fn read_machine(from: &MachineInputKind, reads: &mut Reads) {
    match from {
        MachineInputKind::Kernel => {
            reads.others.insert("journal: kernel".to_owned());
        }
        MachineInputKind::Units { units, exclude, .. } if units.is_empty() => {
            reads.others.insert(EVERY_UNIT.to_owned());
            reads
                .excluded_units
                .extend(exclude.iter().map(|unit| unit.unit.clone()));
        }
        MachineInputKind::Units { units, .. } => {
            reads
                .others
                .extend(units.iter().map(|unit| format!("journal: {unit}")));
        }
        MachineInputKind::Files(files) => reads.others.extend(files.paths.iter().cloned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings_tests::resolved;
    use super::*;

    fn reported(old: &str, new: &str) -> Vec<String> {
        lost(&resolved(old), &resolved(new))
    }

    /// A comment that is worded otherwise is no reason to read more or less.
    #[test]
    fn no_wording_of_a_reason_counts() {
        let (base, mut head) = (resolved(""), resolved(""));
        let applications = head.sources.applications.as_mut().expect("it is on");
        let own = applications.exclude.iter_mut().filter(|own| own.is_own);
        for exclusion in own {
            "What ships logs ships none of its own.".clone_into(&mut exclusion.reason);
            exclusion
                .paths
                .push("/var/log/containers/more-*.log".to_owned());
        }
        assert_ne!(base.sources, head.sources);
        assert_eq!(lost(&base, &head), [""; 0]);
    }

    /// Settings of the sources of Kubernetes, without the machines' own.
    fn kubernetes(settings: &str) -> String {
        let machines = "machines: { masters: { enabled: false }, nodes: { enabled: false } }";
        format!("sources: {{ {machines}, kubernetes: {{ {settings} }} }}")
    }

    const KUBELET: &str = "nodes: { journal: { units: { kubelet.service: false } } }";

    #[test]
    fn what_is_no_longer_read_is_reported() {
        let audited = "control_plane: { audit_log: { enabled: true } }";
        for (old, new, what) in [
            (
                "",
                KUBELET,
                "`kubernetes.nodes` no longer reads journal: kubelet.service",
            ),
            (
                "",
                "control_plane: { components: { kube-scheduler: false } }",
                "`kubernetes.control_plane` no longer reads /var/log/containers/kube-scheduler-*_kube-system_*.log",
            ),
            (
                audited,
                "",
                "`kubernetes.control_plane` no longer reads audit log /var/log/kube-apiserver-audit.log",
            ),
            (
                "",
                "applications: { records: { exclude: { noise: { containers: { namespaces: [noisy] }, reason: too much } } } }",
                "`kubernetes.applications` no longer reads /var/log/containers/*_noisy_*.log (noise: too much)",
            ),
        ] {
            let (old, new) = (kubernetes(old), kubernetes(new));
            assert_eq!(reported(&old, &new), [what]);
            assert!(reported(&new, &old).is_empty(), "{what}");
        }
        let kernel = "sources: { machines: { nodes: { journal: { kernel: false } } } }";
        assert_eq!(
            reported("", kernel),
            ["`machines.nodes` no longer reads journal: kernel"]
        );
        assert!(reported(kernel, "").is_empty());
    }

    #[test]
    fn what_another_source_reads_now_is_not_lost() {
        let wide = "sources: { kubernetes: { nodes: { namespaces: { ingress: true } } } }";
        // The machines' own shippers read every unit that Fluentd doesn't.
        let kubelet = format!("sources: {{ kubernetes: {{ {KUBELET} }} }}");
        for change in [wide, &kubelet, "kubernetes: { namespace: elsewhere }"] {
            assert!(reported("", change).is_empty(), "{change}");
            assert!(reported(change, "").is_empty(), "{change}");
        }
    }
}
