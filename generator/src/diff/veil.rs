//! What of a value may be shown. Pure.
//!
//! Nothing that looks like a secret gets into a preview. Names of secrets, and
//! variables that hold one where a program runs, are none.

use serde_json::Value as Json;

use crate::secrets;

/// What stands for a secret; its length says nothing.
pub(super) const HIDDEN: &str = "*****";

/// Keys that end as a secret's do, and hold the name of a part of one
/// (<https://external-secrets.io/latest/api/externalsecret/>).
const NAMES: [&str; 1] = ["secretKey"];

/// A value under that key, fit to be shown.
pub(super) fn shown(key: &str, value: &Json) -> Json {
    value_below(is_secret(key), value)
}

/// A text that is no value, such as a key or a path.
pub(super) fn shown_text(text: &str) -> String {
    secrets::mask(text)
}

/// A line that somebody wrote, fit to be shown.
pub(super) fn shown_line(text: &str) -> String {
    secrets::mask_text(text)
}

/// Whether a key says that its value is a secret.
pub(super) fn is_secret(key: &str) -> bool {
    secrets::is_secret_key(key) && !NAMES.contains(&key)
}

fn value_below(secret: bool, value: &Json) -> Json {
    match value {
        Json::String(text) if secret && !is_reference(text) => HIDDEN.into(),
        Json::Number(_) if secret => HIDDEN.into(),
        Json::String(text) => Json::String(shown_line(text)),
        Json::Array(items) => items.iter().map(|item| value_below(secret, item)).collect(),
        Json::Object(members) => {
            let members = members.iter().map(|(key, value)| {
                let below = secret || is_secret(key);
                (shown_text(key), value_below(below, value))
            });
            Json::Object(members.collect())
        }
        other => other.clone(),
    }
}

/// Whether a text only says where a secret is: a reference, or a variable of
/// the environment as Fluentd, a shell or Logstash write it.
fn is_reference(text: &str) -> bool {
    let inside = |open: &str, close: &str| {
        text.strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .is_some_and(|name| {
                let plain = |c: char| {
                    c.is_ascii_alphanumeric() || matches!(c, '_' | '\'' | '"' | '[' | ']' | '.')
                };
                !name.is_empty() && name.chars().all(plain)
            })
    };
    text.is_empty()
        || secrets::is_reference(text)
        || inside("#{ENV[", "]}")
        || inside("${", "}")
        || inside("$(", ")")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hides_what_stands_under_a_secret_key() {
        assert_eq!(shown("password", &json!("hunter2")), json!(HIDDEN));
        assert_eq!(shown("api_key", &json!(42)), json!(HIDDEN));
        let nested = json!({"client_secret": ["hunter2"], "user": "fluentd"});
        assert_eq!(
            shown("auth", &nested),
            json!({"client_secret": [HIDDEN], "user": "fluentd"})
        );
    }

    #[test]
    fn hides_what_looks_like_a_secret_anywhere() {
        let key = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        let told = shown("comment", &json!(format!("use {key}"))).to_string();
        assert!(!told.contains(&key), "{told}");
        assert!(!shown_text(&key).contains(&key));
    }

    #[test]
    fn shows_where_a_secret_is() {
        for reference in [
            "aws-secretsmanager:logfleet/alpha/main",
            "#{ENV['LOGFLEET_MAIN_PASSWORD']}",
            "${LOGFLEET_MAIN_PASSWORD}",
            "$(PASSWORD)",
        ] {
            assert_eq!(shown("password", &json!(reference)), json!(reference));
        }
        assert_eq!(shown("secretKey", &json!("username")), json!("username"));
        assert_eq!(
            shown("secretName", &json!("logfleet-main")),
            json!("logfleet-main")
        );
        assert_eq!(
            shown("automountServiceAccountToken", &json!(false)),
            json!(false)
        );
    }
}
