//! Blocks of settings that hold for many places. Pure.
//!
//! `fluentd` holds for the Fluentd of each source, `stream_defaults` for each
//! stream, `account_defaults` for each account: the block is the lower layer, what stands at the place the upper
//! one, and both merge by the rule that all layers merge by.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::merge::{ValuePath, merge, merge_all};
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

/// Merges each block below the places it holds for. `layers`, the lowest first,
/// are those that `settings` was merged of: a `null` at a place removes what the
/// block says there, whichever layer says either.
pub fn expand_layers(settings: Node, layers: &[&Node]) -> Node {
    let mut settings = expand(settings);
    for (block, place) in BLOCKS {
        let has_null = |path: &ValuePath| layers.iter().any(|layer| has_null(layer, path));
        let mut places = paths(&settings, place);
        places.retain(has_null);
        let Some(block) = settings.get(block).filter(|_| !places.is_empty()).cloned() else {
            continue;
        };
        for path in places {
            let value = of_place(layers, &path)
                .iter()
                .filter_map(|layer| path.find(layer))
                .fold(block.clone(), merge);
            if let Some(node) = find_mut(&mut settings, &path) {
                *node = value;
            }
        }
    }
    settings
}

/// The layers that a place is made of: none up to the one that removes it as a
/// whole. What the block says is below all of them.
pub fn of_place<'l, 'n>(layers: &'l [&'n Node], place: &ValuePath) -> &'l [&'n Node] {
    let removed = layers.iter().rposition(|layer| removes(layer, place));
    &layers[removed.map_or(0, |at| at + 1)..]
}

/// The place of a block that a path lies in, if there is one.
pub fn place_of(path: &ValuePath) -> Option<ValuePath> {
    let (_, place) = block_of(path)?;
    Some(ValuePath::new(path.parts()[..place.len()].iter().cloned()))
}

fn block_of(path: &ValuePath) -> Option<&'static (&'static str, &'static [&'static str])> {
    BLOCKS.iter().find(|(_, place)| {
        path.parts().len() >= place.len()
            && place
                .iter()
                .zip(path.parts())
                .all(|(key, part)| *key == "*" || key == part)
    })
}

/// Whether a layer removes what is at a path, by a `null` there or above.
fn removes(layer: &Node, path: &ValuePath) -> bool {
    let mut node = layer;
    for part in path.parts() {
        if node.is_null() {
            return true;
        }
        match node.part(part) {
            Some(next) => node = next,
            None => return false,
        }
    }
    node.is_null()
}

/// Whether a layer has a `null` at a path, above or below.
fn has_null(layer: &Node, path: &ValuePath) -> bool {
    fn below(node: &Node) -> bool {
        let mut entries = node.entries().into_iter().flatten();
        node.is_null() || entries.any(|entry| below(&entry.node))
    }
    removes(layer, path) || path.find(layer).is_some_and(below)
}

/// The places of a value: `*` is every key there.
fn paths(node: &Node, place: &[&str]) -> Vec<ValuePath> {
    let mut found = vec![ValuePath::default()];
    for key in place {
        let next = |path: &ValuePath| -> Vec<ValuePath> {
            let entries = path.find(node).and_then(Node::entries);
            let keys = entries.into_iter().flatten().map(|entry| &entry.key);
            keys.filter(|name| *key == "*" || name == key)
                .map(|name| path.join(name))
                .collect()
        };
        found = found.iter().flat_map(next).collect();
    }
    found
}

fn find_mut<'n>(node: &'n mut Node, path: &ValuePath) -> Option<&'n mut Node> {
    path.parts().iter().try_fold(node, |node, part| {
        let Value::Mapping(entries) = &mut node.value else {
            return None;
        };
        let entry = entries.iter_mut().find(|entry| entry.key == *part)?;
        Some(&mut entry.node)
    })
}

/// Merges each block below the places it holds for, in a value of one layer.
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
        std::iter::once((*block).to_owned()).chain(rest),
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

/// The settings whose values a setting decides: itself, or, of a block, the
/// same at each place that the block holds for in these layers.
pub fn settings_of(layers: &[&Node], setting: &ValuePath) -> Vec<ValuePath> {
    let Some((first, rest)) = setting.parts().split_first() else {
        return Vec::new();
    };
    let blocks = BLOCKS.iter().filter(|(block, _)| block == first);
    let places = blocks.flat_map(|(_, place)| layers.iter().flat_map(|layer| paths(layer, place)));
    let places: BTreeSet<ValuePath> = places.collect();
    if !BLOCKS.iter().any(|(block, _)| block == first) {
        return vec![setting.clone()];
    }
    let below = |place: ValuePath| rest.iter().fold(place, |path, part| path.join(part));
    places.into_iter().map(below).collect()
}

/// The value that layers, the lowest first, give a setting, with what blocks
/// say of it: that which is rendered, without merging anything else.
pub fn value_of(layers: &[&Node], setting: &ValuePath) -> Option<Json> {
    let blocks: Vec<Node> = layers
        .iter()
        .filter_map(|layer| project(layer, setting))
        .collect();
    let own = match place_of(setting) {
        Some(place) => of_place(layers, &place),
        None => layers,
    };
    let all = blocks.iter().chain(own.iter().copied());
    let all: Vec<Node> = all
        .filter_map(|layer| only(layer, setting.parts()))
        .collect();
    let merged = merge_all(&all)?;
    setting.find(&merged).map(Node::to_json)
}

/// What a layer says of a setting, at its place, at those of blocks and above:
/// over the same layers, two that say the same give it the same value.
pub fn statement(layer: &Node, setting: &ValuePath) -> String {
    let places = settings_of(&[layer], setting).into_iter();
    let mut paths: BTreeSet<ValuePath> = places.chain([setting.clone()]).collect();
    let blocks: Vec<ValuePath> = paths.iter().filter_map(block_setting).collect();
    paths.extend(blocks);
    let said = paths.into_iter().map(|path| {
        let said = only(layer, path.parts()).map(|node| node.to_json());
        json!([path.to_string(), said])
    });
    said.collect::<Json>().to_string()
}

/// A layer with nothing in it but what it says of a setting, at its place or above.
fn only(layer: &Node, parts: &[String]) -> Option<Node> {
    let (Some((part, rest)), Value::Mapping(_)) = (parts.split_first(), &layer.value) else {
        return Some(layer.clone());
    };
    let entry = layer.entry(part)?;
    let entry = Entry {
        key: entry.key.clone(),
        key_span: entry.key_span,
        node: only(&entry.node, rest)?,
    };
    Some(Node {
        span: layer.span,
        value: Value::Mapping(vec![entry]),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::layers::merge::{LayerName, explain, merge_all};
    use crate::load::source_file::{FileId, Span};

    fn node(json: &Json) -> Node {
        let span = Span {
            file: FileId(0),
            start: 0,
            end: 0,
        };
        Node::from_json(json, span)
    }

    /// What is rendered from layers, and what `gen explain` says of a path.
    fn both(layers: &[Json], path: &str) -> (Option<Json>, Option<Json>) {
        let layers: Vec<Node> = layers.iter().map(node).collect();
        let layers: Vec<&Node> = layers.iter().collect();
        let path = ValuePath::parse(path).expect("a path");
        let merged = merge_all(layers.iter().copied()).expect("layers");
        let rendered = expand_layers(merged, &layers);
        let rendered = path.find(&rendered).map(Node::to_json);
        assert_eq!(value_of(&layers, &path), rendered, "{path}");
        let blocks: Vec<Node> = layers
            .iter()
            .filter_map(|layer| project(layer, &path))
            .collect();
        let of_place = place_of(&path).map_or(layers.as_slice(), |place| of_place(&layers, &place));
        let all: Vec<(LayerName, &Node)> = blocks
            .iter()
            .chain(of_place.iter().copied())
            .map(|node| (LayerName::Fleet, node))
            .collect();
        (rendered, explain(&all, &path).value)
    }

    #[test]
    fn what_is_explained_is_what_is_rendered() {
        let defaults = json!({
            "stream_defaults": { "destinations": { "main": true }, "retention_days": 30 },
            "fluentd": { "tolerations": { "all": { "key": "x" } } },
            "streams": { "s": {} },
        });
        let of_s = |settings: Json| json!({ "streams": { "s": settings } });
        for (upper, path, value) in [
            // Removed at the stream, whichever layer has the default.
            (
                vec![of_s(json!({ "destinations": { "main": null } }))],
                "streams.s.destinations",
                Some(json!({})),
            ),
            (
                vec![
                    of_s(json!({ "destinations": { "main": null } })),
                    json!({ "stream_defaults": { "destinations": { "audit": true } } }),
                ],
                "streams.s.destinations",
                Some(json!({ "audit": true })),
            ),
            // And set again above.
            (
                vec![
                    of_s(json!({ "destinations": { "main": null } })),
                    of_s(json!({ "destinations": { "main": true } })),
                ],
                "streams.s.destinations.main",
                Some(json!(true)),
            ),
            // All of them removed, and one set.
            (
                vec![
                    of_s(json!({ "destinations": null })),
                    of_s(json!({ "destinations": { "audit": true } })),
                ],
                "streams.s.destinations",
                Some(json!({ "audit": true })),
            ),
            // Removed as a whole and added again, it has what every stream has.
            (
                vec![
                    of_s(json!({ "retention_days": 7 })),
                    json!({ "streams": { "s": null } }),
                    of_s(json!({})),
                ],
                "streams.s.retention_days",
                Some(json!(30)),
            ),
            (
                vec![json!({ "stream_defaults": { "destinations": { "main": null } } })],
                "streams.s.destinations",
                Some(json!({})),
            ),
            (
                vec![
                    json!({ "sources": { "kubernetes": { "nodes": { "fluentd": { "tolerations": { "all": null } } } } } }),
                ],
                "sources.kubernetes.nodes.fluentd.tolerations",
                Some(json!({})),
            ),
        ] {
            let layers: Vec<Json> = std::iter::once(defaults.clone()).chain(upper).collect();
            let (rendered, explained) = both(&layers, path);
            assert_eq!(rendered, value, "{path} of {layers:?}");
            assert_eq!(explained, value, "{path} of {layers:?}");
        }
    }
}
