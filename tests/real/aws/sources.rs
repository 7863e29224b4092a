//! What `gen sources` says of AWS, compared with what AWS's API lists: all
//! that rows name is there, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::inventory::everything_of;
use super::rendered::Place;
use super::{Account, Aws};

/// What `gen sources` says.
pub fn rows(root: &Path) -> Vec<Value> {
    let output = Command::new(env!("CARGO_BIN_EXE_gen"))
        .env("XDG_CACHE_HOME", "/dev/null")
        .args(["sources", "--format", "json", "--root"])
        .arg(root)
        .output()
        .expect("gen can be started");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("gen writes JSON")
}

/// A Region of an account, with what is looked up there more than once.
struct Listed<'a> {
    account: Account<'a>,
    /// Days that log groups keep events, by name.
    kept: BTreeMap<String, Value>,
    /// Where subscription filters go, by log group.
    subscribed: BTreeMap<String, Vec<String>>,
    names: super::inventory::Inventory,
}

impl<'a> Listed<'a> {
    fn new(aws: &'a Aws, number: &str, region: &str) -> Self {
        let account = aws.account(number);
        let groups = account.call(region, "logs", "describe_log_groups", &json!({}));
        let mut kept = BTreeMap::new();
        let mut subscribed = BTreeMap::new();
        for group in groups["logGroups"].as_array().expect("a list") {
            let name = text(&group["logGroupName"]);
            let parameters = json!({ "logGroupName": name });
            let filters =
                account.call(region, "logs", "describe_subscription_filters", &parameters);
            let filters = filters["subscriptionFilters"].as_array().expect("a list");
            let to = filters
                .iter()
                .map(|one| text(&one["destinationArn"]))
                .collect();
            subscribed.insert(name.clone(), to);
            kept.insert(name, group["retentionInDays"].clone());
        }
        let names = everything_of(&account, region);
        Self {
            account,
            kept,
            subscribed,
            names,
        }
    }

    fn has(&self, kind: &str, name: &str) -> bool {
        self.names
            .get(kind)
            .is_some_and(|names| names.contains(name))
    }

    fn goes_to(&self, group: &str, service: &str) -> bool {
        let to = self.subscribed.get(group);
        to.is_some_and(|to| to.iter().any(|arn| service_of(arn) == service))
    }
}

/// What differs, a line each. `places` are the clusters that are deployed.
pub fn differences(aws: &Aws, places: &[Place], rows: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut listed: BTreeMap<(String, String), Listed<'_>> = BTreeMap::new();
    for place in places {
        for region in &place.regions {
            listed
                .entry((place.account.clone(), region.clone()))
                .or_insert_with(|| Listed::new(aws, &place.account, region));
        }
    }
    let mut named = Named::default();
    for row in rows {
        let place = places
            .iter()
            .find(|place| row["cluster"] == *place.cluster)
            .unwrap_or_else(|| panic!("{row}: a cluster without templates"));
        let groups = groups_of(row);
        assert_ends(&listed, place, row, &groups, &mut wrong);
        assert_objects(&listed, place, row, &mut named, &mut wrong);
        for (region, group) in groups {
            named
                .groups
                .insert((place.account.clone(), region, group), subscriptions(row));
        }
    }
    assert!(
        named.groups.len() > 30,
        "hardly anything is named: {named:?}"
    );
    for ((number, region), one) in &listed {
        named.unnamed(number, region, one, &mut wrong);
    }
    wrong
}

/// The log groups that a row names, each with its Region.
fn groups_of(row: &Value) -> BTreeSet<(String, String)> {
    let read: BTreeSet<(String, String)> = texts(&row["reads"])
        .iter()
        .filter_map(|read| read.strip_prefix("log group ")?.split_once(" in "))
        .map(|(group, region)| (region.to_owned(), group.to_owned()))
        .collect();
    let ends = row["ends"].as_array().expect("a list").iter();
    let kept = ends
        .filter(|end| end["kind"] == "log_group")
        .map(|end| (text(&end["region"]), text(&end["name"])));
    read.into_iter().chain(kept).collect()
}

/// The services whose subscriptions bring a row's logs where they end.
fn subscriptions(row: &Value) -> BTreeSet<&'static str> {
    let ends = row["ends"].as_array().expect("a list").iter();
    ends.filter(|end| end["through"].is_string())
        .map(service_to)
        .collect()
}

fn service_to(end: &Value) -> &'static str {
    match end["kind"].as_str() {
        Some("data_stream") => "lambda",
        Some("archive") => "firehose",
        Some("elsewhere") => "logs",
        other => panic!("nothing goes through a log group to {other:?}"),
    }
}

fn assert_ends(
    listed: &BTreeMap<(String, String), Listed<'_>>,
    place: &Place,
    row: &Value,
    groups: &BTreeSet<(String, String)>,
    wrong: &mut Vec<String>,
) {
    let source = format!("{} {}", place.cluster, row["source"]);
    let at = |region: &str| &listed[&(place.account.clone(), region.to_owned())];
    for end in row["ends"].as_array().expect("a list") {
        let name = text(&end["name"]);
        if end["kind"] == "log_group" {
            let region = text(&end["region"]);
            let kept = at(&region).kept.get(&name);
            if kept != Some(&end["kept_days"]) {
                wrong.push(format!(
                    "{source}: {name} in {region} keeps {kept:?}, not {}",
                    end["kept_days"]
                ));
            }
        }
        if end["kind"] == "archive" {
            let bucket = name["s3://".len()..].split('/').next().expect("a bucket");
            let days = expiry(&at(&place.region).account, &place.region, bucket);
            if !days.contains(&end["kept_days"]) {
                wrong.push(format!(
                    "{source}: {bucket} keeps {days:?}, not {}",
                    end["kept_days"]
                ));
            }
        }
        if end["kind"] == "elsewhere" {
            let (region, group) = (text(&end["region"]), text(&end["through"]));
            if !at(&region).subscribed[&group].contains(&name) {
                wrong.push(format!("{source}: {name} isn't subscribed to {group}"));
            }
        } else if end["through"].is_string() {
            let service = service_to(end);
            for (region, group) in groups {
                if !at(region).goes_to(group, service) {
                    wrong.push(format!(
                        "{source}: no {service} is subscribed to {group} in {region}"
                    ));
                }
            }
        }
    }
}

/// The days after which a bucket's objects expire, rule by rule.
fn expiry(account: &Account<'_>, region: &str, bucket: &str) -> Vec<Value> {
    let parameters = json!({ "Bucket": bucket });
    account
        .ask(
            region,
            "s3",
            "get_bucket_lifecycle_configuration",
            &parameters,
        )
        .ok()
        .and_then(|answer| answer["Rules"].as_array().cloned())
        .unwrap_or_default()
        .iter()
        .filter(|rule| rule["Status"] == "Enabled")
        .map(|rule| rule["Expiration"]["Days"].clone())
        .collect()
}

/// Every object of AWS that a row says it reads, or is shipped by.
fn assert_objects(
    listed: &BTreeMap<(String, String), Listed<'_>>,
    place: &Place,
    row: &Value,
    named: &mut Named,
    wrong: &mut Vec<String>,
) {
    let at = |region: &str| &listed[&(place.account.clone(), region.to_owned())];
    let shippers = row["shipped_by"].as_str().unwrap_or_default().split(", ");
    let told = shippers.map(ToOwned::to_owned).chain(texts(&row["reads"]));
    for object in told {
        let (what, region) = object.split_once(" in ").map_or(
            (object.as_str(), place.region.as_str()),
            |(what, region)| (what, region),
        );
        let kinds = [
            ("function ", "AWS::Lambda::Function"),
            ("Firehose ", "AWS::KinesisFirehose::DeliveryStream"),
            ("event rule ", "AWS::Events::Rule"),
            ("schedule ", "AWS::Events::Rule"),
            (
                "resolver query log ",
                "AWS::Route53Resolver::ResolverQueryLoggingConfig",
            ),
        ];
        let found = kinds
            .iter()
            .find_map(|(start, kind)| Some((*kind, what.strip_prefix(start)?)));
        let mut missing = false;
        if let Some((kind, name)) = found {
            missing = !at(region).has(kind, name);
            named.objects.insert((
                place.account.clone(),
                region.to_owned(),
                kind,
                name.to_owned(),
            ));
            if kind == "AWS::Lambda::Function" {
                // Other Regions have their own beside it, called the same.
                named
                    .writers
                    .insert((place.account.clone(), format!("/aws/lambda/{name}")));
            }
        } else if let Some(name) = what.strip_prefix("trail ") {
            let end = format!(":trail/{name}");
            let trails = &at(region).names["AWS::CloudTrail::Trail"];
            missing = !trails.iter().any(|arn| arn.ends_with(&end));
        } else if let Some(bucket) = what.strip_prefix("bucket ").or(what.strip_prefix("s3://")) {
            let parameters = json!({ "Bucket": bucket });
            missing = at(region)
                .account
                .ask(region, "s3", "head_bucket", &parameters)
                .is_err();
        } else if what == "CloudWatch: metrics" {
            named
                .measured
                .insert(format!("logfleet-{}-poll-metrics", place.slug()));
        }
        if let Some(name) = what.strip_prefix("Firehose ") {
            let group = name.rsplit_once('_').map_or(name, |(start, _)| start);
            named.writers.insert((
                place.account.clone(),
                format!("/aws/kinesisfirehose/{group}"),
            ));
        }
        if missing {
            wrong.push(format!(
                "{} {}: there is no {object}",
                place.cluster, row["source"]
            ));
        }
    }
}

/// What rows name.
#[derive(Debug, Default)]
struct Named {
    /// Log groups by account, Region and name, and the services that are to be subscribed.
    groups: BTreeMap<(String, String, String), BTreeSet<&'static str>>,
    /// Objects by account, Region, type and name.
    objects: BTreeSet<(String, String, &'static str, String)>,
    /// Log groups that functions and Firehoses write about themselves, by account.
    writers: BTreeSet<(String, String)>,
    /// Schedules of the measurements.
    measured: BTreeSet<String>,
}

impl Named {
    /// Tells what exists in a Region and belongs to no row.
    fn unnamed(&self, number: &str, region: &str, one: &Listed<'_>, wrong: &mut Vec<String>) {
        let mut tell =
            |what: String| wrong.push(format!("{what} in {region} of {number} belongs to no row"));
        let key = |group: &str| (number.to_owned(), region.to_owned(), group.to_owned());
        let known = |group: &str| self.groups.contains_key(&key(group));
        let known_arn = |arn: &str| group_of(arn).is_some_and(known);
        // What an account has once belongs to no row of a single cluster.
        let is_of_account = |group: &str| {
            group.starts_with("/logfleet/_account/")
                || group == "/aws/lambda/logfleet-account-distributor"
        };
        for (group, to) in &one.subscribed {
            if is_of_account(group) {
                continue;
            }
            if !known(group) && !self.writers.contains(&(number.to_owned(), group.clone())) {
                tell(format!("log group {group}"));
            }
            let wanted = self.groups.get(&key(group)).cloned().unwrap_or_default();
            for arn in to {
                if !wanted.contains(service_of(arn)) {
                    tell(format!("subscription of {arn} to {group}"));
                }
            }
        }
        let call = |service: &str, operation: &str, list: &str, parameters: &Value| -> Vec<Value> {
            let answer = one.account.call(region, service, operation, parameters);
            answer[list].as_array().cloned().unwrap_or_default()
        };
        for rule in &one.names["AWS::Events::Rule"] {
            let object = (
                number.to_owned(),
                region.to_owned(),
                "AWS::Events::Rule",
                rule.clone(),
            );
            // What waits is sent again for all sources together.
            let sends_again = rule.ends_with("-send-again");
            if !sends_again && !self.objects.contains(&object) && !self.measured.contains(rule) {
                tell(format!("event rule {rule}"));
            }
        }
        for trail in &one.names["AWS::CloudTrail::Trail"] {
            let name = json!({ "Name": trail });
            let shown = one.account.call(region, "cloudtrail", "get_trail", &name);
            let group = shown["Trail"]["CloudWatchLogsLogGroupArn"]
                .as_str()
                .unwrap_or_default();
            if !known_arn(group) && !group_of(group).is_some_and(is_of_account) {
                tell(format!("trail {trail}"));
            }
        }
        for log in call("ec2", "describe_flow_logs", "FlowLogs", &json!({})) {
            if !log["LogGroupName"].as_str().is_some_and(known) {
                tell(format!("flow log {log}"));
            }
        }
        let none = json!({});
        for config in call(
            "route53resolver",
            "list_resolver_query_log_configs",
            "ResolverQueryLogConfigs",
            &none,
        ) {
            if !config["DestinationArn"].as_str().is_some_and(known_arn) {
                tell(format!("resolver query log {config}"));
            }
        }
        let destinations: BTreeMap<String, String> = call(
            "logs",
            "describe_delivery_destinations",
            "deliveryDestinations",
            &none,
        )
        .iter()
        .map(|one| {
            (
                text(&one["arn"]),
                text(&one["deliveryDestinationConfiguration"]["destinationResourceArn"]),
            )
        })
        .collect();
        let delivered: BTreeSet<String> = call("logs", "describe_deliveries", "deliveries", &none)
            .iter()
            .filter(|one| {
                destinations
                    .get(&text(&one["deliveryDestinationArn"]))
                    .is_some_and(|arn| known_arn(arn))
            })
            .map(|one| text(&one["deliverySourceName"]))
            .collect();
        for source in &one.names["AWS::Logs::DeliverySource"] {
            if !delivered.contains(source) {
                tell(format!("delivery source {source}"));
            }
        }
    }
}

/// The name of the log group in an ARN.
fn group_of(arn: &str) -> Option<&str> {
    let name = arn.split_once(":log-group:")?.1;
    Some(name.trim_end_matches(":*"))
}

/// The service in an ARN.
fn service_of(arn: &str) -> &str {
    arn.split(':').nth(2).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().map(text).collect()
}
