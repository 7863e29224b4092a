//! Objects of Elasticsearch and OpenSearch, by the folder of their API, and what holds for data
//! streams. Pure.

use super::rows;
use crate::diff::risk::objects::{
    SERVER_OBJECT, STREAM_MAPPING, STREAM_RETENTION, STREAM_TEMPLATE,
};
use crate::diff::risk::row::{Live, Read, Row, When};
use crate::diff::risk::{mapping, privilege, retention};
use crate::settings::Flag;
use Live::{ByBoth, Is, Unsaid};
use Read::Value;
use When::{Becomes, Each, EachAmong, Gone};

const ROLES: &str = "/_security/role/|/_security/api/roles/";
const MAPPINGS: &str = "/_security/role_mapping/|/_security/api/rolesmapping/";
const USERS: &str = "/_security/user/|/_security/api/internalusers/";
const DATA_STREAMS: &str = "/_data_stream/";
const INDEX_TEMPLATES: &str = "/_index_template/";
/// What may have mappings in it, or say how long records are kept.
const TEMPLATES: &str = "/_component_template/|/_ilm/policy/|/_plugins/_ism/policies/";
/// Whatever else the server takes.
const OTHERS: &str = "/elasticsearch/";
const ALL: [&str; 7] = [
    ROLES,
    MAPPINGS,
    USERS,
    DATA_STREAMS,
    INDEX_TEMPLATES,
    TEMPLATES,
    OTHERS,
];

const STAYS: Live = Is("nothing deletes it: it stays until someone does");
const FROM_ROLLOVER: Live = Is(
    "existing indices refuse it; it applies from the next rollover on, and searches across old and new indices may fail",
);
const REFUSED_FROM_ROLLOVER: Live = Is(
    "it applies from the next rollover on; what is refused then is lost unless its shipper keeps it",
);

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
    SERVER_OBJECT => {
        "": Value, EachAmong(privilege::server::widened) => PrivilegeWidens, "{it}", Unsaid;
        "": Value, EachAmong(retention::of_file) => RetentionShrinks, "{it}", ByBoth(retention::live_of_file);
        "": Value, EachAmong(mapping::refused_by_indices) => MappingRejected, "{it}", FROM_ROLLOVER;
        "": Value, EachAmong(mapping::refused_records) => MappingRejected, "{it}", REFUSED_FROM_ROLLOVER;
    }
    DATA_STREAMS => {
        "": Value, Gone => StreamRemoved, "a data stream is no longer rendered",
            Is("nothing deletes it: its records stay until its current policy or someone deletes them");
    }
    INDEX_TEMPLATES => {
        "": Value, Gone => StreamRemoved, "an index template is no longer rendered", STAYS;
    }
    STREAM_TEMPLATE => {
        "": Value, Becomes("gone") => StreamRemoved,
            "an index template is no longer rendered ({some parts})", STAYS;
        "": Value, Becomes("matches others") => StreamRemoved,
            "an index template no longer matches all of its data streams ({some parts})",
            Is("their next index is made from whatever other template matches; without one the rollover fails");
    }
    STREAM_MAPPING => {
        "": Value, EachAmong(mapping::refused_by_indices) => MappingRejected,
            "{it} ({some parts})", FROM_ROLLOVER;
        "": Value, EachAmong(mapping::refused_records) => MappingRejected,
            "{it} ({some parts})", REFUSED_FROM_ROLLOVER;
    }
    STREAM_RETENTION => {
        "": Value, Each(retention::of_stream) => RetentionShrinks,
            "{it} ({some parts})", ByBoth(retention::live_of_stream);
    }
};

/// The folder of an object by its path, if a server takes it.
pub(in crate::diff::risk) fn folder_of(path: &str) -> Option<&'static str> {
    let mut folders = ALL.into_iter().flat_map(|kinds| kinds.split('|'));
    let is_of_server = path.starts_with("elasticsearch/");
    folders.find(|folder| is_of_server && (path.contains(folder) || *folder == OTHERS))
}
