//! As whom a server is spoken to.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use ureq::http::{HeaderValue, Request, header};
use zeroize::Zeroizing;

use crate::aws::{Accounts, Aws, AwsError, eks};
use crate::credential::Form;
use crate::store::Secret;

/// The service as which requests to a domain of Amazon OpenSearch Service are signed
/// (<https://docs.aws.amazon.com/opensearch-service/latest/developerguide/request-signing.html>).
const DOMAIN: &str = "es";

/// As whom a server is spoken to. Shows no secret.
#[derive(Clone)]
pub struct Identity(Kind);

#[derive(Clone)]
enum Kind {
    /// The value of the header `Authorization`.
    Header(SecretString),
    /// A role of AWS, by which each request is signed.
    Role(Role),
    /// A role of AWS, which gives each request a token for a cluster of EKS.
    Eks { role: Role, cluster: String },
}

/// A role of AWS.
#[derive(Clone, Debug)]
pub struct Role {
    /// The reconciler's own credential, and those of the roles that it assumes.
    pub accounts: Arc<Accounts>,
    /// The Region of what it signs in at.
    pub region: String,
    /// The role that is assumed; without it, the reconciler's own credential counts.
    pub role_arn: Option<String>,
}

impl Identity {
    /// A user and its password.
    pub fn user(username: &str, password: &SecretString) -> Self {
        Self::pair("Basic", username, password)
    }

    /// What a secret holds.
    pub fn of(secret: &Secret) -> Self {
        let scheme = match secret.form {
            Form::User => "Basic",
            // <https://www.elastic.co/docs/deploy-manage/api-keys/elasticsearch-api-keys>
            Form::ApiKey => "ApiKey",
        };
        Self::pair(scheme, &secret.identifier, &secret.value)
    }

    /// A token, as Kubernetes' API server takes one.
    pub fn token(token: &SecretString) -> Self {
        Self(Kind::Header(bearer(token)))
    }

    /// A role of AWS, at a domain of Amazon OpenSearch Service.
    pub fn role(role: Role) -> Self {
        Self(Kind::Role(role))
    }

    /// A role of AWS, at the API server of a cluster of EKS.
    pub fn eks(role: Role, cluster: String) -> Self {
        Self(Kind::Eks { role, cluster })
    }

    fn pair(scheme: &str, identifier: &str, value: &SecretString) -> Self {
        let pair = Zeroizing::new(format!("{identifier}:{}", value.expose_secret()));
        let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
        Self(Kind::Header(SecretString::from(format!(
            "{scheme} {}",
            encoded.as_str()
        ))))
    }

    /// Adds to a request who sends it.
    pub(crate) fn sign<B>(&self, request: &mut Request<B>, body: &[u8]) -> Result<(), String> {
        match &self.0 {
            Kind::Header(value) => authorize(request, value),
            Kind::Eks { role, cluster } => {
                let token = role.aws().and_then(|aws| eks::token(&aws, cluster));
                authorize(request, &bearer(&token.map_err(|error| error.to_string())?))
            }
            Kind::Role(role) => {
                let aws = role.aws().map_err(|error| error.to_string())?;
                aws.sign(request, body, DOMAIN)
                    .map_err(|error| error.to_string())
            }
        }
    }
}

fn bearer(token: &SecretString) -> SecretString {
    SecretString::from(format!("Bearer {}", token.expose_secret()))
}

/// Gives a request its header `Authorization`.
fn authorize<B>(request: &mut Request<B>, value: &SecretString) -> Result<(), String> {
    let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| {
        "the credential contains characters that aren't allowed in an HTTP header".to_owned()
    })?;
    value.set_sensitive(true);
    request.headers_mut().insert(header::AUTHORIZATION, value);
    Ok(())
}

impl Role {
    /// The way to AWS as this role.
    pub(crate) fn aws(&self) -> Result<Aws, AwsError> {
        match &self.role_arn {
            Some(role_arn) => self.accounts.assumed(role_arn, &self.region),
            None => self.accounts.own(&self.region),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Header(_) => "Identity(by a secret)",
            Kind::Role(_) | Kind::Eks { .. } => "Identity(by a role)",
        })
    }
}
