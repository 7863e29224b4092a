//! The way to AWS: requests that are signed here and sent by a blocking client. IO.
//!
//! AWS's SDK gives the credential (environment, web identity of a pod, machine's role); its clients for nine services
//! would be much code for the few actions that are called (decision 49). [`aws_calls`] lists these.

pub(crate) mod eks;
mod error;
mod query;
pub mod s3;
pub(crate) mod sts;
pub mod tagging;
mod xml;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use backon::{BlockingRetryable as _, ExponentialBuilder};
use logfleet_contract::{aws_calls, partition};
use logfleet_signing::{Signer, SigningError};
use ureq::Agent;
use ureq::http::Request;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

pub use error::AwsError;
pub(crate) use error::{CLOCK, is_of_the_clock};
pub use query::Form;
pub use xml::Element;

/// Bytes of an answer. A page of stacks has 1 MB, a template as much.
const LARGEST_ANSWER: u64 = 16 * 1024 * 1024;

/// A credential is renewed as long before it ends.
const MARGIN: Duration = Duration::from_secs(300);

/// After so many tries without an answer, a service is taken to be out of reach: it is asked about each cluster, and
/// waiting as long as for a throttled call would take hours.
const UNANSWERED: u32 = 4;

/// How long AWS is waited for, and how requests are sent again when it has no time for them. The `Describe` calls of CloudFormation are throttled
/// hard (<https://github.com/aws/aws-cli/issues/5286>), so that it is tried for about two minutes.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How often at most.
    pub times: usize,
    /// The first pause; each is twice as long as the one before, with jitter.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// How long a request may take.
    pub answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            times: 9,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(20),
            answer: Duration::from_secs(60),
        }
    }
}

/// How accounts are reached.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The name of the role that is assumed in each account; without one, only the reconciler's own account is reached.
    pub role: Option<String>,
    /// What the roles' trust policies may ask for.
    pub external_id: Option<String>,
    /// Where all services are instead of at their own hosts.
    pub endpoint: Option<String>,
    /// How requests are sent again.
    pub patience: Patience,
}

/// The reconciler's own credential, and those of the accounts that it is let into.
#[derive(Debug)]
pub struct Accounts {
    agent: Agent,
    access: Access,
    own: Own,
    known: Mutex<BTreeMap<String, Credentials>>,
}

/// Where the reconciler's own credential comes from.
#[derive(Debug)]
enum Own {
    /// AWS's default chain.
    Chain {
        runtime: tokio::runtime::Runtime,
        provider: aws_credential_types::provider::SharedCredentialsProvider,
    },
    /// One that is given.
    Given(Credentials),
}

impl Accounts {
    /// Signs in by AWS's default chain. Nothing is sent before it is needed.
    pub fn sign_in(access: Access) -> Result<Self, AwsError> {
        let strange = |what: &str| AwsError::strange("credentials", &what);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| AwsError::strange("credentials", &error))?;
        let http = Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let config = runtime.block_on(
            aws_config::defaults(BehaviorVersion::latest())
                .http_client(http)
                .load(),
        );
        let provider = config
            .credentials_provider()
            .ok_or_else(|| strange("AWS's default provider chain found no credential"))?;
        let endpoint = config.endpoint_url().map(ToOwned::to_owned);
        let access = Access {
            endpoint: access.endpoint.or(endpoint),
            ..access
        };
        Ok(Self::with(access, Own::Chain { runtime, provider }))
    }

    /// Uses a credential that is given.
    pub fn with_credentials(access: Access, credentials: Credentials) -> Self {
        Self::with(access, Own::Given(credentials))
    }

    fn with(access: Access, own: Own) -> Self {
        Self {
            agent: agent(access.patience.answer),
            access,
            own,
            known: Mutex::default(),
        }
    }

    /// The reconciler's own account.
    pub fn own(&self, region: &str) -> Result<Aws, AwsError> {
        let credentials = self.known("", || match &self.own {
            Own::Given(credentials) => Ok(credentials.clone()),
            Own::Chain { runtime, provider } => runtime
                .block_on(provider.provide_credentials())
                .map_err(|error| AwsError::strange("credentials", &chain(&error))),
        })?;
        Ok(self.aws(region, credentials))
    }

    /// An account, by the role in it.
    pub fn account(&self, account: &str, region: &str) -> Result<Aws, AwsError> {
        let credentials = self.known(account, || {
            let own = self.own(region)?;
            if let Some(role) = &self.access.role {
                let role_arn = format!("arn:{}:iam::{account}:role/{role}", own.partition().0);
                return sts::assume_role(&own, &role_arn, self.access.external_id.as_deref());
            }
            let signed_in = sts::caller_account(&own)?;
            if signed_in == account {
                return Ok(own.credentials);
            }
            Err(AwsError::OtherAccount {
                wanted: account.to_owned(),
                own: signed_in,
            })
        })?;
        Ok(self.aws(region, credentials))
    }

    /// Whatever account a role is in, by the role's ARN.
    pub fn assumed(&self, role_arn: &str, region: &str) -> Result<Aws, AwsError> {
        let credentials = self.known(role_arn, || {
            let own = self.own(region)?;
            sts::assume_role(&own, role_arn, self.access.external_id.as_deref())
        })?;
        Ok(self.aws(region, credentials))
    }

    fn aws(&self, region: &str, credentials: Credentials) -> Aws {
        Aws {
            agent: self.agent.clone(),
            region: region.to_owned(),
            endpoint: self.access.endpoint.clone(),
            patience: self.access.patience,
            credentials,
        }
    }

    /// A credential that doesn't end soon. Those who wait for one wait for the same request.
    fn known(
        &self,
        account: &str,
        fetch: impl FnOnce() -> Result<Credentials, AwsError>,
    ) -> Result<Credentials, AwsError> {
        let lasts =
            |credentials: &Credentials| credentials.expiry().is_none_or(|end| end > now() + MARGIN);
        let read = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(credentials) = read().get(account)
            && lasts(credentials)
        {
            return Ok(credentials.clone());
        }
        let credentials = fetch()?;
        read().insert(account.to_owned(), credentials.clone());
        Ok(credentials)
    }
}

/// One account, in a Region.
#[derive(Clone, Debug)]
pub struct Aws {
    agent: Agent,
    region: String,
    endpoint: Option<String>,
    patience: Patience,
    credentials: Credentials,
}

/// A request to a service.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a> {
    /// As which the service signs.
    pub(crate) service: &'a str,
    /// What messages call it.
    pub(crate) action: &'a str,
    pub(crate) method: &'static str,
    /// The address.
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// What a service answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) body: Vec<u8>,
    pub(crate) etag: Option<String>,
}

impl Aws {
    /// The Region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// How hosts and ARNs of the Region's partition are made; a Region that is too new to be known is one of the
    /// commercial partition.
    pub(crate) fn partition(&self) -> (&'static str, &'static str) {
        partition::of_region(&self.region)
            .map_or(("aws", "amazonaws.com"), |own| (own.id, own.dns_suffix))
    }

    /// Where a service is in the Region.
    pub(crate) fn host(&self, prefix: &str) -> String {
        match &self.endpoint {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => format!("https://{prefix}.{}.{}", self.region, self.partition().1),
        }
    }

    /// Where a service without Regions is.
    pub(crate) fn global_host(&self, service: &str) -> String {
        match &self.endpoint {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => format!("https://{service}.{}", self.partition().1),
        }
    }

    /// Where a bucket is. An emulator has all of them at one host.
    pub(crate) fn bucket(&self, bucket: &str) -> String {
        match &self.endpoint {
            Some(endpoint) => format!("{}/{bucket}", endpoint.trim_end_matches('/')),
            None => format!("https://{bucket}.s3.{}.{}", self.region, self.partition().1),
        }
    }

    /// A call of the Query protocol: a form in, XML out.
    pub(crate) fn query(
        &self,
        service: &str,
        action: &str,
        version: &str,
        form: Form,
    ) -> Result<Element, AwsError> {
        let body = form.with("Action", action).with("Version", version).text();
        let call = Call {
            service,
            action,
            method: "POST",
            url: format!("{}/", self.host(service)),
            headers: vec![(
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
            )],
            body: body.into_bytes(),
        };
        let answer = self.send(&call)?;
        Element::parse(&answer.body).map_err(|error| AwsError::strange(action, &error))
    }

    /// A call of a JSON protocol, by its target.
    pub(crate) fn json(
        &self,
        service: &str,
        target: &str,
        body: &serde_json::Value,
    ) -> Result<serde_json::Value, AwsError> {
        let action = target.rsplit('.').next().unwrap_or(target);
        let body = self.json_answer(service, target, body)?;
        Answer { body, etag: None }.json(action)
    }

    /// The same, with the answer as it came.
    pub(crate) fn json_answer(
        &self,
        service: &str,
        target: &str,
        body: &serde_json::Value,
    ) -> Result<Vec<u8>, AwsError> {
        let action = target.rsplit('.').next().unwrap_or(target);
        let call = Call {
            service,
            action,
            method: "POST",
            url: format!("{}/", self.host(service)),
            headers: vec![
                ("content-type", "application/x-amz-json-1.1".to_owned()),
                ("x-amz-target", target.to_owned()),
            ],
            body: body.to_string().into_bytes(),
        };
        self.send(&call).map(|answer| answer.body)
    }

    /// Signs and sends a request, again while AWS has no time for it.
    pub(crate) fn send(&self, call: &Call<'_>) -> Result<Answer, AwsError> {
        debug_assert!(
            aws_calls::is_listed(call.service, call.action),
            "{}:{} isn't listed in `aws_calls`",
            call.service,
            call.action
        );
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.patience.first)
            .with_max_delay(self.patience.longest)
            .with_max_times(self.patience.times)
            .with_jitter();
        let unanswered = Cell::new(0);
        (|| self.once(call))
            .retry(pauses)
            .when(|error| match error {
                AwsError::Unanswered { .. } => {
                    unanswered.set(unanswered.get() + 1);
                    unanswered.get() < UNANSWERED && error.is_passing()
                }
                _ => error.is_passing(),
            })
            .call()
    }

    fn once(&self, call: &Call<'_>) -> Result<Answer, AwsError> {
        let unanswered = |why: String| AwsError::Unanswered {
            action: call.action.to_owned(),
            why,
        };
        let mut request = Request::builder().method(call.method).uri(&call.url);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let mut request = request
            .body(call.body.clone())
            .map_err(|error| AwsError::strange(call.action, &error))?;
        self.sign(&mut request, &call.body, call.service)
            .map_err(|error| AwsError::strange(call.action, &error))?;
        let mut response = self
            .agent
            .run(request)
            .map_err(|error| unanswered(error.to_string()))?;
        let status = response.status().as_u16();
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            Some(value.to_str().ok()?.to_owned())
        };
        let etag = header("etag");
        let mut body = Vec::new();
        let read = response
            .body_mut()
            .as_reader()
            .take(LARGEST_ANSWER)
            .read_to_end(&mut body);
        read.map_err(|error| unanswered(error.to_string()))?;
        if (200..300).contains(&status) {
            Ok(Answer { body, etag })
        } else {
            Err(error::refused(call.action, status, &body))
        }
    }

    /// Signs a request to a service of the Region, or to a server that knows roles of AWS.
    pub(crate) fn sign<B>(
        &self,
        request: &mut Request<B>,
        body: &[u8],
        service: &str,
    ) -> Result<(), SigningError> {
        self.signer(service).sign(request, body)
    }

    fn signer<'a>(&'a self, service: &'a str) -> Signer<'a> {
        // Route 53 has no Region, and signs as the one of its partition's global services.
        let region = match service {
            "route53" => {
                partition::of_region(&self.region).map_or("us-east-1", |own| own.global_region)
            }
            _ => &self.region,
        };
        Signer {
            credentials: &self.credentials,
            region,
            service,
            now: now(),
        }
    }
}

impl Answer {
    /// The answer as JSON.
    pub(crate) fn json(&self, action: &str) -> Result<serde_json::Value, AwsError> {
        if self.body.is_empty() {
            return Ok(serde_json::Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|error| AwsError::strange(action, &error))
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(own) = cause {
        text.push_str(&format!(": {own}"));
        cause = own.source();
    }
    text
}

#[expect(
    clippy::disallowed_methods,
    reason = "a signature is of a time, and a credential ends at one"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

fn agent(timeout: Duration) -> Agent {
    let certificates: Vec<Certificate<'static>> = rustls_native_certs::load_native_certs()
        .certs
        .iter()
        .map(|own| Certificate::from_der(own).to_owned())
        .collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&certificates))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(timeout))
        .user_agent(concat!("logfleet-reconciler/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}
