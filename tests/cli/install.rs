//! `install.sh` of machines, run in a folder instead of a machine: every
//! program that it would call is a stub there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fleet::TestFleet;

/// What the stubs' log holds of a shipper that is started.
const FILEBEAT: &str = "systemctl restart logfleet-filebeat.service";
const AGENT: &str = "amazon-cloudwatch-agent-ctl -a append-config";

/// Programs of the system that the script may really call.
const REAL: [&str; 18] = [
    "bash",
    "base64",
    "cat",
    "chmod",
    "cmp",
    "cp",
    "cut",
    "dirname",
    "grep",
    "head",
    "install",
    "mkdir",
    "mktemp",
    "python3",
    "rm",
    "sed",
    "sha256sum",
    "touch",
];

/// Fails if its arguments match `$FAILS`; else does what the test needs of it.
const STUB: &str = r#"#!/bin/bash
name=${0##*/}
echo "$name $*" >>"$ROOT/log"
[[ -z $FAILS || ! "$name $*" =~ $FAILS ]] || { echo "$name fails" >&2; exit 22; }
case "$name $*" in
  "curl "*/api/token) echo token ;;
  "curl "*/meta-data/local-ipv4) echo 10.0.0.7 ;;
  "curl "*/meta-data/ipv6) echo 2001:db8::7 ;;
  "curl "*) while [[ $1 != -o ]]; do shift; done; echo content >"$2" ;;
  "gpg "*--show-keys*) printf 'fpr:::::::::%s:\n' 46095ACC8548582C1A2699A9D27D666CD88E42B4 937616F3450B7D806CBD9725D58167303B789C72 ;;
  "apt-get "*filebeat=*) mkdir -p "$ROOT/usr/share/filebeat/bin"; cp "$0" "$ROOT/usr/share/filebeat/bin/filebeat" ;;
  "apt-get "*agent.deb) folder=$ROOT/opt/aws/amazon-cloudwatch-agent/bin; mkdir -p "$folder"; cp "$0" "$folder/amazon-cloudwatch-agent-ctl" ;;
  "filebeat version") echo 'filebeat version 9.5.2 (amd64)' ;;
  "aws "*) echo '{"ca.crt":"a","tls.crt":"b","tls.key":"c"}' ;;
  "systemctl -q is-active "*) [[ -e $ROOT/active ]] ;;
  "systemctl restart "*) touch "$ROOT/active" ;;
  "uname -m") echo x86_64 ;;
esac
"#;

/// A machine that is a folder.
struct Machine {
    fleet: TestFleet,
}

struct Installed {
    code: Option<i32>,
    err: String,
    /// What the stubs were called with in this run.
    log: String,
}

impl Machine {
    /// A machine whose logs go to OpenSearch and to CloudWatch.
    fn new() -> Self {
        let fleet = TestFleet::base();
        fleet.append(
            "clusters/alpha/cluster.yaml",
            "destinations: { cloudwatch: { backend: cloudwatch } }\nstreams: { machines: { destinations: { main: true, cloudwatch: true } } }\n",
        );
        let run = fleet.call(&["render", "alpha"]);
        assert_eq!(run.code, 0, "{run}");
        let machine = Self { fleet };
        let root = machine.root();
        let mut script = machine
            .fleet
            .text("rendered/alpha/machines/nodes/install.sh");
        for folder in ["/etc/", "/var/lib/", "/var/log/", "/usr/share/", "/opt/"] {
            script = script.replace(folder, &format!("{}{folder}", root.display()));
        }
        fs::create_dir_all(root.join("bin")).expect("a folder");
        for folder in [
            "etc/systemd/system",
            "etc/apt/sources.list.d",
            "usr/share/keyrings",
        ] {
            fs::create_dir_all(root.join(folder)).expect("a folder");
        }
        fs::write(
            root.join("etc/hosts"),
            "127.0.0.1 localhost\n10.9.9.9 logstash.logging.svc # logfleet\n",
        )
        .expect("written");
        fs::write(root.join("install.sh"), script).expect("written");
        for name in REAL {
            symlink(real(name), root.join("bin").join(name)).expect("a link");
        }
        for name in ["apt-get", "aws", "curl", "gpg", "systemctl", "uname"] {
            machine.stub(name);
        }
        machine
    }

    fn root(&self) -> PathBuf {
        self.fleet.root().join("machine")
    }

    fn stub(&self, name: &str) {
        let path = self.root().join("bin").join(name);
        fs::write(&path, STUB).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    }

    /// Runs the script, while what matches `fails` fails.
    fn install(&self, arguments: &[&str], fails: &str) -> Installed {
        let root = self.root();
        fs::write(root.join("log"), "").expect("written");
        let output = Command::new(root.join("bin/bash"))
            .arg(root.join("install.sh"))
            .args(arguments)
            .env_clear()
            .env("PATH", root.join("bin"))
            .env("ROOT", &root)
            .env("FAILS", fails)
            .output()
            .expect("bash starts");
        Installed {
            code: output.status.code(),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
            log: fs::read_to_string(root.join("log")).expect("a log"),
        }
    }

    fn hosts(&self) -> String {
        fs::read_to_string(self.root().join("etc/hosts")).expect("hosts")
    }
}

fn real(name: &str) -> PathBuf {
    ["/usr/bin", "/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| unreachable!("{name} is missing"))
}

impl Installed {
    #[track_caller]
    fn assert(&self, code: i32, last_line: &str, started: &[&str]) {
        let Self { err, log, .. } = self;
        assert_eq!(self.code, Some(code), "{err}\n{log}");
        assert_eq!(err.lines().last().unwrap_or_default(), last_line, "{err}");
        let found: Vec<&str> = [FILEBEAT, AGENT]
            .into_iter()
            .filter(|wanted| log.contains(*wanted))
            .collect();
        assert_eq!(found, started, "{log}");
    }
}

#[test]
fn both_shippers_are_set_up_and_a_second_run_changes_nothing() {
    let machine = Machine::new();
    machine.install(&[], "").assert(0, "", &[FILEBEAT, AGENT]);
    machine.install(&[], "").assert(0, "", &[]);
    machine.install(&["refresh"], "").assert(0, "", &[]);
}

#[test]
fn a_shipper_that_fails_stops_no_other() {
    for (fails, told, started) in [
        ("agent.deb$", "failed: cloudwatch-agent", &[FILEBEAT][..]),
        (
            "amazon-cloudwatch-agent.gpg",
            "failed: cloudwatch-agent",
            &[FILEBEAT],
        ),
        ("gpg .*--verify", "failed: cloudwatch-agent", &[FILEBEAT]),
        ("GPG-KEY-elasticsearch", "failed: filebeat", &[AGENT]),
        ("apt-get .*filebeat=", "failed: filebeat", &[AGENT]),
        ("^aws ", "failed: filebeat", &[AGENT]),
        ("curl .*/api/token", "failed: filebeat", &[AGENT]),
        ("^apt-get ", "failed: filebeat cloudwatch-agent", &[]),
    ] {
        let machine = Machine::new();
        machine.install(&[], fails).assert(1, told, started);
        // What failed is made up for, and nothing else is done again.
        let rest: Vec<&str> = [FILEBEAT, AGENT]
            .into_iter()
            .filter(|shipper| !started.contains(shipper))
            .collect();
        machine.install(&[], "").assert(0, "", &rest);
    }
}

#[test]
fn a_shipper_that_could_not_be_restarted_is_restarted_by_the_next_run() {
    for (fails, told, again) in [
        ("systemctl restart", "failed: filebeat", FILEBEAT),
        ("append-config", "failed: cloudwatch-agent", AGENT),
    ] {
        let machine = Machine::new();
        assert_eq!(machine.install(&[], fails).code, Some(1));
        // As if another Filebeat were running: files alone tell nothing now.
        fs::write(machine.root().join("active"), "").expect("written");
        let run = machine.install(&[], fails);
        assert_eq!((run.code, run.err.lines().last()), (Some(1), Some(told)));
        machine.install(&[], "").assert(0, "", &[again]);
        machine.install(&[], "").assert(0, "", &[]);
    }
}

#[test]
fn a_machine_names_its_own_addresses_of_both_families() {
    let start = "127.0.0.1 localhost\n";
    for (fails, hosts) in [
        (
            "",
            "10.0.0.7 logstash.logging.svc # logfleet\n2001:db8::7 logstash.logging.svc # logfleet\n",
        ),
        (
            "meta-data/ipv6",
            "10.0.0.7 logstash.logging.svc # logfleet\n",
        ),
        (
            "meta-data/local-ipv4",
            "2001:db8::7 logstash.logging.svc # logfleet\n",
        ),
        // No IPv4 at all: the metadata answers at its other address.
        (
            "169.254.169.254|local-ipv4",
            "2001:db8::7 logstash.logging.svc # logfleet\n",
        ),
    ] {
        let machine = Machine::new();
        let run = machine.install(&[], fails);
        assert_eq!(run.code, Some(0), "{}", run.err);
        assert_eq!(machine.hosts(), format!("{start}{hosts}"), "{fails}");
    }
    let machine = Machine::new();
    let before = machine.hosts();
    let run = machine.install(&[], "meta-data/");
    assert_eq!(run.code, Some(1));
    assert!(
        run.err.contains("this machine's addresses are unknown"),
        "{}",
        run.err
    );
    assert_eq!(
        machine.hosts(),
        before,
        "what was there still leads somewhere"
    );
}

#[test]
fn a_machine_without_systemd_is_left_alone() {
    let machine = Machine::new();
    fs::remove_file(machine.root().join("bin/systemctl")).expect("removed");
    let run = machine.install(&[], "");
    run.assert(
        0,
        "nothing was set up: this machine has no systemd or can't install packages",
        &[],
    );
    assert_eq!(run.log, "");
}
