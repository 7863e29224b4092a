//! Writing to log groups of CloudWatch Logs, and reading their tags.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Aws, AwsError};

/// Bytes of all events of a request, each with 26 more, and events of one:
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>.
pub const LARGEST_BATCH: usize = 1_048_576;
/// Bytes that each event counts beside its text.
pub const BYTES_OF_EVENT: usize = 26;
/// Events of a request.
pub const MOST_EVENTS: usize = 10_000;
/// Milliseconds that the events of a request may lie apart.
pub const LONGEST_SPAN: i64 = 24 * 3_600_000;

/// An event: its time in milliseconds, and its text.
pub type Written = (i64, String);

/// Writes events, sorted by time, to a log stream, which is made if it is missing. How many
/// CloudWatch Logs refused for their time.
pub async fn put(
    aws: &Aws,
    group: &str,
    stream: &str,
    events: &[Written],
) -> Result<u64, AwsError> {
    let written: Vec<Value> = events
        .iter()
        .map(|(time, text)| json!({ "timestamp": time, "message": text }))
        .collect();
    let body = json!({ "logGroupName": group, "logStreamName": stream, "logEvents": written });
    let count = events.len();
    match put_once(aws, &body, count).await {
        Err(error) if error.is_missing() => {
            make_stream(aws, group, stream).await?;
            put_once(aws, &body, count).await
        }
        answer => answer,
    }
}

/// The tags of a log group, by its ARN without `:*`.
pub async fn tags(aws: &Aws, arn: &str) -> Result<BTreeMap<String, String>, AwsError> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        tags: BTreeMap<String, String>,
    }
    const ACTION: &str = "Logs_20140328.ListTagsForResource";
    let body = json!({ "resourceArn": arn });
    let response = aws.json("logs", ACTION, "1.1", &body).await?;
    let answer: Answer = serde_json::from_slice(&response.body)
        .map_err(|error| AwsError::strange("ListTagsForResource", &error))?;
    Ok(answer.tags)
}

async fn put_once(aws: &Aws, body: &Value, count: usize) -> Result<u64, AwsError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        rejected_log_events_info: Option<Rejected>,
    }
    /// Places in the request: what is before or from there on was refused.
    #[derive(Deserialize)]
    struct Rejected {
        #[serde(rename = "tooNewLogEventStartIndex")]
        too_new_from: Option<usize>,
        #[serde(rename = "tooOldLogEventEndIndex")]
        too_old_before: Option<usize>,
        #[serde(rename = "expiredLogEventEndIndex")]
        expired_before: Option<usize>,
    }
    const ACTION: &str = "Logs_20140328.PutLogEvents";
    let response = aws.json("logs", ACTION, "1.1", body).await?;
    let answer: Answer = serde_json::from_slice(&response.body)
        .map_err(|error| AwsError::strange(ACTION, &error))?;
    Ok(answer.rejected_log_events_info.map_or(0, |own| {
        let first = own.too_old_before.max(own.expired_before).unwrap_or(0);
        let new = own.too_new_from.unwrap_or(count);
        (first + count.saturating_sub(new)) as u64
    }))
}

async fn make_stream(aws: &Aws, group: &str, stream: &str) -> Result<(), AwsError> {
    const ACTION: &str = "Logs_20140328.CreateLogStream";
    let body = json!({ "logGroupName": group, "logStreamName": stream });
    match aws.json("logs", ACTION, "1.1", &body).await {
        Ok(_) => Ok(()),
        // Another call was quicker.
        Err(AwsError::Refused { code, .. }) if code == "ResourceAlreadyExistsException" => Ok(()),
        Err(error) => Err(error),
    }
}
