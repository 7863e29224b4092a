//! The fleet as one HTML page: clusters × sources, where each ends, how long
//! it is kept, and what isn't shipped, with the reason. Pure.
//!
//! The page needs nothing beside itself: no network, no script to be read, so
//! it can be an artifact of CI or be sent around. A small script filters the
//! clusters by name; without it all are shown.

use std::collections::BTreeMap;

use serde::Serialize;
use tera::{Context, Tera};

use crate::resolve::ResolvedCluster;
use crate::sources::{self, MissingKind, SourceRow};

const TEMPLATE: &str = include_str!("page.html");

/// What the template sees.
#[derive(Debug, Serialize)]
struct Page {
    /// The sources by layer, in their order.
    layers: Vec<Layer>,
    clusters: Vec<Cluster>,
    gaps: Vec<Gap>,
    shipped: usize,
    missing: usize,
}

/// Sources that begin alike: `kubernetes`, `machines`, `aws`.
#[derive(Debug, Serialize)]
struct Layer {
    name: String,
    /// Their names without the layer's.
    sources: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Cluster {
    name: String,
    environment: String,
    distribution: String,
    region: String,
    account: String,
    gaps: usize,
    rows: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    row: SourceRow,
    /// Of each of the row's ends: where it is and how long it is kept, in words.
    ends_in_words: Vec<(String, String)>,
    state: State,
    /// Whether every cluster has such a row, so that it is a column of the table.
    is_column: bool,
    /// The longest that any of its ends keeps a record, in words.
    kept: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Shipped,
    Gap,
    NotThere,
}

/// A source that is not shipped for one reason, and where.
#[derive(Debug, Serialize)]
struct Gap {
    source: String,
    why: String,
    clusters: Vec<String>,
}

/// Writes the page of a fleet's clusters.
pub fn fleet_page<'c>(
    clusters: impl IntoIterator<Item = &'c ResolvedCluster>,
) -> Result<String, tera::Error> {
    let clusters: Vec<Cluster> = clusters.into_iter().map(cluster).collect();
    let rows = || clusters.iter().flat_map(|cluster| &cluster.rows);
    let count = |state| rows().filter(|row| row.state == state).count();
    let page = Page {
        layers: clusters.first().map(layers).unwrap_or_default(),
        gaps: gaps(rows()),
        shipped: count(State::Shipped),
        missing: count(State::Gap),
        clusters,
    };
    let mut tera = Tera::default();
    // A name that ends in `.html` has its values escaped.
    tera.add_raw_template("page.html", TEMPLATE)?;
    tera.render("page.html", &Context::from_serialize(&page)?)
}

fn cluster(cluster: &ResolvedCluster) -> Cluster {
    let rows: Vec<Line> = sources::list(cluster).into_iter().map(row).collect();
    let identity = &cluster.cluster;
    Cluster {
        name: identity.name.clone(),
        environment: identity.environment.clone(),
        distribution: identity.distribution.to_string(),
        region: identity.region.clone(),
        account: identity.account.clone(),
        gaps: rows.iter().filter(|row| row.state == State::Gap).count(),
        rows,
    }
}

fn row(row: SourceRow) -> Line {
    Line {
        state: match row.missing.as_ref().map(|missing| missing.kind) {
            None => State::Shipped,
            Some(MissingKind::Gap) => State::Gap,
            Some(MissingKind::NotThere) => State::NotThere,
        },
        is_column: ![sources::NODE_GROUPS, sources::STREAMS]
            .iter()
            .any(|start| row.source.starts_with(start)),
        ends_in_words: row.ends.iter().map(|end| (end.at(), end.kept())).collect(),
        kept: row
            .ends
            .iter()
            .max_by_key(|end| (end.is_kept_for_good(), end.kept_days))
            .map_or_else(String::new, sources::End::kept),
        row,
    }
}

fn layers(cluster: &Cluster) -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    for row in cluster.rows.iter().filter(|row| row.is_column) {
        let (layer, source) = row
            .row
            .source
            .split_once('.')
            .unwrap_or(("", &row.row.source));
        if layers.last().is_none_or(|last| last.name != layer) {
            layers.push(Layer {
                name: layer.to_owned(),
                sources: Vec::new(),
            });
        }
        if let Some(last) = layers.last_mut() {
            last.sources.push(source.to_owned());
        }
    }
    layers
}

fn gaps<'r>(rows: impl Iterator<Item = &'r Line>) -> Vec<Gap> {
    let mut found: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for row in rows {
        for why in row.row.reasons() {
            found
                .entry((&row.row.source, why))
                .or_default()
                .push(row.row.cluster.clone());
        }
    }
    found
        .into_iter()
        .map(|((source, why), clusters)| Gap {
            source: source.to_owned(),
            why: why.to_owned(),
            clusters,
        })
        .collect()
}
