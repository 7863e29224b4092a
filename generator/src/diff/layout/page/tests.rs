//! Nothing of a preview is lost on its page, and nothing of it is obeyed.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::diff::preview::*;
use crate::fault::{Fault, Place};
use crate::settings::Flag;

/// Ends whatever it may stand in: an element, an attribute, the script.
const HOSTILE: &str =
    "x\"'><i id=x></script></style><!-- &amp; \u{202e}\u{1b}[31m --><script>x()</script>";

/// What a reader, or a browser, gets: texts without tags, code between
/// backticks, entities as their characters. Fails where a tag is not closed, or closed in the wrong place.
fn text_of(html: &str) -> String {
    let mut text = String::new();
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html.strip_prefix("<!doctype html>").expect("a document");
    while let Some((before, after)) = rest.split_once('<') {
        text += before;
        let (tag, after) = after.split_once('>').expect("a tag that ends");
        rest = after;
        let name = tag.split_whitespace().next().expect("a name");
        if name.trim_start_matches('/') == "code" {
            text.push('`');
        }
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "in {}", text.trim()),
            None if matches!(name, "meta" | "input") => {}
            None => open.push(name),
        }
        if matches!(name, "style" | "script") {
            let end = format!("</{name}>");
            rest = &rest[rest.find(&end).expect("an end")..];
        }
    }
    assert_eq!(open, Vec::<&str>::new());
    assert_eq!(rest.trim(), "");
    for (entity, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, character);
    }
    text
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}([.-][a-z]{1,4})?",
        Just(HOSTILE.to_owned()),
        "[<>&\"'`{}\\\\/ \u{200f}\ta-c]{1,6}",
    ]
}

fn names() -> impl Strategy<Value = Vec<String>> {
    vec(name(), 1..9)
}

fn json_value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i32>().prop_map(Json::from),
        name().prop_map(Json::from),
        (name(), name()).prop_map(|(one, two)| Json::from(format!("{one}\n{two}\n"))),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            vec((name(), inner), 0..4)
                .prop_map(|members| json!(members.into_iter().collect::<BTreeMap<_, _>>())),
        ]
    })
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let sign = prop::sample::select(vec![Sign::Context, Sign::Added, Sign::Removed, Sign::Gap]);
    vec(
        (sign, name()).prop_map(|(sign, text)| Line { sign, text }),
        0..8,
    )
}

fn detail() -> impl Strategy<Value = Detail> {
    prop_oneof![
        json_value().prop_map(|new| Detail::Added { new }),
        json_value().prop_map(|old| Detail::Removed { old }),
        (json_value(), json_value()).prop_map(|(old, new)| Detail::Changed { old, new }),
        name().prop_map(|to| Detail::Renamed { to }),
        (names(), names()).prop_map(|(old, new)| Detail::Reordered { old, new }),
        (lines(), 0..3_usize).prop_map(|(lines, omitted)| Detail::Lines { lines, omitted }),
        (lines(), 0..3_usize).prop_map(|(lines, omitted)| Detail::Comments { lines, omitted }),
        (lines(), 0..3_usize).prop_map(|(lines, omitted)| Detail::FileAdded { lines, omitted }),
        Just(Detail::LineEnds),
        Just(Detail::FileRemoved),
        any::<(usize, usize)>().prop_map(|(old_bytes, new_bytes)| Detail::Opaque {
            old_bytes,
            new_bytes
        }),
        name().prop_map(|from| Detail::FileRenamed { from }),
    ]
}

fn group() -> impl Strategy<Value = Group> {
    let file = (name(), option::of(name()), 1..9_usize);
    let file = (file, vec(name(), 0..3));
    let file = file.prop_map(|((path, object, clusters), only_in)| PartFile {
        path,
        object,
        clusters,
        only_in,
    });
    let variant = (names(), detail());
    let variant = variant.prop_map(|(clusters, detail)| Variant { clusters, detail });
    let part = (
        vec(file, 1..24),
        prop_oneof![Just(String::new()), name()],
        vec(variant, 1..8),
    );
    let part = part.prop_map(|(files, path, variants)| Part {
        files,
        path,
        variants,
    });
    (names(), any::<bool>(), vec(part, 1..3)).prop_map(|(clusters, comments_only, parts)| Group {
        clusters,
        comments_only,
        parts,
    })
}

fn risk() -> impl Strategy<Value = Risk> {
    let by = (name(), option::of(name()));
    let by = by.prop_map(|(place, reason)| Acknowledgement { place, reason });
    let flag = prop::sample::select(Flag::ALL.to_vec());
    let rest = (
        option::of(name()),
        names(),
        vec(name(), 0..8),
        option::of(by),
    );
    (flag, name(), rest).prop_map(|(flag, what, (live, clusters, files, acknowledged))| Risk {
        flag,
        what,
        live,
        clusters,
        files,
        acknowledged,
        key: None,
        before: None,
        after: None,
    })
}

fn fault() -> impl Strategy<Value = Fault> {
    (name(), name(), option::of(name())).prop_map(|(message, excerpt, hint)| {
        let fault = Fault::input(message.replace('`', "")).at(Place {
            file: "clusters/a/cluster.yaml".to_owned(),
            line: 3,
            column: 2,
            width: 2,
            excerpt,
        });
        hint.into_iter()
            .fold(fault, |fault, hint| fault.hint(hint.replace('`', "")))
    })
}

fn radius() -> impl Strategy<Value = BlastRadius> {
    let input = (
        name(),
        prop::sample::select(vec![InputScope::Fleet, InputScope::Cluster]),
    );
    let input = input.prop_map(|(path, scope)| ChangedInput {
        path,
        change: InputChange::Changed,
        scope,
    });
    let across = (name(), names()).prop_map(|(path, clusters)| Across { path, clusters });
    let recorded = prop::collection::btree_map(name(), 1..9_usize, 0..2);
    (
        vec(input, 0..24),
        names(),
        names(),
        vec(across, 0..2),
        recorded,
    )
        .prop_map(
            |(inputs, by_own_files, by_shared_files, across, recorded)| BlastRadius {
                inputs,
                by_own_files,
                by_shared_files,
                across,
                generator: GeneratorVersions {
                    running: "1.2.3".to_owned(),
                    recorded,
                    ..GeneratorVersions::default()
                },
            },
        )
}

fn change() -> impl Strategy<Value = ClusterChange> {
    let renamed = option::of((name(), 1..9_usize));
    let risk = (0..Flag::ALL.len(), any::<bool>()).prop_map(|(flag, acknowledged)| {
        let flag = Flag::ALL[flag];
        ClusterRisk { flag, acknowledged }
    });
    let change = (name(), any::<bool>(), renamed, vec(risk, 0..3));
    change.prop_map(|(name, added, renamed, risks)| ClusterChange {
        name,
        status: if added || renamed.is_some() {
            ClusterStatus::Added
        } else {
            ClusterStatus::Removed
        },
        files: Totals::default(),
        objects: Totals::default(),
        renamed_from: renamed.map(|(name, same_files)| RenamedCluster { name, same_files }),
        account_regions: AccountRegions::default(),
        risks,
    })
}

fn new_clusters() -> impl Strategy<Value = NewClusters> {
    let shipment = (name(), option::of(any::<u16>()), names());
    let shipment = shipment.prop_map(|(at, kept_days, sources)| Shipment {
        at,
        kept_days,
        kept_for_good: false,
        sources,
    });
    let left_out = (name(), name()).prop_map(|(source, why)| LeftOut { source, why });
    (names(), vec(shipment, 0..3), vec(left_out, 0..2)).prop_map(|(clusters, ships, leaves_out)| {
        NewClusters {
            clusters,
            ships,
            leaves_out,
        }
    })
}

fn setting() -> impl Strategy<Value = SettingChange> {
    let place = (name(), any::<u16>()).prop_map(|(file, line)| SettingPlace {
        file,
        line: line.into(),
        column: 1,
    });
    let reach = prop_oneof![
        any::<usize>().prop_map(|count| SettingReach::AllClusters { count }),
        (names(), any::<usize>())
            .prop_map(|(clusters, of)| SettingReach::Clusters { clusters, of }),
        vec(name(), 1..3).prop_map(|folders| SettingReach::SharedFiles { folders }),
        Just(SettingReach::Nothing),
        Just(SettingReach::NotCompared),
    ];
    let values = (option::of(json_value()), option::of(json_value()));
    let values = values.prop_filter("what is equal is masked", |(before, after)| before != after);
    (name(), values, vec(place, 1..9), reach).prop_map(|(path, (before, after), places, reach)| {
        SettingChange {
            path,
            scope: InputScope::Fleet,
            before,
            after,
            places,
            reach,
        }
    })
}

fn side() -> impl Strategy<Value = Side> {
    (name(), option::of(name()), name()).prop_map(|(revision, commit, taken)| Side {
        revision,
        commit,
        taken,
    })
}

prop_compose! {
    fn preview()(
        (verdict, base, head) in (name(), side(), side()),
        risks in vec(risk(), 0..3),
        (changed_clusters, new_clusters, settings) in (
            vec(change(), 0..9),
            vec(new_clusters(), 0..3),
            vec(setting(), 0..30),
        ),
        groups in vec(group(), 0..4),
        blast_radius in radius(),
        head_faults in vec(fault(), 0..3),
        base_faults in vec(fault(), 0..3),
        acknowledgement_faults in vec(fault(), 0..3),
        (generator_groups, generator_risks) in (vec(group(), 0..3), vec(risk(), 0..2)),
    ) -> Preview {
        let mut blast_radius: BlastRadius = blast_radius;
        let generator = &mut blast_radius.generator;
        if !generator.recorded.is_empty() && !generator_groups.is_empty() {
            generator.changed_clusters = generator_groups[0].clusters.clone();
            generator.groups = generator_groups;
            generator.risks = generator_risks;
        }
        Preview {
            logfleet_preview: FORMAT,
            verdict, base, head, risks,
            clusters: ClusterTotals::default(),
            files: Totals { added: 1, changed: 0, removed: 0 },
            objects: Totals::default(),
            settings, changed_clusters, new_clusters, groups, blast_radius, head_faults, base_faults,
            acknowledgement_faults,
        }
    }
}

/// Every text of a preview that has to be read, values as their leaves.
fn texts(preview: &Preview) -> Vec<String> {
    let mut found = Vec::new();
    gather(
        &serde_json::to_value(preview).expect("no odd keys"),
        &mut found,
    );
    let faults = [
        &preview.head_faults,
        &preview.base_faults,
        &preview.acknowledgement_faults,
    ];
    for fault in faults.into_iter().flatten() {
        found.extend(
            fault
                .place
                .iter()
                .map(|place| place.excerpt.trim_end().to_owned()),
        );
    }
    found
        .iter()
        .flat_map(|text| text.split('\n'))
        .map(str::to_owned)
        .collect()
}

/// Texts that a field of the document names, but the page words otherwise.
const WORDED: [&str; 5] = ["kind", "sign", "status", "change", "scope"];

fn gather(value: &Json, found: &mut Vec<String>) {
    match value {
        Json::String(text) => found.push(text.clone()),
        Json::Array(items) => items.iter().for_each(|item| gather(item, found)),
        Json::Object(members) => {
            for (key, value) in members {
                match (key.as_str(), value) {
                    // What is equal is masked, and so not shown.
                    ("detail", detail)
                        if detail["kind"] == "changed" && detail["old"] == detail["new"] => {}
                    // Nothing is "not set", or isn't said.
                    ("before" | "after", Json::Null) => {}
                    ("old" | "new" | "before" | "after", value) => leaves(value, found),
                    (key, Json::String(_)) if WORDED.contains(&key) => {}
                    (_, value) => gather(value, found),
                }
            }
        }
        _ => {}
    }
}

fn leaves(value: &Json, found: &mut Vec<String>) {
    match value {
        Json::Object(members) if !members.is_empty() => members.iter().for_each(|(key, value)| {
            found.push(key.clone());
            leaves(value, found);
        }),
        Json::Array(items) if !items.is_empty() => {
            for item in items {
                leaves(item, found);
            }
        }
        // In a list of plain values they stand as JSON, else as they are.
        Json::String(text) => found.push(text.lines().next().unwrap_or_default().to_owned()),
        other => found.push(other.to_string()),
    }
}

fn shown(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        match character {
            '\t' => shown.push('\t'),
            _ => crate::report::push_shown(&mut shown, character),
        }
    }
    shown
}

/// A text as it stands within a JSON text.
fn escaped(text: &str) -> String {
    let quoted = Json::from(text).to_string();
    shown(&quoted[1..quoted.len() - 1])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_is_lost(preview in preview()) {
        let raw = texts(&preview);
        let page = text_of(&to_html(&preview));
        for text in raw {
            let is_there = page.contains(&shown(&text)) || page.contains(&escaped(&text));
            prop_assert!(is_there, "{text:?} is not in the page");
        }
    }

    #[test]
    fn nothing_of_it_is_obeyed(preview in preview()) {
        let html = to_html(&preview);
        prop_assert!(!html.contains("<i "));
        prop_assert!(!html.contains("<!--"));
        let obeyed = html.contains(['\u{202e}', '\u{200f}', '\u{1b}']);
        prop_assert!(!obeyed);
        prop_assert_eq!(html.matches("<script").count(), 1);
        prop_assert_eq!(html.matches("</script").count(), 1);
        prop_assert_eq!(html.matches("</style").count(), 1);
    }
}

#[test]
fn a_text_is_inert_in_an_attribute() {
    let mut markup = Markup::default();
    markup.within("<a title=\"", HOSTILE, "\">");
    let html = markup.into_string();
    assert_eq!(
        (html.matches('"').count(), html.matches('\'').count()),
        (2, 0)
    );
    assert_eq!(
        (html.matches('<').count(), html.matches('>').count()),
        (1, 1)
    );
}

#[test]
fn what_fills_a_slot_is_no_slot() {
    let page = fill(&[
        ("{policy}", "{title}"),
        ("{title}", "{style}{content}"),
        ("{style}", "body"),
    ]);
    assert!(page.contains("content=\"{title}\""));
    assert!(page.contains("<title>{style}{content}</title>"));
    assert!(page.contains("<style>body</style>"));
}

#[test]
fn the_policy_allows_this_style_and_script_only() {
    let policy = policy();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'));
    // A change of either is another hash, and each is whole in the page.
    let page = PAGE;
    assert!(page.contains("<style>{style}</style>") && page.contains("<script>{script}</script>"));
}

#[test]
fn old_and_new_lines_are_blocks() {
    let line = |sign, text: &str| Line {
        sign,
        text: text.to_owned(),
    };
    let mut markup = Markup::default();
    markup.detail(&Detail::Lines {
        lines: vec![
            line(Sign::Context, "a"),
            line(Sign::Removed, "b"),
            line(Sign::Removed, "c"),
            line(Sign::Added, "d"),
            line(Sign::Gap, ""),
        ],
        omitted: 2,
    });
    insta::assert_snapshot!(markup.into_string(), @r#"
    <div class="diff"><pre>  a</pre><pre class="old">- b
    - c</pre><pre class="new">+ d</pre><pre class="gap">… </pre></div>
    <p class="soft">and 2 lines more, which the preview leaves out</p>
    "#);
}

#[test]
fn a_value_is_reported_by_its_leaves() {
    let mut markup = Markup::default();
    let new = json!({"name": "a", "env": [{"name": "B", "value": "x\ny\n"}], "args": ["-c", 1]});
    markup.detail(&Detail::Added { new });
    insta::assert_snapshot!(markup.into_string(), @r#"
    <div class="diff"><pre class="new">+ name: &quot;a&quot;
    + env[0].name: &quot;B&quot;
    + env[0].value: |
    +   x
    +   y
    + args: [&quot;-c&quot;,1]</pre></div>
    "#);
}

#[test]
fn blanks_are_marked_where_they_differ() {
    let line = |sign, text: &str| Line {
        sign,
        text: text.to_owned(),
    };
    let mut markup = Markup::default();
    markup.detail(&Detail::Lines {
        lines: vec![
            line(Sign::Context, "a "),
            line(Sign::Removed, "\tb <c"),
            line(Sign::Added, "b  <c"),
            line(Sign::Context, "d"),
            line(Sign::Added, " e \t"),
        ],
        omitted: 0,
    });
    let html = markup.into_string();
    for reported in [
        "<pre>  a </pre>",
        "<pre class=\"old\">- <span class=\"tab\">\t</span>b<span class=\"blank\"> </span>&lt;c</pre>",
        "<pre class=\"new\">+ b<span class=\"blank\">  </span>&lt;c</pre>",
        "<pre class=\"new\">+  e<span class=\"blank\"> </span><span class=\"tab\">\t</span></pre>",
    ] {
        assert!(html.contains(reported), "{reported}: {html}");
    }
}

#[test]
fn what_differs_in_a_line_is_marked_by_words() {
    let reported = |old: &str, new: &str| {
        let mut markup = Markup::default();
        markup.detail(&Detail::Changed {
            old: json!(old),
            new: json!(new),
        });
        markup.into_string()
    };
    let html = reported("fluentd:1.19.0", "fluentd:1.20.0");
    assert!(
        html.contains("fluentd:1.<mark>19</mark>.0")
            && html.contains("fluentd:1.<mark>20</mark>.0"),
        "{html}"
    );
    assert!(!reported("one thing", "another").contains("<mark>"));
}
