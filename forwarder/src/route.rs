//! Where events go: from a log group or a stream to a data stream and its
//! destinations. Pure.

use logfleet_contract::forwarder::{Configuration, LogGroup};
use logfleet_events::{FlowLogFields, Format};

use crate::decode::Header;

/// Where events go, and how they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route<'c> {
    /// The stream.
    pub stream: &'c str,
    /// The middle part of the data stream's name.
    pub dataset: &'c str,
    /// The data stream.
    pub data_stream: String,
    /// The destinations.
    pub to: &'c [String],
    /// What writes the events, such as `aws.vpc`.
    pub source: Option<&'c str>,
    /// Whether only events that name a member of the resource group are the cluster's.
    pub members_only: bool,
    /// Of a hundred flows that were let through, so many are brought; all without.
    pub accepted_percent: Option<u8>,
    /// How they are read.
    pub format: Format,
}

/// The route of what a log group's subscription hands over; none if the log group isn't configured.
pub fn of_log_group<'c>(configuration: &'c Configuration, header: &Header) -> Option<Route<'c>> {
    let group = configuration.log_group(&header.log_group)?;
    let route = of_stream(configuration, &group.stream, group.source.as_deref())?;
    Some(Route {
        members_only: group.members_only,
        accepted_percent: group.accepted_percent,
        format: format_of_log_group(group),
        ..route
    })
}

/// The route of what goes to a stream by name.
pub fn of_stream<'c>(
    configuration: &'c Configuration,
    stream: &str,
    source: Option<&'c str>,
) -> Option<Route<'c>> {
    let data_stream = configuration.data_stream(stream)?;
    let (stream, told) = configuration.streams.get_key_value(stream)?;
    Some(Route {
        stream,
        dataset: &told.dataset,
        data_stream,
        to: &told.to,
        source,
        members_only: false,
        accepted_percent: None,
        format: source.and_then(Format::of_source).unwrap_or(Format::Text),
    })
}

impl Route<'_> {
    /// Whether an event is one of those that settings leave out to save their cost.
    pub fn leaves_out(&self, text: &str) -> bool {
        match (&self.format, self.accepted_percent) {
            (Format::VpcFlowLog(fields), Some(percent)) => !fields.keeps(text, percent),
            _ => false,
        }
    }
}

/// The format of what comes through a log group: its source's; of flow logs with the fields that
/// were chosen for them. Fields that aren't known leave the text as it is.
fn format_of_log_group(group: &LogGroup) -> Format {
    let own = group.flow_log_format.as_deref();
    match own.map(FlowLogFields::parse) {
        Some(fields) => fields.map_or(Format::Text, Format::VpcFlowLog),
        None => group
            .source
            .as_deref()
            .and_then(Format::of_source)
            .unwrap_or(Format::Text),
    }
}

/// Whether a text names one of the members: a word of it, between characters that no id has.
pub fn names_member(text: &str, is_member: impl Fn(&str) -> bool) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .any(|word| word.len() > 3 && is_member(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    fn header(log_group: &str) -> Header {
        Header {
            log_group: log_group.into(),
            ..Header::default()
        }
    }

    #[test]
    fn a_log_group_leads_to_its_stream_s_destinations() {
        let configuration = example::configuration("https://one.example.com:9200");
        let route =
            of_log_group(&configuration, &header("/logfleet/alpha/aws/vpc")).expect("a route");
        assert_eq!(
            (route.stream, route.data_stream.as_str(), route.source),
            ("aws_vpc", "logs-aws.vpc-alpha", Some("aws.vpc"))
        );
        assert_eq!(route.to, ["main"]);
        assert!(!route.members_only);
        let machines = of_log_group(&configuration, &header("/logfleet/alpha/aws/ec2"));
        assert!(machines.expect("a route").members_only);
        assert_eq!(
            of_log_group(&configuration, &header("/logfleet/beta/aws/vpc")),
            None
        );
        assert_eq!(of_stream(&configuration, "gone", None), None);
    }

    #[test]
    fn a_member_is_named_by_a_whole_word() {
        let member = |word: &str| word == "i-0123456789abcdef0";
        assert!(names_member(
            r#"{"resources":["arn:aws:ec2:eu-central-1:1:instance/i-0123456789abcdef0"]}"#,
            member
        ));
        assert!(!names_member(r#"{"id":"i-0123456789abcdef01"}"#, member));
        assert!(!names_member("", member));
    }
}
