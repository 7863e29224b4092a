//! A template as it is deployed. Pure.
//!
//! It is the rendered one without line breaks, and with one more output: the digest of the rest. `DescribeStacks`
//! returns outputs of all stacks a page at a time, so that one that is up to date is known without a call of its own.
//! A tag would be returned as well, but CloudFormation hands a stack's tags on to all of its resources: every change of a
//! template would touch each of them
//! (<https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The output with the digest.
pub const DIGEST_OUTPUT: &str = "LogfleetDigest";

/// Bytes of a template that a request may hold, and of one that is fetched from a bucket:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>.
pub const MOST_IN_REQUEST: usize = 51_200;
/// The same of one that is fetched from a bucket.
pub const MOST_IN_BUCKET: usize = 1_000_000;

/// A template, ready to be deployed.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// What CloudFormation gets.
    pub body: String,
    /// The digest that its output has: 32 hexadecimal digits.
    pub digest: String,
    /// Names that it exports.
    pub exports: BTreeSet<String>,
    /// Its resources, by logical id: type, and whether a deletion keeps it.
    pub resources: Vec<Resource>,
}

/// A resource of a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// Its logical id.
    pub logical_id: String,
    /// Its type.
    pub kind: String,
    /// Whether it stays when the stack is deleted.
    pub kept: bool,
    /// What it is called, where the template says.
    pub name: Option<String>,
}

/// Why a template can't be deployed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It has an output of the name that is used here.
    #[error("the output `{DIGEST_OUTPUT}` is the reconciler's own; give yours another name")]
    Output,
    /// It has a parameter that nobody knows a value for.
    #[error("the parameter `{0}` has no default; templates are deployed without parameters")]
    Parameter(String),
    /// It has a transform, which CloudFormation runs as a macro.
    #[error("it has a `Transform`; templates are deployed as they are")]
    Transform,
    /// It has no resource.
    #[error("it has no resources")]
    Empty,
    /// It is too large.
    #[error("it has {0} bytes, and CloudFormation takes {MOST_IN_BUCKET}")]
    Large(usize),
}

impl Template {
    /// Makes a rendered template ready.
    pub fn of(rendered: &Value) -> Result<Self, TemplateError> {
        let resources = resources(rendered);
        if resources.is_empty() {
            return Err(TemplateError::Empty);
        }
        if rendered.get("Transform").is_some() {
            return Err(TemplateError::Transform);
        }
        let parameters = rendered["Parameters"].as_object().into_iter().flatten();
        for (name, parameter) in parameters {
            if parameter.get("Default").is_none() {
                return Err(TemplateError::Parameter(name.clone()));
            }
        }
        if !rendered["Outputs"][DIGEST_OUTPUT].is_null() {
            return Err(TemplateError::Output);
        }
        let text = rendered.to_string();
        let digest = base16ct::lower::encode_string(&Sha256::digest(&text)[..16]);
        let mut template = rendered.clone();
        template["Outputs"][DIGEST_OUTPUT] = json!({
            "Description": "What logfleet's reconciler deployed last",
            "Value": digest,
        });
        let body = template.to_string();
        if body.len() > MOST_IN_BUCKET {
            return Err(TemplateError::Large(body.len()));
        }
        let outputs = rendered["Outputs"].as_object().into_iter().flatten();
        let exports =
            outputs.filter_map(|(_, output)| Some(output["Export"]["Name"].as_str()?.to_owned()));
        Ok(Self {
            exports: exports.collect(),
            body,
            digest,
            resources,
        })
    }
}

/// The resources of a template, by logical id.
pub fn resources(template: &Value) -> Vec<Resource> {
    let all = template["Resources"].as_object().into_iter().flatten();
    let mut resources: Vec<Resource> = all
        .map(|(id, resource)| Resource {
            logical_id: id.clone(),
            kind: resource["Type"].as_str().unwrap_or_default().to_owned(),
            kept: resource["DeletionPolicy"]
                .as_str()
                .is_some_and(|policy| policy.starts_with("Retain")),
            name: resource["Properties"]["BucketName"]
                .as_str()
                .map(ToOwned::to_owned),
        })
        .collect();
    resources.sort();
    resources
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Value {
        json!({
            "Resources": {
                "B": { "Type": "AWS::S3::Bucket", "DeletionPolicy": "RetainExceptOnCreate", "Properties": { "BucketName": "b" } },
                "A": { "Type": "AWS::Logs::LogGroup" },
            },
            "Outputs": { "Id": { "Value": "1", "Export": { "Name": "logfleet-x-id" } } },
        })
    }

    #[test]
    fn the_digest_is_an_output_and_of_everything_else() {
        let template = Template::of(&example()).expect("right");
        let body: Value = serde_json::from_str(&template.body).expect("JSON");
        assert_eq!(body["Outputs"][DIGEST_OUTPUT]["Value"], *template.digest);
        assert_eq!(
            template.exports,
            BTreeSet::from(["logfleet-x-id".to_owned()])
        );
        let mut other = example();
        other["Resources"]["A"]["Properties"]["RetentionInDays"] = 3.into();
        assert_ne!(Template::of(&other).expect("right").digest, template.digest);
        assert_eq!(Template::of(&example()).expect("right"), template);
    }

    #[test]
    fn what_a_deletion_keeps_is_known() {
        let kept: Vec<_> = resources(&example())
            .into_iter()
            .map(|own| (own.logical_id, own.kept, own.name))
            .collect();
        assert_eq!(
            kept,
            [
                ("A".to_owned(), false, None),
                ("B".to_owned(), true, Some("b".to_owned()))
            ]
        );
    }

    #[test]
    fn what_can_not_be_deployed_is_told() {
        for (pointer, value, error) in [
            (
                "Outputs",
                json!({ DIGEST_OUTPUT: {} }),
                TemplateError::Output,
            ),
            (
                "Parameters",
                json!({ "P": { "Type": "String" } }),
                TemplateError::Parameter("P".to_owned()),
            ),
            ("Transform", json!("AWS::Include"), TemplateError::Transform),
            ("Resources", json!({}), TemplateError::Empty),
        ] {
            let mut template = example();
            template[pointer] = value;
            assert_eq!(Template::of(&template), Err(error));
        }
    }
}
