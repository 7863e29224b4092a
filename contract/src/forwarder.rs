//! The forwarder's configuration, and the input that schedules pass to it. Pure.
//!
//! The configuration is JSON in the environment variable
//! [`CONFIGURATION_VARIABLE`] of the function, a schedule's input is the event
//! that a rule sends. Both are in `aws/<region>/stack.json`, where `gen` writes
//! them and the forwarder never looks: it reads what Lambda gives it.
//!
//! Unknown fields are refused: a forwarder that ignored one would do something
//! other than what was rendered, and nobody would notice.

mod environment;

use std::collections::BTreeMap;
use std::ops::Not;

use serde::{Deserialize, Deserializer, Serialize};

use crate::names;
use crate::pattern::matches;
use crate::server::{Backend, TlsVersion};

pub use environment::{LARGEST_UNPACKED, pack};

/// The version of the configuration that this release writes and reads.
pub const VERSION: u64 = 1;

/// The environment variable with the [`Configuration`].
pub const CONFIGURATION_VARIABLE: &str = "LOGFLEET_CONFIGURATION";

/// Most bytes of all environment variables of a function together, including names: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
pub const LARGEST_ENVIRONMENT: usize = 4096;

/// The namespace of the forwarder's own metrics, by `FunctionName`.
pub const METRICS_NAMESPACE: &str = "logfleet/forwarder";

/// Characters of what a rule hands to its target:
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html>.
pub const LONGEST_INPUT: usize = 8192;

/// The configuration of the forwarder of one cluster and Region. Names of log
/// groups and data streams are shortened to the part that differs, to save space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Version of this format.
    #[serde(deserialize_with = "this_version")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1)))]
    pub version: u64,
    /// The cluster.
    pub cluster: Cluster,
    /// What the names of all its data streams have in common.
    pub index: Index,
    /// The prefix of its own log groups' names.
    pub log_group_prefix: String,
    /// The log groups that call the forwarder, by name: without
    /// `log_group_prefix` where they have it, otherwise whole, behind a `:` if
    /// the name doesn't begin with `/`.
    pub log_groups: BTreeMap<String, LogGroup>,
    /// The streams that it writes, by their names.
    pub streams: BTreeMap<String, Stream>,
    /// The servers that these go to, by their names.
    pub destinations: BTreeMap<String, Destination>,
    /// The bucket for undelivered documents: in `retry/` those that may be accepted
    /// later, in `dead/` those that a server permanently refuses.
    pub dead_letter_bucket: String,
    /// The resource group with the cluster's members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_group: Option<String>,
    /// The keys of log group tags that events get as fields; none by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log_group_tags: Vec<String>,
    /// Set if files of Classic Load Balancers arrive, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classic_load_balancers: Option<ClassicLoadBalancers>,
}

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its environment.
    pub environment: String,
    /// Its Region, which need not be the forwarder's.
    pub region: String,
    /// Its account.
    pub account: String,
}

/// What the names of a cluster's data streams have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// The first part.
    pub r#type: String,
    /// The last part.
    pub namespace: String,
}

/// A log group that calls the forwarder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LogGroup {
    /// The stream that its events go to.
    pub stream: String,
    /// What writes it, such as `aws.ec2`; none for a stream of the cluster's own shippers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether it also has other clusters' events: only those that name a member
    /// of the resource group are this cluster's.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub members_only: bool,
    /// The format of a flow log's records, such as `${srcaddr} ${dstaddr}`; none
    /// if AWS chooses it, or it is no flow log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_log_format: Option<String>,
    /// The percentage of accepted flows to ship, selected by a hash of their endpoints;
    /// all by default. Rejected flows are always shipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 99)))]
    pub accepted_percent: Option<u8>,
}

/// A stream that the forwarder writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// Middle part of its data stream's name.
    pub dataset: String,
    /// The destinations that it goes to.
    pub to: Vec<String>,
    /// The log streams whose events it takes; all by default.
    #[serde(default, skip_serializing_if = "LogStreams::is_all")]
    pub log_streams: LogStreams,
    /// The `labels` of every document in it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// Log streams by name patterns, in which `*` matches any part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LogStreams {
    /// Only those that match one of these; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Except those that match one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
}

impl LogStreams {
    /// Whether every log stream is among them.
    pub fn is_all(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether a log stream is among them.
    pub fn has(&self, name: &str) -> bool {
        let fits = |patterns: &[String]| patterns.iter().any(|own| matches(own, name));
        (self.include.is_empty() || fits(&self.include)) && !fits(&self.exclude)
    }
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// What runs there.
    pub backend: Backend,
    /// Its address, with its port.
    pub url: String,
    /// Seconds that a bulk request may take.
    pub timeout_seconds: u16,
    /// The largest bulk request.
    pub bulk_bytes: u64,
    /// The oldest TLS version to use.
    pub minimum_tls: TlsVersion,
    /// Whether only the CA in the secret, `ca_certificate`, is trusted:
    /// there is no room for a certificate here.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub own_ca: bool,
    /// Whether any certificate is accepted.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub accept_any_certificate: bool,
    /// How the forwarder authenticates.
    pub authentication: Authentication,
    /// The secret's keys that have other names: by `username_in`, `password_in`, `id_in`,
    /// `api_key_in`, `certificate_in` and `private_key_in`, which name no secret themselves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub keys: BTreeMap<String, String>,
}

/// How the forwarder authenticates. A `secret` is the name or the ARN of a
/// credential in AWS Secrets Manager, with the keys listed here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Authentication {
    /// User and password, keys `username` and `password`.
    Basic {
        /// Where they are.
        secret: String,
    },
    /// An API key, keys `id` and `api_key`.
    ApiKey {
        /// Where it is.
        secret: String,
    },
    /// A client certificate, keys `tls.crt` and `tls.key`.
    ClientCertificate {
        /// Where it is.
        secret: String,
    },
    /// AWS Signature Version 4 with the function's own role.
    AwsSigv4 {
        /// The Region of the OpenSearch domain.
        region: String,
    },
}

/// Files of Classic Load Balancers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClassicLoadBalancers {
    /// The stream that their lines go to.
    pub stream: String,
}

/// The input that a schedule passes to the forwarder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "poll", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScheduleInput {
    /// Get the status of the members that are machines.
    Machines {
        /// The stream for the results.
        stream: String,
        /// Whether to get their status.
        status: bool,
        /// Whether to get their console output.
        console_output: bool,
    },
    /// Get the members' metrics.
    Metrics {
        /// The stream that they go to.
        stream: String,
        /// Seconds that a data point covers.
        period_seconds: u16,
        /// The metrics' names, by namespace.
        metrics: BTreeMap<String, Vec<String>>,
    },
    /// Resend what waits in `retry/`, and repeat the calls that Lambda gave up.
    Retries {},
}

impl ScheduleInput {
    /// The stream that what is asked for goes to; none where that is known already.
    pub fn stream(&self) -> Option<&str> {
        match self {
            Self::Machines { stream, .. } | Self::Metrics { stream, .. } => Some(stream),
            Self::Retries {} => None,
        }
    }
}

fn this_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let version = u64::deserialize(deserializer)?;
    if version == VERSION {
        Ok(version)
    } else {
        Err(serde::de::Error::custom(format!(
            "version {version} is not {VERSION}"
        )))
    }
}

/// Why a text is no configuration for this release.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    /// It has another version.
    #[error("the configuration has version {0}, and this release reads version {VERSION}")]
    Version(u64),
    /// It isn't JSON of the right form.
    #[error("{0}")]
    Malformed(String),
    /// Something is named that isn't there.
    #[error("{by} names the {kind} `{name}`, which isn't configured")]
    Missing {
        /// What names it.
        by: String,
        /// What it would be.
        kind: &'static str,
        /// Its name.
        name: String,
    },
}

impl Configuration {
    /// Reads the text of the environment variable, packed or not. The version is looked at
    /// first, since fields of another one are unknown.
    pub fn parse(text: &str) -> Result<Self, ConfigurationError> {
        #[derive(Deserialize)]
        struct Head {
            version: u64,
        }
        let text = environment::unpack(text).map_err(ConfigurationError::Malformed)?;
        let text = text.as_ref();
        let malformed = |error: serde_json::Error| ConfigurationError::Malformed(error.to_string());
        let head: Head = serde_json::from_str(text).map_err(malformed)?;
        if head.version != VERSION {
            return Err(ConfigurationError::Version(head.version));
        }
        let configuration: Self = serde_json::from_str(text).map_err(malformed)?;
        configuration.check_names()?;
        Ok(configuration)
    }

    /// Every name must lead to something, so that the forwarder need not
    /// decide what to do with an event that leads nowhere.
    fn check_names(&self) -> Result<(), ConfigurationError> {
        let groups = self.log_groups.iter();
        let groups = groups.map(|(name, group)| (format!("the log group `{name}`"), &group.stream));
        let classic = self.classic_load_balancers.iter();
        let classic = classic.map(|classic| {
            let by = "`classic_load_balancers`".to_owned();
            (by, &classic.stream)
        });
        for (by, name) in groups.chain(classic) {
            if !self.streams.contains_key(name) {
                return Err(missing(by, "stream", name));
            }
        }
        for (stream, Stream { to, .. }) in &self.streams {
            if let Some(name) = to.iter().find(|to| !self.destinations.contains_key(*to)) {
                return Err(missing(
                    format!("the stream `{stream}`"),
                    "destination",
                    name,
                ));
            }
        }
        Ok(())
    }

    /// The text of the environment variable: JSON, or packed where that has no room. It may still
    /// be too large.
    pub fn environment_text(&self) -> Result<String, ConfigurationError> {
        let json = serde_json::to_string(self)
            .map_err(|error| ConfigurationError::Malformed(error.to_string()))?;
        Ok(environment::fit(json))
    }

    /// The name of a stream's data stream.
    pub fn data_stream(&self, stream: &str) -> Option<String> {
        let Stream { dataset, .. } = self.streams.get(stream)?;
        let Index { r#type, namespace } = &self.index;
        Some(names::data_stream(r#type, dataset, namespace))
    }

    /// What is known of a log group, by its full name.
    pub fn log_group(&self, name: &str) -> Option<&LogGroup> {
        self.log_groups
            .get(&names::short_log_group(&self.log_group_prefix, name))
    }

    /// The full names of all log groups.
    pub fn log_group_names(&self) -> impl Iterator<Item = String> {
        self.log_groups
            .keys()
            .map(|short| names::full_log_group(&self.log_group_prefix, short))
    }
}

fn missing(by: String, kind: &'static str, name: &str) -> ConfigurationError {
    ConfigurationError::Missing {
        by,
        kind,
        name: name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn example() -> Value {
        json!({
            "version": 1,
            "cluster": { "name": "alpha", "environment": "test", "region": "eu-central-1", "account": "111122223333" },
            "index": { "type": "logs", "namespace": "own" },
            "log_group_prefix": "/logfleet/alpha/",
            "log_groups": {
                "aws/ec2": { "stream": "aws_ec2", "source": "aws.ec2", "members_only": true },
                ":trail": { "stream": "aws_ec2" },
            },
            "streams": { "aws_ec2": { "dataset": "aws.ec2", "to": ["main"] } },
            "destinations": { "main": {
                "backend": "opensearch",
                "url": "https://logs.example.com:9200",
                "timeout_seconds": 60,
                "bulk_bytes": 9_437_184,
                "minimum_tls": "1.2",
                "own_ca": true,
                "authentication": { "type": "basic", "secret": "logfleet/alpha/main" },
            } },
            "dead_letter_bucket": "dead",
            "classic_load_balancers": { "stream": "aws_ec2" },
        })
    }

    fn parse(value: &Value) -> Result<Configuration, ConfigurationError> {
        Configuration::parse(&value.to_string())
    }

    #[test]
    fn a_configuration_leads_to_data_streams_and_is_written_as_it_was_read() {
        let read = parse(&example()).expect("a configuration");
        assert_eq!(
            read.data_stream("aws_ec2").as_deref(),
            Some("logs-aws.ec2-own")
        );
        assert_eq!(read.data_stream("other"), None);
        assert!(
            read.log_group("/logfleet/alpha/aws/ec2")
                .expect("known")
                .members_only
        );
        assert!(!read.log_group("trail").expect("known").members_only);
        assert_eq!(read.log_group("aws/ec2"), None);
        assert_eq!(
            read.log_group_names().collect::<Vec<_>>(),
            ["trail", "/logfleet/alpha/aws/ec2"]
        );
        assert_eq!(serde_json::to_value(&read).expect("JSON"), example());
    }

    /// The example with one value replaced or added.
    fn with(pointer: &str, key: &str, value: Value) -> Value {
        let mut changed = example();
        changed.pointer_mut(pointer).expect("a place")[key] = value;
        changed
    }

    #[test]
    fn what_is_unknown_or_leads_nowhere_is_refused() {
        for (changed, told) in [
            (
                with("", "version", json!(2)),
                "the configuration has version 2, and this release reads version 1",
            ),
            (
                with("", "version", json!("1")),
                "invalid type: string \"1\"",
            ),
            (
                with("", "log_group", json!({})),
                "unknown field `log_group`",
            ),
            (with("/cluster", "zone", json!("a")), "unknown field `zone`"),
            (
                with("/log_groups/aws~1ec2", "stream", json!("gone")),
                "the log group `aws/ec2` names the stream `gone`, which isn't configured",
            ),
            (
                with("/streams/aws_ec2", "to", json!(["main", "gone"])),
                "the stream `aws_ec2` names the destination `gone`, which isn't configured",
            ),
            (
                with("/classic_load_balancers", "stream", json!("gone")),
                "`classic_load_balancers` names the stream `gone`, which isn't configured",
            ),
            (
                with("/destinations/main/authentication", "password", json!("x")),
                "unknown field `password`",
            ),
            (
                with("/destinations/main/authentication", "type", json!("none")),
                "unknown variant `none`",
            ),
            (
                with("/destinations/main", "minimum_tls", json!("1.1")),
                "unknown variant `1.1`",
            ),
        ] {
            let error = parse(&changed).expect_err(told).to_string();
            assert!(error.starts_with(told), "{error}");
        }
    }

    #[test]
    fn log_streams_are_chosen_by_patterns() {
        let chosen = |include: &[&str], exclude: &[&str]| {
            let own = |patterns: &[&str]| patterns.iter().map(|own| (*own).to_owned()).collect();
            LogStreams {
                include: own(include),
                exclude: own(exclude),
            }
        };
        assert!(LogStreams::default().has("any") && LogStreams::default().is_all());
        for (streams, name, has) in [
            (
                chosen(&["kube-apiserver-*"], &[]),
                "kube-apiserver-0a1b",
                true,
            ),
            (
                chosen(&["kube-apiserver-*"], &[]),
                "kube-scheduler-0a1b",
                false,
            ),
            (
                chosen(&[], &["*-audit-*"]),
                "kube-apiserver-audit-0a1b",
                false,
            ),
            (chosen(&[], &["*-audit-*"]), "kube-apiserver-0a1b", true),
            (chosen(&["a*", "b*"], &["*z"]), "b", true),
            (chosen(&["a*", "b*"], &["*z"]), "bz", false),
        ] {
            assert_eq!(streams.has(name), has, "{streams:?} {name}");
            assert!(!streams.is_all());
        }
    }

    #[test]
    fn a_schedules_input_says_what_to_ask_for() {
        let inputs = [
            json!({ "poll": "machines", "stream": "a", "status": true, "console_output": false }),
            json!({ "poll": "metrics", "stream": "b", "period_seconds": 300, "metrics": { "AWS/EC2": ["CPUUtilization"] } }),
            json!({ "poll": "retries" }),
        ];
        for (value, stream) in inputs.iter().zip([Some("a"), Some("b"), None]) {
            let input: ScheduleInput = serde_json::from_value(value.clone()).expect("an input");
            assert_eq!(input.stream(), stream);
            assert_eq!(&serde_json::to_value(&input).expect("JSON"), value);
        }
        for wrong in [
            json!({ "poll": "zones", "stream": "a" }),
            json!({ "poll": "retries", "stream": "a" }),
            json!({ "poll": "machines", "stream": "a", "status": true, "console_output": true, "more": 1 }),
        ] {
            assert!(serde_json::from_value::<ScheduleInput>(wrong).is_err());
        }
    }

    #[test]
    fn forty_log_groups_and_five_destinations_have_room_in_the_environment() {
        let mut large = parse(&example()).expect("a configuration");
        for number in 0..40 {
            let mut group = large.log_groups["aws/ec2"].clone();
            group.stream = format!("stream_number_{number}");
            let stream = Stream {
                dataset: format!("dataset.number_{number}"),
                to: (0..5).map(|own| format!("destination_{own}")).collect(),
                log_streams: LogStreams::default(),
                labels: [("team".to_owned(), "platform".to_owned())].into(),
            };
            large.streams.insert(group.stream.clone(), stream);
            large
                .log_groups
                .insert(format!("/aws/lambda/some-function-{number}"), group);
        }
        for number in 0..5 {
            let mut destination = large.destinations["main"].clone();
            destination.url = format!("https://logs-{number}.example.com:9200");
            destination.authentication = Authentication::ApiKey {
                secret: format!(
                    "arn:aws:secretsmanager:eu-central-1:111122223333:secret:logs/{number}-AbCdEf"
                ),
            };
            let name = format!("destination_{number}");
            large.destinations.insert(name, destination);
        }
        let json = serde_json::to_string(&large).expect("JSON");
        assert!(json.len() > 2 * LARGEST_ENVIRONMENT, "{}", json.len());
        let text = large.environment_text().expect("a text");
        assert!(
            text.len() + CONFIGURATION_VARIABLE.len() < LARGEST_ENVIRONMENT / 2,
            "{}",
            text.len()
        );
        assert_eq!(Configuration::parse(&text), Ok(large));
        // One that has room is a text that a reviewer can read.
        let small = parse(&example()).expect("a configuration");
        assert!(
            small
                .environment_text()
                .expect("a text")
                .starts_with("{\"version\":1,")
        );
    }
}
