//! The ways that AWS's logs take: from a log group by the forwarder's function to a data stream. Pure.

use logfleet_contract::forwarder::{Configuration, LogStreams};
use logfleet_contract::rendered::RenderedCluster;
use logfleet_contract::{names, partition};
use serde_json::Value;

use crate::stacks::place::Place;

/// The log stream that markers are written to, where settings let it pass.
pub const LOG_STREAM: &str = "logfleet-verify";

/// A log group that the function is subscribed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// The cluster.
    pub cluster: String,
    /// Its account, and the Region of log group and function.
    pub place: Place,
    /// The log group's name.
    pub name: String,
    /// What writes it, such as `aws.vpc`.
    pub source: Option<String>,
    /// The stream of the settings.
    pub stream: String,
    /// The data stream.
    pub data_stream: String,
    /// The destinations.
    pub destinations: Vec<String>,
    /// The log stream for a marker; none if the settings let none pass that could be named here.
    pub log_stream: Option<String>,
    /// Whether only events that name a member of the cluster are forwarded.
    pub members_only: bool,
    /// The function.
    pub function: Function,
}

/// The function that brings the events.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its own log group.
    pub log_group: String,
    /// Where it keeps what it couldn't deliver.
    pub bucket: String,
}

impl Group {
    /// How messages name it.
    pub fn place(&self) -> String {
        format!("aws/{}/{}", self.place, self.name.trim_start_matches('/'))
    }

    /// The ARN of the function.
    pub fn function_arn(&self) -> String {
        let Place { account, region } = &self.place;
        let partition = partition::of_region(region).map_or("aws", |own| own.id);
        format!(
            "arn:{partition}:lambda:{region}:{account}:function:{}",
            self.function.name
        )
    }

    /// As which the log group calls a function
    /// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#LambdaFunctionExample>).
    pub fn caller_arn(&self) -> String {
        let Place { account, region } = &self.place;
        let partition = partition::of_region(region).map_or("aws", |own| own.id);
        format!(
            "arn:{partition}:logs:{region}:{account}:log-group:{}:*",
            self.name
        )
    }
}

/// The log groups of a cluster whose events the forwarder brings to a server.
pub fn groups(cluster: &str, rendered: &RenderedCluster) -> Vec<Group> {
    let mut all = Vec::new();
    for (region, stack) in &rendered.stacks {
        let Some(forwarder) = &stack.forwarder else {
            continue;
        };
        let properties = &stack.template["Resources"][&forwarder.logical_id]["Properties"];
        let Some(name) = properties["FunctionName"].as_str() else {
            continue;
        };
        let configuration = &forwarder.configuration;
        let function = Function {
            name: name.to_owned(),
            log_group: log_group(properties, name),
            bucket: configuration.dead_letter_bucket.clone(),
        };
        for (short, told) in &configuration.log_groups {
            let to = destinations(configuration, &told.stream);
            let (Some(data_stream), false) =
                (configuration.data_stream(&told.stream), to.is_empty())
            else {
                continue;
            };
            all.push(Group {
                cluster: cluster.to_owned(),
                place: Place::new(&configuration.cluster.account, region),
                name: names::full_log_group(&configuration.log_group_prefix, short),
                source: told.source.clone(),
                stream: told.stream.clone(),
                data_stream,
                destinations: to.to_vec(),
                log_stream: configuration
                    .streams
                    .get(&told.stream)
                    .and_then(|stream| log_stream(&stream.log_streams)),
                members_only: told.members_only,
                function: function.clone(),
            });
        }
    }
    all
}

fn destinations<'c>(configuration: &'c Configuration, stream: &str) -> &'c [String] {
    configuration
        .streams
        .get(stream)
        .map_or(&[], |stream| stream.to.as_slice())
}

fn log_group(properties: &Value, name: &str) -> String {
    properties["LoggingConfig"]["LogGroup"]
        .as_str()
        .map_or_else(|| format!("/aws/lambda/{name}"), ToOwned::to_owned)
}

/// A name of a log stream that passes the settings.
fn log_stream(chosen: &LogStreams) -> Option<String> {
    let own = chosen.include.iter().map(|pattern| {
        // Log streams' names may not have `*`: each stands for the same part here.
        pattern.replace('*', LOG_STREAM)
    });
    let mut names = std::iter::once(LOG_STREAM.to_owned()).chain(own);
    names.find(|name| chosen.has(name))
}

#[cfg(test)]
mod tests {
    use std::path::Path as Folder;

    use super::*;
    use crate::checkout::FleetLocation;

    fn streams(include: &[&str], exclude: &[&str]) -> LogStreams {
        let own = |list: &[&str]| list.iter().map(|own| (*own).to_owned()).collect();
        LogStreams {
            include: own(include),
            exclude: own(exclude),
        }
    }

    #[test]
    fn a_marker_has_a_log_stream_that_passes() {
        for (include, exclude, name) in [
            (&[][..], &[][..], Some("logfleet-verify")),
            (&[], &["kube-apiserver-audit-*"], Some("logfleet-verify")),
            (
                &["kube-apiserver-*"],
                &[],
                Some("kube-apiserver-logfleet-verify"),
            ),
            (&["exact"], &[], Some("exact")),
            (
                &["kube-*", "etcd-*"],
                &["kube-*"],
                Some("etcd-logfleet-verify"),
            ),
            (&[], &["*"], None),
        ] {
            assert_eq!(
                log_stream(&streams(include, exclude)).as_deref(),
                name,
                "{include:?} {exclude:?}"
            );
        }
    }

    #[test]
    fn every_log_group_of_the_example_fleet_that_is_forwarded_is_a_path() {
        let root = Folder::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let checkout = FleetLocation::Folder(root).read().expect("it is rendered");
        let cluster = "prod-eu.k8s.example.com";
        let all = groups(cluster, &checkout.clusters[cluster]);
        let vpc = all
            .iter()
            .find(|own| own.name == "/logfleet/prod-eu.k8s.example.com/aws/vpc")
            .expect("flow logs");
        assert_eq!(vpc.data_stream, "logs-aws.vpc-prod_eu_k8s_example_com");
        assert_eq!(vpc.destinations, ["main"]);
        assert_eq!(
            vpc.function_arn(),
            "arn:aws:lambda:eu-central-1:111122223333:function:logfleet-prod-eu-k8s-example-com-forwarder"
        );
        assert_eq!(
            vpc.caller_arn(),
            "arn:aws:logs:eu-central-1:111122223333:log-group:/logfleet/prod-eu.k8s.example.com/aws/vpc:*"
        );
        assert_eq!(
            vpc.function.log_group,
            "/aws/lambda/logfleet-prod-eu-k8s-example-com-forwarder"
        );
        assert!(
            all.iter()
                .any(|own| own.members_only && own.name.ends_with("aws/ec2"))
        );
        // Every subscription of the function that is rendered is one of them.
        for (region, stack) in &checkout.clusters[cluster].stacks {
            let resources = stack.template["Resources"].as_object().expect("resources");
            for (id, resource) in resources {
                if id.starts_with("SubscriptionFunction") {
                    let name = resource["Properties"]["LogGroupName"]
                        .as_str()
                        .expect("a name");
                    assert!(
                        all.iter()
                            .any(|own| own.name == name && own.place.region == *region),
                        "{name}"
                    );
                }
            }
        }
    }
}
