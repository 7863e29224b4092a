//! Checks what machines install: the settings of Filebeat, Logstash and the
//! CloudWatch agent, and cloud-init's user data. Pure.
//!
//! Filebeat takes most misspelt options without a word, so each is held
//! against a schema that is written from the reference documentation
//! (`schemas/outputs/README.md`).

use std::sync::OnceLock;

use crate::fault::{Fault, Faults};
use crate::layers::schema::SchemaCheck;
use crate::load::node::{Entry, Node, Value};
use crate::load::source_file::{FileId, SourceFile, Sources};
use crate::load::yaml;

/// Bytes that the user data of a machine may have
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html>).
const MOST_USER_DATA: usize = 16_384;

/// Bytes that a template may have that CloudFormation is handed directly
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>).
/// A document of Systems Manager in it is below its own limit of 64 KiB then.
const MOST_TEMPLATE: usize = 51_200;

/// What a file of a machine holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineFile {
    /// `filebeat.yml`.
    Filebeat,
    /// `logstash.yml`.
    LogstashSettings,
    /// `pipelines.yml`.
    LogstashPipelines,
    /// `amazon-cloudwatch-agent.json`.
    CloudwatchAgent,
    /// `user-data.yaml`.
    UserData,
    /// `kops-instance-group.yaml`.
    KopsInstanceGroup,
    /// `stack.json`.
    Stack,
}

impl MachineFile {
    /// What a path below the cluster's folder says it is.
    pub fn of(path: &str) -> Option<Self> {
        let (folder, name) = path.rsplit_once('/')?;
        if folder != "kubernetes/logstash" && !folder.starts_with("machines") {
            return None;
        }
        Some(match name {
            "filebeat.yml" => Self::Filebeat,
            "logstash.yml" => Self::LogstashSettings,
            "pipelines.yml" => Self::LogstashPipelines,
            "amazon-cloudwatch-agent.json" => Self::CloudwatchAgent,
            "user-data.yaml" => Self::UserData,
            "kops-instance-group.yaml" => Self::KopsInstanceGroup,
            "stack.json" => Self::Stack,
            _ => return None,
        })
    }

    fn schema(self) -> Option<(usize, &'static str)> {
        Some(match self {
            Self::Filebeat => (
                0,
                include_str!("../../../schemas/outputs/machines/filebeat.json"),
            ),
            Self::LogstashSettings => (
                1,
                include_str!("../../../schemas/outputs/machines/logstash-settings.json"),
            ),
            Self::LogstashPipelines => (
                2,
                include_str!("../../../schemas/outputs/machines/logstash-pipelines.json"),
            ),
            Self::CloudwatchAgent => (
                3,
                include_str!("../../../schemas/outputs/machines/amazon-cloudwatch-agent.json"),
            ),
            Self::UserData | Self::KopsInstanceGroup => (
                4,
                include_str!("../../../schemas/outputs/machines/user-data.json"),
            ),
            Self::Stack => return None,
        })
    }
}

/// Checks files of machines.
#[derive(Debug, Default)]
pub struct MachinesCheck {
    /// Compiled when they are first needed.
    schemas: [OnceLock<Option<SchemaCheck>>; 5],
}

impl MachinesCheck {
    /// Nothing is compiled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks the text of one file; faults are placed in `shown_path`.
    pub fn check(&self, kind: MachineFile, shown_path: &str, text: &str) -> Faults {
        match kind {
            MachineFile::Stack => {
                let mut faults = check_size(
                    shown_path,
                    text.len(),
                    MOST_TEMPLATE,
                    "CloudFormation takes",
                    "set `sources.machines.delivery.ssm: false`, or read fewer files",
                );
                // Canonical JSON has no such thing outside of its texts.
                if let Some(at) = text.find("{{") {
                    let source = SourceFile::new(shown_path, text);
                    faults.push(
                        Fault::input("Systems Manager would read `{{` as the start of a parameter")
                            .at(source.place(at, at + 2))
                            .hint("write it differently: in JSON and YAML, `{` can be written as `\\u007b`"),
                    );
                }
                faults
            }
            MachineFile::KopsInstanceGroup => self.check_instance_group(shown_path, text),
            MachineFile::UserData => {
                let mut faults = check_user_data_size(shown_path, text);
                faults.append(self.check_schema(kind, shown_path, text));
                faults
            }
            _ => self.check_schema(kind, shown_path, text),
        }
    }

    fn check_schema(&self, kind: MachineFile, shown_path: &str, text: &str) -> Faults {
        let Some((index, schema)) = kind.schema() else {
            return Faults::new();
        };
        let source = SourceFile::new(shown_path, text);
        let node = match yaml::parse(FileId(0), &source) {
            Ok(node) => node,
            Err(faults) => return faults,
        };
        let node = if kind == MachineFile::Filebeat {
            split_keys(node)
        } else {
            node
        };
        let mut sources = Sources::default();
        sources.push(source);
        let compile = || SchemaCheck::new(serde_json::from_str(schema).ok()?).ok();
        match self.schemas[index].get_or_init(compile) {
            Some(check) => check.check(&node, &sources),
            None => Fault::environment("a schema that is built into the program is broken").into(),
        }
    }

    /// Each user data in the snippet is looked at as if it were a file.
    fn check_instance_group(&self, shown_path: &str, text: &str) -> Faults {
        let source = SourceFile::new(shown_path, text);
        let node = match yaml::parse(FileId(0), &source) {
            Ok(node) => node,
            Err(faults) => return faults,
        };
        let user_data = node
            .get("spec")
            .and_then(|spec| spec.get("additionalUserData"))
            .map(|list| &list.value);
        let Some(Value::Sequence(items)) = user_data else {
            return Fault::input(format!("`{shown_path}` has no `spec.additionalUserData`")).into();
        };
        let mut faults = Faults::new();
        for content in items
            .iter()
            .filter_map(|item| item.get("content")?.as_str())
        {
            faults.append(check_user_data_size(shown_path, content));
            faults.append(self.check_schema(MachineFile::UserData, shown_path, content));
        }
        faults
    }
}

fn check_user_data_size(shown_path: &str, text: &str) -> Faults {
    check_size(
        shown_path,
        text.len(),
        MOST_USER_DATA,
        "EC2 takes user data of",
        "set `sources.machines.delivery.cloud_init: false` and `kops: false`, so that Systems Manager delivers it all; or read fewer files",
    )
}

fn check_size(shown_path: &str, bytes: usize, most: usize, who: &str, hint: &str) -> Faults {
    if bytes <= most {
        return Faults::new();
    }
    Fault::input(format!(
        "`{shown_path}` would be {bytes} bytes, but {who} at most {most}"
    ))
    .hint(hint)
    .into()
}

/// `a.b: c` as `a: {b: c}`, wherever it stands, as Filebeat reads it.
fn split_keys(node: Node) -> Node {
    let value = match node.value {
        Value::Sequence(items) => Value::Sequence(items.into_iter().map(split_keys).collect()),
        Value::Mapping(entries) => {
            let mut out = Vec::new();
            for entry in entries {
                let Entry {
                    key,
                    key_span,
                    node,
                } = entry;
                let mut node = split_keys(node);
                let mut parts: Vec<&str> = key.split('.').collect();
                let first = parts.remove(0).to_owned();
                for part in parts.into_iter().rev() {
                    node = Node {
                        span: node.span,
                        value: Value::Mapping(vec![Entry {
                            key: part.to_owned(),
                            key_span,
                            node,
                        }]),
                    };
                }
                join(
                    &mut out,
                    Entry {
                        key: first,
                        key_span,
                        node,
                    },
                );
            }
            Value::Mapping(out)
        }
        other => other,
    };
    Node {
        span: node.span,
        value,
    }
}

/// Adds an entry; two mappings of one key become one.
fn join(entries: &mut Vec<Entry>, new: Entry) {
    let same = entries.iter_mut().find(|entry| entry.key == new.key);
    match same {
        Some(Entry {
            node:
                Node {
                    value: Value::Mapping(inner),
                    ..
                },
            ..
        }) => {
            if let Value::Mapping(more) = new.node.value {
                for entry in more {
                    join(inner, entry);
                }
            }
        }
        Some(_) => {}
        None => entries.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(kind: MachineFile, text: &str) -> Vec<String> {
        let faults = MachinesCheck::new().check(kind, "a", text);
        faults
            .sorted()
            .into_iter()
            .map(|fault| {
                let place = fault.place.map_or_else(String::new, |place| {
                    format!("{}:{}: ", place.line, place.column)
                });
                let hints: Vec<String> = fault
                    .hints
                    .iter()
                    .map(|hint| format!(" ({hint})"))
                    .collect();
                format!("{place}{}{}", fault.message, hints.concat())
            })
            .collect()
    }

    const FILEBEAT: &str = "filebeat.inputs:\n  - type: journald\n    id: a\n    include_matches.match: [_TRANSPORT=kernel]\noutput.logstash:\n  hosts: [a:1]\n  ssl.enabled: true\n  ssl.key: /a\n";

    #[test]
    fn says_nothing_of_what_is_right() {
        assert_eq!(reported(MachineFile::Filebeat, FILEBEAT), [""; 0]);
        let nested = "filebeat: { inputs: [{ type: filestream, id: a, paths: [/a] }] }\noutput: { elasticsearch: { hosts: [a] } }\n";
        assert_eq!(reported(MachineFile::Filebeat, nested), [""; 0]);
    }

    #[test]
    fn tells_what_filebeat_would_pass_over() {
        for (from, to) in [
            ("ssl.enabled: true", "ssl.enable: true"),
            ("type: journald", "type: journal"),
            (
                "include_matches.match: [_TRANSPORT=kernel]",
                "include_matches: [_TRANSPORT=kernel]",
            ),
            (
                "include_matches.match: [_TRANSPORT=kernel]",
                "include_match.match: [_TRANSPORT=kernel]",
            ),
            ("hosts: [a:1]", "host: [a:1]"),
            ("id: a", "processors: [{ drop_evnt: {} }]\n    id: a"),
            (
                "id: a",
                "processors: [{ drop_fields: { field: [a] } }]\n    id: a",
            ),
        ] {
            assert!(FILEBEAT.contains(from), "{from}");
            let reported = reported(MachineFile::Filebeat, &FILEBEAT.replace(from, to));
            assert!(!reported.is_empty(), "{to}");
        }
    }

    #[test]
    fn names_the_option_that_was_meant() {
        let text = FILEBEAT.replace("ssl.enabled", "ssl.enable");
        let reported = reported(MachineFile::Filebeat, &text);
        assert!(reported[0].starts_with("7:"), "{reported:?}");
        assert!(reported[0].contains("enabled"), "{reported:?}");
    }

    #[test]
    fn tells_mistakes_in_the_other_files() {
        for (kind, text) in [
            (MachineFile::LogstashSettings, "queue.typ: persisted\n"),
            (MachineFile::LogstashSettings, "queue.type: disk\n"),
            (MachineFile::LogstashSettings, "queue.max_bytes: 4 GB\n"),
            (MachineFile::LogstashPipelines, "- path.config: /a\n"),
            (
                MachineFile::LogstashPipelines,
                "- pipeline.id: a\n  api.enabled: true\n",
            ),
            (
                MachineFile::CloudwatchAgent,
                "{ \"logs\": { \"logs_collected\": { \"journal\": {} } } }",
            ),
            (
                MachineFile::CloudwatchAgent,
                "{ \"logs\": { \"logs_collected\": { \"journald\": { \"collect_list\": [{ \"log_group_name\": \"a\", \"unit\": [\"b\"] }] } } } }",
            ),
            (
                MachineFile::CloudwatchAgent,
                "{ \"logs\": { \"logs_collected\": { \"files\": { \"collect_list\": [{ \"file_path\": \"a\" }] } } } }",
            ),
            (MachineFile::UserData, "write_file: []\n"),
            (
                MachineFile::UserData,
                "write_files: [{ path: /a, permissions: 600 }]\n",
            ),
            (MachineFile::UserData, "runcmd: bash\n"),
            (MachineFile::KopsInstanceGroup, "spec: {}\n"),
            (
                MachineFile::KopsInstanceGroup,
                "spec: { additionalUserData: [{ content: \"runcmd: 1\" }] }\n",
            ),
        ] {
            assert_eq!(
                reported(kind, text).len(),
                1,
                "{text}: {:?}",
                reported(kind, text)
            );
        }
    }

    #[test]
    fn tells_what_is_too_long_for_ec2() {
        let of = |bytes: usize| {
            let frame = "#cloud-config\nruncmd: []\n".len() + 2;
            format!(
                "#cloud-config\nruncmd: [\"{}\"]\n",
                "a".repeat(bytes - frame)
            )
        };
        let fault = &reported(MachineFile::UserData, &of(16_385))[0];
        assert!(
            fault.starts_with(
                "`a` would be 16385 bytes, but EC2 takes user data of at most 16384 ("
            ),
            "{fault}"
        );
        assert_eq!(reported(MachineFile::UserData, &of(16_384)), [""; 0]);
        assert_eq!(reported(MachineFile::Stack, &" ".repeat(51_201)).len(), 1);
        assert_eq!(reported(MachineFile::Stack, &" ".repeat(51_200)).len(), 0);
        let fault = reported(MachineFile::Stack, "{ \"a\": \"{{ b }}\" }");
        assert!(fault[0].starts_with("1:9: "), "{fault:?}");
    }
}
