use super::*;
use crate::render::quote;
use proptest::prelude::*;

fn faults(text: &str) -> Vec<String> {
    FluentdCheck::new()
        .unwrap()
        .check("fluent.conf", text)
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
    let source = |inner: &str| {
        format!(
            "<source>\n@type tail\n@label @A\npath /a\ntag a\n{inner}\n<parse>\n@type none\n</parse>\n</source>\n<label @A>\n<match **>\n@type null\n</match>\n</label>\n"
        )
    };
    let cases: Vec<(String, Vec<&str>)> = vec![
        (source(""), vec![]),
        (source("pos_fil /x"), vec!["6:1: `tail` has no option `pos_fil` (did you mean `pos_file`?)"]),
        (source("read_from_head yes"), vec!["6:16: `read_from_head` should be `true` or `false`, not `yes`"]),
        (source("rotate_wait soon"), vec!["6:13: `rotate_wait` should be a time such as `30s`, not `soon`"]),
        (source("read_lines_limit many"), vec!["6:18: `read_lines_limit` should be a whole number, not `many`"]),
        (source("path /b"), vec!["6:1: duplicate `path`"]),
        (source("@include other.conf"), vec!["6:1: `@include` would make the file depend on another one"]),
        (source("pos_file \"#{`id`}\""), vec!["6:11: Ruby that is run when the file is read: only `#{ENV['NAME']}` may be (values go in through the filter `fluentd`, which escapes `#`)"]),
        (source("pos_file \"/x/#{ENV['NODE_NAME']}\""), vec![]),
        (source("pos_file \"/x/#{ENV['POD_IP'].to_s.include?(':') ? '[a]' : '0.0'}\""), vec![]),
        (source("pos_file \"/x/#{ENV['POD_IP'].to_s.include?(':') ? `a` : '0.0'}\""), vec!["6:14: Ruby that is run when the file is read: only `#{ENV['NAME']}` may be (values go in through the filter `fluentd`, which escapes `#`)"]),
        (source("pos_file \"/x/#{ENV['POD_IP'].to_s.include?(':') ? 'a' : 'b'; exit}\""), vec!["6:14: Ruby that is run when the file is read: only `#{ENV['NAME']}` may be (values go in through the filter `fluentd`, which escapes `#`)"]),
        (source("pos_file \"/x/#{ENV['a']}\""), vec!["6:14: Ruby that is run when the file is read: only `#{ENV['NAME']}` may be (values go in through the filter `fluentd`, which escapes `#`)"]),
        (source("pos_file \"/x\\q\""), vec!["6:13: `\\q` means nothing here"]),
        (source("pos_file \"/x"), vec!["6:10: this quote is never closed"]),
        (source("exclude_path [\"#{1}\"]"), vec!["6:16: Fluentd would run or cut off what follows `#` in a list (lists go in through the filter `fluentd_list`, which escapes `#`)"]),
        (source("exclude_path [\"a\""), vec!["6:14: this list or hash is not JSON"]),
        (source("<storage>\n@type local\n</storage>"), vec!["6:1: `<storage>` isn't allowed here"]),
        ("<source>\n@type tial\n</source>\n".into(), vec!["2:7: the image has no source plugin `tial` (did you mean `tail`?)"]),
        ("<source>\n@type tail\n@label @A\ntag a\n<parse>\n@type none\n</parse>\n</source>\n<label @A>\n<match **>\n@type null\n</match>\n</label>\n".into(), vec!["1:1: `tail` needs `path`"]),
        ("<source>\n@type tail\ntag a.b\npath /a\n<parse>\n@type none\n</parse>\n</source>\n<match a.c>\n@type null\n</match>\n".into(), vec!["1:1: no output takes what this source reads (give it a `@label`, or a `<match>` for its tag)", "9:1: no record with a tag like `a.c` comes to this `<match>`, so it does nothing (tags that come here are `a.b`)"]),
        (source("").replace("@label @A", "@label @B"), vec!["3:8: there is no label `@B`", "11:1: nothing is ever sent to the label `@A`"]),
        (source("").replace("<match **>", "<match a>"), vec!["11:1: records of some tags are lost in the label `@A` (its last section should be `<match **>`)"]),
        (source("") + "<match **>\n@type null\n</match>\n<match a>\n@type null\n</match>\n", vec!["19:1: a `<match **>` above takes everything before this `<match>`"]),
        (source("").replace("</label>", "</match>"), vec!["15:1: `</match>` should be `</label>`"]),
        ("<match **>\n@type null\n".into(), vec!["1:1: `<match>` is never closed"]),
        ("</match>\n".into(), vec!["1:1: `</match>` closes nothing"]),
        (source("").replace("path /a", "path \"\""), vec!["4:6: `path` is empty"]),
        ("<source>\n@type systemd\ntag a\n@label @A\nmatches [ ]\n</source>\n<label @A>\n<match **>\n@type null\n</match>\n</label>\n".into(), vec!["5:9: `matches` is empty, which Fluentd takes for everything (leave the source out where nothing is to be read)"]),
        ("<source>\n@type systemd\ntag a\n@label @A\nmatches [{\"_SYSTEMD_UNIT\": \"a\"}]\n</source>\n<label @A>\n<match **>\n@type null\n</match>\n</label>\n".into(), vec![]),
        ("key value\n".into(), vec!["1:1: `key` is outside of any section"]),
        ("<match>\n@type null\n</match>\n".into(), vec!["1:1: `<match>` needs the tags that it is for"]),
        ("<match **>\n@type opensearch\nscheme ftp\n<buffer>\n@type file\npath /b\noverflow_action wait\n</buffer>\n</match>\n".into(), vec!["3:8: `scheme` should be one of `https`, `http`, not `ftp`", "7:17: `overflow_action` should be one of `throw_exception`, `block`, `drop_oldest_chunk`, not `wait`"]),
        ("<match a>\n@type stdout\n<buffer>\n@type file\npath /b\n</buffer>\n</match>\n<match b>\n@type stdout\n<buffer>\n@type file\npath /b\n</buffer>\n</match>\n".into(), vec!["12:6: the buffer `/b` belongs to two plugins"]),
    ];
    for (text, expected) in cases {
        assert_eq!(faults(&text), expected, "{text}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    let text = "<match a>\n".repeat(100_000);
    assert_eq!(faults(&text), ["17:1: sections are nested too deep"]);
}

#[test]
fn values_are_read_as_fluentd_reads_them() {
    let text = "<match a> # why\n  @type null # null\n  key a#b # c\n  single 'it\\'s \\n #{1}'\n  double \"a\\n\\\"b\\\" \\# c\"\n</match>\n";
    let root = parse(text).unwrap();
    let section = &root.sections[0];
    let values: Vec<&str> = section
        .parameters
        .iter()
        .map(|parameter| &*parameter.value.text)
        .collect();
    assert_eq!(section.argument.text, "a");
    assert_eq!(values, ["null", "a#b", "it's \\n #{1}", "a\n\"b\" # c"]);
}

proptest! {
    #[test]
    fn every_text_reads_back(text in any::<String>()) {
        let conf = format!("<match a>\n  key {}\n</match>\n", quote::fluentd(&text));
        let root = parse(&conf).unwrap();
        prop_assert_eq!(&*root.sections[0].parameters[0].value.text, &text);
        prop_assert!(!root.sections[0].parameters[0].value.is_dynamic);
    }

    #[test]
    fn every_list_reads_back(texts in prop::collection::vec(any::<String>(), 0..5)) {
        let conf = format!("<match a>\n  key {}\n</match>\n", quote::fluentd_list(&texts));
        let root = parse(&conf).unwrap();
        let read: Vec<String> = serde_json::from_str(&root.sections[0].parameters[0].value.text).unwrap();
        prop_assert_eq!(read, texts);
    }

    #[test]
    fn a_comment_is_one_line(text in any::<String>()) {
        let conf = format!("<match a>\n  # {}\n  key value\n</match>\n", quote::comment(&text));
        prop_assert_eq!(parse(&conf).unwrap().sections[0].parameters.len(), 1);
    }

    #[test]
    fn ruby_stays_within_its_string(text in any::<String>()) {
        let written = quote::ruby(&text);
        prop_assert!(!written.contains('#'));
        let opens = "${";
        prop_assert!(!written.contains(opens));
        prop_assert!(!written.contains(['\n', '\r']));
    }

    #[test]
    fn nothing_panics(text in "[<>/a@\"'#{}\\[\\] \n\\\\]{0,60}") {
        let _ = faults(&text);
    }
}

/// A filter in a label that records come to from `tag`, by what is between.
fn filtered(tag: &str, between: &str, pattern: &str) -> Vec<String> {
    faults(&format!(
        "<source>\n@type tail\n@label @A\ntag {tag}\npath /a\n<parse>\n@type none\n</parse>\n</source>\n{between}<label @Z>\n<filter {pattern}>\n@type grep\n</filter>\n<match **>\n@type null\n</match>\n</label>\n"
    ))
}

#[test]
fn a_filter_for_tags_that_never_come_is_reported() {
    let relabel = "<label @A>\n<match **>\n@type relabel\n@label @Z\n</match>\n</label>\n";
    let retag = "<label @A>\n<match **>\n@type rewrite_tag_filter\n<rule>\nkey a\npattern /./\ntag b.c\nlabel @Z\n</rule>\n<rule>\nkey a\npattern /./\ninvert true\ntag ${tag}\nlabel @Z\n</rule>\n</match>\n</label>\n";
    let of_part = "<label @A>\n<match a.x.**>\n@type relabel\n@label @Z\n</match>\n<match **>\n@type null\n</match>\n</label>\n";
    let by_record = "<label @A>\n<match **>\n@type rewrite_tag_filter\n<rule>\nkey a\npattern /(.*)/\ntag $1\nlabel @Z\n</rule>\n</match>\n</label>\n";
    let copied = "<label @A>\n<match **>\n@type copy\n<store>\n@type relabel\n@label @Z\n</store>\n</match>\n</label>\n";
    for (tag, between, pattern, comes) in [
        ("a.b", relabel, "a.b", None),
        ("a.b", relabel, "a.*", None),
        ("a.b", relabel, "a.**", None),
        ("a", relabel, "a.**", None),
        ("a.b", relabel, "**.b", None),
        ("a.*", relabel, "a.var.log", None),
        ("a.b", relabel, "x.y a.{b,c}", None),
        ("a.b", relabel, "/a/", None),
        ("a.b", relabel, "b.**", Some("`a.b`")),
        ("a.b", relabel, "a.{c,d}", Some("`a.b`")),
        ("a.*", relabel, "kubernetes.**", Some("`a.*`")),
        ("a.b", retag, "b.c", None),
        ("a.b", retag, "a.b", None),
        ("a.b", retag, "c.**", Some("`a.b`, `b.c`")),
        ("a.b", by_record, "c.**", None),
        ("a.b", copied, "a.b", None),
        ("a.b", copied, "b.a", Some("`a.b`")),
        ("a.*", of_part, "a.x.y", None),
    ] {
        let found = filtered(tag, between, pattern);
        match comes {
            None => assert_eq!(found, [""; 0], "{tag} {pattern}"),
            Some(tags) => {
                assert_eq!(found.len(), 1, "{found:?}");
                assert!(
                    found[0].ends_with(&format!(
                        "no record with a tag like `{pattern}` comes to this `<filter>`, so it does nothing (tags that come here are {tags})"
                    )),
                    "{found:?}"
                );
            }
        }
    }
}

#[test]
fn plugins_that_an_image_lacks_are_reported_once() {
    let check = FluentdCheck::new().expect("the schema");
    let text = "<source>\n@type prometheus\n</source>\n<filter **>\n@type concat\n</filter>\n<match **>\n@type copy\n<store>\n@type s3\n</store>\n</match>\n";
    let gems: Vec<String> = check.gems(text).into_keys().collect();
    assert_eq!(
        gems,
        [
            "fluent-plugin-concat",
            "fluent-plugin-prometheus",
            "fluent-plugin-s3"
        ]
    );
    let has = |plugins: &[&str]| {
        let plugins = plugins.iter().map(|&name| name.to_owned()).collect();
        let faults = check
            .check_plugins("f", text, &plugins)
            .sorted()
            .into_iter();
        faults.map(|fault| fault.message).collect::<Vec<_>>()
    };
    assert_eq!(
        has(&["fluent-plugin-prometheus"]),
        ["the image lacks `fluent-plugin-concat`, `fluent-plugin-s3`, which this needs"]
    );
    assert_eq!(
        has(&[
            "fluent-plugin-prometheus",
            "fluent-plugin-concat",
            "fluent-plugin-s3"
        ]),
        [""; 0]
    );
}
