//! The rendered templates of the example fleet: deployed for all clusters side
//! by side in their accounts, changed, and deleted until nothing is left but
//! what is to be retained.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::inventory::{Inventory, everything_of, global_of};
use super::{Account, Aws};

/// One rendered template.
struct Rendered {
    cluster: String,
    account: String,
    region: String,
    template: Value,
}

impl Rendered {
    /// The name of its stack.
    fn stack(&self) -> String {
        let slug: String = self
            .cluster
            .chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() {
                    letter
                } else {
                    '-'
                }
            })
            .collect();
        format!("logfleet-{slug}")
    }

    fn resources(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.template["Resources"]
            .as_object()
            .expect("a template has resources")
            .iter()
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.resources()
            .filter(move |(_, resource)| resource["Type"] == kind)
            .map(|(_, resource)| &resource["Properties"])
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The value of a line `key: value` of a cluster's own file.
fn setting(cluster: &str, key: &str) -> String {
    let path = root().join("clusters").join(cluster).join("cluster.yaml");
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("{key}: ")))
        .unwrap_or_else(|| panic!("{} has no {key}", path.display()));
    value.trim_matches('"').to_owned()
}

fn folders(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(path)
        .into_iter()
        .flatten()
        .map(|entry| {
            entry
                .expect("readable")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

/// Every rendered template; of a cluster, that of its own Region first.
fn rendered() -> Vec<Rendered> {
    let mut all = Vec::new();
    for cluster in folders(&root().join("rendered")) {
        let aws = root().join("rendered").join(&cluster).join("aws");
        let mut regions: Vec<String> = folders(&aws)
            .into_iter()
            .filter(|region| aws.join(region).join("stack.json").is_file())
            .collect();
        if regions.is_empty() {
            continue;
        }
        let own = setting(&cluster, "region");
        regions.sort_by_key(|region| (*region != own, region.clone()));
        for region in regions {
            let text = fs::read_to_string(aws.join(&region).join("stack.json")).expect("readable");
            all.push(Rendered {
                cluster: cluster.clone(),
                account: setting(&cluster, "account"),
                region,
                template: serde_json::from_str(&text).expect("a rendered .json is JSON"),
            });
        }
    }
    all
}

/// Makes what a template takes for granted: the code of its functions, and the log groups that
/// AWS itself writes.
fn make_surroundings(account: &Account<'_>, one: &Rendered) {
    for function in one.of_kind("AWS::Lambda::Function") {
        let bucket = function["Code"]["S3Bucket"]
            .as_str()
            .expect("a bucket's name");
        account.make_bucket(bucket, &one.region);
        let object =
            json!({ "Bucket": bucket, "Key": function["Code"]["S3Key"], "Body": "never run" });
        account.call(&one.region, "s3", "put_object", &object);
    }
    let own: BTreeSet<&str> = one
        .of_kind("AWS::Logs::LogGroup")
        .filter_map(|group| group["LogGroupName"].as_str())
        .collect();
    let used: BTreeSet<&str> = ["AWS::Logs::SubscriptionFilter", "AWS::Logs::MetricFilter"]
        .iter()
        .flat_map(|kind| one.of_kind(kind))
        .filter_map(|filter| filter["LogGroupName"].as_str())
        .collect();
    for group in used.difference(&own) {
        let group = json!({ "logGroupName": group });
        account.call(&one.region, "logs", "create_log_group", &group);
    }
    for filter in one.of_kind("AWS::Logs::SubscriptionFilter") {
        if let Some(arn) = filter["DestinationArn"].as_str() {
            make_destination(account.aws, arn);
        }
    }
}

/// Makes what another account offers to be subscribed: `arn:aws:logs:<Region>:<account>:destination:<name>`.
fn make_destination(aws: &Aws, arn: &str) {
    let parts: Vec<&str> = arn.split(':').collect();
    let [_, _, "logs", region, number, "destination", name] = parts[..] else {
        return;
    };
    let destination = json!({
        "destinationName": name,
        "targetArn": format!("arn:aws:firehose:{region}:{number}:deliverystream/{name}"),
        "roleArn": format!("arn:aws:iam::{number}:role/{name}"),
    });
    aws.account(number)
        .call(region, "logs", "put_destination", &destination);
}

/// The same template with every retention, alarm and filter changed.
fn changed(template: &Value) -> Value {
    let mut template = template.clone();
    let resources = template["Resources"].as_object_mut().expect("an object");
    for resource in resources.values_mut() {
        let properties = resource["Properties"].take();
        resource["Properties"] = match resource["Type"].as_str().expect("a type") {
            "AWS::Logs::LogGroup" => with(properties, "RetentionInDays", json!(3653)),
            "AWS::CloudWatch::Alarm" => with(properties, "AlarmDescription", json!("changed")),
            "AWS::Logs::SubscriptionFilter" => with(properties, "FilterPattern", json!("changed")),
            _ => properties,
        };
    }
    template
}

fn with(mut properties: Value, key: &str, value: Value) -> Value {
    properties[key] = value;
    properties
}

/// Says which services still show something else than `changed` set.
fn assert_changed(account: &Account<'_>, one: &Rendered) {
    let resources = account.resources(&one.stack(), &one.region);
    let own = |kind: &str| -> BTreeSet<String> {
        resources
            .values()
            .filter(|(of, _)| of == kind)
            .map(|(_, name)| name.clone())
            .collect()
    };
    let shown = |service: &str, operation: &str, list: &str, name: &str, value: &str| {
        let answer = account.call(&one.region, service, operation, &json!({}));
        let pairs: BTreeMap<String, Value> = answer[list]
            .as_array()
            .expect("a list")
            .iter()
            .map(|object| {
                (
                    object[name].as_str().expect("a name").to_owned(),
                    object[value].clone(),
                )
            })
            .collect();
        pairs
    };
    let groups = shown(
        "logs",
        "describe_log_groups",
        "logGroups",
        "logGroupName",
        "retentionInDays",
    );
    for name in own("AWS::Logs::LogGroup") {
        assert_eq!(groups.get(&name), Some(&json!(3653)), "{name}");
    }
    let alarms = shown(
        "cloudwatch",
        "describe_alarms",
        "MetricAlarms",
        "AlarmName",
        "AlarmDescription",
    );
    for name in own("AWS::CloudWatch::Alarm") {
        assert_eq!(alarms.get(&name), Some(&json!("changed")), "{name}");
    }
    let filters = own("AWS::Logs::SubscriptionFilter");
    let mut seen = 0;
    for group in groups.keys() {
        let parameters = json!({ "logGroupName": group });
        let answer = account.call(
            &one.region,
            "logs",
            "describe_subscription_filters",
            &parameters,
        );
        for filter in answer["subscriptionFilters"].as_array().expect("a list") {
            if filters.contains(filter["filterName"].as_str().expect("a name")) {
                assert_eq!(filter["filterPattern"], "changed", "{filter}");
                seen += 1;
            }
        }
    }
    assert!(seen >= filters.len(), "{seen} of {filters:?}");
}

/// What exists in the accounts and Regions of all templates.
fn everything(aws: &Aws, all: &[Rendered]) -> BTreeMap<(String, String), Inventory> {
    let mut found = BTreeMap::new();
    for one in all {
        let account = aws.account(&one.account);
        let place = (one.account.clone(), one.region.clone());
        found
            .entry(place)
            .or_insert_with(|| everything_of(&account, &one.region));
        let place = (one.account.clone(), "global".to_owned());
        found.entry(place).or_insert_with(|| global_of(&account));
    }
    found
}

/// The names of what is retained when stacks are deleted, by account and kind.
fn retained(aws: &Aws, all: &[Rendered]) -> BTreeSet<(String, String, String)> {
    let mut names = BTreeSet::new();
    for one in all {
        let deployed = aws
            .account(&one.account)
            .resources(&one.stack(), &one.region);
        for (logical, resource) in one.resources() {
            let policy = resource["DeletionPolicy"].as_str().unwrap_or("Delete");
            if let (true, Some((kind, name))) = (policy != "Delete", deployed.get(logical)) {
                names.insert((one.account.clone(), kind.clone(), name.clone()));
            }
        }
    }
    names
}

/// What exists now and didn't before, by account and kind.
fn left(
    before: &BTreeMap<(String, String), Inventory>,
    after: &BTreeMap<(String, String), Inventory>,
) -> BTreeSet<(String, String, String)> {
    let mut names = BTreeSet::new();
    for (place, inventory) in after {
        for (kind, present) in inventory {
            let past = before[place].get(kind).cloned().unwrap_or_default();
            for name in present.difference(&past) {
                names.insert((place.0.clone(), (*kind).to_owned(), name.clone()));
            }
        }
    }
    names
}

#[test]
fn every_rendered_template_is_deployed_changed_and_deleted() {
    let Some(aws) = Aws::shared() else { return };
    let all = rendered();
    if all.is_empty() {
        let templates = root().join("templates/aws");
        assert!(
            !templates.exists(),
            "no cluster has aws/<region>/stack.json"
        );
        return;
    }
    for one in &all {
        make_surroundings(&aws.account(&one.account), one);
    }
    let before = everything(aws, &all);
    for one in &all {
        aws.account(&one.account)
            .deploy(
                &one.stack(),
                &one.region,
                &one.template.to_string(),
                &json!({}),
            )
            .unwrap_or_else(|failed| panic!("{} in {}: {failed:#?}", one.cluster, one.region));
    }
    for one in &all {
        let account = aws.account(&one.account);
        account
            .update(
                &one.stack(),
                &one.region,
                &changed(&one.template).to_string(),
                &json!({}),
            )
            .unwrap_or_else(|failed| panic!("{} in {}: {failed:#?}", one.cluster, one.region));
    }
    for one in &all {
        assert_changed(&aws.account(&one.account), one);
    }
    let retained = retained(aws, &all);
    for one in all.iter().rev() {
        aws.account(&one.account)
            .delete(&one.stack(), &one.region)
            .unwrap_or_else(|failed| panic!("{} in {}: {failed:#?}", one.cluster, one.region));
    }
    assert_eq!(left(&before, &everything(aws, &all)), retained);
}
