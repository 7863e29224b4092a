//! A preview as text for a terminal: the verdict, the clusters, what was
//! touched, then the changes. Pure.

use anstyle::{AnsiColor, Style as Ansi};
use serde_json::Value as Json;

use super::beside::{Beside, beside};
use super::preview::{
    BlastRadius, ClusterChange, ClusterDanger, Danger, Detail, GeneratorVersions, Group,
    InputChange, Line, NewClusters, Part, Preview, Side, Sign, Variant,
};
use super::table::{Row, danger_words, rows};
use super::words::{
    count, counts, leaves, orders, outcome_of_base, outcome_of_head, scope_words, shipment_words,
    status_words,
};
use crate::fault::Fault;
use crate::report::{self, Style, printable};

/// Clusters that are named in a row; more are counted.
const MAX_NAMED: usize = 5;
/// Inputs that are listed; more are counted.
const MAX_INPUTS: usize = 12;
/// Variants of a change that are shown beside that of most clusters.
const MAX_OUTLIERS: usize = 4;
/// Lines of one change; more are counted.
const MAX_LINES: usize = 24;
/// Changed places of one group; more are counted.
const MAX_PLACES: usize = 60;
/// Notes on acknowledgements.
const MAX_NOTES: usize = 20;

const BOLD: Ansi = Ansi::new().bold();
const OLD: Ansi = AnsiColor::Red.on_default();
const NEW: Ansi = AnsiColor::Green.on_default();
const DANGER: Ansi = AnsiColor::Red.on_default().bold();
const PLACE: Ansi = AnsiColor::Cyan.on_default();
const QUIET: Ansi = Ansi::new().dimmed();

/// Lays a preview out. Its faults are not in it: a command complains of them.
pub fn to_text(preview: &Preview, style: Style) -> String {
    lay_out(preview, style, "")
}

/// Lays a preview out as a file, with the faults that a command complains of.
pub fn to_file(preview: &Preview) -> String {
    let told = [
        (
            "head",
            &preview.head_faults,
            outcome_of_head(preview.clusters),
        ),
        (
            "base",
            &preview.base_faults,
            outcome_of_base(preview.clusters),
        ),
    ];
    let told = told.into_iter().filter(|(_, faults, _)| !faults.is_empty());
    let told = told.map(|(side, faults, outcome)| {
        let faults = faults.iter().cloned().collect();
        let faults = report::to_text(faults, outcome, Style::Plain);
        format!("\nfaults of the {side}\n\n{faults}")
    });
    lay_out(preview, Style::Plain, &told.collect::<String>())
}

fn lay_out(preview: &Preview, style: Style, faults: &str) -> String {
    let mut page = Page {
        text: String::new(),
        style,
    };
    page.line(0, BOLD, &preview.verdict);
    page.blank();
    page.side("base", &preview.base);
    page.side("head", &preview.head);
    page.dangers(&preview.dangers);
    page.notes(&preview.acknowledgement_faults);
    page.text.push_str(faults);
    page.clusters(&preview.changed_clusters, preview.clusters.unchanged);
    page.new_clusters(&preview.new_clusters);
    page.reach(&preview.blast_radius);
    for (number, group) in preview.groups.iter().enumerate() {
        page.group(&(number + 1).to_string(), group);
    }
    page.generator(&preview.blast_radius.generator);
    page.text
}

/// A line of the table of clusters, and the dangers below it.
struct TableLine<'p> {
    cells: [String; 3],
    clusters: String,
    dangers: &'p [ClusterDanger],
    style: Ansi,
}

impl<'p> TableLine<'p> {
    fn of_row(row: &Row<'p>) -> Self {
        let change = row.change;
        Self {
            cells: [
                status_words(change),
                counts(change.files),
                counts(change.objects),
            ],
            clusters: list(&row.clusters),
            dangers: &change.dangers,
            style: Ansi::new(),
        }
    }

    fn quiet(cells: [&str; 3], clusters: &str) -> Self {
        Self {
            cells: cells.map(str::to_owned),
            clusters: clusters.to_owned(),
            dangers: &[],
            style: QUIET,
        }
    }
}

struct Page {
    text: String,
    style: Style,
}

impl Page {
    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn line(&mut self, indent: usize, style: Ansi, text: &str) {
        self.text.push_str(&" ".repeat(indent));
        self.text
            .push_str(&self.style.paint(style, &printable(text)));
        self.text.push('\n');
    }

    fn plain(&mut self, indent: usize, text: &str) {
        self.line(indent, Ansi::new(), text);
    }

    fn side(&mut self, name: &str, side: &Side) {
        let commit = side.commit.as_deref().map(|commit| commit.chars().take(8));
        let called = commit.map_or_else(|| side.revision.clone(), String::from_iter);
        self.plain(0, &format!("{name}  {called}, {}", side.taken));
    }

    /// What a reviewer has to know first; files of a danger are counted when there are many.
    fn dangers(&mut self, dangers: &[Danger]) {
        if dangers.is_empty() {
            return;
        }
        self.blank();
        for danger in dangers {
            let names: Vec<&str> = danger.clusters.iter().map(String::as_str).collect();
            let head = format!(
                "{}: {} ({})",
                danger.flag.id(),
                danger.flag.title(),
                list(&names)
            );
            match &danger.acknowledged {
                None => self.line(0, DANGER, &format!("danger  {head}")),
                Some(_) => self.line(0, QUIET, &format!("meant   {head}")),
            }
            self.plain(8, &danger.what);
            if let Some(live) = &danger.live {
                self.plain(8, live);
            }
            let files: Vec<&str> = danger.files.iter().map(String::as_str).collect();
            if !files.is_empty() {
                self.line(8, PLACE, &list(&files));
            }
            if let Some(by) = &danger.acknowledged {
                let reason = by.reason.as_ref().map(|reason| format!(": {reason}"));
                let words = format!("by {}{}", by.place, reason.unwrap_or_default());
                self.line(8, QUIET, &words);
            }
        }
    }

    /// What was meant to acknowledge a danger, and doesn't.
    fn notes(&mut self, faults: &[Fault]) {
        if !faults.is_empty() {
            self.blank();
        }
        for fault in faults.iter().take(MAX_NOTES) {
            let place = fault.place.as_ref().map(|place| format!("{place}: "));
            let words = format!("note    {}{}", place.unwrap_or_default(), fault.message);
            self.line(0, BOLD, &words);
            for hint in &fault.hints {
                self.plain(8, hint);
            }
        }
        let more = faults.len().saturating_sub(MAX_NOTES);
        if more > 0 {
            self.line(0, BOLD, &format!("and {}", count(more, "note") + " more"));
        }
    }

    /// A row for all clusters that have the same in it, with its dangers below.
    fn clusters(&mut self, changes: &[ClusterChange], unchanged: usize) {
        let rows = rows(changes);
        if rows.is_empty() {
            return;
        }
        let mut lines = vec![TableLine::quiet(["clusters", "files", "objects"], "")];
        lines.extend(rows.iter().map(TableLine::of_row));
        if unchanged > 0 {
            let clusters = count(unchanged, "cluster");
            lines.push(TableLine::quiet(["as before", "", ""], &clusters));
        }
        let width = |at: usize| {
            let cells = lines.iter().map(|line| line.cells[at].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths = [width(0), width(1), width(2)];
        self.blank();
        for line in &lines {
            let cells = line.cells.iter().zip(widths);
            let cells: String = cells
                .map(|(cell, width)| format!("{cell:<width$}  "))
                .collect();
            let text = format!("{cells}{}", line.clusters);
            self.line(0, line.style, text.trim_end());
            for danger in line.dangers {
                let style = if danger.acknowledged { QUIET } else { DANGER };
                self.line(cells.chars().count(), style, &danger_words(*danger));
            }
        }
    }

    /// What the new ones ship; first what they don't.
    fn new_clusters(&mut self, all: &[NewClusters]) {
        for new in all {
            self.blank();
            let names: Vec<&str> = new.clusters.iter().map(String::as_str).collect();
            self.line(0, BOLD, &format!("new  {}", list(&names)));
            for gap in &new.leaves_out {
                let words = format!("doesn't ship {}: {}", gap.source, gap.why);
                self.line(5, OLD, &words);
            }
            for shipment in &new.ships {
                let (sources, place) = (shipment.sources.join(", "), shipment_words(shipment));
                self.plain(5, &format!("ships to {place}: {sources}"));
            }
        }
    }

    fn reach(&mut self, radius: &BlastRadius) {
        if !radius.inputs.is_empty() {
            self.blank();
            self.line(0, QUIET, "inputs");
        }
        for input in radius.inputs.iter().take(MAX_INPUTS) {
            let change = match input.change {
                InputChange::Added => "added  ",
                InputChange::Changed => "changed",
                InputChange::Removed => "removed",
            };
            let scope = scope_words(input.scope);
            self.plain(0, &format!("{change}  {}{scope}", input.path));
        }
        if let Some(more) = radius
            .inputs
            .len()
            .checked_sub(MAX_INPUTS)
            .filter(|more| *more > 0)
        {
            self.plain(0, &format!("and {more} more"));
        }
        let (own, shared) = (radius.by_own_files.len(), radius.by_shared_files.len());
        if shared > 0 {
            let own = match own {
                0 => String::new(),
                own => format!(", {own} by files of their own"),
            };
            let shared = count(shared, "cluster");
            self.plain(0, &format!("by shared files: {shared}{own}"));
        }
        for across in &radius.across {
            let names: Vec<&str> = across.clusters.iter().map(String::as_str).collect();
            let words = format!(
                "{} is in the folder of one cluster and alters others: {}",
                across.path,
                list(&names)
            );
            self.line(0, BOLD, &words);
        }
    }

    /// What comes of another release of gen, and of no input.
    fn generator(&mut self, generator: &GeneratorVersions) {
        if generator.recorded.is_empty() {
            return;
        }
        let running = &generator.running;
        self.blank();
        for (version, clusters) in &generator.recorded {
            let words = format!(
                "rendered/ of {} was written by gen {version}; both sides are shown as gen {running} renders them",
                count(*clusters, "cluster")
            );
            self.line(0, BOLD, &words);
        }
        if generator.changed_clusters.is_empty() {
            self.plain(
                0,
                &format!("gen {running} renders the base to the same bytes"),
            );
            return;
        }
        let words = format!(
            "gen {running} alone changes {}: files {}, objects {}",
            count(generator.changed_clusters.len(), "cluster"),
            counts(generator.files),
            counts(generator.objects)
        );
        self.line(0, BOLD, words.trim_end_matches(", objects "));
        for (number, group) in generator.groups.iter().enumerate() {
            self.group(&format!("gen {}", number + 1), group);
        }
    }

    fn group(&mut self, number: &str, group: &Group) {
        self.blank();
        let names: Vec<&str> = group.clusters.iter().map(String::as_str).collect();
        let comments = if group.comments_only {
            ", comments and layout only"
        } else {
            ""
        };
        let head = match names.as_slice() {
            [name] => format!("{number}. {name}{comments}"),
            _ => format!(
                "{number}. {}{comments}: {}",
                count(names.len(), "cluster"),
                list(&names)
            ),
        };
        self.line(0, BOLD, &head);
        let mut files_before = None;
        for part in group.parts.iter().take(MAX_PLACES) {
            if files_before != Some(&part.files) {
                self.files(part, group.clusters.len());
                files_before = Some(&part.files);
            }
            self.part(part);
        }
        let more = group.parts.len().saturating_sub(MAX_PLACES);
        if more > 0 {
            self.line(3, BOLD, &format!("and {}", count(more, "place") + " more"));
        }
    }

    fn files(&mut self, part: &Part, clusters: usize) {
        for file in &part.files {
            let object = file.object.as_ref().map(|object| format!("  {object}"));
            let some = if file.clusters < clusters {
                format!("  in {}", count(file.clusters, "cluster"))
            } else {
                String::new()
            };
            let words = format!("{}{}{some}", file.path, object.unwrap_or_default());
            self.line(3, PLACE, &words);
        }
    }

    fn part(&mut self, part: &Part) {
        let mut indent = 5;
        if !part.path.is_empty() {
            self.plain(indent, &part.path);
            indent += 2;
        }
        for (number, variant) in part.variants.iter().take(MAX_OUTLIERS + 1).enumerate() {
            if number > 0 {
                let names: Vec<&str> = variant.clusters.iter().map(String::as_str).collect();
                let head = format!("but in {}: {}", count(names.len(), "cluster"), list(&names));
                self.line(indent, BOLD, &head);
            }
            self.variant(indent, variant);
        }
        if let Some(rest) = part
            .variants
            .get(MAX_OUTLIERS + 1..)
            .filter(|rest| !rest.is_empty())
        {
            let clusters: usize = rest.iter().map(|variant| variant.clusters.len()).sum();
            let words = format!(
                "and {} ways more in {}",
                rest.len(),
                count(clusters, "cluster")
            );
            self.line(indent, BOLD, &words);
        }
    }

    fn variant(&mut self, indent: usize, variant: &Variant) {
        match &variant.detail {
            Detail::Added { new } => self.values(indent, None, Some(new)),
            Detail::Removed { old } => self.values(indent, Some(old), None),
            Detail::Changed { old, new } if old == new => {
                self.plain(indent, "differs; what it is, is not shown");
            }
            Detail::Changed { old, new } => self.values(indent, Some(old), Some(new)),
            Detail::Renamed { to } => self.plain(indent, &format!("is called {to} now")),
            Detail::Reordered { old, new } => {
                self.plain(indent, "the order differs:");
                self.lines(indent, &orders(old, new), 0);
            }
            Detail::Lines { lines, omitted } | Detail::Comments { lines, omitted } => {
                self.lines(indent, lines, *omitted);
            }
            Detail::LineEnds => self.plain(indent, "only the ends of its lines differ"),
            Detail::Opaque {
                old_bytes,
                new_bytes,
            } => {
                let words = format!("differs; {old_bytes} bytes became {new_bytes}");
                self.plain(indent, &words);
            }
            Detail::FileAdded { lines, omitted } => {
                self.line(indent, NEW, "a new file");
                self.lines(indent, lines, *omitted);
            }
            Detail::FileRemoved => self.line(indent, OLD, "is no longer there"),
            Detail::FileRenamed { from } => self.plain(indent, &format!("was called {from}")),
        }
    }

    /// Values of both sides, of a mapping or list each leaf.
    fn values(&mut self, indent: usize, old: Option<&Json>, new: Option<&Json>) {
        let mut lines = old.map_or_else(Vec::new, |old| leaves(Sign::Removed, old));
        lines.extend(new.map_or_else(Vec::new, |new| leaves(Sign::Added, new)));
        let shown = beside(&lines);
        for side in shown.chunk_by(|one, next| one.line.sign == next.line.sign) {
            self.shown(indent, side, 0);
        }
    }

    fn lines(&mut self, indent: usize, lines: &[Line], omitted: usize) {
        self.shown(indent, &beside(lines), omitted);
    }

    fn shown(&mut self, indent: usize, lines: &[Beside<'_>], omitted: usize) {
        for line in lines.iter().take(MAX_LINES) {
            self.signed(indent, line.line.sign, &line.to_text());
        }
        self.omitted(indent, omitted + lines.len().saturating_sub(MAX_LINES));
    }

    fn signed(&mut self, indent: usize, sign: Sign, text: &str) {
        let (mark, style) = match sign {
            Sign::Context => (" ", QUIET),
            Sign::Added => ("+", NEW),
            Sign::Removed => ("-", OLD),
            Sign::Gap => ("…", QUIET),
        };
        self.line(indent, style, format!("{mark} {text}").trim_end());
    }

    fn omitted(&mut self, indent: usize, lines: usize) {
        if lines > 0 {
            self.line(indent, QUIET, &format!("and {} more", count(lines, "line")));
        }
    }
}

fn list(names: &[&str]) -> String {
    let named = names[..names.len().min(MAX_NAMED)].join(", ");
    match names.len().saturating_sub(MAX_NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
