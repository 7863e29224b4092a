//! Objects of Elasticsearch and OpenSearch, by the folder of their API. Pure.

use super::rows;
use crate::diff::risk::row::{Live, Read, Row, When};
use crate::settings::Flag;
use Live::Is;
use Read::Value;
use When::Gone;

const ROLES: &str = "/_security/role/|/_security/api/roles/";
const MAPPINGS: &str = "/_security/role_mapping/|/_security/api/rolesmapping/";
const USERS: &str = "/_security/user/|/_security/api/internalusers/";
const DATA_STREAMS: &str = "/_data_stream/";
const STAYS: Live = Is("nothing deletes it: it stays until someone does");

pub(super) const ROWS: &[Row] = rows! {
    ROLES => {
        "": Value, Gone => RoleRemoved,
            "a role of Elasticsearch or OpenSearch is no longer rendered", STAYS;
    }
    MAPPINGS => {
        "": Value, Gone => RoleRemoved,
            "a role mapping of Elasticsearch or OpenSearch is no longer rendered", STAYS;
    }
    USERS => {
        "": Value, Gone => RoleRemoved,
            "a user of Elasticsearch or OpenSearch is no longer rendered", STAYS;
    }
    DATA_STREAMS => {
        "": Value, Gone => StreamRemoved, "a data stream is no longer rendered",
            Is("nothing deletes it: its records stay until its current policy or someone deletes them");
    }
};

/// The folder of an object by its path, if there are rows about it.
pub(in crate::diff::risk) fn folder_of(path: &str) -> Option<&'static str> {
    let kinds = [ROLES, MAPPINGS, USERS, DATA_STREAMS];
    let mut folders = kinds.into_iter().flat_map(|kinds| kinds.split('|'));
    folders.find(|folder| path.starts_with("elasticsearch/") && path.contains(folder))
}
