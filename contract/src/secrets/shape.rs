//! What secrets look like, wherever they stand. Pure.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use regex::Regex;

/// What a literal looks like.
struct Shape {
    /// What it looks like, for a sentence: "an AWS access key".
    name: &'static str,
    /// Each match has one of these in it: to look for all of them at once costs a
    /// fraction of what the patterns do, and most texts have none. None begins with
    /// another one.
    needles: &'static [&'static str],
    pattern: &'static str,
}

const fn shape(
    name: &'static str,
    needles: &'static [&'static str],
    pattern: &'static str,
) -> Shape {
    Shape {
        name,
        needles,
        pattern,
    }
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
        &["PRIVATE KEY"],
        r"(?s)-{4,5} ?BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)? ?-{4,5}.*?(?:-{4,5} ?END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)? ?-{4,5}|\z)",
    ),
    shape(
        "an AWS access key",
        &["AKIA", "ASIA"],
        r"(?:AKIA|ASIA)[A-Z2-7]{16}",
    ),
    shape(
        "a GitHub token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}",
    ),
    shape(
        "a GitLab token",
        &[
            "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "gloas-", "glsoat-", "glimt-",
            "glagent-", "glft-", "glffct-",
        ],
        r"gl(?:pat|dt|rt|cbt|ptt|oas|soat|imt|agent|ft|ffct)-[A-Za-z0-9_-]{20,}",
    ),
    shape(
        "a Slack token",
        &[
            "xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-",
        ],
        r"xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}",
    ),
    shape(
        "a webhook's address",
        &["hooks.slack.com/"],
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{8,})",
    ),
    shape(
        "a JSON Web Token",
        &["eyJ"],
        r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    ),
    shape("a Google API key", &["AIza"], r"AIza[A-Za-z0-9_-]{30,}"),
    shape(
        "a Google token",
        &["ya29.", "GOCSPX-"],
        r"ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}",
    ),
    shape(
        "a Stripe key",
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_"],
        r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}",
    ),
    shape(
        "an API key",
        &[KEY],
        // `sk-` alone begins names, too, as of Slovakia.
        r"(?:^|[^A-Za-z0-9])(sk-[A-Za-z0-9]{32,}|sk-(?:proj|svcacct|admin|ant|or|live|test)[A-Za-z0-9]*-[A-Za-z0-9_-]{20,})",
    ),
    shape(
        "a SendGrid key",
        &["SG."],
        r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    ),
    shape(
        "a Vault token",
        &["hvs.", "hvb.", "hvr."],
        r"hv[sbr]\.[A-Za-z0-9_-]{20,}",
    ),
    shape(
        "an age key",
        &["AGE-SECRET-KEY-1"],
        r"AGE-SECRET-KEY-1[A-Za-z0-9]{20,}",
    ),
    shape(
        "an npm or Grafana token",
        &["npm_", "glsa_"],
        r"npm_[A-Za-z0-9]{36}|glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}",
    ),
    shape(
        "a URL with a password",
        &[URL],
        // The password goes up to the last `@`; digits and a slash are a port.
        r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@:"]*:(?:[0-9]*[^\s0-9/?#@"][^\s"]*@|[0-9]+@(?:[^\s"]*@)?|[/?#@][^\s"]*@)"#,
    ),
];

/// Texts that are shorter have no shape.
const SHORTEST: usize = 8;

/// What an API key begins with, and many a word ends with.
const KEY: &str = "sk-";
/// What a URL has in it, with a password or without.
const URL: &str = "://";

/// All needles of all shapes.
static NEEDLES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let needles = SHAPES.iter().flat_map(|shape| shape.needles);
    let needles: Vec<String> = needles.map(|needle| regex::escape(needle)).collect();
    Regex::new(&needles.join("|")).ok()
});

/// The patterns of shapes, by number, each compiled when a text has a needle of it.
static PATTERNS: [OnceLock<Option<Regex>>; SHAPES.len()] =
    [const { OnceLock::new() }; SHAPES.len()];

fn pattern(number: usize) -> Option<&'static Regex> {
    let (compiled, shape) = (PATTERNS.get(number)?, SHAPES.get(number)?);
    compiled
        .get_or_init(|| Regex::new(shape.pattern).ok())
        .as_ref()
}

/// The numbers of the shapes that a text has in it.
fn numbers(text: &str) -> Vec<usize> {
    if text.len() < SHORTEST {
        return Vec::new();
    }
    let likely = with_needles(text).into_iter().enumerate();
    let likely = likely.filter_map(|(number, is_likely)| is_likely.then_some(number));
    likely
        .filter(|number| pattern(*number).is_some_and(|pattern| pattern.is_match(text)))
        .collect()
}

/// Which shapes a text may have in it.
fn with_needles(text: &str) -> [bool; SHAPES.len()] {
    let mut likely = [false; SHAPES.len()];
    let Some(needles) = NEEDLES.as_ref() else {
        return [true; SHAPES.len()];
    };
    let (mut from, mut without_password) = (0, 0);
    while let Some(found) = needles.find_at(text, from) {
        // A needle may begin within another one.
        from = found.start() + 1;
        let number = SHAPES
            .iter()
            .position(|shape| shape.needles.contains(&found.as_str()));
        let Some(number) = number.filter(|number| !likely[*number]) else {
            continue;
        };
        likely[number] = match found.as_str() {
            KEY => {
                let before = text[..found.start()].bytes().next_back();
                !before.is_some_and(|byte| byte.is_ascii_alphanumeric())
            }
            URL if found.start() < without_password => false,
            URL => {
                let rest = &text[found.end()..];
                let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '"');
                let end = end.unwrap_or(rest.len());
                without_password = found.end() + end;
                rest[..end].contains('@')
            }
            _ => true,
        };
    }
    likely
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
        ranges.extend(find_groups(pattern(number), text));
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
    let pattern = AWS_SECRET.as_ref().filter(|_| has_random_run(text));
    find_groups(pattern, text).filter(|range| looks_random(&text[range.clone()]))
}

/// As long as an AWS secret access key.
const RUN: usize = 40;

/// Whether a text has a run of base64 that is as long as an AWS secret access key and
/// looks like one, whatever is around it. Looks at few bytes of most texts: a run that
/// long has every fortieth byte in it.
fn has_random_run(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+');
    // No run goes on across this place.
    let mut at = 0;
    while let Some(window) = bytes.get(at..at + RUN) {
        if let Some(last) = window.iter().rposition(|byte| !is_base64(byte)) {
            at += last + 1;
            continue;
        }
        let more = bytes[at + RUN..].iter().take_while(|byte| is_base64(byte));
        let length = RUN + more.count();
        if length == RUN && looks_random(&text[at..at + RUN]) {
            return true;
        }
        at += length;
    }
    false
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert!(NEEDLES.is_some());
        for (number, shape) in SHAPES.iter().enumerate() {
            assert!(pattern(number).is_some(), "{}", shape.name);
        }
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
    /// So that none is passed over because another one begins at the same place.
    #[test]
    fn no_needle_begins_with_another_one() {
        let needles = SHAPES.iter().flat_map(|shape| shape.needles);
        let needles: Vec<&str> = needles.copied().collect();
        for (number, needle) in needles.iter().enumerate() {
            for (other, start) in needles.iter().enumerate() {
                let is_apart = number == other || !needle.starts_with(start);
                assert!(is_apart, "{needle} {start}");
            }
        }
    }

    /// A text of pieces that secrets are made of, and of what stands around them.
    fn pieces() -> impl Strategy<Value = String> {
        let needles = SHAPES.iter().flat_map(|shape| shape.needles).copied();
        let others = [
            "-----BEGIN RSA ",
            "-----",
            "disk-",
            "sk-proj-",
            "://u:p@h",
            "://h/",
            "@",
            ":",
            " ",
            "\"",
            "\n",
            "=",
            "/",
            "é",
            "services/",
            ".eyJ",
            "a1B2c3D4",
            "Zx9Yw8Vu7T",
            "wJalrXUtnF",
            "IOSFODNN7EXAMPLE",
            "abcdefghijklmnopqrstuvwxyz0123456789",
        ];
        let all: Vec<&str> = needles.chain(others).collect();
        let piece = proptest::sample::select(all);
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        /// What is looked for first hides nothing that the patterns find.
        #[test]
        fn all_that_patterns_match_has_a_needle(text in pieces()) {
            let is_match = |number: &usize| pattern(*number).expect("a pattern").is_match(&text);
            let matched = (0..SHAPES.len()).filter(|number| text.len() >= SHORTEST && is_match(number));
            prop_assert_eq!(numbers(&text), matched.collect::<Vec<_>>());
            let mut runs = find_groups(AWS_SECRET.as_ref(), &text);
            if runs.any(|range| looks_random(&text[range])) {
                prop_assert!(has_random_run(&text));
            }
        }
    }
}
