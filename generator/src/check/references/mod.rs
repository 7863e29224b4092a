//! References from one rendered file of a cluster to another: does what is named
//! exist? Pure.
//!
//! The built-in templates name only what they render, which a test sees. A
//! fleet's own template, or a cluster's own patch, may not: kustomize then refuses
//! the whole cluster, and a server takes a policy that is never attached.

mod authentication;
mod indices;
mod kustomize;
mod log_groups;
#[cfg(test)]
mod tests;

use super::shown_path;
use crate::fault::{Fault, Faults};
use crate::load::node::Node;
use crate::load::source_file::{FileId, SourceFile};
use crate::load::yaml;
use crate::tree::RenderedTree;

/// Checks all files of a cluster together.
pub(super) fn check(cluster: &str, tree: &RenderedTree) -> Faults {
    let mut files = Files {
        cluster,
        tree,
        faults: Faults::new(),
    };
    authentication::check(&mut files);
    kustomize::check(&mut files);
    indices::check(&mut files);
    log_groups::check(&mut files);
    files.faults
}

/// The files of a cluster, and what was found wrong.
struct Files<'t> {
    cluster: &'t str,
    tree: &'t RenderedTree,
    faults: Faults,
}

impl<'t> Files<'t> {
    fn text(&self, path: &str) -> Option<&'t str> {
        let mut files = self.tree.files();
        let (_, bytes) = files.find(|(own, _)| own.as_str() == path)?;
        std::str::from_utf8(bytes).ok()
    }

    fn has(&self, path: &str) -> bool {
        self.tree.files().any(|(own, _)| own.as_str() == path)
    }

    /// Reads a file of YAML; what is wrong with it is reported elsewhere.
    fn yaml(&self, path: &str) -> Option<Node> {
        let source = SourceFile::new(path, self.text(path)?);
        yaml::parse(FileId(0), &source).ok()
    }

    /// Tells a fault of a file, at the bytes of a part of it.
    fn tell(&mut self, path: &str, at: (usize, usize), message: String, hint: String) {
        let text = self.text(path).unwrap_or_default();
        let source = SourceFile::new(shown_path(self.cluster, path), text);
        let fault = Fault::input(message).at(source.place(at.0, at.1));
        self.faults.push(fault.hint(hint));
    }

    fn tell_node(&mut self, path: &str, node: &Node, message: String, hint: String) {
        let span = (node.span.start as usize, node.span.end as usize);
        self.tell(path, span, message, hint);
    }

    /// Tells a fault where a text stands in a file.
    fn tell_text(&mut self, path: &str, text: &str, message: String, hint: String) {
        let quoted = format!("\"{text}\"");
        let at = self.text(path).and_then(|own| own.find(&quoted));
        let span = at.map_or((0, 0), |at| (at, at + quoted.len()));
        self.tell(path, span, message, hint);
    }
}
