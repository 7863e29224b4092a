//! No log event goes two ways to the same place, and none is looked for where
//! nobody writes. Pure.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::stack::Forwarder;

use super::Template;
use crate::fault::Faults;

/// Subscription filters that AWS allows on a log group:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>.
const MOST_SUBSCRIPTIONS: usize = 2;

pub(super) fn check(
    cluster: &str,
    template: &Template<'_>,
    forwarder: Option<&Forwarder>,
    fluentd: &[&str],
    faults: &mut Faults,
) {
    let declared: BTreeSet<&str> = template
        .of_type("AWS::Logs::LogGroup")
        .filter_map(|group| group.text("LogGroupName"))
        .collect();
    let shipped = |group: &str| {
        let configuration = &forwarder?.configuration;
        configuration.data_stream(&configuration.log_group(group)?.stream)
    };
    let mut filters: BTreeMap<&str, usize> = BTreeMap::new();
    for subscription in template.of_type("AWS::Logs::SubscriptionFilter") {
        let Some(group) = subscription.text("LogGroupName") else {
            continue;
        };
        let count = filters.entry(group).or_default();
        *count += 1;
        if *count == MOST_SUBSCRIPTIONS + 1 {
            faults.push(template.fault(
                &subscription,
                &format!("the log group `{group}` would have more than {MOST_SUBSCRIPTIONS} subscriptions"),
            ).hint("AWS allows no more: remove one"));
        }
        let own = group.starts_with(&format!("/logfleet/{cluster}/"));
        if own && !declared.contains(group) {
            faults.push(
                template
                    .fault(
                        &subscription,
                        &format!("nothing creates the log group `{group}`"),
                    )
                    .hint("add it to the same template, or correct the name"),
            );
        }
        let by_function = subscription.property("DestinationArn")["Fn::GetAtt"][0]
            .as_str()
            .is_some();
        if let Some(data_stream) = shipped(group).filter(|_| by_function)
            && fluentd.iter().any(|text| mentions(text, &data_stream))
        {
            faults.push(
                template
                    .fault(&subscription, &format!("Fluentd writes to the data stream `{data_stream}` already, so each record would be there twice"))
                    .hint("keep one of the two ways"),
            );
        }
    }
}

/// Whether a text has a name in it that doesn't go on.
fn mentions(text: &str, name: &str) -> bool {
    let goes_on =
        |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "_-.".contains(c));
    text.match_indices(name)
        .any(|(at, _)| !goes_on(&text[at + name.len()..]))
}
