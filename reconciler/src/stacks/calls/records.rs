//! What was set by API, and what was before. Pure, but for [`Store`].
//!
//! One object in a bucket for each account and Region, which is only overwritten where nobody else did: a call is
//! recorded *before* it is made, so a run that is killed in between leaves a record of nothing, and never a setting
//! that nobody owns.

use std::collections::BTreeMap;

use logfleet_contract::members::When;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::place::Place;
use super::super::settings::RecordBucket;
use super::setting::{Current, Setting};
use crate::aws::{Accounts, AwsError, s3};

/// The format that this release writes, and the newest it reads.
pub const FORMAT: u64 = 1;

/// What was set by API in an account and Region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Records {
    /// The format.
    #[serde(rename = "logfleet_aws_records")]
    pub format: u64,
    /// By cluster, member and action.
    pub calls: BTreeMap<String, Record>,
}

impl Default for Records {
    fn default() -> Self {
        Self {
            format: FORMAT,
            calls: BTreeMap::new(),
        }
    }
}

/// A setting of ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The cluster that wants it.
    pub cluster: String,
    /// The member's ARN.
    pub member: String,
    /// Before or after stacks of members.
    pub when: When,
    /// When among others of the place; undoing goes the other way round.
    pub order: usize,
    /// What is set.
    pub setting: Setting,
    /// The parameters of the call that sets it.
    pub parameters: Value,
    /// What was set before.
    pub before: Current,
    /// Whether it was done; otherwise a run ended before it was.
    pub made: bool,
}

/// The bucket with the records of a fleet.
#[derive(Debug)]
pub struct Store<'a> {
    accounts: &'a Accounts,
    bucket: &'a RecordBucket,
    owner: &'a str,
}

/// Records as they were read, which nobody else may have changed when they are written again.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The records.
    pub records: Records,
    condition: s3::Condition,
}

impl<'a> Store<'a> {
    /// The records of a fleet.
    pub fn new(accounts: &'a Accounts, bucket: &'a RecordBucket, owner: &'a str) -> Self {
        Self {
            accounts,
            bucket,
            owner,
        }
    }

    fn key(&self, place: &Place) -> String {
        let prefix = &self.bucket.prefix;
        format!(
            "{prefix}logfleet/{}/{}/{}.json",
            self.owner, place.account, place.region
        )
    }

    /// Reads the records of a place.
    pub fn read(&self, place: &Place) -> Result<Kept, AwsError> {
        let aws = self.accounts.own(&self.bucket.region)?;
        let Some((bytes, etag)) = s3::get(&aws, &self.bucket.bucket, &self.key(place))? else {
            return Ok(Kept {
                records: Records::default(),
                condition: s3::Condition::Missing,
            });
        };
        let strange =
            |what: &dyn std::fmt::Display| AwsError::strange(&format!("records of {place}"), what);
        let records: Records = serde_json::from_slice(&bytes).map_err(|error| strange(&error))?;
        if records.format > FORMAT {
            return Err(strange(&format!(
                "they have format {}, and this release reads up to {FORMAT}",
                records.format
            )));
        }
        Ok(Kept {
            records,
            condition: s3::Condition::Unchanged(etag),
        })
    }

    /// Writes the records of a place, unless somebody else did since they were read.
    pub fn write(&self, place: &Place, kept: &mut Kept) -> Result<(), AwsError> {
        let aws = self.accounts.own(&self.bucket.region)?;
        let bytes = serde_json::to_vec_pretty(&kept.records)
            .map_err(|error| AwsError::strange(&format!("records of {place}"), &error))?;
        let written = s3::put(
            &aws,
            &self.bucket.bucket,
            &self.key(place),
            bytes,
            &kept.condition,
        );
        match written {
            Ok(etag) => kept.condition = s3::Condition::Unchanged(etag),
            // Perhaps it was we, and only the answer was lost.
            Err(error) if error.code() == "PreconditionFailed" => {
                let there = self.read(place)?;
                if there.records != kept.records {
                    return Err(error);
                }
                *kept = there;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
