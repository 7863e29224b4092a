//! What CloudFormation says of stacks, and what can be done in each state. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::place::{Place, StackKey};
use super::settings::Mark;
use super::template::DIGEST_OUTPUT;
use crate::aws::{AwsError, Element};
use crate::fault::Fault;

/// How the names of all of our stacks begin.
pub const PREFIX: &str = "logfleet-";

/// What was observed of stacks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The stacks.
    pub stacks: BTreeMap<StackKey, ObservedStack>,
    /// The places that were looked at.
    pub places: BTreeSet<Place>,
    /// Stacks that exist only as somebody's change set, whose mark is in that.
    pub reviewed: BTreeMap<StackKey, Option<Mark>>,
    /// Accounts of which something couldn't be read, with the reason: nothing is done there.
    pub unread: BTreeMap<String, Fault>,
}

impl Observed {
    /// Notes that something couldn't be read.
    pub fn miss(&mut self, place: &Place, error: &AwsError) {
        let fault = error.fault(place.to_string());
        self.unread.entry(place.account.clone()).or_insert(fault);
    }
}

/// A stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedStack {
    /// Its id, which differs from that of an earlier stack of the same name.
    pub id: String,
    /// Its status.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
    /// Whose it is.
    pub mark: Option<Mark>,
    /// The digest of the template that was deployed last.
    pub digest: Option<String>,
    /// When something was begun with it last.
    pub begun: Option<String>,
    /// Names that it exports.
    pub exports: BTreeSet<String>,
    /// Whether it is protected from deletion.
    pub protected: bool,
    /// Whether it is a part of another stack.
    pub nested: bool,
}

impl ObservedStack {
    /// Reads a stack of an answer to `DescribeStacks`.
    pub fn read(stack: &Element) -> (String, Self) {
        let tags: BTreeMap<String, String> = stack
            .list("Tags")
            .map(|tag| (tag.string_of("Key"), tag.string_of("Value")))
            .collect();
        let digest = stack
            .list("Outputs")
            .find(|output| output.text_of("OutputKey") == Some(DIGEST_OUTPUT))
            .and_then(|output| output.text_of("OutputValue"));
        let exports = stack
            .list("Outputs")
            .filter_map(|output| output.text_of("ExportName"));
        let own = Self {
            id: stack.string_of("StackId"),
            status: stack.string_of("StackStatus"),
            reason: stack.text_of("StackStatusReason").map(ToOwned::to_owned),
            mark: Mark::of(&tags),
            digest: digest.map(ToOwned::to_owned),
            begun: stack
                .text_of("DeletionTime")
                .or_else(|| stack.text_of("LastUpdatedTime"))
                .map(ToOwned::to_owned),
            exports: exports.map(ToOwned::to_owned).collect(),
            protected: stack.text_of("EnableTerminationProtection") == Some("true"),
            nested: stack.text_of("ParentId").is_some(),
        };
        (stack.string_of("StackName"), own)
    }

    /// What can be done with it.
    pub fn state(&self) -> State {
        State::of(&self.status)
    }
}

/// What can be done with a stack, by its status
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can be changed.
    Settled,
    /// Something is being done with it.
    Busy,
    /// There is only a change set that nobody executed.
    Reviewed,
    /// It was never made whole, and can only be deleted.
    Unmade,
    /// A change failed, and its undoing as well.
    HalfUndone,
    /// It was to be deleted, and something of it couldn't be.
    HalfDeleted,
    /// It is gone.
    Gone,
    /// Resources were to be imported into it, and that failed half-way; or the status is new.
    Unknown,
}

impl State {
    fn of(status: &str) -> Self {
        match status {
            "CREATE_COMPLETE"
            | "UPDATE_COMPLETE"
            | "UPDATE_ROLLBACK_COMPLETE"
            | "UPDATE_FAILED"
            | "IMPORT_COMPLETE"
            | "IMPORT_ROLLBACK_COMPLETE" => Self::Settled,
            "REVIEW_IN_PROGRESS" => Self::Reviewed,
            "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" => Self::Unmade,
            "UPDATE_ROLLBACK_FAILED" => Self::HalfUndone,
            "DELETE_FAILED" => Self::HalfDeleted,
            "DELETE_COMPLETE" => Self::Gone,
            other if other.ends_with("_IN_PROGRESS") => Self::Busy,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_read() {
        let text = b"<member><StackName>logfleet-a-aws</StackName><StackId>arn:1</StackId><StackStatus>UPDATE_COMPLETE</StackStatus>
<EnableTerminationProtection>true</EnableTerminationProtection>
<Outputs><member><OutputKey>LogfleetDigest</OutputKey><OutputValue>ab</OutputValue></member>
<member><OutputKey>Id</OutputKey><OutputValue>1</OutputValue><ExportName>logfleet-a-id</ExportName></member></Outputs>
<Tags><member><Key>logfleet:owner</Key><Value>example</Value></member><member><Key>logfleet:cluster</Key><Value>a</Value></member></Tags></member>";
        let (name, stack) = ObservedStack::read(&Element::parse(text).expect("XML"));
        assert_eq!(name, "logfleet-a-aws");
        assert_eq!(stack.digest.as_deref(), Some("ab"));
        assert_eq!(stack.exports, BTreeSet::from(["logfleet-a-id".to_owned()]));
        assert!(stack.protected && !stack.nested);
        assert_eq!(stack.state(), State::Settled);
        let cluster = stack.mark.and_then(|mark| mark.cluster);
        assert_eq!(cluster.as_deref(), Some("a"));
    }

    #[test]
    fn every_status_of_aws_has_a_state() {
        for (status, state) in [
            ("CREATE_IN_PROGRESS", State::Busy),
            ("CREATE_FAILED", State::Unmade),
            ("CREATE_COMPLETE", State::Settled),
            ("ROLLBACK_IN_PROGRESS", State::Busy),
            ("ROLLBACK_FAILED", State::Unmade),
            ("ROLLBACK_COMPLETE", State::Unmade),
            ("DELETE_IN_PROGRESS", State::Busy),
            ("DELETE_FAILED", State::HalfDeleted),
            ("DELETE_COMPLETE", State::Gone),
            ("UPDATE_IN_PROGRESS", State::Busy),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", State::Busy),
            ("UPDATE_COMPLETE", State::Settled),
            ("UPDATE_FAILED", State::Settled),
            ("UPDATE_ROLLBACK_IN_PROGRESS", State::Busy),
            ("UPDATE_ROLLBACK_FAILED", State::HalfUndone),
            ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", State::Busy),
            ("UPDATE_ROLLBACK_COMPLETE", State::Settled),
            ("REVIEW_IN_PROGRESS", State::Reviewed),
            ("IMPORT_IN_PROGRESS", State::Busy),
            ("IMPORT_COMPLETE", State::Settled),
            ("IMPORT_ROLLBACK_IN_PROGRESS", State::Busy),
            ("IMPORT_ROLLBACK_FAILED", State::Unknown),
            ("IMPORT_ROLLBACK_COMPLETE", State::Settled),
            ("SOMETHING_NEW", State::Unknown),
        ] {
            assert_eq!(State::of(status), state, "{status}");
        }
    }
}
