//! Refuses secrets written down in an input. Pure.

use std::collections::BTreeSet;

use super::merge::ValuePath;
use crate::fault::{Fault, Faults, Place};
use crate::load::node::{Node, Value};
use crate::load::source_file::{Sources, Span};
use crate::secrets;

/// What to write at a setting that says where a secret is kept.
const REFERENCE: &str =
    "write where the secret is kept instead, `aws-secretsmanager:…` or `kubernetes-secret:…`";
/// Elsewhere a reference would be an ordinary text, and be written down as such.
const NOWHERE: &str = "remove it: no secret belongs here, and no reference to one is read here";
/// It is in the history by the time it is refused.
const ROTATE: &str = "if it was ever committed or shared, replace the secret itself too";

/// Adds a fault for every literal that looks like a secret, and for every text
/// below a key such as `password` that is no reference. None is shown, in no
/// part of the fault.
///
/// What else is wrong with such a literal or its key is taken from `faults`:
/// the secret has to go first.
pub fn refuse_secret_literals(faults: &mut Faults, node: &Node, sources: &Sources) {
    let mut found = Vec::new();
    visit(node, &ValuePath::default(), Below::default(), &mut found);
    let starts: BTreeSet<_> = found
        .iter()
        .flat_map(|literal| [Some(literal.span), literal.key])
        .flatten()
        .map(|span| start(&sources.place(span)))
        .collect();
    faults.retain(|fault| {
        let place = fault.place.as_ref();
        place.is_none_or(|place| !starts.contains(&start(place)))
    });
    let reported = found.into_iter().map(|literal| literal.tell(sources));
    faults.append(reported.collect());
}

/// Where a place begins.
fn start(place: &Place) -> (String, u32, u32) {
    (place.file.clone(), place.line, place.column)
}

/// A literal that looks like a secret.
struct Literal {
    span: Span,
    key: Option<Span>,
    message: String,
    hint: String,
}

impl Literal {
    fn tell(self, sources: &Sources) -> Fault {
        let mut place = sources.place(self.span);
        // The excerpt is masked by shape; here the whole literal must go.
        place.excerpt = hide(&place.excerpt, place.column, place.width);
        Fault::input(self.message)
            .at(place)
            .hint(self.hint)
            .hint(ROTATE)
    }
}

/// What to do about a secret at a setting.
fn hint_at(path: &ValuePath) -> String {
    let keys: Vec<&str> = path.parts().iter().map(String::as_str).collect();
    match keys.as_slice() {
        [.., last] if takes_reference(last) => REFERENCE.to_owned(),
        ["destinations", name, "authentication", ..] => format!(
            "remove it, and name where the secret is kept: `destinations.{name}.authentication.secret: aws-secretsmanager:…`"
        ),
        ["destinations", name, "url"] => format!(
            "remove user and password from the address; `destinations.{name}.authentication` says how a cluster authenticates"
        ),
        _ => NOWHERE.to_owned(),
    }
}

/// Whether a setting says where a secret is kept.
fn takes_reference(key: &str) -> bool {
    key == "secret" || key.ends_with("_secret") || key == "signers"
}

/// The key that a value stands below, in lists too.
#[derive(Clone, Copy, Default)]
struct Below {
    key: Option<Span>,
    is_secret: bool,
}

fn visit(node: &Node, path: &ValuePath, below: Below, found: &mut Vec<Literal>) {
    let shown = || secrets::mask(&path.to_string());
    let literal = |message| Literal {
        span: node.span,
        key: below.key,
        message,
        hint: hint_at(path),
    };
    match &node.value {
        Value::String(text) => {
            if let Some(shape) = secrets::secret_shape(text) {
                found.push(literal(format!("`{}` holds {shape}", shown())));
            } else if below.is_secret && !text.is_empty() && !secrets::is_reference(text) {
                found.push(literal(format!("`{}` holds a secret in clear", shown())));
            }
        }
        Value::Integer(_) | Value::Float(_) if below.is_secret => {
            found.push(literal(format!("`{}` holds a secret in clear", shown())));
        }
        Value::Sequence(items) => {
            for (number, item) in items.iter().enumerate() {
                visit(item, &path.join(&number.to_string()), below, found);
            }
        }
        Value::Mapping(entries) => {
            for entry in entries {
                let path = path.join(&entry.key);
                if let Some(shape) = secrets::secret_shape(&entry.key) {
                    found.push(Literal {
                        span: entry.key_span,
                        key: None,
                        message: format!(
                            "the key `{}` holds {shape}",
                            secrets::mask(&path.to_string())
                        ),
                        hint: NOWHERE.to_owned(),
                    });
                }
                let below = Below {
                    key: Some(entry.key_span),
                    is_secret: secrets::is_secret_key(&entry.key),
                };
                visit(&entry.node, &path, below, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => {}
    }
}

/// The excerpt with those columns masked.
fn hide(excerpt: &str, column: u32, width: u32) -> String {
    let (from, to) = (
        column.saturating_sub(1) as usize,
        (column.saturating_sub(1) + width) as usize,
    );
    excerpt
        .chars()
        .enumerate()
        .map(|(at, c)| if (from..to).contains(&at) { '*' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::source_file::SourceFile;
    use crate::load::yaml;
    use crate::report::{Style, to_text};

    fn reported(text: &str) -> String {
        let mut sources = Sources::default();
        let file = sources.push(SourceFile::new("clusters/x/cluster.yaml", text));
        let node = yaml::parse(file, sources.get(file).expect("there")).expect("valid YAML");
        let mut faults = Faults::new();
        refuse_secret_literals(&mut faults, &node, &sources);
        to_text(faults, "nothing was written", Style::Plain)
    }

    #[test]
    fn tells_nothing_else_of_a_secret_or_its_key() {
        let mut sources = Sources::default();
        let file = sources.push(SourceFile::new("x", "password: hunter2\nother: 1\n"));
        let node = yaml::parse(file, sources.get(file).expect("there")).expect("valid YAML");
        let entries = node.entries().expect("a mapping");
        let unknown = |span| Fault::input("not a setting").at(sources.place(span));
        let mut faults: Faults = entries
            .iter()
            .flat_map(|entry| [unknown(entry.key_span), unknown(entry.node.span)])
            .chain([Fault::input("of no place")])
            .collect();
        refuse_secret_literals(&mut faults, &node, &sources);
        let reported: Vec<String> = faults
            .sorted()
            .into_iter()
            .map(|fault| {
                format!(
                    "{:?} {}",
                    fault.place.map(|place| place.line),
                    fault.message
                )
            })
            .collect();
        assert_eq!(
            reported,
            [
                "None of no place",
                "Some(1) `password` holds a secret in clear",
                "Some(2) not a setting",
                "Some(2) not a setting",
            ]
        );
    }

    #[test]
    fn refuses_secrets_wherever_they_stand_and_shows_none() {
        let key = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        let text = format!(
            "password: hunter2\nurl: https://elastic:hunter2@logs.example.com\nlist: [a, {key}]\n{key}: 1\napi_key: 12345678\nca: |\n  -----BEGIN {} KEY-----\n  hunter2\n",
            "PRIVATE"
        );
        let reported = reported(&text);
        assert!(
            !reported.contains("hunter2")
                && !reported.contains(&key)
                && !reported.contains("12345678"),
            "{reported}"
        );
        insta::assert_snapshot!(reported);
    }

    #[test]
    fn lets_references_certificates_and_names_pass() {
        assert_eq!(
            reported(concat!(
                "password: aws-secretsmanager:prod/logs\n",
                "api_key: {secret: kubernetes-secret:logs/key}\n",
                "credentials: {name: logfleet, rotate: true, namespace: logging}\n",
                "token: null\n",
                "secret_name: logs-writer\n",
                "ca: |\n  -----BEGIN CERTIFICATE-----\n  MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n  -----END CERTIFICATE-----\n",
            )),
            ""
        );
    }

    /// `hint_at` goes by names of settings; these are all of them.
    #[test]
    fn settings_that_take_a_reference_are_known_by_their_name() {
        fn visit(schema: &serde_json::Value, found: &mut Vec<(String, bool)>) {
            let properties = schema.get("properties").and_then(|all| all.as_object());
            for (name, property) in properties.into_iter().flatten() {
                found.push((
                    name.clone(),
                    property.to_string().contains("SecretReference\""),
                ));
            }
            match schema {
                serde_json::Value::Object(members) => {
                    members.values().for_each(|member| visit(member, found));
                }
                serde_json::Value::Array(items) => items.iter().for_each(|item| visit(item, found)),
                _ => {}
            }
        }
        let schema = crate::layers::input_schema::input_schema(
            crate::layers::input_schema::InputKind::Settings,
        );
        let mut found = Vec::new();
        visit(&schema, &mut found);
        assert!(
            found.iter().filter(|(_, takes)| *takes).count() > 5,
            "{found:?}"
        );
        for (name, takes) in found {
            assert_eq!(takes_reference(&name), takes, "{name}");
        }
    }
}
