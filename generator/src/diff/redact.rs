//! What of a value may be shown. Pure.
//!
//! Nothing that looks like a secret gets into a preview. Names of secrets, and
//! variables that hold one where a program runs, are none.

use serde_json::{Map, Value as Json};

use crate::secrets::{self, Secrecy};

/// What stands for a secret; its length says nothing.
pub(super) const HIDDEN: &str = "*****";

/// The fields of a Secret that nobody may see
/// (<https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/>).
const SECRET_FIELDS: [&str; 2] = ["data", "stringData"];

/// Where a value stands, as far as that tells whether it is a secret.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Under<'k> {
    /// The key that it stands under; empty for none.
    pub(super) name: &'k str,
    /// Whether it is a secret, and so is all that is in it.
    pub(super) is_secret: bool,
    /// Whether it is one if it is a text.
    is_secret_text: bool,
}

impl<'k> Under<'k> {
    /// Under a key that nothing else is known of.
    pub(super) fn key(name: &'k str) -> Self {
        Self::default().and_key(name)
    }

    fn and_key(self, name: &'k str) -> Self {
        let secrecy = secrets::secrecy(name);
        Self {
            name,
            is_secret: self.is_secret || secrecy == Secrecy::OfAll,
            is_secret_text: secrecy == Secrecy::OfTexts,
        }
    }

    /// Below it in a map, under that key.
    pub(super) fn member(self, name: &'k str, members: &Map<String, Json>) -> Self {
        let value = members.get(name).unwrap_or(&Json::Null);
        let is_shown = secrets::is_reference_key(name)
            || is_name_in_external_secret(name, members)
            || is_volume(name, value)
            || self.is_definition(value);
        if is_shown {
            return Self {
                name,
                ..Self::default()
            };
        }
        let of_secret = SECRET_FIELDS.contains(&name) && is_secret_object(members);
        let named = secrets::is_value_key(name) && names_a_secret(members);
        let key = self.and_key(name);
        Self {
            is_secret: key.is_secret || of_secret || named,
            ..key
        }
    }

    /// Below it in a list, as each of these items.
    pub(super) fn items(self, items: &[Json]) -> Vec<Self> {
        let mut is_in_key = false;
        let mut is_argument = false;
        let below = |item: &Json| {
            let text = item.as_str().unwrap_or_default();
            let is_secret = self.is_secret || is_in_key || is_argument;
            let begins = text.contains("BEGIN ") && text.contains(" PRIVATE KEY");
            is_in_key = (is_in_key || begins) && !text.contains("END ");
            is_argument = asks_for_a_secret(text);
            Self { is_secret, ..self }
        };
        items.iter().map(below).collect()
    }

    /// The same, if either of two values says that it is a secret.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            name: self.name,
            is_secret: self.is_secret || other.is_secret,
            is_secret_text: self.is_secret_text || other.is_secret_text,
        }
    }

    /// Whether a text there may not be shown.
    pub(super) fn hides(self, text: &str) -> bool {
        let is_secret = self.is_secret || self.is_secret_text;
        (is_secret && !secrets::is_harmless(text)) || holds_secret(text)
    }

    /// Whether a value says what the values of that name are: a resource or
    /// parameter of `CloudFormation`, a field of a mapping.
    fn is_definition(self, value: &Json) -> bool {
        let kind = |key| value.get(key).and_then(Json::as_str);
        kind("Type").is_some_and(|kind| kind.starts_with("AWS::"))
            || (self.name == "properties" && kind("type").is_some())
    }
}

/// A value, fit to be shown.
pub(super) fn value(under: Under<'_>, whole: &Json) -> Json {
    match whole {
        Json::String(text) if under.hides(text) => HIDDEN.into(),
        Json::Number(_) if under.is_secret => HIDDEN.into(),
        Json::String(text) => Json::String(line(text)),
        Json::Array(items) => {
            let places = under.items(items).into_iter();
            let items = places.zip(items).map(|(under, item)| value(under, item));
            items.collect()
        }
        Json::Object(members) => {
            let shown = members.iter().map(|(key, member)| {
                let below = under.member(key, members);
                (line(key), value(below, member))
            });
            Json::Object(shown.collect())
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => whole.clone(),
    }
}

/// A text that is no value, such as a key or a path.
pub(super) fn text(text: &str) -> String {
    secrets::mask(text)
}

/// What somebody wrote, fit to be shown.
pub(super) fn line(text: &str) -> String {
    secrets::mask_text(text)
}

/// Whether a value has a Secret of Kubernetes in it.
pub(super) fn has_secret(value: &Json) -> bool {
    match value {
        Json::Object(members) => is_secret_object(members) || members.values().any(has_secret),
        Json::Array(items) => items.iter().any(has_secret),
        Json::String(text) => holds_secret(text),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

fn is_secret_object(members: &Map<String, Json>) -> bool {
    members.get("kind").and_then(Json::as_str) == Some("Secret")
        && SECRET_FIELDS
            .iter()
            .any(|field| members.contains_key(*field))
}

/// Whether a text is a Secret of Kubernetes, or has one in it.
fn holds_secret(text: &str) -> bool {
    secrets::names_secret(text) && (text.contains("data") || text.contains("stringData"))
}

/// Whether a key holds the name of a part of a secret
/// (<https://external-secrets.io/latest/api/externalsecret/>).
fn is_name_in_external_secret(name: &str, members: &Map<String, Json>) -> bool {
    name == "secretKey" && (members.contains_key("remoteRef") || members.contains_key("sourceRef"))
}

/// Whether a value is a volume of Kubernetes, which only names a secret.
fn is_volume(name: &str, value: &Json) -> bool {
    let only = |known: &[&str]| {
        let members = value.as_object();
        members.is_some_and(|members| members.keys().all(|key| known.contains(&key.as_str())))
    };
    match name {
        "secret" => only(&["secretName", "name", "items", "optional", "defaultMode"]),
        "serviceAccountToken" => only(&["path", "audience", "expirationSeconds"]),
        _ => false,
    }
}

/// Whether a map has the name of a secret, whose value stands beside it:
/// `name: DB_PASSWORD`.
fn names_a_secret(members: &Map<String, Json>) -> bool {
    let mut names = members.iter().filter(|(key, _)| secrets::is_name_key(key));
    names.any(|(_, name)| {
        name.as_str()
            .is_some_and(|name| secrets::secrecy(name) != Secrecy::None)
    })
}

/// Whether a text in a list says that the next is a secret: `--password`, `token=`.
fn asks_for_a_secret(text: &str) -> bool {
    let key = text.trim_end_matches(['=', ':', ' ']);
    let is_asking = key.len() < text.len() || key.starts_with('-');
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let word = key.rfind(|c| !is_key(c)).map_or(key, |at| {
        let next = key[at..].chars().next().map_or(0, char::len_utf8);
        &key[at + next..]
    });
    is_asking && secrets::secrecy(word) != Secrecy::None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown_value(key: &str, value: &Json) -> Json {
        super::value(Under::key(key), value)
    }

    #[test]
    fn hides_what_stands_under_a_secret_key() {
        assert_eq!(shown_value("password", &json!("hunter2")), json!(HIDDEN));
        assert_eq!(shown_value("api_key", &json!(42)), json!(HIDDEN));
        let nested = json!({"client_secret": ["hunter2"], "user": "fluentd"});
        assert_eq!(
            shown_value("options", &nested),
            json!({"client_secret": [HIDDEN], "user": "fluentd"})
        );
    }

    #[test]
    fn hides_what_looks_like_a_secret_anywhere() {
        let key = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        let reported = shown_value("comment", &json!(format!("use {key}"))).to_string();
        assert!(!reported.contains(&key), "{reported}");
        assert!(!text(&key).contains(&key));
    }

    #[test]
    fn hides_what_something_else_says_is_a_secret() {
        let secret = json!({"kind": "Secret", "data": {"any": "hunter2"}});
        for value in [
            json!({"env": [{"name": "DB_PASSWORD", "value": "hunter2"}]}),
            json!({"Tags": [{"Key": "password", "Value": "hunter2"}]}),
            json!([{"ParameterKey": "DbPassword", "ParameterValue": "hunter2"}]),
            json!({"Parameters": {"DbPassword": {"Type": "String", "Default": "hunter2"}}}),
            json!({"password": {"value": "hunter2"}, "token": {"current": ["hunter2"]}}),
            json!({"secretKey": "hunter2"}),
            json!({"kind": "List", "items": [secret]}),
            json!({"kind": "Secret", "stringData": "hunter2"}),
            json!({"kind": "Secret", "data": ["hunter2"]}),
            json!({"text": secret.to_string()}),
            json!({"text": format!("{secret:#}")}),
            json!({"args": ["--password", "hunter2"]}),
            json!({"Fn::Join": ["", ["host=a password=", "hunter2"]]}),
            json!([
                "-----BEGIN PRIVATE KEY-----",
                "hunter2",
                "-----END PRIVATE KEY-----"
            ]),
            json!({"auths": {"registry": {"auth": "hunter2"}}}),
            json!({"passwords": {"admin": "hunter2"}}),
            json!({"a": {"password=hunter2": 1}}),
        ] {
            let reported = shown_value("", &value).to_string();
            assert!(!reported.contains("hunter2"), "{reported}");
        }
    }

    #[test]
    fn shows_where_a_secret_is() {
        for reference in [
            "aws-secretsmanager:logfleet/alpha/main",
            "#{ENV['LOGFLEET_MAIN_PASSWORD']}",
            "${LOGFLEET_MAIN_PASSWORD}",
            "$(PASSWORD)",
        ] {
            assert_eq!(shown_value("password", &json!(reference)), json!(reference));
        }
        for value in [
            json!({"secretKey": "username", "remoteRef": {"key": "logfleet/main", "property": "user"}}),
            json!({"secretName": "logfleet-main"}),
            json!({"automountServiceAccountToken": false}),
            json!({"env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "main", "key": "password"}}}]}),
            json!({"volumes": [{"name": "tls", "secret": {"secretName": "tls", "defaultMode": 256}}]}),
            json!({"MainSecret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "main"}}}),
            json!({"properties": {"token": {"type": "keyword"}}}),
            json!({"Parameters": {"DbPassword": {"Ref": "Other"}}}),
            json!([
                "-----BEGIN CERTIFICATE-----",
                "MIID",
                "-----END CERTIFICATE-----",
                "a"
            ]),
            json!(["--user", "a", "--token-file", "b"]),
        ] {
            assert_eq!(shown_value("", &value), value);
        }
    }
}
