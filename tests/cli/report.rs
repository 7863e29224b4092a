//! The page of the fleet's sources.

use serde_json::Value;

use crate::fleet::TestFleet;

fn page(fleet: &TestFleet) -> String {
    let run = fleet.call(&["report", "--out", "sources.html"]);
    assert_eq!(run.code, 0, "{run}");
    fleet.text("sources.html")
}

#[test]
fn it_needs_nothing_beside_itself() {
    let page = page(&TestFleet::base());
    for reference in ["http://", "https://", " src=", "@import", "url(", "<link"] {
        assert!(!page.contains(reference), "{reference}");
    }
}

#[test]
fn it_says_what_the_list_of_sources_says() {
    let fleet = TestFleet::base();
    fleet.append(
        "clusters/alpha/cluster.yaml",
        "sources: { kubernetes: { events: { enabled: false } } }\n",
    );
    let page = page(&fleet);
    let listed = fleet.call(&["sources", "--format", "json"]);
    let rows: Vec<Value> = serde_json::from_str(&listed.out).expect("JSON");
    let mut gaps = 0;
    for row in &rows {
        let source = row["source"].as_str().expect("a name");
        assert!(page.contains(&format!("<code>{source}</code>")), "{source}");
        for end in row["ends"].as_array().expect("a list") {
            let name = end["name"].as_str().expect("a name");
            assert!(page.contains(&format!("<code>{name}</code>")), "{name}");
        }
        let missing = &row["missing"];
        if missing["kind"] == "gap" {
            gaps += 1;
        }
    }
    let all = page.matches("<td class=\"gap\" title=").count();
    assert_eq!(all, gaps, "each gap is red in the table of clusters");
    assert!(page.contains("switched off by `sources.kubernetes.events.enabled`"));
}

#[test]
fn the_same_fleet_gives_the_same_page() {
    assert_eq!(page(&TestFleet::base()), page(&TestFleet::base()));
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    let fleet = TestFleet::base();
    let run = fleet.call(&["report", "--out", "nowhere/sources.html"]);
    insta::assert_snapshot!(run.to_string());
}
