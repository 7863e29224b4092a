//! HTTP/1.1 over TLS by hyper and rustls. Connections are kept between calls.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use logfleet_contract::server::TlsVersion;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// How long a connection is kept that nobody uses. Lambda stops the clock between calls, so it may be
/// longer than a server keeps its side; hyper then makes a new one.
const IDLE: Duration = Duration::from_secs(50);

/// Who a server must be, and who we are.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The only authority that counts, in PEM; those of the system without.
    pub authority: Option<String>,
    /// Whether any certificate is accepted.
    pub any_certificate: bool,
    /// The oldest version of TLS that is spoken.
    pub minimum_tls: TlsVersion,
    /// Certificate and key, in PEM.
    pub identity: Option<(String, String)>,
}

/// Why a client couldn't be made.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// An authority, a certificate or a key isn't PEM of its kind.
    #[error("{0} can't be read as PEM")]
    Pem(&'static str),
    /// TLS refuses it.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The system has no authorities.
    #[error("this system has no CA certificates")]
    NoAuthorities,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Nothing was sent.
    #[error("can't connect: {0}")]
    NotSent(String),
    /// Nobody knows what the server got.
    #[error("no answer: {0}")]
    Unknown(String),
}

/// How long an answer is looked for when its time is up: a function of little memory has its share of a
/// processor in pieces, and what came meanwhile is unread.
const LAST_LOOK: Duration = Duration::from_millis(20);

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The body, unpacked.
    pub body: Vec<u8>,
}

/// A client with its connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Client {
    /// A client that trusts nobody else.
    pub fn new(trust: &Trust) -> Result<Self, TrustError> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(5)));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(trust)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let inner = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self { inner })
    }

    /// Sends a request and reads its answer, which may have so many bytes, packed or not.
    pub async fn send(
        &self,
        request: Request<Bytes>,
        limit: usize,
        timeout: Duration,
    ) -> Result<Response, SendError> {
        let exchange = async {
            let (parts, body) = self.open(request).await?;
            let bytes = collect(body, limit).await?;
            let packed = parts
                .headers
                .get(header::CONTENT_ENCODING)
                .is_some_and(|encoding| encoding == "gzip");
            let body = if packed {
                unpack(&bytes, limit)?
            } else {
                bytes
            };
            let retry_after = parts.headers.get(header::RETRY_AFTER);
            Ok(Response {
                status: parts.status.as_u16(),
                retry_after: retry_after.and_then(|own| Some(own.to_str().ok()?.to_owned())),
                body,
            })
        };
        let mut exchange = std::pin::pin!(exchange);
        let mut answer = tokio::time::timeout(timeout, &mut exchange).await;
        if answer.is_err() {
            answer = tokio::time::timeout(LAST_LOOK, &mut exchange).await;
        }
        match answer {
            Ok(answer) => answer,
            Err(_) => Err(SendError::Unknown(format!(
                "none within {} ms",
                timeout.as_millis()
            ))),
        }
    }

    /// Sends a request, and leaves the body of the answer to be read.
    pub async fn open(
        &self,
        request: Request<Bytes>,
    ) -> Result<(http::response::Parts, Incoming), SendError> {
        let answer = self.inner.request(request.map(Full::new)).await;
        let answer = answer.map_err(|error| {
            let told = told(&error);
            if error.is_connect() {
                SendError::NotSent(told)
            } else {
                SendError::Unknown(told)
            }
        })?;
        Ok(answer.into_parts())
    }
}

/// An error with what caused it. Only the innermost says what happened.
fn told(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

async fn collect(mut body: Incoming, limit: usize) -> Result<Vec<u8>, SendError> {
    let mut bytes = Vec::new();
    while let Some(more) = chunk(&mut body).await? {
        if bytes.len() + more.len() > limit {
            return Err(SendError::Unknown(format!(
                "an answer of more than {limit} bytes"
            )));
        }
        bytes.extend_from_slice(&more);
    }
    Ok(bytes)
}

/// The next bytes of a body; none at its end.
pub async fn chunk(body: &mut Incoming) -> Result<Option<Bytes>, SendError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| SendError::Unknown(told(&error)))?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

fn unpack(packed: &[u8], limit: usize) -> Result<Vec<u8>, SendError> {
    let mut bytes = Vec::new();
    let limit = limit as u64;
    flate2::read::GzDecoder::new(packed)
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| SendError::Unknown(format!("a damaged answer: {error}")))?;
    if bytes.len() as u64 > limit {
        return Err(SendError::Unknown(format!(
            "an answer of more than {limit} bytes"
        )));
    }
    Ok(bytes)
}

fn tls(trust: &Trust) -> Result<ClientConfig, TrustError> {
    let provider = Arc::new(ring::default_provider());
    let versions: &[&rustls::SupportedProtocolVersion] = match trust.minimum_tls {
        TlsVersion::V1_2 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::V1_3 => &[&rustls::version::TLS13],
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)?;
    let builder = if trust.any_certificate {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
    } else {
        builder.with_root_certificates(authorities(trust.authority.as_deref())?)
    };
    Ok(match &trust.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain: Result<Vec<_>, _> =
                CertificateDer::pem_slice_iter(certificate.as_bytes()).collect();
            let chain = chain.map_err(|_| TrustError::Pem("`tls.crt`"))?;
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
                .map_err(|_| TrustError::Pem("`tls.key`"))?;
            builder.with_client_auth_cert(chain, key)?
        }
    })
}

fn authorities(own: Option<&str>) -> Result<RootCertStore, TrustError> {
    let mut store = RootCertStore::empty();
    if let Some(own) = own {
        for certificate in CertificateDer::pem_slice_iter(own.as_bytes()) {
            let certificate = certificate.map_err(|_| TrustError::Pem("`ca_certificate`"))?;
            store.add(certificate)?;
        }
        if store.is_empty() {
            return Err(TrustError::Pem("`ca_certificate`"));
        }
        return Ok(store);
    }
    // Those of a system may be of forms that rustls doesn't know; others do.
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        return Err(TrustError::NoAuthorities);
    }
    Ok(store)
}

/// Believes any certificate, as a destination's settings ask for. Signatures are checked, so that a
/// connection is to whoever has the certificate's key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
