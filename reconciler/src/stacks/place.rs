//! Where a stack is. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A Region of an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The account's number.
    pub account: String,
    /// The Region.
    pub region: String,
}

impl Place {
    /// Names a place.
    pub fn new(account: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            region: region.into(),
        }
    }

    /// Whether there can be such a place.
    pub fn is_valid(&self) -> bool {
        self.account.len() == 12
            && self.account.bytes().all(|byte| byte.is_ascii_digit())
            && logfleet_contract::partition::of_region(&self.region).is_some()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.region)
    }
}

/// What a stack is of; the order is that in which stacks are made, since later ones need what earlier ones made.
/// They are deleted in the opposite order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `_accounts/<account>/<region>/stack.json`.
    Account,
    /// `<cluster>/aws/<region>/stack.json`.
    Region,
    /// `<cluster>/machines/stack.json`.
    Machines,
    /// What hangs on members of all clusters of an account.
    AccountMembers,
    /// What hangs on members of a cluster.
    Members,
}

/// A stack: in AWS, a name is taken once in each place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StackKey {
    /// Where it is.
    pub place: Place,
    /// Its name.
    pub name: String,
}

impl fmt::Display for StackKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.place, self.name)
    }
}
