//! A value as YAML that every reader takes alike: block style, every text in
//! double quotes, as built-in templates write it. Pure.

use serde_json::Value as Json;

/// Words that some reader takes for something else than a text
/// (<https://yaml.org/type/bool.html>, <https://yaml.org/type/null.html>).
const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// The text of a file.
pub(super) fn emit(value: &Json) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

/// A value on lines of its own.
fn block(value: &Json, level: usize, out: &mut String) {
    match value {
        Json::Object(members) if !members.is_empty() => {
            for (number, (key, value)) in members.iter().enumerate() {
                if number > 0 || level == 0 || out.ends_with('\n') {
                    indent(level, out);
                }
                out.push_str(&name(key));
                out.push(':');
                member(value, level, out);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for item in items {
                indent(level, out);
                out.push('-');
                if is_flow(item) || item.is_array() {
                    member(item, level, out);
                } else {
                    out.push(' ');
                    block(item, level + 1, out);
                }
            }
        }
        flow => {
            out.push_str(&flow.to_string());
            out.push('\n');
        }
    }
}

/// What stands behind a key or a dash.
fn member(value: &Json, level: usize, out: &mut String) {
    if is_flow(value) {
        out.push(' ');
        out.push_str(&value.to_string());
        out.push('\n');
    } else {
        out.push('\n');
        block(value, level + 1, out);
    }
}

/// Whether a value fits behind its key.
fn is_flow(value: &Json) -> bool {
    match value {
        Json::Object(members) => members.is_empty(),
        Json::Array(items) => items.is_empty(),
        _ => true,
    }
}

fn indent(level: usize, out: &mut String) {
    (0..level).for_each(|_| out.push_str("  "));
}

fn name(key: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    let is_word = WORDS.iter().any(|word| key.eq_ignore_ascii_case(word));
    if key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.chars().all(is_plain) && !is_word {
        key.to_owned()
    } else {
        Json::from(key).to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::load::source_file::{FileId, SourceFile};
    use crate::load::yaml;

    fn read(text: &str) -> Json {
        yaml::parse(FileId(0), &SourceFile::new("x", text))
            .expect("YAML")
            .to_json()
    }

    #[test]
    fn is_written_in_blocks() {
        let value = json!({
            "kind": "A",
            "list": [{ "name": "a", "args": ["x", 1] }, "b", [1, []], {}],
            "on": { "a b": null, "empty": {}, "text": "1\n2" },
        });
        let text = concat!(
            "kind: \"A\"\n",
            "list:\n",
            "  - name: \"a\"\n",
            "    args:\n",
            "      - \"x\"\n",
            "      - 1\n",
            "  - \"b\"\n",
            "  -\n",
            "    - 1\n",
            "    - []\n",
            "  - {}\n",
            "\"on\":\n",
            "  \"a b\": null\n",
            "  empty: {}\n",
            "  text: \"1\\n2\"\n",
        );
        assert_eq!(emit(&value), text);
        assert_eq!(read(text), value);
    }

    fn values() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(Json::from),
            any::<bool>().prop_map(Json::from),
            Just(Json::Null),
            "[a-z:#\\[{ \"'\n-]{0,8}|y|012|1e3|=|<<|~".prop_map(Json::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                prop::collection::btree_map("[a-z.: #-]{1,6}|on|~", inner, 0..4)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn is_read_as_what_it_was(value in prop::collection::btree_map("[a-z]{1,4}", values(), 1..4)) {
            let value: Json = value.into_iter().collect();
            prop_assert_eq!(read(&emit(&value)), value);
        }
    }
}
