//! Reads one YAML file into a tree of spanned nodes. Pure.
//!
//! The subset that configuration needs: one document, text keys, no anchors,
//! tags or merge keys. Layers share values, so aliases aren't needed; refusing
//! them also ends every "billion laughs". An input is within budgets of size,
//! depth and nodes, so that a hostile file can't hold up a run.

use std::collections::BTreeMap;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, StructureStyle, Tag, options};

use super::conflict;
use super::node::{Entry, Node, Value};
use super::scalar::{ScalarFault, type_plain};
use super::source_file::{FileId, SourceFile, Span};
use super::syntax;
use crate::fault::{Fault, Faults};
use crate::secrets;

/// What to write in a layer for a key that has no value.
pub const NO_VALUE_HINT: &str = "write `{}` or leave the key out to keep what the layers below set; write `null` to remove that";
/// The most bytes a file may have.
pub const MAX_BYTES: usize = 1024 * 1024;
/// The deepest nesting of lists and mappings.
pub const MAX_DEPTH: usize = 32;
/// The most values a file may have.
pub const MAX_NODES: usize = 100_000;
/// The most faults reported for one file; more would only bury the first ones.
const MAX_FAULTS: usize = 50;

/// Reads a file's text. A file without any value gives [`Value::Null`].
pub fn parse(id: FileId, source: &SourceFile) -> Result<Node, Faults> {
    let text = source.text();
    if text.len() > MAX_BYTES {
        return Err(too_large(source.path()).into());
    }
    if let Some((at, character)) = find_unprintable(text) {
        return Err(unprintable(source, at, character).into());
    }
    conflict::refuse(source)?;
    let mut builder = Builder::new(id, source);
    for event in Parser::new_from_str_with_options(text, parser_options()) {
        let going_on = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => builder.stop_at(&error),
        };
        if !going_on || builder.faults.len() >= MAX_FAULTS {
            break;
        }
    }
    builder.finish()
}

/// The fault of a file over the budget of size.
pub(super) fn too_large(path: &str) -> Fault {
    let place = SourceFile::new(path, "").place(0, 0);
    Fault::input(format!(
        "the file is larger than {} MiB",
        MAX_BYTES / 1024 / 1024
    ))
    .at(place)
}

/// The message of a file over the budget of depth.
pub(super) fn too_deep() -> String {
    format!("lists and mappings are nested deeper than {MAX_DEPTH} levels")
}

fn parser_options() -> Options {
    options! {
        disallow_directives: true,
        emit_comments: false,
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        // Beyond ours, so that ours is reported, but not so far that it costs.
        flow_nesting_limit: 2 * MAX_DEPTH,
        block_nesting_limit: 2 * MAX_DEPTH,
    }
}

/// The first character that YAML doesn't allow, or that can't be seen
/// (<https://yaml.org/spec/1.2.2/#51-character-set>).
fn find_unprintable(text: &str) -> Option<(usize, char)> {
    let plain = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e);
    if text.as_bytes().iter().all(plain) {
        return None;
    }
    text.char_indices().find(|(_, c)| {
        (c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}'))
            || matches!(c, '\u{fffe}' | '\u{ffff}')
    })
}

fn unprintable(source: &SourceFile, at: usize, character: char) -> Fault {
    let mut place = source.place(at, at);
    place.excerpt = place
        .excerpt
        .chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    Fault::input(format!(
        "the control character U+{:04X} isn't allowed in YAML",
        u32::from(character)
    ))
    .at(place)
    .hint("remove it, or write it as an escape in double quotes")
}

/// A list or mapping that is still open.
struct Frame {
    start: u32,
    end: u32,
    /// Whether it stands where a key is expected; it is dropped then.
    is_key: bool,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        key: Option<Key>,
    },
}

/// A key whose value is still to come.
struct Key {
    /// `None` after a fault: its value is read and dropped.
    name: Option<String>,
    span: Span,
}

struct Builder<'s> {
    id: FileId,
    source: &'s SourceFile,
    frames: Vec<Frame>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
    reported_anchors: bool,
    faults: Vec<Fault>,
}

impl<'s> Builder<'s> {
    fn new(id: FileId, source: &'s SourceFile) -> Self {
        Self {
            id,
            source,
            frames: Vec::new(),
            root: None,
            nodes: 0,
            documents: 0,
            reported_anchors: false,
            faults: Vec::new(),
        }
    }

    fn finish(self) -> Result<Node, Faults> {
        let empty = Node {
            span: Span {
                file: self.id,
                start: 0,
                end: 0,
            },
            value: Value::Null,
        };
        self.faults
            .into_iter()
            .collect::<Faults>()
            .into_result(self.root.unwrap_or(empty))
    }

    fn tell(
        &mut self,
        span: Span,
        message: impl Into<String>,
        hint: impl Into<Option<&'static str>>,
    ) {
        let mut fault =
            Fault::input(message).at(self.source.place(span.start as usize, span.end as usize));
        if let Some(hint) = hint.into() {
            fault = fault.hint(hint);
        }
        self.faults.push(fault);
    }

    fn stop_at(&mut self, error: &ScanError) -> bool {
        let text = self.source.text();
        let mut at = error.marker().byte_offset().unwrap_or(text.len());
        // The parser stops after a tab; the caret belongs below it.
        if syntax::is_tab(error) && text.get(..at).is_some_and(|before| before.ends_with('\t')) {
            at -= 1;
        }
        let at = offset(at);
        let (message, hint) = syntax::explain(error);
        self.tell(self.span(at, at), message, hint);
        false
    }

    /// Takes one event; `false` means that reading on is of no use.
    fn take(&mut self, event: Event<'_>, at: granit_parser::Span) -> bool {
        let range = at.byte_range().unwrap_or_default();
        let span = self.span(offset(range.start), offset(range.end));
        if let Some(tag) = event.tag() {
            self.refuse_tag(tag, &at);
        }
        match event {
            Event::DocumentStart(..) => return self.begin_document(span),
            Event::Scalar(text, style, _, tag) => {
                return self.count_node(span)
                    && self.take_scalar(&text, style, tag.is_some(), span);
            }
            Event::SequenceStart(style, ..) => {
                return self.open(Content::Sequence(Vec::new()), style, span);
            }
            Event::MappingStart(style, ..) => {
                return self.open(
                    Content::Mapping {
                        entries: Vec::new(),
                        key: None,
                    },
                    style,
                    span,
                );
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Anchor(..) => self.refuse_anchor(span),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse_anchor(span);
                self.place_node(Node {
                    span,
                    value: Value::Null,
                });
            }
            _ => {}
        }
        true
    }

    fn span(&self, start: u32, end: u32) -> Span {
        Span {
            file: self.id,
            start,
            end,
        }
    }

    fn begin_document(&mut self, span: Span) -> bool {
        self.documents += 1;
        if self.documents > 1 {
            self.tell(
                span,
                "a second document begins here; one file holds one",
                "remove the `---`",
            );
        }
        self.documents == 1
    }

    fn refuse_tag(&mut self, tag: &Tag, at: &granit_parser::Span) {
        let range = at
            .tag_span()
            .and_then(|span| span.byte_range())
            .or_else(|| at.byte_range())
            .unwrap_or_default();
        let span = self.span(offset(range.start), offset(range.end));
        let message = format!("the tag `{}` is not read here", tag.original());
        self.tell(
            span,
            message,
            "remove it; put a value that is to stay text in quotes",
        );
    }

    fn refuse_anchor(&mut self, span: Span) {
        if !self.reported_anchors {
            self.reported_anchors = true;
            let hint = "write the value out, or move it to a lower layer: fleet.yaml or environments/*.yaml";
            self.tell(
                span,
                "anchors and aliases (`&` and `*`) are not read here",
                hint,
            );
        }
    }

    fn count_node(&mut self, span: Span) -> bool {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.tell(
                span,
                format!("the file has more than {MAX_NODES} values"),
                None,
            );
        }
        self.nodes <= MAX_NODES
    }

    fn open(&mut self, content: Content, style: StructureStyle, span: Span) -> bool {
        if self.frames.len() >= MAX_DEPTH {
            self.tell(span, too_deep(), None);
            return false;
        }
        let is_key = self.expects_key();
        if is_key {
            let message = match content {
                Content::Sequence(_) => "a list can't be a key",
                Content::Mapping { .. } => "a mapping can't be a key",
            };
            let hint = (style == StructureStyle::Flow)
                .then_some("put a text that starts with `{` or `[` in quotes");
            self.tell(span, message, hint);
        }
        self.frames.push(Frame {
            start: span.start,
            end: span.end,
            is_key,
            content,
        });
        self.count_node(span)
    }

    fn close(&mut self, span: Span) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        // A block ends where its last part does; only a flow one has a bracket.
        let has_bracket =
            span.end > span.start && self.source.text()[..span.end as usize].ends_with([']', '}']);
        let start = match frame.content {
            Content::Sequence(_) if !has_bracket => self.with_dash(frame.start),
            _ => frame.start,
        };
        let whole = self.span(start, if has_bracket { span.end } else { frame.end });
        let value = match frame.content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping { entries, .. } => Value::Mapping(self.refuse_duplicates(entries)),
        };
        if frame.is_key {
            self.set_key(None, whole);
        } else {
            self.place_node(Node { span: whole, value });
        }
    }

    /// The start of a list; the parser leaves the first dash out of one that
    /// is indented like its key.
    fn with_dash(&self, start: u32) -> u32 {
        let before = self.source.text()[..start as usize].trim_end();
        match before.strip_suffix('-') {
            Some(before) if !self.source.text()[start as usize..].starts_with("- ") => {
                offset(before.len())
            }
            _ => start,
        }
    }

    /// The span of a block text from its `|` or `>` on, which the parser
    /// leaves out.
    fn with_block_header(&self, span: Span) -> Span {
        let after = match self.frames.last() {
            Some(Frame {
                content: Content::Mapping { key: Some(key), .. },
                ..
            }) => key.span.end,
            Some(frame) => frame.end,
            None => 0,
        };
        let between = self
            .source
            .text()
            .get(after as usize..span.start as usize)
            .unwrap_or_default();
        match between.find(['|', '>']) {
            Some(header) => Span {
                start: after + offset(header),
                ..span
            },
            None => span,
        }
    }

    fn expects_key(&self) -> bool {
        matches!(
            self.frames.last(),
            Some(Frame {
                content: Content::Mapping { key: None, .. },
                ..
            })
        )
    }

    fn take_scalar(&mut self, text: &str, style: ScalarStyle, tagged: bool, span: Span) -> bool {
        let plain = style == ScalarStyle::Plain && !tagged;
        if self.expects_key() {
            let text = if plain && span.start == span.end {
                ""
            } else {
                text
            };
            let name = self.read_key(text, plain, span);
            self.set_key(name, span);
            return true;
        }
        // The parser writes `~` for a value that isn't there.
        if plain && span.start == span.end {
            self.refuse_missing_value(span);
        }
        let span = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => self.with_block_header(span),
            _ => span,
        };
        let value = if plain {
            self.read_plain(text, span)
        } else {
            Value::String(text.to_owned())
        };
        self.place_node(Node { span, value });
        true
    }

    /// The name of a key, unless it is no text.
    fn read_key(&mut self, text: &str, plain: bool, span: Span) -> Option<String> {
        if !plain {
            return Some(text.to_owned());
        }
        if text == "<<" {
            let hint = "write the keys out, or move them to a lower layer: fleet.yaml or environments/*.yaml";
            self.tell(span, "merge keys (`<<`) are not read here", hint);
            return None;
        }
        let kind = match type_plain(text) {
            Ok(Value::String(name)) => return Some(name),
            Ok(Value::Null) if text.is_empty() => {
                self.tell(span, "a key is missing before the `:`", None);
                return None;
            }
            Ok(Value::Null) => "null",
            Ok(Value::Bool(_)) => "true or false",
            _ => "a number",
        };
        self.tell(
            span,
            format!("the key `{}` is {kind}; keys are text", secrets::mask(text)),
            "put it in quotes",
        );
        None
    }

    /// Nothing after a key would remove what the layers below have set, though
    /// it mostly means that somebody commented out what follows.
    fn refuse_missing_value(&mut self, span: Span) {
        // Below a mapping or list that is a key, that alone is the mistake.
        if self.frames.iter().any(|frame| frame.is_key) {
            return;
        }
        match self.frames.last() {
            Some(Frame {
                content: Content::Mapping { key: Some(key), .. },
                ..
            }) => {
                let (at, Some(name)) = (key.span, key.name.clone()) else {
                    return;
                };
                self.refuse_key_alone(&name, at);
            }
            Some(_) => self.tell(span, "this list item has no value", None),
            None => {}
        }
    }

    /// A key without a value: mostly a slip that its text or the next line shows.
    fn refuse_key_alone(&mut self, name: &str, at: Span) {
        let place = self.source.place(at.start as usize, at.end as usize);
        let shown = secrets::mask(name);
        if let Some((key, value)) = syntax::glued_pair(name) {
            let fault = Fault::input(format!("no space after the `:` in `{shown}`"));
            let hint = format!("write `{key}: {}`", secrets::mask(value));
            self.faults.push(fault.at(place).hint(hint));
            return;
        }
        let mut fault = Fault::input(format!("`{shown}` has no value")).at(place);
        if let Some(sibling) = syntax::sibling_below(self.source.text(), at.start as usize) {
            fault = fault.hint(format!(
                "to put `{}` into `{shown}`, indent it further than `{shown}`",
                secrets::mask(sibling)
            ));
        }
        self.faults.push(fault.hint(NO_VALUE_HINT));
    }

    fn read_plain(&mut self, text: &str, span: Span) -> Value {
        let message = match type_plain(text) {
            Ok(value) => return value,
            Err(ScalarFault::TooLarge) => format!(
                "the number `{}` does not fit in 64 bits",
                secrets::mask(text)
            ),
            Err(ScalarFault::NotFinite) => format!("`{text}` is no finite number"),
        };
        self.tell(span, message, "put it in quotes if it is text");
        Value::Null
    }

    fn set_key(&mut self, name: Option<String>, span: Span) {
        if let Some(Frame {
            content: Content::Mapping { key, .. },
            start,
            end,
            ..
        }) = self.frames.last_mut()
        {
            *key = Some(Key { name, span });
            *start = (*start).min(span.start);
            *end = span.end;
        }
    }

    fn place_node(&mut self, node: Node) {
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return;
        };
        if node.span.end > node.span.start {
            frame.end = node.span.end;
        }
        match &mut frame.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping { entries, key } => match key.take() {
                Some(Key {
                    name: Some(name),
                    span,
                }) => entries.push(Entry {
                    key: name,
                    key_span: span,
                    node,
                }),
                Some(Key { name: None, .. }) => {}
                // An alias as a key; it is reported already.
                None => {
                    *key = Some(Key {
                        name: None,
                        span: node.span,
                    });
                }
            },
        }
    }

    /// The entries without those whose key came before.
    fn refuse_duplicates(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        let mut first: BTreeMap<&str, Span> = BTreeMap::new();
        let mut again = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            match first.get(entry.key.as_str()) {
                Some(span) => again.push((number, *span)),
                None => {
                    first.insert(&entry.key, entry.key_span);
                }
            }
        }
        if again.is_empty() {
            return entries;
        }
        for (number, first) in again.iter().take(MAX_FAULTS) {
            self.refuse_duplicate(&entries[*number], *first);
        }
        let again: Vec<usize> = again.into_iter().map(|(number, _)| number).collect();
        let keep = |number: &usize| again.binary_search(number).is_err();
        entries
            .into_iter()
            .enumerate()
            .filter(|(number, _)| keep(number))
            .map(|(_, entry)| entry)
            .collect()
    }

    fn refuse_duplicate(&mut self, entry: &Entry, first: Span) {
        let place = |span: Span| self.source.place(span.start as usize, span.end as usize);
        let fault = Fault::input(format!(
            "duplicate key `{}`, first at line {}",
            secrets::mask(&entry.key),
            place(first).line
        ))
        .at(place(entry.key_span))
        .hint("keep one of them");
        self.faults.push(fault);
    }
}

/// A byte offset; files are at most [`MAX_BYTES`], so it always fits.
fn offset(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::report::{Style, to_text};

    fn read(text: &str) -> Result<Node, Vec<String>> {
        parse(FileId(0), &SourceFile::new("f", text)).map_err(|faults| {
            let reported =
                |fault: Fault| format!("{}: {}", fault.place.expect("placed"), fault.message);
            faults.sorted().into_iter().map(reported).collect()
        })
    }

    fn slice(text: &str, span: Span) -> &str {
        &text[span.start as usize..span.end as usize]
    }

    /// Every key and value as it stands in the text.
    fn slices<'t>(text: &'t str, node: &Node, found: &mut Vec<&'t str>) {
        found.push(slice(text, node.span));
        match &node.value {
            Value::Sequence(items) => items.iter().for_each(|item| slices(text, item, found)),
            Value::Mapping(entries) => entries.iter().for_each(|entry| {
                found.push(slice(text, entry.key_span));
                slices(text, &entry.node, found);
            }),
            _ => {}
        }
    }

    /// Each file of `tests/cases/load/` has the mistake it is named after.
    #[test]
    fn tells_each_mistake_clearly() {
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::glob!("../../../tests/cases/load", "*.yaml", |path| {
                let name = path.file_name().expect("a file").to_string_lossy().into_owned();
                let source = SourceFile::new(name, std::fs::read_to_string(path).expect("text"));
                let faults = parse(FileId(0), &source).expect_err("a mistake");
                insta::assert_snapshot!(to_text(faults, "nothing was written", Style::Plain));
            });
        });
    }

    #[test]
    fn spans_are_exact() {
        let text = "# note\na: 1 # one\r\n\"b c\": 'it''s'\nlist:\n- x\n- {k: \"v\", l: [1, ~]}\ntext: |\n  one\n  two\nlast: two words  \n";
        let mut found = Vec::new();
        slices(text, &read(text).expect("valid"), &mut found);
        assert_eq!(
            found[1..],
            [
                "a",
                "1",
                "\"b c\"",
                "'it''s'",
                "list",
                "- x\n- {k: \"v\", l: [1, ~]}",
                "x",
                "{k: \"v\", l: [1, ~]}",
                "k",
                "\"v\"",
                "l",
                "[1, ~]",
                "1",
                "~",
                "text",
                "|\n  one\n  two\n",
                "last",
                "two words"
            ]
        );
        assert_eq!(found[0], &text[7..text.len() - 3]);
    }

    #[test]
    fn spans_hold_after_a_byte_order_mark_and_wide_characters() {
        let text = "\u{feff}ключ: \"日本\"\nb: [é, ü]\n";
        let mut found = Vec::new();
        slices(text, &read(text).expect("valid"), &mut found);
        assert_eq!(found[1..], ["ключ", "\"日本\"", "b", "[é, ü]", "é", "ü"]);
    }

    #[test]
    fn reads_the_same_values_with_any_line_ends() {
        let text = "a: 1\nb:\n  - x\n  - y: yes\n";
        let expected = json!({"a": 1, "b": ["x", {"y": "yes"}]});
        assert_eq!(read(text).expect("valid").to_json(), expected);
        assert_eq!(
            read(&text.replace('\n', "\r\n")).expect("valid").to_json(),
            expected
        );
    }

    #[test]
    fn a_file_without_a_value_is_null() {
        for text in [
            "",
            "\n",
            "# only a note\n",
            "---\n",
            "\u{feff}",
            "---\n...\n",
        ] {
            assert!(read(text).expect("valid").is_null(), "{text:?}");
        }
    }

    #[test]
    fn gathers_all_faults_of_a_file() {
        let text = "a: 1\na: 2\n1: x\ntrue: y\n<<: {}\nb: !!str 3\nc:\n? [d]\n: e\nf: 99999999999999999999\n";
        assert_eq!(
            read(text).expect_err("faults"),
            [
                "f:2:1: duplicate key `a`, first at line 1",
                "f:3:1: the key `1` is a number; keys are text",
                "f:4:1: the key `true` is true or false; keys are text",
                "f:5:1: merge keys (`<<`) are not read here",
                "f:6:4: the tag `!!str` is not read here",
                "f:7:1: `c` has no value",
                "f:8:3: a list can't be a key",
                "f:10:4: the number `99999999999999999999` does not fit in 64 bits",
            ]
        );
    }

    #[test]
    fn tells_a_billion_laughs_in_one_quick_fault() {
        let mut text = String::from("a0: &a0 [lol]\n");
        for level in 1..30 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            text.extend([format!("a{level}: &a{level} [{aliases}]\n")]);
        }
        let begun = Instant::now();
        assert_eq!(
            read(&text).expect_err("refused"),
            ["f:1:5: anchors and aliases (`&` and `*`) are not read here"]
        );
        assert!(begun.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn keeps_within_its_budgets() {
        let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
        assert_eq!(
            read(&deep).expect_err("deep"),
            ["f:1:33: lists and mappings are nested deeper than 32 levels"]
        );
        assert!(read(&deep[1..65]).is_ok());
        let begun = Instant::now();
        assert_eq!(read(&"[".repeat(MAX_BYTES)).expect_err("deep").len(), 1);
        assert_eq!(
            read(&"a".repeat(MAX_BYTES + 1)).expect_err("large"),
            ["f:1:1: the file is larger than 1 MiB"]
        );
        let many = format!("[{}]", "1,".repeat(MAX_NODES));
        assert_eq!(read(&many).expect_err("many").len(), 1);
        let duplicates = "a: 1\n".repeat(MAX_NODES);
        let reported = read(&duplicates).expect_err("duplicates").len();
        assert!(reported <= 2 * MAX_FAULTS, "{reported}");
        // Generous, since this also runs unoptimized on a busy machine.
        assert!(begun.elapsed() < Duration::from_secs(20));
    }

    proptest! {
        #[test]
        fn never_panics_and_spans_stay_within(text in "[-a:\\[\\]{}&*!|>'\"#, \n\r\tü%@`0~<.?]{0,60}") {
            if let Ok(node) = read(&text) {
                let mut found = Vec::new();
                slices(&text, &node, &mut found);
            }
        }

        #[test]
        fn reads_back_what_json_writes(value in json_value()) {
            let text = serde_json::to_string_pretty(&value).expect("JSON");
            prop_assert_eq!(read(&text).expect("JSON is YAML").to_json(), value);
        }
    }

    fn json_value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(|flag| json!(flag)),
            any::<i64>().prop_map(|number| json!(number)),
            "[ -~éü日]{0,12}".prop_map(|text| json!(text)),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|items| json!(items)),
                prop::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                    .prop_map(|members| json!(members)),
            ]
        })
    }
}
