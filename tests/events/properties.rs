//! Any text at all keeps the promises.

use logfleet_events::resource_ids;
use proptest::prelude::*;

use crate::promises::{document, events, formats};

/// Texts that look like something: pieces of events, of JSON, and anything else.
fn texts() -> impl Strategy<Value = String> {
    let events: Vec<String> = formats()
        .iter()
        .flat_map(|(case, _)| events(case))
        .collect();
    let piece = (
        prop::sample::select(events),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
    )
        .prop_map(|(event, from, to)| {
            let characters: Vec<char> = event.chars().collect();
            let (from, to) = (from.index(characters.len()), to.index(characters.len()));
            characters[from.min(to)..=from.max(to)]
                .iter()
                .collect::<String>()
        });
    let sign = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        "\"",
        "\\",
        ":",
        ",",
        " ",
        "-",
        "\\u0000",
        "\\ud800",
        "null",
        "1e999",
        "-1",
        "2001:db8::1",
        "\n",
        "\u{0}",
        "ü",
        "\"eventVersion\":",
        "\"detail\":{",
        "\"detail-type\":\"x via CloudTrail\",",
    ]);
    let part = prop_oneof![4 => piece, 4 => sign.prop_map(ToOwned::to_owned), 1 => any::<String>()];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_keeps_the_promises(text in texts()) {
        for (_, format) in formats() {
            document(&format, &text);
        }
        for id in resource_ids(&text) {
            prop_assert!(text.contains(id));
        }
    }
}

#[test]
fn what_is_huge_or_deep_keeps_the_promises() {
    let deep = format!("{{\"x\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    let keys: String = (0..10_000)
        .map(|key| format!(",\"key{key}\":{key}"))
        .collect();
    let many = format!("{{\"detail\":{{\"a\":1{keys}}}}}");
    let long = format!("{{\"eventName\":\"{}\"}}", "a".repeat(1_000_000));
    let line = "x ".repeat(500_000);
    let request = format!(
        "http 2018 a b c d e f g h i j \"GET /{} HTTP/1.1\" k l m n o",
        "a".repeat(40_000)
    );
    for text in [
        deep,
        many,
        long,
        line,
        request,
        "\u{0}".repeat(100_000),
        "\"".repeat(100_000),
    ] {
        for (_, format) in formats() {
            document(&format, &text);
        }
    }
}
