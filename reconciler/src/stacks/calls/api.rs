//! The calls that read a setting, make it and undo it. IO.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use super::setting::{AccessLog, Current, Setting};
use crate::aws::{Aws, AwsError, Call, Element, Form, eks};
use crate::random;

/// How often it is asked whether EKS is done, and how long between two times: half an hour together. An update of
/// logging takes a few minutes.
const ASKED: u32 = 180;
const PAUSE: Duration = Duration::from_secs(10);

/// How long a log group is waited for that EKS makes.
const GROUP_ASKED: u32 = 12;

/// <https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/Welcome.html>
const LOAD_BALANCING: &str = "2012-06-01";

/// What became of undoing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undone {
    /// It is as it was before.
    Restored,
    /// It was gone, or not ours any more.
    Left(String),
}

impl Setting {
    /// What is set now.
    pub fn read(&self, aws: &Aws) -> Result<Current, AwsError> {
        match self {
            Self::ControlPlane { cluster, .. } => control_plane(aws, cluster),
            Self::Retention { group, .. } => retention(aws, group),
            Self::AccessLog { load_balancer, .. } => access_log(aws, load_balancer),
            Self::QueryLogging { zone, .. } => query_logging(aws, zone),
        }
    }

    /// Sets it. Pauses between questions are shortened where `is_hurried`, for an emulator.
    pub fn make(&self, aws: &Aws, is_hurried: bool) -> Result<(), AwsError> {
        match self {
            Self::ControlPlane { cluster, types } => {
                set_control_plane(aws, cluster, types, true, is_hurried)
            }
            Self::Retention { group, days } => {
                // EKS makes the log group a moment after it says that logging is on.
                let mut asked = 0;
                loop {
                    let made = set_retention(aws, group, Some(*days));
                    asked += 1;
                    match made {
                        Err(error) if error.is_missing() && asked < GROUP_ASKED => {
                            pause(is_hurried);
                        }
                        made => return made,
                    }
                }
            }
            Self::AccessLog {
                load_balancer,
                target,
            } => set_access_log(aws, load_balancer, Some(target)),
            Self::QueryLogging { zone, log_group } => {
                let body = format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><CreateQueryLoggingConfigRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><HostedZoneId>{}</HostedZoneId><CloudWatchLogsLogGroupArn>{}</CloudWatchLogsLogGroupArn></CreateQueryLoggingConfigRequest>",
                    escaped(zone),
                    escaped(log_group)
                );
                let made = route53(
                    aws,
                    "CreateQueryLoggingConfig",
                    "POST",
                    "queryloggingconfig",
                    body,
                );
                match made {
                    // Perhaps it was we, and only the answer was lost.
                    Err(error) if error.code() == "QueryLoggingConfigAlreadyExists" => {
                        let now = self.read(aws)?;
                        self.is_in_effect(&now).then_some(()).ok_or(error)
                    }
                    made => made.map(drop),
                }
            }
        }
    }

    /// Takes back what an earlier setting of ours has more than this one, before this one is made.
    pub fn retire(
        &self,
        earlier: &Self,
        aws: &Aws,
        before: &Current,
        is_hurried: bool,
    ) -> Result<(), AwsError> {
        match (self, earlier) {
            (
                Self::ControlPlane { types, .. },
                Self::ControlPlane {
                    cluster,
                    types: ours,
                },
            ) => {
                let Current::ControlPlane { types: on } = self.read(aws)? else {
                    return Ok(());
                };
                let surplus = ours.difference(types).filter(|own| on.contains(*own));
                let surplus: BTreeSet<String> = match before {
                    Current::ControlPlane { types } => surplus
                        .filter(|own| !types.contains(*own))
                        .cloned()
                        .collect(),
                    _ => surplus.cloned().collect(),
                };
                if surplus.is_empty() {
                    return Ok(());
                }
                set_control_plane(aws, cluster, &surplus, false, is_hurried)
            }
            // A zone has one configuration: the old one must go first.
            (Self::QueryLogging { .. }, Self::QueryLogging { .. }) => {
                earlier.undo(aws, before, is_hurried).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Makes it what it was before, unless somebody else has set it since.
    pub fn undo(&self, aws: &Aws, before: &Current, is_hurried: bool) -> Result<Undone, AwsError> {
        let now = self.read(aws)?;
        if now == Current::Missing {
            return Ok(Undone::Left("it is gone".to_owned()));
        }
        if now == *before {
            return Ok(Undone::Restored);
        }
        if !self.is_in_effect(&now) {
            return Ok(Undone::Left("somebody else has set it since".to_owned()));
        }
        match (self, before) {
            (Self::ControlPlane { cluster, types }, before) => {
                let kept = match before {
                    Current::ControlPlane { types } => types.clone(),
                    _ => BTreeSet::new(),
                };
                let ours: BTreeSet<String> = types.difference(&kept).cloned().collect();
                set_control_plane(aws, cluster, &ours, false, is_hurried)?;
            }
            (Self::Retention { group, .. }, before) => {
                let days = match before {
                    Current::Retention { days } => *days,
                    _ => None,
                };
                set_retention(aws, group, days)?;
            }
            (Self::AccessLog { load_balancer, .. }, before) => {
                let target = match before {
                    Current::AccessLog { target } => target.as_ref(),
                    _ => None,
                };
                set_access_log(aws, load_balancer, target)?;
            }
            (Self::QueryLogging { .. }, _) => {
                if let Current::QueryLogging { to: Some((id, _)) } = &now {
                    let path = format!("queryloggingconfig/{id}");
                    route53(
                        aws,
                        "DeleteQueryLoggingConfig",
                        "DELETE",
                        &path,
                        String::new(),
                    )?;
                }
            }
        }
        Ok(Undone::Restored)
    }
}

fn pause(is_hurried: bool) {
    sleep(if is_hurried {
        Duration::from_millis(20)
    } else {
        PAUSE
    });
}

fn missing(result: Result<Current, AwsError>) -> Result<Current, AwsError> {
    match result {
        Err(error)
            if error.is_missing()
                || matches!(
                    error.code(),
                    "LoadBalancerNotFound" | "NoSuchHostedZone" | "AccessPointNotFound"
                ) =>
        {
            Ok(Current::Missing)
        }
        other => other,
    }
}

// --- EKS ---------------------------------------------------------------------------------------

fn control_plane(aws: &Aws, cluster: &str) -> Result<Current, AwsError> {
    missing(eks::describe(aws, cluster).map(|found| {
        let setups = found["logging"]["clusterLogging"].as_array().cloned();
        let on = setups
            .into_iter()
            .flatten()
            .filter(|setup| setup["enabled"] == true);
        let types = on.flat_map(|setup| setup["types"].as_array().cloned().unwrap_or_default());
        Current::ControlPlane {
            types: types
                .filter_map(|one| Some(one.as_str()?.to_owned()))
                .collect(),
        }
    }))
}

/// Switches types of logs on or off, and waits until EKS has done it
/// (<https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterConfig.html>).
fn set_control_plane(
    aws: &Aws,
    cluster: &str,
    types: &BTreeSet<String>,
    on: bool,
    is_hurried: bool,
) -> Result<(), AwsError> {
    const ACTION: &str = "UpdateClusterConfig";
    let token = random::hex(16).map_err(|fault| AwsError::strange(ACTION, &fault))?;
    let body = json!({
        "logging": { "clusterLogging": [{ "types": types, "enabled": on }] },
        "clientRequestToken": token,
    });
    let path = format!("clusters/{cluster}/update-config");
    let mut asked = 0;
    let answer = loop {
        asked += 1;
        match eks::call(aws, ACTION, "POST", &path, Some(&body)) {
            // Another update goes on, which has to end first.
            Err(error) if error.code() == "ResourceInUseException" && asked < ASKED => {
                pause(is_hurried);
            }
            answer => break answer?,
        }
    };
    let mut update = answer["update"].clone();
    let Some(id) = update["id"].as_str().map(ToOwned::to_owned) else {
        return Err(AwsError::strange(ACTION, &"the answer has no update"));
    };
    while update["status"] == "InProgress" {
        asked += 1;
        if asked > ASKED {
            return Err(AwsError::strange(
                ACTION,
                &format!("the update {id} hasn't ended after half an hour"),
            ));
        }
        pause(is_hurried);
        update = eks::call(
            aws,
            "DescribeUpdate",
            "GET",
            &format!("clusters/{cluster}/updates/{id}"),
            None,
        )?["update"]
            .take();
    }
    if update["status"] == "Successful" {
        Ok(())
    } else {
        Err(AwsError::strange(
            ACTION,
            &format!(
                "the update ended as {}: {}",
                update["status"], update["errors"]
            ),
        ))
    }
}

// --- CloudWatch Logs ---------------------------------------------------------------------------

fn retention(aws: &Aws, group: &str) -> Result<Current, AwsError> {
    let body = json!({ "logGroupNamePrefix": group, "limit": 1 });
    let answer = aws.json("logs", "Logs_20140328.DescribeLogGroups", &body)?;
    // The shortest name that begins so comes first.
    let found = &answer["logGroups"][0];
    Ok(if found["logGroupName"] == *group {
        Current::Retention {
            days: found["retentionInDays"].as_u64(),
        }
    } else {
        Current::Missing
    })
}

fn set_retention(aws: &Aws, group: &str, days: Option<u64>) -> Result<(), AwsError> {
    let (target, body) = match days {
        Some(days) => (
            "Logs_20140328.PutRetentionPolicy",
            json!({ "logGroupName": group, "retentionInDays": days }),
        ),
        None => (
            "Logs_20140328.DeleteRetentionPolicy",
            json!({ "logGroupName": group }),
        ),
    };
    aws.json("logs", target, &body).map(drop)
}

// --- Classic load balancers --------------------------------------------------------------------

fn access_log(aws: &Aws, load_balancer: &str) -> Result<Current, AwsError> {
    let form = Form::default().with("LoadBalancerName", load_balancer);
    let answer = aws.query(
        "elasticloadbalancing",
        "DescribeLoadBalancerAttributes",
        LOAD_BALANCING,
        form,
    );
    missing(answer.map(|answer| {
        let log = answer.find("AccessLog").cloned().unwrap_or_default();
        let is_on = log.text_of("Enabled") == Some("true");
        Current::AccessLog {
            target: is_on.then(|| target(&log)),
        }
    }))
}

fn target(log: &Element) -> AccessLog {
    AccessLog {
        bucket: log.string_of("S3BucketName"),
        prefix: log.string_of("S3BucketPrefix"),
        // AWS's default:
        // <https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_AccessLog.html>
        interval: log
            .text_of("EmitInterval")
            .and_then(|text| text.parse().ok())
            .unwrap_or(60),
    }
}

fn set_access_log(
    aws: &Aws,
    load_balancer: &str,
    target: Option<&AccessLog>,
) -> Result<(), AwsError> {
    const LOG: &str = "LoadBalancerAttributes.AccessLog";
    let mut form = Form::default()
        .with("LoadBalancerName", load_balancer)
        .with(
            &format!("{LOG}.Enabled"),
            if target.is_some() { "true" } else { "false" },
        );
    if let Some(target) = target {
        let prefix = (!target.prefix.is_empty()).then_some(target.prefix.as_str());
        form = form
            .with(&format!("{LOG}.S3BucketName"), &target.bucket)
            .with(&format!("{LOG}.EmitInterval"), target.interval.to_string())
            .with_any(&format!("{LOG}.S3BucketPrefix"), prefix);
    }
    aws.query(
        "elasticloadbalancing",
        "ModifyLoadBalancerAttributes",
        LOAD_BALANCING,
        form,
    )
    .map(drop)
}

// --- Route 53 ----------------------------------------------------------------------------------

fn route53(
    aws: &Aws,
    action: &str,
    method: &'static str,
    path: &str,
    body: String,
) -> Result<Vec<u8>, AwsError> {
    let answer = aws.send(&Call {
        service: "route53",
        action,
        method,
        url: format!("{}/2013-04-01/{path}", aws.global_host("route53")),
        headers: vec![("content-type", "application/xml".to_owned())],
        body: body.into_bytes(),
    })?;
    Ok(answer.body)
}

fn query_logging(aws: &Aws, zone: &str) -> Result<Current, AwsError> {
    const ACTION: &str = "ListQueryLoggingConfigs";
    let path = format!("queryloggingconfig?hostedzoneid={zone}");
    let answer = match route53(aws, ACTION, "GET", &path, String::new()) {
        Err(error) if error.code() == "NoSuchHostedZone" => return Ok(Current::Missing),
        answer => answer?,
    };
    let answer = Element::parse(&answer).map_err(|error| AwsError::strange(ACTION, &error))?;
    let mut of_zone = answer.list("QueryLoggingConfigs").filter(|own| {
        own.text_of("HostedZoneId")
            .is_some_and(|id| id.trim_start_matches("/hostedzone/") == zone)
    });
    Ok(Current::QueryLogging {
        to: of_zone.next().map(|own| {
            let arn = own.string_of("CloudWatchLogsLogGroupArn");
            // Some parts of AWS write a log group's ARN so.
            (own.string_of("Id"), arn.trim_end_matches(":*").to_owned())
        }),
    })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
