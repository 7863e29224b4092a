//! The settings that CloudFormation can't own, each with what may be overwritten. Pure.

use std::collections::BTreeSet;
use std::fmt;

use logfleet_contract::members::FragmentCall;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A setting of something that exists without us.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "setting", rename_all = "snake_case")]
pub enum Setting {
    /// What the control plane of EKS logs.
    ControlPlane {
        /// The cluster.
        cluster: String,
        /// The types of logs.
        types: BTreeSet<String>,
    },
    /// How long a log group keeps events.
    Retention {
        /// The log group.
        group: String,
        /// Days.
        days: u64,
    },
    /// Where a classic load balancer logs to.
    AccessLog {
        /// The load balancer.
        load_balancer: String,
        /// To where.
        target: AccessLog,
    },
    /// Where the queries of a hosted zone are logged.
    QueryLogging {
        /// The zone.
        zone: String,
        /// The ARN of the log group.
        log_group: String,
    },
}

/// Where a classic load balancer logs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AccessLog {
    /// The bucket.
    pub bucket: String,
    /// What keys begin with.
    #[serde(default)]
    pub prefix: String,
    /// Minutes between two files.
    pub interval: u64,
}

/// What is set now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "current", rename_all = "snake_case")]
pub enum Current {
    /// There is no such thing.
    Missing,
    /// What the control plane logs.
    ControlPlane {
        /// The types of logs.
        types: BTreeSet<String>,
    },
    /// How long the log group keeps events; for ever without days.
    Retention {
        /// Days.
        days: Option<u64>,
    },
    /// Where the load balancer logs to, if anywhere.
    AccessLog {
        /// To where.
        target: Option<AccessLog>,
    },
    /// Where the zone's queries are logged, if anywhere.
    QueryLogging {
        /// The configuration's id and the log group's ARN.
        to: Option<(String, String)>,
    },
}

/// What may be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is set as wanted.
    Same,
    /// Nobody has set it, or we have.
    Free,
    /// There is no such thing.
    Missing,
    /// Somebody else has set it, so.
    Foreign(String),
}

impl Setting {
    /// Reads what a fragment's call sets.
    pub fn of(call: &FragmentCall) -> Result<Self, String> {
        let parameters = &call.parameters;
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        let found = match (call.service.as_str(), call.action.as_str()) {
            ("eks", "UpdateClusterConfig") => control_plane(parameters),
            ("logs", "PutRetentionPolicy") => (|| {
                Some(Self::Retention {
                    group: text(&parameters["logGroupName"])?,
                    days: parameters["retentionInDays"].as_u64()?,
                })
            })(),
            ("elasticloadbalancing", "ModifyLoadBalancerAttributes") => access_log(parameters),
            ("route53", "CreateQueryLoggingConfig") => (|| {
                Some(Self::QueryLogging {
                    zone: text(&parameters["HostedZoneId"])?,
                    log_group: text(&parameters["CloudWatchLogsLogGroupArn"])?,
                })
            })(),
            (service, action) => {
                return Err(format!(
                    "this release doesn't know how to call {service} {action}"
                ));
            }
        };
        found.ok_or_else(|| format!("the parameters of {} aren't understood", call.action))
    }

    /// What may be done where something is set now; `ours` is what we have set before.
    pub fn verdict(&self, current: &Current, ours: Option<&Self>) -> Verdict {
        match (self, current) {
            // EKS makes its log group when it first logs.
            (Self::Retention { .. }, Current::Missing) => Verdict::Free,
            (_, Current::Missing) => Verdict::Missing,
            (Self::ControlPlane { types, .. }, Current::ControlPlane { types: on }) => {
                if types.is_subset(on) {
                    Verdict::Same
                } else {
                    Verdict::Free
                }
            }
            (Self::Retention { days, .. }, Current::Retention { days: now }) => match (now, ours) {
                (Some(now), _) if now == days => Verdict::Same,
                (None, _) => Verdict::Free,
                (Some(now), Some(Self::Retention { days, .. })) if now == days => Verdict::Free,
                (Some(now), _) => Verdict::Foreign(format!("{now} days")),
            },
            (Self::AccessLog { target, .. }, Current::AccessLog { target: now }) => {
                match (now, ours) {
                    (Some(now), _) if now == target => Verdict::Same,
                    (None, _) => Verdict::Free,
                    (Some(now), Some(Self::AccessLog { target, .. })) if now == target => {
                        Verdict::Free
                    }
                    (Some(now), _) => Verdict::Foreign(format!("the bucket {}", now.bucket)),
                }
            }
            (Self::QueryLogging { log_group, .. }, Current::QueryLogging { to }) => {
                match (to, ours) {
                    (Some((_, now)), _) if now == log_group => Verdict::Same,
                    (None, _) => Verdict::Free,
                    (Some((_, now)), Some(Self::QueryLogging { log_group, .. }))
                        if now == log_group =>
                    {
                        Verdict::Free
                    }
                    (Some((_, now)), _) => Verdict::Foreign(now.clone()),
                }
            }
            _ => Verdict::Foreign("something else".to_owned()),
        }
    }

    /// What is set once it was made.
    pub fn is_in_effect(&self, current: &Current) -> bool {
        self.verdict(current, None) == Verdict::Same
    }
}

fn control_plane(parameters: &Value) -> Option<Setting> {
    let mut types = BTreeSet::new();
    for setup in parameters["logging"]["clusterLogging"].as_array()? {
        // Types that aren't wanted stay as others have them; those that we had switched on are switched off by comparison.
        if setup["enabled"] != true {
            continue;
        }
        for one in setup["types"].as_array()? {
            types.insert(one.as_str()?.to_owned());
        }
    }
    if types.is_empty() {
        return None;
    }
    Some(Setting::ControlPlane {
        cluster: parameters["name"].as_str()?.to_owned(),
        types,
    })
}

fn access_log(parameters: &Value) -> Option<Setting> {
    let log = &parameters["LoadBalancerAttributes"]["AccessLog"];
    if log["Enabled"] != true {
        return None;
    }
    Some(Setting::AccessLog {
        load_balancer: parameters["LoadBalancerName"].as_str()?.to_owned(),
        target: AccessLog {
            bucket: log["S3BucketName"].as_str()?.to_owned(),
            prefix: log["S3BucketPrefix"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            interval: log["EmitInterval"].as_u64()?,
        },
    })
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ControlPlane { cluster, types } => {
                let types: Vec<&str> = types.iter().map(String::as_str).collect();
                write!(
                    f,
                    "the control plane of {cluster} logs {}",
                    types.join(", ")
                )
            }
            Self::Retention { group, days } => {
                write!(f, "the log group {group} keeps events for {days} days")
            }
            Self::AccessLog {
                load_balancer,
                target,
            } => {
                write!(
                    f,
                    "the load balancer {load_balancer} logs to the bucket {}",
                    target.bucket
                )
            }
            Self::QueryLogging { zone, log_group } => {
                write!(f, "queries of the zone {zone} are logged to {log_group}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use logfleet_contract::members::{Undo, When};
    use serde_json::json;

    use super::*;

    fn call(service: &str, action: &str, parameters: Value) -> FragmentCall {
        FragmentCall {
            when: When::After,
            service: service.to_owned(),
            action: action.to_owned(),
            parameters,
            result: None,
            undo: Undo {
                action: String::new(),
                parameters: Value::Null,
            },
        }
    }

    fn retention(days: u64) -> Setting {
        let parameters = json!({ "logGroupName": "/aws/eks/a/cluster", "retentionInDays": days });
        Setting::of(&call("logs", "PutRetentionPolicy", parameters)).expect("known")
    }

    #[test]
    fn what_is_not_known_is_told() {
        assert_eq!(
            Setting::of(&call("ec2", "CreateTags", json!({}))),
            Err("this release doesn't know how to call ec2 CreateTags".to_owned())
        );
        assert!(Setting::of(&call("logs", "PutRetentionPolicy", json!({}))).is_err());
        // Switching off is no setting of ours.
        let off = json!({ "LoadBalancerName": "a", "LoadBalancerAttributes": { "AccessLog": { "Enabled": false } } });
        assert!(
            Setting::of(&call(
                "elasticloadbalancing",
                "ModifyLoadBalancerAttributes",
                off
            ))
            .is_err()
        );
    }

    #[test]
    fn nothing_of_others_is_overwritten() {
        let now = |days| Current::Retention { days };
        let wanted = retention(14);
        assert_eq!(wanted.verdict(&now(None), None), Verdict::Free);
        assert_eq!(wanted.verdict(&now(Some(14)), None), Verdict::Same);
        assert_eq!(
            wanted.verdict(&now(Some(30)), None),
            Verdict::Foreign("30 days".to_owned())
        );
        // We had set 30, and 14 are wanted now.
        assert_eq!(
            wanted.verdict(&now(Some(30)), Some(&retention(30))),
            Verdict::Free
        );
        let zone = Setting::QueryLogging {
            zone: "Z".to_owned(),
            log_group: "ours".to_owned(),
        };
        let to = |arn: &str| Current::QueryLogging {
            to: Some(("1".to_owned(), arn.to_owned())),
        };
        assert_eq!(
            zone.verdict(&to("theirs"), None),
            Verdict::Foreign("theirs".to_owned())
        );
        assert_eq!(zone.verdict(&to("ours"), None), Verdict::Same);
        assert_eq!(zone.verdict(&Current::Missing, None), Verdict::Missing);
    }

    #[test]
    fn types_that_are_logged_already_stay() {
        let logging = json!({ "name": "a", "logging": { "clusterLogging": [{ "types": ["api", "audit"], "enabled": true }, { "types": ["scheduler"], "enabled": false }] } });
        let wanted = Setting::of(&call("eks", "UpdateClusterConfig", logging)).expect("known");
        let now = |types: &[&str]| Current::ControlPlane {
            types: types.iter().map(|own| (*own).to_owned()).collect(),
        };
        assert_eq!(wanted.verdict(&now(&["api"]), None), Verdict::Free);
        assert_eq!(
            wanted.verdict(&now(&["api", "audit", "scheduler"]), None),
            Verdict::Same
        );
    }
}
