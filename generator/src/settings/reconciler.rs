//! The reconciler, where it runs in a cluster.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Account, ApiServerUrl, Backend, BucketName, BucketPattern, ClusterName, CronSchedule,
    ExternalId, FilePath, GitRevision, GitUrl, IamRoleName, ImageDigest, ImageRepository, ImageTag,
    KeyPrefix, KubernetesName, KubernetesSecretReference, ObjectName, OidcProvider, Principal,
    Region, Resources, RoleArn, SecretKeyName, StackOwner, Url,
};

/// The reconciler, which makes servers, credentials and stacks match what is rendered: `_fleet/reconciler/` has its
/// settings and what runs it in a cluster. Servers, clusters, accounts and Regions follow from the clusters' own settings.
/// Only `clusters/fleet.yaml` can say it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reconciler {
    /// Whether it is rendered.
    pub enabled: bool,
    /// The namespace that it runs in, which is rendered with it.
    pub namespace: KubernetesName,
    /// Whether the tool that `gitops.tool` names applies it, too, in the cluster that the tool runs in.
    pub gitops: bool,
    /// The image, which you build from `reconciler/Containerfile`.
    pub image: ReconcilerImage,
    /// When a run begins, in UTC; one that still works is not joined by another.
    pub schedule: CronSchedule,
    /// Minutes after which a run is stopped; the next one goes on from there.
    #[schemars(range(min = 5, max = 1440))]
    pub deadline_minutes: u16,
    /// How many pods share the work. Each server and each account belongs to one of them, so more than there are
    /// of both do nothing.
    #[schemars(range(min = 1, max = 64))]
    pub shards: u16,
    /// CPU and memory of each pod.
    pub resources: Resources,
    /// Where it finds what is rendered.
    pub source: ReconcilerSource,
    /// What the fleet's destinations don't say of a server, by the name that it has in plans: its host, with its port where
    /// that isn't the scheme's own, such as `logs.example.com-9200`.
    pub servers: BTreeMap<ObjectName, ReconcilerServer>,
    /// Where Secrets of clusters are written, with `kubernetes.credentials.type: reconciler`, by the clusters' names.
    pub clusters: BTreeMap<ClusterName, ReconcilerCluster>,
    /// Whether the reconciler signs in at such clusters of EKS by its role in their accounts, which each of them must let in: then no
    /// token is kept for them, and they need no entry in `clusters`.
    pub eks_tokens: bool,
    /// What it may do in AWS.
    pub aws: ReconcilerAws,
}

/// The image of the reconciler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconcilerImage {
    /// Name without tag; required.
    pub repository: Option<ImageRepository>,
    /// Tag; or a digest is required.
    pub tag: Option<ImageTag>,
    /// Digest, which wins over the tag.
    pub digest: Option<ImageDigest>,
}

/// Where the reconciler finds what is rendered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconcilerSource {
    /// The repository that `rendered/` is committed to; by default `gitops.repository.url`.
    pub url: Option<GitUrl>,
    /// The branch, tag or commit; by default `gitops.repository.revision`.
    pub revision: Option<GitRevision>,
    /// The Secret with the credential for the repository, in the reconciler's namespace and as Flux knows it: `username` and
    /// `password` for HTTPS, `identity` and `known_hosts` for SSH.
    pub secret: Option<KubernetesSecretReference>,
    /// The Secret whose key `allowed_signers` lists who may sign commits, as `ssh-keygen` reads it. With it, a commit that
    /// none of them signed is refused.
    pub signers: Option<KubernetesSecretReference>,
}

/// What the fleet's destinations don't say of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconcilerServer {
    /// The administrator's name there; by default `logfleet-reconciler`. Where a cluster writes by `aws_sigv4`, the administrator
    /// is a role unless this or `secret` is set.
    pub username: Option<Principal>,
    /// The Secret with the administrator's password, in the reconciler's namespace; by default
    /// `logfleet-administrator-<server>`.
    pub secret: Option<KubernetesSecretReference>,
    /// The role that is assumed to administer a domain of Amazon OpenSearch Service; by default the role of the pods, `aws.role_arn`.
    pub role_arn: Option<RoleArn>,
    /// The key of the Secret that holds the password; `password` without it.
    pub password_in: Option<SecretKeyName>,
    /// Seconds that a request may take; 60 without it.
    #[schemars(range(min = 5, max = 600))]
    pub timeout_seconds: Option<u16>,
    /// Where the server is, once no destination says so any more: until what the reconciler made there is deleted.
    pub former: Option<FormerServer>,
}

/// A cluster whose Secrets the reconciler writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconcilerCluster {
    /// The address of its API server; required, but with `eks_tokens`: EKS knows it.
    pub api_server: Option<ApiServerUrl>,
    /// A file of PEM certificates below `clusters/` that sign the API server's; without it the image's own list counts, with
    /// `eks_tokens` the authority that EKS knows.
    pub ca_certificate: Option<FilePath>,
    /// The Secret with a token for it, in the reconciler's namespace; by default `logfleet-cluster-<cluster>`. With `eks_tokens`, a
    /// cluster of EKS needs none, and one that is named here is used all the same.
    pub secret: Option<KubernetesSecretReference>,
    /// The key of the Secret that holds the token; `token` without it.
    pub token_in: Option<SecretKeyName>,
}

/// A server that no destination is any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormerServer {
    /// What runs there.
    pub backend: Backend,
    /// Its address; `https:`.
    pub url: Url,
    /// A file of PEM certificates below `clusters/` that sign the server's; without it the image's own list counts.
    pub ca_certificate: Option<FilePath>,
}

/// What the reconciler may do in AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconcilerAws {
    /// The role of the reconciler's pods; required where there are credentials in AWS Secrets Manager, or `owner` is set.
    pub role_arn: Option<RoleArn>,
    /// The OIDC provider that IAM knows the pods' service account by, in the account of `role_arn`. With it,
    /// `_fleet/reconciler/aws/own.json` makes the role; without it, a policy to attach to it.
    pub oidc_provider: Option<OidcProvider>,
    /// The name of the role that is assumed in each account, which `_fleet/reconciler/aws/account.json` makes. Without it,
    /// all clusters must be in the account of `role_arn`.
    pub assumed_role: Option<IamRoleName>,
    /// What the roles' trust policies ask for.
    pub external_id: Option<ExternalId>,
    /// The fleet's name in the tag `logfleet:owner` of its stacks. Without it, stacks of CloudFormation are left alone.
    pub owner: Option<StackOwner>,
    /// The name of the role that CloudFormation works as, in each account.
    pub cloudformation_role: Option<IamRoleName>,
    /// The bucket for templates that are too large for a request.
    pub templates: Option<TemplatesBucket>,
    /// The bucket for what was set by API, in the account of `role_arn`.
    pub records: Option<RecordsBucket>,
    /// Places that the last cluster has left, `true` each, by account and Region: they are looked at until their stacks are deleted.
    pub also: BTreeMap<Account, BTreeMap<Region, bool>>,
}

/// The bucket for templates that are too large for a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplatesBucket {
    /// Its name; `{account}` and `{region}` stand for those of the stack.
    pub bucket: BucketPattern,
    /// How its keys begin.
    pub prefix: Option<KeyPrefix>,
}

/// The bucket for what was set by API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordsBucket {
    /// Its name.
    pub bucket: BucketName,
    /// Its Region.
    pub region: Region,
    /// How its keys begin.
    pub prefix: Option<KeyPrefix>,
}
