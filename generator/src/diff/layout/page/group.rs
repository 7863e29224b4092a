//! The groups of a page: each a summary line, and its changed places to open. Pure.

use super::markup::Markup;
use crate::diff::layout::links::Links;
use crate::diff::layout::summary::{Piece, Summary};
use crate::diff::layout::words::{and_more, count, listed, risk_words, ways_more};
use crate::diff::placeholders::between_placeholders;
use crate::diff::preview::{
    ClusterRisk, GeneratorVersions, Group, Part, PartFile, Preview, Variant,
};

/// The bar of tools, which the script shows.
const TOOLS: &str = include_str!("tools.html");
/// Of more groups, none is open from the start.
const MAX_OPEN: usize = 12;
/// Groups in a stack. One for each group would cost the browser more than it saves.
const STACK: usize = 50;
/// Clusters that are named in the line of a group.
const MAX_NAMED: usize = 3;
/// Bytes of a place in the line of a group.
const MAX_PLACE: usize = 200;
/// Variants that are shown beside that of most clusters; more are to open.
const MAX_OUTLIERS: usize = 4;
/// Before the clusters that differ from most.
const OUTLIER: &str = "<b>but</b> in ";
/// Files or places in a row; more are to open.
const MAX_LISTED: usize = 20;

impl Markup {
    pub(super) fn changes(&mut self, preview: &Preview, links: &Links) {
        let (groups, generator) = (&preview.groups, &preview.blast_radius.generator);
        if !groups.is_empty() {
            let words = count(groups.len(), "group");
            self.within(
                "<h2>Changes <span class=\"soft\">",
                &words,
                "</span></h2>\n",
            );
        }
        if !groups.is_empty() || !generator.groups.is_empty() {
            self.raw(TOOLS);
        }
        self.groups("", groups, links);
        self.generator(generator);
        self.raw("</main>\n");
    }

    /// What comes of another release of gen, and of no input.
    fn generator(&mut self, generator: &GeneratorVersions) {
        if generator.recorded.is_empty() {
            return;
        }
        let running = &generator.running;
        self.within("<h2>What gen ", running, " alone changes</h2>\n");
        for (version, clusters) in &generator.recorded {
            let words = format!(
                "rendered/ of {} was written by gen {version}; both sides are shown as gen {running} renders them",
                count(*clusters, "cluster")
            );
            self.within("<p>", &words, "</p>\n");
        }
        if generator.changed_clusters.is_empty() {
            let words = format!("gen {running} renders the base to the same bytes");
            return self.within("<p>", &words, "</p>\n");
        }
        self.raw("<dl class=\"facts\">\n");
        for (open, totals) in [
            ("<dt>files</dt><dd>", generator.files),
            ("<dt>objects</dt><dd>", generator.objects),
        ] {
            if !totals.is_zero() {
                self.raw(open);
                self.counts(totals);
                self.raw("</dd>\n");
            }
        }
        self.raw("<dt>clusters</dt><dd>");
        self.counted("", &generator.changed_clusters);
        self.raw("</dd>\n</dl>\n");
        for risk in &generator.risks {
            self.risk(risk, &[]);
        }
        self.groups("gen-", &generator.groups, &Links::default());
    }

    /// A stack is laid out when it comes in sight.
    fn groups(&mut self, prefix: &str, groups: &[Group], links: &Links) {
        let open = groups.len() <= MAX_OPEN;
        for (stack, of_stack) in groups.chunks(STACK).enumerate() {
            self.raw(if groups.len() > STACK {
                "<div class=\"stack\">\n"
            } else {
                "<div>\n"
            });
            for (number, group) in of_stack.iter().enumerate() {
                let number = stack * STACK + number;
                let (label, open) = (
                    format!("{prefix}{}", number + 1),
                    open && !group.comments_only,
                );
                self.group(&label, group, links.risks_of(number), open);
            }
            self.raw("</div>\n");
        }
    }

    fn group(&mut self, number: &str, group: &Group, risks: &[ClusterRisk], open: bool) {
        self.within("<details class=\"group\" id=\"group-", number, "\"");
        self.raw(if open { " open>\n" } else { ">\n" });
        self.raw("<summary><span class=\"number\">");
        self.within("", &number.replace('-', " "), "</span>");
        self.group_line(group, risks);
        self.raw("</summary>\n<div class=\"parts\">\n");
        if group.clusters.len() > MAX_NAMED {
            let words = format!("all {} clusters", group.clusters.len());
            self.within(
                "<details class=\"more\"><summary>",
                &words,
                "</summary><div>",
            );
            self.row(&group.clusters);
            self.raw("</div></details>\n");
        }
        let (first, rest) = group.parts.split_at(group.parts.len().min(MAX_LISTED));
        self.parts(first, &group.clusters);
        if !rest.is_empty() {
            let words = and_more(rest.len(), "place");
            self.folded(&words, |page| page.parts(rest, &group.clusters));
        }
        self.raw("</div>\n</details>\n");
    }

    /// How many clusters, the first of them, and the first place.
    fn group_line(&mut self, group: &Group, risks: &[ClusterRisk]) {
        match group.clusters.as_slice() {
            [name] => self.within("<b>", name, "</b>"),
            names => {
                self.within("<b>", &count(names.len(), "cluster"), "</b>");
                self.raw("<span class=\"soft\">");
                let names = names.iter().map(String::as_str);
                self.text(&listed(names, MAX_NAMED, str::to_owned));
                self.raw("</span>");
            }
        }
        for risk in risks {
            let words = risk_words(*risk);
            if risk.acknowledged {
                self.within(" <span class=\"meant\">", &words, "</span>");
            } else {
                self.within(" <span class=\"mark\">", &words, "</span>");
            }
        }
        if group.comments_only {
            self.raw("<span class=\"soft\">, comments and layout only</span>");
        }
        let mut summary = Summary::within(MAX_PLACE);
        summary.what(" ", group);
        for piece in summary.into_pieces() {
            match piece {
                Piece::Words(words) if words == " " => self.raw(" "),
                Piece::Words(words) => self.soft(&words),
                Piece::Code(text) => self.code(&text),
            }
        }
    }

    /// Files are reported once for all places in them that follow each other.
    fn parts(&mut self, parts: &[Part], clusters: &[String]) {
        let mut before = None;
        for part in parts {
            self.raw("<div class=\"place\">\n");
            if before != Some(&part.files) {
                self.files(part, clusters);
                before = Some(&part.files);
            }
            if !part.path.is_empty() {
                self.within("<div class=\"path\"><code>", &part.path, "</code></div>\n");
            }
            self.variants(&part.variants, clusters);
            self.raw("</div>\n");
        }
    }

    fn files(&mut self, part: &Part, clusters: &[String]) {
        let (first, rest) = part.files.split_at(part.files.len().min(MAX_LISTED));
        self.file_rows(first, clusters);
        if !rest.is_empty() {
            let words = and_more(rest.len(), "file");
            self.folded(&words, |page| page.file_rows(rest, clusters));
        }
    }

    fn file_rows(&mut self, files: &[PartFile], clusters: &[String]) {
        for file in files {
            let copied = path_of_copy(file, clusters);
            self.within("<div class=\"file\" data-copy=\"", &copied, "\">");
            self.code(&file.path);
            if let Some(object) = &file.object {
                self.within("<span>", object, "</span>");
            }
            if !file.only_in.is_empty() {
                self.raw("<span class=\"soft\">only in ");
                self.row(&file.only_in);
                self.raw("</span>");
            }
            self.raw("</div>\n");
        }
    }

    /// Clusters are named where they aren't all of the group's.
    fn variants(&mut self, variants: &[Variant], clusters: &[String]) {
        let (first, rest) = variants.split_at(variants.len().min(MAX_OUTLIERS + 1));
        for (number, variant) in first.iter().enumerate() {
            match number {
                0 if variant.clusters == clusters => self.detail(&variant.detail),
                0 => self.variant("in ", variant),
                _ => self.variant(OUTLIER, variant),
            }
        }
        if !rest.is_empty() {
            let words = ways_more(rest);
            self.folded(&words, |page| {
                for variant in rest {
                    page.variant(OUTLIER, variant);
                }
            });
        }
    }

    fn variant(&mut self, before: &'static str, variant: &Variant) {
        self.raw("<div class=\"who\">");
        self.counted(before, &variant.clusters);
        self.raw("</div>\n");
        self.detail(&variant.detail);
    }
}

/// A file's path from the folder of the fleet, to be copied: that of the first
/// cluster that has it, or where each has a name of its own, one that git and
/// shells take for all of them.
fn path_of_copy(file: &PartFile, clusters: &[String]) -> String {
    let pieces = between_placeholders(&file.path);
    let first = file.only_in.first().or(clusters.first());
    match first {
        Some(first) if pieces.len() == 1 => {
            format!("rendered/{first}/{}", file.path)
        }
        _ => {
            let pieces: Vec<String> = pieces.into_iter().map(escape_glob).collect();
            format!("rendered/*/{}", pieces.join("*"))
        }
    }
}

/// A text that matches itself only
/// (<https://git-scm.com/docs/gitglossary#Documentation/gitglossary.txt-pathspec>).
fn escape_glob(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_copied_is_a_path_that_can_be_used() {
        let file = |path: &str, only_in: &[&str]| PartFile {
            path: path.to_owned(),
            object: None,
            clusters: 2,
            only_in: only_in.iter().map(ToString::to_string).collect(),
        };
        let both = ["a".to_owned(), "b".to_owned()];
        let copied = |path, only_in: &[&str]| path_of_copy(&file(path, only_in), &both);
        assert_eq!(copied("x/y.yaml", &[]), "rendered/a/x/y.yaml");
        assert_eq!(copied("x/y.yaml", &["b"]), "rendered/b/x/y.yaml");
        let (path, glob) = (
            "x/logs-[a]-{cluster}.json",
            "rendered/*/x/logs-\\[a]-*.json",
        );
        assert_eq!(copied(path, &[]), glob);
    }
}
