//! The members of the resource group.

use serde::Deserialize;
use serde_json::json;

use super::{Aws, AwsError};

/// The ARNs of all members.
pub async fn members(aws: &Aws, group: &str) -> Result<Vec<String>, AwsError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        #[serde(default)]
        resources: Vec<Item>,
        #[serde(default)]
        resource_identifiers: Vec<Identifier>,
        next_token: Option<String>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Item {
        identifier: Identifier,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Identifier {
        resource_arn: String,
    }
    const ACTION: &str = "ListGroupResources";
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let mut body = json!({ "Group": group, "MaxResults": 50 });
        if let Some(token) = token {
            body["NextToken"] = token.into();
        }
        let request = http::Request::post(format!(
            "{}/list-group-resources",
            aws.host("resource-groups")
        ))
        .header("content-type", "application/json");
        let response = aws
            .call("resource-groups", ACTION, request, body.to_string())
            .await?;
        let answer: Answer = serde_json::from_slice(&response.body)
            .map_err(|error| AwsError::strange(ACTION, &error))?;
        let new = answer.resources.into_iter().map(|item| item.identifier);
        // The old form of the answer has the identifiers by themselves, too.
        let before = found.len();
        found.extend(new.map(|own| own.resource_arn));
        if found.len() == before {
            found.extend(
                answer
                    .resource_identifiers
                    .into_iter()
                    .map(|own| own.resource_arn),
            );
        }
        match answer.next_token {
            Some(next) if !next.is_empty() => token = Some(next),
            _ => return Ok(found),
        }
    }
}

/// What names a member in events and measurements: the end of its ARN, and for load balancers and
/// target groups the form that their measurements have.
pub fn names(arn: &str) -> Vec<String> {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    let mut names = Vec::new();
    if let Some(rest) = resource.strip_prefix("loadbalancer/") {
        names.push(rest.to_owned());
    } else if resource.starts_with("targetgroup/") {
        names.push(resource.to_owned());
    }
    let last = resource.rsplit(['/', ':']).next().unwrap_or(resource);
    if !last.is_empty() && !names.iter().any(|name| name == last) {
        names.push(last.to_owned());
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_named_as_measurements_and_events_name_them() {
        for (arn, wanted) in [
            (
                "arn:aws:ec2:eu-central-1:1:instance/i-0123456789abcdef0",
                vec!["i-0123456789abcdef0"],
            ),
            ("arn:aws:s3:::bucket", vec!["bucket"]),
            ("arn:aws:dynamodb:eu-central-1:1:table/users", vec!["users"]),
            (
                "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/a/50dc",
                vec!["app/a/50dc", "50dc"],
            ),
            (
                "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/classic",
                vec!["classic"],
            ),
            (
                "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/t/73e2",
                vec!["targetgroup/t/73e2", "73e2"],
            ),
            ("arn:aws:route53:::hostedzone/Z1", vec!["Z1"]),
        ] {
            assert_eq!(names(arn), wanted, "{arn}");
        }
    }
}
