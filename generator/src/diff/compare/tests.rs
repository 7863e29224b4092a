//! Properties of whole comparisons, and what single ones say.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::files::{self, TreeComparison};
use super::finding::{Finding, Findings, Path};
use super::{language, structure};
use crate::diff::documents::Documents;
use crate::diff::placeholders::Placeholders;
use crate::diff::preview::Detail;
use crate::diff::redact::Under;
use crate::tree::{RenderedTree, TreePath};

fn differences(old: &Json, new: &Json) -> Vec<String> {
    let known = Placeholders::default();
    let mut found = Findings::new(&known);
    structure::compare(&Path::default(), Under::default(), old, new, &mut found);
    found.into_list().iter().map(describe).collect()
}

fn texts(file: &str, old: &str, new: &str) -> Vec<String> {
    let known = Placeholders::default();
    let mut found = Findings::new(&known);
    let language = language::Language::of(file);
    language::compare(language, &Path::default(), old, new, &mut found);
    found.into_list().iter().map(describe).collect()
}

fn describe(finding: &Finding) -> String {
    let what = match &finding.detail {
        Detail::Added { new } => format!("+ {new}"),
        Detail::Removed { old } => format!("- {old}"),
        Detail::Changed { old, new } => format!("{old} → {new}"),
        Detail::Renamed { to } => format!("renamed {to}"),
        Detail::Reordered { old, new } => format!("order {old:?} → {new:?}"),
        Detail::Lines { .. } => "lines".to_owned(),
        Detail::Comments { .. } => "comments".to_owned(),
        Detail::LineEnds => "line ends".to_owned(),
        other => format!("{other:?}"),
    };
    format!("{}: {what}", finding.path)
}

fn compare_trees(base: &RenderedTree, head: &RenderedTree) -> TreeComparison {
    let [base, head] = [base, head].map(Documents::of);
    files::compare_trees(&base, &head, &Placeholders::default())
}

fn tree(files: &[(&str, &str)]) -> RenderedTree {
    let files = files.iter().map(|(path, text)| {
        let path = TreePath::new(*path).expect("a path");
        (path, text.as_bytes().to_vec())
    });
    RenderedTree(files.collect())
}

#[test]
fn values_differ_by_path() {
    let old = json!({"spec": {"replicas": 1, "a.b": true, "gone": [1]}});
    let new = json!({"spec": {"replicas": 2, "a.b": false, "came": {"x": null}}});
    assert_eq!(
        differences(&old, &new),
        [
            "spec.replicas: 1 → 2",
            "spec.\"a.b\": true → false",
            "spec.gone: - [1]",
            "spec.came: + {\"x\":null}",
        ]
    );
}

#[test]
fn items_with_a_key_are_matched_by_it() {
    let container = |name: &str, image: &str| json!({"name": name, "image": image});
    let old = json!({"containers": [container("a", "1"), container("b", "1")]});
    let new =
        json!({"containers": [container("b", "2"), container("a", "1"), container("c", "1")]});
    assert_eq!(
        differences(&old, &new),
        [
            "containers[b].image: \"1\" → \"2\"",
            "containers[c]: + {\"name\":\"c\",\"image\":\"1\"}",
            "containers: order [\"a\", \"b\"] → [\"b\", \"a\"]",
        ]
    );
}

#[test]
fn items_without_one_are_matched_by_order() {
    let old = json!({"args": ["a", "b", "c"]});
    assert_eq!(
        differences(&old, &json!({"args": ["a", "x", "b", "c"]})),
        ["args[1]: + \"x\""]
    );
    assert_eq!(
        differences(&old, &json!({"args": ["a", "c"]})),
        ["args[was 1]: - \"b\""]
    );
    assert_eq!(
        differences(&old, &json!({"args": ["a", "B", "c"]})),
        ["args[1]: \"b\" → \"B\""]
    );
    assert_eq!(
        differences(&old, &json!({"args": ["c", "a", "b"]})),
        [
            "args: order [\"\\\"a\\\"\", \"\\\"b\\\"\", \"\\\"c\\\"\"] → [\"\\\"c\\\"\", \"\\\"a\\\"\", \"\\\"b\\\"\"]"
        ]
    );
}

#[test]
fn a_value_under_another_key_is_renamed() {
    let policy = json!({"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}});
    assert_eq!(
        differences(
            &json!({"Resources": {"Old": policy}}),
            &json!({"Resources": {"New": policy}})
        ),
        ["Resources.Old: renamed New"]
    );
}

#[test]
fn json_in_a_text_is_opened() {
    let policy =
        |actions: &[&str]| json!({"Statement": [{"Sid": "Write", "Action": actions}]}).to_string();
    let (old, new) = (policy(&["a:Get"]), policy(&["a:Get", "a:Put"]));
    assert_eq!(
        differences(&json!({"Document": old}), &json!({"Document": new})),
        ["Document › Statement[Write].Action[a:Put]: + \"a:Put\""]
    );
}

#[test]
fn files_in_a_config_map_are_opened_by_their_name() {
    let data = |text: &str| json!({"data": {"config.yaml": text}});
    assert_eq!(
        differences(&data("a: 1\nb: 2\n"), &data("a: 1\nb: 3\n")),
        ["data.\"config.yaml\" › b: 2 → 3"]
    );
}

#[test]
fn comments_and_layout_alone_are_reported_as_such() {
    assert_eq!(
        texts("a.yaml", "# a\nx: 1\n", "# b\nx: 1\n"),
        [": comments"]
    );
    assert_eq!(texts("a.json", "{\"a\":1}", "{ \"a\": 1 }"), [": comments"]);
    assert_eq!(
        texts("a.conf", "<a>\n  b c\n</a>\n", "<a>\n  # x\n  b c\n</a>\n"),
        [": comments"]
    );
    assert_eq!(texts("a.yaml", "a: 1\n", "a: 1\r\n"), [": line ends"]);
}

#[test]
fn a_fluentd_option_is_reported_by_its_block() {
    let text = |flush: &str| {
        format!(
            "<match **>\n  @type opensearch\n  @id main\n  <buffer>\n    flush_interval {flush}\n  </buffer>\n</match>\n"
        )
    };
    assert_eq!(
        texts("fluent.conf", &text("5s"), &text("9s")),
        ["<match @id=main> <buffer> flush_interval: \"5s\" → \"9s\""]
    );
}

#[test]
fn the_order_of_blocks_is_meaning() {
    let (one, two) = (
        "<match a>\n  @type x\n</match>\n",
        "<match b>\n  @type y\n</match>\n",
    );
    assert_eq!(
        texts(
            "fluent.conf",
            &format!("{one}{two}"),
            &format!("{two}{one}")
        ),
        [": order [\"<match a>\", \"<match b>\"] → [\"<match b>\", \"<match a>\"]"]
    );
}

#[test]
fn a_secret_is_reported_to_differ_and_not_shown() {
    let secret = |word: &str| format!("kind: Secret\nstringData:\n  any: {word}\n");
    assert_eq!(
        texts("a.yaml", &secret("one"), &secret("two")),
        ["stringData.any: \"*****\" → \"*****\""]
    );
    let two_documents = |word: &str| format!("{}---\nkind: Secret\n", secret(word));
    let reported = texts("a.yaml", &two_documents("one"), &two_documents("two"));
    assert!(reported[0].contains("Opaque"), "{reported:?}");
}

/// Part of what nobody may see in a test.
const PLANTED: &str = "of-the-fleet";

/// All that is kept of the comparison of two files, as text.
fn everything(path: &str, old: Option<&str>, new: Option<&str>) -> String {
    let side = |text: Option<&str>| {
        tree(
            &text
                .map(|text| (path, text))
                .into_iter()
                .collect::<Vec<_>>(),
        )
    };
    format!("{:?}", compare_trees(&side(old), &side(new)).files)
}

/// What holds a secret at `§`, by the name of its file.
const FILES: &[(&str, &str)] = &[
    ("a.yaml", "env:\n  - name: DB_PASSWORD\n    value: §\n"),
    ("a.yaml", "env:\n  - value: §\n    name: DB_PASSWORD\n"),
    ("a.yaml", "Tags:\n  - Key: password\n    Value: §\n"),
    (
        "a.json",
        r#"[{"ParameterKey": "DbPassword", "ParameterValue": "§"}]"#,
    ),
    (
        "a.yaml",
        "Parameters:\n  DbPassword:\n    Type: String\n    Default: §\n",
    ),
    ("a.yaml", "password:\n  value: §\n"),
    ("a.yaml", "token:\n  current:\n    - §\n"),
    ("a.yaml", "auth:\n  secretKey: §\n"),
    ("a.yaml", "kind: Secret\ndata:\n  any: §\n"),
    ("a.yaml", "kind: Secret\nstringData: §\n"),
    ("a.yaml", "kind: Secret\ndata:\n  - §\n"),
    (
        "a.yaml",
        "kind: List\nitems:\n  - kind: Secret\n    data:\n      any: §\n",
    ),
    (
        "a.yaml",
        "kind: ConfigMap\ndata:\n  any: '{\"kind\":\"Secret\",\"data\":{\"any\":\"§\"}}'\n",
    ),
    (
        "a.yaml",
        "kind: ConfigMap\ndata:\n  any.yaml: |\n    kind: Secret\n    data:\n      any: §\n",
    ),
    (
        "a.yaml",
        "kind: ConfigMap\ndata:\n  any: |\n    kind: Secret\n    data:\n      any: §\n",
    ),
    ("a.yaml", "args: [--password, §]\n"),
    ("a.yaml", "args:\n  - --password\n  - §\n"),
    ("a.json", "{\n  \"password\": [\n    \"§\"\n  ]\n}\n"),
    ("a.json", r#"{"auths": {"r": {"auth": "§"}}}"#),
    (
        "a.json",
        r#"{"text": "{\"auths\": {\"r\": {\"auth\": \"§\"}}}"}"#,
    ),
    ("a.yaml", "dsn: host=db user=x password=§\n"),
    (
        "a.yaml",
        "key: |\n  -----BEGIN PRIVATE KEY-----\n  §\n  -----END PRIVATE KEY-----\n",
    ),
    (
        "a.json",
        r#"["-----BEGIN PRIVATE KEY-----", "§", "-----END PRIVATE KEY-----"]"#,
    ),
    ("a.conf", "<match **>\n  @type x\n  password §\n</match>\n"),
    (
        "a.conf",
        "<match **>\n  @type x\n  <security>\n    shared_key §\n  </security>\n</match>\n",
    ),
    ("a.conf", "output {\n  x {\n    password => \"§\"\n  }\n}\n"),
    (
        "a.conf",
        "output {\n  x {\n    headers => { \"Authorization\" => \"Bearer §\" }\n  }\n}\n",
    ),
    (
        "a.conf",
        "output {\n  x {\n    password => \"§\"\n    password => \"§\"\n  }\n}\n",
    ),
    ("a.conf", "password §\n"),
    ("a.sh", "TOKEN=\\\n§\n"),
    ("a.sh", "tool --password §\n"),
    (
        "a.sh",
        "cat <<END\nkind: Secret\nstringData:\n  any: §\nEND\n",
    ),
    ("a.xml", "<a><password>§</password></a>\n"),
];

#[test]
fn no_secret_is_kept_of_a_file() {
    for (path, text) in FILES {
        let one = text.replace('§', "hunter2-of-the-fleet");
        let other = text.replace('§', "hunter3-of-the-fleet");
        let commented = format!("# a comment\n{one}");
        let more = format!("{one}# a comment\n");
        for (old, new) in [
            (None, Some(&one)),
            (Some(&one), None),
            (Some(&one), Some(&other)),
            (Some(&one), Some(&commented)),
            (Some(&more), Some(&one)),
        ] {
            let reported = everything(path, old.map(String::as_str), new.map(String::as_str));
            assert!(!reported.contains(PLANTED), "{text}\n{reported}");
            assert!(reported.contains(path), "{reported}");
        }
    }
}

#[test]
fn no_secret_is_kept_of_a_value() {
    let (one, other) = ("hunter2-of-the-fleet", "hunter3-of-the-fleet");
    let user = |password: &str| json!({"user": "a", "password": password, "b": [1]});
    for (old, new) in [
        (
            json!({"password": [one, other]}),
            json!({"password": [other, one]}),
        ),
        (
            json!([user(one), user(other)]),
            json!([user(other), user(one)]),
        ),
        (
            json!({"a": {"password": one}}),
            json!({"a": {"password": {"b": one}}}),
        ),
        (
            json!({"token": {"a": {"b": one}}}),
            json!({"token": {"a": {"b": other}}}),
        ),
        (
            json!({"token": {"env": [{"name": one}]}}),
            json!({"token": {"env": [{"name": other}]}}),
        ),
        (
            json!({"args": ["--token", one]}),
            json!({"args": ["-v", "--token", other]}),
        ),
        (
            json!({"args": ["a", one]}),
            json!({"args": ["--password", one, "b"]}),
        ),
        (json!({"password": one}), json!({"password": 1})),
        (
            json!({"kind": "Secret", "data": {"a": one}}),
            json!({"kind": "Secret", "data": one}),
        ),
        (
            json!({"cluster": ["token=hunter2-of-the-fleet"]}),
            json!({"cluster": []}),
        ),
    ] {
        let reported = differences(&old, &new).join("\n");
        assert!(!reported.is_empty(), "{old}");
        assert!(!reported.contains(PLANTED), "{reported}");
    }
}

#[test]
fn no_secret_is_kept_of_a_path() {
    let path = format!("x/AKIA{}.yaml", "IOSFODNN7EXAMPLE");
    let reported = everything(&path, Some("a: 1\n"), Some("a: 2\n"));
    assert!(!reported.contains("IOSFODNN7EXAMPLE"), "{reported}");
}

#[test]
fn what_another_program_reads_otherwise_is_no_comment() {
    let options = |text: &str| format!("filter {{\n  mutate {{\n    {text}\n  }}\n}}\n");
    for (path, old, new) in [
        (
            "a.conf",
            options("add_tag => a\n    add_tag => b"),
            options("add_tag => c\n    add_tag => b"),
        ),
        (
            "a.conf",
            options(r#"x => ["a", "b"]"#),
            options(r#"x => ["a , b"]"#),
        ),
        ("a.conf", options(r#"x => '"a"'"#), options(r#"x => "a""#)),
        (
            "a.conf",
            "<a>\n  b \"#{ENV['X']}\"\n</a>\n".to_owned(),
            "<a>\n  b '#{ENV['X']}'\n</a>\n".to_owned(),
        ),
        (
            "a.json",
            "{\"a\": 18446744073709551617}".to_owned(),
            "{\"a\": 18446744073709551618}".to_owned(),
        ),
        ("a.yaml", "a: \"yes\"\n".to_owned(), "a: yes\n".to_owned()),
        ("a.sh", "echo a\n".to_owned(), "echo a\r\n".to_owned()),
    ] {
        let compared = compare_trees(&tree(&[(path, &old)]), &tree(&[(path, &new)]));
        let findings = &compared.files[0].findings;
        let is_comment = findings.iter().any(|finding| finding.detail.is_comment());
        assert!(!is_comment, "{old} {new}: {findings:?}");
    }
}

/// These took time by the square of their length.
#[test]
fn long_files_take_time_by_their_length() {
    let list = |word: &str| -> Json { (0..20_000).map(|n| json!(format!("{word}{n}"))).collect() };
    assert_eq!(differences(&list("a"), &list("b")).len(), 20_000);
    let variables = |word: &str| -> Json {
        let items = (0..10_000).map(|n| json!({"name": format!("n{n}"), "value": word}));
        json!({"env": items.collect::<Vec<_>>()})
    };
    assert_eq!(differences(&variables("a"), &variables("b")).len(), 10_000);
    let members = |word: &str| -> Json {
        let members = (0..5_000).map(|n| (format!("{word}{n}"), json!([n, word, "c"])));
        Json::Object(members.collect())
    };
    assert_eq!(differences(&members("a"), &members("b")).len(), 10_000);
    let blocks = |word: &str| -> String {
        let blocks = (0..5_000).map(|n| format!("<match a{n}>\n  b {word}\n</match>\n"));
        blocks.collect()
    };
    assert_eq!(texts("a.conf", &blocks("a"), &blocks("b")).len(), 5_000);
    let lines = |word: &str| -> String {
        let lines = (0..4_900).map(|n| format!("  {word} token {n}\n"));
        lines.collect()
    };
    assert_eq!(texts("a.sh", &lines("a"), &lines("b")).len(), 1);
}

#[test]
fn files_come_go_and_get_other_names() {
    let base = tree(&[
        ("a.txt", "1"),
        ("b.txt", "2"),
        ("elasticsearch/x.json", "{}"),
    ]);
    let head = tree(&[("a.txt", "1"), ("c.txt", "2"), ("d.txt", "3")]);
    let compared = compare_trees(&base, &head);
    let reported: Vec<_> = compared
        .files
        .iter()
        .map(|file| (file.path.as_str(), &file.findings[0].detail))
        .collect();
    assert_eq!(
        reported[0],
        (
            "c.txt",
            &Detail::FileRenamed {
                from: "b.txt".into()
            }
        )
    );
    assert!(matches!(reported[1], ("d.txt", Detail::FileAdded { .. })));
    assert_eq!(reported[2], ("elasticsearch/x.json", &Detail::FileRemoved));
    assert_eq!(
        (
            compared.file_totals.added,
            compared.file_totals.changed,
            compared.file_totals.removed
        ),
        (1, 1, 1)
    );
    assert_eq!(compared.object_totals.removed, 1);
}

fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (0..5_i64).prop_map(Json::from),
        "[ab{}\"\n]{0,4}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("containers|env|name|Action|[a-c]", inner, 0..4)
                .prop_map(|members: BTreeMap<String, Json>| json!(members)),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_equal_has_no_difference(value in value()) {
        prop_assert_eq!(differences(&value, &value.clone()), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_equal_has_one(old in value(), new in value()) {
        prop_assert_eq!(differences(&old, &new).is_empty(), old == new);
    }

    #[test]
    fn each_place_is_reported_once(old in value(), new in value()) {
        let known = Placeholders::default();
    let mut found = Findings::new(&known);
        structure::compare(&Path::default(), Under::default(), &old, &new, &mut found);
        let mut reported: Vec<String> = found.into_list().iter().map(|finding| format!("{} {}", finding.path, matches!(finding.detail, Detail::Reordered { .. }))).collect();
        let count = reported.len();
        reported.sort();
        reported.dedup();
        prop_assert_eq!(reported.len(), count);
    }

    #[test]
    fn every_file_that_differs_is_reported(old in "[a-c\n]{0,20}", new in "[a-c\n]{0,20}") {
        for path in ["a.txt", "a.yaml", "a.json", "a.conf"] {
            let compared = compare_trees(&tree(&[(path, &old)]), &tree(&[(path, &new)]));
            prop_assert_eq!(compared.files.is_empty(), old == new);
            prop_assert!(compared.files.iter().all(|file| !file.findings.is_empty()));
        }
    }
}
