//! Finds and masks secret-shaped literals.
//!
//! Inputs are committed to git, so a secret in one is already lost; settings
//! hold references (`aws-secretsmanager:…`, `kubernetes-secret:…`) instead.
//! What is found here is refused, and never shown: not in a message, not in an
//! excerpt. Finding is strict about shape, so that it seldom cries wolf;
//! masking is generous, since hiding too much costs nothing. Pure.
//!
//! ```text
//! shape      what secrets look like
//! key        which keys say that their value is one
//! hidden     which pieces of a text may be one
//! reference  where one is kept
//! arn        the same, as AWS writes it
//! ```

mod arn;
mod hidden;
mod key;
mod reference;
mod shape;

use std::sync::LazyLock;

use regex::Regex;

pub use arn::{SecretArn, arn_for_policy};
pub use hidden::{Hidden, is_harmless, names_secret};
pub use key::{Secrecy, is_name_key, is_reference_key, is_secret_key, is_value_key, secrecy};
pub use reference::{NotAReference, SecretReference};

/// A reference to a secret, which is fit to be written down, from its first
/// character to its last.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:aws-secretsmanager|kubernetes-secret):[A-Za-z0-9/_+=.@:!{}-]+$").ok()
});

/// What a text looks like if it is secret-shaped; certificates, references and
/// ordinary names are not.
pub fn secret_shape(text: &str) -> Option<&'static str> {
    if text.len() < 8 || is_reference(text) {
        return None;
    }
    shape::name_of(text)
}

/// Whether a text refers to a secret kept elsewhere.
pub fn is_reference(text: &str) -> bool {
    REFERENCE
        .as_ref()
        .is_some_and(|pattern| pattern.is_match(text))
}

/// The text with every secret-shaped piece masked, as many characters long.
pub fn mask(text: &str) -> String {
    if is_reference(text) {
        return text.to_owned();
    }
    Hidden::new(shape::find(text)).show(text, 0..text.len())
}

/// The text, fit to be shown: as [`mask`], and also what may be the value of
/// a key of secrets, and long base64 runs.
pub fn mask_text(text: &str) -> String {
    Hidden::of(text).show(text, 0..text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Built from pieces, so that no scanner takes this file for a leak.
    fn examples() -> Vec<(&'static str, String)> {
        vec![
            ("an AWS access key", format!("AKIA{}", "IOSFODNN7EXAMPLE")),
            (
                "an AWS access key",
                format!("id=ASIA{}!", "IOSFODNN7EXAMPLE"),
            ),
            (
                "an AWS secret access key",
                format!("wJalrXUtnFEMI/K7MDENG/{}", "bPxRfiCYEXAMPLEKEY"),
            ),
            (
                "a private key",
                format!(
                    "-----BEGIN {} KEY-----\nMIIEow\n-----END {0} KEY-----",
                    "RSA PRIVATE"
                ),
            ),
            (
                "a private key",
                format!("-----BEGIN {} KEY-----\nMIIEow", "PRIVATE"),
            ),
            (
                "a URL with a password",
                "https://elastic:hunter2@logs.example.com:9200".into(),
            ),
            ("a URL with a password", "redis://:hunter2@cache".into()),
            ("a GitHub token", format!("ghp_{}", "a1B2".repeat(9))),
            ("a GitLab token", format!("glpat-{}", "a1B2".repeat(5))),
            ("a Slack token", format!("xoxb-{}", "1234567890-abc")),
            (
                "a JSON Web Token",
                format!("eyJ{0}.eyJ{0}.sig", "hbGciOiJIUzI1NiJ9"),
            ),
        ]
    }

    #[test]
    fn knows_secrets_by_their_shape() {
        for (shape, text) in examples() {
            assert_eq!(secret_shape(&text), Some(shape), "{text}");
            let masked = mask(&text);
            assert_eq!(masked.chars().count(), text.chars().count());
            assert_eq!(secret_shape(&masked), None, "{masked}");
        }
    }

    #[test]
    fn leaves_ordinary_texts_alone() {
        for text in [
            "https://logs.example.com:9200/a:b@c",
            "https://logs.example.com/path",
            "arn:aws:iam::123456789012:role/logfleet-prod-eu-forwarder",
            "aws-secretsmanager:prod/logs:password",
            "kubernetes-secret:elasticsearch/password",
            "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n-----END CERTIFICATE-----",
            "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "registry.example.com/team/fluentd@sha256:da39a3ee5e6b4b0d3255bfef95601890afd80709da39a3ee5e6b4b0d3255bfef",
            "kubernetes/applications/fluentd/ConfigMap",
            "nodes/us-east-1/i-0abcdef1234567890/system",
            "/var/log/containers/Application12Server34Main5678Log",
            "30d",
            "mailto:a@b",
            "logs-sk-Bratislava1-production-cluster",
            "disk-usage-of-the-whole-fleet-in-2026",
        ] {
            assert_eq!(secret_shape(text), None, "{text}");
            assert_eq!(mask(text), text);
        }
    }

    const WORD: &str = "hunter2-of-the-fleet";

    /// Texts with `§` where a secret is.
    const HIDDEN: &[(&str, &str)] = &[
        // More than one key in a line.
        ("dsn", "dsn: host=db user=x password=§"),
        ("jdbc", "url: jdbc:postgresql://db/x?user=a&password=§"),
        ("query", "GET https://h/x?token=§"),
        ("variables of a command", "URL=x PASSWORD=§ run"),
        (
            "options in quotes",
            "JAVA_OPTS=\"-Xmx1g -Djavax.net.ssl.trustStorePassword=§\"",
        ),
        ("behind a name of another key", "user: a, password: §"),
        (
            "escaped JSON",
            r#"x: "{\"user\": \"a\", \"password\": \"§\"}""#,
        ),
        ("begins with a space", r#"{"password": " §", "a": 1}"#),
        // What opens a block elsewhere.
        ("an arrow", "password => \"§\""),
        ("an arrow, bare", "password => §"),
        ("begins as a block", "password: >§"),
        ("begins as a text", "password: |§"),
        ("begins as a map", "password: \"{§\""),
        ("an operator", "if [password] == \"§\" {"),
        // Without a sign.
        ("Fluentd", "<match>\n  password §\n</match>"),
        ("Fluentd's quotes", "  password \"my §\""),
        ("Fluentd's words", "  password my §"),
        ("shared key", "<security>\n  shared_key §\n</security>"),
        ("a line put out", "# password §"),
        ("netrc", "machine h login a password §"),
        ("option", "tool --password §"),
        ("option with a sign", "tool --password=§ --x"),
        ("option of one hyphen", "tool -password '§'"),
        ("options as a list", r#"args: ["--password", "§"]"#),
        ("options as items", "args:\n  - --password\n  - §"),
        (
            "options as quoted items",
            "args:\n  - \"--password\"\n  - \"§\"",
        ),
        ("options as JSON", "[\n  \"--password\",\n  \"§\"\n]"),
        ("option on the next line", "tool --password \\\n  §"),
        ("curl", "curl -u a:§ https://h"),
        ("curl's long option", "curl --user=a:§ https://h"),
        ("curl in a list", r#"["curl", "-u", "a:§"]"#),
        // Several lines.
        ("plain", "a:\n  password: x\n    §"),
        ("block", "a:\n  password: |\n    x\n\n    §"),
        ("folded", "password: >-\n  §"),
        ("tagged", "password: !vault |\n  §"),
        (
            "pretty JSON",
            "{\n  \"password\": [\n    \"x\",\n    \"§\"\n  ]\n}",
        ),
        (
            "a map in JSON",
            "{\n  \"password\": {\n    \"a\": {\n      \"b\": \"§\"\n    }\n  }\n}",
        ),
        ("on the next line", "{\n  \"password\":\n  \"§\"\n}"),
        ("grandchildren", "password:\n  a:\n    b: §"),
        ("items", "password:\n- x\n- §"),
        ("items deeper", "- password:\n  - x\n  - §"),
        ("in quotes", "password: \"x\n\n  §\""),
        ("put out", "# password:\n#   - §"),
        ("shell", "PASSWORD=\\\n§"),
        ("shell, twice", "PASSWORD=a\\\nb\\\n§"),
        ("joined quotes", "PASSWORD=\"a\"§"),
        ("escaped quotes", "PASSWORD='a'\\''§'"),
        ("array", "PASSWORDS=(\n  x\n  §\n)"),
        ("comma", "password: abc,§"),
        ("bracket", "password: abc]§"),
        ("comma in braces", "{password: abc,§}"),
        ("TOML", "password = \"\"\"\n§\n\"\"\""),
        ("nothing and more", "PASSWORD=\"\"'§'"),
        ("here document", "TOKEN=$(cat <<END\nx\n§\nEND\n)"),
        ("quotes in quotes", "password: 'it''s §'"),
        ("Ruby", "config['password'] = '§'"),
        ("Ruby's symbol", ":password => '§'"),
        ("Java", "x: 'required user=\"a\" password=\"§\";'"),
        (
            "Java, escaped",
            r#"x: "required user=\"a\" password=\"§\";""#,
        ),
        ("Docker", "ENV DB_PASSWORD §"),
        ("Redis", "requirepass §"),
        ("SQL", "ALTER USER a WITH PASSWORD '§'"),
        // Beside a name.
        (
            "variable with a map",
            r#"{"name": "TOKEN", "a": {"b": {}}, "value": "§"}"#,
        ),
        (
            "variable's text",
            "- name: TOKEN\n  # a\n  value: >-\n    §",
        ),
        ("variable", "- name: DB_PASSWORD\n  value: §"),
        (
            "variable, in quotes",
            "- name: \"DB_PASSWORD\"\n  value: \"§\"",
        ),
        ("variable the other way", "- value: §\n  name: DB_PASSWORD"),
        ("variable in braces", "- {name: DB_PASSWORD, value: §}"),
        (
            "variable in JSON",
            r#"[{"name":"DB_PASSWORD","value":"§"}]"#,
        ),
        (
            "variable in JSON's lines",
            "{\n  \"name\": \"DB_PASSWORD\",\n  \"value\": \"§\"\n}",
        ),
        ("tag", "- Key: password\n  Value: §"),
        (
            "parameter",
            "- ParameterKey: DbPassword\n  ParameterValue: §",
        ),
        (
            "parameter's default",
            "DbPassword:\n  Type: String\n  Default: §",
        ),
        ("header", "- name: Authorization\n  value: Bearer §"),
        ("attribute", r#"<add key="password" value="§"/>"#),
        // Keys.
        ("header of HTTP", "Authorization: Basic §"),
        (
            "header of curl",
            "curl -H \"Authorization: Bearer §\" https://h",
        ),
        ("registry", r#"{"auths": {"r": {"auth": "§"}}}"#),
        ("SecretString", "SecretString: §"),
        ("pwd", "pwd=§"),
        ("pass", "DB_PASS=§"),
        ("passwords", "passwords: {admin: §}"),
        ("encryption key", "xpack.encryption_key: §"),
        ("Rails", "SECRET_KEY_BASE=§"),
        ("XML", "<a><password>§</password></a>"),
        ("XML in lines", "<password>\n  §\n</password>"),
        ("a key with a number", "password2: §"),
        ("a Secret", "kind: Secret\ndata:\n  any: §"),
        (
            "a Secret in a list",
            "kind: List\nitems:\n- stringData:\n    any: §\n  kind: Secret",
        ),
        (
            "a reference and more",
            "password: aws-secretsmanager:x password=§",
        ),
        ("a variable and more", "PASSWORD=${X}§"),
        // Addresses.
        ("a URL's password with an at", "https://a:b@§@host/"),
        ("a URL's password with a slash", "https://a:b/§@host/"),
        ("a URL's token", "https://§@host/"),
    ];

    /// What refers to secrets, or only speaks of them.
    const SHOWN: &[&str] = &[
        "password: aws-secretsmanager:logfleet/alpha/main",
        "password: \"aws-secretsmanager:logfleet/alpha/main\"",
        "password \"#{ENV['LOGFLEET_MAIN_PASSWORD']}\"",
        "password => \"${LOGFLEET_MAIN_PASSWORD}\"",
        "tool --password \"$LOGFLEET_PASSWORD\" --user a",
        "secret_name: plain",
        "token_url: https://login.example.com/oauth2/token",
        "- secretsmanager:GetSecretValue",
        "Resource: arn:aws:secretsmanager:us-east-1:111122223333:secret:logfleet/alpha/main-??????",
        "- name: DB_PASSWORD\n  valueFrom:\n    secretKeyRef:\n      name: logfleet-main\n      key: password",
        "password:\n  secretKeyRef:\n    name: logfleet-main\n    key: main",
        "volumes:\n  - name: tls\n    secret:\n      secretName: logfleet-tls\n      defaultMode: 256",
        "password: {valueFrom: {secretKeyRef: {name: logfleet-main, key: main}}}",
        "automountServiceAccountToken: false",
        "serviceAccountToken:\n  path: token\n  audience: sts.amazonaws.com",
        "image: registry.example.com/team/secret:1.2.3",
        "description: Password of the user that writes",
        "Credentials of the forwarder are in Secrets Manager",
        "# The token is read by the agent",
        "kind: SecretStore\ndata:\n  any: thing",
        "git clone https://git@github.com/a/b.git ssh://git@host/a",
        "docker run -u 1000:1000 image",
        "password: *****",
        "user: a # password: \"\"",
        "echo \"password: \" \"$x\"",
        "url: https://logs.example.com:9200/a@b",
    ];

    #[test]
    fn hides_what_may_be_a_secret_in_a_text() {
        for (name, text) in HIDDEN {
            let text = text.replace('§', WORD);
            let shown = mask_text(&text);
            assert!(!shown.contains(WORD), "{name}: {shown}");
            assert!(!shown.contains("of-the-fleet"), "{name}: {shown}");
            assert_eq!(shown.chars().count(), text.chars().count(), "{name}");
            assert_eq!(shown.lines().count(), text.lines().count(), "{name}");
        }
    }

    #[test]
    fn shows_what_only_speaks_of_secrets() {
        for text in SHOWN {
            assert_eq!(mask_text(text), *text);
        }
    }

    /// Each of these is a secret wherever it stands.
    fn tokens() -> Vec<String> {
        let random = "a1B2c3D4e5F6g7H8i9J0k1L2";
        let prefixes = [
            "AIzaSyA", "xapp-1-", "sk_live_", "sk-", "hvs.", "gldt-", "glpat-", "xoxb-", "GOCSPX-",
        ];
        let mut tokens: Vec<String> = prefixes
            .iter()
            .map(|prefix| format!("{prefix}{random}{random}"))
            .collect();
        tokens.push(format!("AKIA{}", "IOSFODNN7EXAMPLE"));
        tokens.push(format!("AGE-SECRET-KEY-1{}", random.to_ascii_uppercase()));
        tokens.push(format!("SG.{random}.{random}"));
        tokens.push(format!("hooks.slack.com/services/T0/B0/{random}"));
        tokens
    }

    #[test]
    fn hides_tokens_wherever_they_stand() {
        for token in tokens() {
            let end: String = token.chars().skip(token.len() - 12).collect();
            for text in [
                token.clone(),
                format!("a {token} b"),
                format!("\"{token}\""),
                format!("_{token}_1"),
            ] {
                assert!(secret_shape(&text).is_some(), "{text}");
                assert!(!mask(&text).contains(&end), "{text}");
                assert!(!mask_text(&text).contains(&end), "{text}");
            }
        }
        let glued = format!("xAKIA{}_1", "IOSFODNN7EXAMPLE");
        assert!(!mask(&glued).contains("IOSFODNN7"), "{glued}");
    }

    #[test]
    fn hides_private_keys_as_a_whole() {
        let kind = "RSA PRIVATE";
        let bodies = [
            "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0102\n\nhunter2\ntail",
            "Version: x-1\n\nhunter2\n=tail",
            "hunter2\ntail",
        ];
        for body in bodies {
            let key = format!("-----BEGIN {kind} KEY-----\n{body}\n-----END {kind} KEY-----");
            let items = key.replace('\n', "\n- ");
            let open = key.replace("-----END", "");
            for text in [key, items, open] {
                let text = format!("a: 1\n{text}\n");
                for shown in [mask(&text), mask_text(&text)] {
                    assert!(!shown.contains("hunter2"), "{shown}");
                    assert!(!shown.contains("tail"), "{shown}");
                    assert!(shown.starts_with("a: 1\n"), "{shown}");
                }
            }
        }
    }

    /// These took time by the square of their length.
    #[test]
    fn takes_time_by_the_length_of_a_text() {
        for text in [
            "token=a,".repeat(40_000),
            "token: [".repeat(20_000),
            "token='a ".repeat(20_000),
            "name: token value: [ ".repeat(4_000),
            "token x ".repeat(20_000),
            format!("token:\n{}", "  a: 1\n".repeat(20_000)),
            "token:\n".repeat(20_000),
            "name: a_token\n".repeat(5_000),
            "<token>".repeat(2_000),
        ] {
            assert_eq!(mask_text(&text).len(), text.len());
        }
    }

    fn shown(text: &str, line: usize) -> String {
        let shown = mask_text(text);
        assert_eq!(shown.chars().count(), text.chars().count());
        shown.lines().nth(line).expect("there").to_owned()
    }

    #[test]
    fn masks_what_follows_a_secret_key_in_an_excerpt() {
        assert_eq!(shown("password: hunter2", 0), "password: *******");
        assert_eq!(
            shown("{user: a, password: \"hun ter2\", b: 1}", 0),
            "{user: a, password: **********, b: 1}"
        );
        assert_eq!(
            shown("password: aws-secretsmanager:a/b", 0),
            "password: aws-secretsmanager:a/b"
        );
        assert_eq!(shown("secret_name: plain", 0), "secret_name: plain");
        assert_eq!(shown("a:\n  password: |\n    hunter2\n", 2), "    *******");
        assert_eq!(
            shown("a:\n  password: |\n    hunter2\n", 1),
            "  password: |"
        );
        assert_eq!(shown("a:\n  name: |\n    hunter2\n", 2), "    hunter2");
        assert_eq!(shown("a:\n  password: |\n  hunter2\n", 2), "  *******");
        assert_eq!(shown("password: [hunter2", 0), "password: [*******");
        let key = format!("ca: |\n  -----BEGIN {} KEY-----\n  MIIE\n", "PRIVATE");
        assert_eq!(shown(&key, 2), "  ****");
        for (_, text) in examples() {
            let line = format!("x: {}", text.lines().next().expect("a line"));
            assert_ne!(shown(&line, 0), line);
        }
    }
}
