//! Connections in configurations of Fluentd and Logstash. Pure.

use super::connection::{Connection, Connections, Weakness};
use super::options;
use crate::diff::compare::blocks::Block;

/// Outputs that speak HTTP unless they are reported otherwise, by `@type` or name.
const SERVERS: [&str; 4] = [
    "elasticsearch",
    "elasticsearch_data_stream",
    "opensearch",
    "opensearch_data_stream",
];
/// Inputs of Logstash that take anybody's plain records unless they are reported otherwise
/// (<https://www.elastic.co/docs/reference/logstash/plugins/plugins-inputs-beats>).
const INPUTS: [&str; 2] = ["beats", "elastic_agent"];

/// Each block by the way to it, with its id where it has one.
pub(super) fn read(root: &Block, place: &str, found: &mut Connections) {
    let mut open = vec![(place.to_owned(), root)];
    while let Some((place, block)) = open.pop() {
        found.insert(place.clone(), connection_of(block));
        for (number, inner) in block.blocks.iter().enumerate() {
            let label = match &inner.id {
                Some(id) => format!("{} {id}", name_of(inner)),
                // Blocks of conditions have an address of a stream in them: order tells.
                None => format!("{} {number}", name_of(inner)),
            };
            open.push((format!("{place}/{label}"), inner));
        }
    }
}

fn name_of(block: &Block) -> &str {
    let head = block.head.trim_start_matches('<');
    head.split([' ', '>']).next().unwrap_or_default()
}

fn connection_of(block: &Block) -> Connection {
    let mut connection = Connection::default();
    for (key, value) in &block.options {
        options::read(key, value, &mut connection);
    }
    if connection.address.is_empty()
        && let Some(endpoint) = block
            .blocks
            .iter()
            .find(|inner| name_of(inner) == "endpoint")
    {
        connection.address = connection_of(endpoint).address;
        connection.encrypted = true;
    }
    let option = |name: &str| {
        let mut options = block.options.iter();
        options
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let kind = option("@type").unwrap_or_else(|| name_of(block));
    // One that says nothing of a host has it elsewhere, or is the machine's own.
    if SERVERS.contains(&kind) && !connection.address.is_empty() {
        connection.assume_plain();
    }
    if INPUTS.contains(&kind) && option("port").is_some() {
        connection.assume_plain();
        if connection.encrypted && !connection.verifies_clients {
            connection.weak.insert(Weakness::ClientsUnverified);
        }
    }
    connection
}
