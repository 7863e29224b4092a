//! The accounts at the emulator of AWS: what is there before, and what is there afterwards.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::emulator::{Account, Aws};
use crate::fleet::{ACCOUNT, CLUSTER, GLOBAL_REGION, REGION};

/// The reconciler's own account.
pub const RECONCILER_ACCOUNT: &str = "123456789012";

/// The role that the reconciler assumes.
pub const ROLE: &str = "logfleet-reconciler";

/// The bucket with what the reconciler set by API.
pub const RECORDS: &str = "example-reconciler-records";

/// The cluster's account.
pub fn account(aws: &Aws) -> Account<'_> {
    aws.account(ACCOUNT)
}

/// What a platform team has before: buckets for programs, templates and records, and the EKS cluster.
pub fn prepare(aws: &Aws) {
    let own = account(aws);
    make_bucket(&aws.account(RECONCILER_ACCOUNT), RECORDS, REGION);
    for region in [REGION, GLOBAL_REGION] {
        make_bucket(
            &own,
            &format!("example-templates-{ACCOUNT}-{region}"),
            region,
        );
        let code = format!("example-logfleet-{region}");
        make_bucket(&own, &code, region);
        // The emulator describes functions and never runs them, so it needs no program.
        let object =
            json!({ "Bucket": code, "Key": "forwarder.zip", "Body": "described, never run" });
        own.call(region, "s3", "put_object", &object);
    }
    let request = json!({
        "name": CLUSTER,
        "roleArn": format!("arn:aws:iam::{ACCOUNT}:role/eks"),
        "resourcesVpcConfig": { "subnetIds": ["subnet-1"] },
    });
    own.call(REGION, "eks", "create_cluster", &request);
}

fn make_bucket(account: &Account<'_>, bucket: &str, region: &str) {
    let mut request = json!({ "Bucket": bucket });
    if region != "us-east-1" {
        request["CreateBucketConfiguration"] = json!({ "LocationConstraint": region });
    }
    account.call(region, "s3", "create_bucket", &request);
}

/// The names of what the account has, by kind and Region.
pub fn list(aws: &Aws) -> BTreeMap<String, Vec<String>> {
    // Service, operation, where the list is, and what names an object.
    const LISTS: [(&str, &str, &str, &str); 12] = [
        ("cloudformation", "describe_stacks", "Stacks", "StackName"),
        ("secretsmanager", "list_secrets", "SecretList", "Name"),
        ("logs", "describe_log_groups", "logGroups", "logGroupName"),
        ("lambda", "list_functions", "Functions", "FunctionName"),
        ("iam", "list_roles", "Roles", "RoleName"),
        ("events", "list_rules", "Rules", "Name"),
        ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
        (
            "cloudwatch",
            "list_dashboards",
            "DashboardEntries",
            "DashboardName",
        ),
        ("ssm", "describe_parameters", "Parameters", "Name"),
        (
            "resource-groups",
            "list_groups",
            "GroupIdentifiers",
            "GroupName",
        ),
        ("cloudtrail", "describe_trails", "trailList", "Name"),
        ("s3", "list_buckets", "Buckets", "Name"),
    ];
    let own = account(aws);
    let mut all = BTreeMap::new();
    for region in [REGION, GLOBAL_REGION] {
        for (service, operation, list, name) in LISTS {
            let is_global = matches!(service, "iam" | "s3");
            if is_global && region != REGION {
                continue;
            }
            let answer = own.call(region, service, operation, &json!({}));
            let mut names: Vec<String> = items(&answer[list])
                .map(|item| item[name].as_str().unwrap_or_default().to_owned())
                .collect();
            names.sort();
            let place = if is_global { "" } else { region };
            all.insert(format!("{service} {list} {place}").trim().to_owned(), names);
        }
    }
    all
}

/// The items of a list; none of what isn't one.
pub fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
