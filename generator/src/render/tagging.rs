//! Tags on what CloudFormation makes: after the templates and before the
//! patches, so that a fleet's own templates get them, too. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::json;
use crate::fault::{Fault, Faults};
use crate::load::source_file::SourceFile;
use crate::tree::RenderedTree;

/// How a type of resource takes tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tagging {
    /// `Tags`, a list of `{"Key": …, "Value": …}`.
    List,
    /// `Tags`, a map.
    Map,
    /// It takes none.
    None,
    /// It takes some, and any other tag makes it anew: it goes without, so that
    /// a tag can change.
    Replaced,
}

/// The types that are rendered, and those that fleets add most.
///
/// As the schemas of the CloudFormation registry say, in `tagging` and
/// `createOnlyProperties`
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-type-schemas.html>);
/// `tests/real` compares them.
pub const TYPES: [(&str, Tagging); 39] = [
    ("AWS::CloudTrail::Trail", Tagging::List),
    ("AWS::CloudWatch::Alarm", Tagging::List),
    ("AWS::CloudWatch::CompositeAlarm", Tagging::List),
    ("AWS::CloudWatch::Dashboard", Tagging::List),
    ("AWS::EC2::FlowLog", Tagging::List),
    ("AWS::Events::EventBus", Tagging::List),
    ("AWS::Events::Rule", Tagging::List),
    ("AWS::IAM::InstanceProfile", Tagging::None),
    ("AWS::IAM::ManagedPolicy", Tagging::None),
    ("AWS::IAM::Policy", Tagging::None),
    ("AWS::IAM::Role", Tagging::List),
    ("AWS::KMS::Key", Tagging::List),
    ("AWS::Kinesis::Stream", Tagging::List),
    ("AWS::KinesisFirehose::DeliveryStream", Tagging::List),
    ("AWS::Lambda::EventInvokeConfig", Tagging::None),
    ("AWS::Lambda::EventSourceMapping", Tagging::List),
    ("AWS::Lambda::Function", Tagging::List),
    ("AWS::Lambda::Permission", Tagging::None),
    ("AWS::Logs::Delivery", Tagging::List),
    ("AWS::Logs::DeliveryDestination", Tagging::List),
    ("AWS::Logs::DeliverySource", Tagging::List),
    ("AWS::Logs::Destination", Tagging::List),
    ("AWS::Logs::LogGroup", Tagging::List),
    ("AWS::Logs::LogStream", Tagging::None),
    ("AWS::Logs::MetricFilter", Tagging::None),
    ("AWS::Logs::QueryDefinition", Tagging::None),
    ("AWS::Logs::ResourcePolicy", Tagging::None),
    ("AWS::Logs::SubscriptionFilter", Tagging::None),
    ("AWS::ResourceGroups::Group", Tagging::List),
    // The members' stack imports its id, so it can't be made anew at all.
    (
        "AWS::Route53Resolver::ResolverQueryLoggingConfig",
        Tagging::Replaced,
    ),
    (
        "AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation",
        Tagging::None,
    ),
    ("AWS::S3::Bucket", Tagging::List),
    ("AWS::S3::BucketPolicy", Tagging::None),
    ("AWS::SNS::Topic", Tagging::List),
    ("AWS::SQS::Queue", Tagging::List),
    ("AWS::SSM::Association", Tagging::List),
    ("AWS::SSM::Document", Tagging::List),
    ("AWS::SSM::Parameter", Tagging::Map),
    ("AWS::SecretsManager::Secret", Tagging::List),
];

/// How a type takes tags, if it is known.
pub fn tagging(kind: &str) -> Option<Tagging> {
    let mut types = TYPES.iter();
    types.find(|(own, _)| *own == kind).map(|(_, how)| *how)
}

/// Gives tags to all resources of a tree's templates and fragments. What
/// a template says of a tag itself stays. A type that isn't known is a fault,
/// unless its resource has tags.
pub(super) fn apply(
    tree: &mut RenderedTree,
    owner: &str,
    tags: &BTreeMap<String, String>,
) -> Faults {
    let mut faults = Faults::new();
    if tags.is_empty() {
        return faults;
    }
    for (path, bytes) in &mut tree.0 {
        if !path.as_str().ends_with(".json") {
            continue;
        }
        // What isn't JSON is reported by the check.
        let Ok(mut file) = serde_json::from_slice::<Value>(bytes) else {
            continue;
        };
        let mut is_changed = false;
        for part in parts(&file) {
            let resources = file.get_mut(part).and_then(Value::as_object_mut);
            for (id, resource) in resources.into_iter().flatten() {
                match tag(resource, tags) {
                    Ok(changed) => is_changed |= changed,
                    Err(kind) => {
                        let shown = format!("rendered/{owner}/{path}");
                        faults.push(unknown(shown, bytes, id, &kind));
                    }
                }
            }
        }
        if is_changed && let Ok(text) = json::canonical(&file.to_string()) {
            *bytes = text.into_bytes();
        }
    }
    faults
}

/// Where resources are: in a template, or in a fragment of the members' stack.
fn parts(file: &Value) -> &'static [&'static str] {
    if file.get("AWSTemplateFormatVersion").is_some() {
        &["Resources"]
    } else if file.get("member_type").is_some() {
        &["resources", "once"]
    } else {
        &[]
    }
}

/// Gives a resource tags; whether that changed it. The error is its type.
fn tag(resource: &mut Value, tags: &BTreeMap<String, String>) -> Result<bool, String> {
    let kind = resource["Type"].as_str().unwrap_or_default().to_owned();
    let how = tagging(&kind);
    let Some(resource) = resource.as_object_mut() else {
        return Ok(false);
    };
    let has_own = resource
        .get("Properties")
        .is_some_and(|properties| properties.get("Tags").is_some());
    match how {
        Some(Tagging::None | Tagging::Replaced) => return Ok(false),
        None if has_own => return Ok(false),
        None => return Err(kind),
        Some(Tagging::List | Tagging::Map) => {}
    }
    let properties = resource
        .entry("Properties")
        .or_insert_with(|| Value::Object(Map::new()));
    let Some(properties) = properties.as_object_mut() else {
        return Ok(false);
    };
    let empty = if how == Some(Tagging::Map) {
        json!({})
    } else {
        json!([])
    };
    match properties.entry("Tags").or_insert(empty) {
        Value::Object(own) => {
            for (key, value) in tags {
                own.entry(key).or_insert_with(|| json!(value));
            }
        }
        Value::Array(own) => {
            for (key, value) in tags {
                if !own.iter().any(|tag| tag["Key"] == key.as_str()) {
                    own.push(json!({ "Key": key, "Value": value }));
                }
            }
        }
        // A function of CloudFormation: what it gives isn't known.
        _ => return Ok(false),
    }
    Ok(true)
}

fn unknown(shown: String, bytes: &[u8], id: &str, kind: &str) -> Fault {
    let text = String::from_utf8_lossy(bytes);
    let at = text.find(&format!("\"{id}\":")).unwrap_or_default();
    Fault::input(format!(
        "`{id}` is to get the tags of `aws.tags`, and gen doesn't know how `{kind}` takes them"
    ))
    .at(SourceFile::new(shown, &*text).place(at, at))
    .hint("give it `Tags` of its own in its template; `[]` or `{}` if it is to have none")
}

#[cfg(test)]
mod tests;
