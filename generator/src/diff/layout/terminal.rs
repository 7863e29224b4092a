//! A preview as text for a terminal: the verdict, the clusters, what was
//! touched, then the changes. Pure.

mod section;

use anstyle::{AnsiColor, Style as Ansi};
use unicode_width::UnicodeWidthStr as _;

use super::changes::{Said, Shown, Values};
use super::links::Links;
use super::sections;
use super::words::{
    ACKNOWLEDGE, and_more, by_origin, count, counts, listed, only_in_words, outcome_of_base,
    outcome_of_head, risk_words, shipment_words, ways_more,
};
use crate::diff::preview::{
    ClusterRisk, GeneratorVersions, Group, NewClusters, Part, Preview, Risk, Shipment, Side, Sign,
    Variant,
};
use crate::fault::Fault;
use crate::report::{self, Style, printable};

/// Clusters that are named in a row; more are counted.
const MAX_NAMED: usize = 5;
/// Variants of a change that are shown beside that of most clusters.
const MAX_OUTLIERS: usize = 4;
/// Lines of one change; more are counted.
const MAX_LINES: usize = 24;
/// Changed places of one group; more are counted.
const MAX_PLACES: usize = 60;
/// Notes on acknowledgements.
const MAX_NOTES: usize = 20;
/// Groups that a terminal shows; more are counted.
const MAX_GROUPS: usize = 100;
/// Groups that a file has.
const MAX_GROUPS_OF_FILE: usize = 1_000;
/// Columns of a file.
const COLUMNS_OF_FILE: usize = 100;

const BOLD: Ansi = Ansi::new().bold();
const OLD: Ansi = AnsiColor::Red.on_default();
const NEW: Ansi = AnsiColor::Green.on_default();
const RISK: Ansi = AnsiColor::Red.on_default().bold();
const PLACE: Ansi = AnsiColor::Cyan.on_default();
const QUIET: Ansi = Ansi::new().dimmed();

/// What a text is laid out for.
#[derive(Clone, Copy, Debug)]
pub struct Surface {
    /// Whether it is coloured.
    pub style: Style,
    /// How wide it is, if that is known. Words are wrapped there; what is in a file is not.
    pub columns: Option<usize>,
}

/// Lays a preview out. Its faults are not in it: a command complains of them.
pub fn to_text(preview: &Preview, surface: Surface) -> String {
    lay_out(preview, surface, MAX_GROUPS, "")
}

/// Lays a preview out as a file, with the faults that a command complains of.
pub fn to_file(preview: &Preview) -> String {
    let reported = [
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
    let reported = reported
        .into_iter()
        .filter(|(_, faults, _)| !faults.is_empty());
    let reported = reported.map(|(side, faults, outcome)| {
        let faults = faults.iter().cloned().collect();
        let faults = report::to_text(faults, outcome, Style::Plain);
        format!("\nerrors of the {side}\n\n{faults}")
    });
    let surface = Surface {
        style: Style::Plain,
        columns: None,
    };
    let faults: String = reported.collect();
    lay_out(preview, surface, MAX_GROUPS_OF_FILE, &faults)
}

fn lay_out(preview: &Preview, surface: Surface, max_groups: usize, faults: &str) -> String {
    let mut page = Page {
        text: String::new(),
        style: surface.style,
        columns: surface.columns.unwrap_or(COLUMNS_OF_FILE),
        max_groups,
    };
    // One line, whatever reads it.
    page.line(0, BOLD, &preview.verdict);
    page.blank();
    page.side("base", &preview.base);
    page.side("head", &preview.head);
    let links = Links::of(preview);
    page.risks(&preview.risks, &links);
    page.notes(&preview.acknowledgement_faults);
    page.text.push_str(faults);
    page.section(&sections::settings(preview));
    page.section(&sections::clusters(preview));
    page.new_clusters(&preview.new_clusters);
    page.section(&sections::inputs(&preview.blast_radius));
    page.groups("", &preview.groups, &links);
    page.generator(&preview.blast_radius.generator);
    page.text
}

struct Page {
    text: String,
    style: Style,
    columns: usize,
    max_groups: usize,
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
        self.words(indent, indent + 2, Ansi::new(), text);
    }

    /// Words, wrapped where the line ends; what doesn't fit stands at `hanging`.
    fn words(&mut self, indent: usize, hanging: usize, style: Ansi, text: &str) {
        let hanging = hanging.min(self.columns / 2);
        let mut indent = indent;
        let mut line = String::new();
        for word in text.split_inclusive(' ') {
            let width = indent + (line.clone() + word).trim_end().width();
            if !line.is_empty() && width > self.columns {
                self.line(indent, style, line.trim_end());
                line.clear();
                indent = hanging;
            }
            line.push_str(word);
        }
        self.line(indent, style, line.trim_end());
    }

    fn side(&mut self, name: &str, side: &Side) {
        let commit = side.commit.as_deref().map(|commit| commit.chars().take(8));
        let called = commit.map_or_else(|| side.revision.clone(), String::from_iter);
        let words = format!("{name}  {called}, {}", side.taken);
        self.words(0, 6, Ansi::new(), &words);
    }

    /// What a reviewer has to know first; files of a risk are counted when there are many.
    fn risks(&mut self, risks: &[Risk], links: &Links) {
        if risks.is_empty() {
            return;
        }
        self.blank();
        for (number, risk) in risks.iter().enumerate() {
            let (flag, title) = (risk.flag.id(), risk.flag.title());
            let head = format!("{flag}: {title} ({})", clusters(&risk.clusters));
            match &risk.acknowledged {
                None => self.words(0, 10, RISK, &format!("danger  {head}")),
                Some(_) => self.words(0, 10, QUIET, &format!("meant   {head}")),
            }
            self.plain(8, &risk.what);
            if let Some(live) = &risk.live {
                self.plain(8, live);
            }
            if !risk.files.is_empty() {
                self.words(8, 10, PLACE, &list(&risk.files));
            }
            let groups = links.groups_of(number).iter();
            let groups: Vec<String> = groups.map(|group| (group + 1).to_string()).collect();
            if !groups.is_empty() {
                let group = if groups.len() == 1 { "group" } else { "groups" };
                self.plain(8, &format!("{group} {}", list(&groups)));
            }
            if let Some(by) = &risk.acknowledged {
                let reason = by.reason.as_ref().map(|reason| format!(": {reason}"));
                let words = format!("by {}{}", by.place, reason.unwrap_or_default());
                self.words(8, 10, QUIET, &words);
            }
        }
        if risks.iter().any(|risk| risk.acknowledged.is_none()) {
            self.plain(8, ACKNOWLEDGE);
        }
    }

    /// What was meant to acknowledge a risk, and doesn't.
    fn notes(&mut self, faults: &[Fault]) {
        if !faults.is_empty() {
            self.blank();
        }
        for fault in faults.iter().take(MAX_NOTES) {
            let place = fault.place.as_ref().map(|place| format!("{place}: "));
            let words = format!("note    {}{}", place.unwrap_or_default(), fault.message);
            self.words(0, 8, BOLD, &words);
            for hint in &fault.hints {
                self.plain(8, hint);
            }
        }
        let more = faults.len().saturating_sub(MAX_NOTES);
        if more > 0 {
            self.line(0, BOLD, &and_more(more, "note"));
        }
    }

    fn kinds(&mut self, indent: usize, risks: &[ClusterRisk]) {
        for risk in risks {
            let style = if risk.acknowledged { QUIET } else { RISK };
            self.line(indent, style, &risk_words(*risk));
        }
    }

    /// What the new ones ship; first what they don't.
    fn new_clusters(&mut self, all: &[NewClusters]) {
        for new in all {
            self.blank();
            self.words(0, 7, BOLD, &format!("new  {}", clusters(&new.clusters)));
            for gap in &new.leaves_out {
                let words = format!("doesn't ship {}: {}", gap.source, gap.why);
                self.words(5, 7, OLD, &words);
            }
            for shipment in &new.ships {
                self.shipment(shipment);
            }
        }
    }

    /// A few sources in the line of their place; more by what they are of.
    fn shipment(&mut self, shipment: &Shipment) {
        let place = shipment_words(shipment);
        if shipment.sources.len() <= MAX_NAMED {
            let sources = shipment.sources.join(", ");
            return self.plain(5, &format!("ships to {place}: {sources}"));
        }
        self.plain(5, &format!("ships to {place}:"));
        let of = by_origin(&shipment.sources);
        let width = of.iter().map(|(origin, _)| origin.chars().count()).max();
        let width = width.unwrap_or(0);
        for (origin, sources) in of {
            let words = format!("{origin:<width$}  {}", sources.join(", "));
            self.words(7, 9 + width, Ansi::new(), &words);
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
            self.words(0, 2, BOLD, &words);
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
        self.risks(&generator.risks, &Links::default());
        self.groups("gen ", &generator.groups, &Links::default());
    }

    fn groups(&mut self, prefix: &str, groups: &[Group], links: &Links) {
        for (number, group) in groups.iter().take(self.max_groups).enumerate() {
            let risks = links.risks_of(number);
            self.group(&format!("{prefix}{}", number + 1), group, risks);
        }
        let more = groups.len().saturating_sub(self.max_groups);
        if more > 0 {
            self.blank();
            let more = and_more(more, "group");
            let words = format!("{more}: `gen diff --out page.html` shows all of them");
            self.words(0, 2, BOLD, &words);
        }
    }

    fn group(&mut self, number: &str, group: &Group, risks: &[ClusterRisk]) {
        self.blank();
        let comments = if group.comments_only {
            ", comments and layout only"
        } else {
            ""
        };
        let head = match group.clusters.as_slice() {
            [name] => format!("{number}. {name}{comments}"),
            names => format!(
                "{number}. {}{comments}: {}",
                count(names.len(), "cluster"),
                list(names)
            ),
        };
        self.words(0, 3, BOLD, &head);
        self.kinds(3, risks);
        let mut files_before = None;
        for part in group.parts.iter().take(MAX_PLACES) {
            if files_before != Some(&part.files) {
                self.files(part);
                files_before = Some(&part.files);
            }
            self.part(part);
        }
        let more = group.parts.len().saturating_sub(MAX_PLACES);
        if more > 0 {
            self.line(3, BOLD, &and_more(more, "place"));
        }
    }

    fn files(&mut self, part: &Part) {
        for file in &part.files {
            let object = file.object.as_ref().map(|object| format!("  {object}"));
            let some = only_in_words(file).map(|words| format!("  {words}"));
            let some = some.unwrap_or_default();
            let words = format!("{}{}{some}", file.path, object.unwrap_or_default());
            self.words(3, 5, PLACE, &words);
        }
    }

    fn part(&mut self, part: &Part) {
        let mut indent = 5;
        if !part.path.is_empty() {
            self.line(indent, Ansi::new(), &part.path);
            indent += 2;
        }
        for (number, variant) in part.variants.iter().take(MAX_OUTLIERS + 1).enumerate() {
            if number > 0 {
                let clusters = clusters(&variant.clusters);
                self.words(indent, indent + 2, BOLD, &format!("but in {clusters}"));
            }
            self.variant(indent, variant);
        }
        if let Some(rest) = part
            .variants
            .get(MAX_OUTLIERS + 1..)
            .filter(|rest| !rest.is_empty())
        {
            let words = ways_more(rest);
            self.line(indent, BOLD, &words);
        }
    }

    fn variant(&mut self, indent: usize, variant: &Variant) {
        let said = Said::of(&variant.detail, Values::InLines);
        let words = section::text(&said.words);
        match said.sign {
            _ if words.is_empty() => {}
            Sign::Added => self.line(indent, NEW, &words),
            Sign::Removed => self.line(indent, OLD, &words),
            Sign::Context | Sign::Gap => self.plain(indent, &words),
        }
        said.show(MAX_LINES, |shown| match shown {
            Shown::Line(sign, text) => self.signed(indent, sign, &text),
            Shown::More { here, everywhere } => {
                self.line(indent, QUIET, &and_more(here + everywhere, "line"));
            }
        });
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
}

/// The name of a cluster, or how many there are and the first of them.
fn clusters(names: &[impl AsRef<str>]) -> String {
    match names {
        [name] => name.as_ref().to_owned(),
        _ => format!("{}: {}", count(names.len(), "cluster"), list(names)),
    }
}

fn list(names: &[impl AsRef<str>]) -> String {
    listed(names.iter().map(AsRef::as_ref), MAX_NAMED, str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::preview::{AccountRegions, ClusterChange, ClusterStatus, Totals};

    fn names(count: usize) -> Vec<String> {
        let name = |number| format!("cluster-{number:03}.k8s.example.com");
        (0..count).map(name).collect()
    }

    fn preview(groups: usize) -> Preview {
        let group = Group {
            clusters: names(1),
            comments_only: false,
            parts: Vec::new(),
        };
        let change = |name| ClusterChange {
            name,
            status: ClusterStatus::Changed,
            files: Totals::default(),
            objects: Totals::default(),
            renamed_from: None,
            account_regions: AccountRegions::default(),
            risks: Vec::new(),
        };
        let sources = ["a.one", "a.two", "b.three", "a.four", "c.five", "c.six"];
        Preview {
            verdict: "The first line ".repeat(12),
            changed_clusters: names(500).into_iter().map(change).collect(),
            new_clusters: vec![NewClusters {
                clusters: names(3),
                ships: vec![Shipment {
                    at: "main".to_owned(),
                    kept_days: Some(7),
                    kept_for_good: false,
                    sources: sources.map(str::to_owned).into(),
                }],
                leaves_out: Vec::new(),
            }],
            groups: vec![group; groups],
            ..Preview::default()
        }
    }

    fn reported(preview: &Preview, columns: usize) -> String {
        let surface = Surface {
            style: Style::Plain,
            columns: Some(columns),
        };
        to_text(preview, surface)
    }

    #[test]
    fn words_are_wrapped_where_the_terminal_ends() {
        let preview = preview(0);
        let text = reported(&preview, 60);
        let (verdict, rest) = text.split_once('\n').expect("lines");
        assert_eq!(verdict, preview.verdict);
        assert!(
            rest.lines().all(|line| line.chars().count() <= 60),
            "{text}"
        );
        insta::assert_snapshot!(rest);
    }

    #[test]
    fn of_very_many_groups_the_first_are_shown() {
        let text = reported(&preview(MAX_GROUPS + 20), 80);
        let last = "\nand 20 groups more: `gen diff --out page.html` shows all of them\n";
        assert!(text.contains("\n100. ") && text.ends_with(last), "{text}");
        let file = to_file(&preview(MAX_GROUPS + 20));
        assert!(file.contains("\n120. ") && !file.contains("groups more"));
    }
}
