//! Secrets in clear in what would be written: whatever put them there, a
//! template, a patch or a setting, they would be committed. Pure.
//!
//! What is a secret's shape, and which keys are of secrets, is
//! [`crate::secrets`]' to say. Here is where they stand in files: below a key,
//! beside a name (`name: DB_PASSWORD`), behind an argument (`--password x`), in
//! a Secret of Kubernetes, as an option of a configuration, in a variable of a
//! script, and in all of these within a text of another file.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value as Json};

use crate::fault::{Fault, Faults};
use crate::load::node::Node;
use crate::load::source_file::{FileId, SourceFile};
use crate::load::yaml;
use crate::secrets::{self, Secrecy};

/// What to do instead.
const HINT: &str = "keep it in AWS Secrets Manager or in a Secret that is not in git, and name it here: by `valueFrom.secretKeyRef`, an ExternalSecret, or a variable of the environment";
/// It is in the history by the time it is refused.
const ROTATE: &str = "if it was ever committed or shared, replace the secret itself too";

/// A secret that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    /// Where it stands, in words.
    at: String,
    /// What it is: "an AWS access key"; a secret in clear, if not by its shape.
    what: &'static str,
    /// Its text, to find its line by.
    text: String,
}

/// What a file was read as already. To read it again would cost more than all else here.
#[derive(Clone, Copy, Debug)]
pub(super) enum Read<'r> {
    /// It wasn't, or couldn't be.
    Not,
    Json(&'r Json),
    Yaml(&'r Node),
}

/// Refuses every secret in a file. `shown` is where a person finds it.
pub(super) fn check(path: &str, shown: impl Fn() -> String, text: &str, read: Read<'_>) -> Faults {
    let found = find(path, text, read);
    if found.is_empty() {
        return Faults::new();
    }
    let source = SourceFile::new(shown(), text);
    found.iter().map(|found| tell(found, &source)).collect()
}

fn tell(found: &Found, source: &SourceFile) -> Fault {
    let first_line = found.text.lines().next().unwrap_or_default();
    let start = source.text().find(first_line).unwrap_or_default();
    let mut place = source.place(start, start + first_line.len());
    // What the excerpt's own masking may leave.
    if !first_line.is_empty() {
        place.excerpt = place.excerpt.replace(first_line, "*****");
    }
    let message = format!("{} holds {}", secrets::mask(&found.at), found.what);
    Fault::input(message).at(place).hint(HINT).hint(ROTATE)
}

fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// Where a value stands in a file; written out only for what is found.
#[derive(Clone, Copy, Debug)]
enum At<'a> {
    Top,
    Key(&'a At<'a>, &'a str),
    Item(&'a At<'a>, usize),
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Key(Self::Top, key) => f.write_str(key),
            Self::Key(above, key) => write!(f, "{above}.{key}"),
            Self::Item(Self::Top, number) => write!(f, "{number}"),
            Self::Item(above, number) => write!(f, "{above}.{number}"),
        }
    }
}

fn find(path: &str, text: &str, read: Read<'_>) -> BTreeSet<Found> {
    let mut found = BTreeSet::new();
    if secrets::secret_shape(text).is_some() {
        shapes(text, &mut found);
    }
    if WORDS.as_ref().is_none_or(|words| words.is_match(text)) {
        match read_as(path) {
            script if script == SCRIPT => in_lines(SCRIPT, &At::Top, text, &mut found),
            name => match (extension(name), read) {
                ("json", Read::Json(value)) => in_value(value, &At::Top, false, &mut found),
                ("yaml" | "yml", Read::Yaml(node)) => {
                    in_value(&node.to_json(), &At::Top, false, &mut found);
                }
                _ => in_text(name, &At::Top, text, &mut found),
            },
        }
    }
    found
}

/// As what a machine's files are read.
const SCRIPT: &str = "a.sh";

/// A name that is enough to know how a file is read: two files of one such name and equal text are judged alike.
pub(super) fn read_as(path: &str) -> &str {
    let is_script = path.starts_with("machines/") && !path.ends_with("/filebeat.yml");
    if is_script && !path.ends_with(".json") {
        // User data is a script in YAML, and long: its words are a shell's.
        SCRIPT
    } else {
        path.rfind('.').map_or("", |at| &path[at..])
    }
}

/// What every key of a secret has: most files have none of it, and to look for
/// this costs a fraction of reading them.
static WORDS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i-u)pass|pwd|secret|token|credential|key[._-]?(?:base|data)|(?:api|private|access|shared|encryption|signing|master|account|license)[._-]?key|config[._-]?json|connection[._-]?string",
    )
    .ok()
});

/// What has a secret's shape, line by line.
fn shapes(text: &str, found: &mut BTreeSet<Found>) {
    let before = found.len();
    for (number, line) in text.lines().enumerate() {
        if let Some(what) = secrets::secret_shape(line) {
            found.insert(Found {
                at: format!("line {}", number + 1),
                what,
                text: line.trim().to_owned(),
            });
        }
    }
    if found.len() == before
        && let Some(what) = secrets::secret_shape(text)
    {
        found.insert(Found {
            at: "this file".to_owned(),
            what,
            text: String::new(),
        });
    }
}

/// A file, or a text in one that is named like a file.
fn in_text(name: &str, at: &At<'_>, text: &str, found: &mut BTreeSet<Found>) {
    match extension(name) {
        "json" => {
            if let Ok(value) = serde_json::from_str::<Json>(text) {
                return in_value(&value, at, false, found);
            }
        }
        "yaml" | "yml" => {
            let source = SourceFile::new(name, text);
            if let Ok(node) = yaml::parse(FileId(0), &source) {
                return in_value(&Node::to_json(&node), at, false, found);
            }
        }
        _ => {}
    }
    in_lines(name, at, text, found);
}

/// `is_secret`: a key above says that a text here is a secret.
fn in_value(value: &Json, at: &At<'_>, is_secret: bool, found: &mut BTreeSet<Found>) {
    match value {
        Json::String(text) if is_secret && !is_kept_elsewhere(text) => add(at, text, found),
        Json::Number(number) if is_secret => add(at, &number.to_string(), found),
        Json::String(text) if text.contains('\n') => {
            in_text("", at, text, found);
        }
        Json::String(text) => in_assignment(text, at, found),
        Json::Array(items) => {
            let mut is_argument = false;
            for (number, item) in items.iter().enumerate() {
                in_value(item, &At::Item(at, number), is_secret || is_argument, found);
                is_argument = item.as_str().is_some_and(asks_for_a_secret);
            }
        }
        Json::Object(members) => in_members(members, at, is_secret, found),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

fn in_members(
    members: &Map<String, Json>,
    at: &At<'_>,
    is_secret: bool,
    found: &mut BTreeSet<Found>,
) {
    let is_secret_object = members.get("kind").and_then(Json::as_str) == Some("Secret");
    let names_one = members
        .iter()
        .any(|(key, name)| secrets::is_name_key(key) && name.as_str().is_some_and(is_of_secrets));
    for (key, value) in members {
        let at = At::Key(at, key);
        if is_secret_object && ["data", "stringData"].contains(&key.as_str()) {
            in_secret_object(value, &at, found);
            continue;
        }
        let is_name = secrets::is_reference_key(key)
            || key == "existingSecret"
            || (key == "secretKey"
                && (members.contains_key("remoteRef") || members.contains_key("sourceRef")));
        let is_value = secrets::is_value_key(key) && (names_one || is_secret);
        // A map below such a key describes it: only its value is one.
        let is_secret = is_value || (!is_name && is_of_secrets(key) && !is_definition(value));
        match value {
            Json::String(text) if !is_secret && text.contains('\n') => {
                in_text(key, &at, text, found);
            }
            _ => in_value(value, &at, is_secret, found),
        }
    }
}

/// All that a Secret holds is one, but what only stands for it.
fn in_secret_object(value: &Json, at: &At<'_>, found: &mut BTreeSet<Found>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        match value {
            Json::String(text) if is_kept_elsewhere(text) => {}
            Json::String(text) => add(&At::Key(at, key), text, found),
            Json::Null => {}
            other => add(&At::Key(at, key), &other.to_string(), found),
        }
    }
}

fn add(at: &At<'_>, text: &str, found: &mut BTreeSet<Found>) {
    found.insert(Found {
        at: format!("`{at}`"),
        what: "a secret in clear",
        text: text.trim().to_owned(),
    });
}

/// Whether a key's value is a secret.
fn is_of_secrets(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key);
    secrets::secrecy(last) == Secrecy::OfAll
}

/// Whether a value says what the values of its name are: a field of a mapping.
fn is_definition(value: &Json) -> bool {
    value.get("type").is_some_and(Json::is_string) && value.get("value").is_none()
}

/// Whether a text stands for a secret that is kept elsewhere, or encrypted:
/// a reference, a variable, a placeholder that somebody fills in
/// (<https://argocd-vault-plugin.readthedocs.io/en/stable/howitworks/>), what
/// SOPS encrypted (<https://getsops.io/docs/>), the name of an object of AWS.
fn is_kept_elsewhere(text: &str) -> bool {
    let text = text.trim();
    secrets::is_harmless(text)
        || secrets::is_reference(text)
        || is_of_variables(text)
        || text.contains("{{")
        || text.contains("#{")
        || (text.starts_with('<') && text.ends_with('>'))
        || ["ENC[", "arn:", "ref+", "vault:"]
            .iter()
            .any(|start| text.starts_with(start))
}

/// A variable where a program runs.
static VARIABLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\$\{[^}]*\}|\$\([^)]*\)|%\{[^}]*\}").ok());

/// Whether a text has variables, and nothing beside them that says something:
/// `${ID}:${KEY}`.
fn is_of_variables(text: &str) -> bool {
    text.contains(['$', '%'])
        && VARIABLE.as_ref().is_some_and(|pattern| {
            let rest = pattern.replace_all(text, "");
            rest.len() < text.len() && !rest.contains(char::is_alphanumeric)
        })
}

/// Whether an argument says that the next is a secret: `--password`.
fn asks_for_a_secret(text: &str) -> bool {
    let name = text.trim_start_matches('-');
    name.len() < text.len() && !name.contains('=') && is_of_secrets(name)
}

/// `--password=x`, `DB_PASSWORD=x`: a name, and a value without a blank.
static ASSIGNMENT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:-{0,2}|-D)([A-Za-z_][A-Za-z0-9_.-]*)=(\S+)$").ok());

fn in_assignment(text: &str, at: &At<'_>, found: &mut BTreeSet<Found>) {
    if !text.contains('=') {
        return;
    }
    let captures = ASSIGNMENT
        .as_ref()
        .and_then(|pattern| pattern.captures(text));
    let Some((_, [name, value])) = captures.map(|captures| captures.extract()) else {
        return;
    };
    if is_of_secrets(name) && is_literal(value) {
        add(at, value, found);
    }
}

/// A line that gives a name a value: an option, a variable, a key.
static LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"^\s*(?:-\s+)?(?:(?:export|local|readonly|declare|set|env)\s+(?:-\w+\s+)?)?["']?([A-Za-z_@][A-Za-z0-9_.@-]*)["']?(\s*(?:=>|=|:)\s*|\s+)(\S.*)$"#,
    )
    .ok()
});

/// Files in which a blank, or a `:`, stands between a name and a value. In
/// others it may be prose.
const OPTIONS: [&str; 7] = ["conf", "cfg", "ini", "properties", "env", "yaml", "yml"];

fn in_lines(name: &str, at: &At<'_>, text: &str, found: &mut BTreeSet<Found>) {
    let Some(pattern) = LINE.as_ref() else {
        return;
    };
    let Some(words) = PARTS_OF_WORDS.as_ref() else {
        return;
    };
    let has_options = OPTIONS.contains(&extension(name));
    let mut from = 0;
    // Most lines have none of it, and a pattern costs more than this.
    while let Some(word) = words.find_at(text, from) {
        let line = line_around(text, word.start());
        from = line.end;
        let line = &text[line];
        if line.len() > 4_000 {
            continue;
        }
        let Some((_, [key, separator, value])) =
            pattern.captures(line).map(|captures| captures.extract())
        else {
            continue;
        };
        let value = value.trim().trim_end_matches([',', ';']).trim_end();
        let is_quoted = value.starts_with(['"', '\'']);
        let is_assigned = separator.contains('=');
        let is_option = has_options
            && (separator.contains(':') || !value.contains(char::is_whitespace) || is_quoted);
        if is_of_secrets(key)
            && (is_assigned || is_option || (separator.contains(':') && is_quoted))
            && is_literal(value)
        {
            let at = At::Key(at, key);
            add(&at, value.trim_matches(['"', '\'']), found);
        }
    }
}

/// The line that a place is in, without its end.
fn line_around(text: &str, at: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |end| end + 1);
    match memchr::memchr(b'\n', &bytes[at..]) {
        Some(length) if bytes[start..at + length].ends_with(b"\r") => start..at + length - 1,
        Some(length) => start..at + length,
        None => start..text.len(),
    }
}

/// What a line has in it that has a key of a secret.
static PARTS_OF_WORDS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        "ass|ockerconfigjson|ecret|oken|ey|redential|wd|tring|ASS|ECRET|OKEN|EY|REDENTIAL|WD|TRING",
    )
    .ok()
});

/// Whether a value of a line is what it says: no variable, no command, nothing
/// that is put together when a program runs.
fn is_literal(value: &str) -> bool {
    if is_kept_elsewhere(value) {
        return false;
    }
    if let Some(inner) = value
        .strip_prefix('\'')
        .and_then(|inner| inner.strip_suffix('\''))
    {
        return !is_kept_elsewhere(inner);
    }
    if let Some(inner) = value
        .strip_prefix('"')
        .and_then(|inner| inner.strip_suffix('"'))
    {
        let is_made = inner.contains(['$', '`', '"']) || inner.contains("%{");
        return !is_made && !is_kept_elsewhere(inner);
    }
    let is_word =
        !value.contains(char::is_whitespace) && !value.contains(['$', '`', '(', '<', '>', '|']);
    is_word && !value.starts_with(['{', '[', '&', '*', '%', '@'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORD: &str = "hunter2-of-the-fleet";

    fn reported(path: &str, text: &str) -> Vec<String> {
        let faults = check(path, || format!("rendered/alpha/{path}"), text, Read::Not).sorted();
        let shown = format!("{faults:?}");
        assert!(!shown.contains(WORD), "{shown}");
        let lines = faults.into_iter().map(|fault| {
            let line = fault.place.map_or(0, |place| place.line);
            format!("{line}: {}", fault.message)
        });
        lines.collect()
    }

    #[test]
    fn a_secret_is_found_wherever_it_stands() {
        for (path, text, expected) in [
            (
                "kubernetes/secret.yaml",
                "apiVersion: v1\nkind: Secret\nmetadata: { name: a }\ndata:\n  any: §\n",
                "5: `data.any` holds a secret in clear",
            ),
            (
                "kubernetes/secret.yaml",
                "kind: List\nitems:\n  - kind: Secret\n    stringData: { any: \"§\" }\n",
                "4: `items.0.stringData.any` holds a secret in clear",
            ),
            (
                "kubernetes/patches/env.yaml",
                "spec:\n  containers:\n    - name: a\n      env:\n        - name: DB_PASSWORD\n          value: §\n",
                "6: `spec.containers.0.env.0.value` holds a secret in clear",
            ),
            (
                "kubernetes/patches/operations.yaml",
                "- op: add\n  path: /a\n  value: { name: API_TOKEN, value: § }\n",
                "3: `0.value.value` holds a secret in clear",
            ),
            (
                "kubernetes/a.yaml",
                "args:\n  - --user\n  - a\n  - --password\n  - §\n",
                "5: `args.3` holds a secret in clear",
            ),
            (
                "kubernetes/a.yaml",
                "args: [--api-key=§]\n",
                "1: `args.0` holds a secret in clear",
            ),
            (
                "kubernetes/kustomization.yaml",
                "secretGenerator:\n  - name: a\n    literals:\n      - password=§\n",
                "4: `secretGenerator.0.literals.0` holds a secret in clear",
            ),
            (
                "kubernetes/config-map.yaml",
                "kind: ConfigMap\ndata:\n  fluent.conf: |\n    <match>\n      password §\n    </match>\n",
                "5: `data.fluent.conf.password` holds a secret in clear",
            ),
            (
                "kubernetes/config-map.yaml",
                "kind: ConfigMap\ndata:\n  a.json: |\n    { \"password\":\n      \"§\" }\n",
                "5: `data.a.json.password` holds a secret in clear",
            ),
            (
                "kubernetes/applications/fluent.conf",
                "<match **>\n  user fluentd\n  password §\n</match>\n",
                "3: `password` holds a secret in clear",
            ),
            (
                "kubernetes/logstash/output-main.conf",
                "output { opensearch {\n  password => \"§\"\n} }\n",
                "2: `password` holds a secret in clear",
            ),
            (
                "machines/nodes/filebeat.yml",
                "output.elasticsearch.password: §\n",
                "1: `output.elasticsearch.password` holds a secret in clear",
            ),
            (
                "machines/nodes/install.sh",
                "#!/bin/bash\nset -e\nexport DB_PASSWORD='§'\n",
                "3: `DB_PASSWORD` holds a secret in clear",
            ),
            (
                "aws/eu-central-1/stack.json",
                "{\n \"Parameters\": { \"DbPassword\": { \"Type\": \"String\", \"Default\": \"§\" } } }",
                "2: `Parameters.DbPassword.Default` holds a secret in clear",
            ),
            (
                "aws/eu-central-1/stack.json",
                "{ \"Properties\": {\n \"SecretString\": \"§\" } }",
                "2: `Properties.SecretString` holds a secret in clear",
            ),
            (
                "notes.txt",
                "password=§\n",
                "1: `password` holds a secret in clear",
            ),
        ] {
            assert_eq!(
                reported(path, &text.replace('§', WORD)),
                [expected],
                "{text}"
            );
        }
        let key = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        assert_eq!(
            reported(
                "kubernetes/namespace.yaml",
                &format!("a: b\nc: use {key}\n")
            ),
            ["2: line 2 holds an AWS access key"]
        );
    }

    #[test]
    fn what_only_says_where_a_secret_is_passes() {
        for (path, text) in [
            (
                "a.yaml",
                "env:\n  - name: DB_PASSWORD\n    valueFrom: { secretKeyRef: { name: main, key: password } }\n",
            ),
            (
                "a.yaml",
                "data:\n  - secretKey: password\n    remoteRef: { key: logfleet/main, property: password }\n",
            ),
            (
                "a.yaml",
                "automountServiceAccountToken: true\nsecretRef: { name: a }\nimagePullSecrets: [{ name: registry }]\n",
            ),
            (
                "a.yaml",
                "kind: Secret\nmetadata: { name: a }\ntype: kubernetes.io/service-account-token\n",
            ),
            (
                "a.yaml",
                "kind: Secret\nstringData: { a: \"<path:secret/data/logs#password>\", b: \"ENC[AES256_GCM,data:x]\", c: \"${PASSWORD}\" }\n",
            ),
            (
                "a.yaml",
                "volumes: [{ name: tls, secret: { secretName: tls, defaultMode: 256 } }]\n",
            ),
            (
                "a.yaml",
                "args: [--token-file, /var/run/token, --password=$(PASSWORD), --secret-name=main]\n",
            ),
            (
                "a.yaml",
                "kind: ExternalSecret\ntarget: { template: { data: { password: \"{{ .password }}\" } } }\n",
            ),
            (
                "filebeat.yml",
                "output.elasticsearch.api_key: \"${MAIN_ID}:${MAIN_KEY}\"\n",
            ),
            (
                "fluent.conf",
                "password \"#{ENV['LOGFLEET_MAIN_PASSWORD']}\"\n# password is in the environment\nclient_key /etc/tls.key\n",
            ),
            ("output.conf", "password => \"${LOGFLEET_MAIN_PASSWORD}\"\n"),
            (
                "install.sh",
                "secret=$(aws secretsmanager get-secret-value)\nlocal secret digest\ntoken=\"$1\"\nvalue password <<<\"$secret\"\n",
            ),
            (
                "stack.json",
                "{ \"Password\": { \"Ref\": \"Other\" }, \"MainSecret\": { \"Type\": \"AWS::SecretsManager::Secret\", \"Properties\": { \"Name\": \"main\" } } }",
            ),
            (
                "mapping.json",
                "{ \"properties\": { \"token\": { \"type\": \"keyword\" }, \"password\": { \"type\": \"keyword\" } } }",
            ),
            (
                "notes.md",
                "The password is in the vault.\ntoken: ask the team\n",
            ),
        ] {
            assert_eq!(reported(path, text), [""; 0], "{text}");
        }
    }
}
