//! What `gen diff` says of the commit that is to be applied: whether everything in it that can lose, leak or break something
//! is meant. Pure.

use serde::Deserialize;
use serde_json::Value;

use crate::fault::Fault;

/// The format of previews that this release reads.
const FORMAT: u64 = 1;

/// As much of a preview as is needed.
#[derive(Deserialize)]
struct Preview {
    #[serde(rename = "logfleet_preview")]
    format: u64,
    head: Side,
    dangers: Vec<Danger>,
    head_faults: Vec<Value>,
    blast_radius: BlastRadius,
}

#[derive(Deserialize)]
struct Side {
    commit: Option<String>,
}

#[derive(Deserialize)]
struct BlastRadius {
    generator: Generator,
}

/// What another release of `gen` renders otherwise.
#[derive(Deserialize)]
struct Generator {
    #[serde(default)]
    dangers: Vec<Danger>,
}

#[derive(Deserialize)]
struct Danger {
    flag: String,
    what: String,
    clusters: Vec<String>,
    acknowledged: Option<Value>,
}

/// Sees that a preview is of a commit, and that somebody acknowledged every danger in it.
pub fn check(place: &str, text: &str, commit: Option<&str>) -> Result<(), Vec<Fault>> {
    let wrong = |message: String| {
        vec![Fault::new(place, message).hint(
            "create it with `gen diff --base <what was applied> --head <commit> --format json`",
        )]
    };
    let preview: Preview = serde_json::from_str(text)
        .map_err(|error| wrong(Fault::quoting(&format!("isn't a preview: {error}"))))?;
    if preview.format != FORMAT {
        return Err(wrong(format!(
            "has the format {}, and this release reads {FORMAT}",
            preview.format
        )));
    }
    let Some(commit) = commit else {
        return Err(vec![
            Fault::new(place, "is for a commit, but the source is a folder")
                .hint("name a Git repository by --source"),
        ]);
    };
    if preview.head.commit.as_deref() != Some(commit) {
        let head = preview.head.commit.as_deref().unwrap_or("a working tree");
        return Err(wrong(format!(
            "is for {head}, but {commit} would be applied"
        )));
    }
    if !preview.head_faults.is_empty() {
        return Err(wrong("says that the commit doesn't render".to_owned()));
    }
    let own = preview.dangers.iter();
    let all = own.chain(&preview.blast_radius.generator.dangers);
    let unmeant = all.filter(|danger| danger.acknowledged.is_none());
    let mut faults: Vec<Fault> = unmeant
        .map(|danger| {
            let clusters = danger.clusters.join(", ");
            Fault::new(
                place,
                Fault::quoting(&format!(
                    "unacknowledged danger `{}`: {} ({clusters})",
                    danger.flag, danger.what
                )),
            )
            .hint("acknowledge it in a commit, or apply without --preview")
        })
        .collect();
    faults.sort();
    faults.dedup();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COMMIT: &str = "c45c5ecb80cf9292ce388f82fc0f7e4b18fa8a4b";

    fn danger(flag: &str, acknowledged: &Value) -> Value {
        json!({ "flag": flag, "what": "something happens", "clusters": ["alpha"], "acknowledged": acknowledged })
    }

    fn preview(dangers: &[Value], of_generator: &[Value]) -> Value {
        json!({
            "logfleet_preview": 1,
            "head": { "revision": "HEAD", "commit": COMMIT, "taken": "tip of HEAD" },
            "dangers": dangers,
            "head_faults": [],
            "blast_radius": { "generator": { "dangers": of_generator } },
        })
    }

    fn told(preview: &Value, commit: Option<&str>) -> Vec<String> {
        let checked = check("preview.json", &preview.to_string(), commit);
        let faults = checked.err().unwrap_or_default().into_iter();
        faults.map(|fault| fault.message).collect()
    }

    #[test]
    fn every_danger_must_be_meant() {
        let meant = json!({ "place": "commit c45c5ecb", "reason": "agreed" });
        let one = danger("retention-shrinks", &meant);
        assert!(told(&preview(std::slice::from_ref(&one), &[]), Some(COMMIT)).is_empty());
        let other = danger("stream-removed", &Value::Null);
        for (own, of_generator) in [
            (vec![one.clone(), other.clone()], vec![]),
            (vec![one], vec![other]),
        ] {
            assert_eq!(
                told(&preview(&own, &of_generator), Some(COMMIT)),
                ["unacknowledged danger `stream-removed`: something happens (alpha)"]
            );
        }
    }

    /// Previews as the generator's own tests hold them.
    #[test]
    fn it_is_read_as_gen_writes_it() {
        for (text, unmeant) in [
            (
                include_str!("../../tests/cli/snapshots/diff_cluster_removed_json.snap"),
                1,
            ),
            (
                include_str!(
                    "../../tests/cli/snapshots/diff_danger_acknowledged_by_trailer_json.snap"
                ),
                0,
            ),
        ] {
            let (_, text) = text.split_once("\n---\n").expect("a snapshot");
            let preview: Value = serde_json::from_str(text).expect("JSON");
            let commit = preview["head"]["commit"].as_str();
            let commit = commit.map_or_else(|| "of the working tree".to_owned(), ToOwned::to_owned);
            let mut preview = preview;
            preview["head"]["commit"] = json!(commit);
            let told = told(&preview, Some(&commit));
            assert_eq!(told.len(), unmeant, "{told:?}");
            assert!(
                told.iter()
                    .all(|one| one.starts_with("unacknowledged danger"))
            );
        }
    }

    #[test]
    fn what_is_of_something_else_is_refused() {
        let right = preview(&[], &[]);
        assert!(told(&right, Some("0123"))[0].contains("but 0123 would be applied"));
        assert!(told(&right, None)[0].contains("the source is a folder"));
        let mut other = right.clone();
        other["logfleet_preview"] = json!(2);
        assert!(told(&other, Some(COMMIT))[0].contains("has the format 2"));
        let mut broken = right.clone();
        broken["head_faults"] = json!([{}]);
        assert!(told(&broken, Some(COMMIT))[0].contains("doesn't render"));
        assert!(told(&json!({}), Some(COMMIT))[0].contains("isn't a preview"));
        let mut worktree = right;
        worktree["head"]["commit"] = Value::Null;
        assert!(told(&worktree, Some(COMMIT))[0].contains("a working tree"));
    }
}
