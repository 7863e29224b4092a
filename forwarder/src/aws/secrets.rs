//! Secrets Manager.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::{Aws, AwsError};

/// A version of a secret: <https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The one that counts.
    Current,
    /// The one that counted before. While a secret is rotated, it may be the one that still works.
    Previous,
}

impl Stage {
    fn label(self) -> &'static str {
        match self {
            Self::Current => "AWSCURRENT",
            Self::Previous => "AWSPREVIOUS",
        }
    }
}

/// What a secret holds. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(BTreeMap<String, String>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Secret {
    /// A value by its key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

/// Reads a secret by its name or ARN; none if there is no such version.
pub async fn read(aws: &Aws, secret: &str, stage: Stage) -> Result<Option<Secret>, AwsError> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "SecretString")]
        text: String,
    }
    const ACTION: &str = "secretsmanager.GetSecretValue";
    let body = json!({ "SecretId": secret, "VersionStage": stage.label() });
    let response = match aws.json("secretsmanager", ACTION, "1.1", &body).await {
        Err(error) if error.is_missing() => return Ok(None),
        answer => answer?,
    };
    // Errors of serde_json quote no more than a word of what they read; these quote nothing.
    let answer: Answer = serde_json::from_slice(&response.body)
        .map_err(|_| AwsError::strange(ACTION, &"no text"))?;
    let values: BTreeMap<String, String> = serde_json::from_str(&answer.text)
        .map_err(|_| AwsError::strange(ACTION, &"the secret isn't a JSON object of strings"))?;
    Ok(Some(Secret(values)))
}
