//! `clusters/<cluster>/acknowledge.yaml`: which risks of a change are meant
//! in that cluster, flag to reason. Does IO: it reads.
//!
//! The file is no input: nothing is rendered from it.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::diff::{EarlierWord, Word, Words, one_line, words_of_trailers};
use crate::fault::{Fault, Faults, Place};
use crate::layers::input_schema::{InputKind, input_schema};
use crate::layers::literals::refuse_secret_literals;
use crate::layers::schema::SchemaCheck;
use crate::load::files::LoadedFleet;
use crate::load::names::CLUSTERS;
use crate::load::node::Node;
use crate::load::root::Root;
use crate::load::source_file::{FileId, SourceFile, Sources};
use crate::load::trailers::Trailers;
use crate::load::yaml;
use crate::settings::Flag;

/// An entry of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    flag: Flag,
    reason: String,
    place: Place,
}

/// The entries of the clusters that have a file.
type Entries = BTreeMap<String, Vec<Entry>>;

/// Reads the files of the clusters that were loaded. One with a fault has no entries.
pub(super) fn read(root: &Root, loaded: &LoadedFleet) -> (Entries, Faults) {
    let mut faults = Faults::new();
    let looked_for: Vec<(&String, bool, bool)> = loaded
        .clusters
        .par_iter()
        .map(|(name, _)| {
            let path = path_of(name);
            let misnamed = format!("{}.yml", path.trim_end_matches(".yaml"));
            (name, root.exists(&path), root.exists(&misnamed))
        })
        .collect();
    for (name, _, _) in looked_for.iter().filter(|(_, _, misnamed)| *misnamed) {
        let path = path_of(name);
        let misnamed = format!("{}.yml", path.trim_end_matches(".yaml"));
        let fault = Fault::input(format!("`{misnamed}` is not read"));
        faults.push(fault.hint(format!("rename it to `{path}`")));
    }
    let mut there = looked_for.iter().filter(|(_, there, _)| *there).peekable();
    if there.peek().is_none() {
        return (Entries::new(), faults);
    }
    let schema = match SchemaCheck::new(input_schema(InputKind::Acknowledge)) {
        Ok(schema) => schema.calling_keys("danger flag"),
        Err(error) => {
            faults.push(Fault::input(format!("the input's schema: {error}")));
            return (Entries::new(), faults);
        }
    };
    let mut entries = Entries::new();
    for (name, _, _) in there {
        match read_one(root, &path_of(name), &schema) {
            Ok(found) => {
                entries.insert((*name).clone(), found);
            }
            Err(more) => faults.append(more),
        }
    }
    (entries, faults)
}

fn path_of(cluster: &str) -> String {
    format!("{CLUSTERS}/{cluster}/acknowledge.yaml")
}

/// A file as it was parsed; alone in its sources.
fn parse(root: &Root, path: &str) -> Result<(Node, Sources), Faults> {
    let source = SourceFile::from_bytes(path, root.read(path)?)?;
    let node = yaml::parse(FileId(0), &source).map_err(|faults| faults.map(in_no_layer))?;
    let mut sources = Sources::default();
    sources.push(source);
    Ok((node, sources))
}

/// A fault without the hint that only holds where layers are merged.
fn in_no_layer(mut fault: Fault) -> Fault {
    for hint in &mut fault.hints {
        if hint == yaml::NO_VALUE_HINT {
            "write why it is meant".clone_into(hint);
        }
    }
    fault
}

fn read_one(root: &Root, path: &str, schema: &SchemaCheck) -> Result<Vec<Entry>, Faults> {
    let (node, sources) = parse(root, path)?;
    // Comments alone acknowledge nothing.
    if node.is_null() {
        return Ok(Vec::new());
    }
    let mut faults = schema.check(&node, &sources);
    refuse_secret_literals(&mut faults, &node, &sources);
    let written = node.entries().unwrap_or_default().iter();
    let entries = written.filter_map(|entry| {
        Some(Entry {
            flag: Flag::of_id(&entry.key)?,
            reason: one_line(entry.node.as_str()?),
            place: sources.place(entry.key_span),
        })
    });
    let entries = entries.collect();
    faults.into_result(entries)
}

/// What the base's file says: flag to reason; nothing if it can't be known.
/// What another release of gen took for a flag is no matter here.
fn reasons_at(base: &Root, cluster: &str) -> Option<BTreeMap<String, String>> {
    let path = path_of(cluster);
    if !base.exists(&path) {
        return Some(BTreeMap::new());
    }
    let (node, _) = parse(base, &path).ok()?;
    if node.is_null() {
        return Some(BTreeMap::new());
    }
    let reasons = node.entries()?.iter().map(|entry| {
        let reason = entry.node.as_str()?;
        Some((entry.key.clone(), one_line(reason)))
    });
    reasons.collect()
}

/// What is said of the risks of a change: in the files of the head's clusters
/// first, and in the messages of its commits, which may name any known cluster.
pub(super) fn gather(
    base: &Root,
    (entries, known): (Entries, &BTreeSet<String>),
    trailers: Trailers,
) -> Words {
    let mut words = Words {
        faults: trailers.faults,
        ..Words::default()
    };
    for (cluster, entries) in entries {
        let Some(before) = reasons_at(base, &cluster) else {
            let path = path_of(&cluster);
            let fault = format!(
                "`{path}` can't be read at the base, so it isn't known what is new in it: it acknowledges nothing"
            );
            words
                .faults
                .push(Fault::input(fault).hint("acknowledge by a commit's message instead"));
            continue;
        };
        for entry in entries {
            if before.get(entry.flag.id()) == Some(&entry.reason) {
                words.earlier.push(EarlierWord {
                    flag: entry.flag,
                    cluster: cluster.clone(),
                    place: entry.place,
                });
            } else {
                let word = Word::of_entry(entry.flag, &cluster, &entry.place, &entry.reason);
                words.given.push(word);
            }
        }
    }
    let (more, unknown) = words_of_trailers(&trailers.found, known);
    words.given.extend(more);
    words.faults.append(unknown);
    words
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::load::files::{self, Selection};
    use crate::load::trailers::Trailer;

    fn fleet(files: &[(&str, &str)]) -> (TempDir, Root) {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = folder.path().join("clusters").join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        let root = Root::folder(folder.path()).expect("a folder");
        (folder, root)
    }

    fn loaded(root: &Root) -> LoadedFleet {
        let (loaded, faults) = files::load(root, Selection::All);
        assert!(faults.is_empty(), "{faults:?}");
        loaded
    }

    /// What counts, what doesn't, and how much is wrong.
    fn gathered(base: &str, head: &str) -> (Vec<String>, usize, usize) {
        let (_base, base) = fleet(&[("x/cluster.yaml", ""), ("x/acknowledge.yaml", base)]);
        let (_head, head) = fleet(&[("x/cluster.yaml", ""), ("x/acknowledge.yaml", head)]);
        let (entries, faults) = read(&head, &loaded(&head));
        assert!(faults.is_empty(), "{faults:?}");
        let words = gather(&base, (entries, &BTreeSet::new()), Trailers::default());
        let given = words.given.into_iter();
        let given = given.map(|word| word.by.reason.unwrap_or_default());
        (
            given.collect(),
            words.earlier.len(),
            words.faults.sorted().len(),
        )
    }

    #[test]
    fn only_an_entry_that_is_new_or_another_one_counts() {
        let entry = "cluster-removed: agreed, OPS-17\n";
        let given = vec!["agreed, OPS-17".to_owned()];
        assert_eq!(gathered("", entry), (given.clone(), 0, 0));
        assert_eq!(
            gathered("cluster-removed: before\n", entry),
            (given.clone(), 0, 0)
        );
        assert_eq!(gathered(entry, entry), (vec![], 1, 0));
        // Another layout or another comment is no other reason.
        let again = "# agreed again\ncluster-removed: >\n  agreed,\n  OPS-17\n";
        assert_eq!(gathered(entry, again), (vec![], 1, 0));
        // What the base holds beside it may be of another release.
        assert_eq!(gathered("another-flag: x\n", entry), (given, 0, 0));
        assert_eq!(gathered(entry, "# none\n"), (vec![], 0, 0));
    }

    #[test]
    fn where_the_base_is_unknown_nothing_counts() {
        let entry = "cluster-removed: agreed\n";
        assert_eq!(gathered("a: b: c\n", entry), (vec![], 0, 1));
        assert_eq!(
            gathered("cluster-removed: [agreed]\n", entry),
            (vec![], 0, 1)
        );
    }

    #[test]
    fn files_go_before_messages() {
        let (_base, base) = fleet(&[("gone/cluster.yaml", "")]);
        let (_head, head) = fleet(&[
            ("x/cluster.yaml", ""),
            ("x/acknowledge.yaml", "cluster-removed: by file\n"),
        ]);
        let trailers = Trailers {
            found: vec![Trailer {
                commit: "1f0c9a52".to_owned(),
                value: "cluster-removed in x, gone, _fleet: by message".to_owned(),
            }],
            faults: Faults::new(),
        };
        let (entries, faults) = read(&head, &loaded(&head));
        assert!(faults.is_empty(), "{faults:?}");
        let known = ["gone", "x", "_fleet"].map(str::to_owned).into();
        let words = gather(&base, (entries, &known), trailers);
        assert!(words.faults.is_empty(), "{words:?}");
        let places = words.given.iter().map(|word| word.by.place.as_str());
        assert_eq!(
            places.collect::<Vec<_>>(),
            ["clusters/x/acknowledge.yaml:1", "commit 1f0c9a52"]
        );
    }

    #[test]
    fn a_file_under_another_name_is_reported() {
        let (_folder, root) = fleet(&[
            ("x/cluster.yaml", ""),
            ("x/acknowledge.yml", "cluster-removed: x\n"),
            ("y/cluster.yaml", ""),
        ]);
        let (entries, faults) = read(&root, &loaded(&root));
        assert!(entries.is_empty());
        let faults = faults.sorted();
        assert_eq!(
            faults[0].message,
            "`clusters/x/acknowledge.yml` is not read"
        );
    }
}
