//! The check step: is what was rendered fit to be read by whom it is for?
//! Pure.
//!
//! Templates can be a fleet's own, so nothing that they render is taken on
//! trust: YAML must parse and have no key twice, Kubernetes objects must meet
//! their strict schemas, and the settings of Fluentd, Filebeat, Logstash and
//! the CloudWatch agent must name only plugins and options that exist. What is below `elasticsearch/` must be an
//! API object that whoever applies it knows ([`logfleet_contract::index`]). `.json` files are canonical already
//! ([`crate::render::json`]). No file may hold a secret in clear, whatever it is.

mod aws;
pub mod fluentd;
pub mod kubernetes;
pub mod logstash;
pub mod machines;
mod references;
mod secrets;

#[cfg(test)]
pub(crate) use aws::calls::tests::unneeded as unneeded_permissions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use logfleet_contract::authentication::{self, Authentication};
use logfleet_contract::rendered::Place;
use sha2::{Digest as _, Sha256};

use self::fluentd::{FluentdCheck, SchemaError};
use self::kubernetes::{FileKind, KubernetesCheck};
use self::logstash::LogstashCheck;
use self::machines::{MachineFile, MachinesCheck};
use self::secrets::Read;
use crate::fault::{Fault, Faults};
use crate::load::source_file::{FileId, SourceFile};
use crate::load::yaml;
use crate::tree::{RenderedTree, TreePath};

/// Checks the files of clusters, one after the other or side by side.
#[derive(Debug)]
pub struct Checker {
    fluentd: FluentdCheck,
    kubernetes: KubernetesCheck,
    logstash: LogstashCheck,
    machines: MachinesCheck,
    /// The digests of files that were right. Clusters of a fleet share many of them to the byte: objects of
    /// Kubernetes, mappings, scripts; and reading one again costs more than all else here.
    right: Mutex<BTreeSet<(Judged, [u8; 32])>>,
}

/// What a file was right in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Judged {
    /// It is a file of Kubernetes without a secret.
    Kubernetes(FileKind),
    /// It holds no secret, read by this name.
    Secrets(String),
}

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Kubernetes(FileKind),
    Fluentd,
    Logstash,
    Machine(MachineFile),
    /// YAML that nothing more is known of.
    Yaml,
}

fn language(path: &TreePath) -> Option<Language> {
    let path = path.as_str();
    if let Some(file) = MachineFile::of(path) {
        Some(Language::Machine(file))
    } else if path.contains("/logstash/") && path.ends_with(".conf") {
        Some(Language::Logstash)
    } else if is_of_kubernetes(path) && path.ends_with(".yaml") {
        Some(Language::Kubernetes(FileKind::of(path)))
    } else if path.ends_with("/fluent.conf") {
        Some(Language::Fluentd)
    } else if path.ends_with(".yaml") || path.ends_with(".yml") {
        Some(Language::Yaml)
    } else {
        None
    }
}

/// Whether a folder's `.yaml` files are Kubernetes objects: those that run in
/// the cluster, and those of the tool that applies them.
fn is_of_kubernetes(path: &str) -> bool {
    let folders = ["kubernetes/", "gitops/", "reconciler/kubernetes/"];
    let is_settings = path == RECONCILER_SETTINGS;
    folders.iter().any(|folder| path.starts_with(folder)) && !is_settings
}

/// What the reconciler reads, beside the objects that run it.
const RECONCILER_SETTINGS: &str = "reconciler/kubernetes/reconciler.yaml";

/// Whether a file is judged with the others of its cluster for which this
/// holds, and not by itself alone: CloudFormation, beside the settings of the
/// programs that act by its roles.
pub fn is_judged_with_others(path: &str) -> bool {
    aws::is_template(path) || aws::calls::is_configuration(path)
}

impl Checker {
    /// A checker that has seen nothing.
    pub fn new() -> Result<Self, SchemaError> {
        Ok(Self {
            fluentd: FluentdCheck::new()?,
            kubernetes: KubernetesCheck::new(),
            logstash: LogstashCheck::new()?,
            machines: MachinesCheck::new(),
            right: Mutex::default(),
        })
    }

    /// Checks files of a cluster.
    pub fn check<'f>(
        &self,
        cluster: &str,
        files: impl IntoIterator<Item = (&'f TreePath, &'f [u8])>,
    ) -> Result<(), Faults> {
        let mut faults = Faults::new();
        let (mut templates, mut configurations) = (Vec::new(), Vec::new());
        for (path, bytes) in files {
            if let Err(error) = Place::of(path.as_str()) {
                let message = format!("`{}`: {error}", shown_path(cluster, path.as_str()));
                faults.push(Fault::input(message).hint(
                    "below `elasticsearch/<destination>/` a file's path is that of the API; put what isn't sent into another folder",
                ));
            }
            if path.as_str() == authentication::FILE
                && let Err(error) = Authentication::parse(bytes)
            {
                let message = format!("`{}`: {error}", shown_path(cluster, path.as_str()));
                faults.push(Fault::input(message).hint(
                    "the reconciler makes credentials by this file: write it as the built-in template does",
                ));
            }
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            let shown = || shown_path(cluster, path.as_str());
            let value = aws::is_template(path.as_str()).then(|| serde_json::from_str(text));
            if aws::calls::is_configuration(path.as_str()) {
                configurations.push(aws::calls::Configuration {
                    path: path.as_str(),
                    text,
                });
            }
            let language = language(path);
            if !matches!(language, Some(Language::Kubernetes(_))) {
                let judged = Judged::Secrets(secrets::read_as(path.as_str()).to_owned());
                let read = match &value {
                    Some(Ok(value)) => Read::Json(value),
                    _ => Read::Not,
                };
                faults.append(self.unless_right(judged, text, || {
                    secrets::check(path.as_str(), shown, text, read)
                }));
            }
            match value.map(|value| aws::Template::new(path.as_str(), shown(), text, value)) {
                Some(Ok(template)) => templates.push(template),
                Some(Err(fault)) => faults.push(fault),
                None => {}
            }
            let Some(language) = language else {
                continue;
            };
            let Ok(text) = std::str::from_utf8(bytes) else {
                faults.push(Fault::input(format!("`{}` is not UTF-8", shown())));
                continue;
            };
            faults.append(match language {
                Language::Kubernetes(kind) => self.check_kubernetes(kind, shown, text),
                Language::Fluentd => self.fluentd.check(&shown(), text),
                Language::Logstash => self.logstash.check(&shown(), text),
                Language::Machine(file) => self.machines.check(file, &shown(), text),
                Language::Yaml => check_yaml(&shown(), text),
            });
        }
        faults.append(aws::check(cluster, &templates, &configurations));
        faults.into_result(())
    }

    /// What the files of a cluster name among themselves. `plugins` are those in
    /// images, by the path of the configuration that they run, where all are known.
    pub fn check_references(
        &self,
        cluster: &str,
        tree: &RenderedTree,
        plugins: &BTreeMap<String, BTreeSet<String>>,
    ) -> Faults {
        let mut faults = references::check(cluster, tree);
        for (path, bytes) in tree.files() {
            let Some(plugins) = plugins.get(path.as_str()) else {
                continue;
            };
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            let shown = shown_path(cluster, path.as_str());
            faults.append(self.fluentd.check_plugins(&shown, text, plugins));
        }
        faults
    }

    fn check_kubernetes(&self, kind: FileKind, shown: impl Fn() -> String, text: &str) -> Faults {
        self.unless_right(Judged::Kubernetes(kind), text, || {
            let source = SourceFile::new(shown(), text);
            let node = yaml::parse(FileId(0), &source);
            let read = node.as_ref().map_or(Read::Not, Read::Yaml);
            let mut faults = secrets::check("object.yaml", &shown, text, read);
            faults.append(match node {
                Ok(node) => self.kubernetes.check_read(kind, &node, source),
                Err(found) => found,
            });
            faults
        })
    }

    /// Judges a text if no equal one was right before.
    fn unless_right(&self, judged: Judged, text: &str, judge: impl FnOnce() -> Faults) -> Faults {
        // A thread that panicked left the set as it was.
        let right = || self.right.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (judged, Sha256::digest(text).into());
        if right().contains(&key) {
            return Faults::new();
        }
        let faults = judge();
        if faults.is_empty() {
            right().insert(key);
        }
        faults
    }
}

/// Where a person finds the file: a patch is a copy of the cluster's own.
fn shown_path(cluster: &str, path: &str) -> String {
    match path.strip_prefix("kubernetes/patches/") {
        Some(patch) => format!("clusters/{cluster}/kubernetes/{patch}"),
        None => format!("rendered/{cluster}/{path}"),
    }
}

fn check_yaml(shown: &str, text: &str) -> Faults {
    yaml::parse(FileId(0), &SourceFile::new(shown, text))
        .err()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_could_send_is_refused() {
        let checker = Checker::new().expect("schemas");
        let reported = |path: &str| {
            let path = TreePath::new(path).expect("a path");
            let faults = checker.check("alpha", [(&path, b"{}\n".as_slice())]).err();
            let faults = faults.unwrap_or_default().sorted().into_iter();
            faults.map(|fault| fault.message).collect::<Vec<_>>()
        };
        assert_eq!(reported("elasticsearch/main/_data_stream/a.json"), [""; 0]);
        assert_eq!(reported("notes/a.json"), [""; 0]);
        assert_eq!(
            reported("elasticsearch/main/_ingest/pipeline/a.json"),
            [
                "`rendered/alpha/elasticsearch/main/_ingest/pipeline/a.json`: `_ingest/pipeline/a.json` isn't the path of an API object that logfleet knows"
            ]
        );
    }
}
