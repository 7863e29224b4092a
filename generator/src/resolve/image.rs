//! What Fluentd's images must hold: the plugins that their configuration needs, in
//! a version that knows it. Pure.

use std::collections::BTreeSet;

use super::problem::Problems;
use super::version::{self, Program};
use super::{KubernetesSource, ResolvedSources};
use crate::sentence::list;
use crate::settings::{Destination, Image, LogFormat, Name, Settings};

/// The image whose plugins are known.
const STOCK_REPOSITORY: &str = "fluent/fluentd-kubernetes-daemonset";

/// Its version that is used unless another is asked for.
const STOCK_VERSION: &str = "v1.19.3";

/// Plugins that the configuration of a source needs, by gem name, but those of
/// outputs. `schemas/outputs/fluentd.json` says which gem has which plugin, and a
/// test compares both with what is rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Needed(BTreeSet<&'static str>);

impl Needed {
    /// Those of one source.
    pub(super) fn new(
        source: KubernetesSource,
        sources: &ResolvedSources,
        settings: &Settings,
    ) -> Self {
        let mut needed = BTreeSet::from([
            "fluent-plugin-prometheus",
            "fluent-plugin-record-modifier",
            "fluent-plugin-rewrite-tag-filter",
        ]);
        let mut containers = sources.containers();
        let reads_containers =
            containers.any(|(own, containers)| own == source && !containers.paths.is_empty());
        let nodes = sources
            .nodes
            .as_ref()
            .filter(|_| source == KubernetesSource::Nodes);
        let reads_events = nodes.is_some() && sources.events.is_some();
        if reads_containers {
            needed.insert("fluent-plugin-kubernetes_metadata_filter");
        }
        if reads_containers || reads_events {
            needed.insert("fluent-plugin-concat");
            if settings.kubernetes.log_format == LogFormat::Cri {
                needed.insert("fluent-plugin-parser-cri");
            }
        }
        if nodes.is_some_and(|nodes| nodes.journal.is_some()) {
            needed.insert("fluent-plugin-systemd");
        }
        Self(needed)
    }

    /// All plugins, those of outputs among them.
    pub(super) fn with_outputs(
        &self,
        destinations: &[(&Name, &Destination)],
    ) -> BTreeSet<&'static str> {
        let outputs = destinations.iter();
        let outputs = outputs.map(|(_, destination)| Output::new(destination).plugin);
        self.0.iter().copied().chain(outputs).collect()
    }
}

/// The plugin of an output, and the words of stock images' tags that say it is there.
struct Output {
    plugin: &'static str,
    stock_variant: String,
    stock_word: &'static str,
}

impl Output {
    fn new(destination: &Destination) -> Self {
        let (plugin, stock_variant, stock_word) = match destination {
            Destination::Elasticsearch(server) => (
                "fluent-plugin-elasticsearch",
                format!("elasticsearch{}", server.version),
                "-elasticsearch",
            ),
            Destination::Opensearch(_) => (
                "fluent-plugin-opensearch",
                "opensearch".to_owned(),
                "-opensearch",
            ),
            Destination::Cloudwatch(_) => (
                "fluent-plugin-cloudwatch-logs",
                "cloudwatch".to_owned(),
                "-cloudwatch",
            ),
            Destination::S3(_) => ("fluent-plugin-s3", "s3".to_owned(), "-s3"),
        };
        Self {
            plugin,
            stock_variant,
            stock_word,
        }
    }
}

/// An image as a pod names it.
pub(super) fn named(image: &Image, derived_tag: Option<String>) -> String {
    let mut text = image.repository.to_string();
    if let Some(tag) = image.tag.as_ref().map(ToString::to_string).or(derived_tag) {
        text = format!("{text}:{tag}");
    }
    if let Some(digest) = &image.digest {
        text = format!("{text}@{digest}");
    }
    text
}

/// The tag of the stock image that speaks to all of these destinations.
pub(super) fn stock_tag(destinations: &[(&Name, &Destination)]) -> Option<String> {
    let variants: BTreeSet<String> = destinations
        .iter()
        .map(|(_, destination)| Output::new(destination).stock_variant)
        .collect();
    match variants.into_iter().collect::<Vec<_>>().as_slice() {
        [variant] => Some(format!("{STOCK_VERSION}-debian-{variant}-1.1")),
        _ => None,
    }
}

/// A stream that needs a plugin its image lacks would never arrive.
pub(super) fn check(
    source: &str,
    image: &Image,
    needed: &Needed,
    destinations: &[(&Name, &Destination)],
    problems: &mut Problems,
) {
    let setting = ["sources", "kubernetes", source, "fluentd", "image"];
    let stock = image.repository.as_str() == STOCK_REPOSITORY;
    if image.tag.is_none() && image.digest.is_none() {
        if !stock {
            problems.push(
                &setting,
                "the image has neither tag nor digest",
                "set `tag` or `digest`",
            );
            return;
        }
        if image.plugins.is_some() {
            problems.push(
                &[&setting[..], &["plugins"]].concat(),
                "without `tag` and `digest` the stock image follows the destinations, and its plugins are known",
                "remove it, or name an image of your own",
            );
        }
        if stock_tag(destinations).is_none() && !destinations.is_empty() {
            let names: Vec<&str> = destinations.iter().map(|(name, _)| name.as_str()).collect();
            problems.push(
                &setting,
                format!(
                    "no stock image holds the plugins for all of {}",
                    list(&names)
                ),
                "build an image with all of these plugins, and set `repository`, `tag` and `plugins`",
            );
        }
        return;
    }
    check_version(&setting, image, problems);
    let outputs: Vec<Output> = destinations
        .iter()
        .map(|(_, destination)| Output::new(destination))
        .collect();
    let all = needed.with_outputs(destinations);
    let lacking: Vec<&str> = match (&image.plugins, &image.tag) {
        (Some(plugins), _) => all
            .iter()
            .copied()
            .filter(|plugin| !plugins.contains(*plugin))
            .collect(),
        (None, Some(tag)) if stock => {
            let lacks = |output: &&Output| !tag.as_str().contains(output.stock_word);
            let lacking: BTreeSet<&str> =
                outputs.iter().filter(lacks).map(|own| own.plugin).collect();
            lacking.into_iter().collect()
        }
        _ => {
            let all: Vec<&str> = all.into_iter().collect();
            problems.push(
                &setting,
                "it is not known which plugins this image holds",
                format!(
                    "list them in `plugins`; its configuration needs {}",
                    list(&all)
                ),
            );
            return;
        }
    };
    if lacking.is_empty() {
        return;
    }
    let hint = if stock {
        "choose an image that holds them; without `tag` the stock image follows the destinations"
    } else {
        "build an image that holds them, and name them in `plugins`"
    };
    let (noun, list) = (
        if lacking.len() == 1 {
            "plugin"
        } else {
            "plugins"
        },
        list(&lacking),
    );
    problems.push(
        &setting,
        format!("the image doesn't contain the {noun} {list}, so nothing would arrive"),
        hint,
    );
}

/// Whether an image is Fluentd's, by the last part of its name: then its tag
/// shows Fluentd's version, if it shows any.
fn is_fluentds(repository: &str) -> bool {
    let last = repository.rsplit('/').next().unwrap_or(repository);
    last == "fluentd" || last == "fluentd-kubernetes-daemonset"
}

/// An older Fluentd reads what is rendered, and passes over what it doesn't know.
fn check_version(setting: &[&str; 5], image: &Image, problems: &mut Problems) {
    // What a digest stands for isn't known, whatever the tag beside it.
    let Some(tag) = image.tag.as_ref().filter(|_| image.digest.is_none()) else {
        return;
    };
    if !is_fluentds(image.repository.as_str()) {
        return;
    }
    if let Some((message, oldest)) = version::too_old(Program::Fluentd, tag.as_str()) {
        problems.push(
            &[&setting[..], &["tag"]].concat(),
            message,
            format!(
                "choose {oldest} or newer; where the tag isn't Fluentd's version, give the image by `digest`"
            ),
        );
    }
}
