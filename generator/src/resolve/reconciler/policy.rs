//! What the reconciler's roles may do: the calls of [`CALLS`], on what they are made, and nothing more. Pure.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::aws_calls::{CALLS, Caller, Listed, On};
use logfleet_contract::secrets::arn_for_policy;
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

impl Statement {
    /// The characters that it has without its resources, written without blanks, and a comma.
    fn characters(&self) -> usize {
        let actions: usize = self.actions.iter().map(|own| characters(own)).sum();
        r#"{"Sid":"","Effect":"Allow","Action":[],"Resource":[]},"#.len() + self.sid.len() + actions
    }
}

/// A policy, no larger than AWS allows a managed one to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// Its number among those of the role, from 1.
    pub number: usize,
    /// What it allows.
    pub statements: Vec<Statement>,
}

/// The characters of a managed policy, not counting blanks:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>. What `Fn::Sub` puts into an ARN is
/// shorter than its placeholder.
const MOST_CHARACTERS: usize = 6144;
const EMPTY_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

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
    /// ARNs of clusters of EKS that it signs in at.
    pub eks_clusters: BTreeSet<String>,
}

/// The policies of the reconciler's own role: for everything, if it assumes no other.
pub(super) fn of_own(names: &Names) -> Vec<Policy> {
    let is_alone = names.assumed_role.is_none();
    policies(statements(names, |caller| {
        is_alone || caller == Caller::Own
    }))
}

/// The policies of the role in each account.
pub(super) fn of_account(names: &Names) -> Vec<Policy> {
    if names.assumed_role.is_none() {
        return Vec::new();
    }
    policies(statements(names, |caller| caller != Caller::Own))
}

/// Divides statements into policies that are small enough to be managed ones. A statement with a longer list goes on
/// in the next policy.
fn policies(statements: Vec<Statement>) -> Vec<Policy> {
    let mut policies: Vec<Policy> = Vec::new();
    let mut room = 0;
    for statement in statements {
        let mut resources = statement.resources.iter().peekable();
        while let Some(first) = resources.next() {
            let size = statement.characters() + characters(first);
            if size > room || policies.is_empty() {
                policies.push(Policy {
                    number: policies.len() + 1,
                    statements: Vec::new(),
                });
                room = MOST_CHARACTERS - EMPTY_POLICY.len();
            }
            room = room.saturating_sub(size);
            let mut part = BTreeSet::from([first.clone()]);
            while let Some(next) = resources.next_if(|next| characters(next) <= room) {
                room -= characters(next);
                part.insert(next.clone());
            }
            if let Some(policy) = policies.last_mut() {
                policy.statements.push(Statement {
                    resources: part,
                    ..statement.clone()
                });
            }
        }
    }
    policies
}

/// The characters of a text in a list: with quotes and a comma.
fn characters(text: &str) -> usize {
    text.len() + 3
}

/// The statements, those first whose lists don't grow with the fleet: they stay in the first policy.
fn statements(names: &Names, is_for: impl Fn(Caller) -> bool) -> Vec<Statement> {
    let mut found: BTreeMap<(bool, BTreeSet<String>), Statement> = BTreeMap::new();
    for own in CALLS.iter().filter(|own| is_for(own.caller)) {
        let Some(resources) = names.resources(own) else {
            continue;
        };
        let grows = matches!(
            own.on,
            On::Domains | On::DomainRoles | On::Secrets | On::EksApiServers
        );
        let key = (grows, resources.clone());
        let statement = found.entry(key).or_insert_with(|| Statement {
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
            // A role that makes stacks may describe every cluster.
            Caller::Cluster => !self.has_stacks,
        };
        if !is_made {
            return None;
        }
        let own = match call.on {
            On::DomainRoles => Some(&self.domain_roles),
            On::Domains => Some(&self.domains),
            On::EksApiServers => Some(&self.eks_clusters),
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
            On::EksRoles if self.eks_clusters.is_empty() => return None,
            // A store's role is the account's, and so is that which a cluster of EKS lets in.
            On::AccountRole | On::StoreRoles | On::EksRoles => {
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
        Some(arn_for_policy(name))
    } else {
        Some(format!(
            "arn:aws:secretsmanager:*:<account>:secret:{name}-??????"
        ))
    }
}
