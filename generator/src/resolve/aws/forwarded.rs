//! What only the forwarder collects, and so only for an Elasticsearch or
//! OpenSearch: whether it is on. Pure.
//!
//! Nothing says so by default, so that a cluster without such a server needs no
//! settings that switch it off. Where it is said and can't be, it is a problem.

use super::super::problem::Problems;
use super::super::stream;
use super::source;
use crate::settings::{Name, Settings};

/// One of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::resolve) enum Forwarded {
    /// The checks of machines.
    MachineStatus,
    /// What machines' consoles printed.
    ConsoleOutput,
    /// Requests at Classic Load Balancers.
    ClassicLoadBalancers,
    /// Measurements of all sources.
    Metrics,
}

impl Forwarded {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [
        Self::MachineStatus,
        Self::ConsoleOutput,
        Self::ClassicLoadBalancers,
        Self::Metrics,
    ];

    /// The setting that switches it on or off.
    pub(super) const fn setting(self) -> [&'static str; 4] {
        match self {
            Self::MachineStatus => ["sources", "aws", "ec2", "status"],
            Self::ConsoleOutput => ["sources", "aws", "ec2", "console_output"],
            Self::ClassicLoadBalancers => ["sources", "aws", "elb", "classic"],
            Self::Metrics => ["sources", "aws", "metrics", "enabled"],
        }
    }

    /// As the subject of a sentence.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::MachineStatus => "the status of machines",
            Self::ConsoleOutput => "console output",
            Self::ClassicLoadBalancers => "logs of Classic Load Balancers",
            Self::Metrics => "metrics",
        }
    }

    /// What the settings say, and the stream that it goes to.
    fn said(self, settings: &Settings) -> (Option<bool>, &Name) {
        let aws = &settings.sources.aws;
        match self {
            Self::MachineStatus => (aws.ec2.status, &aws.ec2.stream),
            Self::ConsoleOutput => (aws.ec2.console_output, &aws.ec2.stream),
            Self::ClassicLoadBalancers => (aws.elb.classic, &aws.elb.stream),
            Self::Metrics => (aws.metrics.enabled, &aws.metrics.stream),
        }
    }

    /// Whether it is on, if its source is.
    pub(in crate::resolve) fn is_on(self, settings: &Settings) -> bool {
        let (said, stream) = self.said(settings);
        said.unwrap_or_else(|| !stream::ends_elsewhere(settings, stream))
    }

    /// Why it is off though nobody said so, if it is.
    pub(super) fn off_by_itself(self, settings: &Settings) -> Option<String> {
        let (said, stream) = self.said(settings);
        (said.is_none() && stream::ends_elsewhere(settings, stream)).then(|| {
            format!(
                "{} can only be brought to Elasticsearch or OpenSearch, and the stream `{stream}` goes to neither",
                self.words()
            )
        })
    }

    /// Whether its source is on.
    fn is_wanted(self, settings: &Settings) -> bool {
        let [.., key, _] = self.setting();
        match self {
            Self::Metrics => source::metrics_on(settings),
            _ => source::enabled(&settings.sources.aws).any(|source| source.key == key),
        }
    }
}

/// Finds what is switched on though nothing can take it.
pub(super) fn check(settings: &Settings, problems: &mut Problems) {
    for own in Forwarded::ALL {
        let (said, stream) = own.said(settings);
        if said == Some(true) && own.is_wanted(settings) && stream::ends_elsewhere(settings, stream)
        {
            problems.push(
                &own.setting(),
                format!(
                    "the forwarder brings {} to Elasticsearch or OpenSearch, but the stream `{stream}` goes to none",
                    own.words()
                ),
                "set a destination of these to `true` in the stream's `destinations`, or remove this",
            );
        }
    }
}
