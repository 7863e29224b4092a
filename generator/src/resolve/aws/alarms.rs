//! Alarms, counts of log events, and the dashboard. Pure.

use logfleet_contract::forwarder::METRICS_NAMESPACE;
use serde_json::{Value, json};

use super::super::name::{self, NameKind};
use super::super::{LogSubscription, Problems, ResolvedStream};
use super::Resolving;
use super::resolved::{
    Alarm, AwsLogGroup, AwsRegion, Dashboard, Measure, RegionForwarder, RegionMetricFilter,
};
use super::source::{self, eks};
use crate::settings::{EventField, MetricFilter, MetricName, MetricNamespace, Name, Settings};

/// Widgets that a row of the dashboard has room for, and their width: 24 columns
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html>).
const COLUMNS: usize = 3;
const WIDTH: usize = 8;
const HEIGHT: usize = 6;

/// The counts of log events in a Region, and the alarms of those that ring one.
pub(super) fn metric_filters(
    resolving: &mut Resolving<'_, '_>,
    groups: &[AwsLogGroup],
) -> (Vec<RegionMetricFilter>, Vec<Alarm>) {
    let aws = &resolving.settings.sources.aws;
    let cluster = resolving.cluster.name.clone();
    let namespace = format!("logfleet/{cluster}");
    let mut wanted: Vec<(&AwsLogGroup, String, String, &Name, &MetricFilter)> = Vec::new();
    for source in source::enabled(aws) {
        let own = groups
            .iter()
            .filter(|group| group.source.as_deref() == Some(&source.id()));
        for group in own {
            for (name, filter) in source.metric_filters {
                let id = name::logical_id(name.as_str());
                wanted.push((group, id, format!("{}_{name}", source.key), name, filter));
            }
        }
    }
    for group in groups {
        let stream = &group.group.stream;
        let setting = resolving.settings.streams.get(&Name(stream.clone()));
        let filters = setting.map(|setting| &setting.cloudwatch.metric_filters);
        for (name, filter) in filters.into_iter().flatten() {
            let id = format!("Stream{}", name::logical_id(name.as_str()));
            wanted.push((group, id, format!("{stream}_{name}"), name, filter));
        }
    }
    let (mut filters, mut alarms) = (Vec::new(), Vec::new());
    for (group, id, key, filter_name, filter) in wanted {
        let resolved = RegionMetricFilter {
            logical_id: format!("{}{id}", group.group.logical_id),
            name: name::subscription_filter(&cluster, &key),
            log_group: group.group.name.clone(),
            depends_on: group.group.declared.then(|| group.group.logical_id.clone()),
            of_member: eks::makes(group),
            ..metric_filter(filter, &namespace, &key)
        };
        if let Some(threshold) = filter.alarm_at {
            let purpose = format!("{key}-{}", group.group.logical_id.to_lowercase());
            alarms.push(Alarm {
                logical_id: resolved.logical_id.clone(),
                name: resolving.give(NameKind::Alarm, &group.group.region, &purpose),
                description: format!(
                    "Log events of {} match the filter {filter_name}",
                    group.group.name
                ),
                measure: Measure::Metric {
                    namespace: resolved.namespace.clone(),
                    metric: resolved.metric.clone(),
                    dimensions: Vec::new(),
                    statistic: "Sum",
                },
                threshold,
                periods: 1,
            });
        }
        filters.push(resolved);
    }
    (filters, alarms)
}

/// What a filter's settings say, with names by default.
pub(in crate::resolve) fn metric_filter(
    filter: &MetricFilter,
    namespace: &str,
    metric: &str,
) -> RegionMetricFilter {
    let namespace = filter
        .namespace
        .as_ref()
        .map_or(namespace, MetricNamespace::as_str);
    let metric = filter.metric.as_ref().map_or(metric, MetricName::as_str);
    let dimensions = filter.dimensions.iter();
    RegionMetricFilter {
        pattern: filter.pattern.to_string(),
        namespace: namespace.to_owned(),
        metric: metric.to_owned(),
        value: filter.value.to_string(),
        default_value: filter.default_value,
        dimensions: dimensions
            .map(|(name, field)| (name.to_string(), field.to_string()))
            .collect(),
        ..RegionMetricFilter::default()
    }
}

/// Finds filters of streams and accounts that can't be, or count nothing.
pub(super) fn check_stream_filters(
    settings: &Settings,
    streams: &[ResolvedStream],
    groups: &[AwsLogGroup],
    problems: &mut Problems,
) {
    let accounts = settings.accounts.iter();
    let accounts = accounts.map(|(account, own)| (vec!["accounts", account.as_str()], own));
    for (base, own) in accounts.chain([(vec!["account_defaults"], &settings.account_defaults)]) {
        for (name, filter) in &own.calls.metric_filters {
            let setting = [&base[..], &["calls", "metric_filters", name.as_str()]].concat();
            check_filter(&setting, filter, problems);
        }
    }
    for (stream, setting) in &settings.streams {
        for (name, filter) in &setting.cloudwatch.metric_filters {
            let setting = [
                "streams",
                stream.as_str(),
                "cloudwatch",
                "metric_filters",
                name.as_str(),
            ];
            check_filter(&setting, filter, problems);
            let is_fed = streams.iter().any(|own| own.name == stream.as_str());
            if is_fed && !groups.iter().any(|own| own.group.stream == stream.as_str()) {
                problems.push(
                    &setting,
                    format!("the stream `{stream}` has no log group, so nothing is counted"),
                    "send the stream to a destination with `backend: cloudwatch`, or remove this",
                );
            }
        }
    }
}

/// Finds what AWS would refuse of a filter
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html>).
pub(super) fn check_filter(setting: &[&str], filter: &MetricFilter, problems: &mut Problems) {
    let pattern = filter.pattern.as_str();
    let mut fault = |key: &str, message: String, hint: &str| {
        problems.push(&[setting, &[key]].concat(), message, hint);
    };
    if let Some(wrong) = crate::filter_pattern::fault(pattern) {
        fault(
            "pattern",
            format!("this is not a filter pattern: {wrong}"),
            "see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html",
        );
    }
    let namespace = filter.namespace.as_ref().map(MetricNamespace::as_str);
    if namespace.is_some_and(|namespace| namespace.starts_with("AWS/")) {
        fault(
            "namespace",
            "namespaces that begin with `AWS/` are AWS's own".to_owned(),
            "choose another one, or leave it out",
        );
    }
    if filter.dimensions.len() > MOST_DIMENSIONS {
        fault(
            "dimensions",
            format!(
                "{} dimensions are more than AWS's {MOST_DIMENSIONS}",
                filter.dimensions.len()
            ),
            "keep those that are asked for together",
        );
    }
    if !filter.dimensions.is_empty() && filter.default_value.is_some() {
        fault(
            "default_value",
            "AWS allows no default together with dimensions, since it wouldn't know for which of their values".to_owned(),
            "remove one of the two",
        );
    }
    if !filter.dimensions.is_empty() && filter.alarm_at.is_some() {
        fault(
            "alarm_at",
            "each value of a dimension is a metric of its own, so an alarm on all of them would never ring".to_owned(),
            "count a second time without dimensions, with the alarm there",
        );
    }
    let has_fields = pattern.trim_start().starts_with(['{', '[']);
    let named = filter.dimensions.values().map(EventField::as_str);
    let value = filter.value.as_str();
    if !has_fields && let Some(field) = named.chain([value]).find(|own| own.starts_with('$')) {
        fault(
            "pattern",
            format!("a pattern of words finds no fields, so there is no `{field}`"),
            "write it as one of JSON, `{ $.level = \"error\" }`, or of columns, `[level, text]`",
        );
    }
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_MetricTransformation.html>
const MOST_DIMENSIONS: usize = 3;

/// Alarms of what brings logs away from a Region.
pub(super) fn of_region(resolving: &mut Resolving<'_, '_>, region: &AwsRegion) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    if let Some(forwarder) = &region.forwarder {
        alarms.extend(of_forwarder(resolving, &region.name, forwarder));
    }
    let age = u32::from(resolving.settings.sources.aws.alarms.age_seconds);
    for firehose in &region.firehoses {
        alarms.push(Alarm {
            logical_id: format!("Firehose{}Age", firehose.logical_id),
            name: format!("{}-age", firehose.name),
            description: "Logs wait too long on their way to the archive".to_owned(),
            measure: Measure::Metric {
                namespace: "AWS/Firehose".to_owned(),
                metric: "DeliveryToS3.DataFreshness".to_owned(),
                dimensions: vec![("DeliveryStreamName".to_owned(), firehose.name.clone())],
                statistic: "Maximum",
            },
            threshold: age,
            periods: 3,
        });
    }
    let delivery_errors = resolving.settings.sources.aws.alarms.delivery_errors;
    for kind in ["function", "firehose", "account"] {
        let Some(filter) = region
            .log_groups
            .iter()
            .find_map(|group| filter_of(group, kind))
        else {
            continue;
        };
        alarms.push(Alarm {
            logical_id: format!("Deliveries{}", name::logical_id(kind)),
            name: resolving.give(NameKind::Alarm, &region.name, &format!("deliveries-{kind}")),
            description: "CloudWatch Logs can't hand log events on".to_owned(),
            // The name is the same for all log groups, and no other cluster's.
            measure: Measure::Query {
                expression: format!(
                    "SELECT SUM(DeliveryErrors) FROM \"AWS/Logs\" WHERE FilterName = '{filter}'"
                ),
            },
            threshold: delivery_errors,
            periods: 1,
        });
    }
    alarms
}

fn filter_of<'g>(group: &'g AwsLogGroup, wanted: &str) -> Option<&'g str> {
    group.group.subscriptions.iter().find_map(|subscription| {
        let (kind, name) = match subscription {
            LogSubscription::Function { name, .. } => ("function", name),
            LogSubscription::Firehose { name, .. } => ("firehose", name),
            LogSubscription::Account { name, .. } => ("account", name),
            // Whoever owns what it leads to has alarms there.
            LogSubscription::Own { .. } => return None,
        };
        (kind == wanted).then_some(name.as_str())
    })
}

fn of_forwarder(
    resolving: &mut Resolving<'_, '_>,
    region: &str,
    forwarder: &RegionForwarder,
) -> Vec<Alarm> {
    let thresholds = resolving.settings.sources.aws.alarms.clone();
    let measured = |namespace: &str, metric: &str, statistic| Measure::Metric {
        namespace: namespace.to_owned(),
        metric: metric.to_owned(),
        dimensions: vec![("FunctionName".to_owned(), forwarder.function.clone())],
        statistic,
    };
    let of_function = |metric: &str, statistic| measured("AWS/Lambda", metric, statistic);
    let own = |metric: &str, statistic| measured(METRICS_NAMESPACE, metric, statistic);
    [
        (
            "Errors",
            "errors",
            "Calls of the forwarder fail",
            of_function("Errors", "Sum"),
            thresholds.errors,
            1,
        ),
        (
            "Throttles",
            "throttles",
            "The forwarder is called more often than it may run",
            of_function("Throttles", "Sum"),
            thresholds.throttles,
            1,
        ),
        (
            "Failed",
            "failed",
            "Calls of the forwarder were given up; it makes those again that lie in its bucket",
            of_function("AsyncEventsDropped", "Sum"),
            thresholds.dead_letters,
            1,
        ),
        (
            "Lost",
            "lost",
            "Calls of the forwarder were given up and could not be kept in its bucket: events are lost",
            of_function("DestinationDeliveryFailures", "Sum"),
            1,
            1,
        ),
        (
            "Rejected",
            "rejected",
            "A destination refused documents for good: they lie under dead/ in the forwarder's bucket",
            own("Rejected", "Sum"),
            thresholds.dead_letters,
            1,
        ),
        (
            "Stopped",
            "stopped",
            "A destination has no data stream for the forwarder, or refuses its credential",
            own("Stopped", "Sum"),
            1,
            1,
        ),
        (
            "Waiting",
            "waiting",
            "Much waits under retry/ in the forwarder's bucket to be sent again",
            own("RetryObjects", "Maximum"),
            thresholds.waiting_objects,
            3,
        ),
        (
            "WaitingAge",
            "waiting-age",
            "What waits under retry/ in the forwarder's bucket isn't taken",
            own("RetryAge", "Maximum"),
            thresholds.waiting_seconds,
            3,
        ),
        (
            "Age",
            "age",
            "Logs wait too long for the forwarder",
            of_function("AsyncEventAge", "Maximum"),
            // CloudWatch counts it in milliseconds.
            u32::from(thresholds.age_seconds) * 1000,
            3,
        ),
    ]
    .into_iter()
    .map(
        |(id, purpose, description, measure, threshold, periods)| Alarm {
            logical_id: format!("Forwarder{id}"),
            name: resolving.give(NameKind::Alarm, region, &format!("forwarder-{purpose}")),
            description: description.to_owned(),
            measure,
            threshold,
            periods,
        },
    )
    .collect()
}

/// The dashboard of a cluster, over all its Regions.
pub(super) fn dashboard(
    resolving: &mut Resolving<'_, '_>,
    regions: &[AwsRegion],
) -> Option<Dashboard> {
    if !resolving.settings.sources.aws.dashboard || !resolving.settings.sources.aws.enabled {
        return None;
    }
    let mut charts = Vec::new();
    for region in regions {
        charts.extend(charts_of(region));
    }
    if charts.is_empty() {
        return None;
    }
    let home = resolving.cluster.region.clone();
    let widgets: Vec<Value> = charts
        .into_iter()
        .enumerate()
        .map(|(index, properties)| {
            json!({
                "type": "metric",
                "x": index % COLUMNS * WIDTH,
                "y": index / COLUMNS * HEIGHT,
                "width": WIDTH,
                "height": HEIGHT,
                "properties": properties,
            })
        })
        .collect();
    Some(Dashboard {
        name: resolving.give(NameKind::Dashboard, &home, "logs"),
        body: json!({ "widgets": widgets }),
    })
}

/// Most lines of a chart: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html>.
const MOST_LINES: usize = 500;

fn charts_of(region: &AwsRegion) -> Vec<Value> {
    let chart = |title: &str, metrics: Vec<Value>, stat: &str| {
        json!({
            "title": format!("{title} ({})", region.name),
            "region": region.name,
            "view": "timeSeries",
            "period": 300,
            "stat": stat,
            "metrics": metrics.into_iter().take(MOST_LINES).collect::<Vec<_>>(),
        })
    };
    let mut charts = Vec::new();
    if let Some(forwarder) = &region.forwarder {
        let of_function =
            |metric: &str| json!(["AWS/Lambda", metric, "FunctionName", forwarder.function]);
        charts.push(chart(
            "Forwarder: calls",
            ["Invocations", "Errors", "Throttles"]
                .map(of_function)
                .to_vec(),
            "Sum",
        ));
        charts.push(chart(
            "Forwarder: delay and duration, ms",
            ["AsyncEventAge", "Duration"].map(of_function).to_vec(),
            "Maximum",
        ));
        let own = |metric: &str| {
            json!([
                METRICS_NAMESPACE,
                metric,
                "FunctionName",
                forwarder.function
            ])
        };
        charts.push(chart(
            "Forwarder: documents",
            ["Delivered", "Duplicates", "Retried", "Rejected"]
                .map(own)
                .to_vec(),
            "Sum",
        ));
        charts.push(chart(
            "Forwarder: objects that wait to be sent again",
            vec![own("RetryObjects")],
            "Maximum",
        ));
        charts.push(chart(
            "Forwarder: age of the oldest event and of what waits, s",
            ["OldestEvent", "RetryAge"].map(own).to_vec(),
            "Maximum",
        ));
        charts.push(chart(
            "Forwarder: calls given up, and lost",
            ["AsyncEventsDropped", "DestinationDeliveryFailures"]
                .map(of_function)
                .to_vec(),
            "Sum",
        ));
    }
    let of_groups = |metric: &str| -> Vec<Value> {
        region
            .log_groups
            .iter()
            .map(|group| json!(["AWS/Logs", metric, "LogGroupName", group.group.name]))
            .collect()
    };
    if !region.log_groups.is_empty() {
        charts.push(chart("Log events", of_groups("IncomingLogEvents"), "Sum"));
        charts.push(chart("Bytes of logs", of_groups("IncomingBytes"), "Sum"));
    }
    if !region.firehoses.is_empty() {
        let lines = region.firehoses.iter().map(|firehose| {
            json!([
                "AWS/Firehose",
                "DeliveryToS3.DataFreshness",
                "DeliveryStreamName",
                firehose.name
            ])
        });
        charts.push(chart("Firehose: delay, s", lines.collect(), "Maximum"));
    }
    if !region.metric_filters.is_empty() {
        // One with dimensions is a metric for each of their values.
        let plain = region.metric_filters.iter();
        let plain = plain.filter(|filter| filter.dimensions.is_empty());
        let lines = plain.map(|filter| json!([filter.namespace, filter.metric]));
        charts.push(chart("Counted log events", lines.collect(), "Sum"));
    }
    charts
}
