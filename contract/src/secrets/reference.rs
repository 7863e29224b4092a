//! Where a secret is kept, as settings write it. Pure.

use std::fmt;
use std::str::FromStr;

/// A place where a secret is kept; never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretReference {
    /// `aws-secretsmanager:<name or ARN>`.
    SecretsManager(String),
    /// `kubernetes-secret:<name>`.
    Kubernetes(String),
}

/// A text that is no [`SecretReference`]. It isn't repeated: somebody may have
/// written the secret itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this isn't `aws-secretsmanager:<name or ARN>` or `kubernetes-secret:<name>`")]
pub struct NotAReference;

const SECRETS_MANAGER: &str = "aws-secretsmanager:";
const KUBERNETES: &str = "kubernetes-secret:";

impl FromStr for SecretReference {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let is_name = |name: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@:-".contains(c);
            !name.is_empty() && name.chars().all(allowed)
        };
        let reference = match text.strip_prefix(SECRETS_MANAGER) {
            Some(name) if is_name(name) => Some(Self::SecretsManager(name.to_owned())),
            Some(_) => None,
            None => text
                .strip_prefix(KUBERNETES)
                .filter(|name| is_name(name))
                .map(|name| Self::Kubernetes(name.to_owned())),
        };
        reference.ok_or(NotAReference)
    }
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecretsManager(name) => write!(f, "{SECRETS_MANAGER}{name}"),
            Self::Kubernetes(name) => write!(f, "{KUBERNETES}{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::is_reference;

    #[test]
    fn a_reference_names_its_store_and_leads_back() {
        let arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:logs-a1b2c3";
        for (text, reference) in [
            (
                "aws-secretsmanager:logfleet/alpha/main".to_owned(),
                SecretReference::SecretsManager("logfleet/alpha/main".to_owned()),
            ),
            (
                format!("aws-secretsmanager:{arn}"),
                SecretReference::SecretsManager(arn.to_owned()),
            ),
            (
                "kubernetes-secret:logs".to_owned(),
                SecretReference::Kubernetes("logs".to_owned()),
            ),
        ] {
            assert_eq!(text.parse(), Ok(reference.clone()));
            assert_eq!(reference.to_string(), text);
            assert!(is_reference(&text), "it may be shown");
        }
    }

    #[test]
    fn what_may_be_a_secret_is_no_reference_and_is_not_repeated() {
        for text in [
            "",
            "hunter2",
            "kubernetes-secret:",
            "kubernetes-secret:hunter2 and more",
            "aws-secretsmanager:hunter2?",
        ] {
            let error = text.parse::<SecretReference>().expect_err(text);
            assert!(!error.to_string().contains("hunter2"));
        }
    }
}
