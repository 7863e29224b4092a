//! What the reconciler calls of AWS, and so what its roles must allow. Pure.
//!
//! [`CALLS`] is the one table of it: `docs/reconciler-aws.md` shows it, the policies that `gen` renders
//! are made of it, and a call that isn't listed stops every test that makes it.

/// Whose credential makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The reconciler's own.
    Own,
    /// The role in a cluster's account.
    Account,
    /// The role of a store of secrets, or the reconciler's own where it has none.
    Store,
    /// The role that a cluster of EKS lets in, or the reconciler's own where it has none.
    Cluster,
}

/// On what a call is authorised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Everything: AWS takes no ARN here.
    All,
    /// All stacks: they are listed without a name.
    AllStacks,
    /// Stacks whose names begin with `logfleet-`.
    Stacks,
    /// The role that `aws.role` names.
    AccountRole,
    /// The role that `aws.cloudformation_role` names.
    CloudFormationRole,
    /// Objects of the bucket that `aws.templates` names.
    Templates,
    /// Objects of the bucket that `aws.records` names.
    Records,
    /// Clusters of EKS.
    EksClusters,
    /// All log groups: they are listed.
    LogGroups,
    /// Log groups `/aws/eks/*`.
    EksLogGroups,
    /// Log groups of clusters.
    ClusterLogGroups,
    /// Log groups of forwarders.
    ForwarderLogGroups,
    /// Functions of forwarders.
    Forwarders,
    /// Buckets in which forwarders keep what they couldn't deliver.
    KeptBuckets,
    /// Classic load balancers.
    LoadBalancers,
    /// Hosted zones.
    HostedZones,
    /// Settings of hosted zones: where queries are logged.
    QueryLoggingConfigs,
    /// Roles that `secret_stores` name.
    StoreRoles,
    /// Roles by which `servers` are signed in at.
    DomainRoles,
    /// Roles that clusters of EKS among `kubernetes` let in.
    EksRoles,
    /// Clusters of EKS among `kubernetes`.
    EksApiServers,
    /// Domains of Amazon OpenSearch Service among `servers`, where no role is assumed for them.
    Domains,
    /// Secrets of clusters.
    Secrets,
    /// The bucket that `aws.records` names.
    RecordBucket,
}

impl On {
    /// The ARN, as a policy has it, but for what stands in `<…>`: a setting of the reconciler's, or the account.
    pub fn arn(self) -> &'static str {
        match self {
            Self::All => "*",
            Self::RecordBucket => "arn:aws:s3:::<aws.records.bucket>",
            Self::AllStacks => "arn:aws:cloudformation:*:<account>:stack/*/*",
            Self::LogGroups => "arn:aws:logs:*:<account>:log-group:*",
            Self::QueryLoggingConfigs => "arn:aws:route53:::queryloggingconfig/*",
            Self::Stacks => "arn:aws:cloudformation:*:<account>:stack/logfleet-*/*",
            Self::AccountRole => "arn:aws:iam::*:role/<aws.role>",
            Self::CloudFormationRole => "arn:aws:iam::<account>:role/<aws.cloudformation_role>",
            Self::Templates => "arn:aws:s3:::<aws.templates.bucket>/*",
            Self::Records => "arn:aws:s3:::<aws.records.bucket>/*",
            Self::StoreRoles => "<secret_stores.….role_arn>",
            Self::DomainRoles => "<servers.….administrator.aws_sigv4.role_arn>",
            Self::EksRoles => "<kubernetes.….eks.role_arn>",
            Self::EksApiServers => "arn:aws:eks:<region>:<account>:cluster/<cluster>",
            Self::Domains => "arn:aws:es:<region>:<account>:domain/<domain>/*",
            Self::Secrets => "arn:aws:secretsmanager:*:<account>:secret:logfleet/*",
            Self::EksClusters => "arn:aws:eks:*:<account>:cluster/*",
            Self::EksLogGroups => "arn:aws:logs:*:<account>:log-group:/aws/eks/*",
            Self::ClusterLogGroups => "arn:aws:logs:*:<account>:log-group:/logfleet/*",
            Self::ForwarderLogGroups => "arn:aws:logs:*:<account>:log-group:/aws/lambda/logfleet-*",
            Self::Forwarders => "arn:aws:lambda:*:<account>:function:logfleet-*",
            Self::KeptBuckets => "arn:aws:s3:::logfleet-*-dead-*",
            Self::LoadBalancers => "arn:aws:elasticloadbalancing:*:<account>:loadbalancer/*",
            Self::HostedZones => "arn:aws:route53:::hostedzone/*",
        }
    }
}

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The service, as a policy names it.
    pub service: &'static str,
    /// The action.
    pub action: &'static str,
    /// Who makes it.
    pub caller: Caller,
    /// On what.
    pub on: On,
    /// What for.
    pub why: &'static str,
}

const fn listed(
    caller: Caller,
    service: &'static str,
    action: &'static str,
    on: On,
    why: &'static str,
) -> Listed {
    Listed {
        service,
        action,
        caller,
        on,
        why,
    }
}

/// Every call, by who makes it.
pub const CALLS: &[Listed] = &[
    listed(
        Caller::Own,
        "sts",
        "AssumeRole",
        On::AccountRole,
        "assumes the role in a cluster's account",
    ),
    listed(
        Caller::Own,
        "sts",
        "AssumeRole",
        On::StoreRoles,
        "stores credentials in an account",
    ),
    listed(
        Caller::Own,
        "sts",
        "AssumeRole",
        On::DomainRoles,
        "signs in to an Amazon OpenSearch Service domain",
    ),
    listed(
        Caller::Own,
        "sts",
        "AssumeRole",
        On::EksRoles,
        "signs in to an EKS cluster",
    ),
    listed(
        Caller::Own,
        "es",
        "ESHttpGet",
        On::Domains,
        "reads a domain's objects",
    ),
    listed(
        Caller::Own,
        "es",
        "ESHttpPut",
        On::Domains,
        "creates and changes objects",
    ),
    listed(
        Caller::Own,
        "es",
        "ESHttpPost",
        On::Domains,
        "applies changed policies to indices, and writes markers",
    ),
    listed(
        Caller::Own,
        "es",
        "ESHttpPatch",
        On::Domains,
        "changes many users, roles and mappings at once",
    ),
    listed(
        Caller::Own,
        "es",
        "ESHttpDelete",
        On::Domains,
        "deletes what is no longer rendered",
    ),
    listed(
        Caller::Own,
        "sts",
        "GetCallerIdentity",
        On::All,
        "checks that the account is its own, without `aws.role`",
    ),
    listed(
        Caller::Own,
        "s3",
        "GetObject",
        On::Records,
        "reads the records of API settings",
    ),
    // Without it, S3 says of an object that doesn't exist that access to it is denied:
    // <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>.
    listed(
        Caller::Own,
        "s3",
        "ListBucket",
        On::RecordBucket,
        "sees that there are no records yet",
    ),
    listed(
        Caller::Own,
        "s3",
        "PutObject",
        On::Records,
        "records API settings",
    ),
    listed(
        Caller::Account,
        "cloudformation",
        "DescribeStacks",
        On::AllStacks,
        "lists the stacks of an account and Region",
    ),
    listed(
        Caller::Account,
        "cloudformation",
        "GetTemplate",
        On::Stacks,
        "finds what a deletion keeps, and which stack each member is in",
    ),
    listed(
        Caller::Account,
        "cloudformation",
        "CreateChangeSet",
        On::Stacks,
        "plans a change",
    ),
    listed(
        Caller::Account,
        "cloudformation",
        "TagResource",
        On::Stacks,
        "marks a stack as its own",
    ),
    listed(
        Caller::Account,
        "cloudformation",
        "DescribeChangeSet",
        On::Stacks,
        "shows a change resource by resource",
    ),
    listed(
        Caller::Account,
        "cloudformation",
        "DeleteChangeSet",
        On::Stacks,
        "deletes a plan that wasn't applied",
    ),
    listed(
        Caller::Account,
        "cloudformation",
        "ExecuteChangeSet",
        On::Stacks,
        "applies a change",
    ),
    listed(
        Caller::Account,
        "cloudformation",
        "DescribeStackEvents",
        On::Stacks,
        "finds out why a change failed",
    ),
    listed(
        Caller::Account,
        "cloudformation",
        "ContinueUpdateRollback",
        On::Stacks,
        "recovers a stack whose rollback failed",
    ),
    listed(
        Caller::Account,
        "cloudformation",
        "DeleteStack",
        On::Stacks,
        "deletes a stack that is no longer needed",
    ),
    listed(
        Caller::Account,
        "iam",
        "PassRole",
        On::CloudFormationRole,
        "lets CloudFormation create what templates define",
    ),
    listed(
        Caller::Account,
        "s3",
        "PutObject",
        On::Templates,
        "uploads a template of more than 51,200 bytes",
    ),
    listed(
        Caller::Account,
        "s3",
        "GetObject",
        On::Templates,
        "lets CloudFormation read that template",
    ),
    listed(
        Caller::Account,
        "tag",
        "GetResources",
        On::All,
        "lists the members of clusters",
    ),
    listed(
        Caller::Account,
        "eks",
        "DescribeCluster",
        On::EksClusters,
        "reads which logs the control plane sends",
    ),
    listed(
        Caller::Account,
        "eks",
        "UpdateClusterConfig",
        On::EksClusters,
        "sets which logs the control plane sends",
    ),
    listed(
        Caller::Account,
        "eks",
        "DescribeUpdate",
        On::EksClusters,
        "waits until that is done",
    ),
    listed(
        Caller::Account,
        "logs",
        "DescribeLogGroups",
        On::LogGroups,
        "reads the retention of its log group",
    ),
    listed(
        Caller::Account,
        "logs",
        "PutRetentionPolicy",
        On::EksLogGroups,
        "sets that retention",
    ),
    listed(
        Caller::Account,
        "logs",
        "DeleteRetentionPolicy",
        On::EksLogGroups,
        "undoes that",
    ),
    listed(
        Caller::Account,
        "elasticloadbalancing",
        "DescribeLoadBalancerAttributes",
        On::All,
        "reads where a classic load balancer writes its access log",
    ),
    listed(
        Caller::Account,
        "elasticloadbalancing",
        "ModifyLoadBalancerAttributes",
        On::LoadBalancers,
        "sets that",
    ),
    listed(
        Caller::Account,
        "route53",
        "ListQueryLoggingConfigs",
        On::HostedZones,
        "reads where a zone's queries are logged",
    ),
    listed(
        Caller::Account,
        "route53",
        "CreateQueryLoggingConfig",
        On::HostedZones,
        "sets that",
    ),
    listed(
        Caller::Account,
        "route53",
        "DeleteQueryLoggingConfig",
        On::QueryLoggingConfigs,
        "undoes that",
    ),
    listed(
        Caller::Account,
        "logs",
        "DescribeSubscriptionFilters",
        On::ClusterLogGroups,
        "`verify`: finds a log group's subscriptions",
    ),
    listed(
        Caller::Account,
        "logs",
        "DescribeSubscriptionFilters",
        On::EksLogGroups,
        "the same, for the control plane",
    ),
    listed(
        Caller::Account,
        "logs",
        "CreateLogStream",
        On::ClusterLogGroups,
        "`verify`: creates the log stream for its markers",
    ),
    listed(
        Caller::Account,
        "logs",
        "CreateLogStream",
        On::EksLogGroups,
        "the same, for the control plane",
    ),
    listed(
        Caller::Account,
        "logs",
        "PutLogEvents",
        On::ClusterLogGroups,
        "`verify`: writes a marker",
    ),
    listed(
        Caller::Account,
        "logs",
        "PutLogEvents",
        On::EksLogGroups,
        "the same, for the control plane",
    ),
    listed(
        Caller::Account,
        "logs",
        "FilterLogEvents",
        On::ForwarderLogGroups,
        "`verify`: reads the errors in the function's log",
    ),
    listed(
        Caller::Account,
        "lambda",
        "GetFunctionConfiguration",
        On::Forwarders,
        "`verify`: checks that the function exists",
    ),
    listed(
        Caller::Account,
        "lambda",
        "GetPolicy",
        On::Forwarders,
        "`verify`: checks that CloudWatch Logs may call it",
    ),
    listed(
        Caller::Account,
        "s3",
        "ListBucket",
        On::KeptBuckets,
        "`verify`: finds what was kept instead of delivered",
    ),
    listed(
        Caller::Store,
        "secretsmanager",
        "GetSecretValue",
        On::Secrets,
        "reads a cluster's credential",
    ),
    listed(
        Caller::Store,
        "secretsmanager",
        "DescribeSecret",
        On::Secrets,
        "finds the version that is handed out",
    ),
    listed(
        Caller::Store,
        "secretsmanager",
        "CreateSecret",
        On::Secrets,
        "creates the secret",
    ),
    listed(
        Caller::Store,
        "secretsmanager",
        "TagResource",
        On::Secrets,
        "tags it when it is created",
    ),
    listed(
        Caller::Store,
        "secretsmanager",
        "PutSecretValue",
        On::Secrets,
        "stores a new credential",
    ),
    listed(
        Caller::Store,
        "secretsmanager",
        "UpdateSecretVersionStage",
        On::Secrets,
        "hands it out",
    ),
    listed(
        Caller::Store,
        "secretsmanager",
        "DeleteSecret",
        On::Secrets,
        "deletes the secret of a removed cluster",
    ),
    listed(
        Caller::Store,
        "secretsmanager",
        "RestoreSecret",
        On::Secrets,
        "restores it if the cluster comes back",
    ),
    listed(
        Caller::Cluster,
        "eks",
        "DescribeCluster",
        On::EksApiServers,
        "finds the API server and its certificate authority",
    ),
];

/// Whether a call is listed.
pub fn is_listed(service: &str, action: &str) -> bool {
    // It signs otherwise than policies name it.
    let service = if service == "tagging" { "tag" } else { service };
    CALLS
        .iter()
        .any(|own| own.service == service && own.action == action)
}

/// The table, as the documentation shows it.
pub fn table() -> String {
    let mut text = "| Who | Action | On | What for |\n|---|---|---|---|\n".to_owned();
    for own in CALLS {
        let who = match own.caller {
            Caller::Own => "reconciler",
            Caller::Account => "`aws.role`",
            Caller::Store => "`secret_stores.….role_arn`",
            Caller::Cluster => "`kubernetes.….eks.role_arn`",
        };
        text.push_str(&format!(
            "| {who} | `{}:{}` | `{}` | {} |\n",
            own.service,
            own.action,
            own.on.arn(),
            own.why
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// `LOGFLEET_WRITE_DOCS=1 cargo test -p logfleet-contract --lib aws_calls` writes it anew.
    #[test]
    fn the_documentation_shows_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reconciler-aws.md");
        let text = std::fs::read_to_string(path).expect("readable");
        let (start, rest) = text.split_once("<!-- calls -->\n").expect("a mark");
        let (_, end) = rest.split_once("<!-- end of calls -->").expect("a mark");
        let written = format!(
            "{start}<!-- calls -->\n{}<!-- end of calls -->{end}",
            table()
        );
        if std::env::var_os("LOGFLEET_WRITE_DOCS").is_some() {
            std::fs::write(path, &written).expect("writable");
        }
        assert_eq!(std::fs::read_to_string(path).expect("readable"), written);
    }

    #[test]
    fn a_call_is_listed_once_for_each_purpose() {
        let keys: BTreeSet<String> = CALLS
            .iter()
            .map(|own| {
                format!(
                    "{:?} {} {} {:?}",
                    own.caller, own.service, own.action, own.on
                )
            })
            .collect();
        assert_eq!(keys.len(), CALLS.len());
    }
}
