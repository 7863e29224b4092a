//! Members of the clusters' resource groups, really made, and what hangs on
//! them: composed from the rendered fragments, deployed, called and undone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use logfleet_generator::members::{Call, Composition, Fragment, Member, When, compose, join};
use serde_json::{Value, json};

use super::rendered::Place;
use super::{Account, Aws};

/// The members of one cluster, and what was composed of them.
pub struct Members {
    pub place: Place,
    pub present: BTreeSet<Member>,
    composed: Option<Composition>,
    /// The calls that were made, with the text of their answer that undoing needs.
    made: Vec<(Call, String)>,
}

impl Members {
    /// Makes one member of each type that a cluster can have, and of networks and tables two.
    pub fn make(account: &Account<'_>, place: &Place) -> Self {
        let mut present = BTreeSet::new();
        let region = &place.region;
        let tag = json!([{ "Key": format!("kubernetes.io/cluster/{}", place.cluster), "Value": "owned" }]);
        let mut add = |kind: &str, arn: String, id: &str| {
            present.insert(Member {
                member_type: kind.to_owned(),
                arn,
                id: id.to_owned(),
            });
        };
        let slug = place.slug();
        let short: String = slug.chars().take(20).collect();
        let short = short.trim_end_matches('-');
        for network in ["10.1.0.0/16", "10.2.0.0/16"] {
            let id = make_network(account, region, network, &tag);
            let arn = format!("arn:aws:ec2:{region}:{}:vpc/{id}", account.number);
            add("AWS::EC2::VPC", arn, &id);
            if network != "10.1.0.0/16" {
                continue;
            }
            let subnets = make_subnets(account, region, &id);
            for kind in ["application", "network"] {
                let made = account.call(
                    region,
                    "elbv2",
                    "create_load_balancer",
                    &json!({ "Name": format!("{short}-{}", &kind[..3]), "Type": kind, "Subnets": subnets, "Tags": tag }),
                );
                let arn = text(&made["LoadBalancers"][0]["LoadBalancerArn"]);
                add(
                    "AWS::ElasticLoadBalancingV2::LoadBalancer",
                    arn.clone(),
                    &arn,
                );
            }
            account.call(
                region,
                "eks",
                "create_cluster",
                &json!({
                    "name": slug,
                    "roleArn": format!("arn:aws:iam::{}:role/eks", account.number),
                    "resourcesVpcConfig": { "subnetIds": subnets },
                }),
            );
        }
        let classic = format!("{short}-cla");
        account.call(
            region,
            "elb",
            "create_load_balancer",
            &json!({
                "LoadBalancerName": classic,
                "Listeners": [{ "Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 8080 }],
                "AvailabilityZones": [format!("{region}a")],
                "Tags": tag,
            }),
        );
        let arn = format!(
            "arn:aws:elasticloadbalancing:{region}:{}:loadbalancer/{classic}",
            account.number
        );
        add("AWS::ElasticLoadBalancing::LoadBalancer", arn, &classic);
        let bucket = format!("{slug}-shop");
        account.make_bucket(&bucket, region);
        let tagging = json!({ "Bucket": bucket, "Tagging": { "TagSet": tag } });
        account.call(region, "s3", "put_bucket_tagging", &tagging);
        add("AWS::S3::Bucket", format!("arn:aws:s3:::{bucket}"), &bucket);
        for table in ["orders", "baskets"] {
            let table = format!("{slug}-{table}");
            let made = account.call(
                region,
                "dynamodb",
                "create_table",
                &json!({
                    "TableName": table,
                    "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
                    "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
                    "BillingMode": "PAY_PER_REQUEST",
                    "Tags": tag,
                }),
            );
            let arn = text(&made["TableDescription"]["TableArn"]);
            add("AWS::DynamoDB::Table", arn, &table);
        }
        let zone = json!({ "Name": format!("{slug}.example.org"), "CallerReference": slug });
        let made = account.call(region, "route53", "create_hosted_zone", &zone);
        let id = text(&made["HostedZone"]["Id"]).replace("/hostedzone/", "");
        let tags = json!({ "ResourceType": "hostedzone", "ResourceId": id, "AddTags": tag });
        account.call(region, "route53", "change_tags_for_resource", &tags);
        add(
            "AWS::Route53::HostedZone",
            format!("arn:aws:route53:::hostedzone/{id}"),
            &id,
        );
        Self {
            place: place.clone(),
            present,
            composed: None,
            made: Vec::new(),
        }
    }

    /// Composes them with a fleet's rendered fragments, and brings AWS there:
    /// calls, stacks, calls. What isn't wanted any more is undone first.
    pub fn apply(&mut self, account: &Account<'_>, root: &std::path::Path) {
        let old = self.composed.take();
        let placed = old
            .as_ref()
            .map(|old| old.placed.clone())
            .unwrap_or_default();
        let composed = compose(&fragments(root, &self.place), &self.present, &placed)
            .unwrap_or_else(|error| panic!("{}: {error}", self.place.cluster));
        let gone: Vec<Call> = self
            .made
            .iter()
            .map(|(call, _)| call.clone())
            .filter(|call| !composed.calls.contains(call))
            .collect();
        self.undo(account, |call| gone.contains(call));
        self.carry_out(account, &composed, When::Before);
        for (number, template) in composed.stacks.iter().enumerate() {
            let stack = self.stack(number);
            let exists = old.as_ref().is_some_and(|old| number < old.stacks.len());
            if exists && old.as_ref().map(|old| &old.stacks[number]) == Some(template) {
                continue;
            }
            let body = template.to_string();
            let region = &self.place.region;
            let made = if exists {
                account.update(&stack, region, &body, &json!({}))
            } else {
                account.deploy(&stack, region, &body, &json!({}))
            };
            made.unwrap_or_else(|failed| panic!("{stack}: {failed:#?}"));
        }
        self.carry_out(account, &composed, When::After);
        self.composed = Some(composed);
    }

    /// Deletes the stacks, and undoes the calls.
    pub fn remove(&mut self, account: &Account<'_>) {
        self.undo(account, |call| call.call.when == When::After);
        let count = self.composed.take().map_or(0, |old| old.stacks.len());
        for number in 0..count {
            let stack = self.stack(number);
            account
                .delete(&stack, &self.place.region)
                .unwrap_or_else(|failed| panic!("{stack}: {failed:#?}"));
        }
        self.undo(account, |_| true);
    }

    /// What AWS shows of the stack's resources: the physical ids by member and type.
    pub fn objects(&self, account: &Account<'_>) -> BTreeMap<String, (String, String)> {
        account.resources(&self.stack(0), &self.place.region)
    }

    /// The first member of a type goes away; it is given back.
    pub fn forget(&mut self, kind: &str) -> Member {
        let member = self
            .present
            .iter()
            .find(|member| member.member_type == kind)
            .unwrap_or_else(|| panic!("{} has no {kind}", self.place.cluster))
            .clone();
        self.present.remove(&member);
        member
    }

    fn stack(&self, number: usize) -> String {
        format!("logfleet-{}-members-{number}", self.place.slug())
    }

    fn carry_out(&mut self, account: &Account<'_>, composed: &Composition, when: When) {
        for call in composed.calls.iter().filter(|call| call.call.when == when) {
            if self.made.iter().any(|(made, _)| made == call) {
                continue;
            }
            assert!(
                !in_effect(account, &self.place, call, None),
                "{call:?} is there already"
            );
            let own = &call.call;
            let answer = self.call(account, &own.service, &own.action, &own.parameters);
            let result = own.result.as_ref().map_or_else(String::new, |path| {
                let found = path.split('.').fold(&answer, |value, key| &value[key]);
                text(found)
            });
            assert!(
                in_effect(account, &self.place, call, Some(&result)),
                "{call:?} has no effect"
            );
            self.made.push((call.clone(), result));
        }
    }

    /// Undoes calls, the last one first.
    fn undo(&mut self, account: &Account<'_>, which: impl Fn(&Call) -> bool) {
        let (undone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.made)
            .into_iter()
            .partition(|(call, _)| which(call));
        self.made = kept;
        for (call, result) in undone.into_iter().rev() {
            let own = &call.call;
            let parameters = own
                .undo
                .parameters
                .to_string()
                .replace("${result}", &result);
            let parameters = serde_json::from_str(&parameters).expect("JSON");
            self.call(account, &own.service, &own.undo.action, &parameters);
            assert!(
                !in_effect(account, &self.place, &call, Some(&result)),
                "{call:?} isn't undone"
            );
        }
    }

    fn call(
        &self,
        account: &Account<'_>,
        service: &str,
        action: &str,
        parameters: &Value,
    ) -> Value {
        // Both generations of load balancers sign as this; fragments have calls for classic ones only.
        let client = if service == "elasticloadbalancing" {
            "elb"
        } else {
            service
        };
        account.call(&self.place.region, client, &snake(action), parameters)
    }
}

/// Whether AWS shows what a call is for.
fn in_effect(account: &Account<'_>, place: &Place, call: &Call, result: Option<&str>) -> bool {
    let own = &call.call;
    let ask = |service: &str, operation: &str, parameters: Value| {
        account.call(&place.region, service, operation, &parameters)
    };
    match own.action.as_str() {
        "ModifyLoadBalancerAttributes" => {
            let name = json!({ "LoadBalancerName": own.parameters["LoadBalancerName"] });
            let shown = ask("elb", "describe_load_balancer_attributes", name);
            let shown = &shown["LoadBalancerAttributes"]["AccessLog"];
            let wanted = &own.parameters["LoadBalancerAttributes"]["AccessLog"];
            shown["Enabled"] == true && shown["S3BucketName"] == wanted["S3BucketName"]
        }
        "CreateQueryLoggingConfig" => {
            // moto knows no zone by its id here, so all are asked for.
            let shown = ask("route53", "list_query_logging_configs", json!({}));
            let shown = shown["QueryLoggingConfigs"].as_array().expect("a list");
            let zone = &own.parameters["HostedZoneId"];
            let mut of_zone = shown.iter().filter(|one| one["HostedZoneId"] == *zone);
            of_zone.any(|one| {
                assert!(
                    result.is_none_or(|id| one["Id"] == id),
                    "another one: {one}"
                );
                true
            })
        }
        "UpdateClusterConfig" => {
            let name = json!({ "name": own.parameters["name"] });
            let shown = ask("eks", "describe_cluster", name);
            let types = |logging: &Value| -> BTreeSet<String> {
                logging["clusterLogging"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter(|setup| setup["enabled"] == true)
                    .flat_map(|setup| setup["types"].as_array().expect("a list"))
                    .map(text)
                    .collect()
            };
            let wanted = types(&own.parameters["logging"]);
            assert!(!wanted.is_empty(), "{call:?} switches nothing on");
            types(&shown["cluster"]["logging"]) == wanted
        }
        "PutRetentionPolicy" => {
            let name = &own.parameters["logGroupName"];
            let prefix = json!({ "logGroupNamePrefix": name });
            let shown = ask("logs", "describe_log_groups", prefix);
            let groups = shown["logGroups"].as_array().expect("a list");
            groups.iter().any(|group| {
                group["logGroupName"] == *name
                    && group["retentionInDays"] == own.parameters["retentionInDays"]
            })
        }
        other => panic!("nobody looked at what {other} does"),
    }
}

/// What members of all clusters of an account get together, by account and Region.
#[derive(Debug, Default)]
pub struct SharedMembers(BTreeMap<(String, String), Vec<Value>>);

impl SharedMembers {
    /// Composes the members of all clusters with a fleet's rendered fragments of
    /// accounts, and brings AWS there.
    pub fn apply(&mut self, aws: &Aws, members: &[Members], root: &std::path::Path) {
        let mut wanted = BTreeMap::new();
        for own in members {
            let place = &own.place;
            let key = (place.account.clone(), place.region.clone());
            wanted.entry(key).or_insert_with(Vec::new).push(own);
        }
        for (key, clusters) in wanted {
            let (account, region) = &key;
            let folder = root.join("rendered/_accounts").join(account).join(region);
            let shared = named_fragments(&folder.join("members"));
            let clusters: Vec<_> = clusters
                .iter()
                .map(|own| (named_fragments(&folder_of(root, &own.place)), &own.present))
                .collect();
            let of_clusters = clusters.iter().map(|(own, present)| (own, *present));
            let joined = join(&shared, of_clusters).expect("they fit");
            let new = compose(&joined, &BTreeSet::new(), &BTreeMap::new())
                .expect("they fit")
                .stacks;
            let old = self.0.insert(key.clone(), new.clone()).unwrap_or_default();
            let account = aws.account(account);
            for number in 0..old.len().max(new.len()) {
                let stack = shared_stack(number);
                let none = json!({});
                let done = match (old.get(number), new.get(number)) {
                    (Some(old), Some(new)) if old == new => continue,
                    (Some(_), Some(new)) => {
                        let updated = account.update(&stack, region, &new.to_string(), &none);
                        updated.map(|_| ())
                    }
                    (_, Some(new)) => {
                        let deployed = account.deploy(&stack, region, &new.to_string(), &none);
                        deployed.map(|_| ())
                    }
                    (_, None) => account.delete(&stack, region),
                };
                done.unwrap_or_else(|failed| panic!("{stack} in {region}: {failed:#?}"));
            }
        }
    }

    /// Deletes the stacks.
    pub fn remove(&mut self, aws: &Aws) {
        for ((account, region), stacks) in std::mem::take(&mut self.0) {
            for number in 0..stacks.len() {
                let stack = shared_stack(number);
                aws.account(&account)
                    .delete(&stack, &region)
                    .unwrap_or_else(|failed| panic!("{stack} in {region}: {failed:#?}"));
            }
        }
    }
}

fn shared_stack(number: usize) -> String {
    format!("logfleet-account-members-{number}")
}

fn folder_of(root: &std::path::Path, place: &Place) -> std::path::PathBuf {
    root.join("rendered")
        .join(&place.cluster)
        .join("aws/members")
}

/// The fragments of a folder by their names; none where it isn't there.
fn named_fragments(folder: &std::path::Path) -> BTreeMap<String, Fragment> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .map(|entry| {
            let path = entry.expect("readable").path();
            let name = path.file_stem().expect("a name").to_str().expect("UTF-8");
            let text = fs::read_to_string(&path).expect("readable");
            (
                name.to_owned(),
                serde_json::from_str(&text).expect("a fragment"),
            )
        })
        .collect()
}

/// The fragments of a cluster, as rendered.
fn fragments(root: &std::path::Path, place: &Place) -> Vec<Fragment> {
    let folder = root
        .join("rendered")
        .join(&place.cluster)
        .join("aws/members");
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    let read = |path| {
        let text = fs::read_to_string(path).expect("readable");
        serde_json::from_str(&text).expect("a fragment")
    };
    paths.iter().map(read).collect()
}

fn make_network(account: &Account<'_>, region: &str, network: &str, tag: &Value) -> String {
    let request = json!({
        "CidrBlock": network,
        "TagSpecifications": [{ "ResourceType": "vpc", "Tags": tag }],
    });
    text(&account.call(region, "ec2", "create_vpc", &request)["Vpc"]["VpcId"])
}

fn make_subnets(account: &Account<'_>, region: &str, network: &str) -> Vec<String> {
    [("10.1.0.0/24", "a"), ("10.1.1.0/24", "b")]
        .map(|(block, zone)| {
            let request = json!({ "VpcId": network, "CidrBlock": block, "AvailabilityZone": format!("{region}{zone}") });
            text(&account.call(region, "ec2", "create_subnet", &request)["Subnet"]["SubnetId"])
        })
        .to_vec()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

/// `CreateQueryLoggingConfig` as boto3 calls it.
fn snake(action: &str) -> String {
    let mut name = String::new();
    for letter in action.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
