//! Resources that come with a change, and what policies call them. Pure.
//!
//! A policy that names them permits nothing with what was there before.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::diff::risk::fact::Key;
use crate::diff::risk::objects::RESOURCE_TYPE;
use crate::diff::risk::row::Among;
use crate::diff::risk::values::text;

/// What comes with a change.
pub(super) struct NewNames {
    /// Logical ids.
    ids: Vec<String>,
    /// Services as addresses name them, each with a name.
    names: Vec<(&'static str, String)>,
}

impl NewNames {
    /// Those of the resources that the template of a resource hadn't got.
    pub(super) fn of(among: &Among<'_>) -> Self {
        let key = |kind: Cow<'static, str>, object: String| Key {
            kind,
            object,
            aspect: "",
        };
        let types = among
            .after
            .range(key(RESOURCE_TYPE.into(), String::new())..);
        let types = types.take_while(|(own, _)| own.kind == RESOURCE_TYPE);
        let mut found = Self::none();
        for (own, fact) in types {
            if fact.object.file != among.path() || among.before.contains_key(own) {
                continue;
            }
            found.ids.push(fact.object.name.clone().into_owned());
            let kind = fact.value.as_str().unwrap_or_default();
            let resource = among
                .after
                .get(&key(kind.to_owned().into(), own.object.clone()));
            let name = naming(kind)
                .zip(resource)
                .map(|((service, property), resource)| {
                    let name = text(&resource.value, &format!("/Properties/{property}"));
                    (service, name.to_owned())
                });
            let is_plain = |name: &str| !name.is_empty() && !name.contains(['*', '?']);
            found.names.extend(name.filter(|(_, name)| is_plain(name)));
        }
        found
    }

    /// Nothing is new.
    pub(super) fn none() -> Self {
        Self {
            ids: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Whether a policy's text names one of them, and nothing beyond it: a
    /// function of `CloudFormation`, or an address.
    pub(super) fn has(&self, text: &str) -> bool {
        if text.starts_with('{') {
            let value: Option<Json> = serde_json::from_str(text).ok();
            return value.is_some_and(|value| self.has_value(&value));
        }
        self.has_address(text)
    }

    fn has_value(&self, value: &Json) -> bool {
        if let Some(id) = value.get("Ref").and_then(Json::as_str) {
            return self.has_id(id);
        }
        if let Some(reference) = value.get("Fn::GetAtt") {
            let first = reference.get(0).and_then(Json::as_str);
            let dotted = reference.as_str().and_then(|text| text.split('.').next());
            return first.or(dotted).is_some_and(|id| self.has_id(id));
        }
        if let Some(pieces) = value.pointer("/Fn::Join/1").and_then(Json::as_array) {
            return pieces.first().is_some_and(|first| match first.as_str() {
                Some(text) => self.has_address(text),
                None => self.has_value(first),
            });
        }
        value
            .get("Fn::Sub")
            .and_then(Json::as_str)
            .is_some_and(|text| {
                let begins = text
                    .strip_prefix("${")
                    .and_then(|rest| rest.split_once('}'));
                match begins {
                    Some((id, _)) => self.has_id(id.split('.').next().unwrap_or_default()),
                    None => self.has_address(text),
                }
            })
    }

    fn has_id(&self, id: &str) -> bool {
        self.ids.iter().any(|own| own == id)
    }

    /// Of `arn:partition:service:region:account:resource`
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>).
    fn has_address(&self, address: &str) -> bool {
        // Variables have colons in them, which are no ends of parts.
        let plain = address.replace("AWS::", "");
        let parts: Vec<&str> = plain.splitn(6, ':').collect();
        let ["arn", _, service, region, account, resource] = parts.as_slice() else {
            return false;
        };
        let is_wide = [region, account]
            .iter()
            .any(|part| part.contains(['*', '?']));
        !is_wide
            && self
                .names
                .iter()
                .any(|(own, name)| own == service && is_of(service, resource, name))
    }
}

/// The service in addresses of a type of resource, and the property with its name.
fn naming(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "AWS::Logs::LogGroup" => ("logs", "LogGroupName"),
        "AWS::S3::Bucket" => ("s3", "BucketName"),
        "AWS::SQS::Queue" => ("sqs", "QueueName"),
        "AWS::SNS::Topic" => ("sns", "TopicName"),
        "AWS::Lambda::Function" => ("lambda", "FunctionName"),
        "AWS::IAM::Role" => ("iam", "RoleName"),
        "AWS::KinesisFirehose::DeliveryStream" => ("firehose", "DeliveryStreamName"),
        "AWS::CloudTrail::Trail" => ("cloudtrail", "TrailName"),
        "AWS::Events::Rule" => ("events", "Name"),
        "AWS::Logs::DeliverySource" | "AWS::Logs::DeliveryDestination" => ("logs", "Name"),
        "AWS::SecretsManager::Secret" => ("secretsmanager", "Name"),
        _ => return None,
    })
}

/// Whether the last part of an address is a resource of that name, or a part of it.
fn is_of(service: &str, resource: &str, name: &str) -> bool {
    let kinds = [
        "log-group:",
        "delivery-source:",
        "delivery-destination:",
        "function:",
        "role/",
        "deliverystream/",
        "trail/",
        "rule/",
        "secret:",
    ];
    let bare = kinds.iter().find_map(|kind| resource.strip_prefix(kind));
    let rest = bare.unwrap_or(resource).strip_prefix(name);
    rest.is_some_and(|rest| match service {
        // The objects in a bucket, the streams of a group, six letters of a secret.
        "s3" => rest.is_empty() || rest.starts_with('/'),
        "logs" | "lambda" => rest.is_empty() || rest.starts_with(':'),
        "secretsmanager" => rest.is_empty() || rest == "-??????",
        _ => rest.is_empty(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> NewNames {
        let name = |service, name: &str| (service, name.to_owned());
        NewNames {
            ids: vec!["Queue".to_owned()],
            names: vec![
                name("logs", "/logfleet/new"),
                name("s3", "bucket"),
                name("sns", "logfleet"),
                name("sns", "arn:"),
            ],
        }
    }

    #[test]
    fn what_names_the_new_is_known() {
        for text in [
            "arn:aws:logs:eu-west-1:1:log-group:/logfleet/new",
            "arn:aws:logs:eu-west-1:1:log-group:/logfleet/new:*",
            "arn:aws:logs:eu-west-1:1:log-group:/logfleet/new:log-stream:a*",
            "arn:aws:s3:::bucket/*",
            r#"{"Fn::Sub":"arn:${AWS::Partition}:logs:eu-west-1:${AWS::AccountId}:log-group:/logfleet/new:*"}"#,
            r#"{"Fn::Sub":"${Queue.Arn}"}"#,
            r#"{"Fn::GetAtt":["Queue","Arn"]}"#,
            r#"{"Fn::GetAtt":"Queue.Arn"}"#,
            r#"{"Fn::Join":["",[{"Fn::GetAtt":["Queue","Arn"]},"/a/*"]]}"#,
        ] {
            assert!(names().has(text), "{text}");
        }
    }

    #[test]
    fn what_goes_beyond_is_not() {
        for text in [
            "*",
            "",
            "arn:aws:logs:*:*:log-group:/logfleet/*",
            "arn:aws:logs:*:1:log-group:/logfleet/new:*",
            "arn:aws:logs:eu-west-1:1:log-group:/logfleet/new*",
            "arn:aws:logs:eu-west-1:1:log-group:/logfleet/newer",
            "arn:aws:logs:eu-west-1:1:log-group:*/logfleet/new",
            "arn:aws:s3:::bucket*",
            "arn:aws:s3:::*/bucket/x",
            "arn:aws:sns:eu-west-1:1:logfleet-other",
            "arn:aws:sqs:eu-west-1:1:logfleet",
            r#"{"Fn::GetAtt":["Other","Queue"]}"#,
            r#"{"Fn::Join":["",["arn:aws:s3:::",{"Ref":"Queue"}]]}"#,
            r#"{"Fn::Sub":"*${Queue.Arn}"}"#,
            "{",
        ] {
            assert!(!names().has(text), "{text}");
        }
    }
}
