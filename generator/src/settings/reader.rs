//! Who reads records at the servers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FieldName, FilterValue, Name, Principal, RoleArn};

/// A role that may read, and who has it: at every Elasticsearch and OpenSearch that its streams go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// The streams that it reads, `true` each; without any, all that the cluster feeds.
    #[serde(default)]
    pub streams: BTreeMap<Name, bool>,
    /// Which of their records; all without it. Elasticsearch does this with a paid licence only.
    pub filter: Option<ReaderFilter>,
    /// Users who have it, by the names that the server knows them by, `true` each. Users of Elasticsearch's own
    /// realms, `native` and `file`, have their roles there, and not by this.
    #[serde(default)]
    pub users: BTreeMap<Principal, bool>,
    /// Groups whose members have it, `true` each: of SAML, LDAP, OIDC or Active Directory, as the server gets them.
    #[serde(default)]
    pub groups: BTreeMap<Principal, bool>,
    /// IAM roles that have it, `true` each: on Amazon OpenSearch Service, which knows a caller's role as a back-end role.
    #[serde(default)]
    pub iam_roles: BTreeMap<RoleArn, bool>,
}

/// Which records a reader sees: those with one of the values in a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReaderFilter {
    /// The field, which must be searchable as a whole in every stream of the reader: a keyword, a whole number or an IP address.
    pub field: FieldName,
    /// The values, `true` each, as they stand in records.
    #[schemars(extend("minProperties" = 1))]
    pub values: BTreeMap<FilterValue, bool>,
}
