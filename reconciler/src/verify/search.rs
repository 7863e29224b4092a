//! Asks a server what arrived. IO.
//!
//! A cluster's own credential can only write, so the administrator looks.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::client::{Client, RequestError};
use crate::fault::Fault;

use super::path::Group;

/// How the text of every marker begins.
pub const MARKER: &str = "logfleet reconciler verify marker";

/// A question to a data stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    data_stream: String,
    query: Value,
}

impl Question {
    /// Whether a marker is there.
    pub fn marker(group: &Group, log_stream: &str, text: &str) -> Self {
        Self {
            data_stream: group.data_stream.clone(),
            query: json!({ "bool": { "filter": [
                { "term": { "aws.log_stream": log_stream } },
                { "match_phrase": { "message": text } },
            ] } }),
        }
    }

    /// The last document of a data stream, or of one log group in it. Markers don't count: those that a credential wrote
    /// have no name of a cluster.
    pub fn last(data_stream: &str, log_group: Option<&str>) -> Self {
        let mut filter = vec![json!({ "exists": { "field": "cluster.name" } })];
        filter.extend(log_group.map(|own| json!({ "term": { "aws.log_group": own } })));
        let query = json!({ "bool": { "filter": filter, "must_not": [{ "match_phrase": { "message": MARKER } }] } });
        Self {
            data_stream: data_stream.to_owned(),
            query,
        }
    }
}

/// A document that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its time.
    pub time: Timestamp,
    /// When the forwarder had it, if it was the forwarder.
    pub ingested: Option<Timestamp>,
}

/// Asks many questions in one request: for each, the newest document, if there is one
/// (<https://docs.opensearch.org/latest/api-reference/multi-search/>).
pub fn ask(
    client: &Client,
    server: &str,
    questions: &[Question],
) -> Result<Vec<Option<Hit>>, Fault> {
    if questions.is_empty() {
        return Ok(Vec::new());
    }
    let mut lines = String::new();
    for question in questions {
        let head = json!({ "index": question.data_stream, "ignore_unavailable": true });
        let body = json!({
            "size": 1,
            "query": question.query,
            "sort": [{ "@timestamp": { "order": "desc", "unmapped_type": "date" } }],
            "_source": ["@timestamp", "event.ingested", "event"],
            "track_total_hits": false,
        });
        lines.push_str(&format!("{head}\n{body}\n"));
    }
    let answer = client
        .send_lines("_msearch", &lines)
        .map_err(|error: RequestError| error.fault(server))?;
    let responses = answer["responses"].as_array().cloned().unwrap_or_default();
    if responses.len() != questions.len() {
        return Err(Fault::new(server, "_msearch: the answer isn't complete"));
    }
    let answered = responses.iter().zip(questions).map(|(response, question)| {
        if let Some(error) = response.get("error") {
            let reason = error["reason"].as_str().unwrap_or("no reason given");
            return Err(Fault::new(
                format!("{server}/{}", question.data_stream),
                format!("can't be searched: {}", Fault::quoting(reason)),
            ));
        }
        let hit = &response["hits"]["hits"][0]["_source"];
        let time = |value: &Value| value.as_str().and_then(|own| own.parse().ok());
        let nested = &hit["event"]["ingested"];
        Ok((!hit.is_null()).then(|| Hit {
            // A document without a time that can be read is there all the same.
            time: time(&hit["@timestamp"]).unwrap_or(Timestamp::UNIX_EPOCH),
            ingested: time(&hit["event.ingested"]).or_else(|| time(nested)),
        }))
    });
    answered.collect()
}
