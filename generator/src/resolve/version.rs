//! Versions of programs, and the first ones that know what is rendered. Pure.

use std::fmt;

/// A version as far as a tag or a package shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    major: u32,
    minor: u32,
    /// None where only two numbers are shown, which are the newest of them then.
    patch: Option<u32>,
}

impl Version {
    /// The version that a tag or package begins with, such as `v1.19.3-debian-1.1`.
    /// None where it shows none: one number alone may be of any meaning.
    pub(super) fn in_text(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        if !text[end..].is_empty() && !text[end..].starts_with(['-', '_', '+']) {
            return None;
        }
        let mut numbers = text[..end].split('.').map(|part| part.parse().ok());
        let (major, minor) = (numbers.next()??, numbers.next()??);
        let patch = match numbers.next() {
            Some(patch) => Some(patch?),
            None => None,
        };
        Some(Self {
            major,
            minor,
            patch,
        })
    }

    /// Whether it is certainly older than another one.
    fn is_before(self, other: (u32, u32, u32)) -> bool {
        (self.major, self.minor, self.patch.unwrap_or(u32::MAX)) < other
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        match self.patch {
            Some(patch) => write!(f, ".{patch}"),
            None => Ok(()),
        }
    }
}

/// A program whose versions are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    Fluentd,
    Filebeat,
    Logstash,
}

impl Program {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fluentd => "Fluentd",
            Self::Filebeat => "Filebeat",
            Self::Logstash => "Logstash",
        }
    }
}

/// What is rendered for a program in any case, and the first version that knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RenderedOption {
    pub(super) program: Program,
    pub(super) name: &'static str,
    pub(super) since: (u32, u32, u32),
}

/// Each with where it is said. Fluentd takes an option that it doesn't know with a
/// warning, and does without; Filebeat and Logstash don't start.
///
/// Not here is `config_include_dir` (1.19.0), which switches off what older ones
/// don't do.
#[rustfmt::skip]
pub(super) const OPTIONS: [RenderedOption; 7] = [
    // Labels, and buffers with `<buffer>`: https://docs.fluentd.org/quickstart/update-from-v0.12
    RenderedOption { program: Program::Fluentd, name: "<buffer>", since: (0, 14, 0) },
    // https://github.com/fluent/fluentd/pull/1775
    RenderedOption { program: Program::Fluentd, name: "enable_stat_watcher", since: (1, 0, 1) },
    // https://github.com/fluent/fluentd/pull/1897
    RenderedOption { program: Program::Fluentd, name: "<and>", since: (1, 2, 0) },
    // https://github.com/fluent/fluentd/blob/master/CHANGELOG.md, releases v1.12.0 and v1.13.0
    RenderedOption { program: Program::Fluentd, name: "follow_inodes", since: (1, 12, 0) },
    RenderedOption { program: Program::Fluentd, name: "read_bytes_limit_per_second", since: (1, 13, 0) },
    // https://github.com/elastic/beats/pull/35734
    RenderedOption { program: Program::Filebeat, name: "file_identity.fingerprint", since: (8, 10, 0) },
    // https://github.com/logstash-plugins/logstash-input-beats/blob/main/CHANGELOG.md, 6.6.0, which came with Logstash 8.8.0
    RenderedOption { program: Program::Logstash, name: "ssl_enabled", since: (8, 8, 0) },
];

/// Why a program is too old for what is rendered, and the oldest version that isn't.
/// `text` is a tag or a package's version.
pub(super) fn too_old(program: Program, text: &str) -> Option<(String, String)> {
    let version = Version::in_text(text)?;
    let newest = OPTIONS
        .iter()
        .filter(|option| option.program == program && version.is_before(option.since))
        .max_by_key(|option| option.since)?;
    let (major, minor, patch) = newest.since;
    let name = program.name();
    Some((
        format!(
            "{name} {version} doesn't know `{}`, which came with {major}.{minor}.{patch}",
            newest.name
        ),
        format!("{major}.{minor}.{patch}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_where_one_is_shown() {
        for (text, shown) in [
            ("v1.19.3-debian-elasticsearch8-1.1", Some("1.19.3")),
            ("v0.12.43-debian-elasticsearch", Some("0.12.43")),
            ("v1.11-debian-1", Some("1.11")),
            ("1.16.2", Some("1.16.2")),
            ("9.5.2", Some("9.5.2")),
            ("v1", None),
            ("latest", None),
            ("edge-debian", None),
            ("v1.x", None),
            ("2024.01.31-a", Some("2024.1.31")),
            ("1.2.3.4", Some("1.2.3")),
            ("sha-1.2", None),
            ("", None),
        ] {
            let found = Version::in_text(text).map(|version| version.to_string());
            assert_eq!(found.as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn what_is_too_old_is_reported_with_the_newest_option_that_it_lacks() {
        for (program, text, reported) in [
            (
                Program::Fluentd,
                "v0.12.43-debian",
                Some(
                    "Fluentd 0.12.43 doesn't know `read_bytes_limit_per_second`, which came with 1.13.0",
                ),
            ),
            (
                Program::Fluentd,
                "v1.11",
                Some(
                    "Fluentd 1.11 doesn't know `read_bytes_limit_per_second`, which came with 1.13.0",
                ),
            ),
            (
                Program::Fluentd,
                "v1.12.4-debian-1.0",
                Some(
                    "Fluentd 1.12.4 doesn't know `read_bytes_limit_per_second`, which came with 1.13.0",
                ),
            ),
            (Program::Fluentd, "v1.13.0", None),
            (Program::Fluentd, "v1.13", None),
            (Program::Fluentd, "v1", None),
            (
                Program::Filebeat,
                "8.9.2",
                Some(
                    "Filebeat 8.9.2 doesn't know `file_identity.fingerprint`, which came with 8.10.0",
                ),
            ),
            (Program::Filebeat, "8.10.0", None),
            (
                Program::Logstash,
                "8.7.1",
                Some("Logstash 8.7.1 doesn't know `ssl_enabled`, which came with 8.8.0"),
            ),
            (Program::Logstash, "9.5.2", None),
        ] {
            let found = too_old(program, text).map(|(message, _)| message);
            assert_eq!(found.as_deref(), reported, "{text}");
        }
    }

    /// An option that a template lost is no reason to refuse a version any more.
    #[test]
    fn every_option_is_rendered() {
        let files = [
            include_str!("../../../templates/kubernetes/_container_logs.conf"),
            include_str!("../../../templates/kubernetes/_output_server.conf"),
            include_str!("../../../templates/kubernetes/_rules.conf"),
            include_str!("../../../templates/machines/_filebeat.yml"),
            include_str!("../../../templates/machines/_logstash_pipeline.conf"),
        ];
        for option in OPTIONS {
            let name = option.name.trim_matches(['<', '>']);
            assert!(files.iter().any(|file| file.contains(name)), "{name}");
        }
    }
}
