//! A section as a table in which long lists can be opened.

use super::markup::Markup;
use crate::diff::layout::document::{Row, Section, Span, Table, Text, Tone};
use crate::diff::layout::words::{and_more, risk_words};

/// Rows that are seen; more are to open.
const MAX_ROWS: usize = 20;

impl Markup {
    pub(super) fn section(&mut self, section: &Section<'_>) {
        if section.is_empty() {
            return;
        }
        self.within("<section>\n<h2>", section.title, "</h2>\n");
        let (first, more) = section
            .table
            .rows
            .split_at(section.table.rows.len().min(MAX_ROWS));
        self.table(&section.table, first, section.table.rest.as_ref());
        if !more.is_empty() {
            let words = and_more(more.len(), section.table.noun);
            self.folded(&words, |page| page.table(&section.table, more, None));
        }
        self.facts(section);
        for warning in &section.warnings {
            self.raw("<div><b>");
            self.warning(warning);
            self.raw("</div>\n");
        }
        self.raw("</section>\n");
    }

    fn table(&mut self, table: &Table<'_>, rows: &[Row<'_>], rest: Option<&Row<'_>>) {
        if rows.is_empty() {
            return;
        }
        self.within("<div class=\"wide\"><table class=\"", table.class, "\">\n");
        if !table.columns.is_empty() {
            self.raw("<thead><tr>");
            for head in table.columns {
                self.within("<th scope=\"col\">", head, "</th>");
            }
            self.raw("</tr></thead>\n");
        }
        self.raw("<tbody>\n");
        for row in rows.iter().chain(rest) {
            self.table_row(table, row);
        }
        self.raw("</tbody></table></div>\n");
    }

    fn table_row(&mut self, table: &Table<'_>, row: &Row<'_>) {
        self.raw(match row.tone {
            Tone::Quiet => "<tr class=\"soft\">",
            _ => "<tr>",
        });
        let last = row.cells.len().saturating_sub(1);
        for (at, cell) in row.cells.iter().enumerate() {
            let note = row.note.as_ref().filter(|_| at == 0);
            self.raw(match cell.spans() {
                [Span::Code(_)] => "<td class=\"path\">",
                _ if at < table.narrow && note.is_none() => "<td class=\"few\">",
                _ => "<td>",
            });
            if at == 0 && row.tone == Tone::Alert {
                self.raw("<span class=\"mark\">");
            }
            self.spans(cell);
            if let Some(note) = note {
                self.raw(": ");
                self.spans(note);
            }
            if at == 0 && row.tone == Tone::Alert {
                self.raw("</span>");
            }
            if at == last {
                self.kinds(row);
            }
            self.raw("</td>");
        }
        self.raw("</tr>\n");
    }

    fn kinds(&mut self, row: &Row<'_>) {
        for risk in row.risks {
            let words = risk_words(*risk);
            if risk.acknowledged {
                self.within("<div class=\"soft\">", &words, "</div>");
            } else {
                self.within("<div><span class=\"mark\">", &words, "</span></div>");
            }
        }
    }

    fn facts(&mut self, section: &Section<'_>) {
        if section.facts.is_empty() {
            return;
        }
        self.raw("<dl class=\"facts\">\n");
        for (label, text) in &section.facts {
            self.within("<dt>", label, "</dt><dd>");
            self.spans(text);
            self.raw("</dd>\n");
        }
        self.raw("</dl>\n");
    }

    /// What is said of names has to be seen more than these.
    fn warning(&mut self, warning: &Text<'_>) {
        let is_names = |span: &Span<'_>| matches!(span, Span::Names(_));
        for span in warning.spans().iter().filter(|span| !is_names(span)) {
            self.span(span);
        }
        self.raw("</b> ");
        for span in warning.spans().iter().filter(|span| is_names(span)) {
            self.span(span);
        }
    }

    pub(super) fn spans(&mut self, text: &Text<'_>) {
        for span in text.spans() {
            self.span(span);
        }
    }

    fn span(&mut self, span: &Span<'_>) {
        match span {
            Span::Words(words) | Span::Note(words) => self.text(words),
            Span::Code(text) => self.code(text),
            Span::Totals(totals) => self.counts(*totals),
            Span::Names(names) => match names.all.as_slice() {
                [name] => self.text(name),
                all if names.count.is_empty() => self.names(all),
                all => self.list("", &format!("{}: ", names.count), all),
            },
            Span::Change(short, whole) => {
                self.raw("<details class=\"more\"><summary>");
                self.spans(short);
                self.raw("</summary><div>\n");
                self.detail(whole);
                self.raw("</div></details>");
            }
        }
    }
}
