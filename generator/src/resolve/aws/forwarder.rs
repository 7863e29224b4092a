//! The function that brings logs and measurements to Elasticsearch and
//! OpenSearch: one in each Region that has some. Pure.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::forwarder::{
    Authentication, CONFIGURATION_VARIABLE, ClassicLoadBalancers, Cluster, Configuration,
    Destination, Index, LARGEST_ENVIRONMENT, LONGEST_INPUT, LogGroup, LogStreams, ScheduleInput,
    Stream, VERSION,
};
use logfleet_contract::names::short_log_group;
use serde::Serialize;

use super::super::name::{self, NameKind};
use super::super::problem::Problems;
use super::super::{
    Identity, LogSubscription, ResolvedAuthentication, ResolvedDestination, ResolvedStream,
};
use super::Resolving;
use super::arn::{Arns, DomainPaths, global_region};
use super::forwarded::Forwarded;
use super::resolved::{AwsLogGroup, CallingLogGroups, RegionForwarder, RegionNetwork, Schedule};
use super::source;
use crate::settings::{LogStreamPattern, Name, Region, Settings};

const CODE: [&str; 4] = ["sources", "aws", "forwarder", "code"];

/// Names of measurements by namespace.
type MetricNames = BTreeMap<String, Vec<String>>;

/// The forwarder of a Region, if there is something for it to do.
pub(super) fn resolve(
    resolving: &mut Resolving<'_, '_>,
    region: &str,
    groups: &[AwsLogGroup],
    resource_group: Option<&str>,
    problems: &mut Problems,
) -> Option<RegionForwarder> {
    let settings = resolving.settings;
    let aws = &settings.sources.aws;
    let calling: Vec<&AwsLogGroup> = groups
        .iter()
        .filter(|group| {
            group
                .group
                .subscriptions
                .iter()
                .any(|subscription| matches!(subscription, LogSubscription::Function { .. }))
        })
        .collect();
    let home = region == resolving.cluster.region;
    let classic = home && source::has_classic(settings) && resolving.has_server(&aws.elb.stream);
    let metrics = metrics_of_region(settings, resolving.cluster, resolving.streams, region);
    let polls = home && aws.enabled && aws.ec2.enabled && resolving.has_server(&aws.ec2.stream);
    let reads_status = polls && Forwarded::MachineStatus.is_on(settings);
    let reads_consoles = polls && Forwarded::ConsoleOutput.is_on(settings);
    let polls = reads_status || reads_consoles;
    if calling.is_empty() && !classic && metrics.is_empty() && !polls {
        return None;
    }
    let code = resolving.code(region, problems);
    let arns = Arns::new(&resolving.cluster.account, region);
    let function = resolving.give(NameKind::Function, region, "forwarder");
    let log_group = format!("/aws/lambda/{function}");
    let mut schedules = vec![retry_schedule(resolving, region)];
    if polls {
        schedules.push(poll_schedule(
            resolving,
            region,
            reads_status,
            reads_consoles,
        ));
    }
    if !metrics.is_empty() {
        schedules.extend(metrics_schedule(resolving, region, &metrics, problems));
    }
    let streams: BTreeSet<String> = calling
        .iter()
        .map(|group| group.group.stream.clone())
        .chain(classic.then(|| aws.elb.stream.to_string()))
        .chain(polls.then(|| aws.ec2.stream.to_string()))
        .chain((!metrics.is_empty()).then(|| aws.metrics.stream.to_string()))
        .collect();
    let dead_letter_bucket = resolving.give(NameKind::Bucket, region, "dead");
    let destinations = resolving.destinations_of(&streams);
    check_secrets(&destinations, problems);
    let configuration = configuration(
        resolving,
        &calling,
        &streams,
        &destinations,
        &dead_letter_bucket,
        resource_group,
        classic,
    );
    let environment = environment(&configuration, problems);
    let network = network(resolving, region, &arns, problems);
    Some(RegionForwarder {
        arn: arns.function(&function),
        role: resolving.give(NameKind::Role, region, &format!("forwarder-{region}")),
        log_group_arn: arns.log_group(&log_group),
        log_group,
        settings: aws.forwarder.clone(),
        code_bucket: code.0,
        code_key: code.1,
        network,
        dead_letter_bucket,
        dead_letter_days: aws.dead_letters.expiry_days,
        configuration,
        environment,
        called_by_log_groups: called_by(resolving, &arns, &calling),
        tagged_log_groups: tagged(resolving, &arns, &calling),
        reads_metrics: !metrics.is_empty(),
        reads_consoles: reads_consoles.then(|| arns.instances()),
        reads_status,
        schedules,
        secrets: secrets(resolving, &destinations),
        domains: domain_arns(
            resolving.destinations,
            &destinations.iter().map(|own| own.name.as_str()).collect(),
            DomainPaths::Bulk,
        ),
        function,
    })
}

/// The log groups that may call it: all below the cluster's own prefix by one
/// statement, since a function's policy has room for few
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
fn called_by(
    resolving: &Resolving<'_, '_>,
    arns: &Arns<'_>,
    calling: &[&AwsLogGroup],
) -> Vec<CallingLogGroups> {
    let prefix = name::log_group_prefix(&resolving.cluster.name);
    let mut found = Vec::new();
    if calling
        .iter()
        .any(|group| group.group.name.starts_with(&prefix))
    {
        found.push(CallingLogGroups {
            logical_id: "Own".to_owned(),
            arn: arns.log_group(&format!("{prefix}*")),
        });
    }
    found.extend(
        calling
            .iter()
            .filter(|group| !group.group.name.starts_with(&prefix))
            .map(|group| CallingLogGroups {
                logical_id: group.group.logical_id.clone(),
                arn: format!("{}:*", group.arn),
            }),
    );
    found
}

/// The keys of tags that events get as fields.
fn log_group_tags(settings: &Settings) -> Vec<String> {
    let keys = settings.sources.aws.forwarder.log_group_tags.iter();
    keys.filter(|(_, is_on)| **is_on)
        .map(|(key, _)| key.to_string())
        .collect()
}

/// The log groups whose tags are read. The call is authorised on the log group, not on its streams
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html>).
fn tagged(resolving: &Resolving<'_, '_>, arns: &Arns<'_>, calling: &[&AwsLogGroup]) -> Vec<String> {
    if log_group_tags(resolving.settings).is_empty() {
        return Vec::new();
    }
    let prefix = name::log_group_prefix(&resolving.cluster.name);
    let (own, others): (Vec<&AwsLogGroup>, Vec<&AwsLogGroup>) = calling
        .iter()
        .partition(|group| group.group.name.starts_with(&prefix));
    let all_own = (!own.is_empty()).then(|| arns.log_group(&format!("{prefix}*")));
    let others = others.into_iter().map(|group| group.arn.clone());
    all_own.into_iter().chain(others).collect()
}

/// Whether a server takes a stream.
fn has_server(streams: &[ResolvedStream], stream: &Name) -> bool {
    let mut streams = streams.iter();
    streams.any(|own| own.name == stream.as_str() && !own.destinations.is_empty())
}

/// The measurements in a Region that a server takes.
pub(super) fn metrics_of_region(
    settings: &Settings,
    cluster: &Identity,
    streams: &[ResolvedStream],
    region: &str,
) -> MetricNames {
    if has_server(streams, &settings.sources.aws.metrics.stream) {
        source::metrics_in(settings, cluster, region)
    } else {
        MetricNames::new()
    }
}

fn rate(minutes: u16) -> String {
    if minutes == 1 {
        "rate(1 minute)".to_owned()
    } else {
        format!("rate({minutes} minutes)")
    }
}

/// Minutes between two looks at what waits to be sent again.
const RETRY_MINUTES: u16 = 5;

fn retry_schedule(resolving: &mut Resolving<'_, '_>, region: &str) -> Schedule {
    let name = resolving.give(NameKind::EventRule, region, "send-again");
    Schedule {
        logical_id: "SendAgain".to_owned(),
        arn: Arns::new(&resolving.cluster.account, region).rule(&name),
        name,
        rate: rate(RETRY_MINUTES),
        description: "Sends again what a destination had no time for".to_owned(),
        input: ScheduleInput::Retries {},
    }
}

/// The network that the forwarder of a Region runs in.
fn network(
    resolving: &Resolving<'_, '_>,
    region: &str,
    arns: &Arns<'_>,
    problems: &mut Problems,
) -> Option<RegionNetwork> {
    let networks = &resolving.settings.sources.aws.forwarder.networks;
    let home = &resolving.cluster.region;
    let global = global_region(home);
    // Once for the cluster.
    for other in networks.keys().filter(|_| region == home.as_str()) {
        if other.as_str() != home.as_str() && other.as_str() != global {
            problems.push(
                &["sources", "aws", "forwarder", "networks", other.as_str()],
                "no forwarder runs in this Region",
                format!("use the cluster's own, `{home}`, or that of global services, `{global}`"),
            );
        }
    }
    let (name, network) = networks.get_key_value(&Region(region.to_owned()))?;
    let on = |ids: Vec<(String, bool)>| -> Vec<String> {
        let on = ids.into_iter().filter(|(_, on)| *on);
        on.map(|(id, _)| id).collect()
    };
    let of = |id: &str, on: &bool| (id.to_owned(), *on);
    let subnets = on(network
        .subnets
        .iter()
        .map(|(id, on)| of(id.as_str(), on))
        .collect());
    let groups = &network.security_groups;
    let security_groups = on(groups.iter().map(|(id, on)| of(id.as_str(), on)).collect());
    for (key, ids) in [("subnets", &subnets), ("security_groups", &security_groups)] {
        if ids.is_empty() {
            problems.push(
                &[
                    "sources",
                    "aws",
                    "forwarder",
                    "networks",
                    name.as_str(),
                    key,
                ],
                "a function in a network needs at least one",
                "set one to `true`, or leave the Region out of `networks`",
            );
        }
    }
    Some(RegionNetwork {
        subnets,
        security_groups,
        interfaces_arn: arns.network_interfaces(),
    })
}

fn poll_schedule(
    resolving: &mut Resolving<'_, '_>,
    region: &str,
    status: bool,
    console_output: bool,
) -> Schedule {
    let ec2 = &resolving.settings.sources.aws.ec2;
    let minutes = u16::from(ec2.poll_minutes);
    let input = ScheduleInput::Machines {
        stream: ec2.stream.to_string(),
        status,
        console_output,
    };
    let name = resolving.give(NameKind::EventRule, region, "poll-machines");
    Schedule {
        logical_id: "PollMachines".to_owned(),
        arn: Arns::new(&resolving.cluster.account, region).rule(&name),
        name,
        rate: rate(minutes),
        description: "Asks for the status of machines and what their consoles printed".to_owned(),
        input,
    }
}

fn metrics_schedule(
    resolving: &mut Resolving<'_, '_>,
    region: &str,
    metrics: &MetricNames,
    problems: &mut Problems,
) -> Option<Schedule> {
    let settings = &resolving.settings.sources.aws.metrics;
    let period = settings.period_seconds;
    let input = ScheduleInput::Metrics {
        stream: settings.stream.to_string(),
        period_seconds: period,
        metrics: metrics.clone(),
    };
    if text(&input).chars().count() > LONGEST_INPUT {
        problems.push(
            &["sources", "aws", "metrics"],
            format!("the metrics' names have more than the {LONGEST_INPUT} characters that a rule can hand over"),
            "collect fewer of them",
        );
        return None;
    }
    let name = resolving.give(NameKind::EventRule, region, "poll-metrics");
    Some(Schedule {
        logical_id: "PollMetrics".to_owned(),
        arn: Arns::new(&resolving.cluster.account, region).rule(&name),
        name,
        rate: rate(period / 60),
        description: "Reads the metrics of the resource group's members".to_owned(),
        input,
    })
}

/// The JSON that a template writes. These types hold nothing that JSON hasn't.
fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What the forwarder is told about the cluster.
fn configuration(
    resolving: &Resolving<'_, '_>,
    calling: &[&AwsLogGroup],
    streams: &BTreeSet<String>,
    destinations: &[&ResolvedDestination],
    dead_letter_bucket: &str,
    resource_group: Option<&str>,
    classic: bool,
) -> Configuration {
    let cluster = resolving.cluster;
    let prefix = name::log_group_prefix(&cluster.name);
    let log_groups = calling.iter().map(|group| {
        let mut reported = LogGroup {
            stream: group.group.stream.clone(),
            source: group.source.clone(),
            ..LogGroup::default()
        };
        for source in source::enabled(&resolving.settings.sources.aws) {
            if reported.source.as_deref() == Some(&source.id()) {
                source.own.tell(&mut reported);
            }
        }
        (short_log_group(&prefix, &group.group.name), reported)
    });
    let written = resolving
        .streams
        .iter()
        .filter(|stream| streams.contains(&stream.name));
    let written = written.map(|stream| {
        let reported = Stream {
            dataset: stream.dataset.clone(),
            to: stream.destinations.clone(),
            log_streams: log_streams(resolving.settings, &stream.name),
            labels: stream.labels.clone(),
        };
        (stream.name.clone(), reported)
    });
    let servers = destinations
        .iter()
        .filter_map(|server| Some((server.name.clone(), destination(server)?)));
    Configuration {
        version: VERSION,
        cluster: Cluster {
            name: cluster.name.clone(),
            environment: cluster.environment.clone(),
            region: cluster.region.clone(),
            account: cluster.account.clone(),
        },
        index: Index {
            r#type: resolving.settings.index.r#type.to_string(),
            namespace: resolving.namespace.clone(),
        },
        log_groups: log_groups.collect(),
        log_group_prefix: prefix,
        streams: written.collect(),
        destinations: servers.collect(),
        dead_letter_bucket: dead_letter_bucket.to_owned(),
        resource_group: resource_group.map(ToOwned::to_owned),
        log_group_tags: log_group_tags(resolving.settings),
        classic_load_balancers: classic.then(|| ClassicLoadBalancers {
            stream: resolving.settings.sources.aws.elb.stream.to_string(),
        }),
    }
}

/// The log streams that a stream takes.
fn log_streams(settings: &Settings, stream: &str) -> LogStreams {
    let chosen = |patterns: &BTreeMap<LogStreamPattern, bool>| {
        let chosen = patterns.iter().filter(|(_, is_chosen)| **is_chosen);
        chosen.map(|(pattern, _)| pattern.to_string()).collect()
    };
    let setting = settings.streams.get(&Name(stream.to_owned()));
    setting.map_or_else(LogStreams::default, |setting| LogStreams {
        include: chosen(&setting.cloudwatch.log_streams.include),
        exclude: chosen(&setting.cloudwatch.log_streams.exclude),
    })
}

/// A server; none where its credential is out of the forwarder's reach, which
/// [`check_secrets`] refuses.
fn destination(destination: &ResolvedDestination) -> Option<Destination> {
    Some(Destination {
        backend: destination.backend,
        url: format!(
            "{}://{}:{}{}",
            destination.scheme, destination.host, destination.port, destination.path
        ),
        timeout_seconds: destination.request_timeout_seconds,
        bulk_bytes: destination.bulk_size_bytes,
        minimum_tls: destination.minimum_tls_version,
        own_ca: destination.ca_certificate.is_some(),
        accept_any_certificate: !destination.verify,
        authentication: authentication(&destination.authentication)?,
        keys: keys(&destination.authentication),
    })
}

/// The keys of a credential that are called otherwise.
fn keys(resolved: &ResolvedAuthentication) -> BTreeMap<String, String> {
    let (ResolvedAuthentication::Basic(secret)
    | ResolvedAuthentication::ApiKey(secret)
    | ResolvedAuthentication::ClientCertificate { secret, .. }) = resolved
    else {
        return BTreeMap::new();
    };
    let keys = secret.keys.iter();
    keys.filter(|(own, key)| **own != key.outside)
        .map(|(_, key)| (key.setting.to_owned(), key.outside.clone()))
        .collect()
}

fn authentication(resolved: &ResolvedAuthentication) -> Option<Authentication> {
    Some(match resolved {
        ResolvedAuthentication::Basic(secret) => Authentication::Basic {
            secret: secret.secrets_manager_name.clone()?,
        },
        ResolvedAuthentication::ApiKey(secret) => Authentication::ApiKey {
            secret: secret.secrets_manager_name.clone()?,
        },
        ResolvedAuthentication::ClientCertificate { secret, .. } => {
            Authentication::ClientCertificate {
                secret: secret.secrets_manager_name.clone()?,
            }
        }
        ResolvedAuthentication::AwsSigv4 { region, .. } => Authentication::AwsSigv4 {
            region: region.clone(),
        },
    })
}

/// What the environment holds. These types hold nothing that JSON hasn't.
fn environment(configuration: &Configuration, problems: &mut Problems) -> String {
    let text = configuration.environment_text().unwrap_or_default();
    let bytes = text.len() + CONFIGURATION_VARIABLE.len();
    if bytes > LARGEST_ENVIRONMENT {
        problems.push(
            &["sources", "aws", "forwarder"],
            format!("the forwarder's configuration has {bytes} bytes even when compressed, and AWS limits a function's environment to {LARGEST_ENVIRONMENT}"),
            "shorten the names of streams and destinations that logs of AWS go to, or their `labels`; or let several sources share a stream",
        );
    }
    text
}

/// A Secret of Kubernetes can't be read from outside the cluster.
fn check_secrets(destinations: &[&ResolvedDestination], problems: &mut Problems) {
    for destination in destinations {
        let (ResolvedAuthentication::Basic(secret)
        | ResolvedAuthentication::ApiKey(secret)
        | ResolvedAuthentication::ClientCertificate { secret, .. }) = &destination.authentication
        else {
            continue;
        };
        let setting = [
            "destinations",
            &destination.name,
            "authentication",
            "secret",
        ];
        let reported = problems.0.iter().any(|problem| problem.setting == setting);
        if secret.secrets_manager_name.is_none() && !reported {
            problems.push(
                &setting,
                "logs of AWS go there, too, and their forwarder can't read a Secret of Kubernetes",
                "keep the credential in AWS Secrets Manager, `aws-secretsmanager:<name>`; or let streams of AWS go elsewhere",
            );
        }
    }
}

/// A cluster's secrets are in its own Region, wherever its functions are.
fn secrets(resolving: &Resolving<'_, '_>, destinations: &[&ResolvedDestination]) -> Vec<String> {
    let arns = Arns::new(&resolving.cluster.account, &resolving.cluster.region);
    let names = destinations
        .iter()
        .filter_map(|destination| match &destination.authentication {
            ResolvedAuthentication::Basic(secret)
            | ResolvedAuthentication::ApiKey(secret)
            | ResolvedAuthentication::ClientCertificate { secret, .. } => {
                secret.secrets_manager_name.as_deref()
            }
            ResolvedAuthentication::AwsSigv4 { .. } => None,
        });
    names
        .map(|name| arns.secret(name))
        .collect::<BTreeSet<String>>()
        .into_iter()
        .collect()
}

/// The ARNs by which the domains of Amazon OpenSearch Service among the
/// destinations with these names are called, sorted.
pub(super) fn domain_arns(
    destinations: &[ResolvedDestination],
    names: &BTreeSet<&str>,
    paths: DomainPaths,
) -> Vec<String> {
    destinations
        .iter()
        .filter(|destination| names.contains(destination.name.as_str()))
        .filter_map(|destination| match &destination.authentication {
            ResolvedAuthentication::AwsSigv4 {
                region,
                account,
                domain,
                ..
            } => Some(Arns::new(account, region).domain(domain.as_deref().unwrap_or("*"), paths)),
            _ => None,
        })
        .collect::<BTreeSet<String>>()
        .into_iter()
        .collect()
}

impl<'a> Resolving<'a, '_> {
    /// The bucket and object of the forwarder's program, for one Region.
    fn code(&mut self, region: &str, problems: &mut Problems) -> (String, String) {
        let Some(code) = &self.settings.sources.aws.forwarder.code else {
            if !self.reported_code {
                self.reported_code = true;
                problems.push(
                    &CODE,
                    "logs of AWS go to Elasticsearch or OpenSearch, but the location of the forwarder's program isn't set",
                    "add `sources.aws.forwarder.code: { bucket: <bucket>-{region}, key: <object> }` to `clusters/fleet.yaml`; or set `sources.aws.enabled: false`",
                );
            }
            return (String::new(), String::new());
        };
        let bucket = code.bucket.as_str();
        let expanded = bucket.replace("{region}", region);
        if !bucket.contains("{region}") && self.needs_regions() > 1 && !self.reported_code {
            self.reported_code = true;
            problems.push(
                &[&CODE[..], &["bucket"]].concat(),
                "the cluster has forwarders in two Regions, and a function reads its program from a bucket of its own Region",
                format!("name the buckets by their Regions, such as `{bucket}-{{region}}`"),
            );
        }
        if (expanded.len() < 3 || expanded.len() > 63) && !self.reported_code {
            self.reported_code = true;
            problems.push(
                &[&CODE[..], &["bucket"]].concat(),
                format!(
                    "`{expanded}` has {} characters, and a bucket's name has 3 to 63",
                    expanded.len()
                ),
                "choose another name",
            );
        }
        (expanded, code.key.to_string())
    }

    /// Whether a stream ends in Elasticsearch or OpenSearch.
    pub(super) fn has_server(&self, stream: &Name) -> bool {
        has_server(self.streams, stream)
    }

    /// The servers that streams end in.
    fn destinations_of(&self, streams: &BTreeSet<String>) -> Vec<&'a ResolvedDestination> {
        self.destinations
            .iter()
            .filter(|destination| {
                self.streams.iter().any(|stream| {
                    streams.contains(&stream.name)
                        && stream.destinations.contains(&destination.name)
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn one_minute_is_singular() {
        assert_eq!(rate(1), "rate(1 minute)");
        assert_eq!(rate(5), "rate(5 minutes)");
    }
}
