//! Looks at log groups, subscriptions and functions, and writes markers. IO.

use jiff::Timestamp;
use logfleet_contract::kept;
use serde_json::{Value, json};

use super::judge::{FunctionSeen, Kept, Seen, Subscription};
use super::path::Group;
use crate::aws::{Aws, AwsError, Call, s3};
use crate::fault::Fault;

/// The most notes of a function that are shown.
const MOST_NOTES: usize = 4;

/// The most pages of a function's log that are read.
const MOST_PAGES: usize = 20;

/// Reads what there is between a log group and the index.
pub fn look(aws: &Aws, group: &Group) -> Result<Seen, AwsError> {
    let body = json!({ "logGroupName": group.name });
    let subscriptions = aws.json("logs", "Logs_20140328.DescribeSubscriptionFilters", &body);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let subscriptions = found(subscriptions)?.map(|answer| {
        let all = answer["subscriptionFilters"]
            .as_array()
            .into_iter()
            .flatten();
        all.map(|own| Subscription {
            destination: text(&own["destinationArn"]),
            pattern: text(&own["filterPattern"]),
        })
        .collect()
    });
    let function = found(lambda(
        aws,
        group,
        "GetFunctionConfiguration",
        "configuration",
    ))?;
    let callers = match &function {
        Some(_) => found(lambda(aws, group, "GetPolicy", "policy"))?
            .map(|answer| callers(&text(&answer["Policy"]), &group.place.account))
            .unwrap_or_default(),
        None => Vec::new(),
    };
    Ok(Seen {
        subscriptions,
        function: function.map_or(FunctionSeen::Missing, |answer| state(&answer)),
        callers,
    })
}

fn found(answer: Result<Value, AwsError>) -> Result<Option<Value>, AwsError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html>
fn lambda(aws: &Aws, group: &Group, action: &str, part: &str) -> Result<Value, AwsError> {
    let host = aws.host("lambda");
    let answer = aws.send(&Call {
        service: "lambda",
        action,
        method: "GET",
        url: format!("{host}/2015-03-31/functions/{}/{part}", group.function.name),
        headers: Vec::new(),
        body: Vec::new(),
    })?;
    answer.json(action)
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>: an inactive function starts again when it is
/// called, a pending one soon.
fn state(function: &Value) -> FunctionSeen {
    match function["State"].as_str() {
        Some(state @ ("Failed" | "Pending")) => {
            let why = function["StateReason"].as_str().unwrap_or_default();
            FunctionSeen::NotReady(Fault::quoting(format!("{state} {why}").trim_end()))
        }
        _ => FunctionSeen::Ready,
    }
}

/// The log groups that a function's policy lets CloudWatch Logs call it for, as patterns.
fn callers(policy: &str, account: &str) -> Vec<String> {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let statements = policy["Statement"].as_array().into_iter().flatten();
    let mut all = Vec::new();
    for statement in statements {
        let is_logs = texts(&statement["Principal"]["Service"])
            .iter()
            .any(|own| own.starts_with("logs.") && own.contains(".amazonaws.com"));
        let calls = texts(&statement["Action"]);
        let may_call = calls
            .iter()
            .any(|own| matches!(own.as_str(), "lambda:InvokeFunction" | "lambda:*" | "*"));
        let accounts = condition(statement, "aws:sourceaccount");
        let is_own = accounts.is_empty() || accounts.iter().any(|own| own == account);
        if statement["Effect"] != "Allow" || !is_logs || !may_call || !is_own {
            continue;
        }
        let sources = condition(statement, "aws:sourcearn");
        if sources.is_empty() {
            all.push("*".to_owned());
        }
        all.extend(sources);
    }
    all
}

/// The values of a condition's key, whatever they are compared by. Keys are the same in upper and lower case.
fn condition(statement: &Value, key: &str) -> Vec<String> {
    let operators = statement["Condition"].as_object().into_iter().flatten();
    let keys = operators.filter_map(|(_, keys)| keys.as_object()).flatten();
    keys.filter(|(own, _)| own.eq_ignore_ascii_case(key))
        .flat_map(|(_, value)| texts(value))
        .collect()
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// Writes an event to a log group, into a log stream of its own.
pub fn write(
    aws: &Aws,
    group: &Group,
    log_stream: &str,
    text: &str,
    now: Timestamp,
) -> Result<(), AwsError> {
    let stream = json!({ "logGroupName": group.name, "logStreamName": log_stream });
    match aws.json("logs", "Logs_20140328.CreateLogStream", &stream) {
        Ok(_) => {}
        Err(error) if error.code() == "ResourceAlreadyExistsException" => {}
        Err(error) => return Err(error),
    }
    let mut body = stream;
    body["logEvents"] = json!([{ "timestamp": now.as_millisecond(), "message": text }]);
    let answer = aws.json("logs", "Logs_20140328.PutLogEvents", &body)?;
    match answer.get("rejectedLogEventsInfo") {
        Some(rejected) if !rejected.is_null() => Err(AwsError::strange("PutLogEvents", rejected)),
        _ => Ok(()),
    }
}

/// What was kept since a time instead of delivered to one destination, and what the function says of it.
pub fn kept_since(
    aws: &Aws,
    group: &Group,
    destination: &str,
    since: Timestamp,
) -> Result<Kept, AwsError> {
    // S3 tells whole seconds.
    let from = Timestamp::from_second(since.as_second()).unwrap_or(since);
    let count = |prefix: &str| -> Result<usize, AwsError> {
        let objects = match s3::list(aws, &group.function.bucket, prefix) {
            Err(error) if error.is_missing() => Vec::new(),
            list => list?,
        };
        Ok(objects.iter().filter(|own| own.modified >= from).count())
    };
    let day = since.strftime("%Y/%m/%d").to_string();
    let of = |shelf| count(&kept::folder(shelf, &day, destination, &group.data_stream));
    Ok(Kept {
        calls: count(&kept::failed_calls(&group.function.name))?,
        waiting: of(kept::RETRY)?,
        dead: of(kept::DEAD)?,
        notes: notes(aws, &group.function.log_group, since)?,
    })
}

/// What a function says went wrong since a time: `notes` of its lines, and errors of the runtime.
fn notes(aws: &Aws, log_group: &str, since: Timestamp) -> Result<Vec<String>, AwsError> {
    let mut all = Vec::new();
    let mut token = Value::Null;
    for _ in 0..MOST_PAGES {
        let mut body = json!({ "logGroupName": log_group, "startTime": since.as_millisecond() });
        if !token.is_null() {
            body["nextToken"] = token;
        }
        let Some(answer) = found(aws.json("logs", "Logs_20140328.FilterLogEvents", &body))? else {
            break;
        };
        let events = answer["events"].as_array().into_iter().flatten();
        for note in events
            .filter_map(|event| event["message"].as_str())
            .flat_map(note)
        {
            if !all.contains(&note) {
                all.push(note);
            }
        }
        token = answer["nextToken"].clone();
        if token.is_null() || all.len() >= MOST_NOTES {
            break;
        }
    }
    all.truncate(MOST_NOTES);
    Ok(all)
}

/// What a line of a function's log says went wrong. Lines of the forwarder hold nothing of an event.
fn note(line: &str) -> Vec<String> {
    let line: Value = serde_json::from_str(line.trim()).unwrap_or_default();
    let own = texts(&line["notes"]);
    let told = match line["errorMessage"].as_str() {
        Some(error) => vec![error.to_owned()],
        None => own,
    };
    told.iter().map(|own| Fault::quoting(own)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_says_which_log_groups_may_call() {
        let statement = |service: &str, account: &str, arn: Value| {
            json!({
                "Effect": "Allow", "Principal": { "Service": service }, "Action": "lambda:InvokeFunction",
                "Condition": { "ArnLike": { "AWS:SourceArn": arn }, "StringEquals": { "AWS:SourceAccount": account } },
            })
        };
        let of = |statements: Value| {
            callers(
                &json!({ "Statement": statements }).to_string(),
                "111122223333",
            )
        };
        assert_eq!(
            of(json!([
                statement("logs.amazonaws.com", "111122223333", json!("a")),
                statement("logs.eu-central-1.amazonaws.com", "111122223333", json!(["b", "c"])),
                statement("logs.amazonaws.com", "444455556666", json!("another account's")),
                statement("s3.amazonaws.com", "111122223333", json!("another service's")),
                { "Effect": "Deny", "Principal": { "Service": "logs.amazonaws.com" }, "Action": "lambda:InvokeFunction" },
            ])),
            ["a", "b", "c"]
        );
        let open = json!([{ "Effect": "Allow", "Principal": { "Service": "logs.amazonaws.com" }, "Action": ["lambda:InvokeFunction"] }]);
        assert_eq!(of(open), ["*"]);
        assert_eq!(callers("", "111122223333"), [""; 0]);
    }

    #[test]
    fn a_line_of_the_function_says_what_went_wrong() {
        assert_eq!(
            note(r#"{"_aws":{},"Stopped":1,"notes":["main: status 403"]}"#),
            ["main: status 403"]
        );
        assert_eq!(
            note(r#"{"errorType":"x","errorMessage":"it ended"}"#),
            ["it ended"]
        );
        assert_eq!(note("START RequestId: 1"), [""; 0]);
        assert_eq!(note(r#"{"_aws":{},"Delivered":1}"#), [""; 0]);
    }

    #[test]
    fn a_function_that_can_t_be_called_says_why() {
        assert_eq!(state(&json!({ "State": "Active" })), FunctionSeen::Ready);
        assert_eq!(state(&json!({})), FunctionSeen::Ready);
        assert_eq!(
            state(&json!({ "State": "Failed", "StateReason": "the network is gone" })),
            FunctionSeen::NotReady("Failed the network is gone".into())
        );
    }
}
