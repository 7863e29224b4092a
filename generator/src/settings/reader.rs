//! Who can read records on the servers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FieldName, FilterValue, Name, Principal, RoleArn};

/// A role that can read, and who has it, on every Elasticsearch and OpenSearch that its streams go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// The streams that it can read, `true` for each; if none is set, all of the cluster's.
    #[serde(default)]
    pub streams: BTreeMap<Name, bool>,
    /// Which of their records; if not set, all. Elasticsearch needs a paid licence for this.
    pub filter: Option<ReaderFilter>,
    /// Users who have the role, by their names on the server, `true` for each. Users in Elasticsearch's own realms,
    /// `native` and `file`, get their roles there, not from this.
    #[serde(default)]
    pub users: BTreeMap<Principal, bool>,
    /// Groups whose members have the role, `true` for each: from SAML, LDAP, OIDC or Active Directory, as the server
    /// receives them.
    #[serde(default)]
    pub groups: BTreeMap<Principal, bool>,
    /// IAM roles that have the role, `true` for each: on Amazon OpenSearch Service, which treats a caller's IAM role as
    /// a back-end role.
    #[serde(default)]
    pub iam_roles: BTreeMap<RoleArn, bool>,
}

/// Which records a reader sees: those with one of the values in a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReaderFilter {
    /// The field. In each of the reader's streams, it must be searchable as a whole: a keyword, a whole number or an IP
    /// address.
    pub field: FieldName,
    /// The values, `true` for each, as they are in records.
    #[schemars(extend("minProperties" = 1))]
    pub values: BTreeMap<FilterValue, bool>,
}
