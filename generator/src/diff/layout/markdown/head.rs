//! What stands before the changes: the verdict, risks, faults, clusters, and
//! what was touched. Each section has a share of the room, and counts what has
//! none in it.

use super::fence::{Fence, line};
use super::inline::{code, names, prose};
use super::rows::{NOTE_BYTES, Rows};
use super::section::section;
use crate::diff::layout::sections;
use crate::diff::layout::words::{
    ACKNOWLEDGE, and_more, by_origin, count, counts, cut, listed, outcome_of_base, outcome_of_head,
    shipment_words,
};
use crate::diff::preview::{GeneratorVersions, NewClusters, Preview, Risk, Side};
use crate::fault::Fault;
use crate::report::{Style, to_text};

/// Clusters that are named in a row; more are counted.
const MAX_NAMED: usize = 5;
/// Files of a risk that are named; more are counted.
const MAX_FILES: usize = 3;
/// Bytes of the verdict: so that it has room in any comment.
const MAX_VERDICT: usize = 160;
/// Bytes of what a revision is called, or how it was found.
const MAX_SIDE: usize = 80;
/// Bytes of a sentence.
const MAX_SENTENCE: usize = 300;
/// Bytes of a path.
const MAX_PATH: usize = 120;

/// Lays it out in at most so many bytes, with a blank line at its end.
pub(super) fn head(preview: &Preview, max_bytes: usize) -> String {
    let mut head = Head {
        text: format!("### {}\n\n", prose(&preview.verdict, MAX_VERDICT)),
        max_bytes,
    };
    head.sides(&preview.base, &preview.head);
    let (meant, open): (Vec<&Risk>, Vec<&Risk>) = preview
        .risks
        .iter()
        .partition(|risk| risk.acknowledged.is_some());
    head.section(3, 5, |room| risks(&open, room));
    head.section(1, 2, |room| {
        faults(
            "Errors of the head",
            &preview.head_faults,
            outcome_of_head(preview.clusters),
            room,
        )
    });
    head.section(1, 3, |room| section(&sections::settings(preview), room));
    head.section(1, 2, |room| section(&sections::clusters(preview), room));
    head.section(1, 2, |room| new_clusters(&preview.new_clusters, room));
    head.section(1, 3, |room| acknowledged(&meant, room));
    head.section(1, 3, |room| {
        faults(
            "Acknowledgements that acknowledge nothing",
            &preview.acknowledgement_faults,
            "no danger is acknowledged by them",
            room,
        )
    });
    head.section(1, 2, |room| {
        generator(&preview.blast_radius.generator, room)
    });
    head.section(2, 3, |room| {
        section(&sections::inputs(&preview.blast_radius), room)
    });
    head.section(1, 1, |room| {
        faults(
            "Errors of the base",
            &preview.base_faults,
            outcome_of_base(preview.clusters),
            room,
        )
    });
    head.text
}

struct Head {
    text: String,
    max_bytes: usize,
}

impl Head {
    /// Adds a section that may take a share of what is left.
    fn section(&mut self, share: usize, of: usize, lay_out: impl Fn(usize) -> Option<String>) {
        let left = self.max_bytes.saturating_sub(self.text.len() + 1);
        if let Some(section) = lay_out(left * share / of) {
            self.text.extend([section.as_str(), "\n"]);
        }
    }

    fn sides(&mut self, base: &Side, head: &Side) {
        let line = format!("Base {} · head {}\n", side(base), side(head));
        self.section(1, 2, |room| (line.len() <= room).then(|| line.clone()));
    }
}

fn side(side: &Side) -> String {
    let commit = side.commit.as_deref().map(|commit| commit.chars().take(8));
    let called = commit.map_or_else(|| side.revision.clone(), String::from_iter);
    let (called, taken) = (code(&called, MAX_SIDE), prose(&side.taken, MAX_SIDE));
    format!("{called}, {taken}")
}

fn risks(risks: &[&Risk], max_bytes: usize) -> Option<String> {
    if risks.is_empty() {
        return None;
    }
    let title = count(risks.len(), "unacknowledged danger");
    let above = format!("> [!CAUTION]\n> **{title}**\n>\n");
    let below = format!(">\n> {ACKNOWLEDGE}\n");
    let mut rows = Rows::new(above, max_bytes.checked_sub(below.len())?)?;
    for risk in risks {
        let clusters = count(risk.clusters.len(), "cluster");
        let (flag, title) = (code(risk.flag.id(), MAX_PATH), risk.flag.title());
        let short = format!("> - **{flag}** {title}, in {clusters}\n");
        rows.push(&format!("> - {}\n", sentence_of(risk)), &short);
    }
    let rows = rows.end_list("> - ");
    Some(rows + &below)
}

/// What a risk is, where, and what follows of it.
fn sentence_of(risk: &Risk) -> String {
    let flag = code(risk.flag.id(), MAX_PATH);
    let what = prose(&risk.what, MAX_SENTENCE);
    let mut text = format!("**{flag}** in {}: {what}", clusters_within(&risk.clusters));
    if let Some(live) = &risk.live {
        text += &format!("; {}", prose(live, MAX_SENTENCE));
    }
    if !risk.files.is_empty() {
        let files = risk.files.iter().map(String::as_str);
        let files = listed(files, MAX_FILES, |file| code(file, MAX_PATH));
        text += &format!(" ({files})");
    }
    text
}

fn acknowledged(risks: &[&Risk], max_bytes: usize) -> Option<String> {
    if risks.is_empty() {
        return None;
    }
    let title = count(risks.len(), "danger");
    let above = format!("<details><summary>{title} acknowledged</summary>\n\n");
    let below = "\n</details>\n";
    let mut rows = Rows::new(above, max_bytes.checked_sub(below.len())?)?;
    for risk in risks {
        let flag = code(risk.flag.id(), MAX_PATH);
        let by = risk.acknowledged.iter().map(|by| {
            let reason = by.reason.iter();
            let reason = reason.map(|reason| format!(": {}", prose(reason, MAX_SENTENCE)));
            let place = prose(&by.place, MAX_PATH);
            format!("; meant, by {place}{}", reason.collect::<String>())
        });
        let by: String = by.collect();
        rows.push(
            &format!("- {}{by}\n", sentence_of(risk)),
            &format!("- **{flag}**{by}\n"),
        );
    }
    Some(rows.end_list("- ") + below)
}

fn faults(title: &str, faults: &[Fault], outcome: &str, max_bytes: usize) -> Option<String> {
    if faults.is_empty() {
        return None;
    }
    let text = to_text(faults.iter().cloned().collect(), outcome, Style::Plain);
    let title = format!("**{title}**\n\n");
    let max_bytes = max_bytes.checked_sub(title.len() + NOTE_BYTES)?;
    let mut fence = Fence::new("text");
    let mut lines = text.lines();
    let mut fits = |text: &str| fence.push(&[line(&cut(text))], max_bytes);
    let all = lines.clone().count();
    let shown = lines
        .by_ref()
        .map_while(|text| fits(text).then_some(()))
        .count();
    if shown == 0 {
        let faults = count(faults.len(), "error");
        return Some(format!("**{faults}**\n"));
    }
    if shown < all {
        fence.push(
            &[format!("… {}", and_more(all - shown, "line"))],
            max_bytes + NOTE_BYTES,
        );
    }
    Some(title + &fence.into_text())
}

/// The name of a cluster, or how many there are and, within brackets, the first of them.
fn clusters_within<S: AsRef<str>>(clusters: &[S]) -> String {
    let named = names(clusters, MAX_NAMED);
    match clusters.len() {
        1 => named,
        many => format!("{} ({named})", count(many, "cluster")),
    }
}

/// What the new ones ship; first what they don't.
fn new_clusters(all: &[NewClusters], max_bytes: usize) -> Option<String> {
    if all.is_empty() {
        return None;
    }
    let mut rows = Rows::new("**What new clusters ship**\n\n".to_owned(), max_bytes)?;
    for new in all {
        let clusters = clusters_within(&new.clusters);
        for gap in &new.leaves_out {
            let (source, why) = (code(&gap.source, MAX_PATH), prose(&gap.why, MAX_SENTENCE));
            let row = format!("- {clusters} **not {source}**: {why}\n");
            rows.push(&row, "");
        }
        for shipment in &new.ships {
            let place = prose(&shipment_words(shipment), MAX_SENTENCE);
            let of = by_origin(&shipment.sources);
            let of = of.iter().map(|(origin, sources)| match *origin {
                "" => names(sources, usize::MAX),
                _ => format!(
                    "{} ({})",
                    code(origin, MAX_PATH),
                    names(sources, usize::MAX)
                ),
            });
            let sources = of.collect::<Vec<_>>().join(", ");
            let count = count(shipment.sources.len(), "source");
            rows.push(
                &format!("- {clusters} to {place}: {sources}\n"),
                &format!("- {clusters} to {place}: {count}\n"),
            );
        }
    }
    Some(rows.end_list("- "))
}

/// What comes of another release of gen, and of no input.
fn generator(generator: &GeneratorVersions, max_bytes: usize) -> Option<String> {
    if generator.recorded.is_empty() {
        return None;
    }
    let running = code(&generator.running, MAX_PATH);
    let title = format!("**What gen {running} alone changes**\n\n");
    let mut rows = Rows::new(title, max_bytes)?;
    let mut push = |row: String| rows.push(&format!("- {row}\n"), "");
    for (version, clusters) in &generator.recorded {
        let (clusters, version) = (count(*clusters, "cluster"), code(version, MAX_PATH));
        push(format!(
            "`rendered/` of {clusters} was written by gen {version}; both sides are shown as gen {running} renders them"
        ));
    }
    if generator.changed_clusters.is_empty() {
        push(format!("gen {running} renders the base to the same bytes"));
    } else {
        let clusters = count(generator.changed_clusters.len(), "cluster");
        let (files, objects) = (counts(generator.files), counts(generator.objects));
        push(format!(
            "**gen {running} alone changes {clusters}**: files {}, objects {} (groups \"gen 1\" and so on)",
            code(&files, MAX_PATH),
            code(&objects, MAX_PATH)
        ));
    }
    for risk in &generator.risks {
        push(format!("danger by gen alone: {}", sentence_of(risk)));
    }
    Some(rows.end_list("- "))
}
