//! Reads a pipeline of Logstash, every part with its offset. Pure.
//!
//! The grammar is Logstash's own:
//! <https://github.com/elastic/logstash/blob/v9.1.0/logstash-core/lib/logstash/compiler/lscl/lscl_grammar.treetop>.
//! Escapes are not read (`config.support_escapes: false`).

use super::Finding;

/// Sections and branches that may lie within each other.
const DEEPEST: usize = 32;

/// `input`, `filter` or `output`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section<'t> {
    /// Which.
    pub kind: &'t str,
    /// Where it begins.
    pub offset: usize,
    /// What stands in it.
    pub items: Vec<Item<'t>>,
}

/// A plugin, or a choice among several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'t> {
    /// A plugin.
    Plugin(Plugin<'t>),
    /// `if`, `else if` and `else`.
    Branch(Vec<Arm<'t>>),
}

/// One way of a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm<'t> {
    /// The condition as it is written; none for `else`.
    pub condition: Option<&'t str>,
    /// What stands in it.
    pub items: Vec<Item<'t>>,
}

/// A plugin with its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin<'t> {
    /// Its name.
    pub name: &'t str,
    /// Where it begins.
    pub offset: usize,
    /// Its options.
    pub options: Vec<PluginOption<'t>>,
}

/// An option of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginOption<'t> {
    /// Its name.
    pub name: &'t str,
    /// Where it begins.
    pub offset: usize,
    /// Its value.
    pub value: Value<'t>,
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value<'t> {
    /// Where it begins.
    pub offset: usize,
    /// What it is.
    pub kind: ValueKind<'t>,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueKind<'t> {
    /// A word without quotes.
    Word(&'t str),
    /// A text, without its quotes and with its escapes as written.
    Text(&'t str),
    /// A number as written.
    Number(&'t str),
    /// A list.
    List(Vec<Value<'t>>),
    /// Keys and values.
    Hash(Vec<(Value<'t>, Value<'t>)>),
    /// A codec with its options.
    Plugin(Plugin<'t>),
}

/// Reads a pipeline.
pub fn parse(text: &str) -> Result<Vec<Section<'_>>, Finding> {
    let mut reader = Reader { text, at: 0 };
    let mut sections = Vec::new();
    loop {
        reader.blank();
        if reader.rest().is_empty() {
            break;
        }
        sections.push(reader.section()?);
    }
    if sections.is_empty() {
        return Err(Finding::new(0, "this pipeline has no section"));
    }
    Ok(sections)
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

type Read<T> = Result<T, Finding>;

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn next_char(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Skips white space and comments.
    fn blank(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    fn takes(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn wants(&mut self, token: &str) -> Read<()> {
        self.blank();
        if self.takes(token) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{token}`")))
    }

    fn unexpected(&self, wanted: &str) -> Finding {
        let found = match self.next_char() {
            None => "the end".to_owned(),
            Some(c) => format!("`{}`", c.escape_default()),
        };
        Finding::new(self.at, format!("{wanted} is wanted here, not {found}"))
    }

    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn section(&mut self) -> Read<Section<'t>> {
        let offset = self.at;
        let kind = self.word();
        if !matches!(kind, "input" | "filter" | "output") {
            self.at = offset;
            return Err(self.unexpected("`input`, `filter` or `output`"));
        }
        self.wants("{")?;
        Ok(Section {
            kind,
            offset,
            items: self.items(0)?,
        })
    }

    /// Items up to the brace that ends them.
    fn items(&mut self, depth: usize) -> Read<Vec<Item<'t>>> {
        if depth > DEEPEST {
            return Err(Finding::new(self.at, "branches are nested too deep"));
        }
        let mut items = Vec::new();
        loop {
            self.blank();
            if self.takes("}") {
                return Ok(items);
            }
            let start = self.at;
            if self.word() == "if" {
                items.push(Item::Branch(self.branch(depth)?));
            } else {
                self.at = start;
                items.push(Item::Plugin(self.plugin(depth)?));
            }
        }
    }

    fn branch(&mut self, depth: usize) -> Read<Vec<Arm<'t>>> {
        let mut arms = vec![self.arm(depth)?];
        loop {
            let before = self.at;
            self.blank();
            if self.word() != "else" {
                self.at = before;
                return Ok(arms);
            }
            self.blank();
            let start = self.at;
            if self.word() == "if" {
                arms.push(self.arm(depth)?);
            } else {
                self.at = start;
                self.wants("{")?;
                let items = self.items(depth + 1)?;
                arms.push(Arm {
                    condition: None,
                    items,
                });
                return Ok(arms);
            }
        }
    }

    fn arm(&mut self, depth: usize) -> Read<Arm<'t>> {
        self.blank();
        let start = self.at;
        self.condition(0)?;
        let condition = self.text[start..self.at].trim_end();
        self.wants("{")?;
        Ok(Arm {
            condition: Some(condition),
            items: self.items(depth + 1)?,
        })
    }

    fn condition(&mut self, depth: usize) -> Read<()> {
        if depth > DEEPEST {
            return Err(Finding::new(self.at, "this condition is nested too deep"));
        }
        loop {
            self.expression(depth)?;
            self.blank();
            let before = self.at;
            if !matches!(self.word(), "and" | "or" | "xor" | "nand") {
                self.at = before;
                return Ok(());
            }
        }
    }

    fn expression(&mut self, depth: usize) -> Read<()> {
        self.blank();
        let negated = self.takes("!");
        if negated {
            self.blank();
        }
        if self.takes("(") {
            self.condition(depth + 1)?;
            return self.wants(")");
        }
        self.operand()?;
        if negated {
            return Ok(());
        }
        self.blank();
        let before = self.at;
        if self.takes("=~") || self.takes("!~") {
            self.blank();
            if !matches!(self.next_char(), Some('/' | '"' | '\'')) {
                return Err(self.unexpected("a regular expression `/…/`"));
            }
            return self.operand();
        }
        if ["==", "!=", "<=", ">=", "<", ">"]
            .iter()
            .any(|operator| self.takes(operator))
        {
            self.blank();
            return self.operand();
        }
        match self.word() {
            "in" => {}
            "not" => {
                self.blank();
                if self.word() != "in" {
                    self.at = before;
                    return Ok(());
                }
            }
            _ => {
                self.at = before;
                return Ok(());
            }
        }
        self.blank();
        self.operand()
    }

    /// A field, a text, a number, a list, a regular expression.
    fn operand(&mut self) -> Read<()> {
        match self.next_char() {
            Some('[') => {
                let rest = self.rest();
                // `[a][b]` is a field; `["a", "b"]` is a list.
                let inner = rest[1..].trim_start();
                if inner.starts_with(['"', '\'', '/', '[', ']'])
                    || inner.starts_with(|c: char| c.is_ascii_digit())
                {
                    return self.value(0).map(|_| ());
                }
                while self.next_char() == Some('[') {
                    let rest = self.rest();
                    let end = rest
                        .find(']')
                        .ok_or_else(|| Finding::new(self.at, "this `[` is never closed"))?;
                    if end == 1 || rest[1..end].contains(['[', ',']) {
                        return Err(Finding::new(self.at, "this is no field: `[name]` is"));
                    }
                    self.at += end + 1;
                }
                Ok(())
            }
            Some('/') => self.delimited('/').map(|_| ()),
            Some('"' | '\'') => self.value(0).map(|_| ()),
            Some(c) if c.is_ascii_digit() || c == '-' => self.value(0).map(|_| ()),
            _ => Err(self.unexpected("a field, a text, a number or a list")),
        }
    }

    /// A text between two delimiters; a delimiter behind a backslash ends nothing.
    fn delimited(&mut self, delimiter: char) -> Read<&'t str> {
        let start = self.at;
        let rest = self.rest();
        let mut characters = rest.char_indices().skip(1).peekable();
        while let Some((at, c)) = characters.next() {
            if c == '\\'
                && characters
                    .peek()
                    .is_some_and(|(_, next)| *next == delimiter)
            {
                characters.next();
            } else if c == delimiter {
                self.at += at + 1;
                return Ok(&rest[1..at]);
            }
        }
        Err(Finding::new(
            start,
            format!("this `{delimiter}` is never closed"),
        ))
    }

    fn plugin(&mut self, depth: usize) -> Read<Plugin<'t>> {
        let offset = self.at;
        let name = self.name()?;
        self.wants("{")?;
        let mut options = Vec::new();
        loop {
            self.blank();
            if self.takes("}") {
                return Ok(Plugin {
                    name,
                    offset,
                    options,
                });
            }
            let offset = self.at;
            let name = self.name()?;
            self.wants("=>")?;
            self.blank();
            let value = self.value(depth + 1)?;
            options.push(PluginOption {
                name,
                offset,
                value,
            });
        }
    }

    fn name(&mut self) -> Read<&'t str> {
        if let Some(quote @ ('"' | '\'')) = self.next_char() {
            return self.delimited(quote);
        }
        let word = self.word();
        if word.is_empty() {
            return Err(self.unexpected("a name"));
        }
        Ok(word)
    }

    fn value(&mut self, depth: usize) -> Read<Value<'t>> {
        if depth > DEEPEST {
            return Err(Finding::new(self.at, "values are nested too deep"));
        }
        let offset = self.at;
        let kind = match self.next_char() {
            Some(quote @ ('"' | '\'')) => ValueKind::Text(self.delimited(quote)?),
            Some('[') => {
                self.at += 1;
                ValueKind::List(self.list(depth)?)
            }
            Some('{') => {
                self.at += 1;
                ValueKind::Hash(self.hash(depth)?)
            }
            Some(c) if c.is_ascii_digit() || c == '-' => self.number()?,
            Some(c) if c.is_ascii_alphabetic() || c == '_' => self.word_or_codec(depth)?,
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Value { offset, kind })
    }

    fn number(&mut self) -> Read<ValueKind<'t>> {
        let rest = self.rest();
        let end = rest
            .char_indices()
            .find(|(at, c)| !(c.is_ascii_digit() || *c == '.' || (*at == 0 && *c == '-')))
            .map_or(rest.len(), |(at, _)| at);
        let number = &rest[..end];
        if number.parse::<f64>().is_err() {
            return Err(Finding::new(self.at, format!("`{number}` is no number")));
        }
        self.at += end;
        Ok(ValueKind::Number(number))
    }

    fn word_or_codec(&mut self, depth: usize) -> Read<ValueKind<'t>> {
        let start = self.at;
        let word = self.word();
        let after = self.at;
        self.blank();
        if self.next_char() == Some('{') {
            self.at = start;
            return Ok(ValueKind::Plugin(self.plugin(depth)?));
        }
        self.at = after;
        Ok(ValueKind::Word(word))
    }

    fn list(&mut self, depth: usize) -> Read<Vec<Value<'t>>> {
        let mut items = Vec::new();
        self.blank();
        if self.takes("]") {
            return Ok(items);
        }
        loop {
            self.blank();
            items.push(self.value(depth + 1)?);
            self.blank();
            if self.takes("]") {
                return Ok(items);
            }
            self.wants(",")?;
        }
    }

    fn hash(&mut self, depth: usize) -> Read<Vec<(Value<'t>, Value<'t>)>> {
        let mut entries = Vec::new();
        loop {
            self.blank();
            if self.takes("}") {
                return Ok(entries);
            }
            let key = self.value(depth + 1)?;
            self.wants("=>")?;
            self.blank();
            entries.push((key, self.value(depth + 1)?));
        }
    }
}
