//! Where logs go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use logfleet_contract::server::{Backend, TlsVersion};

use super::{Account, BucketName, FilePath, Region, SecretKeyName, SecretReference, Url};

/// Where logs go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "backend", rename_all = "snake_case")]
pub enum Destination {
    /// Elasticsearch with native security and index lifecycle management.
    Elasticsearch(Server),
    /// OpenSearch with its security plugin and index state management.
    Opensearch(Server),
    /// CloudWatch Logs in the cluster's account: a log group for each stream.
    Cloudwatch(Cloudwatch),
    /// An archive: objects in an S3 bucket of the cluster's account.
    S3(Archive),
}

impl Destination {
    /// The server and what runs on it, if it is one.
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
    /// Minutes that Fluentd keeps trying to send; then it discards all waiting chunks of the stream. If not set, it
    /// tries forever, and `when_full` of the buffer defines what happens once that is full.
    #[schemars(range(min = 1, max = 525_600))]
    pub give_up_after_minutes: Option<u32>,
}

/// An archive in S3. Objects are stored below `<cluster>/<stream>/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// The bucket, created by the cluster's CloudFormation stack; by default
    /// `logfleet-<cluster>-<destination>-<account>-<region>`, shortened with a hash if that is too long.
    pub bucket: Option<BucketName>,
    /// Its Region; by default the cluster's.
    pub region: Option<Region>,
    /// Days until an object is deleted.
    #[schemars(range(min = 1, max = 36_500))]
    pub expiry_days: u16,
    /// Days until an object moves to a cheaper storage class; if not set, it doesn't move.
    #[schemars(range(min = 1, max = 36_500))]
    pub glacier_after_days: Option<u16>,
    /// Minutes that Fluentd keeps trying to send; then it discards all waiting chunks of the stream. If not set, it
    /// tries forever, and `when_full` of the buffer defines what happens once that is full.
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
    /// Sends logs and credentials in plain text, readable by anyone on the network. `url` may only start with `http:`
    /// if this is on.
    #[serde(default)]
    pub send_everything_unencrypted: bool,
    /// How its certificate is verified.
    #[serde(default)]
    pub tls: Tls,
    /// How clusters authenticate.
    pub authentication: Authentication,
    /// Seconds that a bulk request may take. With Fluentd's own default of 5, a request to a busy server that would
    /// have answered is given up, and everything is sent again.
    #[serde(default = "default_request_timeout")]
    #[schemars(range(min = 30, max = 600))]
    pub request_timeout_seconds: u16,
    /// Largest bulk request, in mebibytes. Amazon OpenSearch Service refuses more than 10 on its smaller instances.
    #[serde(default = "default_bulk_size")]
    #[schemars(range(min = 1, max = 90))]
    pub bulk_size_mebibytes: u8,
    /// Minutes that Fluentd keeps trying to send; then it discards all waiting chunks of the stream. If not set, it
    /// tries forever, and `when_full` of the buffer defines what happens once that is full.
    #[schemars(range(min = 1, max = 525_600))]
    pub give_up_after_minutes: Option<u32>,
}

fn default_request_timeout() -> u16 {
    60
}

fn default_bulk_size() -> u8 {
    9
}

/// How a server's certificate is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// A PEM file below `clusters/` with the CA certificates that sign the server's; by default the image's own CA list
    /// is used.
    pub ca_certificate: Option<FilePath>,
    /// Accepts any certificate, so anyone on the network can read and change everything. Only for a test that ends the
    /// same day.
    #[serde(default)]
    pub accept_any_certificate: bool,
    /// The oldest TLS version to use.
    #[serde(default)]
    pub minimum_version: TlsVersion,
}

/// How clusters authenticate. Secrets are referred to by name, never written here; each type lists the keys that its
/// secret needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Authentication {
    /// User and password.
    Basic {
        /// Contains `username` and `password`; by default `aws-secretsmanager:logfleet/<cluster>/<destination>`.
        secret: Option<SecretReference>,
        /// The keys in the secret, if they have other names.
        #[serde(default)]
        keys: UserKeys,
    },
    /// An API key. Elasticsearch only.
    ApiKey {
        /// Contains `id` and `api_key`; by default `aws-secretsmanager:logfleet/<cluster>/<destination>`.
        secret: Option<SecretReference>,
        /// The keys in the secret, if they have other names.
        #[serde(default)]
        keys: ApiKeyKeys,
    },
    /// A client certificate.
    ClientCertificate {
        /// Contains `tls.crt` and `tls.key`; by default `aws-secretsmanager:logfleet/<cluster>/<destination>`.
        secret: Option<SecretReference>,
        /// The keys in the secret, if they have other names.
        #[serde(default)]
        keys: CertificateKeys,
        /// The certificate's subject as the server sees it; by default `CN=logfleet-<cluster>-writer`.
        #[schemars(length(min = 3, max = 512))]
        subject: Option<String>,
    },
    /// AWS Signature Version 4 with the pods' own role, `kubernetes.role_arn`, for Amazon OpenSearch Service.
    AwsSigv4 {
        /// The Region of the OpenSearch domain; by default the one in the host of `url`, or the cluster's if that is a
        /// custom host name without a Region.
        region: Option<Region>,
        /// The account of the OpenSearch domain; by default the cluster's. The access policy of a domain in another
        /// account must allow the cluster's roles.
        account: Option<Account>,
    },
}

/// The keys of a secret with user and password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserKeys {
    /// The key with the user's name; `username` by default.
    pub username_in: Option<SecretKeyName>,
    /// The key with the password; `password` by default.
    pub password_in: Option<SecretKeyName>,
}

/// The keys of a secret with an API key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyKeys {
    /// The key with the id; `id` by default.
    pub id_in: Option<SecretKeyName>,
    /// The key with the API key itself; `api_key` by default.
    pub api_key_in: Option<SecretKeyName>,
}

/// The keys of a secret with a client certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateKeys {
    /// The key with the certificate; `tls.crt` by default.
    pub certificate_in: Option<SecretKeyName>,
    /// The key with its private key; `tls.key` by default.
    pub private_key_in: Option<SecretKeyName>,
}
