//! A fleet of one's own in an empty folder, made by `gen` and kept in git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::narrator;

/// The cluster.
pub const CLUSTER: &str = "prod-eu";

/// The cluster's account.
pub const ACCOUNT: &str = "111122223333";

/// Where the cluster is.
pub const REGION: &str = "eu-central-1";

/// Where global services of AWS write.
pub const GLOBAL_REGION: &str = "us-east-1";

/// Who reads.
pub const READER: &str = "anna";

/// What is added to the cluster's file: it is in the cluster that Flux runs in, has no machines here, and somebody reads.
const CLUSTER_MORE: &str = "
gitops: { destination: { in_cluster: true } }
sources:
  kubernetes: { events: { enabled: false } }
  machines: { nodes: { enabled: false } }
readers:
  network:
    streams: { aws_vpc: true }
    users: { anna: true }
";

/// What is added to the fleet's file.
const FLEET_MORE: &str = "
gitops:
  tool: flux
  repository: { url: \"ssh://git@git.example.com/platform/logs.git\", secret: \"kubernetes-secret:git\" }
";

/// The fleet.
pub struct Fleet {
    folder: tempfile::TempDir,
}

impl Fleet {
    /// Makes it: what a person types, and what they add to the files.
    pub fn make(url: &str, authority: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("logfleet-demo-")
            .tempdir()
            .expect("the temporary folder is writable");
        let fleet = Self { folder };
        fleet.generate(&[
            "init",
            "my-fleet",
            "--url",
            url,
            "--bucket",
            "example-logfleet",
        ]);
        fleet.generate(&[
            "new",
            CLUSTER,
            "--root",
            "my-fleet",
            "--environment",
            "production",
            "--distribution",
            "eks",
            "--region",
            REGION,
            "--account",
            ACCOUNT,
        ]);
        let certificates = fleet.root().join("clusters/certificates");
        fs::create_dir_all(&certificates).expect("writable");
        fs::write(certificates.join("main.pem"), authority).expect("writable");
        let own = format!("    url: {url}\n");
        let with = format!("{own}    tls: {{ ca_certificate: certificates/main.pem }}\n");
        fleet.edit("clusters/fleet.yaml", |text| {
            assert!(text.contains(&own), "{text}");
            text.replace(&own, &with) + FLEET_MORE
        });
        fleet.edit(&format!("clusters/{CLUSTER}/cluster.yaml"), |text| {
            text + CLUSTER_MORE
        });
        narrator::say(
            "The server's authority goes into clusters/certificates/, and these lines into the cluster's file:",
        );
        narrator::printed(CLUSTER_MORE.trim_start());
        fleet.generate(&["render", "--root", "my-fleet"]);
        fleet.git(&["init", "--quiet", "--initial-branch", "main"]);
        fleet.commit("Add prod-eu");
        fleet
    }

    /// Its folder.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("my-fleet")
    }

    /// A folder beside it, for what is in no repository.
    pub fn beside(&self) -> &Path {
        self.folder.path()
    }

    /// The cluster leaves.
    pub fn remove_cluster(&self) {
        narrator::command(&format!("rm -r my-fleet/clusters/{CLUSTER}"));
        fs::remove_dir_all(self.root().join("clusters").join(CLUSTER)).expect("it is there");
        self.generate(&["render", "--root", "my-fleet"]);
        self.commit("Remove prod-eu");
    }

    /// What the reconciler reads: the repository and its branch.
    pub fn address(&self) -> String {
        format!("file://{}", self.root().display())
    }

    fn edit(&self, path: &str, change: impl FnOnce(String) -> String) {
        let path = self.root().join(path);
        let text = fs::read_to_string(&path).expect("gen made it");
        fs::write(&path, change(text)).expect("writable");
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        let shown = self.git(&["log", "--oneline", "--stat", "--max-count=1"]);
        let lines: Vec<&str> = shown.lines().collect();
        narrator::command(&format!("git commit --message '{message}'"));
        narrator::printed(&format!("{}\n{}", lines[0], lines[lines.len() - 1].trim()));
    }

    fn generate(&self, arguments: &[&str]) {
        narrator::command(&format!("gen {}", arguments.join(" ")));
        let mut command = Command::new(env!("CARGO_BIN_EXE_gen"));
        // No record of this run stays in the user's cache.
        command.env("XDG_CACHE_HOME", self.folder.path().join("cache"));
        let output = run(command.current_dir(self.folder.path()).args(arguments));
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        narrator::printed(String::from_utf8_lossy(&output.stdout).trim());
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        // Nothing of the user's own settings: no signatures, no hooks.
        command
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .args(["-c", "user.name=You", "-c", "user.email=you@example.com"]);
        let output = run(command.current_dir(self.root()).args(arguments));
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

fn run(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", command.get_program().display()))
}
