//! The resolve step: settings in, what they mean out. Pure.
//!
//! [`resolve_cluster`] turns one cluster's merged and checked [`Settings`]
//! into a [`ResolvedCluster`], or into every [`Problem`] that a schema can't
//! see. What comes out needs no further question: rendering can't fail on it.

mod account;
mod address;
mod aws;
mod choice;
mod cluster;
mod container;
pub mod day;
mod destination;
mod domain;
mod fields;
mod fleet;
mod fleet_summary;
mod gitops;
mod idle;
mod image;
mod indices;
mod life_cycle;
mod log_group;
mod machines;
mod name;
mod patch;
mod pattern;
mod place;
mod problem;
mod product;
mod proxy;
mod reader;
mod reconciler;
mod record_fields;
mod record_rules;
mod records;
mod region;
mod shared_idle;
mod source;
mod stream;
mod summary;
#[cfg(test)]
mod tests;
mod version;
mod workload;

use std::collections::BTreeMap;

use crate::layers::merge::ValuePath;
use crate::load::node::Node;
use crate::settings::Settings;

pub use account::resolved::*;
pub use account::{AccountShare, FleetAccounts};
pub(crate) use aws::SOURCES as AWS_SOURCES;
pub use aws::TagFilter;
pub use aws::quotas::{QUOTAS, Quota, needed};
pub use aws::resolved::*;
pub use cluster::*;
pub(crate) use domain::DomainHost;
pub use fields::{FieldContent, FieldNeed, RULE_FIELDS, RecordOrigin, RuleField, RuleMoment};
pub use fleet::*;
pub use fleet_summary::{FleetCluster, GroupKind, ResolvedFleet};
pub use gitops::{
    FleetGitops, ResolvedGitops, ResolvedGitopsDestination, ResolvedRepository, RevisionKind,
};
pub use indices::{IndexSettings, IndexTemplate, Indices, LifeCycle, RecordKind, RecordMapping};
pub use life_cycle::ResolvedPhase;
pub use machines::{
    ExcludedUnit, MachineFiles, MachineInput, MachineInputKind, MachineRules, MachineSecret,
    MachineTags, MaskRule, ParseRule, ResolvedCloudwatchAgent, ResolvedFilebeat, ResolvedLogstash,
    ResolvedLogstashTls, ResolvedMachineRole, ResolvedMachines,
};
use name::AwsNames;
pub use name::{AwsName, NameKind};
pub use patch::PlacedPatch;
pub use place::Place;
pub use problem::{Problem, Problems};
pub use proxy::ResolvedProxy;
pub use reader::ResolvedReader;
pub use reconciler::*;
pub use record_fields::fields_without_rules;
pub use records::{KubernetesSource, RecordRule, SourceRecords};
pub use summary::ClusterSummary;

/// The files that a cluster brings itself, as far as its settings have to know
/// them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnFiles {
    /// Its kustomize patches, as paths below `kubernetes/`.
    pub patches: Vec<String>,
    /// What stands in the CA certificates, by destination.
    pub certificates: BTreeMap<String, String>,
    /// Its own layer, `cluster.yaml`; the lower ones speak of other clusters, too.
    pub layer: Option<Node>,
}

impl OwnFiles {
    /// What the cluster itself says of a setting. What only removes says nothing.
    pub fn said(&self, setting: &[&str]) -> Option<&Node> {
        fn sets(node: &Node) -> bool {
            match node.entries() {
                Some(entries) => entries.iter().any(|entry| sets(&entry.node)),
                None => !node.is_null(),
            }
        }
        let path = ValuePath::new(setting.iter().copied());
        path.find(self.layer.as_ref()?).filter(|said| sets(said))
    }

    /// Whether the cluster itself says something of a setting.
    pub fn says(&self, setting: &[&str]) -> bool {
        self.said(setting).is_some()
    }
}

/// Resolves one cluster.
pub fn resolve_cluster(
    settings: &Settings,
    own_files: &OwnFiles,
) -> Result<ResolvedCluster, Problems> {
    let mut problems = Problems::default();
    let cluster = Identity {
        name: settings.name.to_string(),
        slug: name::slug(settings.name.as_str()),
        aws_name: aws::cluster_name(settings, &mut problems),
        environment: settings.environment.to_string(),
        distribution: settings.distribution,
        region: settings.region.to_string(),
        account: settings.account.to_string(),
    };
    region::check(settings, &mut problems);
    patch::check(settings, &mut problems);
    let mut names = AwsNames::new(&cluster);
    let sources = source::resolve_sources(settings, own_files, &mut problems);
    source::find_streams_nobody_feeds(settings, &mut problems);
    let machines = machines::plan(settings, &mut problems);
    let mut fed = source::fed(&sources);
    machines.feed(&mut fed);
    aws::feed(settings, &mut fed);
    let streams = stream::resolve_streams(settings, &cluster, &fed, &mut problems);
    destination::check_any(settings, &streams, &mut problems);
    let proxy = proxy::resolve(settings);
    let pod_role = pod_role(settings, &cluster, &mut names);
    let mut destinations =
        destination::resolve_servers(settings, &cluster, &pod_role, &mut problems);
    for destination in &mut destinations {
        let way = |proxy: &ResolvedProxy| proxy.to(&destination.scheme, &destination.host);
        destination.proxy = proxy.as_ref().and_then(way);
        let own: Vec<&ResolvedStream> = streams
            .iter()
            .filter(|stream| stream.destinations.contains(&destination.name))
            .collect();
        destination.data_streams = own.iter().map(|own| own.data_stream.clone()).collect();
        destination.data_streams.sort();
        destination.written = own
            .iter()
            .filter(|own| !own.retired)
            .map(|own| own.data_stream.clone())
            .collect();
        destination.written.sort();
        destination.indices = indices::resolve(destination.backend, &own);
        destination.readers = reader::of_destination(settings, &cluster.slug, destination, &own);
    }
    destinations.retain(|destination| !destination.data_streams.is_empty());
    reader::check(settings, &streams, &destinations, &mut problems);
    let mut cloudwatch = destination::resolve_cloudwatch(settings, &mut problems);
    for own in &mut cloudwatch {
        own.proxy = proxy
            .as_ref()
            .and_then(|proxy| proxy.to_aws("logs", &own.region));
    }
    cloudwatch.retain(|own| {
        streams
            .iter()
            .any(|stream| stream.cloudwatch.contains(&own.name))
    });
    let mut archives = destination::resolve_archives(settings, &cluster, &mut names, &mut problems);
    for own in &mut archives {
        own.proxy = proxy
            .as_ref()
            .and_then(|proxy| proxy.to_aws("s3", &own.region));
    }
    archives.retain(|own| {
        streams
            .iter()
            .any(|stream| stream.archives.contains(&own.name))
    });
    let mut log_groups = log_group::of_streams(
        settings,
        &cluster,
        &streams,
        &cloudwatch,
        &fed,
        &mut problems,
    );
    let daemon_sets = workload::resolve_daemon_sets(settings, &sources, &streams, &mut problems);
    let around = machines::Surroundings {
        settings,
        cluster: &cluster,
        streams: &streams,
        destinations: &destinations,
        log_groups: &log_groups,
    };
    let mut machines = machines::resolve(machines, around, &mut names, &mut problems);
    machines.take_certificates(&destinations, &own_files.certificates);
    let gitops = gitops::resolve_gitops(settings, &cluster, &destinations, &mut problems);
    let logstash_signs = machines.logstash.as_ref().is_some_and(|logstash| {
        destinations.iter().any(|destination| {
            logstash.destinations.contains(&destination.name)
                && matches!(
                    destination.authentication,
                    ResolvedAuthentication::AwsSigv4 { .. }
                )
        })
    });
    let pods_need_it = daemon_sets.iter().any(|daemon_set| daemon_set.needs_role);
    let role_arn = (pods_need_it || logstash_signs).then_some(pod_role);
    let aws = aws::resolve(
        aws::Known {
            settings,
            cluster: &cluster,
            streams: &streams,
            destinations: &destinations,
            archives: &archives,
            pods_role: role_arn.as_deref(),
            daemon_sets: &daemon_sets,
            logstash: machines.logstash.as_ref(),
        },
        &mut log_groups,
        &mut names,
        &mut problems,
    );
    check_pod_role(settings, &daemon_sets, role_arn.as_deref(), &mut problems);
    let idle = idle::Resolved {
        settings,
        own_files,
        streams: &streams,
        destinations: &destinations,
        daemon_sets: &daemon_sets,
        machines: &machines,
        log_groups: &log_groups,
        aws: &aws,
        needs_role: role_arn.is_some(),
    }
    .find(&mut problems);
    if !problems.0.is_empty() {
        return Err(problems);
    }
    let aws_names = names.into_given();
    Ok(ResolvedCluster {
        kubernetes: ResolvedKubernetes {
            namespace: settings.kubernetes.namespace.to_string(),
            log_format: settings.kubernetes.log_format,
            credentials: settings.kubernetes.credentials.clone(),
            monitoring: settings.kubernetes.monitoring.clone(),
            patches: own_files.patches.clone(),
            role_arn,
            oidc_provider: settings
                .kubernetes
                .oidc_provider
                .as_ref()
                .map(ToString::to_string),
        },
        gitops,
        cluster,
        destinations,
        cloudwatch,
        archives,
        log_groups,
        streams,
        node_groups: workload::node_groups(settings),
        proxy,
        sources,
        daemon_sets,
        aws,
        aws_names,
        idle,
        machines,
    })
}

/// Somebody must make the role that the pods act as.
fn check_pod_role(
    settings: &Settings,
    daemon_sets: &[DaemonSet],
    role: Option<&str>,
    problems: &mut Problems,
) {
    let kubernetes = &settings.kubernetes;
    let is_made = kubernetes.role_arn.is_some() || kubernetes.oidc_provider.is_some();
    let Some(role) = role.filter(|_| !is_made) else {
        return;
    };
    let name = role.rsplit('/').next().unwrap_or(role);
    let who = if daemon_sets.iter().any(|daemon_set| daemon_set.needs_role) {
        "Fluentd"
    } else {
        "Logstash"
    };
    problems.push(
        &["kubernetes", "role_arn"],
        format!("{who} writes to AWS as the IAM role `{name}`, and nothing makes it"),
        "set `kubernetes.oidc_provider`, and the cluster's stack makes it; or name a role of your own here",
    );
}

/// The role that the pods act as, whether or not they need one.
fn pod_role(settings: &Settings, cluster: &Identity, names: &mut AwsNames<'_>) -> String {
    settings.kubernetes.role_arn.as_ref().map_or_else(
        || {
            let name = names.give(NameKind::Role, &cluster.region, "pods");
            name::role_arn(&cluster.region, &cluster.account, &name)
        },
        ToString::to_string,
    )
}
