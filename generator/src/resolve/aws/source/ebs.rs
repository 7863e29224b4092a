//! Volumes and snapshots: events by EventBridge.

use logfleet_contract::forwarder::LogGroup;

use super::{SourceOfAws, Way};
use crate::resolve::Identity;
use crate::resolve::aws::resolved::WriterKind;
use crate::settings::Ebs;

impl SourceOfAws for Ebs {
    fn log_groups<'s>(&'s self, cluster: &'s Identity) -> Vec<Option<Way<'s>>> {
        vec![Some(Way::own(
            "ebs",
            &cluster.region,
            Some(WriterKind::Events),
        ))]
    }

    fn tell(&self, log_group: &mut LogGroup) {
        // Events carry ids, not tags, so other clusters' come, too.
        log_group.members_only = true;
    }
}
