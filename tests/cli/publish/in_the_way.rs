//! What stands in the branch where gen wants to write, and isn't logfleet's.

use std::path::Path;

use super::Repository;

/// Git's modes: <https://git-scm.com/docs/git-fast-import#_filemodify>.
const FILE: &str = "100644";
const LINK: &str = "120000";
const SUBMODULE: &str = "160000";

impl Repository {
    /// Begins a branch that has one entry of that mode.
    fn begin(&self, server: &Path, mode: &str, path: &str) {
        let id = if mode == SUBMODULE {
            self.git(&["rev-parse", "HEAD"])
        } else {
            let text = self.home.path().join("text");
            std::fs::write(&text, "../elsewhere").expect("written");
            self.git_in(
                server,
                &["hash-object", "-w", text.to_str().expect("Unicode")],
            )
        };
        self.git_in(server, &["read-tree", "--empty"]);
        let entry = format!("{mode},{id},{path}");
        self.git_in(server, &["update-index", "--add", "--cacheinfo", &entry]);
        let tree = self.git_in(server, &["write-tree"]);
        let commit = self.git_in(server, &["commit-tree", "-m", "By hand", &tree]);
        self.git_in(server, &["update-ref", "refs/heads/deploy", &commit]);
    }
}

#[test]
fn a_foreign_file_in_a_folder_without_an_ownership_file_stops_it() {
    let repository = Repository::new();
    let server = repository.server();
    let to = server.display().to_string();
    let arguments = ["--to", to.as_str(), "--branch", "deploy"];
    repository.begin(
        &server,
        FILE,
        "rendered/alpha/kubernetes/kustomization.yaml",
    );
    let before = repository.files(&server, "deploy");
    let err = repository.refused(1, &arguments);
    assert!(
        err.contains(
            "`kubernetes/kustomization.yaml` of the cluster `alpha` exists, but was not written by logfleet"
        ),
        "{err}"
    );
    assert_eq!(repository.files(&server, "deploy"), before);
    repository.overwrites(&server, &arguments);
}

#[test]
fn what_has_a_cluster_s_name_and_is_no_folder_is_never_replaced() {
    let repository = Repository::new();
    let server = repository.server();
    let to = server.display().to_string();
    for (mode, what) in [
        (FILE, "a file"),
        (LINK, "a link"),
        (SUBMODULE, "a submodule"),
    ] {
        repository.begin(&server, mode, "rendered/alpha");
        for overwrite in [None, Some("--overwrite")] {
            let arguments = ["--to", &to, "--branch", "deploy"];
            let arguments: Vec<&str> = arguments.into_iter().chain(overwrite).collect();
            let err = repository.refused(1, &arguments);
            assert!(
                err.contains(&format!(
                    "`rendered/alpha` of the branch `deploy` is {what}, where the folder of a cluster belongs"
                )),
                "{err}"
            );
            let entry = repository.git_in(&server, &["ls-tree", "-r", "deploy"]);
            assert!(entry.starts_with(mode), "{entry}");
        }
    }
}

#[test]
fn what_stands_where_the_path_is_to_be_is_never_replaced() {
    let repository = Repository::new();
    let server = repository.server();
    let to = server.display().to_string();
    for (mode, what) in [
        (FILE, "a file"),
        (LINK, "a link"),
        (SUBMODULE, "a submodule"),
    ] {
        for place in ["a", "a/b"] {
            repository.begin(&server, mode, place);
            let arguments = ["--to", &to, "--branch", "deploy", "--path", "a/b"];
            let err = repository.refused(1, &[&arguments[..], &["--overwrite"]].concat());
            assert!(
                err.contains(&format!(
                    "`{place}` of the branch `deploy` is {what}, and no folder"
                )),
                "{err}"
            );
        }
    }
}
