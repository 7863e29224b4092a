//! Log groups of CloudWatch, and who is subscribed to them. Pure.

use std::collections::BTreeMap;

use super::name;
use super::problem::Problems;
use super::stream::Fed;
use super::{
    CopyDestination, Identity, LogGroup, LogSubscription, LogWriter, ResolvedCloudwatch,
    ResolvedStream,
};
use crate::settings::{Name, OwnSubscription, Settings, Subscriptions};

/// Subscription filters that AWS allows on a log group:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>.
const MOST_SUBSCRIPTIONS: usize = 2;

/// The log groups that the cluster's own shippers write: one for each stream
/// and CloudWatch Logs it goes to. Faults of every stream's subscriptions are
/// found here, whoever writes its log groups.
pub(super) fn of_streams(
    settings: &Settings,
    cluster: &Identity,
    streams: &[ResolvedStream],
    cloudwatch: &[ResolvedCloudwatch],
    fed: &Fed,
    problems: &mut Problems,
) -> Vec<LogGroup> {
    let mut groups = Vec::new();
    for stream in streams {
        let Some(setting) = settings.streams.get(&Name(stream.name.clone())) else {
            continue;
        };
        let fed_by_aws = fed.get(&stream.name).is_some_and(|feeding| feeding.aws);
        check(
            cluster,
            stream,
            &setting.cloudwatch.subscriptions,
            fed_by_aws,
            problems,
        );
        for destination in cloudwatch {
            if stream.shipped_to.contains(&destination.name) {
                groups.push(LogGroup {
                    name: name::log_group(&cluster.name, &stream.name),
                    region: destination.region.clone(),
                    logical_id: name::logical_id(&stream.name),
                    stream: stream.name.clone(),
                    writer: LogWriter::Shippers,
                    retention_days: setting.cloudwatch.retention_days,
                    declared: true,
                    subscriptions: subscriptions(
                        cluster,
                        stream,
                        &setting.cloudwatch.subscriptions,
                        LogWriter::Shippers,
                    ),
                });
            }
        }
    }
    groups.sort_by(|one, other| (&one.region, &one.name).cmp(&(&other.region, &other.name)));
    groups
}

/// The subscriptions of a log group that holds a stream's events. What AWS
/// writes has no other way to where the stream goes; what our own shippers
/// write is there already, unless a subscription is asked for.
pub(super) fn subscriptions(
    cluster: &Identity,
    stream: &ResolvedStream,
    settings: &Subscriptions,
    writer: LogWriter,
) -> Vec<LogSubscription> {
    let from_aws = writer == LogWriter::Aws;
    let on = |asked: Option<bool>, ends: &[String]| asked.unwrap_or(from_aws && !ends.is_empty());
    let mut found = Vec::new();
    if on(settings.function.enabled, &stream.destinations) {
        found.push(LogSubscription::Function {
            name: name::subscription_filter(&cluster.name, "function"),
            pattern: settings.function.pattern.to_string(),
        });
    }
    if on(settings.firehose.enabled, &stream.archives)
        && let Some(archive) = stream.archives.first()
    {
        found.push(LogSubscription::Firehose {
            name: name::subscription_filter(&cluster.name, "firehose"),
            pattern: settings.firehose.pattern.to_string(),
            archive: archive.clone(),
        });
    }
    if settings.account.enabled
        && let Some(arn) = &settings.account.destination_arn
    {
        found.push(LogSubscription::Account {
            name: name::subscription_filter(&cluster.name, "account"),
            pattern: settings.account.pattern.to_string(),
            destination_arn: arn.to_string(),
        });
    }
    found.extend(settings.own.iter().filter_map(|(key, own)| {
        let (to, arn) = copy_destination(own)?;
        Some(LogSubscription::Own {
            key: key.to_string(),
            logical_id: name::logical_id(&format!("{}_{key}", stream.name)),
            name: name::subscription_filter(&cluster.name, &format!("own-{key}")),
            pattern: own.pattern.to_string(),
            place: place(arn),
            to,
        })
    }));
    found
}

/// What an own subscription leads to, and the ARN that says where that is; none
/// where it isn't said, or twice.
fn copy_destination(own: &OwnSubscription) -> Option<(CopyDestination, &str)> {
    match (&own.destination_arn, &own.http_endpoint) {
        (Some(arn), None) => {
            let to = if arn.as_str().split(':').nth(2) == Some("lambda") {
                CopyDestination::Function {
                    arn: arn.to_string(),
                }
            } else {
                CopyDestination::Stream {
                    arn: arn.to_string(),
                    role_arn: own.role_arn.as_ref().map(ToString::to_string),
                }
            };
            Some((to, arn.as_str()))
        }
        (None, Some(endpoint)) => {
            let to = CopyDestination::HttpEndpoint {
                url: endpoint.url.to_string(),
                secret_arn: endpoint.secret_arn.to_string(),
                retry_seconds: endpoint.retry_seconds,
                buffer_seconds: endpoint.buffer_seconds,
                buffer_mebibytes: endpoint.buffer_mebibytes,
            };
            Some((to, endpoint.secret_arn.as_str()))
        }
        _ => None,
    }
}

/// The Region and the account of an ARN.
fn place(arn: &str) -> (String, String) {
    let part = |index| arn.split(':').nth(index).unwrap_or_default().to_owned();
    (part(3), part(4))
}

/// Leaves a log group what is in its own Region, since CloudWatch Logs hands
/// events to nothing else.
pub(super) fn keep_own_region(group: &mut LogGroup) {
    let region = group.region.clone();
    group
        .subscriptions
        .retain(|own| !matches!(own, LogSubscription::Own { place, .. } if place.0 != region));
}

/// Finds own subscriptions that lead nowhere. `groups` are all log groups of the
/// cluster, each with those of its own Region.
pub(super) fn check_own(
    settings: &Settings,
    cluster: &Identity,
    streams: &[ResolvedStream],
    groups: &[&LogGroup],
    problems: &mut Problems,
) {
    for stream in streams {
        let Some(setting) = settings.streams.get(&Name(stream.name.clone())) else {
            continue;
        };
        for (key, own) in &setting.cloudwatch.subscriptions.own {
            let setting = [
                "streams",
                &stream.name,
                "cloudwatch",
                "subscriptions",
                "own",
                key.as_str(),
            ];
            let mut fault = |key: &[&str], message: String, hint: &str| {
                problems.push(&[&setting[..], key].concat(), message, hint);
            };
            if let Some(wrong) = crate::filter_pattern::fault(own.pattern.as_str()) {
                fault(
                    &["pattern"],
                    format!("this is not a filter pattern: {wrong}"),
                    "see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html",
                );
            }
            let Some((to, arn)) = copy_destination(own) else {
                fault(
                    &[],
                    "it must name exactly one receiver of the events".to_owned(),
                    "set either `destination_arn` or `http_endpoint`",
                );
                continue;
            };
            if own.role_arn.is_some() && !matches!(to, CopyDestination::Stream { .. }) {
                fault(
                    &["role_arn"],
                    "only a Kinesis data stream or a Firehose is written by a role of yours"
                        .to_owned(),
                    "remove it",
                );
            }
            let (region, account) = place(arn);
            if account != cluster.account {
                fault(
                    &[],
                    format!(
                        "`{arn}` is of account {account}, and log groups of account {} can't hand events to it",
                        cluster.account
                    ),
                    "make a destination of CloudWatch Logs in that account, and name it in `subscriptions.account`",
                );
            } else if !groups
                .iter()
                .any(|group| group.stream == stream.name && group.region == region)
            {
                fault(
                    &[],
                    format!(
                        "the stream `{}` has no log group in {region}, where `{arn}` is",
                        stream.name
                    ),
                    "name something in the Region of the log groups (`gen sources` lists them); or send the stream to a destination with `backend: cloudwatch`",
                );
            }
        }
    }
}

/// Finds subscriptions that can't be, and ways that lead nowhere.
fn check(
    cluster: &Identity,
    stream: &ResolvedStream,
    settings: &Subscriptions,
    fed_by_aws: bool,
    problems: &mut Problems,
) {
    let name = stream.name.as_str();
    let setting = |keys: [&'static str; 2]| {
        [
            "streams",
            name,
            "cloudwatch",
            "subscriptions",
            keys[0],
            keys[1],
        ]
        .map(ToOwned::to_owned)
    };
    let mut fault = |keys: [&'static str; 2], message: String, hint: &str| {
        let setting = setting(keys);
        let setting: Vec<&str> = setting.iter().map(String::as_str).collect();
        problems.push(&setting, message, hint);
    };
    let ways = [
        (
            "function",
            settings.function.enabled,
            &stream.destinations,
            "Elasticsearch or OpenSearch",
        ),
        (
            "firehose",
            settings.firehose.enabled,
            &stream.archives,
            "archive",
        ),
    ];
    for (way, asked, ends, kind) in ways {
        if asked == Some(true) && ends.is_empty() {
            fault(
                [way, "enabled"],
                format!(
                    "the stream `{name}` goes to no {kind}, so there is nowhere to bring its events"
                ),
                "set such a destination to `true` in the stream's `destinations`, or this to `false`",
            );
        }
        if asked == Some(false) && fed_by_aws && !ends.is_empty() && !settings.account.enabled {
            fault(
                [way, "enabled"],
                format!("nothing else brings logs of AWS in the stream `{name}` to its {kind}"),
                "remove this; or take the destination out of the stream's `destinations`",
            );
        }
        if asked == Some(true) && !fed_by_aws && stream.cloudwatch.is_empty() {
            fault(
                [way, "enabled"],
                format!(
                    "the stream `{name}` goes to no CloudWatch Logs, so there is nothing to subscribe to"
                ),
                "set a destination with `backend: cloudwatch` to `true` in the stream's `destinations`, or this to `false`",
            );
        }
    }
    if settings.account.enabled && settings.account.destination_arn.is_none() {
        fault(
            ["account", "destination_arn"],
            "the destination of the events isn't set".to_owned(),
            "add the ARN of the other account's destination",
        );
    }
    if settings.account.enabled && !fed_by_aws && stream.cloudwatch.is_empty() {
        fault(
            ["account", "enabled"],
            format!(
                "the stream `{name}` goes to no CloudWatch Logs, so there is nothing to subscribe to"
            ),
            "set a destination with `backend: cloudwatch` to `true` in the stream's `destinations`, or this to `false`",
        );
    }
    let writer = if fed_by_aws {
        LogWriter::Aws
    } else {
        LogWriter::Shippers
    };
    let subscriptions = subscriptions(cluster, stream, settings, writer);
    let firehose = subscriptions
        .iter()
        .any(|subscription| matches!(subscription, LogSubscription::Firehose { .. }));
    if firehose && stream.archives.len() > 1 {
        fault(
            ["firehose", "enabled"],
            format!(
                "a Firehose writes to one archive, but the stream `{name}` goes to {}",
                stream.archives.len()
            ),
            "keep one of them in the stream's `destinations`",
        );
    }
    let mut regions: BTreeMap<&str, usize> = BTreeMap::new();
    let mut everywhere = 0;
    for subscription in &subscriptions {
        match subscription {
            LogSubscription::Own { place, .. } => *regions.entry(&place.0).or_default() += 1,
            _ => everywhere += 1,
        }
    }
    let count = everywhere + regions.values().max().copied().unwrap_or_default();
    if count > MOST_SUBSCRIPTIONS && regions.is_empty() {
        fault(
            ["account", "enabled"],
            format!(
                "the log groups of the stream `{name}` would have three subscriptions, and AWS allows two"
            ),
            "switch one of `function`, `firehose` and `account` off",
        );
    } else if count > MOST_SUBSCRIPTIONS {
        problems.push(
            &["streams", name, "cloudwatch", "subscriptions", "own"],
            format!(
                "a log group of the stream `{name}` would have {count} subscriptions, and AWS allows two"
            ),
            "remove some of `own`, or switch `function`, `firehose` or `account` off; a Kinesis data stream can have many readers",
        );
    }
}
