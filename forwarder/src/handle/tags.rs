//! The tags of log groups, which their events get as fields.
//!
//! A log group is asked for its tags once an hour, not for each call. What can't be read holds no event
//! back: it comes with the tags that were known before, or without any, which is counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use logfleet_contract::partition;

use super::Forwarder;
use crate::aws::logs;
use crate::deliver::Call;

/// How long the tags of a log group count, in milliseconds.
const FRESH: i64 = 60 * 60_000;

/// When they are read again after that failed.
const AGAIN: i64 = 5 * 60_000;

/// How long events wait for them.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tags by their keys.
pub type Tags = Arc<BTreeMap<String, String>>;

/// What is known of the tags of log groups, by their names.
#[derive(Debug, Default)]
pub struct KnownTags(BTreeMap<String, Known>);

#[derive(Clone, Debug)]
struct Known {
    tags: Tags,
    /// Whether they couldn't be read the last time.
    failed: bool,
    read_at: i64,
}

impl Known {
    fn counts(&self, now: i64) -> bool {
        now - self.read_at < if self.failed { AGAIN } else { FRESH }
    }
}

impl Forwarder {
    /// The tags of a log group that the configuration chooses.
    pub(super) async fn tags(&self, call: &mut Call<'_>, log_group: &str, now: i64) -> Tags {
        let chosen = &self.configuration.log_group_tags;
        if chosen.is_empty() {
            return Tags::default();
        }
        let mut known = self.tags.lock().await;
        let before = known.0.get(log_group);
        if let Some(before) = before.filter(|own| own.counts(now)) {
            if before.failed {
                call.counters().untagged += 1;
            }
            return Arc::clone(&before.tags);
        }
        let arn = self.arn(log_group);
        let read = match tokio::time::timeout(PATIENCE, logs::tags(&self.aws, &arn)).await {
            Ok(Ok(tags)) => Ok(tags),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("ListTagsForResource: no answer in time".to_owned()),
        };
        let failed = read.is_err();
        let tags = match read {
            Ok(mut tags) => {
                tags.retain(|key, _| chosen.contains(key));
                Tags::new(tags)
            }
            Err(error) => {
                call.counters().untagged += 1;
                call.counters()
                    .note(format!("tags of a log group can't be read: {error}"));
                before.map(|own| Arc::clone(&own.tags)).unwrap_or_default()
            }
        };
        let read = Known {
            tags: Arc::clone(&tags),
            failed,
            read_at: now,
        };
        known.0.insert(log_group.to_owned(), read);
        tags
    }

    /// The ARN of a log group that calls the function, which is in the function's account and Region.
    fn arn(&self, log_group: &str) -> String {
        let region = self.aws.region();
        let partition = partition::of_region(region).map_or("aws", |own| own.id);
        let account = &self.configuration.cluster.account;
        format!("arn:{partition}:logs:{region}:{account}:log-group:{log_group}")
    }
}
