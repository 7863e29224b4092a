//! Flow logs of networks: which columns there are is chosen with the flow log. Pure.

use std::fmt;
use std::sync::Arc;

use crate::compiled::compiled;
use crate::fault::Fault;
use crate::field::TableName;
use crate::tables;
use crate::tables::flow_log_columns;
use crate::value;
use crate::writer::Writer;

const OTHER_COUNT: Fault = Fault("another number of columns than the flow log has");
const NO_RECORD: Fault = Fault("not a record of a flow log");

/// The columns that tell a flow from others, and what became of it: addresses and ports, protocol, action.
const FLOW: [usize; 6] = [3, 5, 4, 6, 7, 12];

/// FNV-1a, 64 bits (<https://datatracker.ietf.org/doc/html/rfc9923>), its bits mixed as in
/// `SplitMix64` (<https://prng.di.unimi.it/splitmix64.c>): the same in every process and release.
fn hash(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([b' '])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// The fields of a flow log's records, in their order.
#[derive(Clone, PartialEq, Eq)]
pub struct FlowLogFields(Arc<[u8]>);

/// A field that no flow log has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField(pub String);

impl fmt::Display for UnknownField {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "flow logs have no field `{}`", self.0)
    }
}

impl std::error::Error for UnknownField {}

impl Default for FlowLogFields {
    /// What AWS writes if nothing is chosen: the fields of version 2.
    fn default() -> Self {
        let count = tables::DEFAULT_FLOW_LOG_COLUMNS;
        Self((0..=u8::MAX).take(count).collect())
    }
}

impl FlowLogFields {
    /// Reads a format as flow logs have it, such as `${version} ${srcaddr}`;
    /// names alone are taken, too.
    pub fn parse(format: &str) -> Result<Self, UnknownField> {
        let names = format.split_ascii_whitespace();
        let places = names.map(|name| {
            let inner = name
                .strip_prefix("${")
                .and_then(|name| name.strip_suffix('}'));
            let name = inner.unwrap_or(name);
            let place = flow_log_columns().iter().position(|column| *column == name);
            place
                .and_then(|place| u8::try_from(place).ok())
                .ok_or_else(|| UnknownField(name.to_owned()))
        });
        Ok(Self(places.collect::<Result<Vec<u8>, _>>()?.into()))
    }

    /// Whether a record is among those that are kept if of a hundred flows that were let through only so
    /// many are. A flow is known by its two ends and its protocol, so both directions of it, in
    /// whatever network's flow log, are kept or left out together. What was refused, what isn't a record,
    /// and what has not all of these columns is kept.
    pub fn keeps(&self, text: &str, accepted_percent: u8) -> bool {
        let mut flow = [""; 6];
        let mut tokens = tokens(text.trim_ascii());
        for place in self.0.iter() {
            let Some(token) = tokens.next() else {
                return true;
            };
            let wanted = FLOW.iter().position(|own| *own == usize::from(*place));
            if let Some(wanted) = wanted {
                flow[wanted] = token;
            }
        }
        let [from, from_port, to, to_port, protocol, action] = flow;
        if tokens.next().is_some() || action != "ACCEPT" || flow.contains(&"") {
            return true;
        }
        let (one, other) = ((from, from_port), (to, to_port));
        let (first, second) = if one <= other {
            (one, other)
        } else {
            (other, one)
        };
        let parts = [first.0, first.1, second.0, second.1, protocol];
        hash(&parts) % 100 < u64::from(accepted_percent)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0
            .iter()
            .map(|place| flow_log_columns()[usize::from(*place)])
    }
}

impl fmt::Debug for FlowLogFields {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.names()).finish()
    }
}

pub(super) fn write(
    fields: &FlowLogFields,
    text: &str,
    writer: &mut Writer<'_>,
) -> Result<(), Fault> {
    if super::is_object(text) {
        // A transformed log group sends objects with the names of the fields:
        // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Transformation.html
        return super::object::write(TableName::VpcFlowLog, text, writer);
    }
    let columns = &compiled(TableName::VpcFlowLog).columns;
    let mut tokens = tokens(text.trim_ascii());
    for place in fields.0.iter() {
        let token = tokens.next().ok_or(OTHER_COUNT)?;
        for field in &columns[usize::from(*place)] {
            value::write(field, token, writer);
        }
        if usize::from(*place) == tables::LOG_STATUS && !is_status(token) {
            return Err(NO_RECORD);
        }
    }
    tokens.next().map_or(Ok(()), |_| Err(OTHER_COUNT))
}

/// What stands between blanks, as `split` has it; all blanks of a line are found at once.
fn tokens(line: &str) -> impl Iterator<Item = &str> {
    let ends = memchr::memchr_iter(b' ', line.as_bytes());
    let mut start = 0;
    ends.chain([line.len()]).map(move |end| {
        let token = &line[start..end];
        start = end + 1;
        token
    })
}

/// Other than that, the columns aren't those of the flow log: every value
/// would land in a wrong field.
fn is_status(token: &str) -> bool {
    matches!(token, "OK" | "NODATA" | "SKIPDATA" | "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_a_flow_is_where_it_is_said_to_be() {
        let names = FLOW.map(|place| flow_log_columns()[place]);
        let wanted = [
            "srcaddr", "srcport", "dstaddr", "dstport", "protocol", "action",
        ];
        assert_eq!(names, wanted);
    }

    fn record(from: &str, to: &str, action: &str) -> String {
        format!("2 1 eni-1 {from} {to} 6 20 4249 1795899940 1795899998 {action} OK").replacen(
            &format!("{from} {to}"),
            &ends(from, to),
            1,
        )
    }

    /// Addresses before ports.
    fn ends(from: &str, to: &str) -> String {
        let (from, from_port) = from.split_once('/').expect("a port");
        let (to, to_port) = to.split_once('/').expect("a port");
        format!("{from} {to} {from_port} {to_port}")
    }

    #[test]
    fn both_directions_of_a_flow_are_kept_or_left_out_and_as_many_as_are_asked_for() {
        let fields = FlowLogFields::default();
        for percent in [1, 10, 50, 99] {
            let mut kept = 0;
            for number in 0..10_000 {
                let from = format!("10.0.{}.{}/{}", number % 7, number % 251, 1024 + number);
                let there = fields.keeps(&record(&from, "10.1.1.1/443", "ACCEPT"), percent);
                let back = fields.keeps(&record("10.1.1.1/443", &from, "ACCEPT"), percent);
                assert_eq!(there, back, "{from}");
                assert!(fields.keeps(&record(&from, "10.1.1.1/443", "REJECT"), percent));
                kept += u32::from(there);
            }
            let wanted = u32::from(percent) * 100;
            // Five times the deviation of as many throws of a coin.
            assert!(kept.abs_diff(wanted) < 250, "{kept} of {wanted}");
        }
    }

    #[test]
    fn a_line_is_split_at_each_blank() {
        for line in ["", " ", "a", "a b", " a  b ", "ü é", "2 1 eni-1 - 443"] {
            assert_eq!(
                tokens(line).collect::<Vec<_>>(),
                line.split(' ').collect::<Vec<_>>(),
                "{line:?}"
            );
        }
    }

    #[test]
    fn what_tells_no_flow_is_kept() {
        let fields = FlowLogFields::default();
        let whole = record("10.0.0.1/1", "10.0.0.2/2", "ACCEPT");
        for text in [
            "",
            "a line",
            "{\"action\":\"ACCEPT\"}",
            &whole[2..],
            &format!("{whole} 1"),
        ] {
            assert!(fields.keeps(text, 0), "{text}");
        }
        assert!(!fields.keeps(&whole, 0));
        let few = FlowLogFields::parse("srcaddr dstaddr action").expect("they are known");
        assert!(few.keeps("10.0.0.1 10.0.0.2 ACCEPT", 0));
    }
}
