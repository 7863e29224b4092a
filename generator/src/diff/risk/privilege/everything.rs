//! What is new at Elasticsearch and OpenSearch, and permits everything or is
//! for everybody. Pure.

use serde_json::Value as Json;

use super::grant::Grant;
use super::server::{INDICES, SERVER, grants};
use crate::diff::risk::values::{items, texts};
use crate::diff::risk::wording::{quoted, some_names};

/// Privileges on the whole server with which one may get all others
/// (<https://www.elastic.co/docs/reference/elasticsearch/security-privileges>,
/// <https://docs.opensearch.org/latest/security/access-control/default-action-groups/>).
const FAR: [&str; 5] = ["all", "*", "manage_security", "cluster_all", "unlimited"];

/// Roles that may do everything
/// (<https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth/built-in-roles>,
/// <https://docs.opensearch.org/latest/security/access-control/users-roles/#predefined-roles>).
const FAR_ROLES: [&str; 4] = ["superuser", "all_access", "security_manager", "admin"];

pub(super) fn of_new(path: &str, new: &Json) -> Option<String> {
    let mut parts = path.trim_end_matches(".json").rsplit('/');
    let (name, kind) = (parts.next()?, parts.next()?);
    match kind {
        "role" | "roles" => of_role(new),
        "user" | "internalusers" => of_user(new),
        "role_mapping" => of_mapping(new),
        "rolesmapping" => of_holders(name, new),
        _ => None,
    }
}

fn of_role(role: &Json) -> Option<String> {
    let grants = grants(role);
    let actions = |is_far: fn(&Grant) -> bool| -> Option<String> {
        let far = grants.iter().filter(|own| is_far(own));
        some_names(far.map(|own| &own[1]))
    };
    let on_server = actions(|own| own[0] == SERVER && FAR.contains(&own[1].as_str()));
    let everywhere = || actions(|own| own[0] == INDICES && own[2] == "*");
    match on_server {
        Some(far) => Some(format!("a new role may do {far} on the whole server")),
        None => everywhere().map(|far| format!("a new role may do {far} on every index")),
    }
}

fn of_user(user: &Json) -> Option<String> {
    if user.get("enabled") == Some(&Json::Bool(false)) {
        return None;
    }
    let roles = ["roles", "opendistro_security_roles", "backend_roles"];
    let roles = roles.iter().flat_map(|key| texts(user.get(key)));
    far_roles(roles).map(|roles| format!("a new user has the role {roles}"))
}

fn of_mapping(mapping: &Json) -> Option<String> {
    if mapping.get("enabled") == Some(&Json::Bool(false)) {
        return None;
    }
    let roles = texts(mapping.get("roles"));
    if mapping.get("rules").is_some_and(takes_everybody) {
        return Some(format!("everybody gets the role {}", quoted(&roles)));
    }
    far_roles(roles.into_iter()).map(|roles| format!("someone new gets the role {roles}"))
}

fn far_roles(roles: impl Iterator<Item = String>) -> Option<String> {
    let far = roles.filter(|role| FAR_ROLES.contains(&role.as_str()));
    let far: Vec<String> = far.collect();
    (!far.is_empty()).then(|| quoted(&far))
}

/// Rules of a mapping
/// (<https://www.elastic.co/docs/deploy-manage/users-roles/cluster-or-deployment-auth/role-mapping-resources>).
fn takes_everybody(rule: &Json) -> bool {
    if let Some(fields) = rule.get("field").and_then(Json::as_object) {
        return fields
            .values()
            .any(|value| texts(Some(value)).iter().any(|text| text == "*"));
    }
    let (any, all) = (items(rule, "any"), items(rule, "all"));
    any.iter().any(takes_everybody) || !all.is_empty() && all.iter().all(takes_everybody)
}

/// A mapping of OpenSearch, which is called as its role.
fn of_holders(role: &str, mapping: &Json) -> Option<String> {
    let keys = ["users", "backend_roles", "hosts"];
    let holders: Vec<String> = keys
        .iter()
        .flat_map(|key| texts(mapping.get(key)))
        .collect();
    if holders.iter().any(|holder| holder == "*") {
        return Some(format!("everybody gets the role {}", quoted([role])));
    }
    let is_far = FAR_ROLES.contains(&role) && !holders.is_empty();
    is_far.then(|| format!("someone new gets the role {}", quoted([role])))
}
