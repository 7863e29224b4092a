//! What a call did, as one line that CloudWatch makes metrics of
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).
//! Pure.
//!
//! Nothing of an event is in it, and nothing that a server says of one.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// The metrics' namespace.
pub const NAMESPACE: &str = logfleet_contract::forwarder::METRICS_NAMESPACE;

/// What a call did. Numbers of documents, not of events: one for each destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events that were read.
    pub events: u64,
    /// Events of others, which no member of the resource group is named in.
    pub foreign: u64,
    /// Events that settings leave out.
    pub left_out: u64,
    /// Calls whose log stream settings leave out; their events aren't read.
    pub calls_left_out: u64,
    /// Events that aren't what their format says. They were sent all the same.
    pub unparsed: u64,
    /// Calls whose log group's tags couldn't be read. Their events were sent all the same.
    pub untagged: u64,
    /// Documents that are in the index, duplicates among them.
    pub delivered: u64,
    /// Documents that had been there before.
    pub duplicates: u64,
    /// Documents that a server refused for good; they are under `dead/`.
    pub rejected: u64,
    /// Documents, and events that weren't read yet, that wait under `retry/`.
    pub retried: u64,
    /// Requests that a server answered with more than the call could wait for, or not at all.
    pub failed_requests: u64,
    /// Documents of which nobody knows whether they will be there twice.
    pub possible_duplicates: u64,
    /// Times that a destination's set-up made the call give up.
    pub stopped: u64,
    /// Objects under `retry/`, if the call looked.
    pub waiting: Option<u64>,
    /// Age of the oldest of them, in milliseconds.
    pub waiting_age: Option<i64>,
    /// Age of the oldest event, in milliseconds.
    pub age: Option<i64>,
    /// What went wrong, in words that hold nothing of an event.
    pub notes: BTreeSet<String>,
}

/// Notes that a line has.
const MOST_NOTES: usize = 8;

impl Counters {
    /// Notes what went wrong.
    pub fn note(&mut self, note: impl Into<String>) {
        if self.notes.len() < MOST_NOTES {
            self.notes.insert(note.into());
        }
    }

    /// Notes an event's age.
    pub fn saw(&mut self, time: i64, now: i64) {
        let age = now.saturating_sub(time);
        self.age = Some(self.age.map_or(age, |oldest| oldest.max(age)));
    }

    /// The line. `kind` says what called.
    pub fn line(&self, function: &str, request: &str, kind: &str, now: i64) -> String {
        let counts = [
            ("EventsIn", Some(self.events), "Count"),
            ("Foreign", Some(self.foreign), "Count"),
            ("LeftOut", Some(self.left_out), "Count"),
            ("CallsLeftOut", Some(self.calls_left_out), "Count"),
            ("Unparsed", Some(self.unparsed), "Count"),
            ("Untagged", Some(self.untagged), "Count"),
            ("Delivered", Some(self.delivered), "Count"),
            ("Duplicates", Some(self.duplicates), "Count"),
            ("Rejected", Some(self.rejected), "Count"),
            ("Retried", Some(self.retried), "Count"),
            ("FailedRequests", Some(self.failed_requests), "Count"),
            (
                "PossibleDuplicates",
                Some(self.possible_duplicates),
                "Count",
            ),
            ("Stopped", Some(self.stopped), "Count"),
            ("RetryObjects", self.waiting, "Count"),
            ("RetryAge", self.waiting_age.map(seconds), "Seconds"),
            ("OldestEvent", self.age.map(seconds), "Seconds"),
        ];
        let told: Vec<_> = counts
            .into_iter()
            .filter_map(|(name, value, unit)| Some((name, value?, unit)))
            .collect();
        let metrics: Vec<Value> = told
            .iter()
            .map(|(name, _, unit)| json!({ "Name": name, "Unit": unit }))
            .collect();
        let mut line = Map::new();
        line.insert(
            "_aws".into(),
            json!({
                "Timestamp": now,
                "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [["FunctionName"]], "Metrics": metrics }],
            }),
        );
        line.insert("FunctionName".into(), function.into());
        line.insert("request".into(), request.into());
        line.insert("kind".into(), kind.into());
        for (name, value, _) in told {
            line.insert(name.into(), value.into());
        }
        if !self.notes.is_empty() {
            line.insert(
                "notes".into(),
                self.notes.iter().cloned().collect::<Vec<_>>().into(),
            );
        }
        Value::Object(line).to_string()
    }
}

fn seconds(milliseconds: i64) -> u64 {
    u64::try_from(milliseconds / 1000).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_s_line_is_one_line_with_every_metric_that_it_names() {
        let mut counters = Counters {
            events: 2,
            delivered: 1,
            ..Counters::default()
        };
        counters.saw(1_000, 66_500);
        counters.saw(60_000, 66_500);
        for note in 0..20 {
            counters.note(format!("{note:02}\n"));
        }
        let line = counters.line("f", "r", "logs", 66_500);
        assert!(!line.contains('\n'));
        let value: Value = serde_json::from_str(&line).expect("JSON");
        for metric in value["_aws"]["CloudWatchMetrics"][0]["Metrics"]
            .as_array()
            .expect("a list")
        {
            assert!(
                value[metric["Name"].as_str().expect("a name")].is_u64(),
                "{metric}"
            );
        }
        assert_eq!(
            (&value["EventsIn"], &value["OldestEvent"]),
            (&json!(2), &json!(65))
        );
        assert_eq!(value["RetryObjects"], Value::Null);
        assert_eq!(value["notes"].as_array().expect("a list").len(), MOST_NOTES);
    }
}
