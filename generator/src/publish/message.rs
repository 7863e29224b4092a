//! The message of a commit that publishes. Pure.

use std::fmt::Write as _;

use super::checkout::short;
use super::folder::ClusterChanges;

/// The trailer that names the commit which was published.
pub(super) const SOURCE_TRAILER: &str = "Logfleet-Source";
/// The trailer that names the folder it was published to.
pub(super) const PATH_TRAILER: &str = "Logfleet-Path";
/// How many clusters of a kind are listed.
const LISTED: usize = 20;

/// The message: the source commit, and the clusters.
///
/// The source's own message stays out: words like "Closes #5" would act once
/// more, and in another repository.
pub(super) fn message(commit: &str, path: &str, clusters: &ClusterChanges) -> String {
    let mut text = format!("Publish what {} renders to\n\n", short(commit));
    for (names, what) in [
        (&clusters.added, "added"),
        (&clusters.changed, "changed"),
        (&clusters.removed, "removed"),
    ] {
        if names.is_empty() {
            continue;
        }
        let plural = if names.len() == 1 { "" } else { "s" };
        // Writing to a text can't fail.
        let _ = writeln!(text, "{} folder{plural} {what}:", names.len());
        for name in names.iter().take(LISTED) {
            let _ = writeln!(text, "- {name}");
        }
        if let Some(more @ 1..) = names.len().checked_sub(LISTED) {
            let _ = writeln!(text, "- and {more} more");
        }
        text.push('\n');
    }
    let _ = writeln!(text, "{SOURCE_TRAILER}: {commit}");
    let _ = writeln!(text, "{PATH_TRAILER}: {path}");
    text
}

/// The source commit that a message names, if it was published to `path`.
pub(super) fn source_of<'m>(message: &'m str, path: &str) -> Option<&'m str> {
    let value = |trailer: &str| {
        let mut lines = message.lines().rev();
        lines.find_map(|line| line.strip_prefix(trailer)?.strip_prefix(": "))
    };
    value(SOURCE_TRAILER).filter(|_| value(PATH_TRAILER) == Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn a_message_names_the_commit_and_the_clusters() {
        let clusters = ClusterChanges {
            added: vec!["a".to_owned()],
            changed: (0..22).map(|number| format!("c{number:02}")).collect(),
            removed: Vec::new(),
        };
        let text = message(COMMIT, "rendered", &clusters);
        assert!(text.starts_with("Publish what 0123456789ab renders to\n\n1 folder added:\n- a\n\n22 folders changed:\n- c00\n"), "{text}");
        assert!(text.ends_with("- c19\n- and 2 more\n\nLogfleet-Source: 0123456789abcdef0123456789abcdef01234567\nLogfleet-Path: rendered\n"), "{text}");
        assert_eq!(source_of(&text, "rendered"), Some(COMMIT));
        assert_eq!(source_of(&text, "other"), None);
        assert_eq!(
            source_of("Fix\n\nLogfleet-Source of nothing\n", "rendered"),
            None
        );
    }

    #[test]
    fn its_length_does_not_grow_with_the_fleet() {
        let names: Vec<String> = (0..3000).map(|number| format!("{number:0>100}")).collect();
        let clusters = ClusterChanges {
            added: names.clone(),
            changed: names.clone(),
            removed: names,
        };
        assert!(message(COMMIT, "rendered", &clusters).len() < 8192);
    }
}
