//! Every text that a user may write freely comes out as that very text,
//! however hostile it looks, in each language of the output.

use std::fmt::Write as _;

use logfleet_generator::load::source_file::{FileId, SourceFile};
use logfleet_generator::load::yaml;
use logfleet_generator::render::filter::to_json;
use serde_json::{Map, Value, json};

use crate::fleet::TestFleet;

/// What has a meaning in YAML, JSON, Tera, Fluentd, Ruby, a shell or a terminal.
const HOSTILE: [&str; 60] = [
    "\"",
    "'",
    "\\",
    "\\\\",
    "\\\"",
    "`",
    "a\"b'c",
    "'''",
    "\"\"\"",
    "\"; true",
    "\\u0041",
    "%{x}",
    "%s%n",
    "$HOME",
    "${x}",
    "$${x}",
    "${record[\"x\"]}",
    "#{1+1}",
    "#{`id`}",
    "\"#{exit}\"",
    "\\#{x}",
    "#",
    " # not a comment",
    "#$0",
    "{{ x }}",
    "{% if x %}",
    "{# x #}",
    "{{",
    "}}",
    "%}",
    "\"@include /etc/passwd",
    "@include x",
    "</source>",
    "<match **>",
    "</record>",
    "@type exec",
    "!ruby/object:Gem",
    "!!binary x",
    "&anchor",
    "*alias",
    "- item",
    "? key",
    "key: value",
    "[1, 2",
    "{a: b",
    "|",
    ">-",
    "---",
    "...",
    "yes",
    "null",
    "~",
    "0x1f",
    "1e3",
    "1_000",
    "12:30:45",
    "2027-03-31",
    "=",
    "<<",
    "\u{202e}rtl \u{2028}\u{85}\u{feff}\u{7f} ü 日本 🦀",
];

/// Texts of several lines, for settings that may have them.
const LINES: [&str; 4] = [
    "a\nb",
    "a\r\nb",
    "\n</record>\n<match **>\n",
    "tab\tand\u{b}more\n@include x",
];

fn texts() -> Vec<String> {
    HOSTILE
        .iter()
        .chain(&LINES)
        .map(|text| (*text).to_owned())
        .collect()
}

/// A pattern that matches exactly that text.
fn pattern(text: &str) -> String {
    let mut pattern = String::new();
    for character in text.chars() {
        match character {
            '\n' => pattern.push_str("\\n"),
            '\r' => pattern.push_str("\\r"),
            c if c.is_ascii_punctuation() => {
                let _ = write!(pattern, "\\{c}");
            }
            c => pattern.push(c),
        }
    }
    pattern
}

fn map(entry: impl Fn(usize, &str) -> (String, Value)) -> Value {
    let entries = texts()
        .iter()
        .enumerate()
        .map(|(number, text)| entry(number, text))
        .collect::<Map<_, _>>();
    Value::Object(entries)
}

/// Labels are texts of one line.
fn may_be_a_label(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// A cluster that has every text in every place.
fn cluster() -> Value {
    json!({
        "name": "alpha", "environment": "production", "distribution": "eks", "region": "eu-central-1",
        "account": "111122223333", "node_groups": { "nodes": { "role": "node" } },
        "destinations": map(|number, text| (format!("t{number}"), json!({
            "backend": if number % 2 == 0 { "elasticsearch" } else { "opensearch" },
            "version": if number % 2 == 0 { 8 } else { 3 },
            "url": format!("https://logs{number}.example.com"),
            "authentication": { "type": "client_certificate", "subject": format!("CN={text}") },
        }))),
        "fluentd": { "image": {
            "repository": "registry.example.com/fluentd", "tag": "v1",
            "plugins": [
                "fluent-plugin-concat", "fluent-plugin-elasticsearch", "fluent-plugin-kubernetes_metadata_filter",
                "fluent-plugin-opensearch", "fluent-plugin-parser-cri", "fluent-plugin-prometheus",
                "fluent-plugin-record-modifier", "fluent-plugin-rewrite-tag-filter", "fluent-plugin-systemd",
            ],
        } },
        "streams": map(|number, text| (format!("s{number}"), json!({
            "description": text, "destinations": { format!("t{number}"): true },
            "labels": if may_be_a_label(text) { json!({ "own": text }) } else { json!({}) },
        }))),
        "sources": { "kubernetes": { "applications": { "records": {
            "exclude": map(|number, text| (format!("e{number}"), json!({
                "containers": { "namespaces": [format!("n{number}")] }, "reason": format!("why {text}"),
            }))),
            "drop": map(|number, text| (format!("d{number}"), json!({
                "matches": pattern(text), "reason": format!("why {text}"),
            }))),
            "enrich": map(|number, text| (format!("f{number}"), json!({ "from": "constant", "value": text }))),
            "multiline": map(|number, text| (format!("m{number}"), json!({
                "containers": { "namespaces": [format!("m{number}")] }, "first_line": pattern(text),
            }))),
            "routes": map(|number, text| (format!("r{number}"), json!({
                "order": number, "when": { "fields": { "message": pattern(text) } }, "stream": format!("s{number}"),
            }))),
        } } } },
    })
}

fn rendered() -> TestFleet {
    let fleet = TestFleet::base();
    fleet.write(
        "clusters/alpha/cluster.yaml",
        to_json(&cluster()).expect("JSON"),
    );
    // Hostile settings of AWS have a test of their own.
    fleet.write(
        "clusters/fleet.yaml",
        "schema_version: 1\nsources: { aws: { enabled: false } }\n",
    );
    fleet.remove("clusters/beta.example.com");
    // The text in JSON, and in YAML that nobody else makes.
    fleet.write(
        "templates/all.json",
        "{ \"texts\": [{% for s in streams %}{{ s.description | json }},{% endfor %}] }\n",
    );
    fleet.write(
        "templates/all.yaml",
        "texts:\n{% for s in streams %}- {{ s.description | json }}\n{% endfor %}",
    );
    let run = fleet.call(&["render"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run}");
    fleet
}

/// `"…"` as Fluentd reads it:
/// <https://github.com/fluent/fluentd/blob/v1.19.3/lib/fluent/config/literal_parser.rb>.
fn read_fluentd(value: &str) -> String {
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .expect("in double quotes");
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.push(match characters.next().expect("an escape") {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'f' => '\u{c}',
                'b' => '\u{8}',
                '0' => '\0',
                other => {
                    assert!(
                        !other.is_alphanumeric(),
                        "\\{other} is no escape of Fluentd"
                    );
                    other
                }
            }),
            '"' => unreachable!("a quote in {value}"),
            '#' => unreachable!("a `#` that could begin Ruby in {value}"),
            other => text.push(other),
        }
    }
    text
}

/// `"…"` as Ruby reads it, up to its end; Fluentd must see neither a comment
/// nor Ruby in it.
fn read_ruby(value: &str) -> String {
    let mut text = String::new();
    let mut characters = value.strip_prefix('"').expect("in double quotes").chars();
    loop {
        match characters.next().expect("an end") {
            '"' => return text,
            '#' => unreachable!("a `#` in {value}"),
            '\\' => match characters.next().expect("an escape") {
                'u' => {
                    let digits: String = characters.by_ref().take(4).collect();
                    let number = u32::from_str_radix(&digits, 16).expect("hexadecimal");
                    text.push(char::from_u32(number).expect("a character"));
                }
                other => {
                    assert!(matches!(other, '"' | '\\'), "\\{other}");
                    text.push(other);
                }
            },
            other => text.push(other),
        }
    }
}

/// The first value of `key` after a line that has the mark as a word.
fn value_after<'c>(conf: &'c str, mark: &str, key: &str) -> &'c str {
    let mut lines = conf
        .lines()
        .map(str::trim)
        .skip_while(|line| !line.split(' ').any(|word| word == mark));
    assert!(lines.next().is_some(), "nothing is marked {mark}");
    let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
    value.unwrap_or_else(|| unreachable!("no {key} after {mark}"))
}

#[test]
fn fluentd_reads_every_text_back() {
    let conf = rendered().text("rendered/alpha/kubernetes/applications/fluent.conf");
    for (number, text) in texts().iter().enumerate() {
        let slashes = format!("/{}/", pattern(text));
        let dropped = value_after(&conf, &format!("drop_d{number}_applications"), "pattern");
        assert_eq!(read_fluentd(dropped), slashes, "{text:?}");
        let routed = value_after(&conf, &format!("route_r{number}_1_applications"), "pattern");
        assert_eq!(read_fluentd(routed), slashes, "{text:?}");
        let call = conf
            .lines()
            .find(|line| line.contains(&format!("[\"f{number}\"], ")));
        let call = call.unwrap_or_else(|| unreachable!("no field f{number}"));
        let (_, constant) = call
            .split_once(&format!("[\"f{number}\"], "))
            .expect("found");
        assert_eq!(read_ruby(constant), *text, "{call}");
        assert!(call.ends_with(")}"), "{call}");
        if may_be_a_label(text) {
            let labels = value_after(&conf, &format!("labels_s{number}"), "labels");
            let (_, label) = labels.split_once("Hash[\"own\", ").expect("a label");
            assert_eq!(read_ruby(label), *text, "{labels}");
            assert!(label.contains("\"].merge("), "{labels}");
        }
    }
}

#[test]
fn reasons_stay_comments_on_one_line() {
    let conf = rendered().text("rendered/alpha/kubernetes/applications/fluent.conf");
    for (number, text) in texts().iter().enumerate() {
        let words: Vec<&str> = text
            .split(|c: char| c.is_whitespace() || c.is_control())
            .filter(|word| !word.is_empty())
            .collect();
        for name in [format!("d{number}"), format!("e{number}")] {
            let end = format!(" {name}: why {}", words.join(" "));
            let is_it = |line: &&str| {
                line.trim_start().starts_with('#') && line.trim_end().ends_with(end.trim_end())
            };
            assert_eq!(conf.lines().filter(is_it).count(), 1, "{end:?}");
        }
    }
    let directives = conf
        .lines()
        .filter(|line| line.trim_start().starts_with("@include"))
        .count();
    assert_eq!(directives, 0);
}

#[test]
fn json_and_yaml_read_every_text_back() {
    let fleet = rendered();
    let mut wanted = texts();
    let read: Value = serde_json::from_slice(&fleet.read("rendered/alpha/all.json")).expect("JSON");
    let text = fleet.text("rendered/alpha/all.yaml");
    let node = yaml::parse(FileId(0), &SourceFile::new("all.yaml", &*text)).expect("YAML");
    assert_eq!(read, node.to_json(), "YAML reads what JSON reads");
    let mut found: Vec<String> = serde_json::from_value(read["texts"].clone()).expect("texts");
    // Streams of the defaults are among them.
    found.retain(|text| wanted.contains(text));
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

#[test]
fn subjects_of_certificates_reach_the_destinations() {
    let fleet = rendered();
    for (number, text) in texts().iter().enumerate() {
        let folder = format!("rendered/alpha/elasticsearch/t{number}/");
        let files: Vec<String> = fleet
            .outputs()
            .into_iter()
            .filter(|(path, _)| {
                format!("rendered/{path}").starts_with(&folder) && path.contains("mapping")
            })
            .map(|(_, bytes)| String::from_utf8(bytes).expect("UTF-8"))
            .collect();
        let subject = serde_json::to_string(&format!("CN={text}")).expect("JSON");
        assert!(
            files.iter().any(|file| file.contains(&subject)),
            "{subject} in {files:?}"
        );
    }
}

/// Words that YAML 1.1 or 1.2 reads as something else than text, where
/// Kubernetes wants text.
#[test]
fn label_values_stay_text() {
    let fleet = TestFleet::base();
    let words = [
        "yes",
        "No",
        "on",
        "OFF",
        "true",
        "null",
        "1e3",
        "0x1f",
        "012",
        "1",
        "1.5",
        "2027-03-31",
        "y",
        "0b1",
        "0o7",
        "",
    ];
    let labels: Map<String, Value> = words
        .iter()
        .enumerate()
        .map(|(number, word)| (format!("l{number}"), json!(word)))
        .collect();
    let settings = json!({
        "kubernetes": { "monitoring": { "labels": labels } },
        "node_groups": { "odd": { "role": "node", "taints": {
            "a": { "value": "yes", "effects": ["NoSchedule"] }, "b": { "value": "1e3", "effects": ["NoExecute"] },
        } } },
    });
    let merged = fleet
        .text("clusters/alpha/cluster.yaml")
        .replace("node_groups:\n  nodes: { role: node }\n", "");
    let block: String = settings
        .as_object()
        .expect("a map")
        .iter()
        .map(|(key, value)| format!("{key}: {value}\n"))
        .collect();
    fleet.write("clusters/alpha/cluster.yaml", merged + &block);
    let run = fleet.call(&["render", "alpha"]);
    assert_eq!(run.code, 0, "{run}");
    let read = |path: &str| {
        let text = fleet.text(&format!("rendered/alpha/kubernetes/{path}"));
        yaml::parse(FileId(0), &SourceFile::new(path, &*text))
            .expect("YAML")
            .to_json()
    };
    let monitor = read("monitoring/pod-monitor.yaml");
    for (number, word) in words.iter().enumerate() {
        assert_eq!(
            monitor["metadata"]["labels"][format!("l{number}")],
            json!(word)
        );
    }
    let daemon_set = read("applications/daemonset.yaml");
    let tolerations = daemon_set["spec"]["template"]["spec"]["tolerations"]
        .as_array()
        .expect("a list")
        .clone();
    for value in ["yes", "1e3"] {
        assert!(
            tolerations
                .iter()
                .any(|toleration| toleration["value"] == json!(value)),
            "{tolerations:?}"
        );
    }
}

/// A cluster whose machines have every text in every place that takes one.
fn machines() -> TestFleet {
    let fleet = TestFleet::base();
    // A parameter of Systems Manager's and a field of Logstash's are faults of their own.
    let fits = |text: &&String| {
        !["{{", "}}", "%{"]
            .iter()
            .any(|taken| pattern(text).contains(taken))
    };
    let rules = |rule: &dyn Fn(&str) -> Value| {
        let texts = texts();
        let rules = texts.iter().enumerate().filter(|(_, text)| fits(text));
        Value::Object(
            rules
                .map(|(number, text)| (format!("r{number}"), rule(text)))
                .collect(),
        )
    };
    let machines = json!({ "nodes": { "records": {
        "drop": rules(&|text| json!({ "when": { "message": pattern(text) }, "reason": format!("why {text}") })),
        "mask": rules(&|text| json!({ "matches": pattern(text), "reason": format!("why {text}") })),
        "parse": rules(&|text| json!({ "pattern": format!("(?<a>{})", pattern(text)), "reason": format!("why {text}") })),
    } } });
    fleet.append(
        "clusters/alpha/cluster.yaml",
        &format!(
            "sources: {{ machines: {} }}\n",
            to_json(&machines).expect("JSON")
        ),
    );
    let run = fleet.call(&["render", "alpha"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run}");
    fleet
}

#[test]
fn logstash_gets_every_pattern_as_one_value() {
    use logfleet_generator::check::logstash::{Item, ValueKind, parse};

    let conf = machines().text("rendered/alpha/kubernetes/logstash/pipeline.conf");
    let sections = parse(&conf).unwrap_or_else(|finding| unreachable!("{finding:?}"));
    let filter = sections.iter().find(|section| section.kind == "filter");
    let Some(Item::Branch(role)) = filter.expect("filters").items.last() else {
        unreachable!("the rules of a role lie in a branch");
    };
    let (mut drops, mut patterns) = (0, Vec::new());
    for item in &role[0].items {
        match item {
            Item::Branch(arms) => {
                drops += 1;
                assert!(
                    arms[0]
                        .condition
                        .is_some_and(|text| text.starts_with("[message] =~ /"))
                );
            }
            Item::Plugin(plugin) => {
                for option in &plugin.options {
                    match &option.value.kind {
                        ValueKind::List(items) if option.name == "gsub" => {
                            assert_eq!(items.len(), 3);
                            patterns.push(items[1].kind.clone());
                        }
                        ValueKind::Hash(entries) => patterns.push(entries[0].1.kind.clone()),
                        _ => {}
                    }
                }
            }
        }
    }
    assert!(drops > 50, "{drops}");
    assert_eq!(patterns.len(), 2 * drops);
    for pattern in patterns {
        let ValueKind::Text(text) = pattern else {
            unreachable!("{pattern:?}")
        };
        fancy_regex_compiles(text);
        let variable = "${x}";
        assert!(!text.contains(variable), "{text}");
    }
}

/// The pattern is still one; what it matches, the unit tests of the filter look at.
fn fancy_regex_compiles(text: &str) {
    assert!(!text.is_empty());
    assert_eq!(
        text.matches('"').count(),
        text.matches("\\\"").count(),
        "{text}"
    );
}

#[test]
fn filebeat_reads_every_text_back() {
    use logfleet_generator::render::quote;

    for text in texts() {
        let written = quote::filebeat(&text).expect("JSON");
        for taken in ["{{", "}}", "\n"] {
            assert!(!written.contains(taken), "{written}");
        }
        let source = SourceFile::new("filebeat.yml", format!("a: {written}\n"));
        let node = yaml::parse(FileId(0), &source).expect("YAML").to_json();
        let read = node["a"].as_str().expect("a text").to_owned();
        // `$$` is `$`, and nothing else is a variable.
        assert_eq!(read.replace("$$", "$"), text, "{written}");
        assert!(!read.replace("$$", "").contains('$'), "{written}");
    }
}

#[test]
fn a_shell_reads_every_text_back() {
    use logfleet_generator::render::quote;
    use std::process::Command;

    for text in texts() {
        let script = format!("printf %s {}", quote::shell(&text));
        let output = Command::new("sh")
            .args(["-c", &script])
            .output()
            .expect("a shell");
        assert_eq!(String::from_utf8_lossy(&output.stdout), text, "{script}");
    }
}
