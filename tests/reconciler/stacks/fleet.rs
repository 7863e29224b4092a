//! The example fleet: made, left alone, changed, and removed.

use std::collections::BTreeSet;

use logfleet_reconciler::plan::to_text;
use logfleet_reconciler::stacks::plan::Action;
use serde_json::{Value, json};

use super::emulator::{Account, Aws};
use super::run::{Choices, Fleet, make_bucket, make_surroundings, settings, stacks};

const PROD: &str = "prod-eu.k8s.example.com";
const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];

fn own_settings() -> logfleet_reconciler::stacks::settings::Aws {
    settings(
        r#"{ "owner": "example", "role": "logfleet-reconciler",
             "templates": { "bucket": "templates-{account}-{region}", "prefix": "stacks/" },
             "records": { "bucket": "reconciler-records", "region": "eu-central-1" } }"#,
    )
}

fn make_buckets(aws: &Aws) {
    make_bucket(
        &aws.account("123456789012"),
        "reconciler-records",
        "eu-central-1",
    );
    for account in ACCOUNTS {
        for region in ["eu-central-1", "us-east-1", "eu-west-1"] {
            make_bucket(
                &aws.account(account),
                &format!("templates-{account}-{region}"),
                region,
            );
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Members of the cluster in production, and the EKS clusters that others name.
fn make_members(aws: &Aws) {
    let account = aws.account("111122223333");
    let region = "eu-central-1";
    let tag = json!([{ "Key": format!("kubernetes.io/cluster/{PROD}"), "Value": "owned" }]);
    for network in ["10.1.0.0/16", "10.2.0.0/16"] {
        let request = json!({ "CidrBlock": network, "TagSpecifications": [{ "ResourceType": "vpc", "Tags": tag }] });
        account.call(region, "ec2", "create_vpc", &request);
    }
    account.call(
        region,
        "elb",
        "create_load_balancer",
        &json!({
            "LoadBalancerName": "shop-classic",
            "Listeners": [{ "Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 8080 }],
            "AvailabilityZones": [format!("{region}a")],
            "Tags": tag,
        }),
    );
    make_bucket(&account, "prod-shop", region);
    let tagging = json!({ "Bucket": "prod-shop", "Tagging": { "TagSet": tag } });
    account.call(region, "s3", "put_bucket_tagging", &tagging);
    account.call(
        region,
        "dynamodb",
        "create_table",
        &json!({
            "TableName": "orders",
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
            "BillingMode": "PAY_PER_REQUEST",
            "Tags": tag,
        }),
    );
    let zone = json!({ "Name": "prod.example.org", "CallerReference": "prod" });
    let made = account.call(region, "route53", "create_hosted_zone", &zone);
    let id = text(&made["HostedZone"]["Id"]).replace("/hostedzone/", "");
    let tags = json!({ "ResourceType": "hostedzone", "ResourceId": id, "AddTags": tag });
    account.call(region, "route53", "change_tags_for_resource", &tags);
}

fn make_control_planes(aws: &Aws, fleet: &Fleet) {
    for cluster in fleet.clusters.values() {
        for fragment in cluster.fragments.values() {
            for member in &fragment.members {
                let number = member.arn.split(':').nth(4).expect("an account");
                let request = json!({
                    "name": member.id,
                    "roleArn": format!("arn:aws:iam::{number}:role/eks"),
                    "resourcesVpcConfig": { "subnetIds": ["subnet-1"] },
                });
                aws.account(number)
                    .call(&fragment.region, "eks", "create_cluster", &request);
            }
        }
    }
}

fn logging(account: &Account<'_>, region: &str, cluster: &str) -> BTreeSet<String> {
    let shown = account.call(
        region,
        "eks",
        "describe_cluster",
        &json!({ "name": cluster }),
    );
    let setups = shown["cluster"]["logging"]["clusterLogging"]
        .as_array()
        .cloned();
    let on = setups
        .into_iter()
        .flatten()
        .filter(|setup| setup["enabled"] == true);
    on.flat_map(|setup| {
        setup["types"]
            .as_array()
            .expect("a list")
            .iter()
            .map(text)
            .collect::<Vec<_>>()
    })
    .collect()
}

fn access_log(account: &Account<'_>) -> Value {
    let name = json!({ "LoadBalancerName": "shop-classic" });
    let shown = account.call(
        "eu-central-1",
        "elb",
        "describe_load_balancer_attributes",
        &name,
    );
    shown["LoadBalancerAttributes"]["AccessLog"].clone()
}

fn zones_logged(account: &Account<'_>) -> usize {
    let shown = account.call(
        "us-east-1",
        "route53",
        "list_query_logging_configs",
        &json!({}),
    );
    shown["QueryLoggingConfigs"]
        .as_array()
        .expect("a list")
        .len()
}

fn change_sets(aws: &Aws) -> usize {
    let count = |account: &str, region: &str| {
        let shown = aws.account(account).call(
            region,
            "cloudformation",
            "list_change_sets",
            &json!({ "StackName": "any" }),
        );
        shown["Summaries"].as_array().expect("a list").len()
    };
    let regions = ["eu-central-1", "us-east-1", "eu-west-1"];
    ACCOUNTS
        .iter()
        .flat_map(|account| regions.map(|region| count(account, region)))
        .sum()
}

#[test]
fn the_whole_fleet_is_made_left_alone_changed_and_removed() {
    let Some(aws) = Aws::shared() else { return };
    let mut fleet = Fleet::example(&aws.endpoint, own_settings());
    make_buckets(aws);
    make_surroundings(aws, &fleet);
    make_members(aws);
    make_control_planes(aws, &fleet);
    let prod = aws.account("111122223333");
    // Somebody logs calls of the API already.
    let logged = json!({ "name": "analytics-us", "logging": { "clusterLogging": [{ "types": ["api"], "enabled": true }] } });
    aws.account("111122223333")
        .call("us-east-1", "eks", "update_cluster_config", &logged);

    // First: everything is made.
    let prepared = fleet
        .prepare(&fleet.way(), &Choices::default())
        .expect("it is planned");
    assert_eq!(prepared.plan.stops, []);
    assert!(
        prepared
            .plan
            .steps
            .iter()
            .all(|step| step.action == Action::Create)
    );
    let plan = logfleet_reconciler::plan::Plan {
        commit: None,
        targets: prepared.targets(),
    };
    let shown = to_text(&plan);
    assert!(
        shown.contains("create   stack/logfleet-{cluster}-aws")
            || shown.contains("create   stack/logfleet-"),
        "{shown}"
    );
    let done = fleet.run(&Choices::default());
    let made: Vec<&String> = done
        .iter()
        .filter(|line| line.contains("create stack/"))
        .collect();
    assert_eq!(made.len(), prepared.plan.steps.len(), "{done:#?}");
    let there = stacks(&prod, "eu-central-1");
    for name in [
        "logfleet-account-aws",
        "logfleet-prod-eu-k8s-example-com-aws",
        "logfleet-prod-eu-k8s-example-com-machines",
        "logfleet-prod-eu-k8s-example-com-members-0",
    ] {
        assert_eq!(
            there.get(name),
            Some(&("CREATE_COMPLETE".to_owned(), "example".to_owned())),
            "{name} in {there:#?}"
        );
    }
    assert_eq!(access_log(&prod)["Enabled"], true);
    assert_eq!(zones_logged(&prod), 1);
    assert_eq!(
        logging(&aws.account("111122223333"), "us-east-1", "analytics-us").len(),
        5
    );

    // Second: nothing is done, and nothing is asked for.
    let before = change_sets(aws);
    assert_eq!(fleet.run(&Choices::default()), Vec::<String>::new());
    assert_eq!(change_sets(aws), before);

    // One template changes: one stack does.
    let stack = fleet
        .clusters
        .get_mut(PROD)
        .and_then(|own| own.stacks.get_mut("eu-central-1"))
        .expect("there");
    let resources = stack.template["Resources"]
        .as_object_mut()
        .expect("resources");
    let group = resources
        .values_mut()
        .find(|own| own["Type"] == "AWS::Logs::LogGroup")
        .expect("a log group");
    group["Properties"]["RetentionInDays"] = json!(731);
    let plan = fleet.plan(&Choices::default());
    assert_eq!(plan.steps.len(), 1);
    let changed: Vec<_> = plan.steps[0]
        .changes
        .iter()
        .map(|own| (own.action.as_str(), own.kind.as_str()))
        .collect();
    assert_eq!(changed, [("Modify", "AWS::Logs::LogGroup")]);
    assert_eq!(
        fleet.run(&Choices::default()),
        ["aws/111122223333/eu-central-1 update stack/logfleet-prod-eu-k8s-example-com-aws"]
    );
    assert_eq!(fleet.run(&Choices::default()), Vec::<String>::new());

    // Somebody sets the load balancer to a bucket of theirs, and logs nothing of the zone any more: told or set again
    // when it is looked for, and not before.
    make_bucket(&prod, "theirs", "eu-central-1");
    let theirs = json!({ "LoadBalancerName": "shop-classic", "LoadBalancerAttributes": { "AccessLog": { "Enabled": true, "S3BucketName": "theirs", "EmitInterval": 60 } } });
    prod.call(
        "eu-central-1",
        "elb",
        "modify_load_balancer_attributes",
        &theirs,
    );
    let drift = Choices {
        drift: true,
        ..Choices::default()
    };
    assert_eq!(fleet.run(&Choices::default()), Vec::<String>::new());
    let (done, told) = fleet.try_run(&drift);
    assert_eq!(done, Vec::<String>::new());
    assert_eq!(told.len(), 1);
    assert!(
        told[0].contains("somebody else has set it: the bucket theirs"),
        "{told:?}"
    );
    assert_eq!(access_log(&prod)["S3BucketName"], "theirs");

    // A network leaves the group, and what hung on it goes; a load balancer is deleted, and its setting with it.
    let shown = prod.call("eu-central-1", "ec2", "describe_vpcs", &json!({}));
    let networks = shown["Vpcs"].as_array().expect("a list");
    let network = networks
        .iter()
        .find(|own| own["CidrBlock"] == "10.2.0.0/16")
        .expect("there");
    let tag = json!({ "Resources": [network["VpcId"]], "Tags": [{ "Key": format!("kubernetes.io/cluster/{PROD}") }] });
    prod.call("eu-central-1", "ec2", "delete_tags", &tag);
    prod.call(
        "eu-central-1",
        "elb",
        "delete_load_balancer",
        &json!({ "LoadBalancerName": "shop-classic" }),
    );
    let plan = fleet.plan(&Choices::default());
    let removed: Vec<_> = plan
        .steps
        .iter()
        .flat_map(|step| &step.changes)
        .map(|own| (own.action.as_str(), own.kind.as_str()))
        .collect();
    assert_eq!(
        removed,
        [
            ("Remove", "AWS::EC2::FlowLog"),
            (
                "Remove",
                "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation"
            )
        ]
    );
    let done = fleet.run(&Choices::default());
    assert_eq!(done.len(), 2, "{done:#?}");
    assert!(
        done[0].contains("left the load balancer shop-classic"),
        "{done:#?}"
    );
    assert_eq!(fleet.run(&Choices::default()), Vec::<String>::new());

    puts_back_what_was_changed_by_hand(aws, &fleet);
    remove(aws, fleet);
}

/// Stacks that somebody deleted or changed are seen in every run; what was set by API, when it is looked for.
fn puts_back_what_was_changed_by_hand(aws: &Aws, fleet: &Fleet) {
    let prod = aws.account("111122223333");
    let region = "eu-central-1";
    let (deleted, changed) = (
        "logfleet-prod-eu-k8s-example-com-machines",
        "logfleet-prod-eu-k8s-example-com-aws",
    );
    prod.call(
        region,
        "cloudformation",
        "delete_stack",
        &json!({ "StackName": deleted }),
    );
    let own = &fleet.clusters[PROD].stacks[region].template;
    let mut theirs = own.clone();
    let resources = theirs["Resources"].as_object_mut().expect("resources");
    let group = resources
        .values_mut()
        .find(|own| own["Type"] == "AWS::Logs::LogGroup")
        .expect("a log group");
    group["Properties"]["RetentionInDays"] = json!(1);
    let name = text(&group["Properties"]["LogGroupName"]);
    prod.call(
        region,
        "cloudformation",
        "update_stack",
        &json!({ "StackName": changed, "TemplateBody": theirs.to_string(), "Capabilities": ["CAPABILITY_NAMED_IAM"] }),
    );
    let retention = || {
        let shown = prod.call(
            region,
            "logs",
            "describe_log_groups",
            &json!({ "logGroupNamePrefix": name }),
        );
        shown["logGroups"][0]["retentionInDays"].clone()
    };
    assert_eq!(retention(), 1);
    let plan = fleet.plan(&Choices::default());
    let mut told: Vec<_> = plan
        .steps
        .iter()
        .map(|step| (step.stack.name.clone(), step.action))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            (changed.to_owned(), Action::Update),
            (deleted.to_owned(), Action::Create)
        ]
    );
    assert_eq!(fleet.run(&Choices::default()).len(), 2);
    assert_eq!(fleet.run(&Choices::default()), Vec::<String>::new());
    assert_eq!(retention(), 731);

    // Somebody switches off what the reconciler has switched on by API.
    let eks = |account: &str, region: &str, cluster: &str| {
        let off = json!({ "name": cluster, "logging": { "clusterLogging": [{ "types": ["audit", "authenticator"], "enabled": false }] } });
        aws.account(account)
            .call(region, "eks", "update_cluster_config", &off);
        assert_eq!(logging(&aws.account(account), region, cluster).len(), 3);
    };
    eks("111122223333", "us-east-1", "analytics-us");
    let shown = prod.call(
        "us-east-1",
        "route53",
        "list_query_logging_configs",
        &json!({}),
    );
    let id = &shown["QueryLoggingConfigs"][0]["Id"];
    prod.call(
        "us-east-1",
        "route53",
        "delete_query_logging_config",
        &json!({ "Id": id }),
    );
    assert_eq!(zones_logged(&prod), 0);
    let drift = Choices {
        drift: true,
        ..Choices::default()
    };
    let plan = fleet.plan(&drift);
    assert_eq!(plan.calls.len(), 2, "{:#?}", plan.calls);
    assert_eq!(fleet.run(&drift).len(), 2);
    assert_eq!(zones_logged(&prod), 1);
    let analytics = aws.account("111122223333");
    assert_eq!(logging(&analytics, "us-east-1", "analytics-us").len(), 5);
    assert_eq!(fleet.run(&drift), Vec::<String>::new());
}

/// Clusters go one after the other; what they keep and what others have stays.
fn remove(aws: &Aws, mut fleet: Fleet) {
    let prod = aws.account("111122223333");
    let foreign = json!({ "Resources": { "G": { "Type": "AWS::Logs::LogGroup", "Properties": { "LogGroupName": "foreign" } } } });
    let request = json!({ "StackName": "logfleet-somebody", "TemplateBody": foreign.to_string() });
    prod.call("eu-central-1", "cloudformation", "create_stack", &request);

    fleet.clusters.remove(PROD);
    let accounts = fleet.accounts.as_mut().expect("there");
    let others: BTreeSet<String> = fleet
        .clusters
        .values()
        .filter_map(|own| {
            Some(
                own.stacks
                    .values()
                    .next()?
                    .forwarder
                    .as_ref()?
                    .configuration
                    .cluster
                    .account
                    .clone(),
            )
        })
        .collect();
    accounts
        .regions
        .retain(|(account, _), _| others.contains(account));
    fleet.settings.also = serde_json::from_value(json!([
        { "account": "444455556666", "region": "eu-central-1" },
        { "account": "444455556666", "region": "us-east-1" },
    ]))
    .expect("places");

    // It waits for somebody who says that it goes.
    let plan = fleet.plan(&Choices::default());
    assert!(plan.steps.is_empty() && plan.calls.is_empty(), "{plan:#?}");
    assert!(
        plan.waiting.iter().any(|own| own.cluster == PROD),
        "{plan:#?}"
    );
    assert_eq!(fleet.run(&Choices::default()), Vec::<String>::new());

    let confirmed = Choices::confirmed(&[PROD]);
    let plan = fleet.plan(&confirmed);
    let kept: Vec<_> = plan
        .steps
        .iter()
        .flat_map(|step| &step.changes)
        .filter(|change| change.action == "Keep")
        .filter_map(|change| change.physical_id.clone())
        .collect();
    assert!(!kept.is_empty());
    let done = fleet.run(&confirmed);
    assert!(
        done.iter()
            .any(|line| line.contains("delete stack/logfleet-prod-eu-k8s-example-com-aws")),
        "{done:#?}"
    );
    for region in ["eu-central-1", "us-east-1"] {
        let left = stacks(&prod, region);
        assert!(
            !left.keys().any(|name| name.contains("prod-eu")),
            "{left:#?}"
        );
    }
    let buckets = prod.call("us-east-1", "s3", "list_buckets", &json!({}));
    for bucket in &kept {
        assert!(
            buckets["Buckets"]
                .as_array()
                .expect("a list")
                .iter()
                .any(|own| own["Name"] == *bucket),
            "{bucket}"
        );
    }
    // What we set is as it was.
    assert_eq!(zones_logged(&prod), 0);
    assert!(stacks(&prod, "eu-central-1").contains_key("logfleet-somebody"));
    assert_eq!(fleet.run(&confirmed), Vec::<String>::new());

    // All others go, and with them what accounts have.
    let rest: Vec<String> = fleet.clusters.keys().cloned().collect();
    let mut also = json!([]);
    for account in ACCOUNTS {
        for region in ["eu-central-1", "us-east-1", "eu-west-1"] {
            also.as_array_mut()
                .expect("a list")
                .push(json!({ "account": account, "region": region }));
        }
    }
    fleet.settings.also = serde_json::from_value(also).expect("places");
    fleet.clusters.clear();
    fleet.accounts = None;
    assert_eq!(fleet.run(&Choices::default()), Vec::<String>::new());
    let names: Vec<&str> = rest.iter().map(String::as_str).collect();
    fleet.run(&Choices::confirmed(&names));
    for account in ACCOUNTS {
        for region in ["eu-central-1", "us-east-1", "eu-west-1"] {
            let left = stacks(&aws.account(account), region);
            let left: Vec<_> = left
                .keys()
                .filter(|name| *name != "logfleet-somebody")
                .collect();
            assert!(left.is_empty(), "{account} {region}: {left:#?}");
        }
    }
    // Only what somebody had switched on before is logged.
    let logged = logging(&aws.account("111122223333"), "us-east-1", "analytics-us");
    assert_eq!(logged, BTreeSet::from(["api".to_owned()]));
}
