//! Refuses secrets written down in an input. Pure.

use super::merge::ValuePath;
use crate::fault::{Fault, Faults};
use crate::load::node::{Node, Value};
use crate::load::source::{Sources, Span};
use crate::secrets;

/// What to do instead.
const HINT: &str = "write a reference instead, `aws-secretsmanager:…` or `kubernetes-secret:…`";
/// It is in the history by the time it is refused.
const ROTATE: &str = "if it was ever committed or shared, replace the secret itself too";

/// Finds every literal that looks like a secret, and every text below a key
/// such as `password` that is no reference. None is shown, in no part of the
/// fault.
pub fn find_secret_literals(node: &Node, sources: &Sources) -> Faults {
    let mut found = Vec::new();
    visit(node, &ValuePath::default(), false, &mut found);
    let tell = |(span, message): (Span, String)| {
        let mut place = sources.place(span);
        // The excerpt is masked by shape; here the whole literal must go.
        place.excerpt = hide(&place.excerpt, place.column, place.width);
        Fault::input(message).at(place).hint(HINT).hint(ROTATE)
    };
    found.into_iter().map(tell).collect()
}

fn visit(node: &Node, path: &ValuePath, below_secret_key: bool, found: &mut Vec<(Span, String)>) {
    let shown = || secrets::mask(&path.to_string());
    match &node.value {
        Value::String(text) => {
            if let Some(shape) = secrets::secret_shape(text) {
                found.push((node.span, format!("`{}` holds {shape}", shown())));
            } else if below_secret_key && !text.is_empty() && !secrets::is_reference(text) {
                found.push((node.span, format!("`{}` holds a secret in clear", shown())));
            }
        }
        Value::Integer(_) | Value::Float(_) if below_secret_key => {
            found.push((node.span, format!("`{}` holds a secret in clear", shown())));
        }
        Value::Sequence(items) => {
            for (number, item) in items.iter().enumerate() {
                visit(
                    item,
                    &path.join(&number.to_string()),
                    below_secret_key,
                    found,
                );
            }
        }
        Value::Mapping(entries) => {
            for entry in entries {
                let path = path.join(&entry.key);
                if let Some(shape) = secrets::secret_shape(&entry.key) {
                    found.push((
                        entry.key_span,
                        format!(
                            "the key `{}` holds {shape}",
                            secrets::mask(&path.to_string())
                        ),
                    ));
                }
                visit(
                    &entry.node,
                    &path,
                    secrets::is_secret_key(&entry.key),
                    found,
                );
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
    use crate::load::source::SourceFile;
    use crate::load::yaml;
    use crate::report::{Style, to_text};

    fn told(text: &str) -> String {
        let mut sources = Sources::default();
        let file = sources.push(SourceFile::new("clusters/x/cluster.yaml", text));
        let node = yaml::parse(file, sources.get(file).expect("there")).expect("valid YAML");
        to_text(
            find_secret_literals(&node, &sources),
            "nothing was written",
            Style::Plain,
        )
    }

    #[test]
    fn refuses_secrets_wherever_they_stand_and_shows_none() {
        let key = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        let text = format!(
            "password: hunter2\nurl: https://elastic:hunter2@logs.example.com\nlist: [a, {key}]\n{key}: 1\napi_key: 12345678\nca: |\n  -----BEGIN {} KEY-----\n  hunter2\n",
            "PRIVATE"
        );
        let told = told(&text);
        assert!(
            !told.contains("hunter2") && !told.contains(&key) && !told.contains("12345678"),
            "{told}"
        );
        insta::assert_snapshot!(told);
    }

    #[test]
    fn lets_references_certificates_and_names_pass() {
        assert_eq!(
            told(concat!(
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
}
