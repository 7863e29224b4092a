//! Who the reconciler is, and as whom it works in an account. IO.

use std::time::SystemTime;

use aws_credential_types::Credentials;

use super::{Aws, AwsError, Form};

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
pub(super) const VERSION: &str = "2011-06-15";

/// Assumes a role, by its ARN.
pub(super) fn assume_role(
    aws: &Aws,
    role_arn: &str,
    external_id: Option<&str>,
) -> Result<Credentials, AwsError> {
    const ACTION: &str = "AssumeRole";
    let form = Form::default()
        .with("RoleArn", role_arn)
        .with("RoleSessionName", "logfleet-reconciler")
        .with_any("ExternalId", external_id);
    let answer = aws.query("sts", ACTION, VERSION, form)?;
    let found = answer
        .find("Credentials")
        .ok_or_else(|| AwsError::strange(ACTION, &"there is no credential in the answer"))?;
    let text = |name: &str| {
        found
            .text_of(name)
            .ok_or_else(|| AwsError::strange(ACTION, &format!("the answer has no {name}")))
    };
    let expiration: jiff::Timestamp = text("Expiration")?
        .parse()
        .map_err(|error| AwsError::strange(ACTION, &error))?;
    Ok(Credentials::new(
        text("AccessKeyId")?,
        text("SecretAccessKey")?,
        Some(text("SessionToken")?.to_owned()),
        Some(SystemTime::from(expiration)),
        "AssumeRole",
    ))
}

/// The account of a credential.
pub(crate) fn caller_account(aws: &Aws) -> Result<String, AwsError> {
    const ACTION: &str = "GetCallerIdentity";
    let answer = aws.query("sts", ACTION, VERSION, Form::default())?;
    let account = answer.find("Account").map(|found| found.text.clone());
    account.ok_or_else(|| AwsError::strange(ACTION, &"the answer has no account"))
}
