//! What resources of AWS let others do besides policies: functions, buckets,
//! roles, and where logs and code come from and go to. Pure.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::super::Flag;
use super::super::change::{Change, Found, legible, names, text, texts};
use super::super::parts::Reported;
use super::account;

/// Tells something of one resource.
type Tell<'t> = dyn FnMut(String) + 't;

pub(super) fn check(change: &Change<'_>, found: &mut Found) {
    let mut reported = Reported::new(Flag::PrivilegeWidens);
    for resource in change.resources() {
        let Some(new) = resource.new else {
            continue;
        };
        let old = resource.both().map(|(old, _)| old);
        let mut tell = |what: String| reported.push(what, resource.id);
        check_managed(old, new, &mut tell);
        check_targets(change, old, new, &mut tell);
        match text(new, "/Type") {
            "AWS::Lambda::Permission" => check_callers(change, old, new, &mut tell),
            "AWS::Lambda::Url" => check_url(old, new, &mut tell),
            "AWS::Lambda::Function" => check_code(old, new, &mut tell),
            "AWS::S3::Bucket" => check_bucket(old, new, &mut tell),
            _ => {}
        }
    }
    reported.finish(found);
}

fn property<'t>(resource: &'t Json, name: &str) -> Option<&'t Json> {
    resource.get("Properties")?.get(name)
}

/// Policies of AWS that permit everything, or everything with a service, by
/// their names' ends
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_job-functions.html>).
const FAR_POLICIES: [&str; 3] = ["AdministratorAccess", "PowerUserAccess", "FullAccess"];

fn check_managed(old: Option<&Json>, new: &Json, tell: &mut Tell<'_>) {
    let list = |resource: &Json| texts(property(resource, "ManagedPolicyArns"));
    let before = old.map(list);
    let is_far = |arn: &String| FAR_POLICIES.iter().any(|name| arn.ends_with(name));
    let more: Vec<String> = list(new)
        .into_iter()
        .filter(|arn| match &before {
            Some(before) => !before.contains(arn),
            None => is_far(arn),
        })
        .map(|arn| format!("`{}`", arn.rsplit('/').next().unwrap_or_default()))
        .collect();
    if !more.is_empty() {
        let what = format!("a role gets the managed policy {}", names(&more));
        tell(what);
    }
    let boundary = |resource: &Json| property(resource, "PermissionsBoundary").cloned();
    if let Some(before) = old.and_then(boundary)
        && boundary(new).as_ref() != Some(&before)
    {
        let what = match boundary(new) {
            None => "nothing bounds any more what a role may get",
            Some(_) => "another policy bounds what a role may get",
        };
        tell(what.to_owned());
    }
}

/// Properties that say where logs go.
const TARGETS: [&str; 4] = [
    "DestinationArn",
    "DestinationResourceArn",
    "LogDestination",
    "TargetArn",
];

fn check_targets(change: &Change<'_>, old: Option<&Json>, new: &Json, tell: &mut Tell<'_>) {
    let others: BTreeSet<String> = TARGETS
        .iter()
        .filter_map(|name| {
            let target = property(new, name)?;
            let before = old.and_then(|old| property(old, name));
            (before != Some(target)).then(|| account::others(change, &target.to_string()))
        })
        .flatten()
        .collect();
    if !others.is_empty() {
        let what = format!("logs go to another account: {}", names(&others));
        tell(what);
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html>
fn check_callers(change: &Change<'_>, old: Option<&Json>, new: &Json, tell: &mut Tell<'_>) {
    let principal = text(new, "/Properties/Principal");
    let limits = ["SourceArn", "SourceAccount", "PrincipalOrgID"];
    let is_limited = |resource: &Json| limits.iter().any(|name| property(resource, name).is_some());
    let is_new = old.is_none_or(|old| text(old, "/Properties/Principal") != principal);
    let lost = |name: &str| {
        old.is_some_and(|old| property(old, name).is_some()) && property(new, name).is_none()
    };
    let others = account::others(change, principal);
    let what = if is_new && principal == "*" && !is_limited(new) {
        "everybody may call a function".to_owned()
    } else if is_new && !others.is_empty() {
        format!("another account may call a function: {}", names(&others))
    } else if is_new && old.is_some() {
        format!(
            "another principal may call a function: {}",
            legible(principal)
        )
    } else if limits.iter().any(|name| lost(name)) {
        "a function may be called on behalf of others".to_owned()
    } else {
        return;
    };
    tell(what);
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>
fn check_url(old: Option<&Json>, new: &Json, tell: &mut Tell<'_>) {
    let is_open = |resource: &Json| text(resource, "/Properties/AuthType") == "NONE";
    if is_open(new) && !old.is_some_and(is_open) {
        let what = "everybody may call a function by its address, which asks for nothing";
        tell(what.to_owned());
    }
}

/// Whoever may write to that bucket says what runs.
fn check_code(old: Option<&Json>, new: &Json, tell: &mut Tell<'_>) {
    let Some(old) = old else {
        return;
    };
    for name in ["S3Bucket", "ImageUri"] {
        let source = |resource: &Json| {
            let value = property(resource, "Code").and_then(|code| code.get(name));
            texts(value)
                .first()
                .map(|source| repository(source).to_owned())
        };
        if let (Some(before), Some(after)) = (source(old), source(new))
            && before != after
        {
            let what = format!(
                "a function's code comes from {} instead of {}",
                legible(&after),
                legible(&before)
            );
            tell(what);
        }
    }
}

/// An image without its tag and digest; anything else as it is.
fn repository(source: &str) -> &str {
    let name = source.split('@').next().unwrap_or_default();
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') && !name.starts_with('{') => repository,
        _ => name,
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>
fn check_bucket(old: Option<&Json>, new: &Json, tell: &mut Tell<'_>) {
    let acl = |resource: &Json| text(resource, "/Properties/AccessControl").to_owned();
    let is_wide = |acl: &str| acl.starts_with("Public") || acl == "AuthenticatedRead";
    if is_wide(&acl(new)) && !old.is_some_and(|old| is_wide(&acl(old))) {
        let what = "a bucket is readable by everybody";
        tell(what.to_owned());
    }
    let Some(old) = old else {
        return;
    };
    let blocks = property(old, "PublicAccessBlockConfiguration").and_then(Json::as_object);
    let still = property(new, "PublicAccessBlockConfiguration");
    let is_lost = |(name, value): (&String, &Json)| {
        let kept = still.and_then(|still| still.get(name));
        is_yes(value) && !kept.is_some_and(is_yes)
    };
    if blocks.into_iter().flatten().any(is_lost) {
        let what = "a bucket may be made public";
        tell(what.to_owned());
    }
    let owner = |resource: &Json| {
        let at = "/Properties/OwnershipControls/Rules/0/ObjectOwnership";
        text(resource, at).to_owned()
    };
    if owner(old) == "BucketOwnerEnforced" && owner(new) != "BucketOwnerEnforced" {
        let what = "objects of a bucket may belong to others, who say who reads them";
        tell(what.to_owned());
    }
}

fn is_yes(value: &Json) -> bool {
    value == true || value == "true"
}
