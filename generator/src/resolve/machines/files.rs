//! Which files are read on machines. Pure.
//!
//! What rsyslog writes is in the journal too, so it is read from one of the
//! two. Files of other programs are read in any case.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::pattern::matches_path;
use serde::Serialize;

use super::{MachineInput, MachineInputKind, units_of_fluentd};
use crate::resolve::problem::Problems;
use crate::resolve::source::check_stream;
use crate::sentence::list;
use crate::settings::{
    ControlPlaneRead, Distribution, MachineFile, MachineMultiline, MachineRead, MachineRole,
    OperatingSystem, Settings,
};

/// Files that are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MachineFiles {
    /// Globs of paths.
    pub paths: Vec<String>,
    /// Lines that belong together.
    pub multiline: Option<MachineMultiline>,
}

/// Files that rsyslog writes in the distributions that have it
/// (`/etc/rsyslog.d/50-default.conf` of Debian and Ubuntu, `/etc/rsyslog.conf` of Red Hat).
const RSYSLOG: [&str; 14] = [
    "/var/log/auth.log",
    "/var/log/cron",
    "/var/log/cron.log",
    "/var/log/daemon.log",
    "/var/log/debug",
    "/var/log/dmesg",
    "/var/log/kern.log",
    "/var/log/mail.log",
    "/var/log/maillog",
    "/var/log/messages",
    "/var/log/secure",
    "/var/log/spooler",
    "/var/log/syslog",
    "/var/log/user.log",
];

/// Those of them that what units say ends in, by the files named above.
const WITH_UNITS: [&str; 2] = ["/var/log/messages", "/var/log/syslog"];

/// Examples of files that the kubelet and the container runtime write.
const CONTAINERS: [&str; 2] = [
    "/var/log/containers/pod_namespace_container-0.log",
    "/var/log/pods/namespace_pod_uid/container/0.log",
];

/// Examples of files that the shippers themselves write.
const SHIPPERS: [&str; 5] = [
    "/opt/aws/amazon-cloudwatch-agent/logs/amazon-cloudwatch-agent.log",
    "/var/log/amazon/amazon-cloudwatch-agent/amazon-cloudwatch-agent.log",
    "/var/log/filebeat/filebeat.ndjson",
    "/var/log/logfleet/filebeat.ndjson",
    "/var/log/logstash/logstash-plain.log",
];

/// The files of an operating system that rsyslog writes, by the names under which settings speak of them.
fn of_rsyslog(system: OperatingSystem) -> &'static [(&'static str, &'static str)] {
    match system {
        OperatingSystem::Debian11 | OperatingSystem::Ubuntu2204 | OperatingSystem::Ubuntu2404 => {
            &[("auth", "/var/log/auth.log"), ("syslog", "/var/log/syslog")]
        }
        OperatingSystem::AmazonLinux2 | OperatingSystem::Rhel9 => &[
            ("cron", "/var/log/cron"),
            ("mail", "/var/log/maillog"),
            ("messages", "/var/log/messages"),
            ("secure", "/var/log/secure"),
        ],
        // Neither has rsyslog unless somebody installs it
        // (https://www.debian.org/releases/bookworm/amd64/release-notes/ch-information.html,
        // https://docs.aws.amazon.com/linux/al2023/ug/journald.html).
        OperatingSystem::Debian12
        | OperatingSystem::Debian13
        | OperatingSystem::AmazonLinux2023
        | OperatingSystem::Flatcar
        | OperatingSystem::Bottlerocket => &[],
    }
}

/// The files of an operating system that other programs write.
fn of_programs(system: OperatingSystem) -> &'static [(&'static str, &'static str)] {
    match system {
        OperatingSystem::Debian11
        | OperatingSystem::Debian12
        | OperatingSystem::Debian13
        | OperatingSystem::Ubuntu2204
        | OperatingSystem::Ubuntu2404 => &[
            ("cloud-init", "/var/log/cloud-init-output.log"),
            ("dpkg", "/var/log/dpkg.log"),
            (
                "unattended-upgrades",
                "/var/log/unattended-upgrades/unattended-upgrades.log",
            ),
        ],
        OperatingSystem::AmazonLinux2 => &[
            ("audit", "/var/log/audit/audit.log"),
            ("cloud-init", "/var/log/cloud-init-output.log"),
            ("yum", "/var/log/yum.log"),
        ],
        OperatingSystem::AmazonLinux2023 | OperatingSystem::Rhel9 => &[
            ("audit", "/var/log/audit/audit.log"),
            ("cloud-init", "/var/log/cloud-init-output.log"),
            ("dnf", "/var/log/dnf.rpm.log"),
        ],
        OperatingSystem::Flatcar | OperatingSystem::Bottlerocket => &[],
    }
}

/// The files that are read on machines of a role.
pub(super) fn files(
    base: &[&str; 3],
    role: &MachineRole,
    system: OperatingSystem,
    settings: &Settings,
    problems: &mut Problems,
) -> Vec<MachineInput> {
    let mut known: BTreeMap<&str, &str> = of_programs(system).iter().copied().collect();
    if role.read == MachineRead::Files {
        known.extend(of_rsyslog(system).iter().copied());
        if of_rsyslog(system).is_empty() && role.files.is_empty() {
            problems.push(
                &[&base[..], &["read"]].concat(),
                "this operating system has no rsyslog: its log is in the journal alone",
                "set `read: journal`; or list the files of a rsyslog of your own in `files`",
            );
        }
    }
    let off = |name: &str| {
        let mut files = role.files.iter();
        files.any(|(file, settings)| file.as_str() == name && !settings.enabled)
    };
    let mut found: BTreeMap<String, MachineInput> = known
        .iter()
        .filter(|(name, _)| !off(name))
        .map(|(name, path)| {
            let paths = vec![(*path).to_owned()];
            ((*name).to_owned(), input(name, paths, None, role))
        })
        .collect();
    for (name, file) in role.files.iter().filter(|(_, file)| file.enabled) {
        let at: Vec<&str> = base
            .iter()
            .copied()
            .chain(["files", name.as_str()])
            .collect();
        let paths: Vec<String> = if file.paths.is_empty() {
            known
                .get(name.as_str())
                .map(|path| (*path).to_owned())
                .into_iter()
                .collect()
        } else {
            file.paths.iter().map(ToString::to_string).collect()
        };
        if paths.is_empty() {
            let names: Vec<&str> = known.keys().copied().collect();
            problems.push(
                &at,
                format!("it is not said which files `{name}` are"),
                format!("set `paths`; this operating system has {}", list(&names)),
            );
            continue;
        }
        check_file(&at, file, settings, problems);
        found.insert(
            name.to_string(),
            input(name.as_str(), paths, Some(file), role),
        );
    }
    let inputs: Vec<MachineInput> = found.into_values().collect();
    check_paths(base, role, &inputs, settings, problems);
    inputs
}

fn input(
    name: &str,
    paths: Vec<String>,
    file: Option<&MachineFile>,
    role: &MachineRole,
) -> MachineInput {
    let stream = file.and_then(|file| file.stream.as_ref());
    MachineInput {
        name: name.to_owned(),
        from: MachineInputKind::Files(MachineFiles {
            paths,
            multiline: file.and_then(|file| file.multiline.clone()),
        }),
        stream: stream.unwrap_or(&role.stream).to_string(),
        data_stream: None,
        log_group: None,
    }
}

fn check_file(at: &[&str], file: &MachineFile, settings: &Settings, problems: &mut Problems) {
    if let Some(stream) = &file.stream {
        check_stream(&[at, &["stream"]].concat(), stream, settings, problems);
    }
    for (taken, hint) in [("{{", "write `[{][{]`"), ("}}", "write `[}][}]`")] {
        if let Some(multiline) = &file.multiline
            && multiline.first_line.as_str().contains(taken)
        {
            problems.push(
                &[at, &["multiline", "first_line"]].concat(),
                format!("Systems Manager reads `{taken}` as part of a parameter of its own"),
                hint,
            );
        }
    }
    if let Some(multiline) = &file.multiline
        && let Err(error) = regex::Regex::new(multiline.first_line.as_str())
    {
        let reported = error.to_string();
        let last = reported.lines().last().unwrap_or_default().trim();
        problems.push(
            &[at, &["multiline", "first_line"]].concat(),
            format!(
                "this is not a regular expression of Go's: {}",
                last.strip_prefix("error: ").unwrap_or(last)
            ),
            "Filebeat and the CloudWatch agent know neither look-around nor back-references",
        );
    }
}

/// What ships a file already, or must not be shipped.
fn check_paths(
    base: &[&str; 3],
    role: &MachineRole,
    inputs: &[MachineInput],
    settings: &Settings,
    problems: &mut Problems,
) {
    let of_control_plane = files_of_control_plane(base[2], settings);
    let of_fluentd = units_of_fluentd(settings);
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for input in inputs {
        let MachineInputKind::Files(files) = &input.from else {
            continue;
        };
        for path in &files.paths {
            let at = [&base[..], &["files", &input.name]].concat();
            let matches = |example: &&str| matches_path(path, example);
            if let Some(other) = seen.insert(path, &input.name) {
                problems.push(
                    &at,
                    format!(
                        "`{other}` and `{}` both read `{path}`, so it would be shipped twice",
                        input.name
                    ),
                    "remove one of them",
                );
            } else if CONTAINERS.iter().any(&matches) {
                problems.push(
                    &at,
                    format!("`{path}` holds logs of containers, which Fluentd ships"),
                    "choose other files; `sources.kubernetes` says what Fluentd does with containers",
                );
            } else if SHIPPERS.iter().any(&matches) {
                problems.push(
                    &at,
                    format!(
                        "`{path}` contains the shippers' own logs: shipping them would never end"
                    ),
                    "choose other files",
                );
            } else if role.read == MachineRead::Files
                && WITH_UNITS.iter().any(&matches)
                && !of_fluentd.is_empty()
            {
                let units: Vec<&str> = of_fluentd.iter().copied().collect();
                problems.push(
                    &[&base[..], &["read"]].concat(),
                    format!(
                        "rsyslog writes to `{path}` what {} say, which Fluentd ships from the journal, so it would be shipped twice",
                        list(&units)
                    ),
                    "set `read: journal`, or `sources.kubernetes.nodes.journal.enabled: false`",
                );
            } else if let Some(shipped) = of_control_plane
                .iter()
                .find(|file| matches_path(path, file))
            {
                problems.push(
                    &at,
                    format!("Fluentd ships `{shipped}` already, from the source `kubernetes.control_plane`"),
                    "remove it here",
                );
            } else if role.read == MachineRead::Journal
                && let Some(file) = RSYSLOG.iter().find(|example| matches(example))
            {
                problems.push(
                    &at,
                    format!("rsyslog writes to `{file}` what is in the journal, so it would be shipped twice"),
                    if of_fluentd.is_empty() {
                        format!("set `{}.read: files`, or remove it", base.join("."))
                    } else {
                        format!(
                            "remove it; or set `{}.read: files` and `sources.kubernetes.nodes.journal.enabled: false`",
                            base.join(".")
                        )
                    },
                );
            }
        }
    }
}

/// Files that Fluentd reads on machines of the control plane.
fn files_of_control_plane<'a>(role: &str, settings: &'a Settings) -> BTreeSet<&'a str> {
    let control_plane = &settings.sources.kubernetes.control_plane;
    if role != "masters" || settings.distribution != Distribution::Kops || !control_plane.enabled {
        return BTreeSet::new();
    }
    let mut files = BTreeSet::new();
    if control_plane.read == ControlPlaneRead::Files {
        files.extend(
            control_plane
                .files
                .values()
                .map(crate::settings::HostPath::as_str),
        );
    }
    if control_plane.audit_log.enabled {
        files.insert(control_plane.audit_log.path.as_str());
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_of_a_program_is_one_of_rsyslogs() {
        for system in [
            OperatingSystem::Debian11,
            OperatingSystem::Debian12,
            OperatingSystem::Ubuntu2404,
            OperatingSystem::AmazonLinux2,
            OperatingSystem::AmazonLinux2023,
            OperatingSystem::Rhel9,
        ] {
            for (_, path) in of_programs(system) {
                assert!(!RSYSLOG.contains(path), "{path}");
            }
            for (_, path) in of_rsyslog(system) {
                assert!(RSYSLOG.contains(path), "{path}");
            }
        }
    }
}
