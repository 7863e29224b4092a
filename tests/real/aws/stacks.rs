//! Stacks: deployed by change sets, as every tool of CloudFormation does it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Account;

/// The most bytes of a template that is sent by itself; a larger one is fetched from a bucket.
const LONGEST_BODY: usize = 51_200;

/// A stack that isn't what was asked for: its status, and every reason given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The status in which the stack ended.
    pub status: String,
    /// Why, by the logical name of the resource, or the stack's own.
    pub reasons: BTreeMap<String, String>,
}

impl Account<'_> {
    /// Makes a stack, and gives back its outputs.
    pub fn deploy(
        &self,
        stack: &str,
        region: &str,
        template: &str,
        parameters: &Value,
    ) -> Result<BTreeMap<String, String>, Failed> {
        self.execute("CREATE", stack, region, template, parameters)
    }

    /// Changes a stack, and gives back its outputs.
    pub fn update(
        &self,
        stack: &str,
        region: &str,
        template: &str,
        parameters: &Value,
    ) -> Result<BTreeMap<String, String>, Failed> {
        self.execute("UPDATE", stack, region, template, parameters)
    }

    /// Deletes a stack.
    pub fn delete(&self, stack: &str, region: &str) -> Result<(), Failed> {
        // By its name a stack that is gone isn't found any more.
        let id = self.describe(stack, region)["StackId"]
            .as_str()
            .expect("a stack has an id")
            .to_owned();
        self.formation(region, "delete_stack", &json!({ "StackName": stack }));
        self.ended(&id, region, "DELETE_COMPLETE")
    }

    /// The physical ids of a stack's resources, by their logical names, and their types.
    pub fn resources(&self, stack: &str, region: &str) -> BTreeMap<String, (String, String)> {
        let answer = self.formation(
            region,
            "describe_stack_resources",
            &json!({ "StackName": stack }),
        );
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        answer["StackResources"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| {
                (
                    text(&one["LogicalResourceId"]),
                    (text(&one["ResourceType"]), text(&one["PhysicalResourceId"])),
                )
            })
            .collect()
    }

    fn execute(
        &self,
        kind: &str,
        stack: &str,
        region: &str,
        template: &str,
        parameters: &Value,
    ) -> Result<BTreeMap<String, String>, Failed> {
        let parameters: Vec<Value> = parameters
            .as_object()
            .expect("parameters are an object")
            .iter()
            .map(|(key, value)| json!({ "ParameterKey": key, "ParameterValue": value }))
            .collect();
        let mut request = json!({
            "StackName": stack,
            "ChangeSetName": "test",
            "ChangeSetType": kind,
            "Parameters": parameters,
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        });
        if template.len() > LONGEST_BODY {
            request["TemplateURL"] = self.upload(stack, region, template).into();
        } else {
            request["TemplateBody"] = template.into();
        }
        let made = self.formation(region, "create_change_set", &request);
        let change_set = json!({ "ChangeSetName": made["Id"] });
        let planned = self.formation(region, "describe_change_set", &change_set);
        if planned["Status"] != "CREATE_COMPLETE" {
            // One that failed stays until it is deleted, and its name is taken.
            self.formation(region, "delete_change_set", &change_set);
            let reason = planned["StatusReason"].as_str().unwrap_or_default();
            return Err(Failed {
                status: planned["Status"].as_str().unwrap_or_default().to_owned(),
                reasons: BTreeMap::from([(stack.to_owned(), reason.to_owned())]),
            });
        }
        self.formation(region, "execute_change_set", &change_set);
        self.formation(region, "delete_change_set", &change_set);
        self.ended(stack, region, &format!("{kind}_COMPLETE"))?;
        let outputs = self.describe(stack, region)["Outputs"].take();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(outputs
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| (text(&one["OutputKey"]), text(&one["OutputValue"])))
            .collect())
    }

    /// Whether a stack ended well. The emulator does all of it within the request.
    fn ended(&self, stack: &str, region: &str, wanted: &str) -> Result<(), Failed> {
        let status = self.describe(stack, region)["StackStatus"]
            .as_str()
            .expect("a stack has a status")
            .to_owned();
        if status == wanted {
            return Ok(());
        }
        let events = self.formation(
            region,
            "describe_stack_events",
            &json!({ "StackName": stack }),
        );
        let reasons = events["StackEvents"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|event| {
                let reason = event["ResourceStatusReason"].as_str()?;
                let name = event["LogicalResourceId"].as_str()?;
                (reason != "User Initiated").then(|| (name.to_owned(), reason.to_owned()))
            })
            .collect();
        Err(Failed { status, reasons })
    }

    fn describe(&self, stack: &str, region: &str) -> Value {
        self.formation(region, "describe_stacks", &json!({ "StackName": stack }))["Stacks"][0]
            .take()
    }

    fn upload(&self, stack: &str, region: &str, template: &str) -> String {
        let bucket = format!("templates-{}-{region}", self.number);
        self.make_bucket(&bucket, region);
        let object = json!({ "Bucket": bucket, "Key": stack, "Body": template });
        self.call(region, "s3", "put_object", &object);
        format!("https://{bucket}.s3.{region}.amazonaws.com/{stack}")
    }

    /// Makes a bucket unless it is there.
    pub fn make_bucket(&self, bucket: &str, region: &str) {
        if self
            .ask(region, "s3", "head_bucket", &json!({ "Bucket": bucket }))
            .is_ok()
        {
            return;
        }
        let mut request = json!({ "Bucket": bucket });
        if region != "us-east-1" {
            request["CreateBucketConfiguration"] = json!({ "LocationConstraint": region });
        }
        self.call(region, "s3", "create_bucket", &request);
    }

    fn formation(&self, region: &str, operation: &str, parameters: &Value) -> Value {
        self.call(region, "cloudformation", operation, parameters)
    }
}
