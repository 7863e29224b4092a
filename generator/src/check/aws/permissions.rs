//! Nobody may more than needed: no `*` where AWS takes an ARN, and no service
//! acts for somebody else's object. Pure.

use serde_json::Value;

use super::documents::DOCUMENTS;
use super::{Resource, Template, list};
use crate::fault::Faults;

/// Actions that know no resource, each with the page that says so. All else
/// is refused with `*`.
const WITHOUT_RESOURCE: [(&str, &str); 10] = [
    (
        "cloudwatch:GetMetricData",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html",
    ),
    (
        "cloudwatch:ListMetrics",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html",
    ),
    (
        "cloudwatch:PutMetricData",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html",
    ),
    (
        "ec2:DescribeInstanceStatus",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html",
    ),
    (
        "ec2:DescribeNetworkInterfaces",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html",
    ),
    (
        "ec2:DescribeSubnets",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html",
    ),
    (
        "ec2:DescribeTags",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html",
    ),
    (
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancing.html",
    ),
    (
        "sts:GetCallerIdentity",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html",
    ),
    (
        "tag:GetResources",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonresourcegrouptaggingapi.html",
    ),
];

pub(super) fn check(template: &Template<'_>, faults: &mut Faults) {
    for unread in &template.unread {
        let message = format!(
            "`{}`: its `{}` can't be read: {}",
            unread.id, unread.property, unread.why
        );
        let fault = template.fault_at(&unread.id, message);
        faults.push(fault.hint("write it as an object, or as the text of one"));
    }
    for resource in template.resources() {
        if resource.kind() == "AWS::Lambda::Permission" {
            function_permission(template, &resource, faults);
        }
        let documents = DOCUMENTS
            .iter()
            .filter(|(kind, _)| *kind == resource.kind());
        for (_, property) in documents {
            for document in found(&resource.value["Properties"], property) {
                judge(template, &resource, property, document, faults);
            }
        }
    }
}

/// What is at a path of [`DOCUMENTS`].
fn found<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let values = list(value)
        .into_iter()
        .flat_map(|value| list(&value[first]));
    if rest.is_empty() {
        values.collect()
    } else {
        values.flat_map(|value| found(value, rest)).collect()
    }
}

fn judge(
    template: &Template<'_>,
    resource: &Resource<'_>,
    property: &str,
    document: &Value,
    faults: &mut Faults,
) {
    match resource.kind() {
        _ if property == "AssumeRolePolicyDocument" => trust(template, resource, document, faults),
        kind if kind.starts_with("AWS::IAM::") => {
            identity_policy(template, resource, document, faults);
        }
        // The owner of a key may all in AWS's own policy, and services are
        // confined by the key's context:
        // https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
        "AWS::KMS::Key" | "AWS::KMS::ReplicaKey" => {
            for statement in allows(document) {
                if is_anybody(&statement["Principal"]) && statement["Condition"].is_null() {
                    lets_everybody_in(template, resource, faults);
                }
            }
        }
        _ => resource_policy(template, resource, document, faults),
    }
}

fn lets_everybody_in(template: &Template<'_>, resource: &Resource<'_>, faults: &mut Faults) {
    let fault = template.fault(resource, "its policy allows access to everyone");
    faults.push(fault.hint("name who may"));
}

fn allows(document: &Value) -> impl Iterator<Item = &Value> {
    list(&document["Statement"])
        .into_iter()
        .filter(|statement| statement["Effect"] != "Deny")
}

fn identity_policy(
    template: &Template<'_>,
    resource: &Resource<'_>,
    document: &Value,
    faults: &mut Faults,
) {
    for statement in allows(document) {
        for key in ["NotAction", "NotResource"] {
            if !statement[key].is_null() {
                faults.push(
                    template
                        .fault(
                            resource,
                            &format!(
                                "a statement uses `{key}`, which allows everything but a list"
                            ),
                        )
                        .hint("name what is allowed"),
                );
            }
        }
        let any = list(&statement["Resource"]).iter().any(|arn| *arn == "*");
        for action in list(&statement["Action"]) {
            let action = action.as_str().unwrap_or_default();
            if action.contains('*') {
                faults.push(
                    template
                        .fault(
                            resource,
                            &format!("it allows `{action}`, which is more than one action"),
                        )
                        .hint("name the actions"),
                );
            } else if any && !WITHOUT_RESOURCE.iter().any(|(known, _)| *known == action) {
                faults.push(
                    template
                        .fault(resource, &format!("it allows `{action}` on everything"))
                        .hint("name the resources by their ARNs"),
                );
            }
        }
    }
}

/// A role's trust: a service must say for which object of this account it acts
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>).
fn trust(template: &Template<'_>, resource: &Resource<'_>, document: &Value, faults: &mut Faults) {
    for statement in allows(document) {
        let principal = &statement["Principal"];
        if is_anybody(principal) {
            faults.push(
                template
                    .fault(resource, "anyone may assume it")
                    .hint("name who may"),
            );
        }
        let services = list(&principal["Service"]);
        // A machine's role is handed to it by EC2, which sets no source.
        let conditional = services
            .iter()
            .any(|service| *service != "ec2.amazonaws.com");
        if conditional && !is_confined(statement) {
            faults.push(
                template
                    .fault(resource, "a service may assume it on behalf of any account")
                    .hint("add conditions on `aws:SourceAccount` and `aws:SourceArn`"),
            );
        }
        let federated = !list(&principal["Federated"]).is_empty();
        if federated && !condition_keys(statement).any(|key| key.ends_with(":sub")) {
            faults.push(
                template
                    .fault(resource, "every service account may assume it")
                    .hint("add a condition on the provider's `:sub`"),
            );
        }
    }
}

fn resource_policy(
    template: &Template<'_>,
    resource: &Resource<'_>,
    document: &Value,
    faults: &mut Faults,
) {
    for statement in allows(document) {
        if is_anybody(&statement["Principal"]) {
            lets_everybody_in(template, resource, faults);
        }
        let services = list(&statement["Principal"]["Service"]);
        // EventBridge names no rule while it creates a log stream, an empty one:
        // https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
        let creates_streams = services == ["events.amazonaws.com"]
            && list(&statement["Action"]) == ["logs:CreateLogStream"];
        if !services.is_empty() && !creates_streams && !is_confined(statement) {
            faults.push(
                template
                    .fault(
                        resource,
                        "its policy lets a service act on behalf of any account",
                    )
                    .hint("add conditions on `aws:SourceAccount` and `aws:SourceArn`"),
            );
        }
        if list(&statement["Action"])
            .iter()
            .any(|action| action.as_str().is_some_and(|action| action.contains('*')))
        {
            faults.push(
                template
                    .fault(resource, "its policy allows more than one action by a `*`")
                    .hint("name the actions"),
            );
        }
    }
}

fn function_permission(template: &Template<'_>, resource: &Resource<'_>, faults: &mut Faults) {
    let confined = resource.text("SourceAccount").is_some() && resource.text("SourceArn").is_some();
    if !confined {
        faults.push(
            template
                .fault(
                    resource,
                    "a service may call the function on behalf of any account",
                )
                .hint("add `SourceAccount` and `SourceArn`"),
        );
    }
    let action = resource.text("Action").unwrap_or_default();
    if action.contains('*') {
        faults.push(
            template
                .fault(
                    resource,
                    &format!("it allows `{action}`, which is more than calling the function"),
                )
                .hint("write `lambda:InvokeFunction`"),
        );
    }
}

fn is_anybody(principal: &Value) -> bool {
    principal == "*" || list(&principal["AWS"]).iter().any(|one| *one == "*")
}

fn condition_keys(statement: &Value) -> impl Iterator<Item = &str> {
    statement["Condition"]
        .as_object()
        .into_iter()
        .flat_map(|operators| operators.values())
        .filter_map(Value::as_object)
        .flat_map(|keys| keys.keys().map(String::as_str))
}

/// Whether a statement holds for objects of one account only.
fn is_confined(statement: &Value) -> bool {
    let has = |wanted: &str| condition_keys(statement).any(|key| key.eq_ignore_ascii_case(wanted));
    has("aws:SourceAccount") && has("aws:SourceArn")
}
