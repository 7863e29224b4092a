//! What the reconciler's roles may do: the calls of [`CALLS`], on what they are made, and nothing more. Pure.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::aws_calls::{CALLS, Caller, Listed, On};
use serde::Serialize;

/// A statement of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// Its id.
    pub sid: String,
    /// The actions, sorted.
    pub actions: BTreeSet<String>,
    /// On what, as `Fn::Sub` reads it; `*` for everything.
    pub resources: BTreeSet<String>,
}

/// What stands for the settings in the table.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub assumed_role: Option<String>,
    pub cloudformation_role: Option<String>,
    pub templates: Option<String>,
    pub records: Option<String>,
    pub has_stacks: bool,
    pub has_stores: bool,
    /// Names or ARNs of secrets.
    pub secrets: BTreeSet<String>,
    /// Roles that are assumed to sign in at domains.
    pub domain_roles: BTreeSet<String>,
    /// ARNs of domains that the reconciler signs in at as itself.
    pub domains: BTreeSet<String>,
}

/// What the reconciler's own role may do: everything, if it assumes no other.
pub(super) fn of_own(names: &Names) -> Vec<Statement> {
    let is_alone = names.assumed_role.is_none();
    statements(names, |caller| is_alone || caller == Caller::Own)
}

/// What the role in each account may do.
pub(super) fn of_account(names: &Names) -> Vec<Statement> {
    if names.assumed_role.is_none() {
        return Vec::new();
    }
    statements(names, |caller| caller != Caller::Own)
}

fn statements(names: &Names, is_for: impl Fn(Caller) -> bool) -> Vec<Statement> {
    let mut found: BTreeMap<BTreeSet<String>, Statement> = BTreeMap::new();
    for own in CALLS.iter().filter(|own| is_for(own.caller)) {
        let Some(resources) = names.resources(own) else {
            continue;
        };
        let statement = found.entry(resources.clone()).or_insert_with(|| Statement {
            sid: format!("{:?}", own.on),
            actions: BTreeSet::new(),
            resources,
        });
        statement
            .actions
            .insert(format!("{}:{}", own.service, own.action));
    }
    found.into_values().collect()
}

impl Names {
    /// On what a call is allowed; none if these settings make no such call.
    fn resources(&self, call: &Listed) -> Option<BTreeSet<String>> {
        let is_made = match call.caller {
            Caller::Own => true,
            Caller::Account => self.has_stacks,
            Caller::Store => self.has_stores,
        };
        if !is_made {
            return None;
        }
        let own = match call.on {
            On::DomainRoles => Some(&self.domain_roles),
            On::Domains => Some(&self.domains),
            _ => None,
        };
        if let Some(arns) = own {
            let arns: BTreeSet<String> = arns.iter().map(|arn| for_template(arn)).collect();
            return (!arns.is_empty()).then_some(arns);
        }
        let arn = call.on.arn();
        let with = |placeholder: &str, name: &Option<String>| {
            name.as_ref().map(|name| arn.replace(placeholder, name))
        };
        let arn = match call.on {
            On::AccountRole if !self.has_stacks => return None,
            On::StoreRoles if !self.has_stores => return None,
            // A store's role is the account's.
            On::AccountRole | On::StoreRoles => {
                let role = self.assumed_role.as_ref()?;
                On::AccountRole.arn().replace("<aws.role>", role)
            }
            // Only who assumes no role looks where it is.
            On::All if call.caller == Caller::Own => {
                if self.assumed_role.is_some() || !self.has_stacks {
                    return None;
                }
                arn.to_owned()
            }
            On::CloudFormationRole => with("<aws.cloudformation_role>", &self.cloudformation_role)?,
            On::Templates => with("<aws.templates.bucket>", &self.templates)?
                .replace("{account}", "<account>")
                .replace("{region}", "*"),
            On::Records | On::RecordBucket => with("<aws.records.bucket>", &self.records)?,
            _ => arn.to_owned(),
        };
        let mut arns = BTreeSet::from([arn]);
        if call.on == On::Secrets {
            arns.extend(self.secrets.iter().filter_map(|name| arn_of_secret(name)));
        }
        Some(arns.iter().map(|arn| for_template(arn)).collect())
    }
}

/// An ARN as `Fn::Sub` reads it.
fn for_template(arn: &str) -> String {
    arn.replace("arn:aws:", "arn:${AWS::Partition}:")
        .replace("<account>", "${AWS::AccountId}")
}

/// The ARN of a secret that isn't among those of the table. AWS puts `-` and six characters after its name
/// (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html>).
fn arn_of_secret(name: &str) -> Option<String> {
    if name.starts_with("logfleet/") {
        None
    } else if name.starts_with("arn:") {
        Some(name.to_owned())
    } else {
        Some(format!(
            "arn:aws:secretsmanager:*:<account>:secret:{name}-??????"
        ))
    }
}
