//! Blocks of settings that hold for many places. Pure.
//!
//! `fluentd` holds for the Fluentd of each source, `stream_defaults` for each
//! stream, `account_defaults` for each account: the block is the lower layer, what stands at the place the upper
//! one, and both merge by the rule that all layers merge by.

use super::merge::{ValuePath, merge};
use crate::load::node::{Entry, Node, Value};

/// A block and the place it holds for; `*` is every key there.
const BLOCKS: [(&str, &[&str]); 5] = [
    (
        "fluentd",
        &["sources", "kubernetes", "applications", "fluentd"],
    ),
    ("fluentd", &["sources", "kubernetes", "nodes", "fluentd"]),
    (
        "fluentd",
        &["sources", "kubernetes", "control_plane", "fluentd"],
    ),
    ("stream_defaults", &["streams", "*"]),
    ("account_defaults", &["accounts", "*"]),
];

/// Merges each block below the places it holds for.
pub fn expand(mut settings: Node) -> Node {
    for (block, place) in BLOCKS {
        if let Some(block) = settings.get(block).cloned() {
            merge_below(&mut settings, &block, place);
        }
    }
    settings
}

fn merge_below(node: &mut Node, block: &Node, place: &[&str]) {
    let Some((key, rest)) = place.split_first() else {
        // A place that isn't a mapping is a fault that the schema finds.
        if node.entries().is_some() {
            *node = merge(block.clone(), node);
        }
        return;
    };
    if let Value::Mapping(entries) = &mut node.value {
        for entry in entries
            .iter_mut()
            .filter(|entry| *key == "*" || entry.key == *key)
        {
            merge_below(&mut entry.node, block, rest);
        }
    }
}

/// The setting of a block that holds for a place, if one does:
/// `stream_defaults.retention_days` for `streams.events.retention_days`.
pub fn block_setting(path: &ValuePath) -> Option<ValuePath> {
    let (block, place) = block_of(path)?;
    let rest = path.parts()[place.len()..].iter().cloned();
    Some(ValuePath::new(
        std::iter::once(block.to_owned()).chain(rest),
    ))
}

/// Whether the place of a block exists: `streams.events` for
/// `streams.events.retention_days`. Otherwise a block says nothing of it.
pub fn place_exists<'n>(layers: impl IntoIterator<Item = &'n Node>, path: &ValuePath) -> bool {
    let Some((_, place)) = block_of(path) else {
        return true;
    };
    let place = ValuePath::new(path.parts()[..place.len()].iter().cloned());
    layers.into_iter().any(|layer| place.find(layer).is_some())
}

/// The block that holds for a place, and where.
fn block_of(path: &ValuePath) -> Option<(&'static str, &'static [&'static str])> {
    let holds = |place: &[&str]| {
        path.parts().len() >= place.len()
            && place
                .iter()
                .zip(path.parts())
                .all(|(key, part)| *key == "*" || key == part)
    };
    BLOCKS.into_iter().find(|(_, place)| holds(place))
}

/// What a layer's blocks say about a place: the same layer with only the block
/// that holds for `path`, as if it stood there.
pub fn project(layer: &Node, path: &ValuePath) -> Option<Node> {
    let (block, place) = block_of(path)?;
    let block = layer.get(block)?.clone();
    Some(
        path.parts()[..place.len()]
            .iter()
            .rev()
            .fold(block, |node, key| Node {
                span: node.span,
                value: Value::Mapping(vec![Entry {
                    key: key.clone(),
                    key_span: node.span,
                    node,
                }]),
            }),
    )
}
