//! What a plan doesn't do until somebody decides. Pure.

use super::super::observed::{ObservedStack, State};
use super::super::place::StackKey;
use super::super::settings::Mark;
use crate::fault::Fault;

pub(super) fn foreign(key: &StackKey, stack: &ObservedStack, mark: Option<&Mark>) -> Fault {
    let whose = match mark {
        None => "somebody else created it: it has no tag `logfleet:owner`".to_owned(),
        Some(mark) => format!(
            "it belongs to {} of the fleet `{}`",
            mark.cluster.as_deref().unwrap_or("the accounts"),
            mark.owner
        ),
    };
    let fault = Fault::new(
        key.to_string(),
        format!("a stack of this name exists, and {whose}"),
    );
    if stack.state() == State::Reviewed {
        return fault.hint(
            "it is only a change set that nobody executed; delete the stack if it isn't needed",
        );
    }
    fault.hint("delete or rename that stack; or, if this fleet should manage it, update it with the tags `logfleet:owner` and `logfleet:cluster`")
}

pub(super) fn protected(key: &StackKey) -> Fault {
    Fault::new(key.to_string(), "it is to be deleted, and is protected from deletion").hint(format!(
        "if it may go: aws cloudformation update-termination-protection --no-enable-termination-protection --region {} --stack-name {}",
        key.place.region, key.name
    ))
}

pub(super) fn busy(key: &StackKey, stack: &ObservedStack) -> Fault {
    Fault::new(
        key.to_string(),
        format!("an operation is in progress ({})", stack.status),
    )
    .hint("wait until it has ended, and run again")
}

pub(super) fn unknown(key: &StackKey, stack: &ObservedStack) -> Fault {
    let reason = stack
        .reason
        .as_deref()
        .map(Fault::quoting)
        .unwrap_or_default();
    Fault::new(
        key.to_string(),
        format!("its status is {}: {reason}", stack.status),
    )
    .hint("bring it to a status that ends with _COMPLETE, in the CloudFormation console")
}
