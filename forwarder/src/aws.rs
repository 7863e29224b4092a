//! The few calls of AWS that the forwarder makes, signed and sent by its own
//! client: the SDK's clients are larger than everything else together (decision 29).

pub mod cloudwatch;
pub mod ec2;
pub mod groups;
pub mod logs;
pub mod parameters;
pub mod s3;
pub mod secrets;

use std::time::Duration;

use aws_credential_types::Credentials;
use bytes::Bytes;
use http::Request;
use logfleet_contract::partition;
use logfleet_signing::{Signer, SigningError};

use crate::http::{Client, Response, SendError, Trust, TrustError};
use crate::{adapt, clock};

/// Bytes of an answer.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Tries of a call that AWS has no time for.
const TRIES: u32 = 4;

/// What the environment says of the function's place in AWS.
#[derive(Clone, Debug)]
pub struct Place {
    /// The Region.
    pub region: String,
    /// The function's own credential, which doesn't change while it lives.
    pub credentials: Credentials,
    /// Where all services are instead of at their own hosts, for tests.
    pub endpoint: Option<String>,
}

/// Why a call of AWS failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AwsError {
    /// It was refused.
    #[error("{action}: status {status}, {code}")]
    Refused {
        /// What was called.
        action: String,
        /// The status.
        status: u16,
        /// AWS's name for the reason.
        code: String,
    },
    /// There was no answer.
    #[error("{action}: {error}")]
    Unanswered {
        /// What was called.
        action: String,
        /// Why.
        error: SendError,
    },
    /// The answer isn't what it should be.
    #[error("{action}: the answer is not understood: {what}")]
    Strange {
        /// What was called.
        action: String,
        /// What is wrong with it.
        what: String,
    },
}

impl AwsError {
    /// Whether it says that there is no such thing.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
            || matches!(self, Self::Refused { code, .. } if code == "ResourceNotFoundException")
    }

    fn strange(action: &str, what: &dyn std::fmt::Display) -> Self {
        Self::Strange {
            action: action.to_owned(),
            what: what.to_string(),
        }
    }
}

/// The function's way to AWS.
#[derive(Clone, Debug)]
pub struct Aws {
    place: Place,
    suffix: &'static str,
    client: Client,
}

impl Aws {
    /// Prepares it. Nothing is sent.
    pub fn new(place: Place) -> Result<Self, TrustError> {
        // A Region that is too new to be known is one of the commercial partition.
        let partition = partition::of_region(&place.region);
        let trust = Trust {
            // Over plain HTTP nobody needs to be trusted.
            any_certificate: place
                .endpoint
                .as_deref()
                .is_some_and(|own| own.starts_with("http://")),
            ..Trust::default()
        };
        Ok(Self {
            suffix: partition.map_or("amazonaws.com", |own| own.dns_suffix),
            client: Client::new(&trust)?,
            place,
        })
    }

    /// The same way to another Region of the partition.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        let place = Place {
            region: region.to_owned(),
            ..self.place.clone()
        };
        Self {
            place,
            ..self.clone()
        }
    }

    /// The Region.
    pub fn region(&self) -> &str {
        &self.place.region
    }

    /// Signs a request to a service, in any Region, with the function's own credential.
    pub fn sign(
        &self,
        request: &mut Request<Bytes>,
        region: &str,
        service: &str,
    ) -> Result<(), SigningError> {
        let signer = Signer {
            credentials: &self.place.credentials,
            region,
            service,
            now: clock::system(),
        };
        let body = request.body().clone();
        signer.sign(request, &body)
    }

    /// Where a service is.
    fn host(&self, service: &str) -> String {
        match &self.place.endpoint {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => format!("https://{service}.{}.{}", self.place.region, self.suffix),
        }
    }

    /// Signs and sends a request, again while AWS has no time for it.
    async fn call(
        &self,
        service: &str,
        action: &str,
        request: http::request::Builder,
        body: impl Into<Bytes>,
    ) -> Result<Response, AwsError> {
        let body = body.into();
        let request = request
            .body(body)
            .map_err(|error| AwsError::strange(action, &error))?;
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.once(service, action, request.clone()).await {
                Ok(response) if response.status < 300 => return Ok(response),
                Ok(response) => refused(action, &response),
                Err(error) => error,
            };
            if tries >= TRIES || !passes(&error) {
                return Err(error);
            }
            tokio::time::sleep(adapt::wait(tries, clock::chance(), None)).await;
        }
    }

    async fn once(
        &self,
        service: &str,
        action: &str,
        mut request: Request<Bytes>,
    ) -> Result<Response, AwsError> {
        self.sign(&mut request, &self.place.region, service)
            .map_err(|error| AwsError::strange(action, &error))?;
        let sent = self.client.send(request, LARGEST_ANSWER, TIMEOUT).await;
        sent.map_err(|error| AwsError::Unanswered {
            action: action.to_owned(),
            error,
        })
    }

    /// A call of a service that speaks JSON, by its target.
    async fn json(
        &self,
        service: &str,
        target: &str,
        version: &str,
        body: &serde_json::Value,
    ) -> Result<Response, AwsError> {
        let action = target.rsplit('.').next().unwrap_or(target).to_owned();
        let request = Request::post(self.host(service) + "/")
            .header("content-type", format!("application/x-amz-json-{version}"))
            .header("x-amz-target", target);
        self.call(service, &action, request, body.to_string()).await
    }
}

fn passes(error: &AwsError) -> bool {
    match error {
        AwsError::Unanswered { .. } => true,
        AwsError::Refused { status, code, .. } => {
            *status >= 500
                || *status == 429
                || code.contains("Throttl")
                || code.contains("RequestLimitExceeded")
                || code == "SlowDown"
        }
        AwsError::Strange { .. } => false,
    }
}

fn refused(action: &str, response: &Response) -> AwsError {
    AwsError::Refused {
        action: action.to_owned(),
        status: response.status,
        code: code(&response.body).unwrap_or_else(|| "no reason".to_owned()),
    }
}

/// AWS's name for the reason of an error, in JSON or XML. Its message may quote what was sent.
fn code(body: &[u8]) -> Option<String> {
    let text = str::from_utf8(body).ok()?;
    if let Ok(json) = serde_json::from_str::<serde_json::Value>(text) {
        let code = json.get("__type").or_else(|| json.get("code"))?.as_str()?;
        return Some(code.rsplit('#').next()?.to_owned());
    }
    let document = roxmltree::Document::parse(text).ok()?;
    let code = document
        .descendants()
        .find(|node| node.has_tag_name("Code"));
    Some(code?.text()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_a_refusal_is_its_code_only() {
        assert_eq!(
            code(br#"{"__type":"com.amazonaws#ResourceNotFoundException","message":"secret x"}"#)
                .as_deref(),
            Some("ResourceNotFoundException")
        );
        assert_eq!(
            code(b"<Error><Code>NoSuchKey</Code><Message>m</Message></Error>").as_deref(),
            Some("NoSuchKey")
        );
        assert_eq!(code(b"<html"), None);
    }
}
