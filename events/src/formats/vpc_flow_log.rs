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
    let mut tokens = text.trim_ascii().split(' ');
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

/// Other than that, the columns aren't those of the flow log: every value
/// would land in a wrong field.
fn is_status(token: &str) -> bool {
    matches!(token, "OK" | "NODATA" | "SKIPDATA" | "-")
}
