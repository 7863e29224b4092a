//! The reconciler that runs in a cluster.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Account, ApiServerUrl, Backend, BucketName, BucketPattern, ClusterName, CronSchedule,
    ExternalId, FilePath, GitRevision, GitUrl, IamRoleName, ImageDigest, ImageRepository, ImageTag,
    KeyPrefix, KubernetesName, KubernetesSecretReference, ObjectName, OidcProvider, Principal,
    Region, Resources, RoleArn, SecretKeyName, StackOwner, Url,
};

/// The reconciler, which makes servers, credentials and stacks match what is rendered. `_fleet/reconciler/` contains
/// its settings and the objects that run it in a cluster. Servers, clusters, accounts and Regions are derived from the
/// clusters' settings. Can only be set in `clusters/fleet.yaml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reconciler {
    /// Whether it is rendered.
    pub enabled: bool,
    /// The namespace that it runs in; it is rendered, too.
    pub namespace: KubernetesName,
    /// Whether the tool in `gitops.tool` also applies the reconciler, in the cluster that the tool runs in.
    pub gitops: bool,
    /// The image, which you build from `reconciler/Containerfile`.
    pub image: ReconcilerImage,
    /// When a run starts (cron schedule, in UTC). No run starts while the previous one is still running.
    pub schedule: CronSchedule,
    /// Minutes after which a run is stopped; the next one continues from there.
    #[schemars(range(min = 5, max = 1440))]
    pub deadline_minutes: u16,
    /// How many pods share the work. Each server and each account belongs to one of them, so more pods than servers and
    /// accounts are idle.
    #[schemars(range(min = 1, max = 64))]
    pub shards: u16,
    /// CPU and memory of each pod.
    pub resources: Resources,
    /// Where the rendered files are.
    pub source: ReconcilerSource,
    /// Settings for servers that the fleet's destinations don't have. The key is the server's name in plans: its host,
    /// with the port if it isn't the scheme's default, such as `logs.example.com-9200`.
    pub servers: BTreeMap<ObjectName, ReconcilerServer>,
    /// The clusters that the reconciler writes Secrets to, with `kubernetes.credentials.type: reconciler`, by cluster
    /// name.
    pub clusters: BTreeMap<ClusterName, ReconcilerCluster>,
    /// Whether the reconciler signs in to EKS clusters that have `kubernetes.credentials.type: reconciler` with its
    /// role in their accounts, which each cluster must give access. Then no token is stored for them, and they need no
    /// entry in `clusters`.
    pub eks_tokens: bool,
    /// What the reconciler may do in AWS.
    pub aws: ReconcilerAws,
}

/// The image of the reconciler.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconcilerImage {
    /// Name without tag; required.
    pub repository: Option<ImageRepository>,
    /// Tag; required unless there is a digest.
    pub tag: Option<ImageTag>,
    /// Digest; takes precedence over the tag.
    pub digest: Option<ImageDigest>,
}

/// Where the rendered files are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconcilerSource {
    /// The repository that contains `rendered/`; by default `gitops.repository.url`.
    pub url: Option<GitUrl>,
    /// The branch, tag or commit; by default `gitops.repository.revision`.
    pub revision: Option<GitRevision>,
    /// The Secret with the credential for the repository, in the reconciler's namespace, in Flux's format: `username`
    /// and `password` for HTTPS, `identity` and `known_hosts` for SSH.
    pub secret: Option<KubernetesSecretReference>,
    /// The Secret whose key `allowed_signers` lists who may sign commits, in the format of `ssh-keygen`. With it,
    /// commits that none of them signed are refused.
    pub signers: Option<KubernetesSecretReference>,
}

/// Settings for a server that the fleet's destinations don't have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconcilerServer {
    /// The administrator's user name; by default `logfleet-reconciler`. On a server that a cluster writes to with
    /// `aws_sigv4`, the administrator is a role, unless this or `secret` is set.
    pub username: Option<Principal>,
    /// The Secret with the administrator's password, in the reconciler's namespace; by default
    /// `logfleet-administrator-<server>`.
    pub secret: Option<KubernetesSecretReference>,
    /// The role to assume for administering an Amazon OpenSearch Service domain; by default the pods' role,
    /// `aws.role_arn`.
    pub role_arn: Option<RoleArn>,
    /// The key of the Secret with the password; `password` by default.
    pub password_in: Option<SecretKeyName>,
    /// Seconds that a request may take; 60 by default.
    #[schemars(range(min = 5, max = 600))]
    pub timeout_seconds: Option<u16>,
    /// The server's address once no destination has it any more, until everything that the reconciler created there is
    /// deleted.
    pub former: Option<FormerServer>,
}

/// A cluster that the reconciler writes Secrets to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconcilerCluster {
    /// The URL of its API server; required, except with `eks_tokens`, where EKS provides it.
    pub api_server: Option<ApiServerUrl>,
    /// A PEM file below `clusters/` with the CA certificates that sign the API server's. By default the image's own CA
    /// list is used; with `eks_tokens`, the CA that EKS provides.
    pub ca_certificate: Option<FilePath>,
    /// The Secret with a token for it, in the reconciler's namespace; by default `logfleet-cluster-<cluster>`. With
    /// `eks_tokens`, an EKS cluster doesn't need one, but if it is set here, it is used.
    pub secret: Option<KubernetesSecretReference>,
    /// The key of the Secret with the token; `token` by default.
    pub token_in: Option<SecretKeyName>,
}

/// A server that is no longer a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormerServer {
    /// The software that runs there.
    pub backend: Backend,
    /// Its URL, with `https:`.
    pub url: Url,
    /// A PEM file below `clusters/` with the CA certificates that sign the server's; by default the image's own CA list
    /// is used.
    pub ca_certificate: Option<FilePath>,
}

/// What the reconciler may do in AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReconcilerAws {
    /// The role of the reconciler's pods; required if credentials are in AWS Secrets Manager, or `owner` is set.
    pub role_arn: Option<RoleArn>,
    /// The OIDC provider in IAM for the pods' service account, in the account of `role_arn`. With it,
    /// `_fleet/reconciler/aws/own.json` creates the role; without it, only a policy to attach to the role.
    pub oidc_provider: Option<OidcProvider>,
    /// The name of the role to assume in each account, created by `_fleet/reconciler/aws/account.json`. Without it, all
    /// clusters must be in the account of `role_arn`.
    pub assumed_role: Option<IamRoleName>,
    /// The external ID that the roles' trust policies require.
    pub external_id: Option<ExternalId>,
    /// The fleet's name in the tag `logfleet:owner` of its stacks. If it isn't set, the reconciler doesn't manage
    /// CloudFormation stacks.
    pub owner: Option<StackOwner>,
    /// The name of the service role that CloudFormation uses, in each account.
    pub cloudformation_role: Option<IamRoleName>,
    /// The bucket for templates that are too large for a request.
    pub templates: Option<TemplatesBucket>,
    /// The bucket that records what was set by API, in the account of `role_arn`.
    pub records: Option<RecordsBucket>,
    /// Places that their last cluster has left, `true` for each, by account and Region. The reconciler keeps looking
    /// there until their stacks are deleted.
    pub also: BTreeMap<Account, BTreeMap<Region, bool>>,
}

/// The bucket for templates that are too large for a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplatesBucket {
    /// Its name, in which `{account}` and `{region}` are replaced by those of the stack.
    pub bucket: BucketPattern,
    /// Prefix of its keys.
    pub prefix: Option<KeyPrefix>,
}

/// The bucket that records what was set by API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordsBucket {
    /// Its name.
    pub bucket: BucketName,
    /// Its Region.
    pub region: Region,
    /// Prefix of its keys.
    pub prefix: Option<KeyPrefix>,
}
