//! Lays layers over one another by JSON Merge Patch, and tells afterwards
//! which layer set what. Pure.
//!
//! RFC 7396: mappings merge, everything else replaces, `null` removes. Every
//! part of the result keeps the span of the layer it comes from, so that a
//! fault of the merged value stands where somebody wrote it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value as Json;

use crate::load::node::{Entry, Node, Value};
use crate::load::source_file::Span;

/// Lays `patch` over `base`.
pub fn merge(base: Node, patch: &Node) -> Node {
    merge_at(Depth::Top, base, patch)
}

/// Where in the settings a value is, as far as merging has to know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Top,
    /// `patches`.
    Patches,
    /// One of them.
    Patch,
    /// What it merges into what is rendered: a `null` in it is for there, so a
    /// higher layer replaces it as a whole.
    Whole,
    Below,
}

impl Depth {
    fn of(self, key: &str) -> Self {
        match (self, key) {
            (Self::Top, "patches") => Self::Patches,
            (Self::Patches, _) => Self::Patch,
            (Self::Patch, "merge") | (Self::Whole, _) => Self::Whole,
            _ => Self::Below,
        }
    }
}

/// Whether the value at a path is replaced as a whole, and reported as one.
fn is_whole(path: &ValuePath) -> bool {
    let parts = path.parts().iter();
    parts.fold(Depth::Top, |depth, part| depth.of(part)) == Depth::Whole
}

fn merge_at(depth: Depth, base: Node, patch: &Node) -> Node {
    let Value::Mapping(changes) = &patch.value else {
        return patch.clone();
    };
    if depth == Depth::Whole {
        return patch.clone();
    }
    let entries = match base.value {
        Value::Mapping(entries) => entries,
        _ => Vec::new(),
    };
    Node {
        span: patch.span,
        value: Value::Mapping(merge_entries(depth, entries, changes)),
    }
}

/// Lays all layers over one another, the lowest first.
pub fn merge_all<'n>(layers: impl IntoIterator<Item = &'n Node>) -> Option<Node> {
    let mut layers = layers.into_iter();
    let lowest = layers.next()?;
    // Over an empty mapping, so that a `null` in the lowest layer is gone too.
    let empty = Node {
        span: lowest.span,
        value: Value::Mapping(Vec::new()),
    };
    let lowest = merge(empty, lowest);
    Some(layers.fold(lowest, merge))
}

/// Keys stay in the order of the base; new ones follow in the patch's order.
fn merge_entries(depth: Depth, base: Vec<Entry>, changes: &[Entry]) -> Vec<Entry> {
    let mut places: BTreeMap<String, usize> = base
        .iter()
        .enumerate()
        .map(|(at, entry)| (entry.key.clone(), at))
        .collect();
    let mut merged: Vec<Option<Entry>> = base.into_iter().map(Some).collect();
    for change in changes {
        let at = *places.entry(change.key.clone()).or_insert_with(|| {
            merged.push(None);
            merged.len() - 1
        });
        if let Some(slot) = merged.get_mut(at) {
            *slot = merge_entry(depth.of(&change.key), slot.take(), change);
        }
    }
    merged.into_iter().flatten().collect()
}

fn merge_entry(depth: Depth, base: Option<Entry>, change: &Entry) -> Option<Entry> {
    if change.node.is_null() {
        return None;
    }
    let node = match (base, &change.node.value) {
        (Some(base), _) => merge_at(depth, base.node, &change.node),
        (None, Value::Mapping(_)) => merge_at(
            depth,
            Node {
                span: change.node.span,
                value: Value::Null,
            },
            &change.node,
        ),
        (None, _) => change.node.clone(),
    };
    Some(Entry {
        key: change.key.clone(),
        key_span: change.key_span,
        node,
    })
}

/// A path into a value: `streams.applications.retention_days`,
/// `node_groups."a.b".labels`, `routes[0]`, `node_groups["a.b"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValuePath(Vec<String>);

/// Why a text is not a [`ValuePath`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValuePathError {
    /// Two dots in a row, or one at an end.
    #[error("empty name before or after a `.`")]
    Empty,
    /// A quote or bracket is not closed.
    #[error("a quote or a bracket is not closed")]
    Unclosed,
    /// Something follows a quote or bracket at once.
    #[error("a `.` is missing after a quote or a bracket")]
    Separator,
}

impl ValuePath {
    /// Takes the names of the parts.
    pub fn new(parts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(parts.into_iter().map(Into::into).collect())
    }

    /// Reads a path as people write it. The empty text is the whole value.
    pub fn parse(text: &str) -> Result<Self, ValuePathError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (part, after) = read_part(rest)?;
            parts.push(part);
            rest = match after.strip_prefix('.') {
                Some("") => return Err(ValuePathError::Empty),
                Some(next) => next,
                None if after.is_empty() || after.starts_with('[') => after,
                None => return Err(ValuePathError::Separator),
            };
        }
        Ok(Self(parts))
    }

    /// Takes a JSON pointer (RFC 6901).
    pub fn from_pointer(pointer: &str) -> Self {
        Self(
            pointer
                .split('/')
                .skip(1)
                .map(|part| part.replace("~1", "/").replace("~0", "~"))
                .collect(),
        )
    }

    /// The names of the parts.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// The path of a part of this one.
    #[must_use]
    pub fn join(&self, part: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(part.to_owned());
        Self(parts)
    }

    /// The node there, if there is one.
    pub fn find<'n>(&self, node: &'n Node) -> Option<&'n Node> {
        self.0.iter().try_fold(node, |node, part| node.part(part))
    }
}

impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            let plain = |c: char| !matches!(c, '.' | '"' | '[' | ']' | ' ') && !c.is_control();
            if !part.is_empty() && part.chars().all(plain) {
                f.write_str(part)?;
            } else {
                write!(f, "{part:?}")?;
            }
        }
        Ok(())
    }
}

/// The first part of a path's text, and what follows it.
fn read_part(text: &str) -> Result<(String, &str), ValuePathError> {
    if let Some(inside) = text.strip_prefix('[') {
        if inside.starts_with('"') {
            let (part, after) = read_quoted(inside)?;
            return Ok((
                part,
                after.strip_prefix(']').ok_or(ValuePathError::Unclosed)?,
            ));
        }
        let (part, after) = inside.split_once(']').ok_or(ValuePathError::Unclosed)?;
        return if part.is_empty() {
            Err(ValuePathError::Empty)
        } else {
            Ok((part.to_owned(), after))
        };
    }
    if text.starts_with('"') {
        return read_quoted(text);
    }
    let end = text.find(['.', '[']).unwrap_or(text.len());
    if end == 0 {
        return Err(ValuePathError::Empty);
    }
    Ok((text[..end].to_owned(), &text[end..]))
}

/// A part in double quotes, as a JSON string.
fn read_quoted(text: &str) -> Result<(String, &str), ValuePathError> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    match values.next() {
        Some(Ok(part)) => {
            let end = values.byte_offset();
            Ok((part, &text[end..]))
        }
        _ => Err(ValuePathError::Unclosed),
    }
}

/// Which layer a value comes from, the lowest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerName {
    /// What holds without any file.
    Defaults,
    /// `fleet.yaml`.
    Fleet,
    /// `environments/<name>.yaml`.
    Environment(String),
    /// `<name>/cluster.yaml`.
    Cluster(String),
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Defaults => f.write_str("built-in defaults"),
            Self::Fleet => f.write_str("fleet"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Cluster(name) => write!(f, "cluster {name}"),
        }
    }
}

/// What a layer does to a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// It sets it to this.
    Sets(Json),
    /// It removes it by a `null`, at the value itself or above it.
    Removes,
    /// It replaces something above it by a list or a plain value, so that
    /// nothing of lower layers is left below.
    Replaces,
}

/// Where a layer removes a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The setting that is `null` there: the one asked for, or one above it.
    pub setting: ValuePath,
    /// The `null`.
    pub span: Span,
}

/// What one layer does to one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The layer.
    pub layer: LayerName,
    /// Where it does so.
    pub span: Span,
    /// What it does.
    pub effect: Effect,
    /// Whether this is what holds in the end.
    pub holds: bool,
}

/// Where one plain value, list, or empty mapping comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct LeafExplanation {
    /// Its path.
    pub path: ValuePath,
    /// Its value in the end; `None` if it is removed.
    pub value: Option<Json>,
    /// What each layer that touches it does, the lowest first. The last one holds.
    pub steps: Vec<Step>,
}

/// Where a value comes from: each of its leaves, in the value's order, removed
/// ones last. Empty if no layer says anything there.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The path asked for.
    pub path: ValuePath,
    /// The merged value there.
    pub value: Option<Json>,
    /// Its leaves.
    pub leaves: Vec<LeafExplanation>,
}

/// Tells which layer set the value at a path, and which it overrode.
pub fn explain(layers: &[(LayerName, &Node)], path: &ValuePath) -> Explanation {
    let merged = merge_all(layers.iter().map(|(_, node)| *node));
    let value = merged.as_ref().and_then(|merged| path.find(merged));
    let mut leaves = Vec::new();
    if let Some(value) = value {
        gather_leaves(value, path, &mut leaves);
    }
    for (_, layer) in layers {
        if let Some(node) = path.find(layer) {
            let mut of_layer = Vec::new();
            gather_leaves(node, path, &mut of_layer);
            leaves.extend(of_layer);
        }
    }
    let leaves = unique(leaves)
        .into_iter()
        .filter_map(|leaf| explain_leaf(layers, merged.as_ref(), leaf));
    let leaves: Vec<_> = leaves.collect();
    // A layer may touch the path only from above, by a `null` or a replacement.
    let leaves = if leaves.is_empty() {
        explain_leaf(layers, merged.as_ref(), path.clone())
            .into_iter()
            .collect()
    } else {
        leaves
    };
    Explanation {
        path: path.clone(),
        value: value.map(Node::to_json),
        leaves,
    }
}

fn unique(paths: Vec<ValuePath>) -> Vec<ValuePath> {
    let mut seen = std::collections::BTreeSet::new();
    paths
        .into_iter()
        .filter(|path| seen.insert(path.clone()))
        .collect()
}

fn gather_leaves(node: &Node, path: &ValuePath, leaves: &mut Vec<ValuePath>) {
    match node.entries() {
        Some(entries) if !entries.is_empty() && !is_whole(path) => {
            for entry in entries {
                gather_leaves(&entry.node, &path.join(&entry.key), leaves);
            }
        }
        _ => leaves.push(path.clone()),
    }
}

fn explain_leaf(
    layers: &[(LayerName, &Node)],
    merged: Option<&Node>,
    path: ValuePath,
) -> Option<LeafExplanation> {
    let mut steps: Vec<Step> = layers
        .iter()
        .filter_map(|(name, node)| {
            let Touch { span, effect, .. } = touch(node, &path)?;
            Some(Step {
                layer: name.clone(),
                span,
                effect,
                holds: false,
            })
        })
        .collect();
    // What removes or replaces nothing has no effect worth telling.
    let first = steps
        .iter()
        .position(|step| matches!(step.effect, Effect::Sets(_)))?;
    steps.drain(..first);
    let node = merged.and_then(|merged| path.find(merged));
    // A removed mapping is reported by its leaves.
    let filled = |step: &Step| matches!(&step.effect, Effect::Sets(Json::Object(members)) if !members.is_empty());
    let is_whole = is_whole(&path);
    if node.is_none() && !is_whole && steps.iter().any(filled) {
        return None;
    }
    // A mapping that was empty in one layer and filled by another is no leaf.
    if node.is_some_and(|node| node.entries().is_some_and(|entries| !entries.is_empty()))
        && !path.parts().is_empty()
        && !is_whole
    {
        return None;
    }
    if let Some(last) = steps.last_mut() {
        last.holds = true;
    }
    Some(LeafExplanation {
        path,
        value: node.map(Node::to_json),
        steps,
    })
}

/// The `null` that removes the value at a path, if that is what the highest
/// layer does that speaks of it. The lowest layer comes first.
pub fn removal<'n>(
    layers: impl DoubleEndedIterator<Item = &'n Node>,
    path: &ValuePath,
) -> Option<Removal> {
    let touch = layers.rev().find_map(|layer| touch(layer, path))?;
    let setting = path.parts()[..touch.depth].iter().cloned();
    matches!(touch.effect, Effect::Removes).then(|| Removal {
        setting: ValuePath::new(setting),
        span: touch.span,
    })
}

/// What a layer does to the value at a path.
struct Touch {
    span: Span,
    effect: Effect,
    /// How many parts of the path lead to where it does so.
    depth: usize,
}

/// What a layer does to the value at a path, if anything.
fn touch(layer: &Node, path: &ValuePath) -> Option<Touch> {
    let mut node = layer;
    for (depth, part) in path.parts().iter().enumerate() {
        let touch = |span, effect| {
            Some(Touch {
                span,
                effect,
                depth,
            })
        };
        match &node.value {
            Value::Null => return touch(node.span, Effect::Removes),
            Value::Mapping(_) => node = node.get(part)?,
            Value::Sequence(_) => match node.part(part) {
                Some(item) => node = item,
                None => return touch(node.span, Effect::Replaces),
            },
            _ => return touch(node.span, Effect::Replaces),
        }
    }
    Some(Touch {
        span: node.span,
        effect: match &node.value {
            Value::Null => Effect::Removes,
            _ => Effect::Sets(node.to_json()),
        },
        depth: path.parts().len(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::load::source_file::{FileId, SourceFile};
    use crate::load::yaml;

    fn node(json: &Json) -> Node {
        Node::from_json(
            json,
            Span {
                file: FileId(0),
                start: 0,
                end: 0,
            },
        )
    }

    fn merged(base: &Json, patch: &Json) -> Json {
        merge(node(base), &node(patch)).to_json()
    }

    #[test]
    fn what_a_patch_merges_is_replaced_as_a_whole() {
        let base = json!({"patches": {"a": {"type": "T", "merge": {"x": {"y": 1}, "z": null}}, "b": {"merge": {"c": 1}}}});
        assert_eq!(merged(&json!({}), &base), base);
        let patch =
            json!({"patches": {"a": {"name": "N", "merge": {"x": {"w": null}}}, "b": null}});
        assert_eq!(
            merged(&base, &patch),
            json!({"patches": {"a": {"type": "T", "name": "N", "merge": {"x": {"w": null}}}}})
        );
        // Only there: everywhere else `null` removes.
        let elsewhere = json!({"streams": {"a": {"merge": {"x": null}}}, "merge": {"x": null}});
        assert_eq!(
            merged(&json!({}), &elsewhere),
            json!({"streams": {"a": {"merge": {}}}, "merge": {}})
        );
        let layers = [
            (LayerName::Fleet, &node(&base)),
            (LayerName::Cluster("x".to_owned()), &node(&patch)),
        ];
        let reported = explain(&layers, &ValuePath::parse("patches.a").expect("a path"));
        let reported: Vec<_> = reported
            .leaves
            .iter()
            .map(|leaf| (leaf.path.to_string(), leaf.value.clone()))
            .collect();
        assert_eq!(
            reported,
            [
                ("patches.a.type".to_owned(), Some(json!("T"))),
                (
                    "patches.a.merge".to_owned(),
                    Some(json!({"x": {"w": null}}))
                ),
                ("patches.a.name".to_owned(), Some(json!("N"))),
            ]
        );
    }

    #[test]
    fn meets_the_examples_of_rfc_7396_appendix_a() {
        for (base, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (
                json!({"a": "b", "b": "c"}),
                json!({"a": null}),
                json!({"b": "c"}),
            ),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"a": [{"b": "c"}]}),
                json!({"a": [1]}),
                json!({"a": [1]}),
            ),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!([1, 2]),
                json!({"a": "b", "c": null}),
                json!({"a": "b"}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            assert_eq!(merged(&base, &patch), result, "{base} + {patch}");
        }
    }

    fn read(file: u32, text: &str) -> Node {
        yaml::parse(FileId(file), &SourceFile::new("f", text)).expect("valid")
    }

    #[test]
    fn keeps_the_span_of_the_layer_that_set_a_value() {
        let base = read(0, "a: {x: 1, y: 2}\nb: 3\n");
        let patch = read(1, "a: {y: 20}\n");
        let merged = merge(base, &patch);
        let file = |path: &str| {
            ValuePath::parse(path)
                .expect("a path")
                .find(&merged)
                .expect("there")
                .span
                .file
                .0
        };
        assert_eq!(
            (file("a.x"), file("a.y"), file("b"), file("a"), file("")),
            (0, 1, 0, 1, 1)
        );
    }

    #[test]
    fn reads_paths_with_dots_in_keys() {
        let parts = |text: &str| ValuePath::parse(text).map(|path| path.0);
        assert_eq!(
            parts("a.b-c.d"),
            Ok(vec!["a".into(), "b-c".into(), "d".into()])
        );
        assert_eq!(
            parts("a.\"b.c\".d"),
            Ok(vec!["a".into(), "b.c".into(), "d".into()])
        );
        assert_eq!(
            parts("a[\"b.c\"].d[0]"),
            Ok(vec!["a".into(), "b.c".into(), "d".into(), "0".into()])
        );
        assert_eq!(parts(""), Ok(vec![]));
        for (text, error) in [
            (".a", ValuePathError::Empty),
            ("a.", ValuePathError::Empty),
            ("a..b", ValuePathError::Empty),
            ("a[]", ValuePathError::Empty),
            ("a[\"b\"", ValuePathError::Unclosed),
            ("a.\"b", ValuePathError::Unclosed),
            ("a[0", ValuePathError::Unclosed),
            ("\"a\"b", ValuePathError::Separator),
        ] {
            assert_eq!(parts(text), Err(error), "{text}");
        }
    }

    fn reported(layers: &[(LayerName, &Node)], path: &str) -> Vec<String> {
        let explanation = explain(layers, &ValuePath::parse(path).expect("a path"));
        let step = |step: &Step| {
            let effect = match &step.effect {
                Effect::Sets(value) => value.to_string(),
                Effect::Removes => "removed".into(),
                Effect::Replaces => "replaced".into(),
            };
            format!(
                "{}{effect} by {}",
                if step.holds { "*" } else { "" },
                step.layer
            )
        };
        let leaf = |leaf: &LeafExplanation| {
            let steps: Vec<String> = leaf.steps.iter().map(step).collect();
            format!(
                "{} = {}: {}",
                leaf.path,
                leaf.value.clone().unwrap_or_default(),
                steps.join(", ")
            )
        };
        explanation.leaves.iter().map(leaf).collect()
    }

    #[test]
    fn explains_which_layer_set_what() {
        let (defaults, fleet) = (
            read(0, "s: {a: {days: 30, on: true}, b: {days: 1}}"),
            read(1, "s: {a: {days: 60}}"),
        );
        let (environment, cluster) = (
            read(2, "s: {b: null, a: {days: 90}}"),
            read(3, "s: {c: {l: [1]}}"),
        );
        let layers = [
            (LayerName::Defaults, &defaults),
            (LayerName::Fleet, &fleet),
            (LayerName::Environment("prod".into()), &environment),
            (LayerName::Cluster("x".into()), &cluster),
        ];
        assert_eq!(
            reported(&layers, "s.a.days"),
            ["s.a.days = 90: 30 by built-in defaults, 60 by fleet, *90 by environment prod"]
        );
        assert_eq!(
            reported(&layers, "s"),
            [
                "s.a.days = 90: 30 by built-in defaults, 60 by fleet, *90 by environment prod",
                "s.a.on = true: *true by built-in defaults",
                "s.c.l = [1]: *[1] by cluster x",
                "s.b.days = null: 1 by built-in defaults, *removed by environment prod",
            ]
        );
        assert_eq!(
            reported(&layers, "s.b.days"),
            ["s.b.days = null: 1 by built-in defaults, *removed by environment prod"]
        );
        assert_eq!(
            reported(&layers, "s.c.l[0]"),
            ["s.c.l.0 = 1: *1 by cluster x"]
        );
        assert_eq!(reported(&layers, "nowhere.at.all"), Vec::<String>::new());
    }

    #[test]
    fn explains_a_replacement_from_above() {
        let (fleet, cluster) = (read(0, "a: {b: {c: 1}}"), read(1, "a: {b: off}"));
        let layers = [
            (LayerName::Fleet, &fleet),
            (LayerName::Cluster("x".into()), &cluster),
        ];
        assert_eq!(
            reported(&layers, "a.b.c"),
            ["a.b.c = null: 1 by fleet, *replaced by cluster x"]
        );
        assert_eq!(
            reported(&layers, "a.b"),
            [
                "a.b = \"off\": {\"c\":1} by fleet, *\"off\" by cluster x",
                "a.b.c = null: 1 by fleet, *replaced by cluster x"
            ]
        );
    }

    fn value() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(json!(null)),
            (0..3i64).prop_map(|number| json!(number)),
            Just(json!(["l"]))
        ];
        leaf.prop_recursive(3, 20, 3, |inner| {
            prop::collection::btree_map("[a-c]", inner, 0..3).prop_map(|members| json!(members))
        })
    }

    /// RFC 7396, section 2, word for word.
    fn by_the_letter(target: Json, patch: &Json) -> Json {
        let Json::Object(patch) = patch else {
            return patch.clone();
        };
        let mut target = match target {
            Json::Object(members) => members,
            _ => serde_json::Map::new(),
        };
        for (name, value) in patch {
            if value.is_null() {
                target.remove(name);
            } else {
                let old = target.get(name).cloned().unwrap_or_default();
                target.insert(name.clone(), by_the_letter(old, value));
            }
        }
        Json::Object(target)
    }

    fn has_null(value: &Json) -> bool {
        value.is_null()
            || value
                .as_object()
                .is_some_and(|members| members.values().any(has_null))
    }

    proptest! {
        #[test]
        fn does_what_the_rfc_says(base in value(), patch in value()) {
            prop_assert_eq!(merged(&base, &patch), by_the_letter(base, &patch));
        }

        #[test]
        fn a_second_time_changes_nothing(base in value(), patch in value()) {
            let once = merged(&base, &patch);
            prop_assert_eq!(merged(&once, &patch), once);
        }

        #[test]
        fn leaves_no_null_behind(layers in prop::collection::vec(value(), 1..4)) {
            let layers: Vec<Node> = layers.iter().filter(|layer| layer.is_object()).map(node).collect();
            if let Some(merged) = merge_all(&layers) {
                prop_assert!(!has_null(&merged.to_json()));
            }
        }

        #[test]
        fn every_leaf_of_a_value_is_explained(layers in prop::collection::vec(value(), 1..4)) {
            let layers: Vec<Node> = layers.iter().filter(|layer| layer.is_object()).map(node).collect();
            let named: Vec<_> = layers.iter().map(|node| (LayerName::Fleet, node)).collect();
            for leaf in explain(&named, &ValuePath::default()).leaves {
                let last = leaf.steps.last().expect("a step");
                prop_assert!(last.holds);
                match leaf.value {
                    Some(value) if !value.is_object() => prop_assert_eq!(&last.effect, &Effect::Sets(value)),
                    Some(_) => prop_assert!(!matches!(last.effect, Effect::Replaces)),
                    None => prop_assert!(!matches!(last.effect, Effect::Sets(_))),
                }
            }
        }

        #[test]
        fn paths_are_read_back_as_written(parts in prop::collection::vec("[a.\"\\[\\]é -]{0,4}", 0..4)) {
            let path = ValuePath::new(parts);
            prop_assert_eq!(ValuePath::parse(&path.to_string()), Ok(path));
        }
    }
}
