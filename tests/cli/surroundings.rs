//! Surroundings that refuse, and things in the way of the output.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::fleet::{Run, TestFleet};

fn refused(fleet: &TestFleet, arguments: &[&str]) -> Run {
    let run = fleet.gen_changing_nothing(arguments);
    assert!(matches!(run.code, 1 | 2), "{run}");
    assert_eq!(run.out, "");
    run
}

/// Mounts something on a folder for as long as it lives.
struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    /// `None` where this may not be done; in CI, as root, that is a failure.
    fn new(arguments: &[&str], folder: &'a Path) -> Option<Self> {
        fs::create_dir_all(folder).expect("a folder");
        let output = Command::new("mount")
            .args(arguments)
            .arg(folder)
            .output()
            .ok();
        if output
            .as_ref()
            .is_some_and(|output| output.status.success())
        {
            return Some(Self(folder));
        }
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: can't mount {arguments:?}: {output:?}"
        );
        let must = std::env::var_os("CI").is_some_and(|value| value == "true") && is_root();
        assert!(!must, "in CI, as root, this has to work");
        None
    }
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id");
    output.stdout.trim_ascii() == b"0"
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_read_only_output_folder() {
    let fleet = TestFleet::rendered();
    fleet.append(
        "clusters/fleet.yaml",
        "stream_defaults: { shards: 2 }\nfluentd: { log_level: debug }\n",
    );
    let folder = fleet.root().join("rendered");
    let source = folder.display().to_string();
    let Some(_mount) = Mount::new(&["--bind", &source], &folder) else {
        return;
    };
    let read_only = Command::new("mount")
        .args(["-o", "remount,ro,bind"])
        .arg(&folder)
        .status()
        .expect("mount");
    assert!(read_only.success());
    insta::assert_snapshot!(refused(&fleet, &["render"]));
    let check = fleet.gen_changing_nothing(&["render", "--check"]);
    assert_eq!(check.code, 1, "looking needs no right to write: {check}");
}

#[test]
fn a_full_disk() {
    let fleet = TestFleet::base();
    let folder = fleet.root().join("rendered");
    let Some(_mount) = Mount::new(&["-t", "tmpfs", "-o", "size=16k", "tmpfs"], &folder) else {
        return;
    };
    fs::write(folder.join("theirs.txt"), "keep me").expect("written");
    let run = fleet.call(&["render"]);
    assert_eq!(run.code, 2, "{run}");
    assert!(run.err.contains("No space left on device"), "{run}");
    assert!(
        run.err
            .contains("the next run finishes what this one began"),
        "{run}"
    );
    assert_eq!(fleet.text("rendered/theirs.txt"), "keep me");
    // With room, the next run ends as if nothing had happened.
    let grown = Command::new("mount")
        .args(["-o", "remount,size=16m"])
        .arg(&folder)
        .status()
        .expect("mount");
    assert!(grown.success());
    let run = fleet.call(&["render"]);
    assert_eq!(run.code, 0, "{run}");
    let mut outputs = fleet.outputs();
    outputs.remove("theirs.txt");
    assert_eq!(outputs, TestFleet::rendered().outputs());
}

#[test]
fn a_file_in_place_of_the_output_folder() {
    let fleet = TestFleet::base();
    fleet.write("rendered", "I am a file\n");
    insta::assert_snapshot!(refused(&fleet, &["render"]));
    refused(&fleet, &["render", "--force"]);
}

#[test]
fn a_link_in_place_of_the_output_folder() {
    let fleet = TestFleet::base();
    fleet.write("elsewhere/keep.txt", "keep me");
    symlink("elsewhere", fleet.root().join("rendered")).expect("a link");
    insta::assert_snapshot!(refused(&fleet, &["render"]));
    refused(&fleet, &["render", "--force"]);
}

#[test]
fn a_link_in_place_of_a_clusters_folder() {
    let fleet = TestFleet::rendered();
    fs::rename(
        fleet.root().join("rendered/alpha"),
        fleet.root().join("elsewhere"),
    )
    .expect("moved");
    symlink("../elsewhere", fleet.root().join("rendered/alpha")).expect("a link");
    fleet.append(
        "clusters/alpha/cluster.yaml",
        "fluentd: { log_level: debug }\n",
    );
    insta::assert_snapshot!(refused(&fleet, &["render"]));
    refused(&fleet, &["render", "--force"]);
}

#[test]
fn a_link_in_place_of_a_file() {
    let fleet = TestFleet::rendered();
    fleet.write("secret.txt", "keep me");
    let file = fleet
        .root()
        .join("rendered/alpha/kubernetes/namespace.yaml");
    fs::remove_file(&file).expect("removed");
    symlink("../../../secret.txt", &file).expect("a link");
    insta::assert_snapshot!(refused(&fleet, &["render"]));
}

#[test]
fn a_link_in_place_of_a_folder_of_ours() {
    let fleet = TestFleet::rendered();
    let folder = fleet.root().join("rendered/alpha/kubernetes");
    fs::rename(&folder, fleet.root().join("elsewhere")).expect("moved");
    symlink("../../elsewhere", &folder).expect("a link");
    insta::assert_snapshot!(refused(&fleet, &["render"]));
}

#[test]
fn a_file_edited_by_hand() {
    let fleet = TestFleet::rendered();
    let right = fleet.outputs();
    fleet.append("rendered/alpha/kubernetes/namespace.yaml", "# mine\n");
    insta::assert_snapshot!(refused(&fleet, &["render"]));
    let forced = fleet.call(&["render", "--force"]);
    insta::assert_snapshot!("a_file_edited_by_hand_forced", forced.without_counts());
    assert_eq!(fleet.outputs(), right);
}

/// Where the edit is what would be rendered now, there is nothing to lose.
#[test]
fn a_file_edited_by_hand_to_what_it_should_be() {
    let fleet = TestFleet::rendered();
    fleet.append(
        "clusters/alpha/cluster.yaml",
        "kubernetes: { namespace: other }\n",
    );
    let text = fleet.text("rendered/alpha/kubernetes/namespace.yaml");
    fleet.write(
        "rendered/alpha/kubernetes/namespace.yaml",
        text.replace("\"logging\"", "\"other\""),
    );
    let run = fleet.call(&["render"]);
    assert_eq!(run.code, 0, "{run}");
}

#[test]
fn a_foreign_file_where_one_of_ours_belongs() {
    let fleet = TestFleet::base();
    fleet.write("rendered/alpha/kubernetes/namespace.yaml", "# theirs\n");
    insta::assert_snapshot!(refused(&fleet, &["render"]));
    assert_eq!(fleet.call(&["render", "--force"]).code, 0);
    assert_eq!(fleet.outputs(), TestFleet::rendered().outputs());
}

#[test]
fn a_foreign_folder_where_a_file_of_ours_belongs() {
    let fleet = TestFleet::base();
    fleet.write(
        "rendered/alpha/kubernetes/namespace.yaml/notes.txt",
        "theirs\n",
    );
    insta::assert_snapshot!(refused(&fleet, &["render"]));
    refused(&fleet, &["render", "--force"]);
}

#[test]
fn an_ownership_file_that_is_broken() {
    let fleet = TestFleet::rendered();
    fleet.write("rendered/alpha/.logfleet.json", "<<<<<<< HEAD\n");
    insta::assert_snapshot!(refused(&fleet, &["render"]));
    assert_eq!(fleet.call(&["render", "--force"]).code, 0);
    assert_eq!(fleet.outputs(), TestFleet::rendered().outputs());
}

#[test]
fn an_ownership_file_that_names_files_elsewhere() {
    let fleet = TestFleet::rendered();
    fleet.write("keep.txt", "keep me");
    let text = fleet.text("rendered/alpha/.logfleet.json");
    fleet.write(
        "rendered/alpha/.logfleet.json",
        text.replace("\"kubernetes/namespace.yaml\"", "\"../../keep.txt\""),
    );
    insta::assert_snapshot!(refused(&fleet, &["render"]));
    fleet.call(&["render", "--force"]);
    assert_eq!(fleet.text("keep.txt"), "keep me");
}

#[test]
fn a_certificate_that_is_a_link_out_of_the_folder() {
    let fleet = TestFleet::rendered();
    fleet.remove("clusters/certificates/main.pem");
    symlink(
        "/etc/passwd",
        fleet.root().join("clusters/certificates/main.pem"),
    )
    .expect("a link");
    insta::assert_snapshot!(refused(&fleet, &["render"]));
}

#[test]
fn a_cluster_that_is_a_link_out_of_the_folder() {
    let fleet = TestFleet::rendered();
    symlink("/etc", fleet.root().join("clusters/gamma")).expect("a link");
    insta::assert_snapshot!(refused(&fleet, &["render"]));
}

#[test]
fn a_template_that_is_a_link_out_of_the_folder() {
    let fleet = TestFleet::rendered();
    fs::create_dir(fleet.root().join("templates")).expect("a folder");
    symlink("/etc/passwd", fleet.root().join("templates/extra.txt")).expect("a link");
    insta::assert_snapshot!(refused(&fleet, &["render"]));
}

#[test]
fn a_pipe_in_place_of_a_file() {
    let fleet = TestFleet::rendered();
    let pipe = fleet.root().join("clusters/certificates/pipe.pem");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("mkfifo")
            .success()
    );
    fleet.append(
        "clusters/alpha/cluster.yaml",
        "destinations: { main: { tls: { ca_certificate: certificates/pipe.pem } } }\n",
    );
    // A pipe has no bytes to compare.
    let run = fleet.call(&["render"]);
    assert_eq!(run.code, 1);
    insta::assert_snapshot!(run);
}

#[test]
fn no_fleet_at_all() {
    let fleet = TestFleet::empty();
    insta::assert_snapshot!(refused(&fleet, &["render"]));
    insta::assert_snapshot!(
        "a_root_that_is_not_there",
        refused(&fleet, &["render", "--root", "nowhere"])
    );
}

#[test]
fn two_runs_at_once() {
    let fleet = TestFleet::rendered();
    let folder = fs::File::open(fleet.root().join("rendered")).expect("a folder");
    folder.lock().expect("locked");
    insta::assert_snapshot!(refused(&fleet, &["render"]));
}
