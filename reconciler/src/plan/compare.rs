//! What differs between two values. Pure.

use serde::Serialize;
use serde_json::Value;

/// A place at which two values differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// The place, as a JSON pointer (<https://www.rfc-editor.org/rfc/rfc6901>).
    pub at: String,
    /// What the server has; nothing if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What is wanted; nothing if it is to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// The most characters that are shown of a value.
const LONGEST: usize = 200;

/// Everything that differs, in the order of places.
pub fn differences(from: &Value, to: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), Some(from), Some(to), &mut found);
    found.sort();
    found
}

fn compare(at: String, from: Option<&Value>, to: Option<&Value>, found: &mut Vec<Difference>) {
    match (from, to) {
        (Some(from), Some(to)) if from == to => {}
        (Some(Value::Object(from)), Some(Value::Object(to))) => {
            for (key, value) in from {
                compare(below(&at, key), Some(value), to.get(key), found);
            }
            for (key, value) in to.iter().filter(|(key, _)| !from.contains_key(*key)) {
                compare(below(&at, key), None, Some(value), found);
            }
        }
        (Some(Value::Array(from)), Some(Value::Array(to))) if from.len() == to.len() => {
            for (index, (from, to)) in from.iter().zip(to).enumerate() {
                compare(below(&at, &index.to_string()), Some(from), Some(to), found);
            }
        }
        (from, to) => found.push(Difference {
            at,
            from: from.map(shown),
            to: to.map(shown),
        }),
    }
}

fn below(at: &str, key: &str) -> String {
    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// A value in one line, cut where it is long, without what looks like a secret.
fn shown(value: &Value) -> String {
    fit_to_show(&value.to_string(), value)
}

/// The text of a value, cut where it is long, without what looks like a secret.
pub(crate) fn fit_to_show(text: &str, value: &Value) -> String {
    let text = logfleet_contract::secrets::mask_text(text);
    if text.chars().count() <= LONGEST {
        return text;
    }
    let cut: String = text.chars().take(LONGEST).collect();
    format!("{cut}… ({})", &super::digest(value)[..12])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_place_is_told_once() {
        let found = differences(
            &json!({"a": 1, "b": {"c/d": [1, 2]}, "e": [1]}),
            &json!({"b": {"c/d": [1, 3]}, "e": [1, 2], "f": null}),
        );
        let told: Vec<String> = found
            .iter()
            .map(|one| format!("{} {:?} {:?}", one.at, one.from, one.to))
            .collect();
        assert_eq!(
            told,
            [
                "/a Some(\"1\") None",
                "/b/c~1d/1 Some(\"2\") Some(\"3\")",
                "/e Some(\"[1]\") Some(\"[1,2]\")",
                "/f None Some(\"null\")",
            ]
        );
    }

    #[test]
    fn long_values_that_differ_late_are_shown_to_differ() {
        let long = |end: &str| json!({ "a": "x".repeat(1000) + end });
        let found = differences(&long("1"), &long("2"));
        assert_ne!(found[0].from, found[0].to);
    }
}
