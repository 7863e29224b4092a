//! The virtual machines' own logs: what is read on each, by what it is
//! shipped, and how that gets there. Pure.
//!
//! Two steps, because streams lie between them: [`plan`] says what is read
//! and which streams that feeds, [`resolve`] says by what each goes where.

mod delivery;
mod files;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::fields::RecordOrigin;
use super::name::AwsNames;
use super::problem::Problems;
use super::source::{check_reason, check_stream, on, one_line};
use super::stream::Fed;
use super::{Identity, LogGroup, LogWriter, NameKind, ResolvedDestination, ResolvedStream};
use crate::sentence::list;
use crate::settings::{
    Backend, Distribution, LogLevel, LogstashEnabled, LogstashPlace, LogstashSettings,
    MachineDelivery, MachineRead, MachineRole, NodeRole, OperatingSystem, Settings, Unit,
};

pub use delivery::{MachineSecret, MachineTags, ResolvedLogstash, ResolvedLogstashTls};
pub use files::MachineFiles;
pub use rules::{MachineRules, MaskRule, ParseRule};

/// The units that are rendered here. What they say of themselves would go
/// round in circles.
const OWN_UNITS: [&str; 4] = [
    "amazon-cloudwatch-agent.service",
    "logfleet-filebeat.service",
    "logfleet-logstash.service",
    "logfleet-refresh.service",
];

/// The machines' logs, ready to be rendered.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ResolvedMachines {
    /// The machines of the control plane.
    pub masters: Option<ResolvedMachineRole>,
    /// All others.
    pub nodes: Option<ResolvedMachineRole>,
    /// The Logstash, if there is one.
    pub logstash: Option<ResolvedLogstash>,
    /// The CA certificates of destinations that machines speak to themselves, by destination: what stands in the file.
    pub certificates: BTreeMap<String, String>,
}

impl ResolvedMachines {
    /// The roles whose logs are shipped.
    pub fn roles(&self) -> impl Iterator<Item = &ResolvedMachineRole> {
        self.masters.iter().chain(&self.nodes)
    }

    /// Takes the certificates of the destinations that machines write to
    /// themselves, not pods of the cluster: what a machine installs holds the
    /// texts, as it can't read the cluster's objects.
    pub(super) fn take_certificates(
        &mut self,
        destinations: &[ResolvedDestination],
        texts: &BTreeMap<String, String>,
    ) {
        let direct = self.roles().filter_map(|role| {
            let filebeat = role.filebeat.as_ref()?;
            filebeat.destination.clone()
        });
        let of_machines = |logstash: &&ResolvedLogstash| logstash.runs_on == LogstashPlace::Machine;
        let logstash = self.logstash.iter().filter(of_machines);
        let through_logstash = logstash.flat_map(|logstash| logstash.destinations.clone());
        let wanted: BTreeSet<String> = direct.chain(through_logstash).collect();
        let known = destinations
            .iter()
            .filter(|destination| wanted.contains(&destination.name));
        self.certificates = known
            .filter_map(|destination| {
                let text = texts.get(&destination.name)?;
                Some((destination.name.clone(), text.clone()))
            })
            .collect();
    }
}

/// The machines of one role.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResolvedMachineRole {
    /// `masters` or `nodes`, which is also their folder.
    pub name: String,
    /// What they run.
    pub operating_system: OperatingSystem,
    /// What is read, in a fixed order.
    pub inputs: Vec<MachineInput>,
    /// What Logstash does to records.
    pub rules: MachineRules,
    /// Their Filebeat, if a stream goes to a server.
    pub filebeat: Option<ResolvedFilebeat>,
    /// Their CloudWatch agent, if a stream goes to CloudWatch.
    pub cloudwatch_agent: Option<ResolvedCloudwatchAgent>,
    /// The names of the streams that they feed, sorted.
    pub streams: Vec<String>,
    /// The log groups that they write to, sorted.
    pub log_groups: Vec<String>,
    /// The secrets that a machine fetches.
    pub secrets: Vec<MachineSecret>,
    /// The name of the policy that lets a machine fetch them and write log groups.
    pub policy: String,
    /// The name of the association by which Systems Manager reaches them.
    pub association: String,
    /// How a machine gets all this.
    pub delivery: MachineDelivery,
    /// The tags by which Systems Manager finds them.
    pub tags: MachineTags,
}

/// The Filebeat on machines of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedFilebeat {
    /// The package's version.
    pub version: String,
    /// Its major version, which the package's repository is named by.
    pub major: String,
    /// Mebibytes on disk for what waits.
    pub queue_mebibytes: u32,
    /// How much it says of itself.
    pub log_level: LogLevel,
    /// The name of the one server that it writes to; none where Logstash does.
    pub destination: Option<String>,
}

/// The CloudWatch agent on machines of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedCloudwatchAgent {
    /// Its version.
    pub version: String,
    /// The Region of the log groups.
    pub region: String,
}

/// One thing that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MachineInput {
    /// Its name, which no other of the role has.
    pub name: String,
    /// Where it is read.
    pub from: MachineInputKind,
    /// The name of its stream.
    pub stream: String,
    /// The data stream, if it goes to a server.
    pub data_stream: Option<String>,
    /// The log group, if it goes to CloudWatch.
    pub log_group: Option<String>,
}

/// Where something is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum MachineInputKind {
    /// The kernel's lines in the journal.
    Kernel,
    /// Units in the journal.
    Units {
        /// The units; empty for every one.
        units: Vec<Unit>,
        /// Units that are not read, where every one is.
        exclude: Vec<ExcludedUnit>,
        /// Ways by which lines reach the journal, where every unit is read.
        transports: Vec<&'static str>,
    },
    /// Files.
    Files(MachineFiles),
}

impl MachineInputKind {
    /// What its records look like.
    fn origin(&self) -> RecordOrigin {
        match self {
            Self::Kernel | Self::Units { .. } => RecordOrigin::MachineJournal,
            Self::Files(_) => RecordOrigin::MachineFiles,
        }
    }
}

/// A unit that is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExcludedUnit {
    /// The unit.
    pub unit: String,
    /// Why, on one line.
    pub reason: String,
}

/// What is read on machines, before it is known where their streams go.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct MachinesPlan {
    roles: Vec<RolePlan>,
}

#[derive(Clone, Debug, PartialEq)]
struct RolePlan {
    name: &'static str,
    operating_system: OperatingSystem,
    inputs: Vec<MachineInput>,
    rules: MachineRules,
}

/// The roles that a distribution has, with their settings.
fn roles_of(settings: &Settings) -> Vec<(&'static str, &MachineRole)> {
    let machines = &settings.sources.machines;
    match settings.distribution {
        Distribution::Kops => vec![("masters", &machines.masters), ("nodes", &machines.nodes)],
        Distribution::Eks => vec![("nodes", &machines.nodes)],
    }
}

/// Every stream that the machines of any role name, whether they are collected or not.
pub(super) fn named_streams(settings: &Settings) -> Vec<&crate::settings::Name> {
    let machines = &settings.sources.machines;
    [&machines.masters, &machines.nodes]
        .into_iter()
        .flat_map(|role| {
            [Some(&role.stream), role.journal.kernel_stream.as_ref()]
                .into_iter()
                .chain(role.files.values().map(|file| file.stream.as_ref()))
        })
        .flatten()
        .collect()
}

/// Says what is read on machines.
pub(super) fn plan(settings: &Settings, problems: &mut Problems) -> MachinesPlan {
    let roles = roles_of(settings)
        .into_iter()
        .filter(|(name, role)| role.enabled && takes_packages(name, settings))
        .map(|(name, role)| plan_role(name, role, settings, problems))
        .collect();
    MachinesPlan { roles }
}

/// Whether shippers can be installed on any machine of a role.
fn takes_packages(role: &str, settings: &Settings) -> bool {
    let wanted = if role == "masters" {
        NodeRole::ControlPlane
    } else {
        NodeRole::Node
    };
    let mut groups = settings
        .node_groups
        .values()
        .filter(|group| group.role == wanted)
        .peekable();
    // Where no group of the role is listed, its machines are taken for Linux.
    groups.peek().is_none() || groups.any(|group| group.r#type.takes_packages())
}

fn plan_role(
    name: &'static str,
    role: &MachineRole,
    settings: &Settings,
    problems: &mut Problems,
) -> RolePlan {
    let operating_system = role
        .operating_system
        .unwrap_or(match settings.distribution {
            Distribution::Kops => OperatingSystem::Ubuntu2404,
            Distribution::Eks => OperatingSystem::AmazonLinux2023,
        });
    let base = ["sources", "machines", name];
    check_operating_system(&base, operating_system, problems);
    let at = |keys: &[&'static str]| [&base[..], keys].concat();
    check_stream(&at(&["stream"]), &role.stream, settings, problems);
    let found = files::files(&base, role, operating_system, settings, problems);
    let mut inputs = Vec::new();
    if role.read == MachineRead::Journal {
        let audited = found.iter().any(|input| input.name == "audit");
        inputs.extend(journal(&base, role, audited, settings, problems));
    } else if let Some(stream) = &role.journal.kernel_stream {
        problems.push(
            &at(&["journal", "kernel_stream"]),
            format!("with `read: files` the kernel's lines can't be told from others, so the stream `{stream}` gets none"),
            "set `read: journal`, or remove this",
        );
    }
    inputs.extend(found);
    if inputs.is_empty() {
        problems.push(
            &at(&["enabled"]),
            format!("nothing is read on the {name}: neither the kernel nor a unit nor a file"),
            "set `journal.kernel: true`, or `enabled: false`",
        );
    }
    let origins = inputs.iter().map(|input| input.from.origin()).collect();
    RolePlan {
        name,
        operating_system,
        inputs,
        rules: rules::resolve(&base, &role.records, origins, problems),
    }
}

/// What takes no packages can run no Filebeat beside the cluster's own pods.
fn check_operating_system(base: &[&str], system: OperatingSystem, problems: &mut Problems) {
    let name = match system {
        OperatingSystem::Bottlerocket => "Bottlerocket",
        OperatingSystem::Flatcar => "Flatcar",
        _ => return,
    };
    problems.push(
        &[base, &["operating_system"]].concat(),
        format!("{name} takes no packages, so neither Filebeat nor the CloudWatch agent can be installed"),
        format!(
            "set `{}.enabled: false`, and add the units to `sources.kubernetes.nodes.journal.units`, which Fluentd reads from a container",
            base.join(".")
        ),
    );
}

/// The units of the journal that Fluentd reads on every machine.
fn units_of_fluentd(settings: &Settings) -> BTreeSet<&str> {
    let nodes = &settings.sources.kubernetes.nodes;
    if nodes.enabled && nodes.journal.enabled {
        on(&nodes.journal.units).map(Unit::as_str).collect()
    } else {
        BTreeSet::new()
    }
}

fn journal(
    base: &[&str; 3],
    role: &MachineRole,
    audited: bool,
    settings: &Settings,
    problems: &mut Problems,
) -> Vec<MachineInput> {
    let journal = &role.journal;
    let at = |keys: &[&str]| {
        let keys: Vec<&str> = base
            .iter()
            .chain(&["journal"])
            .chain(keys)
            .copied()
            .collect();
        keys.into_iter().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let mut inputs = Vec::new();
    if let Some(stream) = &journal.kernel_stream {
        let setting = at(&["kernel_stream"]);
        let setting: Vec<&str> = setting.iter().map(String::as_str).collect();
        check_stream(&setting, stream, settings, problems);
        if !journal.kernel {
            problems.push(
                &setting,
                "the kernel's lines are not read, so this stream gets none",
                "set `kernel: true`, or remove this",
            );
        }
    }
    if journal.kernel {
        inputs.push(MachineInput {
            name: "kernel".to_owned(),
            from: MachineInputKind::Kernel,
            stream: journal
                .kernel_stream
                .as_ref()
                .unwrap_or(&role.stream)
                .to_string(),
            data_stream: None,
            log_group: None,
        });
    }
    let fluentd = units_of_fluentd(settings);
    let listed: Vec<Unit> = on(&journal.units).cloned().collect();
    for unit in &listed {
        let setting = at(&["units", unit.as_str()]);
        let setting: Vec<&str> = setting.iter().map(String::as_str).collect();
        if fluentd.contains(unit.as_str()) {
            problems.push(
                &setting,
                format!("Fluentd ships `{unit}` already, from the source `kubernetes.nodes`"),
                format!(
                    "remove it here, or set `sources.kubernetes.nodes.journal.units.{unit}: false`"
                ),
            );
        } else if OWN_UNITS.contains(&unit.as_str()) {
            problems.push(
                &setting,
                format!("`{unit}` ships logs: it would ship lines about its own lines for ever"),
                "remove it",
            );
        }
    }
    for (unit, exclusion) in &journal.exclude {
        let setting = at(&["exclude", unit.as_str()]);
        let setting: Vec<&str> = setting.iter().map(String::as_str).collect();
        check_reason(
            &[&setting[..], &["reason"]].concat(),
            &exclusion.reason,
            problems,
        );
        if !listed.is_empty() {
            problems.push(
                &setting,
                "only the units of `units` are read, so there is nothing to exclude",
                "remove it, or empty `units`",
            );
        }
    }
    let every = journal.units.is_empty();
    if every || !listed.is_empty() {
        inputs.push(MachineInput {
            name: "units".to_owned(),
            from: MachineInputKind::Units {
                exclude: if every {
                    excluded_units(role, &fluentd)
                } else {
                    Vec::new()
                },
                units: listed,
                transports: if audited {
                    vec!["driver", "journal", "stdout", "syslog"]
                } else {
                    vec!["audit", "driver", "journal", "stdout", "syslog"]
                },
            },
            stream: role.stream.to_string(),
            data_stream: None,
            log_group: None,
        });
    }
    inputs
}

fn excluded_units(role: &MachineRole, fluentd: &BTreeSet<&str>) -> Vec<ExcludedUnit> {
    let excluded = |unit: &str, reason: String| ExcludedUnit {
        unit: unit.to_owned(),
        reason,
    };
    let own = OWN_UNITS
        .iter()
        .map(|unit| excluded(unit, "shipping it would never end".to_owned()));
    let shipped = fluentd.iter().map(|unit| {
        excluded(
            unit,
            "Fluentd ships it: the source kubernetes.nodes".to_owned(),
        )
    });
    let chosen = role
        .journal
        .exclude
        .iter()
        .filter(|(unit, _)| !OWN_UNITS.contains(&unit.as_str()) && !fluentd.contains(unit.as_str()))
        .map(|(unit, exclusion)| excluded(unit.as_str(), one_line(&exclusion.reason)));
    own.chain(shipped).chain(chosen).collect()
}

impl MachinesPlan {
    /// Adds what the machines feed.
    pub(super) fn feed(&self, fed: &mut Fed) {
        for role in &self.roles {
            for input in &role.inputs {
                let source = format!("machines.{}", role.name);
                feed_one(fed, &input.stream, source, &role.rules);
            }
        }
    }
}

fn feed_one(fed: &mut Fed, stream: &str, source: String, rules: &MachineRules) {
    let feeding = fed.entry(stream.to_owned()).or_default();
    feeding.sources.insert(source);
    feeding.machines = true;
    feeding.shippers = true;
    if !rules.parse.is_empty() {
        feeding.json_targets.insert(rules::PARSED.to_owned());
    }
}

/// What the second step needs to know.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) settings: &'a Settings,
    pub(super) cluster: &'a Identity,
    pub(super) streams: &'a [ResolvedStream],
    pub(super) destinations: &'a [ResolvedDestination],
    pub(super) log_groups: &'a [LogGroup],
}

/// Says by what each stream of the machines goes where.
pub(super) fn resolve(
    plan: MachinesPlan,
    around: Surroundings<'_>,
    names: &mut AwsNames<'_>,
    problems: &mut Problems,
) -> ResolvedMachines {
    let mut roles = plan.roles;
    for input in roles.iter_mut().flat_map(|role| &mut role.inputs) {
        let stream = around
            .streams
            .iter()
            .find(|stream| stream.name == input.stream);
        input.data_stream = stream
            .filter(|stream| !servers_of(stream, around).is_empty())
            .map(|stream| stream.data_stream.clone());
        input.log_group = log_groups_of(&input.stream, around)
            .next()
            .map(|group| group.name.clone());
    }
    check_streams(&roles, around, problems);
    let logstash_is_on = decide_logstash(&roles, around, problems);
    check_delivery(&roles, around.settings, problems);
    let logstash = logstash_is_on
        .then(|| delivery::logstash(&roles_servers(&roles, around), around, names, problems));
    let mut resolved = ResolvedMachines {
        logstash,
        ..ResolvedMachines::default()
    };
    for role in roles {
        let name = role.name;
        let role = resolve_role(role, resolved.logstash.as_ref(), around, names, problems);
        *(if name == "masters" {
            &mut resolved.masters
        } else {
            &mut resolved.nodes
        }) = Some(role);
    }
    resolved
}

/// The servers that the shippers of a stream write to themselves.
fn servers_of<'a>(
    stream: &ResolvedStream,
    around: Surroundings<'a>,
) -> Vec<&'a ResolvedDestination> {
    let written = |server: &&ResolvedDestination| {
        stream.destinations.contains(&server.name) && stream.shipped_to.contains(&server.name)
    };
    around.destinations.iter().filter(written).collect()
}

/// The log groups that the shippers of a stream write.
fn log_groups_of<'a>(stream: &str, around: Surroundings<'a>) -> impl Iterator<Item = &'a LogGroup> {
    let stream = stream.to_owned();
    let written =
        move |group: &&LogGroup| group.stream == stream && group.writer == LogWriter::Shippers;
    around.log_groups.iter().filter(written)
}

/// Finds streams that nothing on a machine can bring where they go.
fn check_streams(roles: &[RolePlan], around: Surroundings<'_>, problems: &mut Problems) {
    let fed: BTreeSet<&str> = roles
        .iter()
        .flat_map(|role| &role.inputs)
        .map(|input| input.stream.as_str())
        .collect();
    let streams = || {
        around
            .streams
            .iter()
            .filter(|stream| fed.contains(stream.name.as_str()))
    };
    for stream in streams() {
        let archive = stream
            .archives
            .iter()
            .find(|archive| stream.shipped_to.contains(archive));
        if let Some(archive) = archive {
            problems.push(
                &["streams", &stream.name, "destinations", archive],
                format!("nothing on a machine writes to the archive `{archive}`"),
                format!(
                    "send the stream to a `cloudwatch` destination too, and set `streams.{}.cloudwatch.subscriptions.firehose.enabled: true`",
                    stream.name
                ),
            );
        }
    }
    let mut regions = BTreeMap::new();
    for stream in streams() {
        for group in log_groups_of(&stream.name, around) {
            regions.entry(group.region.as_str()).or_insert(stream);
        }
    }
    if let [first, second, ..] = regions.keys().copied().collect::<Vec<_>>().as_slice() {
        problems.push(
            &["streams", &regions[second].name, "destinations"],
            format!(
                "a CloudWatch agent writes to one Region, and these are `{first}` and `{second}`"
            ),
            "send the machines' streams to the CloudWatch Logs of one Region",
        );
    }
}

/// The servers that the streams of roles go to.
fn roles_servers<'a>(roles: &[RolePlan], around: Surroundings<'a>) -> Vec<&'a ResolvedDestination> {
    let streams: BTreeSet<&str> = roles
        .iter()
        .flat_map(|role| &role.inputs)
        .map(|input| input.stream.as_str())
        .collect();
    let names: BTreeSet<&str> = around
        .streams
        .iter()
        .filter(|stream| streams.contains(stream.name.as_str()))
        .flat_map(|stream| servers_of(stream, around))
        .map(|server| server.name.as_str())
        .collect();
    around
        .destinations
        .iter()
        .filter(|destination| names.contains(destination.name.as_str()))
        .collect()
}

/// Whether there is a Logstash; a fault where it is needed and forbidden.
fn decide_logstash(roles: &[RolePlan], around: Surroundings<'_>, problems: &mut Problems) -> bool {
    let settings: &LogstashSettings = &around.settings.sources.machines.logstash;
    let servers = roles_servers(roles, around);
    if servers.is_empty() {
        for role in roles.iter().filter(|role| !role.rules.is_empty()) {
            problems.push(
                &["sources", "machines", role.name, "records"],
                "Logstash carries these rules out on the way to a server, and no stream of the machines goes to one",
                "remove the rules, or send the stream to an Elasticsearch or OpenSearch",
            );
        }
        return false;
    }
    let reason = why_logstash(roles, &servers);
    match (settings.enabled, reason) {
        (LogstashEnabled::Always, _) | (LogstashEnabled::Automatic, Some(_)) => true,
        (LogstashEnabled::Automatic | LogstashEnabled::Never, None) => false,
        (LogstashEnabled::Never, Some(reason)) => {
            problems.push(
                &["sources", "machines", "logstash", "enabled"],
                format!("the machines' logs need Logstash: {reason}"),
                "set it to `automatic`, or send the machines' streams elsewhere in `streams.<stream>.destinations`",
            );
            false
        }
    }
}

fn why_logstash(roles: &[RolePlan], servers: &[&ResolvedDestination]) -> Option<String> {
    let opensearch = servers
        .iter()
        .find(|server| server.backend == Backend::Opensearch);
    if let Some(server) = opensearch {
        return Some(format!(
            "Filebeat can't write to OpenSearch, which `{}` is",
            server.name
        ));
    }
    if let Some(role) = roles.iter().find(|role| !role.rules.is_empty()) {
        return Some(format!(
            "it carries the rules of `sources.machines.{}.records` out",
            role.name
        ));
    }
    (servers.len() > 1).then(|| {
        let names: Vec<&str> = servers.iter().map(|server| server.name.as_str()).collect();
        format!(
            "a Filebeat writes to one server, and these are {}",
            list(&names)
        )
    })
}

/// Something must bring the shippers to the machines.
fn check_delivery(roles: &[RolePlan], settings: &Settings, problems: &mut Problems) {
    let delivery = &settings.sources.machines.delivery;
    let kops = delivery.kops && settings.distribution == Distribution::Kops;
    if !roles.is_empty() && !delivery.cloud_init && !delivery.ssm && !kops {
        problems.push(
            &["sources", "machines", "delivery"],
            "nothing installs the shippers on the machines",
            "set `cloud_init` or `ssm` to `true`; or `sources.machines.<role>.enabled: false`",
        );
    }
}

fn resolve_role(
    plan: RolePlan,
    logstash: Option<&ResolvedLogstash>,
    around: Surroundings<'_>,
    names: &mut AwsNames<'_>,
    problems: &mut Problems,
) -> ResolvedMachineRole {
    let machines = &around.settings.sources.machines;
    let settings = if plan.name == "masters" {
        &machines.masters
    } else {
        &machines.nodes
    };
    let servers = roles_servers(std::slice::from_ref(&plan), around);
    let direct = match (logstash, servers.as_slice()) {
        (None, [server, ..]) => Some(*server),
        _ => None,
    };
    let filebeat =
        (!servers.is_empty()).then(|| delivery::filebeat(&machines.filebeat, direct, problems));
    let secrets = match (direct, logstash) {
        (Some(server), _) => delivery::secret_of(server, &["destinations", &server.name], problems)
            .into_iter()
            .collect(),
        (None, Some(logstash)) if !servers.is_empty() => vec![logstash.client_secret()],
        _ => Vec::new(),
    };
    let log_groups: BTreeSet<String> = plan
        .inputs
        .iter()
        .filter_map(|input| input.log_group.clone())
        .collect();
    let region = plan
        .inputs
        .iter()
        .find_map(|input| log_groups_of(&input.stream, around).next())
        .map(|group| group.region.clone());
    let cloudwatch_agent = region.map(|region| {
        delivery::cloudwatch_agent(&plan, region, &machines.cloudwatch_agent, problems)
    });
    let streams: BTreeSet<String> = plan
        .inputs
        .iter()
        .map(|input| input.stream.clone())
        .collect();
    let tags = delivery::tags(plan.name, &settings.tags, around, problems);
    let region = &around.cluster.region;
    let policy = names.give(NameKind::ManagedPolicy, region, plan.name);
    let association = names.give(NameKind::SystemsManager, region, plan.name);
    ResolvedMachineRole {
        name: plan.name.to_owned(),
        operating_system: plan.operating_system,
        inputs: plan.inputs,
        rules: plan.rules,
        filebeat,
        cloudwatch_agent,
        streams: streams.into_iter().collect(),
        log_groups: log_groups.into_iter().collect(),
        secrets,
        policy,
        association,
        delivery: MachineDelivery {
            kops: machines.delivery.kops && around.settings.distribution == Distribution::Kops,
            ..machines.delivery.clone()
        },
        tags,
    }
}
