//! What the messages of a change's commits say in trailers. Does IO: it reads
//! the repository.
//!
//! A trailer stands in the last paragraph of a message, as
//! `git interpret-trailers` reads it (<https://git-scm.com/docs/git-interpret-trailers>).

use git2::{Oid, Repository, Sort};

use super::commit::short_id;
use crate::fault::{Fault, Faults};

/// The trailer that acknowledges a risk. Git doesn't tell upper from lower case in it.
pub const ACKNOWLEDGE: &str = "Acknowledge-Danger";

/// Commits whose messages are read. A change of more has to be reported in files.
const MAX_COMMITS: usize = 10_000;

/// One [`ACKNOWLEDGE`] of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// The commit, as it is shown.
    pub commit: String,
    /// What stands after the colon.
    pub value: String,
}

/// All of a change, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trailers {
    /// Those that were found.
    pub found: Vec<Trailer>,
    /// What could not be read.
    pub faults: Faults,
}

impl Trailers {
    /// Reads those of the commits that `head` has and `base` hasn't.
    pub fn read(repository: &Repository, base: Oid, head: Oid) -> Self {
        Self::read_some(repository, base, head, MAX_COMMITS)
    }

    fn read_some(repository: &Repository, base: Oid, head: Oid, most: usize) -> Self {
        let mut trailers = Self::default();
        if let Err(error) = trailers.walk(repository, base, head, most) {
            let fault = Fault::input(format!(
                "not every commit of this change could be read for `{ACKNOWLEDGE}`: {}",
                error.message()
            ));
            trailers.faults.push(fault);
        }
        trailers
    }

    fn walk(
        &mut self,
        repository: &Repository,
        base: Oid,
        head: Oid,
        most: usize,
    ) -> Result<(), git2::Error> {
        let mut walk = repository.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL)?;
        walk.push(head)?;
        walk.hide(base)?;
        for (number, id) in walk.enumerate() {
            if number == most {
                let fault = Fault::input(format!(
                    "this change has more than {most} commits: only the newest were read for `{ACKNOWLEDGE}`"
                ));
                self.faults.push(fault);
                break;
            }
            let id = id?;
            let commit = repository.find_commit(id)?;
            self.read_message(&short_id(id), commit.message_bytes());
        }
        Ok(())
    }

    fn read_message(&mut self, commit: &str, message: &[u8]) {
        // Most messages have none, and needn't be taken apart.
        let written = count_written(message);
        if written == 0 && !is_like_written(message) {
            return;
        }
        let before = self.found.len();
        // A message may be in any encoding; names and ids are ASCII in all that git knows.
        let text = String::from_utf8_lossy(message).replace('\0', " ");
        if let Ok(trailers) = git2::message_trailers_bytes(text) {
            for (key, value) in trailers.iter() {
                self.read_trailer(commit, key.trim_ascii(), value);
            }
        }
        if self.found.len() - before < written {
            let fault = Fault::input(format!(
                "commit {commit}: an `{ACKNOWLEDGE}` is no trailer, and acknowledges nothing"
            ))
            .hint("trailers are the last paragraph of a message, with an empty line before it and nothing else in it");
            self.faults.push(fault);
        }
    }

    fn read_trailer(&mut self, commit: &str, key: &[u8], value: &[u8]) {
        if key.eq_ignore_ascii_case(ACKNOWLEDGE.as_bytes()) {
            self.found.push(Trailer {
                commit: commit.to_owned(),
                value: String::from_utf8_lossy(value).into_owned(),
            });
        } else if let Some(key) = slip(key) {
            let fault = Fault::input(format!(
                "commit {commit}: the trailer `{key}` acknowledges nothing"
            ))
            .hint(format!("did you mean `{ACKNOWLEDGE}`?"));
            self.faults.push(fault);
        }
    }
}

/// The letters that a slip of the pen may differ by.
const MOST_SLIPS: usize = 4;

/// The key of a trailer, if it is nearly [`ACKNOWLEDGE`].
fn slip(key: &[u8]) -> Option<&str> {
    let key = std::str::from_utf8(key).ok()?;
    // A longer one is something else, and would take long to compare.
    let is_near = key.len() <= ACKNOWLEDGE.len() + MOST_SLIPS
        && strsim::damerau_levenshtein(
            &key.to_ascii_lowercase(),
            &ACKNOWLEDGE.to_ascii_lowercase(),
        ) <= MOST_SLIPS;
    let is_shown = key
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_near && is_shown).then_some(key)
}

/// Whether a line of a message may be a slip of the trailer.
fn is_like_written(message: &[u8]) -> bool {
    let mut lines = message.split(|byte| *byte == b'\n');
    lines.any(|line| {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        match (parts.next(), parts.next()) {
            (Some(key), Some(_)) => slip(key.trim_ascii()).is_some(),
            _ => false,
        }
    })
}

/// How many lines begin as the trailer does.
fn count_written(message: &[u8]) -> usize {
    let begins = |line: &&[u8]| {
        let key = line.get(..ACKNOWLEDGE.len());
        let rest = line.get(ACKNOWLEDGE.len()..).unwrap_or_default();
        key.is_some_and(|key| key.eq_ignore_ascii_case(ACKNOWLEDGE.as_bytes()))
            && rest.trim_ascii_start().starts_with(b":")
    };
    message.split(|byte| *byte == b'\n').filter(begins).count()
}

#[cfg(test)]
mod tests {
    use git2::{Signature, Time};

    use super::*;

    /// A repository of empty commits that say whose they are.
    struct Commits {
        repository: Repository,
        _folder: tempfile::TempDir,
    }

    impl Commits {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            Self {
                repository: Repository::init(folder.path()).expect("a repository"),
                _folder: folder,
            }
        }

        fn add(&self, name: &str, parents: &[Oid]) -> Oid {
            let author = Signature::new("Tester", "tester@example.com", &Time::new(1, 0));
            let author = author.expect("a name");
            let tree = self.repository.treebuilder(None).expect("a tree");
            let tree = tree.write().expect("written");
            let tree = self.repository.find_tree(tree).expect("the tree");
            let find = |id: &Oid| self.repository.find_commit(*id).expect("a commit");
            let parents: Vec<_> = parents.iter().map(find).collect();
            let parents: Vec<_> = parents.iter().collect();
            let message = format!("{name}\n\nAcknowledge-Danger: {name}\n");
            self.repository
                .commit(None, &author, &author, &message, &tree, &parents)
                .expect("a commit")
        }

        fn read(&self, base: Oid, head: Oid, most: usize) -> (Vec<String>, Vec<String>) {
            let trailers = Trailers::read_some(&self.repository, base, head, most);
            let mut names: Vec<String> = trailers.found.into_iter().map(|one| one.value).collect();
            names.sort();
            let faults = trailers.faults.sorted().into_iter();
            (names, faults.map(|fault| fault.message).collect())
        }
    }

    #[test]
    fn reads_what_the_head_has_and_the_base_has_not() {
        let commits = Commits::new();
        let first = commits.add("first", &[]);
        let main = commits.add("main", &[first]);
        let one = commits.add("one", &[first]);
        let side = commits.add("side", &[first]);
        let merge = commits.add("merge", &[one, side]);
        let all = ["merge", "one", "side"];
        assert_eq!(
            commits.read(main, merge, 10),
            (all.iter().map(ToString::to_string).collect(), vec![])
        );
        assert_eq!(commits.read(merge, merge, 10), (vec![], vec![]));
        assert_eq!(commits.read(merge, one, 10), (vec![], vec![]));
        // Merged in both directions: what the base has is of another change.
        let base = commits.add("base", &[main, one]);
        let head = commits.add("head", &[one, main]);
        assert_eq!(commits.read(base, head, 10).0, ["head"]);
    }

    #[test]
    fn reads_so_many_commits_and_says_so() {
        let commits = Commits::new();
        let first = commits.add("first", &[]);
        let second = commits.add("second", &[first]);
        let third = commits.add("third", &[second]);
        let (names, faults) = commits.read(first, third, 1);
        assert_eq!(names, ["third"]);
        assert_eq!(faults.len(), 1);
        assert!(faults[0].contains("more than 1 commits"), "{faults:?}");
        assert_eq!(
            commits.read(first, third, 2),
            (vec!["second".into(), "third".into()], vec![])
        );
    }

    #[test]
    fn what_cannot_be_read_is_reported() {
        let commits = Commits::new();
        let first = commits.add("first", &[]);
        let nowhere = Oid::from_str("1111111111111111111111111111111111111111").expect("an id");
        let (names, faults) = commits.read(first, nowhere, 10);
        assert_eq!((names.len(), faults.len()), (0, 1));
    }

    fn values(message: &[u8]) -> (Vec<String>, usize) {
        let mut trailers = Trailers::default();
        trailers.read_message("1f0c9a52", message);
        let values = trailers.found.into_iter().map(|trailer| trailer.value);
        (values.collect(), trailers.faults.sorted().len())
    }

    #[test]
    fn reads_trailers_as_git_does() {
        let message = b"Remove alpha\n\nIt is gone.\n\nacknowledge-DANGER: cluster-removed: a\nSigned-off-by: A <a@example.com>\nAcknowledge-Danger: two:\n  lines\n";
        let (found, faults) = values(message);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], "cluster-removed: a");
        assert_eq!(
            found[1].split_whitespace().collect::<Vec<_>>(),
            ["two:", "lines"]
        );
        assert_eq!(faults, 0);
    }

    #[test]
    fn tells_of_one_that_is_no_trailer() {
        let body = b"Remove alpha\n\nAcknowledge-Danger: cluster-removed\n\nIt is gone.\n";
        assert_eq!(values(body), (vec![], 1));
        let title = b"Acknowledge-Danger: cluster-removed\n";
        assert_eq!(values(title), (vec![], 1));
        let mentioned =
            b"Write of it\n\nAn `Acknowledge-Danger: x` is read, and\n  Acknowledge-Danger: too\n";
        assert_eq!(values(mentioned), (vec![], 0));
    }

    #[test]
    fn tells_of_a_key_that_is_nearly_right() {
        for key in [
            "Acknowledge-Dangers",
            "Acknowledged-Danger",
            "acknowlege-danger",
            "Acknowledge_Danger",
            "Acknowledges-Dangers",
        ] {
            let message = format!("Remove alpha\n\n{key}: cluster-removed\n");
            let faults = usize::from(!key.contains('_'));
            assert_eq!(values(message.as_bytes()), (vec![], faults), "{key}");
        }
        for key in ["Acked-by", "Acknowledgement", "Signed-off-by", "Danger"] {
            let message = format!("Remove alpha\n\n{key}: cluster-removed\n");
            assert_eq!(values(message.as_bytes()), (vec![], 0), "{key}");
        }
    }

    #[test]
    fn hostile_messages_do_no_harm() {
        assert_eq!(values(b""), (vec![], 0));
        let latin = b"Caf\xe9\n\nAcknowledge-Danger: cluster-removed: caf\xe9 \x1b[2J\n";
        let (found, faults) = values(latin);
        assert_eq!((found.len(), faults), (1, 0));
        let nul = b"x\n\nAcknowledge-Danger: a\0b\n";
        assert_eq!(values(nul), (vec!["a b".to_owned()], 0));
        let mut large = b"x\n\n".to_vec();
        large.extend(b"line of many words\n".repeat(60_000));
        large.extend(b"\nAcknowledge-Danger: ");
        large.extend(vec![b'a'; 1 << 20]);
        let (found, faults) = values(&large);
        assert_eq!((found.len(), faults), (1, 0));
        let many = [b"x\n\n".to_vec(), b"Acknowledge-Danger: a\n".repeat(50_000)].concat();
        assert_eq!(values(&many).0.len(), 50_000);
    }
}
