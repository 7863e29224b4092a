//! Parameters of AWS Systems Manager: where the clusters of an account are registered.

use serde::Deserialize;
use serde_json::json;

use super::{Aws, AwsError};

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Parameter {
    /// Its name, with its path.
    pub name: String,
    /// What it holds.
    pub value: String,
}

/// All parameters below a path
/// (<https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html>).
pub async fn below(aws: &Aws, path: &str) -> Result<Vec<Parameter>, AwsError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        parameters: Vec<Parameter>,
        next_token: Option<String>,
    }
    const ACTION: &str = "AmazonSSM.GetParametersByPath";
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut body = json!({ "Path": path, "Recursive": true, "MaxResults": 10 });
        if let Some(token) = token {
            body["NextToken"] = token.into();
        }
        let response = aws.json("ssm", ACTION, "1.1", &body).await?;
        let answer: Answer = serde_json::from_slice(&response.body)
            .map_err(|error| AwsError::strange(ACTION, &error))?;
        found.extend(answer.parameters);
        match answer.next_token {
            Some(next) if !next.is_empty() => token = Some(next),
            _ => return Ok(found),
        }
    }
}
