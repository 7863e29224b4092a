//! The check step: is what was rendered fit to be read by whom it is for?
//! Pure.
//!
//! Templates can be a fleet's own, so nothing that they render is taken on
//! trust: YAML must parse and have no key twice, Kubernetes objects must meet
//! their strict schemas, and Fluentd's configuration must name only plugins
//! and options that exist. `.json` files are canonical already
//! ([`crate::render::json`]).

pub mod kubernetes;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use self::kubernetes::{FileKind, KubernetesCheck};
use crate::fault::{Fault, Faults};
use crate::tree::{RenderedTree, TreePath};

/// Checks files, and remembers those that were right: most clusters of a fleet
/// share most of their files to the byte.
#[derive(Debug, Default)]
pub struct Checker {
    kubernetes: KubernetesCheck,
    right: Mutex<BTreeSet<(Language, Arc<[u8]>)>>,
}

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Language {
    Kubernetes(FileKind),
    Fluentd,
}

fn language(path: &TreePath) -> Option<Language> {
    let path = path.as_str();
    if path.starts_with("kubernetes/") && path.ends_with(".yaml") {
        Some(Language::Kubernetes(FileKind::of(path)))
    } else if path.ends_with("/fluent.conf") {
        Some(Language::Fluentd)
    } else {
        None
    }
}

impl Checker {
    /// A checker that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks every file of a cluster.
    pub fn check(&self, cluster: &str, tree: &RenderedTree) -> Result<(), Faults> {
        let mut faults = Faults::new();
        for (path, bytes) in &tree.0 {
            if let Some(language) = language(path) {
                faults.append(self.check_file(language, cluster, path, bytes));
            }
        }
        faults.into_result(())
    }

    fn check_file(&self, language: Language, cluster: &str, path: &TreePath, bytes: &[u8]) -> Faults {
        let key = (language, Arc::from(bytes));
        // A thread that panicked left the set as it was.
        if self.right.lock().unwrap_or_else(PoisonError::into_inner).contains(&key) {
            return Faults::new();
        }
        let shown = format!("rendered/{cluster}/{path}");
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Fault::input(format!("`{shown}` is not UTF-8")).into();
        };
        let faults = match language {
            Language::Kubernetes(kind) => self.kubernetes.check(kind, &shown, text),
            Language::Fluentd => Faults::new(),
        };
        if faults.is_empty() {
            self.right.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        }
        faults
    }
}
