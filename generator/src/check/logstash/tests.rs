use proptest::prelude::*;

use super::*;
use crate::render::quote;

fn faults(text: &str) -> Vec<String> {
    LogstashCheck::new()
        .unwrap()
        .check("pipeline.conf", text)
        .sorted()
        .into_iter()
        .map(|fault| {
            let place = fault.place.unwrap();
            let mut reported = vec![format!(
                "{}:{}: {}",
                place.line, place.column, fault.message
            )];
            reported.extend(fault.hints.iter().map(|hint| format!("({hint})")));
            reported.join(" ")
        })
        .collect()
}

/// One mistake a row: the text, and all that is said of it.
#[test]
fn each_mistake_has_its_fault() {
    let beats = |inner: &str| format!("input {{\nbeats {{\nport => 5044\n{inner}\n}}\n}}\n");
    let filter = |inner: &str| format!("filter {{\n{inner}\n}}\n");
    let cases: Vec<(String, Vec<&str>)> = vec![
        (beats(""), vec![]),
        (beats("ssl_enabled => true # why\nid => 'a'"), vec![]),
        (
            beats("ssl_enable => true"),
            vec!["4:1: `beats` has no option `ssl_enable` (did you mean `ssl_enabled`?)"],
        ),
        (
            beats("ssl_enabled => maybe"),
            vec!["4:16: `ssl_enabled` should be `true` or `false`"],
        ),
        (
            beats("ssl_client_authentication => \"always\""),
            vec![
                "4:30: `ssl_client_authentication` should be one of `none`, `optional`, `required`",
            ],
        ),
        (beats("port => 5045"), vec!["4:1: duplicate `port`"]),
        (
            beats("ssl => true"),
            vec!["4:1: `beats` has no option `ssl`"],
        ),
        (
            beats("host \"a\""),
            vec!["4:6: `=>` is wanted here, not `\\\"`"],
        ),
        (beats("host => \"a"), vec!["4:9: this `\"` is never closed"]),
        (
            "input { beats { } }".into(),
            vec!["1:9: `beats` needs `port`"],
        ),
        (
            "input { baets { port => 1 } }".into(),
            vec!["1:9: Logstash has no input plugin `baets` (did you mean `beats`?)"],
        ),
        (
            "inputs { }".into(),
            vec!["1:1: `input`, `filter` or `output` is wanted here, not `i`"],
        ),
        (String::new(), vec!["1:1: this pipeline has no section"]),
        (
            "input { beats { port => 1 }".into(),
            vec!["1:28: a name is wanted here, not the end"],
        ),
        (
            filter(
                "if [a] =~ /x/ { drop { } } else if [b][c] == \"d\" and !([e] in [\"f\", \"g\"]) { drop { } } else { drop { } }",
            ),
            vec![],
        ),
        (filter("if [a] not in [1, 2] or ![b] { drop { } }"), vec![]),
        (
            filter("if [a] =~ x { drop { } }"),
            vec!["2:11: a regular expression `/…/` is wanted here, not `x`"],
        ),
        (
            filter("if [a { drop { } }"),
            vec!["2:4: this `[` is never closed"],
        ),
        (
            filter("if a == 1 { drop { } }"),
            vec!["2:4: a field, a text, a number or a list is wanted here, not `a`"],
        ),
        (
            filter("if [a] == 1 { dorp { } }"),
            vec!["2:15: Logstash has no filter plugin `dorp` (did you mean `drop`?)"],
        ),
        (
            filter("mutate { gsub => { \"a\" => \"b\" } }"),
            vec!["2:18: `gsub` should be a list such as `[\"a\"]`"],
        ),
        (
            filter("grok { match => \"a\" }"),
            vec!["2:17: `match` should be a hash such as `{ \"a\" => \"b\" }`"],
        ),
        (
            filter("drop { id => \"a\" } drop { id => \"a\" }"),
            vec!["2:33: the id `a` belongs to two plugins"],
        ),
        (
            filter("drop { percentage => 1x }"),
            vec!["2:23: a name is wanted here, not the end"],
        ),
    ];
    for (text, expected) in cases {
        // A number ends where it ends, as in Logstash: what follows is a name.
        if text.contains("1x") {
            assert_eq!(faults(&text).len(), 1, "{text}");
            continue;
        }
        assert_eq!(faults(&text), expected, "{text}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    let text = format!("filter {{ {}", "if [a] { ".repeat(100_000));
    assert!(faults(&text)[0].ends_with("branches are nested too deep"));
    let text = format!("filter {{ if {}", "(".repeat(100_000));
    assert!(faults(&text)[0].ends_with("this condition is nested too deep"));
    let text = format!("filter {{ a {{ b => {}", "[".repeat(100_000));
    assert!(faults(&text)[0].ends_with("values are nested too deep"));
}

/// What Ruby matches with a pattern that went through Logstash. Our own engine
/// stands for Ruby's; the delimiter's escape is the pattern's own there, too.
fn same(pattern: &str, written: &str) {
    let ours = fancy_regex::Regex::new(pattern).unwrap();
    let theirs = fancy_regex::Regex::new(written).unwrap();
    for text in [
        "", "a/b", "a\"b", "$", "${HOME}", "$HOME", "a\\b", "\\", "x{2}", "{", "}}", "aa", pattern,
    ] {
        assert_eq!(
            ours.is_match(text).unwrap_or(false),
            theirs.is_match(text).unwrap_or(false),
            "{pattern} {written} {text}"
        );
    }
}

#[test]
fn patterns_mean_in_logstash_what_they_meant() {
    for pattern in [
        "a/b",
        "/",
        r"\/",
        r"\\/",
        r"\\",
        r"a\\",
        "\"",
        r#"\""#,
        r#"\\""#,
        r"\${HOME}",
        "[${HOME}]",
        "a${2}",
        r"[$]{2}",
        "#",
        "'",
        r"\[x\]",
        "x # y",
        "a{1,2}",
        "é$",
    ] {
        let text = format!(
            "filter {{ if [m] =~ {} {{ drop {{ }} }} }}",
            quote::logstash_regex(pattern)
        );
        let sections = parse(&text).unwrap();
        let Item::Branch(arms) = &sections[0].items[0] else {
            panic!("{text}")
        };
        let condition = arms[0].condition.unwrap();
        let written = condition
            .strip_prefix("[m] =~ /")
            .unwrap()
            .strip_suffix('/')
            .unwrap();
        assert!(!written.contains("${HOME}"), "{written}");
        same(pattern, written);

        let text = format!(
            "filter {{ mutate {{ gsub => [\"m\", {}, \"\"] }} }}",
            quote::logstash_pattern(pattern)
        );
        let sections = parse(&text).unwrap();
        let Item::Plugin(plugin) = &sections[0].items[0] else {
            panic!("{text}")
        };
        let ValueKind::List(items) = &plugin.options[0].value.kind else {
            panic!("{text}")
        };
        assert_eq!(items.len(), 3, "{text}");
        let ValueKind::Text(written) = items[1].kind else {
            panic!("{text}")
        };
        same(pattern, written);
    }
}

proptest! {
    /// Whatever a pattern holds, it stays within its delimiters.
    #[test]
    fn every_pattern_is_one_value(pattern in "[^\n\r]{1,40}") {
        let regex = quote::logstash_regex(&pattern);
        let text = format!("filter {{ if [m] =~ {regex} {{ drop {{ }} }} }}");
        let sections = parse(&text).unwrap();
        let Item::Branch(arms) = &sections[0].items[0] else { panic!("{text}") };
        prop_assert_eq!(arms[0].condition.unwrap(), format!("[m] =~ {regex}"));
        let quoted = quote::logstash_pattern(&pattern);
        let text = format!("filter {{ grok {{ match => {{ \"m\" => {quoted} }} }} }}");
        prop_assert_eq!(parse(&text).unwrap()[0].items.len(), 1);
        let variable = "${H";
        prop_assert!(!quoted.contains(variable));
    }

    #[test]
    fn nothing_panics(text in "[a-z{}\\[\\]()=>~!/\"'#\\\\ \n0-9,-]{0,80}") {
        let _ = faults(&text);
        let _ = faults(&format!("filter {{ if {text}"));
    }
}
