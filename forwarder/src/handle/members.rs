//! The members of the resource group, and those that left it lately: what is
//! said of a deleted volume comes after it is gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Forwarder, failed};
use crate::aws::groups;
use crate::deliver::Failed;
use crate::time::DAY;

/// Where they are kept.
const STATE: &str = "state/members.json";

/// How long a list counts.
const FRESH: i64 = 5 * 60_000;

/// How long a member that left is remembered.
const REMEMBERED: i64 = 7 * DAY;

/// How old a time may be that a member was seen at before it is written again.
const WRITTEN: i64 = DAY;

/// Members by what names them, with when they were seen last, in milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Members {
    names: Arc<BTreeMap<String, i64>>,
    arns: Arc<Vec<String>>,
    read_at: Option<i64>,
}

impl Members {
    /// Whether something is one.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// The members of today.
    pub fn arns(&self) -> &[String] {
        &self.arns
    }
}

/// What is known after a list was read: what was seen before and isn't too old, and what is there;
/// and whether it must be written.
fn merged(
    before: &BTreeMap<String, i64>,
    arns: &[String],
    now: i64,
) -> (BTreeMap<String, i64>, bool) {
    let mut names: BTreeMap<String, i64> = before
        .iter()
        .filter(|(_, seen)| now - **seen < REMEMBERED)
        .map(|(name, seen)| (name.clone(), *seen))
        .collect();
    let mut changed = names.len() != before.len();
    for name in arns.iter().flat_map(|arn| groups::names(arn)) {
        let seen = names.entry(name).or_insert(i64::MIN);
        if now.saturating_sub(*seen) > WRITTEN {
            *seen = now;
            changed = true;
        }
    }
    (names, changed)
}

impl Forwarder {
    /// The members, read again if what is known is old.
    pub(super) async fn members(&self, now: i64) -> Result<Members, Failed> {
        let mut members = self.members.lock().await;
        if members.read_at.is_some_and(|at| now - at < FRESH) {
            return Ok(members.clone());
        }
        let Some(group) = &self.configuration.resource_group else {
            return Ok(Members::default());
        };
        let before: BTreeMap<String, i64> = match members.read_at {
            Some(_) => (*members.names).clone(),
            None => self.state(STATE).await.map_err(|error| failed(&error))?,
        };
        let arns = groups::members(&self.aws, group).await;
        let arns = arns.map_err(|error| failed(&error))?;
        let (names, changed) = merged(&before, &arns, now);
        if changed {
            self.set_state(STATE, &names)
                .await
                .map_err(|error| failed(&error))?;
        }
        *members = Members {
            names: Arc::new(names),
            arns: Arc::new(arns),
            read_at: Some(now),
        };
        Ok(members.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_left_is_remembered_for_a_week() {
        let arn = |id: &str| format!("arn:aws:ec2:eu-central-1:1:volume/{id}");
        let (first, changed) = merged(&BTreeMap::new(), &[arn("vol-1"), arn("vol-2")], 0);
        assert!(changed);
        let (second, changed) = merged(&first, &[arn("vol-1")], FRESH);
        assert_eq!((&second, changed), (&first, false));
        let (third, changed) = merged(&second, &[arn("vol-1")], 2 * DAY);
        assert!(changed && third["vol-1"] == 2 * DAY && third["vol-2"] == 0);
        let (fourth, changed) = merged(&third, &[arn("vol-1")], REMEMBERED);
        assert!(changed && !fourth.contains_key("vol-2"));
    }
}
