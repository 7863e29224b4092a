//! Names and short texts with a fixed format.
//!
//! Their patterns are part of the JSON Schema, which is checked before
//! anything is read into these types.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a text must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// A regular expression that matches it.
    pub pattern: &'static str,
    /// The most characters that it may have.
    pub longest: usize,
    /// What the pattern means, in words.
    pub meaning: &'static str,
}

/// The forms that keys of mappings have. No two have the same pattern, so that the form can be found
/// by it: in a JSON Schema of a mapping, its keys' pattern is all that the library for schemas writes.
/// Names of clusters are keys, too, with the pattern of [`ObjectName`]; they must be those of the fleet.
pub const FORMS_OF_KEYS: [Form; 26] = [
    Account::FORM,
    AwsTagKey::FORM,
    DimensionName::FORM,
    FieldName::FORM,
    FieldTagKey::FORM,
    FilterValue::FORM,
    KubernetesName::FORM,
    LabelKey::FORM,
    LogStreamPattern::FORM,
    MetricName::FORM,
    MetricNamespace::FORM,
    Name::FORM,
    NoProxyHost::FORM,
    NodeAttribute::FORM,
    ObjectName::FORM,
    Principal::FORM,
    QualifiedName::FORM,
    Region::FORM,
    RoleArn::FORM,
    RoleNamePattern::FORM,
    SecurityGroupId::FORM,
    ServicePrincipal::FORM,
    SubnetId::FORM,
    TagKey::FORM,
    TopicArn::FORM,
    Unit::FORM,
];

/// Declares a text with a pattern, and says in words what the pattern means.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $pattern:literal, max $max:literal, $meaning:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        #[schemars(transparent)]
        pub struct $name(
            #[schemars(regex(pattern = $pattern), length(max = $max), extend("x-pattern-meaning" = $meaning))]
            pub String,
        );

        impl $name {
            /// What it must be.
            pub const FORM: $crate::settings::Form = $crate::settings::Form {
                pattern: $pattern,
                longest: $max,
                meaning: $meaning,
            };

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(super) use text;

text! {
    /// The name of a cluster, which is also the name of its folders.
    ClusterName, r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", max 100,
    "lower-case letters, digits, `-` and `.` as in a host name, at most 100 characters"
}
text! {
    /// The name of an environment, which is also the name of its file.
    EnvironmentName, r"^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$", max 63,
    "lower-case letters, digits, `-` and `_`, at most 63 characters"
}
text! {
    /// The name of a stream, a destination, a node group or a rule, by which layers override it.
    Name, r"^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$", max 63,
    "lower-case letters, digits, `-` and `_`, at most 63 characters"
}
text! {
    /// An AWS Region, such as `eu-central-1`.
    Region, r"^[a-z]{2,8}(-[a-z]+)+-[0-9]{1,2}$", max 32,
    "an AWS Region such as `eu-central-1`"
}
text! {
    /// An AWS subnet.
    SubnetId, r"^subnet-[0-9a-f]{8,17}$", max 24,
    "the id of a subnet such as `subnet-0123456789abcdef0`"
}
text! {
    /// An AWS security group.
    SecurityGroupId, r"^sg-[0-9a-f]{8,17}$", max 20,
    "the id of a security group such as `sg-0123456789abcdef0`"
}
text! {
    /// The name of a cluster in EKS or kops.
    AwsClusterName, r"^[0-9A-Za-z][A-Za-z0-9_.-]*$", max 100,
    "a cluster's name in AWS: letters, digits, `-`, `_` and, with kops, `.`; at most 100 characters"
}
text! {
    /// The number of an AWS account.
    Account, r"^[0-9]{12}$", max 12,
    "the twelve digits of an AWS account, in quotes so that leading zeros stay"
}
text! {
    /// Part of a data stream's name.
    DataStreamPart, r"^[a-z0-9][a-z0-9_.]*$", max 100,
    "lower-case letters, digits, `_` and `.`; no `-`, which separates the parts of a data stream's name"
}
text! {
    /// A key of a secret: of a JSON object in AWS Secrets Manager, or of a Kubernetes Secret.
    SecretKeyName, r"^[A-Za-z0-9._-]+$", max 253,
    "the name of a key in a secret: letters, digits, `-`, `_` and `.`"
}
text! {
    /// A user or group on a server. Servers take `*` and `?` for any part of a name, `\` for what changes the next
    /// character, and `/…/` for a regular expression.
    Principal, r"^([^*?/\\\p{Cc}][^*?\\\p{Cc}]*|/([^*?\\\p{Cc}]*[^*?/\\\p{Cc}])?)$", max 256,
    "the name of a user or a group; it has no `*`, `?` or `\\`, and isn't in slashes, since servers take those for patterns"
}
text! {
    /// A value of a record's field.
    FilterValue, r"^\P{Cc}+$", max 256,
    "a value of at most 256 characters, on one line"
}
text! {
    /// An attribute of Elasticsearch or OpenSearch nodes, `node.attr.<name>`.
    NodeAttribute, r"^[A-Za-z0-9_]+([.-][A-Za-z0-9_]+)*$", max 100,
    "the name of a node's attribute, without `node.attr.`: letters, digits, `_`, `-` and `.`"
}
text! {
    /// The value of an attribute of a node.
    NodeAttributeValue, r"^[A-Za-z0-9_.-]+$", max 100,
    "the value of a node's attribute: letters, digits, `_`, `-` and `.`"
}
text! {
    /// A Kubernetes object's name or a namespace: an RFC 1123 label.
    KubernetesName, r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max 63,
    "a Kubernetes name: lower-case letters, digits and `-`, at most 63 characters"
}
text! {
    /// Names of namespaces, pods or containers; `*` matches any part of a name.
    Glob, r"^[a-z0-9*]([a-z0-9.*-]*[a-z0-9*])?$", max 253,
    "a Kubernetes name, where `*` stands for any part of it"
}
text! {
    /// The name of a systemd unit, such as `kubelet.service`.
    Unit, r"^[A-Za-z0-9:_.@-]+\.(service|socket|timer|mount|scope|slice|target|path)$", max 255,
    "a systemd unit's full name, such as `kubelet.service`"
}
text! {
    /// A key of a Kubernetes label, annotation or taint.
    QualifiedName, r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$", max 317,
    "a label key such as `app` or `example.com/team`"
}
text! {
    /// The value of a Kubernetes label or taint.
    LabelValue, r"^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$", max 63,
    "a label value: letters, digits, `-`, `_` and `.`, at most 63 characters"
}
text! {
    /// A field of a log record, its parts separated by dots.
    FieldName, r"^[A-Za-z_@][A-Za-z0-9_@]*(\.[A-Za-z_@][A-Za-z0-9_@]*)*$", max 255,
    "a field such as `message` or `kubernetes.pod_name`"
}
text! {
    /// A key of a record's `labels`. It has no dot, since `labels` is one level of keywords
    /// (<https://www.elastic.co/docs/reference/ecs/ecs-base#field-labels>).
    LabelKey, r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$", max 63,
    "letters, digits, `_` and `-`, such as `team`; at most 63 characters"
}
text! {
    /// The value of one of a record's `labels`.
    FieldLabel, r"^\P{Cc}+$", max 256,
    "a value of at most 256 characters, on one line"
}
text! {
    /// A regular expression that Fluentd's Ruby and our own check both understand.
    Pattern, r"^[^\n\r]+$", max 1024,
    "a regular expression on one line"
}
text! {
    /// A calendar day, such as `2027-03-31`.
    Day, r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", max 10,
    "a day such as `2027-03-31`"
}
text! {
    /// An amount of CPU or memory as Kubernetes writes it, such as `100m` or `512Mi`.
    Quantity, r"^[0-9]+(\.[0-9]+)?(m|k|M|G|Ki|Mi|Gi)?$", max 20,
    "a Kubernetes quantity such as `100m` or `512Mi`"
}
text! {
    /// A path below the folder `clusters/`.
    FilePath, r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$", max 255,
    "a path below the folder `clusters/`, such as `certificates/logs.pem`"
}
text! {
    /// The path of a folder in a repository.
    RepositoryPath, r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$", max 255,
    "the path of a folder in the repository, such as `rendered`"
}
text! {
    /// An absolute path on a machine.
    HostPath, r"^(/[A-Za-z0-9_.@-]*[A-Za-z0-9_@-][A-Za-z0-9_.@-]*)+$", max 255,
    "an absolute path such as `/var/lib/logfleet`"
}
text! {
    /// An AWS object, by its Amazon Resource Name.
    RoleArn, r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", max 512,
    "the ARN of an IAM role, such as `arn:aws:iam::111122223333:role/logs`"
}
text! {
    /// A reference to a secret; never the secret itself.
    SecretReference, r"^(aws-secretsmanager:[A-Za-z0-9/_+=.@:-]+|kubernetes-secret:[a-z0-9]([a-z0-9.-]*[a-z0-9])?)$", max 512,
    "a reference to a secret: `aws-secretsmanager:<name or ARN>` or `kubernetes-secret:<name>`"
}
impl SecretReference {
    /// Which store it names. Its pattern in the schema leaves no other form.
    pub fn parsed(&self) -> Option<logfleet_contract::secrets::SecretReference> {
        self.0.parse().ok()
    }
}
text! {
    /// A container image without tag.
    ImageRepository, r"^[a-z0-9]+([._:/-]+[a-zA-Z0-9]+)*$", max 255,
    "an image without tag, such as `registry.example.com/fluentd`"
}
text! {
    /// The tag of a container image.
    ImageTag, r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max 128,
    "an image's tag"
}
text! {
    /// The digest of a container image.
    ImageDigest, r"^sha256:[0-9a-f]{64}$", max 71,
    "an image's digest: `sha256:` and 64 hexadecimal digits"
}
text! {
    /// The URL of a server.
    Url, r"^https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?(/[A-Za-z0-9_.~-]+)*/?$", max 512,
    "an address such as `https://logs.example.com:9200` or `https://[2001:db8::1]:9200`, without user, query or fragment"
}
text! {
    /// The name of an S3 bucket.
    BucketName, r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", max 63,
    "an S3 bucket's name: lower-case letters, digits, `-` and `.`, at most 63 characters"
}
text! {
    /// The ARN of a CloudWatch Logs destination, in this account or another.
    LogsDestinationArn, r"^arn:aws[a-z-]*:logs:[a-z0-9-]+:[0-9]{12}:destination:[^:*\s]{1,512}$", max 600,
    "the ARN of a CloudWatch Logs destination, such as `arn:aws:logs:eu-central-1:111122223333:destination:central`"
}
text! {
    /// A CloudWatch Logs filter pattern, byte for byte: leading and trailing spaces count.
    FilterPattern, r"^[^\x00-\x1f\x7f]*$", max 1024,
    "a filter pattern of CloudWatch Logs on one line, at most 1,024 characters"
}
text! {
    /// The name of a log stream; `*` matches any part of it
    /// (<https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogStream.html>).
    LogStreamPattern, r"^[^:\x00-\x1f\x7f]+$", max 512,
    "the name of a log stream, such as `kube-apiserver-audit-*`, where `*` stands for any part"
}
text! {
    /// An OIDC provider as IAM names it: its URL without `https://`.
    OidcProvider, r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(/[A-Za-z0-9._~-]+)*$", max 255,
    "an OIDC provider without `https://`, such as `oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE`"
}
text! {
    /// Paths of files on a machine; `*` matches any part of a name.
    FileGlob, r"^(/[A-Za-z0-9_.@*-]*[A-Za-z0-9_@*-][A-Za-z0-9_.@*-]*)+$", max 255,
    "an absolute path such as `/var/log/dpkg.log`, where `*` stands for any part of a name"
}
text! {
    /// A DNS host name.
    HostName, r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max 253,
    "a host's name such as `logstash.example.com`"
}
text! {
    /// The version of a package: three numbers.
    PackageVersion, r"^[0-9]{1,4}\.[0-9]{1,8}\.[0-9]{1,4}$", max 18,
    "a version of three numbers, such as `9.5.2`"
}
text! {
    /// The key of an AWS tag that Systems Manager can target
    /// (<https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Target.html>).
    TagKey, r"^[A-Za-z0-9 _.:/=@-]+$", max 128,
    "a tag's key: letters, digits, blanks and `_.:/=@-`; Systems Manager can't aim at others"
}
text! {
    /// The value of an AWS tag.
    TagValue, r"^[A-Za-z0-9 _.:/=+@-]*$", max 256,
    "a tag's value: letters, digits, blanks and `_.:/=+@-`"
}
text! {
    /// The replacement for masked text.
    Replacement, r"^[A-Za-z0-9 _.,:;<>()*#-]*$", max 64,
    "letters, digits, blanks and `_.,:;<>()*#-`, at most 64 characters"
}
text! {
    /// The version of the CloudWatch agent, as in its download folders.
    AgentVersion, r"^1\.[0-9]{6,9}\.[0-9]{1,4}(b[0-9]{1,8})?$", max 32,
    "a version of the CloudWatch agent with its build, such as `1.300071.0b1200`"
}
text! {
    /// The name of a Kubernetes object that can contain dots: an RFC 1123 subdomain.
    ObjectName, r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", max 253,
    "a Kubernetes object's name: lower-case letters, digits, `-` and `.`, at most 253 characters"
}
text! {
    /// The URL of a Git repository, over HTTPS or SSH.
    GitUrl, r"^(https://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/|ssh://([A-Za-z_][A-Za-z0-9_-]*@)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/|[A-Za-z_][A-Za-z0-9_-]*@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:)[A-Za-z0-9_.~-]+(/[A-Za-z0-9_.~-]+)*$", max 512,
    "a repository over HTTPS or SSH without a password, such as `https://git.example.com/platform/logs.git`"
}
text! {
    /// A branch, another reference, or a commit.
    GitRevision, r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$", max 255,
    "a branch such as `main`, a reference such as `refs/tags/v1`, or a commit"
}
text! {
    /// The name of a cluster in Argo CD.
    ArgoClusterName, r"^[A-Za-z0-9][A-Za-z0-9_.:/@-]*$", max 253,
    "the name of a cluster at Argo CD, as `argocd cluster list` prints it"
}
text! {
    /// The URL of a Kubernetes API server.
    ApiServerUrl, r"^https://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?(/[A-Za-z0-9_.~-]+)*$", max 512,
    "the address of an API server, such as `https://api.prod.example.com:6443`"
}
text! {
    /// The name of a Kubernetes Secret; never the secret itself.
    KubernetesSecretReference, r"^kubernetes-secret:[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", max 271,
    "a reference to a Kubernetes Secret: `kubernetes-secret:<name>`"
}

impl KubernetesSecretReference {
    /// The Secret's name.
    pub fn name(&self) -> &str {
        self.0.strip_prefix("kubernetes-secret:").unwrap_or(&self.0)
    }
}
text! {
    /// The name of a CloudWatch log group.
    LogGroupName, r"^[A-Za-z0-9._/#-]+$", max 512,
    "a log group's name: letters, digits, `_`, `-`, `/`, `.` and `#`, at most 512 characters"
}
text! {
    /// The namespace of a CloudWatch metric, such as `AWS/EC2`.
    MetricNamespace, r"^[A-Za-z0-9._/#-]+$", max 255,
    "a namespace of metrics such as `AWS/EC2`"
}
text! {
    /// The name of a CloudWatch metric, such as `CPUUtilization`.
    MetricName, r"^[A-Za-z0-9][A-Za-z0-9 ._/#%()-]*$", max 255,
    "a metric's name such as `CPUUtilization`"
}
text! {
    /// What a log event adds to a metric.
    MetricValue, r"^([0-9]+(\.[0-9]+)?|\$[.A-Za-z0-9_-]+)$", max 100,
    "a number, or a field such as `$.bytes`"
}
text! {
    /// Names of IAM roles; `*` matches any part of a name.
    RoleNamePattern, r"^[A-Za-z0-9+=,.@_*-]+$", max 128,
    "an IAM role's name, where `*` stands for any part of it"
}
text! {
    /// An AWS service as CloudTrail names it, such as `kms.amazonaws.com`.
    ServicePrincipal, r"^[a-z0-9.-]+\.amazonaws\.com(\.cn)?$", max 255,
    "a service of AWS such as `kms.amazonaws.com`"
}
text! {
    /// An SNS topic.
    TopicArn, r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+(\.fifo)?$", max 512,
    "the ARN of an SNS topic, such as `arn:aws:sns:eu-central-1:111122223333:alarms`"
}
text! {
    /// The name of a metric's dimension.
    DimensionName, r"^[A-Za-z0-9_][A-Za-z0-9 _./-]*$", max 255,
    "a dimension's name such as `Service`"
}
text! {
    /// A field of a log event in CloudWatch Logs.
    EventField, r"^\$[.A-Za-z0-9_-]+$", max 255,
    "a field such as `$.service`, or `$service` where the pattern names it between brackets"
}
text! {
    /// The ARN of a target for a copy of a log group's events.
    CopyDestinationArn, r"^arn:aws[a-z-]*:(lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_$-]{1,128})?|kinesis:[a-z0-9-]+:[0-9]{12}:stream/[A-Za-z0-9_.-]{1,128}|firehose:[a-z0-9-]+:[0-9]{12}:deliverystream/[A-Za-z0-9_.-]{1,64})$", max 300,
    "the ARN of a Lambda function, a Kinesis data stream or a Firehose"
}
text! {
    /// The full ARN of a secret in AWS Secrets Manager.
    SecretArn, r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}$", max 600,
    "the full ARN of a secret in AWS Secrets Manager, with the six characters at its end"
}
text! {
    /// The URL that a Firehose sends to.
    HttpsUrl, r"^https://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:443)?(/[A-Za-z0-9_.~-]+)*/?$", max 1000,
    "an address such as `https://logs.example.com/firehose`: https, port 443, no user and no query"
}
text! {
    /// The URL of a proxy.
    ProxyUrl, r"^http://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?):[0-9]{1,5}$", max 300,
    "a proxy such as `http://proxy.example.com:3128`: `http:`, its port, and no user"
}
text! {
    /// A host that is reached without a proxy.
    NoProxyHost, r"^(\.?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f]*:[0-9A-Fa-f:]+)$", max 253,
    "a host's name, a domain such as `.example.com`, or an address; no `*` and no network"
}
text! {
    /// The key of an AWS tag: characters that every service accepts.
    AwsTagKey, r"^[A-Za-z0-9 _.:/=+@-]+$", max 128,
    "a tag's key: letters, digits, blanks and `_ . : / = + - @`, at most 128 characters"
}
text! {
    /// The key of an AWS tag that becomes a field: servers read dots as a path.
    FieldTagKey, r"^[A-Za-z0-9_:/=+@-][A-Za-z0-9 _:/=+@-]*(\.[A-Za-z0-9 _:/=+@-]+)*$", max 128,
    "a tag's key: letters, digits, blanks and `_ . : / = + - @`, at most 128 characters; no dot or blank at the start, no dot at the end, no two dots in a row"
}
text! {
    /// The value of an AWS tag: characters that every service accepts.
    AwsTagValue, r"^[A-Za-z0-9 _.:/=+@-]*$", max 256,
    "a tag's value: letters, digits, blanks and `_ . : / = + - @`, at most 256 characters"
}
text! {
    /// The name of an S3 bucket, in which `{region}` is replaced by a Region's name.
    CodeBucket, r"^([a-z0-9]|\{region\})([a-z0-9.-]|\{region\})*$", max 63,
    "an S3 bucket's name, in which `{region}` may stand for the Region's"
}
text! {
    /// The key of an object in S3.
    CodeKey, r"^[A-Za-z0-9!_.*'()/-]+$", max 1024,
    "an object's name: letters, digits, `!`, `_`, `.`, `*`, `'`, `(`, `)`, `/` and `-`"
}
text! {
    /// The name of an S3 bucket, in which `{account}` and `{region}` are replaced by those of a stack.
    BucketPattern, r"^([a-z0-9]|\{account\}|\{region\})([a-z0-9.-]|\{account\}|\{region\})*$", max 90,
    "an S3 bucket's name, in which `{account}` and `{region}` may stand for those of the stack"
}
text! {
    /// Prefix of the keys of S3 objects.
    KeyPrefix, r"^[A-Za-z0-9!_.()/-]+$", max 512,
    "the beginning of an object's name: letters, digits, `!`, `_`, `.`, `(`, `)`, `/` and `-`"
}
text! {
    /// The name of an IAM role.
    IamRoleName, r"^[A-Za-z0-9+=,.@_-]+$", max 64,
    "the name of an IAM role, without its path: letters, digits and `+=,.@_-`"
}
text! {
    /// The external ID that a trust policy requires; not a secret
    /// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).
    ExternalId, r"^[A-Za-z0-9+=,.@:/_-]{2,}$", max 1224,
    "an external id of IAM: at least two letters, digits and `+=,.@:/_-`"
}
text! {
    /// The name of a fleet as a tag's value.
    StackOwner, r"^[A-Za-z0-9._-]+$", max 64,
    "letters, digits, `-`, `_` and `.`, at most 64 characters"
}
text! {
    /// When a `CronJob` starts: five fields.
    CronSchedule, r"^[0-9*/,-]+( [0-9A-Za-z*/,?-]+){4}$", max 100,
    "five fields as cron reads them: minute, hour, day, month and weekday, such as `*/15 * * * *`"
}
