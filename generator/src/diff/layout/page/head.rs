//! What stands before the groups: the verdict, risks, faults, the clusters
//! and what was touched. Pure.

use super::markup::Markup;
use crate::diff::layout::links::Links;
use crate::diff::layout::sections;
use crate::diff::layout::words::{ACKNOWLEDGE, and_more, by_origin, shipment_words};
use crate::diff::preview::{NewClusters, Preview, Risk, Side, Totals};
use crate::fault::{Fault, Place};
use crate::repeats;

/// Groups that a risk leads to; more are counted.
const MAX_LEADS: usize = 12;

impl Markup {
    pub(super) fn head(&mut self, preview: &Preview, links: &Links) {
        self.within("<header>\n<h1>", &preview.verdict, "</h1>\n");
        self.raw("<dl class=\"facts two\">\n");
        self.side("<dt>base</dt><dd>", &preview.base);
        self.side("<dt>head</dt><dd>", &preview.head);
        self.totals(preview);
        let running = &preview.blast_radius.generator.running;
        self.within("<dt>rendered by</dt><dd>gen ", running, "</dd>\n");
        self.raw("</dl>\n</header>\n<main>\n");
        self.risks(&preview.risks, links);
        self.faults(
            "<h2>Acknowledgements <span class=\"soft\">that acknowledge nothing</span>",
            &preview.acknowledgement_faults,
        );
        self.faults("<h2>Errors of the head", &preview.head_faults);
        self.faults(
            "<h2>Errors of the base <span class=\"soft\">its clusters that have them are not compared</span>",
            &preview.base_faults,
        );
        self.section(&sections::settings(preview));
        self.section(&sections::clusters(preview));
        self.new_clusters(&preview.new_clusters);
        self.section(&sections::inputs(&preview.blast_radius));
    }

    fn side(&mut self, open: &'static str, side: &Side) {
        self.raw(open);
        self.code(&side.revision);
        if let Some(commit) = &side.commit {
            self.within(" <code class=\"commit soft\" title=\"", commit, "\">");
            self.within("", commit, "</code>");
        }
        self.raw(", ");
        self.text(&side.taken);
        self.raw("</dd>\n");
    }

    fn totals(&mut self, preview: &Preview) {
        let clusters = &preview.clusters;
        let counted = [
            (clusters.added, "added"),
            (clusters.changed, "changed"),
            (clusters.removed, "removed"),
            (clusters.unchanged, "unchanged"),
            (clusters.not_compared, "not compared"),
        ];
        let counted = counted.iter().filter(|(count, _)| *count > 0);
        let words: Vec<String> = counted
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        self.within("<dt>clusters</dt><dd>", &words.join(", "), "</dd>\n");
        for (open, totals) in [
            ("<dt>files</dt><dd>", preview.files),
            ("<dt>objects</dt><dd>", preview.objects),
        ] {
            if !totals.is_zero() {
                self.raw(open);
                self.counts(totals);
                self.raw("</dd>\n");
            }
        }
    }

    /// Those that nobody has acknowledged stand first in the preview already.
    fn risks(&mut self, risks: &[Risk], links: &Links) {
        if risks.is_empty() {
            return;
        }
        let open = risks.iter().filter(|risk| risk.acknowledged.is_none());
        let open = open.count();
        let state = match open {
            0 => "all acknowledged".to_owned(),
            open => format!("{open} of {} not acknowledged", risks.len()),
        };
        self.raw("<section id=\"dangers\">\n<h2>Dangers ");
        self.soft(&state);
        self.raw("</h2>\n");
        for (number, risk) in risks.iter().enumerate() {
            self.risk(risk, links.groups_of(number));
        }
        if open > 0 {
            self.raw("<p class=\"soft\">");
            self.sentence(ACKNOWLEDGE);
            self.raw("</p>\n");
        }
        self.raw("</section>\n");
    }

    pub(super) fn risk(&mut self, risk: &Risk, groups: &[usize]) {
        self.raw(match risk.acknowledged {
            None => "<article class=\"danger\">\n<h3><span class=\"mark\">danger</span>",
            Some(_) => "<article class=\"meant\">\n<h3><span class=\"mark\">meant</span>",
        });
        self.text(risk.flag.title());
        self.within(" <code class=\"soft\">", risk.flag.id(), "</code></h3>\n");
        self.paragraph(&risk.what);
        if let Some(live) = &risk.live {
            self.paragraph(live);
        }
        self.raw("<dl class=\"facts\">\n");
        self.raw("<dt>clusters</dt><dd>");
        self.names(&risk.clusters);
        self.raw("</dd>\n");
        if !risk.files.is_empty() {
            self.raw("<dt>files</dt><dd>");
            self.names(&risk.files);
            self.raw("</dd>\n");
        }
        self.leads(groups);
        if let Some(by) = &risk.acknowledged {
            self.within("<dt>acknowledged</dt><dd>", &by.place, "");
            if let Some(reason) = &by.reason {
                self.within(": ", reason, "");
            }
            self.raw("</dd>\n");
        }
        self.raw("</dl>\n</article>\n");
    }

    /// A sentence with its end. Its first letter becomes a capital, unless it is a name's.
    fn paragraph(&mut self, sentence: &str) {
        self.raw(if sentence.starts_with('`') {
            "<p>"
        } else {
            "<p class=\"sentence\">"
        });
        self.sentence(sentence);
        self.raw(".</p>\n");
    }

    /// Where a risk is seen among the changes.
    fn leads(&mut self, groups: &[usize]) {
        if groups.is_empty() {
            return;
        }
        self.raw("<dt>changes</dt><dd>");
        for (number, group) in groups.iter().take(MAX_LEADS).enumerate() {
            let group = (group + 1).to_string();
            self.raw(if number > 0 { ", <a" } else { "<a" });
            self.within(" href=\"#group-", &group, "\">group ");
            self.within("", &group, "</a>");
        }
        let more = groups.len().saturating_sub(MAX_LEADS);
        if more > 0 {
            self.text(&format!(" {}", and_more(more, "")));
        }
        self.raw("</dd>\n");
    }

    /// What many clusters' outputs have alike is reported once.
    fn faults(&mut self, heading: &'static str, faults: &[Fault]) {
        if faults.is_empty() {
            return;
        }
        self.raw("<section>\n");
        self.raw(heading);
        self.raw("</h2>\n");
        for repeated in repeats::fold(faults.to_vec()) {
            self.raw("<article class=\"fault\">\n<h3>");
            self.sentence(&repeated.fault.message);
            self.raw("</h3>\n");
            if let Some(place) = &repeated.fault.place {
                self.within("<p><code>", &place.to_string(), "</code></p>\n");
                self.excerpt(place);
            }
            if repeated.names().len() > 1 {
                self.raw("<div>");
                self.counted("in ", repeated.names());
                self.raw("</div>\n");
            }
            for hint in &repeated.fault.hints {
                self.raw("<p>hint: ");
                self.sentence(hint);
                self.raw("</p>\n");
            }
            self.raw("</article>\n");
        }
        self.raw("</section>\n");
    }

    /// The line of a fault, with what is wrong in it marked.
    fn excerpt(&mut self, place: &Place) {
        if place.excerpt.trim().is_empty() {
            return;
        }
        let from = place.column.saturating_sub(1) as usize;
        let characters = || place.excerpt.trim_end().chars();
        let piece = |skip: usize, take: usize| characters().skip(skip).take(take).collect();
        let (before, marked): (String, String) =
            (piece(0, from), piece(from, place.width as usize));
        let after: String = piece(from + place.width as usize, usize::MAX);
        let number = format!("{} | ", place.line);
        self.within(
            "<pre class=\"excerpt\"><span class=\"soft\">",
            &number,
            "</span>",
        );
        self.text(&before);
        self.within("<mark>", &marked, "</mark>");
        self.within("", &after, "</pre>\n");
    }

    /// What the new ones ship; first what they don't.
    fn new_clusters(&mut self, all: &[NewClusters]) {
        if all.is_empty() {
            return;
        }
        self.raw("<section>\n<h2>What new clusters ship</h2>\n");
        for new in all {
            self.raw("<div class=\"new-clusters\">\n<div class=\"who\">");
            match new.clusters.as_slice() {
                [name] => self.text(name),
                names => self.counted("", names),
            }
            self.raw("</div>\n<dl class=\"facts\">\n");
            for gap in &new.leaves_out {
                self.within(
                    "<dt><span class=\"mark\">not shipped</span></dt><dd><code>",
                    &gap.source,
                    "</code>: ",
                );
                self.sentence(&gap.why);
                self.raw("</dd>\n");
            }
            for shipment in &new.ships {
                self.within("<dt>", &shipment_words(shipment), "</dt><dd>");
                for of in sources_by_origin(&shipment.sources) {
                    self.raw("<div>");
                    self.row(&of);
                    self.raw("</div>");
                }
                self.raw("</dd>\n");
            }
            self.raw("</dl>\n</div>\n");
        }
        self.raw("</section>\n");
    }

    /// `+2 ~1 -3`, in words for who can't see them.
    pub(super) fn counts(&mut self, totals: Totals) {
        self.raw("<span class=\"changes\">");
        for (open, count) in [
            ("<b class=\"plus\" title=\"added\">+", totals.added),
            ("<b title=\"changed\">~", totals.changed),
            ("<b class=\"minus\" title=\"removed\">-", totals.removed),
        ] {
            if count > 0 {
                self.within(open, &count.to_string(), "</b>");
            }
        }
        self.raw("</span>");
    }
}

/// The whole names of sources, those of one origin together.
fn sources_by_origin(sources: &[String]) -> Vec<Vec<&String>> {
    let of = |origin: &str| {
        let is_of = |source: &&String| source.split_once('.').map_or("", |(of, _)| of) == origin;
        sources.iter().filter(is_of).collect()
    };
    let origins = by_origin(sources).into_iter();
    origins.map(|(origin, _)| of(origin)).collect()
}
