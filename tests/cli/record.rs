//! Does a render that recalls the last one end as one that looks at everything?

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use assert_cmd::Command;
use tempfile::TempDir;

use crate::fleet::{Run, TestFleet};

/// A fleet, and the user's cache folder.
struct Recorded {
    fleet: TestFleet,
    cache: TempDir,
}

impl Recorded {
    /// A fleet that was rendered, so that there is a record.
    fn new() -> Self {
        let recorded = Self {
            fleet: TestFleet::base(),
            cache: tempfile::tempdir().expect("a folder"),
        };
        let run = recorded.render(&[]);
        assert_eq!(run.code, 0, "{run}");
        assert_eq!(recorded.records().len(), 1);
        recorded
    }

    fn command(&self) -> Command {
        let mut command = self.fleet.command();
        command.env("XDG_CACHE_HOME", self.cache.path());
        command
    }

    fn render(&self, arguments: &[&str]) -> Run {
        let mut command = self.command();
        self.fleet
            .run(command.args(["render", "--timings"]).args(arguments))
    }

    /// The files of records.
    fn records(&self) -> Vec<std::path::PathBuf> {
        let Ok(entries) = fs::read_dir(self.cache.path().join("logfleet/records")) else {
            return Vec::new();
        };
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect()
    }

    /// Renders and compares with the same fleet that is rendered without record.
    fn is_as_if_alone(&self, what: &str) {
        let run = self.render(&[]);
        assert_eq!(run.code, 0, "{what}: {run}");
        let alone = TestFleet::empty();
        for folder in ["clusters", "templates"] {
            if self.fleet.has(folder) {
                copy(&self.fleet, &alone, folder);
            }
        }
        let plain = alone.call(&["render"]);
        assert_eq!(plain.code, 0, "{what}: {plain}");
        assert!(self.fleet.outputs() == alone.outputs(), "{what}: {run}");
    }
}

fn copy(from: &TestFleet, to: &TestFleet, folder: &str) {
    let entries = crate::fleet::entries(&from.root().join(folder));
    for (path, entry) in entries {
        if let crate::fleet::Entry::File { bytes, .. } = entry {
            to.write(&format!("{folder}/{path}"), bytes);
        }
    }
}

/// Whether any cluster was rendered: each is checked then, if only for nothing.
fn rendered(run: &Run) -> bool {
    let line = run.err.lines().last().unwrap_or_default();
    assert!(line.contains("load "), "{run}");
    line.contains("check ")
}

#[test]
fn nothing_is_rendered_where_nothing_changed() {
    let recorded = Recorded::new();
    let before = recorded.fleet.entries();
    let again = recorded.render(&[]);
    assert!(!rendered(&again), "{again}");
    let plain = recorded.render(&["--no-record"]);
    assert!(rendered(&plain), "{plain}");
    assert_eq!((again.code, &again.out), (0, &plain.out));
    assert!(recorded.fleet.entries() == before);
    // Of some clusters, and to check, everything is looked at.
    assert!(rendered(&recorded.render(&["alpha"])));
    assert!(rendered(&recorded.render(&["--check"])));
}

#[test]
fn every_input_counts() {
    let recorded = Recorded::new();
    let certificate = recorded.fleet.text("clusters/certificates/main.pem");
    let changes: [(&str, &str, String); 7] = [
        (
            "a cluster",
            "clusters/alpha/cluster.yaml",
            recorded.fleet.text("clusters/alpha/cluster.yaml") + "fluentd: { log_level: debug }\n",
        ),
        (
            "an environment",
            "clusters/environments/production.yaml",
            "stream_defaults: { shards: 2 }\n".to_owned(),
        ),
        (
            "the fleet",
            "clusters/fleet.yaml",
            recorded.fleet.text("clusters/fleet.yaml") + "stream_defaults: { retention_days: 3 }\n",
        ),
        (
            "a certificate",
            "clusters/certificates/main.pem",
            certificate.repeat(2),
        ),
        (
            "a patch",
            "clusters/alpha/kubernetes/patch.yaml",
            "apiVersion: v1\nkind: Namespace\nmetadata: { name: logging }\n".to_owned(),
        ),
        (
            "a template",
            "templates/extra.txt",
            "{{ cluster.name }}\n".to_owned(),
        ),
        (
            "a changed template",
            "templates/extra.txt",
            "{{ cluster.slug }}\n".to_owned(),
        ),
    ];
    for (what, path, text) in changes {
        let before = recorded.fleet.outputs();
        recorded.fleet.write(path, text);
        recorded.is_as_if_alone(what);
        assert!(recorded.fleet.outputs() != before, "{what} changes nothing");
        assert!(!rendered(&recorded.render(&[])), "{what}");
    }
    recorded.fleet.remove("clusters/beta.example.com");
    recorded.is_as_if_alone("a cluster that left");
    recorded.fleet.remove("templates");
    recorded.is_as_if_alone("templates that went");
}

#[test]
fn only_changed_clusters_are_rendered() {
    let recorded = Recorded::new();
    recorded
        .fleet
        .write("templates/extra.txt", "{{ cluster.name }}\n");
    recorded.is_as_if_alone("a template");
    // What beta renders to is known; what clusters have together isn't.
    let namespace = "name: alpha\nindex: { namespace: beta_example_com }\n";
    let text = recorded.fleet.text("clusters/alpha/cluster.yaml");
    recorded.fleet.write(
        "clusters/alpha/cluster.yaml",
        text.replace("name: alpha\n", namespace),
    );
    let run = recorded.render(&[]);
    assert_eq!(run.code, 1, "{run}");
    assert!(
        run.err.contains("would write into the same data streams"),
        "{run}"
    );
    recorded.fleet.write("clusters/alpha/cluster.yaml", text);
    assert!(!rendered(&recorded.render(&[])), "the record is still true");
}

#[test]
fn what_is_on_disk_is_read_each_time() {
    let recorded = Recorded::new();
    let outputs = recorded.fleet.outputs();
    let path = "alpha/kubernetes/namespace.yaml";
    let file = format!("rendered/{path}");
    let dates = fs::metadata(recorded.fleet.root().join(&file)).expect("there");
    // Of the same length, and with the same date.
    let mut edited = outputs[path].clone();
    edited[0] ^= 1;
    recorded.fleet.write(&file, &edited);
    let handle = fs::File::options()
        .write(true)
        .open(recorded.fleet.root().join(&file));
    handle
        .and_then(|file| file.set_modified(dates.modified()?))
        .expect("dated");
    let run = recorded.render(&[]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.err.contains("was edited by hand"), "{run}");
    assert_eq!(recorded.fleet.read(&file), edited);
    recorded.fleet.remove(&file);
    recorded.is_as_if_alone("a file that was missing");
    recorded.fleet.remove("rendered/alpha/.logfleet.json");
    recorded.is_as_if_alone("an ownership file that was missing");
    recorded.fleet.append("rendered/alpha/.logfleet.json", "\n");
    recorded.is_as_if_alone("an ownership file with other text");
    recorded.fleet.remove("rendered");
    recorded.is_as_if_alone("nothing there");
    recorded.fleet.write("rendered/gone/.logfleet.json", "{}");
    recorded.fleet.write("rendered/alpha/notes.md", "mine");
    let run = recorded.render(&[]);
    assert_eq!(run.code, 1, "a folder is still looked at: {run}");
    recorded.fleet.remove("rendered/gone");
    assert!(!rendered(&recorded.render(&[])));
    assert!(recorded.fleet.has("rendered/alpha/notes.md"));
}

/// An ownership file that lists an older digest than the file has: once such a
/// state was found unchanged, the older file was, too.
#[test]
fn digests_are_of_what_was_rendered_not_of_what_is_listed() {
    let recorded = Recorded::new();
    let paths = [
        "rendered/alpha/kubernetes/namespace.yaml",
        "rendered/alpha/.logfleet.json",
    ];
    let [old_file, old_list] = paths.map(|path| recorded.fleet.read(path));
    recorded
        .fleet
        .append("clusters/fleet.yaml", "kubernetes: { namespace: other }\n");
    recorded.is_as_if_alone("changed");
    // As after a merge by hand.
    recorded.fleet.write(paths[1], &old_list);
    recorded.render(&["--force"]);
    recorded.fleet.write(paths[0], old_file);
    recorded.fleet.write(paths[1], old_list);
    let run = recorded.render(&["--force"]);
    assert!(rendered(&run), "{run}");
    recorded.is_as_if_alone("the older file");
}

#[test]
fn two_checkouts_have_a_record_each() {
    let recorded = Recorded::new();
    let other = TestFleet::empty();
    for folder in ["clusters", "rendered"] {
        copy(&recorded.fleet, &other, folder);
    }
    other.append("clusters/fleet.yaml", "kubernetes: { namespace: other }\n");
    let other = Recorded {
        fleet: other,
        cache: recorded.cache,
    };
    other.is_as_if_alone("the other checkout");
    let recorded = Recorded {
        fleet: recorded.fleet,
        cache: other.cache,
    };
    assert_eq!(recorded.records().len(), 2);
    assert!(!rendered(&recorded.render(&[])));
    recorded.is_as_if_alone("the first checkout");
}

#[test]
fn another_program_knows_nothing() {
    let recorded = Recorded::new();
    let program = recorded.cache.path().join("gen");
    let mut bytes = fs::read(env!("CARGO_BIN_EXE_gen")).expect("a program");
    // A release that differs, though it says nothing of it.
    bytes.push(0);
    fs::write(&program, bytes).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("executable");
    let run = || {
        let mut command = Command::new(&program);
        command
            .env_clear()
            .env("XDG_CACHE_HOME", recorded.cache.path())
            .current_dir(recorded.fleet.root());
        recorded.fleet.run(command.args(["render", "--timings"]))
    };
    assert!(rendered(&run()));
    assert!(!rendered(&run()));
    assert!(rendered(&recorded.render(&[])), "back to the first one");
}

#[test]
fn a_damaged_record_or_no_cache_is_no_fault() {
    let recorded = Recorded::new();
    let record = recorded.records().remove(0);
    for damaged in [&b""[..], b"{}", &[0xff; 100]] {
        fs::write(&record, damaged).expect("written");
        assert!(rendered(&recorded.render(&[])));
        assert!(!rendered(&recorded.render(&[])), "written anew");
    }
    for cache in ["/dev/null", "relative", ""] {
        let mut command = recorded.command();
        command.env("XDG_CACHE_HOME", cache);
        let run = recorded.fleet.run(command.args(["render", "--timings"]));
        assert_eq!(run.code, 0, "{cache}: {run}");
        assert!(rendered(&run), "{cache}: {run}");
    }
    assert!(!recorded.fleet.has("relative"));
}

#[test]
fn a_run_that_failed_leaves_the_record_as_it_was() {
    let recorded = Recorded::new();
    let record = recorded.records().remove(0);
    let before = fs::read(&record).expect("there");
    recorded
        .fleet
        .write("templates/kubernetes/namespace.yaml", "kind: [\n");
    let run = recorded.render(&[]);
    assert_eq!(run.code, 1, "{run}");
    assert_eq!(fs::read(&record).expect("there"), before);
    recorded.fleet.remove("templates");
    assert!(!rendered(&recorded.render(&[])));
}
