//! The CA certificates that settings name. Does IO: it reads.
//!
//! Which of them a cluster uses is known when its layers are merged. Read are
//! those that any layer names, so that resolving has them all and reads nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::names::CLUSTERS;
use super::node::{Node, Value};
use super::root::Root;
use crate::fault::Fault;

/// The setting that names one, wherever it is.
const SETTING: &str = "ca_certificate";

/// Certificates by path below `clusters/`: the bytes of the file, or why it
/// can't be used.
#[derive(Clone, Debug, Default)]
pub struct Certificates(BTreeMap<String, Result<Arc<[u8]>, Fault>>);

impl Certificates {
    /// Reads those that these layers name.
    pub(super) fn read<'n>(root: &Root, layers: impl Iterator<Item = &'n Node>) -> Self {
        let mut named = BTreeSet::new();
        layers.for_each(|layer| find_named(layer, &mut named));
        let read = |file: &str| {
            let read = root.read_below(CLUSTERS, file).and_then(check);
            (file.to_owned(), read.map(Arc::from))
        };
        Self(named.into_par_iter().map(read).collect())
    }

    /// A file's bytes. A fault has no place: the caller knows the setting's.
    pub fn get(&self, file: &str) -> Result<&Arc<[u8]>, Fault> {
        self.get_named(file)
            .unwrap_or_else(|| Err(Fault::input(format!("no layer names the file `{file}`"))))
    }

    /// The same, of a file that a layer names.
    pub fn get_named(&self, file: &str) -> Option<Result<&Arc<[u8]>, Fault>> {
        let read = self.0.get(file)?;
        Some(read.as_ref().map_err(Clone::clone))
    }

    /// Whether each of these that `other` has too is the same there.
    pub fn agree_with(&self, other: &Self) -> bool {
        let both = self
            .0
            .iter()
            .filter_map(|(file, read)| Some((read, other.0.get(file)?)));
        both.into_iter().all(|(own, theirs)| own == theirs)
    }

    /// Every file with its bytes, or with why it can't be used.
    pub fn files(&self) -> impl Iterator<Item = (&str, Result<&[u8], &Fault>)> {
        let files = self.0.iter();
        files.map(|(file, read)| (file.as_str(), read.as_deref()))
    }
}

fn find_named<'n>(node: &'n Node, named: &mut BTreeSet<&'n str>) {
    match &node.value {
        Value::Mapping(entries) => {
            for entry in entries {
                match entry.node.as_str() {
                    Some(file) if entry.key == SETTING => _ = named.insert(file),
                    _ => find_named(&entry.node, named),
                }
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| find_named(item, named)),
        _ => {}
    }
}

fn check(bytes: Vec<u8>) -> Result<Vec<u8>, Fault> {
    let text = String::from_utf8_lossy(&bytes);
    if text.contains("PRIVATE KEY-----") {
        return Err(
            Fault::input("this file holds a private key, which must not be in git")
                .hint("take the key out, and replace it wherever it was used: it is known now"),
        );
    }
    if logfleet_contract::conflict::find(&text).is_some() {
        return Err(Fault::input("this file has an unresolved merge conflict").hint(
            "keep the certificates that you want, without the lines that begin with `<<<<<<<`, `=======` and `>>>>>>>`",
        ));
    }
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        return Err(Fault::input("this file holds no PEM certificate")
            .hint("a CA certificate begins with `-----BEGIN CERTIFICATE-----`"));
    }
    match find_damage(&bytes) {
        None => Ok(bytes),
        Some(damage) => Err(Fault::input(format!(
            "a certificate in this file is damaged: {damage}"
        ))
        .hint("copy it again, from `-----BEGIN CERTIFICATE-----` to `-----END CERTIFICATE-----`")),
    }
}

/// What is wrong with the certificates in a PEM file, as far as can be seen
/// without reading them: a damaged one would stop Fluentd at its start.
fn find_damage(bytes: &[u8]) -> Option<String> {
    let sections = match pem::parse_many(bytes) {
        Ok(sections) => sections,
        Err(error) => return Some(error.to_string()),
    };
    let begun = String::from_utf8_lossy(bytes)
        .matches("-----BEGIN CERTIFICATE-----")
        .count();
    let certificates = sections
        .iter()
        .filter(|section| section.tag() == "CERTIFICATE");
    if certificates.clone().count() != begun {
        return Some("one has no end".to_owned());
    }
    let cut_off = |der: &[u8]| der_length(der) != Some(der.len());
    certificates
        .map(pem::Pem::contents)
        .any(cut_off)
        .then(|| "its bytes are cut off".to_owned())
}

/// The bytes that a DER sequence says it has, with its own head: X.690, 8.1.
fn der_length(der: &[u8]) -> Option<usize> {
    match der {
        [0x30, short, ..] if *short < 0x80 => Some(2 + usize::from(*short)),
        [0x30, form @ 0x81..=0x84, rest @ ..] => {
            let digits = rest.get(..usize::from(form - 0x80))?;
            let length = digits
                .iter()
                .fold(0, |length, byte| length * 256 + usize::from(*byte));
            Some(2 + digits.len() + length)
        }
        _ => None,
    }
}
