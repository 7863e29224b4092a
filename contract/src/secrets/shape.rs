//! What secrets look like, wherever they stand. Pure.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Regex, RegexSet};

/// What a literal looks like.
struct Shape {
    /// What it looks like, for a sentence: "an AWS access key".
    name: &'static str,
    pattern: &'static str,
}

const fn shape(name: &'static str, pattern: &'static str) -> Shape {
    Shape { name, pattern }
}

/// Shapes that are secrets wherever they stand. Where a pattern has a group,
/// that is the secret. Sources: AWS identifiers
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>,
/// GitHub tokens <https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats>,
/// GitLab tokens <https://docs.gitlab.com/security/tokens/#token-prefixes>,
/// Slack tokens <https://docs.slack.dev/authentication/tokens/>,
/// Google API keys <https://cloud.google.com/docs/authentication/api-keys>,
/// Vault tokens <https://developer.hashicorp.com/vault/docs/concepts/tokens#token-prefixes>,
/// age keys <https://github.com/C2SP/C2SP/blob/main/age.md>,
/// private keys RFC 7468, RFC 4716 and RFC 9580, JSON Web Tokens RFC 7519.
const SHAPES: [Shape; 16] = [
    shape(
        "a private key",
        r"(?s)-{4,5} ?BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)? ?-{4,5}.*?(?:-{4,5} ?END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)? ?-{4,5}|\z)",
    ),
    shape("an AWS access key", r"(?:AKIA|ASIA)[A-Z2-7]{16}"),
    shape(
        "a GitHub token",
        r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}",
    ),
    shape(
        "a GitLab token",
        r"gl(?:pat|dt|rt|cbt|ptt|oas|soat|imt|agent|ft|ffct)-[A-Za-z0-9_-]{20,}",
    ),
    shape(
        "a Slack token",
        r"xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}",
    ),
    shape(
        "a webhook's address",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{8,})",
    ),
    shape(
        "a JSON Web Token",
        r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    ),
    shape("a Google API key", r"AIza[A-Za-z0-9_-]{30,}"),
    shape(
        "a Google token",
        r"ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}",
    ),
    shape("a Stripe key", r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}"),
    shape(
        "an API key",
        // `sk-` alone begins names, too, as of Slovakia.
        r"(?:^|[^A-Za-z0-9])(sk-[A-Za-z0-9]{32,}|sk-(?:proj|svcacct|admin|ant|or|live|test)[A-Za-z0-9]*-[A-Za-z0-9_-]{20,})",
    ),
    shape(
        "a SendGrid key",
        r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    ),
    shape("a Vault token", r"hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    shape("an age key", r"AGE-SECRET-KEY-1[A-Za-z0-9]{20,}"),
    shape(
        "an npm or Grafana token",
        r"npm_[A-Za-z0-9]{36}|glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}",
    ),
    shape(
        "a URL with a password",
        // The password goes up to the last `@`; digits and a slash are a port.
        r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@:"]*:(?:[0-9]*[^\s0-9/?#@"][^\s"]*@|[0-9]+@(?:[^\s"]*@)?|[/?#@][^\s"]*@)"#,
    ),
];

/// Texts that are shorter have no shape.
const SHORTEST: usize = 8;

/// The patterns of shapes, by number.
struct Patterns {
    /// All in one, so that one pass tells which of them are in a text.
    set: RegexSet,
    each: Vec<Regex>,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let patterns = SHAPES.iter().map(|shape| shape.pattern);
    let each: Result<Vec<Regex>, _> = patterns.clone().map(Regex::new).collect();
    Some(Patterns {
        set: RegexSet::new(patterns).ok()?,
        each: each.ok()?,
    })
});

/// The numbers of the shapes that a text has in it.
fn numbers(text: &str) -> Vec<usize> {
    let patterns = PATTERNS.as_ref().filter(|_| text.len() >= SHORTEST);
    patterns.map_or_else(Vec::new, |patterns| {
        patterns.set.matches(text).into_iter().collect()
    })
}

/// A 40-character base64 run, as an AWS secret access key is.
static AWS_SECRET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:^|[^A-Za-z0-9/+=])([A-Za-z0-9/+]{40})(?:$|[^A-Za-z0-9/+=])").ok()
});

/// A long base64 or hexadecimal run, masked in lines whatever it is.
static LONG_RUN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[A-Za-z0-9/+_-]{40,}={0,2}").ok());

/// What a URL has in front of its host, without a colon.
static USER_OF_URL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"://([^\s/?#@:"'<>]+)@"#).ok());

/// What a header of HTTP says of who asks.
static BEARER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(?:bearer|basic)[ \t]+([A-Za-z0-9+/=._~-]{8,})").ok());

/// A user and a password as curl takes them, the password in the group.
static USER_OPTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let option = r#"(?:^|[\s"'\[,])(?:-u|--user|--proxy-user)(?:[ =]|["']\s*,\s*)"#;
    Regex::new(&format!(r#"{option}["']?[^\s:"']*:([^\s"']+)"#)).ok()
});

/// The digest of a password, as `crypt` and bcrypt write it.
static PASSWORD_DIGEST: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\$(?:2[abxy]?|5|6|y|argon2id?)\$[A-Za-z0-9./$=,+]{20,}").ok());

/// What a text looks like, if it has something in it that is a secret's shape.
pub(super) fn name_of(text: &str) -> Option<&'static str> {
    let number = numbers(text).into_iter().next();
    let name = number.and_then(|number| Some(SHAPES.get(number)?.name));
    name.or_else(|| {
        find_aws_secrets(text)
            .next()
            .map(|_| "an AWS secret access key")
    })
}

/// Where a text has what is a secret's shape.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for number in numbers(text) {
        let pattern = PATTERNS.as_ref().and_then(|all| all.each.get(number));
        ranges.extend(find_groups(pattern, text));
    }
    ranges.extend(find_aws_secrets(text));
    ranges
}

/// Where a text has what is a secret's shape, or might be.
pub(super) fn find_likely(text: &str) -> Vec<Range<usize>> {
    let mut ranges = find(text);
    if text.len() < SHORTEST {
        return ranges;
    }
    let mut add = |pattern: Option<&Regex>, is_likely: fn(&str) -> bool| {
        let found = find_groups(pattern, text);
        ranges.extend(found.filter(|range| is_likely(&text[range.clone()])));
    };
    add(LONG_RUN.as_ref().filter(|_| text.len() >= 40), looks_random);
    let url = USER_OF_URL.as_ref().filter(|_| text.contains("://"));
    add(url, |user| !is_name(user));
    add(BEARER.as_ref(), |word| {
        word.contains(|c: char| c.is_ascii_digit() || c == '=')
    });
    add(USER_OPTION.as_ref(), |password| {
        let is_number = password.bytes().all(|byte| byte.is_ascii_digit());
        !is_number && !password.starts_with('$')
    });
    let digest = PASSWORD_DIGEST.as_ref().filter(|_| text.contains('$'));
    add(digest, |_| true);
    ranges
}

/// The matches of a pattern, or of its group if it has one.
fn find_groups<'t>(
    pattern: Option<&'t Regex>,
    text: &'t str,
) -> impl Iterator<Item = Range<usize>> + 't {
    let captures = pattern
        .into_iter()
        .flat_map(move |pattern| pattern.captures_iter(text));
    captures.filter_map(|found| Some(found.get(1).or_else(|| found.get(0))?.range()))
}

/// The 40-character runs that mix cases and digits, as random base64 does; a
/// path, a word or a hexadecimal hash does not.
fn find_aws_secrets(text: &str) -> impl Iterator<Item = Range<usize>> {
    find_groups(AWS_SECRET.as_ref().filter(|_| text.len() >= 40), text)
        .filter(|range| looks_random(&text[range.clone()]))
}

/// Whether a user of a URL is a name, such as `git`.
fn is_name(user: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_lowercase() || matches!(c, '-' | '_' | '.');
    user.len() <= 16 && user.chars().all(is_letter)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        let patterns = PATTERNS.as_ref().expect("patterns");
        assert_eq!(patterns.each.len(), SHAPES.len());
        for pattern in [
            &AWS_SECRET,
            &LONG_RUN,
            &USER_OF_URL,
            &BEARER,
            &USER_OPTION,
            &PASSWORD_DIGEST,
        ] {
            assert!(pattern.is_some());
        }
    }
}
