//! What stands before the changes: the verdict, risks, faults, clusters, and
//! what was touched. Each section has a share of the room, and counts what has
//! none in it.

use super::fence::{Fence, line};
use super::inline::{cell, code, names, prose};
use crate::diff::layout::table::{Row, rows};
use crate::diff::layout::words::{
    ACKNOWLEDGE, by_origin, count, counts, cut, outcome_of_base, outcome_of_head, scope_words,
    shipment_words, status_words,
};
use crate::diff::preview::{
    BlastRadius, ClusterChange, GeneratorVersions, InputChange, NewClusters, Preview, Risk, Side,
};
use crate::fault::Fault;
use crate::report::{Style, to_text};

/// Clusters that are named in a row; more are counted.
const MAX_NAMED: usize = 5;
/// Files of a risk that are named; more are counted.
const MAX_FILES: usize = 3;
/// Inputs that are listed; more are counted.
const MAX_INPUTS: usize = 20;
/// Kinds of rows in the table of clusters; more are counted.
const MAX_ROWS: usize = 30;
/// Bytes of the verdict: so that it has room in any comment.
const MAX_VERDICT: usize = 160;
/// Bytes of what a revision is called, or how it was found.
const MAX_SIDE: usize = 80;
/// Bytes of a sentence.
const MAX_SENTENCE: usize = 300;
/// Bytes of a path.
const MAX_PATH: usize = 120;
/// What the note on what is left out takes.
const NOTE_BYTES: usize = 64;

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
            "Faults of the head",
            &preview.head_faults,
            outcome_of_head(preview.clusters),
            room,
        )
    });
    head.section(1, 2, |room| {
        clusters(&preview.changed_clusters, preview.clusters.unchanged, room)
    });
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
    head.section(2, 3, |room| touched(&preview.blast_radius, room));
    head.section(1, 1, |room| {
        faults(
            "Faults of the base",
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

/// Rows one after the other, as long as they have room.
struct Rows {
    text: String,
    room: usize,
    left_out: usize,
}

impl Rows {
    /// None if there is no room for what stands above them.
    fn new(above: String, max_bytes: usize) -> Option<Self> {
        let room = max_bytes.checked_sub(above.len() + NOTE_BYTES)?;
        Some(Self {
            text: above,
            room,
            left_out: 0,
        })
    }

    /// Adds a row, else a shorter one, else counts it. After one that is left
    /// out, all are.
    fn push(&mut self, row: &str, shorter: &str) {
        let fits = |row: &str| !row.is_empty() && row.len() <= self.room;
        let row = [row, shorter].into_iter().find(|row| fits(row));
        match row.filter(|_| self.left_out == 0) {
            Some(row) => {
                self.room -= row.len();
                self.text += row;
            }
            None => self.left_out += 1,
        }
    }

    /// With a note on what is left out.
    fn end(mut self, note: impl Fn(usize) -> String) -> String {
        if self.left_out > 0 {
            self.text += &note(self.left_out);
        }
        self.text
    }
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
    let rows = rows.end(|more| format!("> - and {more} more\n"));
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
        let files = risk.files.iter().take(MAX_FILES);
        let files: Vec<String> = files.map(|file| code(file, MAX_PATH)).collect();
        text += &format!(" ({}", files.join(", "));
        match risk.files.len().saturating_sub(MAX_FILES) {
            0 => text.push(')'),
            more => text += &format!(" and {more} more)"),
        }
    }
    text
}

fn acknowledged(risks: &[&Risk], max_bytes: usize) -> Option<String> {
    if risks.is_empty() {
        return None;
    }
    let title = count(risks.len(), "unacknowledged danger");
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
    Some(rows.end(|more| format!("- and {more} more\n")) + below)
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
        let more = count(all - shown, "line");
        fence.push(&[format!("… and {more} more")], max_bytes + NOTE_BYTES);
    }
    Some(title + &fence.into_text())
}

/// A row for all clusters that have the same in it.
fn clusters(changes: &[ClusterChange], unchanged: usize, max_bytes: usize) -> Option<String> {
    if changes.is_empty() {
        return None;
    }
    let all = rows(changes);
    let same = match unchanged {
        0 => String::new(),
        _ => format!("| unchanged | | | {} |\n", count(unchanged, "cluster")),
    };
    let above = "| | Files | Objects | Clusters |\n|---|---|---|---|\n".to_owned();
    let mut rows = Rows::new(above, max_bytes.checked_sub(same.len())?)?;
    let mut clusters_left_out = 0;
    for (number, row) in all.iter().enumerate() {
        let (text, short) = if number < MAX_ROWS {
            let all = row.clusters.as_slice();
            let short = count(all.len(), "cluster");
            (lay_out(row, &clusters_within(all)), lay_out(row, &short))
        } else {
            Default::default()
        };
        rows.push(&text, &short);
        if rows.left_out > 0 {
            clusters_left_out += row.clusters.len();
        }
    }
    let clusters_left_out = count(clusters_left_out, "cluster");
    let note = |more| {
        format!(
            "| and {} more | | | {clusters_left_out} |\n",
            count(more, "row")
        )
    };
    Some(rows.end(note) + &same)
}

/// The name of a cluster, or how many there are and, within brackets, the first of them.
fn clusters_within<S: AsRef<str>>(clusters: &[S]) -> String {
    let named = names(clusters, MAX_NAMED);
    match clusters.len() {
        1 => named,
        many => format!("{} ({named})", count(many, "cluster")),
    }
}

fn lay_out(row: &Row<'_>, clusters: &str) -> String {
    let change = row.change;
    let numbers = [change.files, change.objects].map(|totals| match counts(totals).as_str() {
        "" => String::new(),
        counts => code(counts, MAX_PATH),
    });
    let [files, objects] = numbers;
    let risks = change.risks.iter().map(|risk| {
        let flag = code(risk.flag.id(), MAX_PATH);
        if risk.acknowledged {
            format!(" · {flag} (meant)")
        } else {
            format!(" · **{flag}**")
        }
    });
    let risks: String = risks.collect();
    let status = cell(&prose(&status_words(change), MAX_SENTENCE));
    let clusters = cell(clusters);
    format!("| {status} | {files} | {objects} | {clusters}{risks} |\n")
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
    Some(rows.end(|more| format!("- and {more} more\n")))
}

fn touched(radius: &BlastRadius, max_bytes: usize) -> Option<String> {
    let mut listed = Vec::new();
    for across in &radius.across {
        let (path, clusters) = (
            code(&across.path, MAX_PATH),
            names(&across.clusters, MAX_NAMED),
        );
        listed.push(format!(
            "- **{path} is in the folder of one cluster and alters others**: {clusters}\n"
        ));
    }
    listed.extend(generator(&radius.generator));
    let (own, shared) = (radius.by_own_files.len(), radius.by_shared_files.len());
    if shared > 0 {
        let own = match own {
            0 => String::new(),
            1 => ", 1 by its own".to_owned(),
            own => format!(", {own} by their own"),
        };
        listed.push(format!(
            "- {} affected by shared files{own}\n",
            count(shared, "cluster")
        ));
    }
    for input in &radius.inputs {
        let change = match input.change {
            InputChange::Added => "added",
            InputChange::Changed => "changed",
            InputChange::Removed => "removed",
        };
        let scope = match scope_words(input.scope).trim() {
            "" => String::new(),
            scope => format!(", {scope}"),
        };
        listed.push(format!(
            "- {change} {}{scope}\n",
            code(&input.path, MAX_PATH)
        ));
    }
    if listed.is_empty() {
        return None;
    }
    let mut rows = Rows::new("**What was touched**\n\n".to_owned(), max_bytes)?;
    for (number, row) in listed.iter().enumerate() {
        rows.push(if number < MAX_INPUTS { row } else { "" }, "");
    }
    Some(rows.end(|more| format!("- and {more} more\n")))
}

/// What comes of another release of gen, and of no input.
fn generator(generator: &GeneratorVersions) -> Vec<String> {
    let running = code(&generator.running, MAX_PATH);
    let mut listed = Vec::new();
    for (version, clusters) in &generator.recorded {
        let (clusters, version) = (count(*clusters, "cluster"), code(version, MAX_PATH));
        listed.push(format!(
            "- `rendered/` of {clusters} was written by gen {version}; both sides are shown as gen {running} renders them\n"
        ));
    }
    if !generator.changed_clusters.is_empty() {
        let clusters = count(generator.changed_clusters.len(), "cluster");
        let (files, objects) = (counts(generator.files), counts(generator.objects));
        listed.push(format!(
            "- **gen {running} alone changes {clusters}**: files {}, objects {} (groups \"gen 1\" and so on)\n",
            code(&files, MAX_PATH),
            code(&objects, MAX_PATH)
        ));
        let risks = generator.risks.iter();
        listed.extend(risks.map(|risk| format!("- danger by gen alone: {}\n", sentence_of(risk))));
    } else if !generator.recorded.is_empty() {
        listed.push(format!(
            "- gen {running} renders the base to the same bytes\n"
        ));
    }
    listed
}
