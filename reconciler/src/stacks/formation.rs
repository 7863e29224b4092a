//! The calls of CloudFormation. IO.

use std::collections::BTreeMap;

use logfleet_contract::secrets::{Secrecy, secrecy};
use serde_json::Value;

use super::observed::ObservedStack;
use super::settings::Mark;
use crate::aws::{Aws, AwsError, Element, Form};
use crate::plan::{PropertyChange, ResourceChange, fit_to_show};

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/Welcome.html>
const VERSION: &str = "2010-05-15";

/// The name of our change sets: one for a stack, so that plans that nobody applies don't pile up.
pub const CHANGE_SET: &str = "logfleet-reconciler";

/// What stands for a value that may be a secret.
const HIDDEN: &str = "***";

/// CloudFormation in one account and Region.
#[derive(Clone, Debug)]
pub struct Formation {
    aws: Aws,
}

/// A template on its way.
#[derive(Clone, Debug)]
pub enum Body<'t> {
    /// In the request.
    Text(&'t str),
    /// In a bucket.
    Url(String),
}

/// A change set that is to be made.
#[derive(Clone, Debug)]
pub struct Proposal<'t> {
    /// The stack's name.
    pub stack: &'t str,
    /// Whether the stack is new.
    pub is_new: bool,
    /// Its template.
    pub body: Body<'t>,
    /// What it is marked with.
    pub mark: &'t Mark,
    /// As what CloudFormation works.
    pub role: Option<String>,
    /// Whether resources are compared with what they really are.
    pub drift: bool,
    /// What makes a request known when it is sent twice.
    pub token: String,
}

/// A change set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// Its status.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// Whether it can be executed.
    pub execution: String,
    /// Whose the stack will be.
    pub mark: Option<Mark>,
    /// What becomes of resources.
    pub changes: Vec<ResourceChange>,
}

impl ChangeSet {
    /// Whether CloudFormation still works at it.
    pub fn is_unfinished(&self) -> bool {
        self.status.ends_with("_PENDING") || self.status.ends_with("_IN_PROGRESS")
    }

    /// Whether there is nothing to change. CloudFormation says so by failing
    /// (<https://github.com/aws/aws-cli/blob/develop/awscli/customizations/cloudformation/deployer.py>).
    pub fn is_empty(&self) -> bool {
        let says = |text: &str| {
            self.reason
                .as_deref()
                .is_some_and(|reason| reason.contains(text))
        };
        self.status == "FAILED"
            && (says("didn't contain changes")
                || says("No updates are to be performed")
                || says("doesn't contain changes"))
    }
}

/// Something that happened to a stack's resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The resource.
    pub logical_id: String,
    /// Its type.
    pub kind: String,
    /// Its status.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// By which request it happened.
    pub token: Option<String>,
}

impl Formation {
    /// CloudFormation as an account.
    pub fn new(aws: Aws) -> Self {
        Self { aws }
    }

    fn call(&self, action: &str, form: Form) -> Result<Element, AwsError> {
        let answer = self.aws.query("cloudformation", action, VERSION, form)?;
        let result = answer.child(&format!("{action}Result")).cloned();
        Ok(result.unwrap_or(answer))
    }

    /// All stacks, a page at a time.
    pub fn stacks(&self) -> Result<Vec<(String, ObservedStack)>, AwsError> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let answer = self.call(
                "DescribeStacks",
                Form::default().with_any("NextToken", token),
            )?;
            found.extend(answer.list("Stacks").map(ObservedStack::read));
            match answer.text_of("NextToken") {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(found),
            }
        }
    }

    /// A stack by its id, by which one that was deleted is found as well; by its name, it isn't.
    pub fn stack(&self, id: &str) -> Result<Option<ObservedStack>, AwsError> {
        match self.call("DescribeStacks", Form::default().with("StackName", id)) {
            Ok(answer) => Ok(answer
                .list("Stacks")
                .next()
                .map(|own| ObservedStack::read(own).1)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The template of a stack, as it was sent.
    pub fn template(&self, stack: &str) -> Result<Value, AwsError> {
        const ACTION: &str = "GetTemplate";
        let answer = self.call(
            ACTION,
            Form::default()
                .with("StackName", stack)
                .with("TemplateStage", "Original"),
        )?;
        let text = answer.text_of("TemplateBody").unwrap_or("{}");
        serde_json::from_str(text)
            .map_err(|_| AwsError::strange(ACTION, &"the template isn't JSON"))
    }

    /// Makes a change set, and returns its id and the stack's.
    pub fn propose(&self, proposal: &Proposal<'_>) -> Result<(String, String), AwsError> {
        const ACTION: &str = "CreateChangeSet";
        let mut form = Form::default()
            .with("StackName", proposal.stack)
            .with("ChangeSetName", CHANGE_SET)
            .with(
                "ChangeSetType",
                if proposal.is_new { "CREATE" } else { "UPDATE" },
            )
            .with("ClientToken", &proposal.token)
            .with("Capabilities.member.1", "CAPABILITY_NAMED_IAM")
            // A resource that exists is somebody's: it is told, never taken over.
            .with("ImportExistingResources", "false")
            .with_any("RoleARN", proposal.role.as_deref())
            .with_tags(proposal.mark.tags());
        form = match &proposal.body {
            Body::Text(text) => form.with("TemplateBody", *text),
            Body::Url(url) => form.with("TemplateURL", url),
        };
        if proposal.is_new {
            // Nothing is left of a stack that couldn't be made, so that the next run makes it.
            form = form.with("OnStackFailure", "DELETE");
        } else if proposal.drift {
            form = form.with("DeploymentMode", "REVERT_DRIFT");
        }
        let answer = self.call(ACTION, form)?;
        let text = |name: &str| {
            let text = answer.text_of(name).map(ToOwned::to_owned);
            text.ok_or_else(|| AwsError::strange(ACTION, &format!("the answer has no {name}")))
        };
        Ok((text("Id")?, text("StackId")?))
    }

    /// A change set by its id, with all of its pages; none if it is gone.
    pub fn change_set(&self, id: &str, stack: Option<&str>) -> Result<Option<ChangeSet>, AwsError> {
        let mut whole: Option<ChangeSet> = None;
        let mut token: Option<String> = None;
        loop {
            let form = Form::default()
                .with("ChangeSetName", id)
                .with_any("StackName", stack)
                .with("IncludePropertyValues", "true")
                .with_any("NextToken", token.as_deref());
            let answer = match self.call("DescribeChangeSet", form) {
                Ok(answer) => answer,
                Err(error) if error.is_missing() => return Ok(None),
                Err(error) => return Err(error),
            };
            let changes = answer
                .list("Changes")
                .filter_map(|change| change.child("ResourceChange"));
            let changes = changes.map(read_change);
            if let Some(whole) = &mut whole {
                whole.changes.extend(changes);
            } else {
                let tags = answer
                    .list("Tags")
                    .map(|tag| (tag.string_of("Key"), tag.string_of("Value")));
                whole = Some(ChangeSet {
                    status: answer.string_of("Status"),
                    reason: answer.text_of("StatusReason").map(ToOwned::to_owned),
                    execution: answer.string_of("ExecutionStatus"),
                    mark: Mark::of(&tags.collect()),
                    changes: changes.collect(),
                });
            }
            match answer.text_of("NextToken") {
                Some(next) => token = Some(next.to_owned()),
                None => break,
            }
        }
        if let Some(whole) = &mut whole {
            whole.changes.sort();
        }
        Ok(whole)
    }

    /// Removes a change set; one that isn't there is fine.
    pub fn withdraw(&self, stack: &str, name: &str) -> Result<(), AwsError> {
        let form = Form::default()
            .with("ChangeSetName", name)
            .with("StackName", stack);
        match self.call("DeleteChangeSet", form) {
            Ok(_) => Ok(()),
            Err(error) if error.is_missing() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Executes a change set.
    pub fn execute(&self, id: &str, token: &str) -> Result<(), AwsError> {
        let form = Form::default()
            .with("ChangeSetName", id)
            .with("ClientRequestToken", token);
        self.call("ExecuteChangeSet", form).map(drop)
    }

    /// Deletes a stack, by its id, so that another one of the same name isn't meant.
    pub fn delete(&self, id: &str, token: &str) -> Result<(), AwsError> {
        let form = Form::default()
            .with("StackName", id)
            .with("ClientRequestToken", token);
        self.call("DeleteStack", form).map(drop)
    }

    /// Goes on with the undoing of a change.
    pub fn continue_rollback(&self, id: &str, token: &str) -> Result<(), AwsError> {
        let form = Form::default()
            .with("StackName", id)
            .with("ClientRequestToken", token);
        self.call("ContinueUpdateRollback", form).map(drop)
    }

    /// The newest events of a stack, the newest first.
    pub fn events(&self, id: &str) -> Result<Vec<Event>, AwsError> {
        let answer = self.call("DescribeStackEvents", Form::default().with("StackName", id))?;
        let read = |event: &Element| Event {
            logical_id: event.string_of("LogicalResourceId"),
            kind: event.string_of("ResourceType"),
            status: event.string_of("ResourceStatus"),
            reason: event.text_of("ResourceStatusReason").map(ToOwned::to_owned),
            token: event.text_of("ClientRequestToken").map(ToOwned::to_owned),
        };
        Ok(answer.list("StackEvents").map(read).collect())
    }
}

/// Reads what becomes of a resource.
fn read_change(change: &Element) -> ResourceChange {
    let mut properties: BTreeMap<String, PropertyChange> = BTreeMap::new();
    let targets = change
        .list("Details")
        .filter_map(|detail| detail.child("Target"));
    for target in targets {
        let read = read_property(target);
        let at = read.at.clone();
        // A property has a detail for each reason that it changes for; not every one says the values.
        let own = properties.entry(at.clone()).or_default();
        own.at = at;
        own.replaces |= read.replaces;
        own.from = own.from.take().or(read.from);
        own.to = own.to.take().or(read.to);
    }
    let text = |name: &str| change.text_of(name).map(ToOwned::to_owned);
    let drift = text("ResourceDriftStatus")
        .filter(|status| matches!(status.as_str(), "MODIFIED" | "DELETED"));
    let ignored = change
        .list("ResourceDriftIgnoredAttributes")
        .map(|own| format!("{}: {}", own.string_of("Path"), own.string_of("Reason")));
    ResourceChange {
        logical_id: change.string_of("LogicalResourceId"),
        kind: change.string_of("ResourceType"),
        action: change.string_of("Action"),
        physical_id: text("PhysicalResourceId"),
        replacement: text("Replacement").filter(|replacement| replacement != "False"),
        properties: properties.into_values().collect(),
        drift,
        ignored_drift: ignored.collect(),
    }
}

fn read_property(target: &Element) -> PropertyChange {
    let path = target
        .text_of("Path")
        .map(|path| path.trim_start_matches('/'));
    let name = || {
        let parts = [target.text_of("Attribute"), target.text_of("Name")];
        parts.into_iter().flatten().collect::<Vec<_>>().join("/")
    };
    let path = path.map_or_else(name, ToOwned::to_owned);
    let value = |name: &str| {
        let text = target.text_of(name)?;
        // Of what is really there, somebody else may have written a secret into any variable.
        let source = target.text_of(&format!("{name}From"));
        let is_variable = path.split('/').any(|part| part == "Environment");
        let is_secret = path.split('/').any(|part| secrecy(part) != Secrecy::None);
        Some(
            if is_secret || (is_variable && source == Some("ACTUAL_STATE")) {
                HIDDEN.to_owned()
            } else {
                fit_to_show(text, &Value::from(text))
            },
        )
    };
    PropertyChange {
        from: value("BeforeValue"),
        to: value("AfterValue"),
        replaces: matches!(
            target.text_of("RequiresRecreation"),
            Some("Always" | "Conditionally")
        ),
        at: path.replace('/', "."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_but_secrets() {
        let read = |path: &str, more: &str| {
            let text = format!(
                "<Target><Attribute>Properties</Attribute><Path>/Properties/{path}</Path><BeforeValue>one</BeforeValue><AfterValue>canary</AfterValue>{more}</Target>"
            );
            let read = read_property(&Element::parse(text.as_bytes()).expect("XML"));
            (read.from, read.to)
        };
        let some = |from: &str, to: &str| (Some(from.to_owned()), Some(to.to_owned()));
        assert_eq!(read("Timeout", ""), some("one", "canary"));
        assert_eq!(read("Environment/Variables/A", ""), some("one", "canary"));
        assert_eq!(
            read("Environment/Variables/PASSWORD", ""),
            some("***", "***")
        );
        assert_eq!(read("MasterUserPassword", ""), some("***", "***"));
        let actual = "<BeforeValueFrom>ACTUAL_STATE</BeforeValueFrom>";
        assert_eq!(read("Timeout", actual), some("one", "canary"));
        assert_eq!(
            read("Environment/Variables/A", actual),
            some("***", "canary")
        );
        let long = "x".repeat(1000);
        let text = format!("<Target><Path>/A</Path><AfterValue>{long}</AfterValue></Target>");
        let read = read_property(&Element::parse(text.as_bytes()).expect("XML"));
        assert!(read.to.is_some_and(|to| to.len() < 300));
        assert_eq!(read.from, None);
    }

    #[test]
    fn a_change_is_read_with_what_it_replaces() {
        let text = b"<ResourceChange><Action>Modify</Action><LogicalResourceId>F</LogicalResourceId><PhysicalResourceId>f-1</PhysicalResourceId>
<ResourceType>AWS::Lambda::Function</ResourceType><Replacement>True</Replacement><ResourceDriftStatus>MODIFIED</ResourceDriftStatus>
<Details><member><Target><Attribute>Properties</Attribute><Name>Timeout</Name><Path>/Properties/Timeout</Path><BeforeValue>3</BeforeValue><AfterValue>30</AfterValue></Target></member>
<member><Target><Attribute>Properties</Attribute><Name>Timeout</Name><Path>/Properties/Timeout</Path></Target></member>
<member><Target><Attribute>Properties</Attribute><Name>FunctionName</Name><RequiresRecreation>Always</RequiresRecreation></Target></member></Details>
<ResourceDriftIgnoredAttributes><member><Path>/Properties/Code</Path><Reason>WRITE_ONLY_PROPERTY</Reason></member></ResourceDriftIgnoredAttributes></ResourceChange>";
        let change = read_change(&Element::parse(text).expect("XML"));
        let property =
            |at: &str, replaces: bool, from: Option<&str>, to: Option<&str>| PropertyChange {
                at: at.to_owned(),
                replaces,
                from: from.map(ToOwned::to_owned),
                to: to.map(ToOwned::to_owned),
            };
        assert_eq!(
            change.properties,
            [
                property("Properties.FunctionName", true, None, None),
                property("Properties.Timeout", false, Some("3"), Some("30"))
            ]
        );
        assert_eq!(change.replacement.as_deref(), Some("True"));
        assert_eq!(change.drift.as_deref(), Some("MODIFIED"));
        assert_eq!(
            change.ignored_drift,
            ["/Properties/Code: WRITE_ONLY_PROPERTY"]
        );
    }

    #[test]
    fn a_change_set_without_changes_is_no_failure() {
        let of = |status: &str, reason: &str| ChangeSet {
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            execution: "UNAVAILABLE".to_owned(),
            mark: None,
            changes: Vec::new(),
        };
        assert!(of("FAILED", "The submitted information didn't contain changes. Submit different information to create a change set.").is_empty());
        assert!(of("FAILED", "No updates are to be performed.").is_empty());
        assert!(!of("FAILED", "Template error").is_empty());
        assert!(of("CREATE_IN_PROGRESS", "").is_unfinished());
    }
}
