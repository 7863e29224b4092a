//! Where logs go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use logfleet_contract::server::{Backend, TlsVersion};

use super::{Account, BucketName, FilePath, Region, SecretKeyName, SecretReference, Url};

/// Where logs go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "backend", rename_all = "snake_case")]
pub enum Destination {
    /// Elasticsearch with native security and index life-cycle management.
    Elasticsearch(Server),
    /// OpenSearch with its security plugin and index state management.
    Opensearch(Server),
    /// CloudWatch Logs in the cluster's account: a log group for each stream.
    Cloudwatch(Cloudwatch),
    /// An archive: objects in an S3 bucket of the cluster's account.
    S3(Archive),
}

impl Destination {
    /// The server, if it is one, and what runs there.
    pub fn server(&self) -> Option<(Backend, &Server)> {
        match self {
            Self::Elasticsearch(server) => Some((Backend::Elasticsearch, server)),
            Self::Opensearch(server) => Some((Backend::Opensearch, server)),
            Self::Cloudwatch(_) | Self::S3(_) => None,
        }
    }
}

/// CloudWatch Logs in the cluster's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cloudwatch {
    /// Its Region; by default the cluster's.
    pub region: Option<Region>,
    /// Minutes that a Fluentd tries to send to it; then all chunks of the stream that wait are thrown away. Without it, it
    /// tries for ever, and the buffer's `when_full` says what happens once that is full.
    #[schemars(range(min = 1, max = 525_600))]
    pub give_up_after_minutes: Option<u32>,
}

/// An archive in S3. Objects lie below `<cluster>/<stream>/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// The bucket, which the cluster's CloudFormation stack makes; by default
    /// `logfleet-<cluster>-<destination>-<account>-<region>`, shortened with a
    /// hash where that is too long.
    pub bucket: Option<BucketName>,
    /// Its Region; by default the cluster's.
    pub region: Option<Region>,
    /// Days until an object is deleted.
    #[schemars(range(min = 1, max = 36_500))]
    pub expiry_days: u16,
    /// Days until an object moves to a colder, cheaper class; it stays as it is without.
    #[schemars(range(min = 1, max = 36_500))]
    pub glacier_after_days: Option<u16>,
    /// Minutes that a Fluentd tries to send to it; then all chunks of the stream that wait are thrown away. Without it, it
    /// tries for ever, and the buffer's `when_full` says what happens once that is full.
    #[schemars(range(min = 1, max = 525_600))]
    pub give_up_after_minutes: Option<u32>,
}

/// An Elasticsearch or OpenSearch outside the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Its major version: 8 or 9 for Elasticsearch, 2 or 3 for OpenSearch.
    #[schemars(range(min = 2, max = 9))]
    pub version: u8,
    /// Its address.
    pub url: Url,
    /// Sends logs and credentials in plain text, readable by anybody on the way. Only with this may `url` start with `http:`.
    #[serde(default)]
    pub send_everything_unencrypted: bool,
    /// How its certificate is checked.
    #[serde(default)]
    pub tls: Tls,
    /// How a cluster proves who it is.
    pub authentication: Authentication,
    /// Seconds that a bulk request may take. Fluentd's default of 5 gives up
    /// on a busy server that would have answered, and sends everything again.
    #[serde(default = "default_request_timeout")]
    #[schemars(range(min = 30, max = 600))]
    pub request_timeout_seconds: u16,
    /// Largest bulk request, in mebibytes. Amazon OpenSearch Service refuses
    /// more than 10 on its smaller instances.
    #[serde(default = "default_bulk_size")]
    #[schemars(range(min = 1, max = 90))]
    pub bulk_size_mebibytes: u8,
    /// Minutes that a Fluentd tries to send to it; then all chunks of the stream that wait are thrown away. Without it, it
    /// tries for ever, and the buffer's `when_full` says what happens once that is full.
    #[schemars(range(min = 1, max = 525_600))]
    pub give_up_after_minutes: Option<u32>,
}

fn default_request_timeout() -> u16 {
    60
}

fn default_bulk_size() -> u8 {
    9
}

/// How a server's certificate is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// A file of PEM certificates below `clusters/` that sign the server's; without it the image's own list counts.
    pub ca_certificate: Option<FilePath>,
    /// Accepts any certificate, so anybody on the way can read and change everything. For a test that ends today.
    #[serde(default)]
    pub accept_any_certificate: bool,
    /// The oldest version of TLS that is spoken.
    #[serde(default)]
    pub minimum_version: TlsVersion,
}

/// How a cluster proves who it is. Secrets are named, never written here; the
/// keys that each must hold stand with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Authentication {
    /// User and password.
    Basic {
        /// Holds `username` and `password`; by default `aws-secretsmanager:logfleet/<cluster>/<destination>`.
        secret: Option<SecretReference>,
        /// In which keys of the secret they are, if those are called otherwise.
        #[serde(default)]
        keys: UserKeys,
    },
    /// An API key. Elasticsearch only.
    ApiKey {
        /// Holds `id` and `api_key`; by default `aws-secretsmanager:logfleet/<cluster>/<destination>`.
        secret: Option<SecretReference>,
        /// In which keys of the secret they are, if those are called otherwise.
        #[serde(default)]
        keys: ApiKeyKeys,
    },
    /// A client certificate.
    ClientCertificate {
        /// Holds `tls.crt` and `tls.key`; by default `aws-secretsmanager:logfleet/<cluster>/<destination>`.
        secret: Option<SecretReference>,
        /// In which keys of the secret they are, if those are called otherwise.
        #[serde(default)]
        keys: CertificateKeys,
        /// The certificate's subject as the server sees it; by default `CN=logfleet-<cluster>-writer`.
        #[schemars(length(min = 3, max = 512))]
        subject: Option<String>,
    },
    /// AWS Signature Version 4 with the pods' own role, `kubernetes.role_arn`, for Amazon OpenSearch Service.
    AwsSigv4 {
        /// The Region of the OpenSearch domain; by default the one in the host of `url`,
        /// and the cluster's where the host is your own and says none.
        region: Option<Region>,
        /// The account of the OpenSearch domain; by default the cluster's. The access
        /// policy of a domain in another account must let the cluster's roles in.
        account: Option<Account>,
    },
}

/// The keys of a secret that hold user and password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserKeys {
    /// The key that holds the user's name; `username` without it.
    pub username_in: Option<SecretKeyName>,
    /// The key that holds the password; `password` without it.
    pub password_in: Option<SecretKeyName>,
}

/// The keys of a secret that hold an API key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyKeys {
    /// The key that holds the id; `id` without it.
    pub id_in: Option<SecretKeyName>,
    /// The key that holds the API key itself; `api_key` without it.
    pub api_key_in: Option<SecretKeyName>,
}

/// The keys of a secret that hold a client certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateKeys {
    /// The key that holds the certificate; `tls.crt` without it.
    pub certificate_in: Option<SecretKeyName>,
    /// The key that holds its private key; `tls.key` without it.
    pub private_key_in: Option<SecretKeyName>,
}
