//! Signs requests to AWS with Signature Version 4. Pure: no IO, no clock.
//!
//! Forwarder and reconciler send their requests by clients of their own, and make them of the same type of
//! the crate `http`. What both need beside it is here: the settings of AWS's own signer, and what of a request it wants to
//! know. It is source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use http::Request;

/// Why a request can't be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request can't be signed: {0}")]
pub struct SigningError(String);

impl SigningError {
    fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Who signs, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// The credential.
    pub credentials: &'a Credentials,
    /// The Region that the service is in.
    pub region: &'a str,
    /// The service, as signatures name it, such as `es`.
    pub service: &'a str,
    /// The present. AWS refuses a signature of another time by more than some minutes.
    pub now: SystemTime,
}

impl Signer<'_> {
    /// Signs a request, its body and all headers that it has: the signature is headers, too.
    pub fn sign<B>(&self, request: &mut Request<B>, body: &[u8]) -> Result<(), SigningError> {
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        self.apply(request, body, settings)
    }

    /// Signs a request without a body, all of whose headers whoever sends it must send, too: the signature is part of
    /// the address, and lasts so many seconds. Who has the address can send the request.
    pub fn presign(&self, request: &mut Request<()>, lasts: Duration) -> Result<(), SigningError> {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(lasts);
        self.apply(request, b"", settings)
    }

    fn apply<B>(
        &self,
        request: &mut Request<B>,
        body: &[u8],
        settings: SigningSettings,
    ) -> Result<(), SigningError> {
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.now)
            .settings(settings)
            .build()
            .map_err(SigningError::of)?
            .into();
        let uri = request.uri().to_string();
        let headers = request.headers().iter();
        // One that isn't text isn't signed.
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable = SignableRequest::new(
            request.method().as_str(),
            uri,
            headers,
            SignableBody::Bytes(body),
        )
        .map_err(SigningError::of)?;
        let (instructions, _) = sign(signable, &parameters)
            .map_err(SigningError::of)?
            .into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::UNIX_EPOCH;

    use super::*;

    fn signer<'a>(credentials: &'a Credentials, service: &'a str) -> Signer<'a> {
        Signer {
            credentials,
            region: "eu-west-1",
            service,
            now: UNIX_EPOCH + Duration::from_secs(1_795_900_000),
        }
    }

    fn credentials() -> Credentials {
        Credentials::new("AKIDEXAMPLE", "secret", Some("token".into()), None, "test")
    }

    #[test]
    fn a_request_is_signed_for_its_service_and_region() {
        let mut request = Request::post(
            "https://search-x.eu-west-1.es.amazonaws.com/logs-a/_bulk?filter_path=items.*.status",
        )
        .header("content-type", "application/x-ndjson")
        .body(())
        .expect("a request");
        let credentials = credentials();
        signer(&credentials, "es")
            .sign(&mut request, b"{}")
            .expect("signed");
        let header = |name: &str| request.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(header("x-amz-date"), "20261128T210640Z");
        assert_eq!(header("x-amz-security-token"), "token");
        assert!(header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261128/eu-west-1/es/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date"));
    }

    #[test]
    fn a_presigned_address_has_all_but_the_headers() {
        let mut request = Request::get("https://sts.eu-west-1.amazonaws.com/?Action=A&Version=1")
            .header("x-own", "alpha")
            .body(())
            .expect("a request");
        let credentials = credentials();
        signer(&credentials, "sts")
            .presign(&mut request, Duration::from_secs(60))
            .expect("signed");
        let query = request.uri().query().expect("a query").to_owned();
        let names: BTreeSet<&str> = query
            .split('&')
            .filter_map(|pair| Some(pair.split_once('=')?.0))
            .collect();
        assert_eq!(
            Vec::from_iter(names),
            [
                "Action",
                "Version",
                "X-Amz-Algorithm",
                "X-Amz-Credential",
                "X-Amz-Date",
                "X-Amz-Expires",
                "X-Amz-Security-Token",
                "X-Amz-Signature",
                "X-Amz-SignedHeaders",
            ]
        );
        assert!(
            query.contains("X-Amz-SignedHeaders=host%3Bx-own"),
            "{query}"
        );
        assert!(query.contains("X-Amz-Expires=60&"), "{query}");
        assert!(!query.contains("secret"), "{query}");
    }
}
