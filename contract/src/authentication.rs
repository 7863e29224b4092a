//! `authentication.json`: the identity that a cluster's shippers use at each destination,
//! and where its secret is. It contains no secret. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::secrets::SecretReference;

/// The name of the file in a cluster's folder.
pub const FILE: &str = "authentication.json";

/// The format that this release writes and reads.
pub const FORMAT: u64 = 1;

/// The identities of a cluster's shippers at its destinations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Authentication {
    #[serde(rename = "logfleet_authentication")]
    format: u64,
    /// By the destinations' names; without those that nothing is written to.
    pub destinations: BTreeMap<String, Writer>,
}

/// The identity of all shippers at one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Writer {
    /// How they authenticate.
    pub r#type: Method,
    /// The name of the write-only role, and of the user or API key that has it.
    pub writer: String,
    /// Where the secret is, if there is one.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_reference",
        deserialize_with = "read_reference"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub secret: Option<SecretReference>,
    /// The secret's keys that have other names: by `username_in`, `password_in`, `id_in`,
    /// `api_key_in`, `certificate_in` and `private_key_in`, which name no secret themselves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, String>,
    /// The Kubernetes Secret that the reconciler writes it to, under the keys' default names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesSecret>,
}

/// A Kubernetes Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KubernetesSecret {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// How shippers authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// User and password, keys `username` and `password`.
    Basic,
    /// An Elasticsearch API key, keys `id` and `api_key`.
    ApiKey,
    /// A client certificate, keys `tls.crt` and `tls.key`.
    ClientCertificate,
    /// AWS Signature Version 4 with a role: there is no secret.
    AwsSigv4,
}

/// Why the file is of no use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum AuthenticationError {
    /// Another release of `gen` wrote it.
    #[error(
        "has the format {0}, and this release reads {FORMAT}; use the release that rendered it"
    )]
    Format(u64),
    /// It isn't what it should be.
    #[error("{0}")]
    Malformed(String),
    /// A destination needs a secret and has none, or the other way round.
    #[error("`{0}`: there is a secret exactly where the type isn't `aws_sigv4`")]
    Secret(String),
}

impl Authentication {
    /// Reads the file.
    pub fn parse(bytes: &[u8]) -> Result<Self, AuthenticationError> {
        #[derive(Deserialize)]
        struct Head {
            logfleet_authentication: u64,
        }
        let malformed =
            |error: serde_json::Error| AuthenticationError::Malformed(error.to_string());
        let head: Head = serde_json::from_slice(bytes).map_err(malformed)?;
        if head.logfleet_authentication != FORMAT {
            return Err(AuthenticationError::Format(head.logfleet_authentication));
        }
        let read: Self = serde_json::from_slice(bytes).map_err(malformed)?;
        let wrong = read
            .destinations
            .iter()
            .find(|(_, writer)| writer.secret.is_none() != (writer.r#type == Method::AwsSigv4));
        match wrong {
            Some((name, _)) => Err(AuthenticationError::Secret(name.clone())),
            None => Ok(read),
        }
    }
}

impl Writer {
    /// What a key of the secret is called: `key`, unless `<setting>` says otherwise.
    pub fn key<'a>(&'a self, key: &'a str, setting: &str) -> &'a str {
        self.keys.get(setting).map_or(key, String::as_str)
    }
}

#[expect(clippy::ref_option, reason = "serde hands the field over so")]
fn write_reference<S: Serializer>(
    reference: &Option<SecretReference>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match reference {
        Some(reference) => serializer.collect_str(reference),
        None => serializer.serialize_none(),
    }
}

fn read_reference<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretReference>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom))
        .transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(value: &Value) -> Result<Authentication, AuthenticationError> {
        Authentication::parse(value.to_string().as_bytes())
    }

    fn example() -> Value {
        json!({
            "logfleet_authentication": 1,
            "destinations": {
                "audit": { "type": "aws_sigv4", "writer": "logfleet-own-writer" },
                "main": {
                    "type": "basic",
                    "writer": "logfleet-own-writer",
                    "secret": "aws-secretsmanager:logfleet/own/main",
                    "keys": { "password_in": "pass" },
                    "kubernetes": { "namespace": "logging", "name": "logfleet-main" },
                },
            },
        })
    }

    #[test]
    fn it_is_written_as_it_was_read() {
        let read = parse(&example()).expect("it is right");
        assert_eq!(serde_json::to_value(&read).expect("JSON"), example());
        let main = &read.destinations["main"];
        assert_eq!(main.key("password", "password_in"), "pass");
        assert_eq!(main.key("username", "username_in"), "username");
    }

    #[test]
    fn what_is_wrong_is_told_and_no_secret_is() {
        let mut other = example();
        other["logfleet_authentication"] = json!(2);
        assert_eq!(parse(&other), Err(AuthenticationError::Format(2)));
        let mut none = example();
        none["destinations"]["main"]["secret"] = Value::Null;
        assert_eq!(
            parse(&none),
            Err(AuthenticationError::Secret("main".to_owned()))
        );
        let mut literal = example();
        literal["destinations"]["main"]["secret"] = json!("hunter2");
        let error = parse(&literal).expect_err("a secret in clear").to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
