//! Nothing that collects logs makes logs that it collects. Pure.

use std::collections::BTreeSet;

use super::{Resource, Template, list, object};
use crate::fault::Faults;

pub(super) fn check(templates: &[Template<'_>], faults: &mut Faults) {
    let own = Own::of(templates);
    for template in templates {
        for resource in template.resources() {
            let looped = match resource.kind() {
                "AWS::Logs::SubscriptionFilter" => subscription(&resource, &own),
                "AWS::CloudTrail::Trail" => trail(&resource, &own),
                "AWS::Logs::DeliverySource" => delivery(&resource, template, &own),
                "AWS::S3::Bucket" => bucket(&resource, template),
                _ => None,
            };
            if let Some(message) = looped {
                faults.push(
                    template
                        .fault(&resource, &message)
                        .hint("what collects logs must not be collected: it would never end"),
                );
            }
        }
        if template.is_fragment {
            fragment(template, &own, faults);
        }
    }
}

/// What the collecting itself writes to.
#[derive(Debug, Default)]
struct Own {
    log_groups: BTreeSet<String>,
    buckets: BTreeSet<String>,
}

impl Own {
    fn of(templates: &[Template<'_>]) -> Self {
        let mut own = Self::default();
        for resource in templates.iter().flat_map(Template::resources) {
            match resource.kind() {
                "AWS::Lambda::Function" => {
                    let group = resource.property("LoggingConfig")["LogGroup"].as_str();
                    own.log_groups.extend(group.map(ToOwned::to_owned));
                    let name = resource.text("FunctionName");
                    own.log_groups
                        .extend(name.map(|name| format!("/aws/lambda/{name}")));
                }
                "AWS::KinesisFirehose::DeliveryStream" => {
                    let name = resource.text("DeliveryStreamName");
                    own.log_groups
                        .extend(name.map(|name| format!("/aws/kinesisfirehose/{name}")));
                }
                "AWS::S3::Bucket" => {
                    own.buckets
                        .extend(resource.text("BucketName").map(ToOwned::to_owned));
                }
                _ => {}
            }
        }
        own
    }

    /// Whether an ARN, or the start of one, selects an own bucket.
    fn selects_bucket(&self, arn: &str, is_start: bool) -> Option<&str> {
        let (_, name) = arn.split_once(":s3:::")?;
        self.buckets.iter().map(String::as_str).find(|bucket| {
            let exact = name.split('/').next() == Some(*bucket);
            exact || (is_start && !name.contains('/') && bucket.starts_with(name))
        })
    }
}

fn subscription(resource: &Resource<'_>, own: &Own) -> Option<String> {
    let group = resource.text("LogGroupName")?;
    // Functions write to no other log groups, so the whole prefix is theirs.
    let looped = own.log_groups.contains(group) || group.starts_with("/aws/kinesisfirehose/");
    looped
        .then(|| format!("it is subscribed to `{group}`, which the forwarder or a Firehose writes"))
}

/// Requests at own buckets are made by the trail itself.
fn trail(resource: &Resource<'_>, own: &Own) -> Option<String> {
    for selector in list(resource.property("AdvancedEventSelectors")) {
        let fields = list(&selector["FieldSelectors"]);
        let has = |field: &str, value: &str| {
            fields.iter().any(|selector| {
                selector["Field"] == field
                    && list(&selector["Equals"])
                        .iter()
                        .any(|equal| *equal == value)
            })
        };
        if !has("resources.type", "AWS::S3::Object") {
            continue;
        }
        let arns: Vec<_> = fields
            .iter()
            .filter(|selector| selector["Field"] == "resources.ARN")
            .collect();
        if arns.is_empty() {
            return Some("it records requests to all buckets, its own among them".to_owned());
        }
        for selector in arns {
            for (operator, is_start) in [("Equals", false), ("StartsWith", true)] {
                for arn in list(&selector[operator]) {
                    let arn = arn.as_str().unwrap_or_default();
                    if let Some(bucket) = own.selects_bucket(arn, is_start) {
                        return Some(format!(
                            "it records requests to `{bucket}`, which logs are kept in"
                        ));
                    }
                }
            }
        }
    }
    // The older kind of selectors knows no exceptions.
    for selector in list(resource.property("EventSelectors")) {
        for data in list(&selector["DataResources"]) {
            for arn in list(&data["Values"]) {
                if own
                    .selects_bucket(arn.as_str().unwrap_or_default(), true)
                    .is_some()
                {
                    return Some("it records requests to buckets that logs are kept in".to_owned());
                }
            }
        }
    }
    None
}

fn delivery(resource: &Resource<'_>, template: &Template<'_>, own: &Own) -> Option<String> {
    let arn = resource.text("ResourceArn")?;
    if template.is_fragment {
        return None;
    }
    own.selects_bucket(arn, false)
        .map(|bucket| format!("requests at `{bucket}` are delivered, which logs are kept in"))
}

/// A bucket's own access logs, and a function that writes where it is called from.
fn bucket(resource: &Resource<'_>, template: &Template<'_>) -> Option<String> {
    let name = resource.text("BucketName")?;
    let target = &resource.property("LoggingConfiguration")["DestinationBucketName"];
    if target == name || target["Ref"] == resource.id {
        return Some("its access logs would be written into itself".to_owned());
    }
    let calls = list(&resource.property("NotificationConfiguration")["LambdaConfigurations"]);
    if calls.is_empty() {
        return None;
    }
    let writes = template
        .of_type("AWS::IAM::Role")
        .flat_map(|role| list(role.property("Policies")))
        .flat_map(|policy| list(&policy["PolicyDocument"]["Statement"]))
        .filter(|statement| {
            list(&statement["Action"])
                .iter()
                .any(|action| *action == "s3:PutObject")
        })
        .flat_map(|statement| list(&statement["Resource"]))
        .filter_map(|arn| arn.as_str())
        .any(|arn| {
            arn.split_once(":s3:::")
                .is_some_and(|(_, path)| path.split('/').next() == Some(name))
        });
    let by_function = template.of_type("AWS::Lambda::Function").next().is_some();
    (writes && by_function).then(|| "it calls a function that may write into it".to_owned())
}

/// A fragment for buckets leaves the own ones out.
fn fragment(template: &Template<'_>, own: &Own, faults: &mut Faults) {
    if template.value["member_type"] != "AWS::S3::Bucket" {
        return;
    }
    let never: BTreeSet<&str> = list(&template.value["never"])
        .iter()
        .filter_map(|arn| arn.as_str()?.split_once(":s3:::"))
        .map(|(_, name)| name)
        .collect();
    let collects = ["resources", "once"]
        .iter()
        .any(|part| object(&template.value[*part]).is_some_and(|part| !part.is_empty()))
        || !template.value["joins"].is_null();
    for bucket in own
        .buckets
        .iter()
        .filter(|bucket| collects && !never.contains(bucket.as_str()))
    {
        faults.push(
            template
                .fault_at(
                    "member_type",
                    format!("requests at `{bucket}` would be logged, which logs are kept in"),
                )
                .hint("add its ARN to `never`"),
        );
    }
}
