//! Finds and masks secret-shaped literals.
//!
//! Inputs are committed to git, so a secret in one is already lost; settings
//! hold references (`aws-secretsmanager:…`, `kubernetes-secret:…`) instead.
//! What is found here is refused, and never shown: not in a message, not in an
//! excerpt. Finding is strict about shape, so that it seldom cries wolf;
//! masking is generous, since hiding too much costs nothing. Pure.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// The character a secret is replaced by, one for one, so that columns stay.
const MASK: char = '*';

/// The schemes of references to a secret, which are fit to be written down.
const REFERENCES: [&str; 2] = ["aws-secretsmanager:", "kubernetes-secret:"];

/// What a literal looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretShape {
    /// What it looks like, for a sentence: "an AWS access key".
    pub name: &'static str,
    pattern: &'static str,
}

/// Shapes that are secrets wherever they stand. Sources: AWS identifiers
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>,
/// GitHub tokens <https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats>,
/// Slack tokens <https://docs.slack.dev/authentication/tokens/>,
/// private keys RFC 7468 and RFC 4716, JSON Web Tokens RFC 7519.
const SHAPES: [SecretShape; 7] = [
    SecretShape {
        name: "a private key",
        pattern: r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:[^-]+(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)?)?",
    },
    SecretShape {
        name: "an AWS access key",
        pattern: r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
    },
    SecretShape {
        name: "a GitHub token",
        pattern: r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
    },
    SecretShape {
        name: "a GitLab token",
        pattern: r"\bglpat-[A-Za-z0-9_-]{20,}",
    },
    SecretShape {
        name: "a Slack token",
        pattern: r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    },
    SecretShape {
        name: "a JSON Web Token",
        pattern: r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    },
    SecretShape {
        name: "a URL with a password",
        pattern: r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@:]*:[^\s/?#@]+@",
    },
];

static PATTERNS: LazyLock<Vec<(Regex, SecretShape)>> = LazyLock::new(|| {
    SHAPES
        .iter()
        .filter_map(|shape| Some((Regex::new(shape.pattern).ok()?, *shape)))
        .collect()
});

/// A 40-character base64 run, as an AWS secret access key is.
static AWS_SECRET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:^|[^A-Za-z0-9/+=])([A-Za-z0-9/+]{40})(?:$|[^A-Za-z0-9/+=])").ok()
});

/// A long base64 or hexadecimal run, masked in excerpts whatever it is.
static LONG_RUN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9/+_-]{40,}={0,2}").ok());

/// `password: …` on one line, block or flow style, quoted or not.
static SECRET_LINE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"["']?([A-Za-z0-9_.-]+)["']?\s*[:=]\s*("(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|[^\s{\[,}\]#][^,}\]]*)"#)
        .ok()
});

/// `password: [ …` to the line's end: whatever stands in the bracket.
static SECRET_BRACKET: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"["']?([A-Za-z0-9_.-]+)["']?\s*[:=]\s*[\[{](.*)"#).ok());

/// What a text looks like if it is secret-shaped; certificates, references and
/// ordinary names are not.
pub fn secret_shape(text: &str) -> Option<&'static str> {
    if text.len() < 8 || is_reference(text) {
        return None;
    }
    if let Some((_, shape)) = PATTERNS.iter().find(|(pattern, _)| pattern.is_match(text)) {
        return Some(shape.name);
    }
    find_aws_secrets(text)
        .next()
        .map(|_| "an AWS secret access key")
}

/// Whether a key says that its value is a secret: `password`, `api_key`,
/// `client_secret`, also in camel case or with hyphens. A key that only speaks
/// of one (`secret_name`, `token_file`, `password_rotation_days`) does not.
pub fn is_secret_key(key: &str) -> bool {
    const ENDINGS: [&str; 11] = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "apikey",
        "secretkey",
        "privatekey",
        "accesskey",
        "credential",
        "credentials",
    ];
    let plain: String = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

/// Whether a text refers to a secret kept elsewhere.
pub fn is_reference(text: &str) -> bool {
    REFERENCES.iter().any(|scheme| text.starts_with(scheme))
}

/// The text with every secret-shaped piece masked, as many characters long.
pub fn mask(text: &str) -> String {
    if is_reference(text) {
        return text.to_owned();
    }
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (pattern, _) in PATTERNS.iter() {
        ranges.extend(pattern.find_iter(text).map(|found| found.range()));
    }
    ranges.extend(find_aws_secrets(text));
    mask_ranges(text, &ranges)
}

/// A line of a file, fit to be shown: as [`mask`], and also what follows a
/// secret key, what stands in a block below one, and long base64 runs.
pub fn mask_line(text: &str, line_start: usize, line: &str) -> String {
    if line_is_in_private_key(&text[..line_start])
        || line_is_below_secret_key(text, line_start, line)
    {
        return line
            .chars()
            .map(|c| if c.is_whitespace() { c } else { MASK })
            .collect();
    }
    let mut ranges: Vec<Range<usize>> = Vec::new();
    if let Some(pattern) = SECRET_LINE.as_ref() {
        for found in pattern.captures_iter(line) {
            let (Some(key), Some(value)) = (found.get(1), found.get(2)) else {
                continue;
            };
            let bare = value.as_str().trim_matches(['"', '\'']);
            if is_secret_key(key.as_str()) && !is_reference(bare) && !is_block_header(bare) {
                ranges.push(value.range());
            }
        }
    }
    if let Some(pattern) = SECRET_BRACKET.as_ref() {
        let below = pattern
            .captures_iter(line)
            .filter_map(|found| Some((found.get(1)?, found.get(2)?)));
        ranges.extend(
            below
                .filter(|(key, _)| is_secret_key(key.as_str()))
                .map(|(_, inner)| inner.range()),
        );
    }
    if let Some(pattern) = LONG_RUN.as_ref() {
        let runs = pattern
            .find_iter(line)
            .filter(|run| looks_random(run.as_str()));
        ranges.extend(runs.map(|run| run.range()));
    }
    mask(&mask_ranges(line, &ranges))
}

/// The 40-character runs that mix cases and digits, as random base64 does; a
/// path, a word or a hexadecimal hash does not.
fn find_aws_secrets(text: &str) -> impl Iterator<Item = Range<usize>> {
    AWS_SECRET
        .iter()
        .flat_map(move |pattern| pattern.captures_iter(text))
        .filter_map(|found| found.get(1))
        .filter(|run| looks_random(run.as_str()))
        .map(|run| run.range())
}

/// Whether a run mixes upper case, lower case and digits without forming words.
fn looks_random(run: &str) -> bool {
    let counts = |test: fn(&char) -> bool| run.chars().filter(test).count();
    let changes = run
        .as_bytes()
        .windows(2)
        .filter(|pair| class(pair[0]) != class(pair[1]))
        .count();
    counts(char::is_ascii_uppercase) >= 3
        && counts(char::is_ascii_lowercase) >= 3
        && counts(char::is_ascii_digit) >= 1
        && changes * 3 >= run.len()
}

fn class(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    }
}

/// Whether a value only opens a block: its text stands on the next lines.
fn is_block_header(value: &str) -> bool {
    value.is_empty() || value.starts_with(['|', '>'])
}

/// Whether a private key has begun above and not ended.
fn line_is_in_private_key(above: &str) -> bool {
    above.rfind("-----BEGIN ").is_some_and(|begin| {
        let block = &above[begin..];
        !block.contains("-----END ")
            && block
                .lines()
                .next()
                .is_some_and(|first| first.contains("PRIVATE KEY"))
    })
}

/// Whether the nearest line above that is indented less is a secret key
/// without a value of its own.
fn line_is_below_secret_key(text: &str, line_start: usize, line: &str) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    if text[..line_start]
        .lines()
        .rev()
        .find(|above| !above.trim().is_empty())
        .is_some_and(opens_secret_block)
    {
        // Also where its text is indented too little, which is a fault of its own.
        return true;
    }
    let own = indent(line);
    if own == 0 || line.trim().is_empty() {
        return false;
    }
    let parent = text[..line_start]
        .lines()
        .rev()
        .find(|above| !above.trim().is_empty() && indent(above) < own);
    parent.is_some_and(|parent| {
        let Some((key, value)) = parent.trim().trim_start_matches("- ").split_once(':') else {
            return false;
        };
        let opens = value.split(" #").next().unwrap_or_default().trim();
        (is_block_header(opens) || opens.starts_with(['"', '\'']))
            && is_secret_key(key.trim_matches(['"', '\'']))
    })
}

/// Whether a line such as `password: |` says that its text follows.
fn opens_secret_block(line: &str) -> bool {
    let Some((key, value)) = line.trim().trim_start_matches("- ").split_once(':') else {
        return false;
    };
    value.trim().starts_with(['|', '>']) && is_secret_key(key.trim_matches(['"', '\'']))
}

/// The text with those byte ranges replaced character for character.
fn mask_ranges(text: &str, ranges: &[Range<usize>]) -> String {
    text.char_indices()
        .map(|(at, c)| {
            if ranges.iter().any(|range| range.contains(&at)) {
                MASK
            } else {
                c
            }
        })
        .collect()
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
    fn every_pattern_compiles() {
        assert_eq!(PATTERNS.len(), SHAPES.len());
        assert!(AWS_SECRET.is_some() && LONG_RUN.is_some());
        assert!(SECRET_LINE.is_some() && SECRET_BRACKET.is_some());
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
        ] {
            assert_eq!(secret_shape(text), None, "{text}");
            assert_eq!(mask(text), text);
        }
    }

    #[test]
    fn knows_keys_that_hold_a_secret() {
        for key in [
            "password",
            "apiKey",
            "api_key",
            "client-secret",
            "TOKEN",
            "credential",
            "db.password",
        ] {
            assert!(is_secret_key(key), "{key}");
        }
        for key in [
            "secret_name",
            "token_file",
            "password_rotation_days",
            "tokens_per_second",
            "secrets",
            "key",
        ] {
            assert!(!is_secret_key(key), "{key}");
        }
    }

    fn shown(text: &str, line: usize) -> String {
        let start = text.split_inclusive('\n').take(line).map(str::len).sum();
        mask_line(text, start, text.lines().nth(line).expect("there"))
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
