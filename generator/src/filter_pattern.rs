//! Filter patterns of CloudWatch Logs: the mistakes that can be seen. Pure.
//!
//! AWS publishes no grammar, only a description
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>),
//! so this finds what can't be right, and leaves the rest to AWS.

/// What is evidently wrong with a pattern.
pub(in crate::resolve) fn fault(pattern: &str) -> Option<String> {
    let text = pattern.trim_matches(' ');
    let (open, close) = match text.chars().next() {
        Some('{') => ('{', '}'),
        Some('[') => ('[', ']'),
        _ => return terms(text),
    };
    if !text.ends_with(close) || text.len() < 2 {
        return Some(format!(
            "it begins with `{open}`, but doesn't end with `{close}`"
        ));
    }
    if let Some(fault) = balance(text) {
        return Some(fault);
    }
    let inner = text[1..text.len() - 1].trim();
    if open == '{' {
        if inner.is_empty() {
            return Some("there is nothing between `{` and `}`".to_owned());
        }
        if !inner.contains('$') {
            return Some("it names no field of the event: fields begin with `$.`".to_owned());
        }
        return json_operators(inner);
    }
    None
}

/// A pattern of words: quotes must have their other half.
fn terms(text: &str) -> Option<String> {
    let mut characters = text.chars();
    let mut open = None;
    while let Some(c) = characters.next() {
        match (c, open) {
            ('\\', Some('"')) => {
                characters.next();
            }
            ('"' | '%', None) => open = Some(c),
            (c, Some(opened)) if c == opened => open = None,
            _ => {}
        }
    }
    open.map(|c| format!("a `{c}` has no other half"))
}

/// Brackets and quotes of a pattern for JSON or columns.
fn balance(text: &str) -> Option<String> {
    let mut open = Vec::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => loop {
                match characters.next() {
                    Some('\\') => {
                        characters.next();
                    }
                    Some('"') => break,
                    Some(_) => {}
                    None => return Some("a `\"` has no other half".to_owned()),
                }
            },
            // A regular expression: `%…%`.
            '%' if !characters.by_ref().any(|c| c == '%') => {
                return Some("a `%` has no other half".to_owned());
            }
            '{' | '[' | '(' => open.push(c),
            '}' | ']' | ')' => {
                let wanted = match c {
                    '}' => '{',
                    ']' => '[',
                    _ => '(',
                };
                if open.pop() != Some(wanted) {
                    return Some(format!("a `{c}` closes what nothing opened"));
                }
            }
            _ => {}
        }
    }
    open.pop().map(|c| format!("a `{c}` has no other half"))
}

/// Operators that other languages have, and this one has not.
fn json_operators(inner: &str) -> Option<String> {
    let mut quoted = false;
    let mut bare = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' if quoted => {
                characters.next();
            }
            '"' => quoted = !quoted,
            _ if quoted => {}
            _ => bare.push(c),
        }
    }
    if bare.contains("==") {
        return Some("equality is written `=`, not `==`".to_owned());
    }
    let lonely = |c: char| {
        let doubled = bare.matches(&format!("{c}{c}")).count() * 2;
        bare.matches(c).count() != doubled
    };
    if lonely('&') || lonely('|') {
        return Some("conditions are joined by `&&` and `||`".to_owned());
    }
    let compares = ["=", "<", ">", " IS ", " EXISTS", " is ", " exists"];
    if !compares.iter().any(|operator| bare.contains(operator)) {
        return Some("it compares nothing: write `{ $.field = value }`".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn what_aws_describes_is_let_through() {
        for pattern in [
            "",
            " ",
            "ERROR",
            "ERROR ",
            "ERROR -EXITING",
            "?ERROR ?WARN",
            "\"INTERNAL SERVER ERROR\"",
            "%AUTHORIZED%",
            "\"a \\\" b\"",
            "{ $.eventType = \"UpdateTrail\" }",
            "{ ($.user.id = 1) && ($.users[0].email = \"John.Doe@example.com\") }",
            "{ $.sourceIPAddress != 123.123.* || $.a IS NULL }",
            "{ $.a NOT EXISTS }",
            "{ $.a = %[0-9]{3}% }",
            "{ $.a = \"}\" }",
            "{$.latency>1e3}",
            "[ip, user, username, timestamp, request =*.html*, status_code = 4*, bytes]",
            "[...]",
            "[w1=ERROR, w2]",
        ] {
            assert_eq!(fault(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn evident_mistakes_are_told() {
        for (pattern, told) in [
            ("\"ERROR", "a `\"` has no other half"),
            ("%ERROR", "a `%` has no other half"),
            ("{ $.a = 1", "it begins with `{`, but doesn't end with `}`"),
            ("{", "it begins with `{`, but doesn't end with `}`"),
            ("[a, b", "it begins with `[`, but doesn't end with `]`"),
            ("{ ($.a = 1 }", "a `}` closes what nothing opened"),
            ("{ $.a = 1) }", "a `)` closes what nothing opened"),
            ("{ $.a = \"x }", "a `\"` has no other half"),
            ("{ $.a = %x }", "a `%` has no other half"),
            ("{}", "there is nothing between `{` and `}`"),
            (
                "{ eventName = 1 }",
                "it names no field of the event: fields begin with `$.`",
            ),
            ("{ $.a == 1 }", "equality is written `=`, not `==`"),
            (
                "{ $.a = 1 & $.b = 2 }",
                "conditions are joined by `&&` and `||`",
            ),
            (
                "{ $.a = 1 | $.b = 2 }",
                "conditions are joined by `&&` and `||`",
            ),
            (
                "{ $.a }",
                "it compares nothing: write `{ $.field = value }`",
            ),
        ] {
            assert_eq!(fault(pattern).as_deref(), Some(told), "{pattern}");
        }
    }
}
