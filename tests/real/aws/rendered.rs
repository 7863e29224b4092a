//! The rendered templates of the example fleet: deployed for all clusters side
//! by side in their accounts, changed, and deleted until nothing is left but
//! what is to be retained.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::inventory::{Inventory, everything_of, global_of};
use super::members::{Members, SharedMembers};
use super::sources::{differences, rows};
use super::{Account, Aws};

/// Where a cluster's objects are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub cluster: String,
    pub account: String,
    /// Its own Region.
    pub region: String,
    /// The Regions of all its templates.
    pub regions: BTreeSet<String>,
}

impl Place {
    /// The cluster's name as stacks can have it.
    pub fn slug(&self) -> String {
        self.cluster.replace('.', "-")
    }
}

/// One rendered template.
struct Rendered {
    cluster: String,
    account: String,
    region: String,
    /// What the name of its stack ends with.
    part: &'static str,
    template: Value,
}

impl Rendered {
    /// The name of its stack.
    fn stack(&self) -> String {
        format!("logfleet-{}{}", self.cluster.replace('.', "-"), self.part)
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
fn setting(root: &Path, cluster: &str, key: &str) -> String {
    let path = root.join("clusters").join(cluster).join("cluster.yaml");
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
fn rendered(root: &Path) -> Vec<Rendered> {
    let mut all = accounts(root);
    for cluster in folders(&root.join("rendered")) {
        let folder = root.join("rendered").join(&cluster);
        let mut regions: Vec<String> = folders(&folder.join("aws"))
            .into_iter()
            .filter(|region| folder.join("aws").join(region).join("stack.json").is_file())
            .collect();
        if regions.is_empty() {
            continue;
        }
        let own = setting(root, &cluster, "region");
        regions.sort_by_key(|region| (*region != own, region.clone()));
        let mut files: Vec<_> = regions
            .iter()
            .map(|region| {
                (
                    region,
                    "",
                    folder.join("aws").join(region).join("stack.json"),
                )
            })
            .collect();
        files.push((&own, "-machines", folder.join("machines/stack.json")));
        for (region, part, path) in files {
            let text = fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            all.push(Rendered {
                cluster: cluster.clone(),
                account: setting(root, &cluster, "account"),
                region: region.clone(),
                part,
                template: serde_json::from_str(&text).expect("a rendered .json is JSON"),
            });
        }
    }
    all
}

/// What stands in place of a cluster's name in stacks of accounts.
const ACCOUNT: &str = "account";

/// The templates of accounts, which clusters' stacks come after.
fn accounts(root: &Path) -> Vec<Rendered> {
    let folder = root.join("rendered/_accounts");
    let mut all = Vec::new();
    for account in folders(&folder) {
        for region in folders(&folder.join(&account)) {
            let path = folder.join(&account).join(&region).join("stack.json");
            let text = fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            all.push(Rendered {
                cluster: ACCOUNT.to_owned(),
                account: account.clone(),
                region,
                part: "-aws",
                template: serde_json::from_str(&text).expect("a rendered .json is JSON"),
            });
        }
    }
    all
}

/// The clusters of templates.
fn places(root: &Path, all: &[Rendered]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for one in all.iter().filter(|one| one.cluster != ACCOUNT) {
        if let Some(place) = places.iter_mut().find(|place| place.cluster == one.cluster) {
            place.regions.insert(one.region.clone());
            continue;
        }
        places.push(Place {
            cluster: one.cluster.clone(),
            account: one.account.clone(),
            region: setting(root, &one.cluster, "region"),
            regions: BTreeSet::from([one.region.clone()]),
        });
    }
    places
}

/// What is changed in cluster.yaml: cluster, what stands there, and what comes in its place.
const CHANGES: &[(&str, &str, &str)] = &[
    (
        "prod-eu.k8s.example.com",
        "root_use: { alarm_at: 1 }",
        "root_use: { alarm_at: 5 }",
    ),
    (
        "prod-eu.k8s.example.com",
        "  aws:\n    alarms:\n",
        "  aws:\n    ebs: { enabled: false }\n    alarms:\n      errors: 7\n",
    ),
    (
        "prod-eu.k8s.example.com",
        "expiry_days: 1095",
        "expiry_days: 400",
    ),
    (
        "staging-eu.k8s.example.com",
        "action = REJECT",
        "action = ACCEPT",
    ),
    (
        "analytics-us",
        "streams:\n",
        "streams:\n  aws_vpc: { cloudwatch: { retention_days: 30 } }\n  control_plane: { cloudwatch: { retention_days: 90 } }\n",
    ),
    (
        "analytics-us",
        "  aws:\n    forwarder:\n",
        "  aws:\n    dynamodb: { enabled: false }\n    forwarder:\n",
    ),
    (
        "dev-anna",
        "stream_defaults:\n",
        "stream_defaults:\n  cloudwatch: { retention_days: 3 }\n",
    ),
];

/// A fleet with the changes, rendered.
fn changed_fleet() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    copy(&root().join("clusters"), &folder.path().join("clusters"));
    for (cluster, old, new) in CHANGES {
        let path = folder
            .path()
            .join("clusters")
            .join(cluster)
            .join("cluster.yaml");
        let text = fs::read_to_string(&path).expect("readable");
        assert_eq!(text.matches(old).count(), 1, "{old:?} in {cluster}");
        fs::write(&path, text.replace(old, new)).expect("writable");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_gen"))
        .env("XDG_CACHE_HOME", "/dev/null")
        .args(["render", "--root"])
        .arg(folder.path())
        .output()
        .expect("gen can be started");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("writable");
    for entry in fs::read_dir(from).expect("readable") {
        let path = entry.expect("readable").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("writable");
        }
    }
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

/// A log group's retention, an alarm's threshold or a filter's pattern: by kind, and names.
type Values = BTreeSet<(&'static str, String, String)>;

/// The values that a template gives.
fn given(one: &Rendered) -> Values {
    let mut values = Values::new();
    let mut add = |kind: &'static str, name: String, value: &Value| {
        values.insert((kind, name, plain(value)));
    };
    for group in one.of_kind("AWS::Logs::LogGroup") {
        add(
            "group",
            plain(&group["LogGroupName"]),
            &group["RetentionInDays"],
        );
    }
    for alarm in one.of_kind("AWS::CloudWatch::Alarm") {
        add("alarm", plain(&alarm["AlarmName"]), &alarm["Threshold"]);
    }
    for filter in one.of_kind("AWS::Logs::SubscriptionFilter") {
        let name = format!(
            "{} {}",
            plain(&filter["LogGroupName"]),
            plain(&filter["FilterName"])
        );
        add("filter", name, &filter["FilterPattern"]);
    }
    values
}

/// The values that services show in a Region.
fn shown(account: &Account<'_>, region: &str) -> Values {
    let mut values = Values::new();
    let list = |service: &str, operation: &str, list: &str, parameters: &Value| -> Vec<Value> {
        let answer = account.call(region, service, operation, parameters);
        answer[list].as_array().expect("a list").clone()
    };
    for alarm in list("cloudwatch", "describe_alarms", "MetricAlarms", &json!({})) {
        values.insert((
            "alarm",
            plain(&alarm["AlarmName"]),
            plain(&alarm["Threshold"]),
        ));
    }
    for group in list("logs", "describe_log_groups", "logGroups", &json!({})) {
        let name = plain(&group["logGroupName"]);
        let parameters = json!({ "logGroupName": name });
        for filter in list(
            "logs",
            "describe_subscription_filters",
            "subscriptionFilters",
            &parameters,
        ) {
            let name = format!("{name} {}", plain(&filter["filterName"]));
            values.insert(("filter", name, plain(&filter["filterPattern"])));
        }
        values.insert(("group", name, plain(&group["retentionInDays"])));
    }
    values
}

/// A value as a text; a number the same whether it's whole or not.
fn plain(value: &Value) -> String {
    match value.as_f64() {
        Some(number) => number.to_string(),
        None => value
            .as_str()
            .map_or_else(|| value.to_string(), ToOwned::to_owned),
    }
}

/// Panics if services don't show what templates give.
fn assert_shown(aws: &Aws, all: &[Rendered]) {
    for one in all {
        let shown = shown(&aws.account(&one.account), &one.region);
        let given = given(one);
        let missing: Vec<_> = given.difference(&shown).collect();
        assert!(
            missing.is_empty(),
            "{} in {}: {missing:#?}",
            one.cluster,
            one.region
        );
    }
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
            // The rig's own bucket, which long templates are deployed from.
            let templates = format!("templates-{}-", place.0);
            let new = present.difference(&past);
            for name in new.filter(|name| !name.starts_with(&templates)) {
                names.insert((place.0.clone(), (*kind).to_owned(), name.clone()));
            }
        }
    }
    names
}

/// Brings every stack to what is rendered, where that is something else than before.
fn update(aws: &Aws, old: &[Rendered], new: &[Rendered]) -> BTreeSet<String> {
    assert_eq!(old.len(), new.len());
    let mut changed = BTreeSet::new();
    for (old, new) in old.iter().zip(new) {
        if old.template == new.template {
            continue;
        }
        let (stack, region) = (new.stack(), &new.region);
        aws.account(&new.account)
            .update(&stack, region, &new.template.to_string(), &json!({}))
            .unwrap_or_else(|failed| panic!("{stack} in {region}: {failed:#?}"));
        changed.insert(stack);
    }
    changed
}

/// A network of production goes away: what hangs on it does, too, and the rest stays.
fn assert_one_goes_alone(aws: &Aws, members: &mut Members, root: &Path) {
    let account = aws.account(&members.place.account);
    let before = members.objects(&account);
    let member = members.forget("AWS::EC2::VPC");
    members.apply(&account, root);
    let after = members.objects(&account);
    let gone: BTreeSet<&String> = before
        .keys()
        .filter(|id| !after.contains_key(*id))
        .collect();
    let hash = member.hash();
    let wanted = [format!("FlowLog{hash}"), format!("ResolverQueryLog{hash}")];
    assert_eq!(gone, wanted.iter().collect());
    assert!(
        after
            .iter()
            .all(|(id, object)| before.get(id) == Some(object)),
        "others stay the same"
    );
    let region = &members.place.region;
    let logs = account.call(region, "ec2", "describe_flow_logs", &json!({}));
    let logs = logs["FlowLogs"].as_array().expect("a list");
    let of = |id: &str| logs.iter().filter(|log| log["ResourceId"] == id).count();
    assert_eq!(of(&member.id), 0);
    for other in members
        .present
        .iter()
        .filter(|one| one.member_type == "AWS::EC2::VPC")
    {
        assert_eq!(of(&other.id), 1, "{}", other.id);
    }
}

fn assert_as_told(aws: &Aws, places: &[Place], root: &Path) {
    let wrong = differences(aws, places, &rows(root));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is there without a row is told, and what a row names and isn't there, too.
fn assert_differences_are_told(aws: &Aws, places: &[Place], root: &Path) {
    let place = places
        .iter()
        .find(|place| place.cluster == "prod-eu.k8s.example.com")
        .expect("it is there");
    let account = aws.account(&place.account);
    let call = |service: &str, operation: &str, parameters: Value| {
        account.call(&place.region, service, operation, &parameters)
    };
    let group = "/logfleet/prod-eu.k8s.example.com/aws/elb";
    let filter = "logfleet-prod-eu.k8s.example.com-function";
    let function = "arn:aws:lambda:eu-central-1:111122223333:function:logfleet-prod-eu-k8s-example-com-forwarder";
    let retention = |days: u16| json!({ "logGroupName": group, "retentionInDays": days });
    call(
        "logs",
        "create_log_group",
        json!({ "logGroupName": "stray" }),
    );
    call(
        "events",
        "put_rule",
        json!({ "Name": "stray", "ScheduleExpression": "rate(1 hour)" }),
    );
    call("logs", "put_retention_policy", retention(1));
    call(
        "logs",
        "delete_subscription_filter",
        json!({ "logGroupName": group, "filterName": filter }),
    );
    let told = differences(aws, places, &rows(root));
    let wanted = [
        format!(
            "{} \"aws.elb\": no lambda is subscribed to {group} in eu-central-1",
            place.cluster
        ),
        format!(
            "{} \"aws.elb\": {group} in eu-central-1 keeps Some(Number(1)), not 14",
            place.cluster
        ),
        "log group stray in eu-central-1 of 111122223333 belongs to no row".to_owned(),
        "event rule stray in eu-central-1 of 111122223333 belongs to no row".to_owned(),
    ];
    assert_eq!(told, wanted);
    call(
        "logs",
        "delete_log_group",
        json!({ "logGroupName": "stray" }),
    );
    call("events", "delete_rule", json!({ "Name": "stray" }));
    call("logs", "put_retention_policy", retention(14));
    call(
        "logs",
        "put_subscription_filter",
        json!({ "logGroupName": group, "filterName": filter, "filterPattern": "", "destinationArn": function }),
    );
}

#[test]
fn the_example_fleet_is_deployed_changed_and_deleted() {
    let Some(aws) = Aws::shared() else { return };
    let all = rendered(&root());
    assert!(!all.is_empty(), "no cluster has aws/<region>/stack.json");
    let places = places(&root(), &all);
    for one in &all {
        make_surroundings(&aws.account(&one.account), one);
    }
    let mut members: Vec<Members> = places
        .iter()
        .map(|place| Members::make(&aws.account(&place.account), place))
        .collect();
    let before = everything(aws, &all);
    for one in &all {
        let (stack, region) = (one.stack(), &one.region);
        aws.account(&one.account)
            .deploy(&stack, region, &one.template.to_string(), &json!({}))
            .unwrap_or_else(|failed| panic!("{stack} in {region}: {failed:#?}"));
    }
    for own in &mut members {
        own.apply(&aws.account(&own.place.account), &root());
    }
    let mut shared = SharedMembers::default();
    shared.apply(aws, &members, &root());
    assert_shown(aws, &all);
    assert_as_told(aws, &places, &root());
    assert_differences_are_told(aws, &places, &root());

    let changed = changed_fleet();
    let new = rendered(changed.path());
    // What is switched off goes from the members first: it hangs on the cluster's stack.
    for own in &mut members {
        own.apply(&aws.account(&own.place.account), changed.path());
    }
    shared.apply(aws, &members, changed.path());
    let touched = update(aws, &all, &new);
    for place in &places {
        assert!(
            touched.contains(&format!("logfleet-{}", place.slug())),
            "{}",
            place.cluster
        );
    }
    assert_shown(aws, &new);
    assert_as_told(aws, &places, changed.path());

    let production = members
        .iter_mut()
        .find(|own| own.place.cluster == "prod-eu.k8s.example.com")
        .expect("it is there");
    assert_one_goes_alone(aws, production, changed.path());

    for own in &mut members {
        own.remove(&aws.account(&own.place.account));
    }
    shared.remove(aws);
    let mut retained = retained(aws, &new);
    // EKS's own, which it leaves.
    for place in places
        .iter()
        .filter(|place| setting(&root(), &place.cluster, "distribution") == "eks")
    {
        let group = format!("/aws/eks/{}/cluster", place.cluster);
        retained.insert((
            place.account.clone(),
            "AWS::Logs::LogGroup".to_owned(),
            group,
        ));
    }
    for one in new.iter().rev() {
        let (stack, region) = (one.stack(), &one.region);
        aws.account(&one.account)
            .delete(&stack, region)
            .unwrap_or_else(|failed| panic!("{stack} in {region}: {failed:#?}"));
    }
    assert_eq!(left(&before, &everything(aws, &new)), retained);
}
