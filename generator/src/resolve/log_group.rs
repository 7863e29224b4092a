//! Log groups of CloudWatch, and who is subscribed to them. Pure.

use super::name;
use super::problem::Problems;
use super::stream::Fed;
use super::{Identity, LogGroup, LogSubscription, LogWriter, ResolvedCloudwatch, ResolvedStream};
use crate::settings::{Name, Settings, Subscriptions};

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
    found
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
            "it is not said which destination the events go to".to_owned(),
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
    if subscriptions.len() > MOST_SUBSCRIPTIONS {
        fault(
            ["account", "enabled"],
            format!(
                "the log groups of the stream `{name}` would have three subscriptions, and AWS allows two"
            ),
            "switch one of `function`, `firehose` and `account` off",
        );
    }
}
