//! Policy documents: CloudFormation takes some as a text, and any as what its
//! functions make of one. They are all read into the same form, so that no
//! spelling goes unjudged. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The properties that hold a policy, by type of resource
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-template-resource-type-ref.html>).
/// A `/` goes down a level, and through every item of a list.
pub(super) const DOCUMENTS: [(&str, &str); 37] = [
    ("AWS::IAM::Role", "AssumeRolePolicyDocument"),
    ("AWS::IAM::Role", "Policies/PolicyDocument"),
    ("AWS::IAM::User", "Policies/PolicyDocument"),
    ("AWS::IAM::Group", "Policies/PolicyDocument"),
    ("AWS::IAM::Policy", "PolicyDocument"),
    ("AWS::IAM::ManagedPolicy", "PolicyDocument"),
    ("AWS::IAM::RolePolicy", "PolicyDocument"),
    ("AWS::IAM::UserPolicy", "PolicyDocument"),
    ("AWS::IAM::GroupPolicy", "PolicyDocument"),
    ("AWS::CloudTrail::ResourcePolicy", "ResourcePolicy"),
    ("AWS::DynamoDB::Table", "ResourcePolicy/PolicyDocument"),
    ("AWS::ECR::RegistryPolicy", "PolicyText"),
    ("AWS::ECR::Repository", "RepositoryPolicyText"),
    ("AWS::EFS::FileSystem", "FileSystemPolicy"),
    ("AWS::Events::EventBus", "Policy"),
    ("AWS::Kinesis::ResourcePolicy", "ResourcePolicy"),
    ("AWS::KMS::Key", "KeyPolicy"),
    ("AWS::KMS::ReplicaKey", "KeyPolicy"),
    (
        "AWS::Logs::DeliveryDestination",
        "DeliveryDestinationPolicy/DeliveryDestinationPolicy",
    ),
    ("AWS::Logs::Destination", "DestinationPolicy"),
    ("AWS::Logs::LogGroup", "ResourcePolicyDocument"),
    ("AWS::Logs::ResourcePolicy", "PolicyDocument"),
    ("AWS::OpenSearchService::Domain", "AccessPolicies"),
    ("AWS::S3::AccessPoint", "Policy"),
    ("AWS::S3::BucketPolicy", "PolicyDocument"),
    ("AWS::S3Express::BucketPolicy", "PolicyDocument"),
    ("AWS::S3Tables::TableBucketPolicy", "ResourcePolicy"),
    ("AWS::S3Tables::TablePolicy", "ResourcePolicy"),
    ("AWS::SNS::TopicInlinePolicy", "PolicyDocument"),
    ("AWS::SNS::TopicPolicy", "PolicyDocument"),
    ("AWS::SQS::QueueInlinePolicy", "PolicyDocument"),
    ("AWS::SQS::QueuePolicy", "PolicyDocument"),
    ("AWS::SSM::ResourcePolicy", "Policy"),
    ("AWS::SecretsManager::ResourcePolicy", "ResourcePolicy"),
    ("AWS::Serverless::Function", "AssumeRolePolicyDocument"),
    ("AWS::VpcLattice::ResourcePolicy", "Policy"),
    ("AWS::XRay::ResourcePolicy", "PolicyDocument"),
];

/// A document that couldn't be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unread {
    /// The resource.
    pub(super) id: String,
    /// The property.
    pub(super) property: &'static str,
    /// Why.
    pub(super) why: String,
}

/// Puts the document itself in place of every text and function that stands
/// for one, and tells of those that can't be read.
pub(super) fn read_all(resources: &mut Map<String, Value>, unread: &mut BTreeSet<Unread>) {
    for (id, resource) in resources.iter_mut() {
        let kind = resource["Type"].as_str().unwrap_or_default().to_owned();
        let Some(properties) = resource.get_mut("Properties") else {
            continue;
        };
        for (_, property) in DOCUMENTS.iter().filter(|(of, _)| *of == kind) {
            let mut tell = |why: String| {
                unread.insert(Unread {
                    id: id.clone(),
                    property,
                    why,
                });
            };
            at(properties, property, &mut tell);
        }
    }
}

fn at(value: &mut Value, path: &str, tell: &mut impl FnMut(String)) {
    if let Value::Array(items) = value {
        for item in items {
            at(item, path, tell);
        }
        return;
    }
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let Some(found) = value.get_mut(first) else {
        return;
    };
    if rest.is_empty() {
        match read(found) {
            Ok(Some(document)) => *found = document,
            Ok(None) => {}
            Err(why) => tell(why),
        }
    } else {
        at(found, rest, tell);
    }
}

/// What a text or a function says; nothing if it is a document already.
fn read(value: &Value) -> Result<Option<Value>, String> {
    let Some(text) = text_of(value)? else {
        return match value {
            Value::Object(object) if object.contains_key("Fn::ToJsonString") => {
                Ok(object.get("Fn::ToJsonString").cloned())
            }
            Value::Object(_) | Value::Null => Ok(None),
            _ => Err("it is neither an object nor a text".to_owned()),
        };
    };
    match serde_json::from_str::<Value>(&text) {
        Ok(document @ Value::Object(_)) => Ok(Some(document)),
        Ok(_) => Err("its text is not a JSON object".to_owned()),
        Err(error) => Err(format!("its text is not JSON: {error}")),
    }
}

/// The text that CloudFormation would make, with `${…}` for what is known only then
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>).
fn text_of(value: &Value) -> Result<Option<String>, String> {
    let function = match value {
        Value::String(text) => return Ok(Some(text.clone())),
        Value::Object(object) if object.len() == 1 => object.iter().next(),
        _ => None,
    };
    let Some((name, argument)) = function else {
        return Ok(None);
    };
    match name.as_str() {
        "Fn::Sub" => {
            let text = argument.as_str().or_else(|| argument.get(0)?.as_str());
            let text = text.ok_or("`Fn::Sub` has no text")?;
            Ok(Some(text.to_owned()))
        }
        "Fn::Join" => {
            let separator = argument.get(0).and_then(Value::as_str);
            let parts = argument.get(1).and_then(Value::as_array);
            let (Some(separator), Some(parts)) = (separator, parts) else {
                return Err("`Fn::Join` has no separator, or no list".to_owned());
            };
            let parts: Result<Vec<String>, String> = parts
                .iter()
                .map(|part| Ok(text_of(part)?.unwrap_or_else(|| "${…}".to_owned())))
                .collect();
            Ok(Some(parts?.join(separator)))
        }
        "Ref" | "Fn::GetAtt" | "Fn::ImportValue" | "Fn::FindInMap" | "Fn::Select" => {
            Ok(Some("${…}".to_owned()))
        }
        "Fn::If" => Err(
            "it depends on a condition: put `Fn::If` around the resource's statements instead"
                .to_owned(),
        ),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_spelling_is_read() {
        let document = json!({ "Statement": [{ "Effect": "Allow", "Principal": "*" }] });
        let text = document.to_string();
        let (before, after) = text.split_at(20);
        for spelling in [
            json!(text),
            json!({ "Fn::Sub": text }),
            json!({ "Fn::Sub": [text, { "Name": { "Ref": "A" } }] }),
            json!({ "Fn::Join": ["", [before, after]] }),
            json!({ "Fn::ToJsonString": document }),
        ] {
            assert_eq!(read(&spelling), Ok(Some(document.clone())), "{spelling}");
        }
        assert_eq!(read(&document), Ok(None));
        let joined = json!({ "Fn::Join": [":", ["{\"Resource\"", "\"", { "Ref": "A" }, "\"}"]] });
        assert_eq!(read(&joined), Ok(Some(json!({ "Resource": ":${…}:" }))));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        for (spelling, why) in [
            (
                json!("{"),
                "its text is not JSON: EOF while parsing an object at line 1 column 1",
            ),
            (json!("[]"), "its text is not a JSON object"),
            (json!(true), "it is neither an object nor a text"),
            (
                json!({ "Ref": "Policy" }),
                "its text is not JSON: expected value at line 1 column 1",
            ),
            (
                json!({ "Fn::Join": "a" }),
                "`Fn::Join` has no separator, or no list",
            ),
        ] {
            assert_eq!(read(&spelling), Err(why.to_owned()), "{spelling}");
        }
    }
}
