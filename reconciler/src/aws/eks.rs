//! Clusters of EKS: calls of their API, and tokens for their API servers. IO, but for the tokens.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::SecretString;
use serde_json::Value;
use ureq::http::Request;
use zeroize::Zeroizing;

use super::query::encoded;
use super::{Aws, AwsError, Call, sts};

/// How tokens begin, and the header that says for which cluster one is:
/// <https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster>.
const TOKEN: &str = "k8s-aws-v1.";
const CLUSTER: &str = "x-k8s-aws-id";

/// How long a token's address lasts. EKS takes a token for at most fifteen minutes; each request has one of its own.
const LASTS: Duration = Duration::from_secs(60);

/// A call of EKS.
pub(crate) fn call(
    aws: &Aws,
    action: &str,
    method: &'static str,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, AwsError> {
    let answer = aws.send(&Call {
        service: "eks",
        action,
        method,
        url: format!("{}/{path}", aws.host("eks")),
        headers: vec![("content-type", "application/json".to_owned())],
        body: body
            .map(|body| body.to_string().into_bytes())
            .unwrap_or_default(),
    })?;
    answer.json(action)
}

/// Reads what EKS says of a cluster.
pub(crate) fn describe(aws: &Aws, cluster: &str) -> Result<Value, AwsError> {
    let path = format!("clusters/{}", encoded(cluster));
    let mut answer = call(aws, "DescribeCluster", "GET", &path, None)?;
    Ok(answer["cluster"].take())
}

/// Where a cluster's API server is.
pub(crate) struct Endpoint {
    /// Its address.
    pub(crate) url: String,
    /// The authority that signs its certificate, in PEM.
    pub(crate) authority: Vec<u8>,
}

/// Finds a cluster's API server.
pub(crate) fn endpoint(aws: &Aws, cluster: &str) -> Result<Endpoint, AwsError> {
    let found = describe(aws, cluster)?;
    let strange = |what: &str| AwsError::strange("DescribeCluster", &what);
    let url = found["endpoint"]
        .as_str()
        .ok_or_else(|| strange("the cluster has no endpoint yet"))?;
    let authority = found["certificateAuthority"]["data"].as_str();
    let authority = authority.and_then(|data| STANDARD.decode(data).ok());
    Ok(Endpoint {
        url: url.to_owned(),
        authority: authority.ok_or_else(|| strange("the cluster has no authority"))?,
    })
}

/// A token for a cluster's API server: the address of a request by which STS says whose credential signed it. EKS sends that
/// request. Whoever has the token is let in.
pub(crate) fn token(aws: &Aws, cluster: &str) -> Result<SecretString, AwsError> {
    const ACTION: &str = "GetCallerIdentity";
    let url = format!(
        "{}/?Action={ACTION}&Version={}",
        aws.host("sts"),
        sts::VERSION
    );
    let mut request = Request::get(url)
        .header(CLUSTER, cluster)
        .body(())
        .map_err(|error| AwsError::strange(ACTION, &error))?;
    aws.signer("sts")
        .presign(&mut request, LASTS)
        .map_err(|error| AwsError::strange(ACTION, &error))?;
    let address = Zeroizing::new(request.uri().to_string());
    Ok(SecretString::from(format!(
        "{TOKEN}{}",
        URL_SAFE_NO_PAD.encode(address.as_bytes())
    )))
}
