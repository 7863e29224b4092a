//! Filter patterns of CloudWatch Logs, read by the grammar that AWS describes
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>).
//! Pure.
//!
//! ```text
//! pattern    = *( ["?" / "-"] term ) / "{" either "}" / "[" [columns] "]"
//! term       = word / quoted / regex
//! either     = all *( "||" all )
//! all        = one *( "&&" one )
//! one        = "(" either ")" / field comparison
//! field      = "$" 1*( "." name / "." "*" / ["."] "[" ( digits / "*" / quoted ) "]" )
//! comparison = ("=" / "!=") value / ("<" / "<=" / ">" / ">=") number
//!            / "IS" ("NULL" / "TRUE" / "FALSE") / "NOT" "EXISTS"
//! columns    = column *( "," column )
//! column     = "..." / name / the same as either, with names for fields
//! ```
//!
//! A word has letters, digits and `_` only. What AWS says nothing of, such as
//! the characters of an unquoted value, is let through.

/// Regular expressions that one pattern for JSON or columns may have; those of
/// terms are not counted.
const MOST_REGEXES: usize = 2;
/// What a regular expression may hold beside letters and digits.
const REGEX_CHARACTERS: &str = ":_#=@/;,-^$?[]{}|\\*+.";

/// What is wrong with a pattern, if something is.
pub(crate) fn fault(pattern: &str) -> Option<String> {
    let text = pattern.trim();
    let (open, close) = match text.chars().next() {
        Some('{') => ('{', '}'),
        Some('[') => ('[', ']'),
        _ => return Reader::new(text, Kind::Json).terms().err(),
    };
    let Some(inner) = text[1..].strip_suffix(close) else {
        return Some(format!(
            "it begins with `{open}`, but doesn't end with `{close}`"
        ));
    };
    let read = if open == '{' {
        Reader::new(inner, Kind::Json).json()
    } else {
        Reader::new(inner, Kind::Columns).columns()
    };
    read.err()
}

type Read = Result<(), String>;

/// What a comparison begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A field of a JSON event.
    Json,
    /// A column of a line.
    Columns,
}

/// Goes through a pattern from left to right.
struct Reader<'p> {
    rest: &'p str,
    kind: Kind,
    regexes: usize,
}

impl<'p> Reader<'p> {
    fn new(text: &'p str, kind: Kind) -> Self {
        Self {
            rest: text,
            kind,
            regexes: 0,
        }
    }

    /// Words, phrases and regular expressions, each wanted, optional or excluded.
    fn terms(&mut self) -> Read {
        loop {
            self.skip_blanks();
            let Some(first) = self.peek() else {
                return Ok(());
            };
            if matches!(first, '?' | '-') {
                self.take(1);
                if self.peek().is_none_or(char::is_whitespace) {
                    return Err(format!("no term follows the `{first}`"));
                }
            }
            match self.peek() {
                Some('"') => self.quoted('"')?,
                Some('%') => self.regex()?,
                _ => self.bare_term()?,
            }
            if self.peek().is_some_and(|next| !next.is_whitespace()) {
                return Err(format!(
                    "a blank is missing before `{}`",
                    self.rest_or_end()
                ));
            }
        }
    }

    fn bare_term(&mut self) -> Read {
        let word = self.take_while(|c| !c.is_whitespace() && c != '"');
        let wrong = word.chars().find(|c| !c.is_alphanumeric() && *c != '_');
        match wrong {
            Some(wrong) => Err(format!(
                "the term `{word}` has a `{wrong}`: put it in double quotes, `\"{word}\"`"
            )),
            None => Ok(()),
        }
    }

    /// A condition on fields of JSON, up to its end.
    fn json(&mut self) -> Read {
        self.skip_blanks();
        if self.rest.is_empty() {
            return Err("there is nothing between `{` and `}`".to_owned());
        }
        self.either()?;
        self.end()
    }

    /// The columns of a line.
    fn columns(&mut self) -> Read {
        let mut has_ellipsis = false;
        self.skip_blanks();
        if self.rest.is_empty() {
            return Err("there is nothing between `[` and `]`".to_owned());
        }
        loop {
            self.skip_blanks();
            if self.skip("...") {
                // https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/aws-logs/lib/pattern.ts
                if std::mem::replace(&mut has_ellipsis, true) {
                    return Err("only one `...` can stand for the other columns".to_owned());
                }
            } else if matches!(self.peek(), None | Some(',')) {
                return Err("a column has no name".to_owned());
            } else {
                self.either()?;
            }
            self.skip_blanks();
            if !self.skip(",") {
                return self.end();
            }
        }
    }

    fn either(&mut self) -> Read {
        loop {
            self.one()?;
            self.skip_blanks();
            if self.skip("&&") || self.skip("||") {
                continue;
            }
            if matches!(self.peek(), Some('&' | '|')) {
                return Err("conditions are joined by `&&` and `||`".to_owned());
            }
            return Ok(());
        }
    }

    fn one(&mut self) -> Read {
        self.skip_blanks();
        if self.skip("(") {
            self.either()?;
            self.skip_blanks();
            if self.skip(")") {
                return Ok(());
            }
            return Err(match self.peek() {
                None => "a `(` has no other half".to_owned(),
                Some(_) => self.unexpected(),
            });
        }
        let before = self.rest;
        match self.kind {
            Kind::Json => self.field()?,
            Kind::Columns => self.column_name()?,
        }
        let name = &before[..before.len() - self.rest.len()];
        self.comparison(name)
    }

    fn field(&mut self) -> Read {
        if !self.skip("$") {
            return Err(match self.peek() {
                None | Some(')') => "a condition is missing at its end".to_owned(),
                Some('&' | '|') => {
                    format!("a condition is missing before `{}`", self.rest_or_end())
                }
                Some(_) => "it names no field of the event: fields begin with `$.`".to_owned(),
            });
        }
        if !matches!(self.peek(), Some('.' | '[')) {
            return Err("a field begins with `$.`".to_owned());
        }
        while matches!(self.peek(), Some('.' | '[')) {
            let has_dot = self.skip(".");
            if self.skip("[") {
                self.index()?;
            } else if has_dot && !self.skip("*") {
                let name = self.take_while(is_of_name);
                if name.is_empty() {
                    return Err(match self.peek() {
                        Some(c) if !c.is_whitespace() => format!(
                            "a name in `$.…` has letters, digits, `_` and `-`, and no `{c}`"
                        ),
                        _ => "a name is missing after a `.`".to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// What stands between brackets in a field.
    fn index(&mut self) -> Read {
        match self.peek() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            Some('*') => self.take(1),
            _ => {
                if self.take_while(|c| c.is_ascii_digit()).is_empty() {
                    return Err(
                        "expected a number, `*` or a quoted name between `[` and `]`".to_owned(),
                    );
                }
            }
        }
        if self.skip("]") {
            Ok(())
        } else {
            Err("a `[` has no other half".to_owned())
        }
    }

    fn column_name(&mut self) -> Read {
        if self.take_while(is_of_name).is_empty() {
            return Err(match self.peek() {
                None => "a condition is missing at its end".to_owned(),
                Some(c) => {
                    format!("a column's name has letters, digits, `_` and `-`, and no `{c}`")
                }
            });
        }
        Ok(())
    }

    /// What is asked of a field or column.
    fn comparison(&mut self, name: &str) -> Read {
        self.skip_blanks();
        for operator in ["!=", ">=", "<=", "=", ">", "<"] {
            if !self.skip(operator) {
                continue;
            }
            if operator == "=" && self.peek() == Some('=') {
                return Err("equality is written `=`, not `==`".to_owned());
            }
            self.skip_blanks();
            return self.value(name, operator);
        }
        let word = self.keyword();
        match (word.as_str(), self.kind) {
            ("", Kind::Columns) => Ok(()),
            ("IS", _) => {
                self.skip_blanks();
                match self.keyword().as_str() {
                    "NULL" | "TRUE" | "FALSE" => Ok(()),
                    _ => Err(format!("`{name} IS` goes on with NULL, TRUE or FALSE")),
                }
            }
            ("NOT", _) => {
                self.skip_blanks();
                match self.keyword().as_str() {
                    "EXISTS" => Ok(()),
                    _ => Err(format!("`{name} NOT` goes on with EXISTS")),
                }
            }
            ("EXISTS", Kind::Json) => {
                Err(format!("to test that a field exists, write `{name} = *`"))
            }
            ("", Kind::Json) if matches!(self.peek(), None | Some(')' | '&' | '|')) => {
                Err(format!("it compares nothing: write `{{ {name} = value }}`"))
            }
            ("", Kind::Json) => Err(self.unexpected()),
            (word, _) => Err(format!("`{word}` is no operator")),
        }
    }

    fn value(&mut self, name: &str, operator: &str) -> Read {
        let is_equality = matches!(operator, "=" | "!=");
        match self.peek() {
            Some('"') if is_equality => self.quoted('"'),
            Some('%') if is_equality => self.regex(),
            _ => {
                let stops = |c: char| c.is_whitespace() || "(){}&|,=<>!\"%".contains(c);
                let word = self.take_while(|c| !stops(c));
                if word.is_empty() {
                    return Err(match self.peek() {
                        Some(c) if !"),&|}".contains(c) => {
                            format!("`{c}` can't follow the `{operator}` of `{name}`")
                        }
                        _ => format!("nothing follows the `{operator}` of `{name}`"),
                    });
                }
                if !is_equality && word.parse::<f64>().is_err() {
                    return Err(format!(
                        "`{operator}` compares numbers, and `{word}` is none"
                    ));
                }
                Ok(())
            }
        }
    }

    /// A text in quotes, in which `\` takes the next character as it is.
    fn quoted(&mut self, quote: char) -> Read {
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((at, c)) = characters.next() {
            if c == '\\' {
                characters.next();
            } else if c == quote {
                self.take(at + c.len_utf8());
                return Ok(());
            }
        }
        Err(format!("a `{quote}` has no other half"))
    }

    fn regex(&mut self) -> Read {
        let Some(end) = self.rest[1..].find('%') else {
            return Err("a `%` has no other half".to_owned());
        };
        let regex = &self.rest[1..=end];
        self.take(end + 2);
        if regex.is_empty() {
            return Err("there is nothing between `%` and `%`".to_owned());
        }
        let mut characters = regex.chars();
        while let Some(c) = characters.next() {
            let escaped = if c == '\\' { characters.next() } else { None };
            let is_allowed = c.is_ascii_alphanumeric() || REGEX_CHARACTERS.contains(c);
            if !is_allowed || escaped.is_some_and(|c| !c.is_ascii_graphic()) {
                let wrong = escaped.unwrap_or(c);
                return Err(format!(
                    "a regular expression can't have `{wrong}`: AWS takes letters, digits and `{REGEX_CHARACTERS}`"
                ));
            }
        }
        self.regexes += 1;
        Ok(())
    }

    /// Nothing may follow but blanks.
    fn end(&mut self) -> Read {
        self.skip_blanks();
        match self.peek() {
            None if self.regexes > MOST_REGEXES => Err(format!(
                "it has {} regular expressions, and AWS takes {MOST_REGEXES}",
                self.regexes
            )),
            None => Ok(()),
            Some(_) => Err(self.unexpected()),
        }
    }

    fn unexpected(&self) -> String {
        match self.peek() {
            Some(c @ (')' | ']' | '}')) => format!("a `{c}` closes what nothing opened"),
            Some('"') => match self.rest[1..].find('"') {
                Some(_) => format!("`&&` or `||` is missing before `{}`", self.rest_or_end()),
                None => "a `\"` has no other half".to_owned(),
            },
            _ => format!("`&&` or `||` is missing before `{}`", self.rest_or_end()),
        }
    }

    /// What comes next, for a message.
    fn rest_or_end(&self) -> &'p str {
        self.rest.split_whitespace().next().unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'p str {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn keyword(&mut self) -> String {
        self.take_while(|c| c.is_ascii_alphabetic())
            .to_ascii_uppercase()
    }

    fn skip(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fault;

    /// Most are examples of AWS's own page, or of its benchmark for CloudTrail
    /// (<https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html>).
    const GOOD: [&str; 46] = [
        "",
        " ",
        "ERROR",
        "ERROR ",
        "ERROR ARGUMENTS",
        "ERROR -EXITING",
        "?ERROR ?WARN",
        "?ERROR ?\"bad thing\" -DEBUG",
        "\"INTERNAL SERVER ERROR\"",
        "-\"timed out\"",
        "%AUTHORIZED%",
        "%10\\.10\\.0\\.1%",
        "%colou?r% ?%gr[ae]y%",
        "snake_case 404 Größe",
        "\"a \\\" b\"",
        "{ $.eventType = \"UpdateTrail\" }",
        "{$.eventType=UpdateTrail}",
        "{ $.sourceIPAddress != 123.123.* }",
        "{ $.arrayKey[0] = \"value\" }",
        "{ $.objectList[1].id = 2 }",
        "{ $.objectList[*].id = 2 && $.user.*.name = x }",
        "{ $.['cluster.name'] = \"c\" || $[\"a b\"][0] = 1 }",
        "{ $.x-amz-id_2 = * }",
        "{ $.eventType = \"*Trail\" }",
        "{ $.SomeObject IS NULL }",
        "{ $.SomeOtherObject NOT EXISTS }",
        "{ $.ThisFlag IS TRUE }",
        "{ $.a is false }",
        "{ $.bandwidth > 75 }",
        "{ $.latency >= 1.5e-3 }",
        "{$.latency>1e3}",
        "{ $.n <= -1 || $.n < +2 }",
        "{ ($.user.id = 1) && ($.users[0].email = \"John.Doe@example.com\") }",
        "{ ($.user.id = 2 && $.users[0].email = \"nonmatch\") || $.actions[2] = \"GET\" }",
        "{ ($.eventSource = kms.amazonaws.com) && (($.eventName=DisableKey)||($.eventName=ScheduleKeyDeletion)) }",
        "{ $.userIdentity.type = \"Root\" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != \"AwsServiceEvent\" }",
        "{ $.a = %[0-9]{3}% }",
        "{ $.a = \"}\" }",
        "[ip, user, username, timestamp, request =*.html*, status_code = 4*, bytes]",
        "[ip=%127\\.0\\.0\\.[1-9]%, user, username, timestamp, request =*.html*, status_code = 4*, bytes]",
        "[..., status_code = 4* && status_code != 403, bytes > 1000]",
        "[ip, ..., size]",
        "[...]",
        "[w1=ERROR, w2]",
        "[w1!=ERROR&&w1!=WARN, w2]",
        "[(w1 = ERROR || w1 = \"not, this\"), w2]",
    ];

    #[test]
    fn what_aws_describes_is_let_through() {
        for pattern in GOOD {
            assert_eq!(fault(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn what_it_cannot_mean_is_reported() {
        for (pattern, reported) in [
            ("\"ERROR", "a `\"` has no other half"),
            ("%ERROR", "a `%` has no other half"),
            ("%%", "there is nothing between `%` and `%`"),
            (
                "foo *bar*",
                "the term `*bar*` has a `*`: put it in double quotes, `\"*bar*\"`",
            ),
            (
                "status:404",
                "the term `status:404` has a `:`: put it in double quotes, `\"status:404\"`",
            ),
            (
                "ERROR && WARN",
                "the term `&&` has a `&`: put it in double quotes, `\"&&\"`",
            ),
            (
                "time-out",
                "the term `time-out` has a `-`: put it in double quotes, `\"time-out\"`",
            ),
            ("ERROR -", "no term follows the `-`"),
            ("? WARN", "no term follows the `?`"),
            ("\"a\"b", "a blank is missing before `b`"),
            (
                "%something!%",
                "a regular expression can't have `!`: AWS takes letters, digits and `:_#=@/;,-^$?[]{}|\\*+.`",
            ),
            (
                "%(a|b)%",
                "a regular expression can't have `(`: AWS takes letters, digits and `:_#=@/;,-^$?[]{}|\\*+.`",
            ),
            ("{ $.a = 1", "it begins with `{`, but doesn't end with `}`"),
            ("{", "it begins with `{`, but doesn't end with `}`"),
            ("[a, b", "it begins with `[`, but doesn't end with `]`"),
            ("{ ($.a = 1 }", "a `(` has no other half"),
            ("{ $.a = 1) }", "a `)` closes what nothing opened"),
            ("{ $.a = \"x }", "a `\"` has no other half"),
            ("{ $.a = %x }", "a `%` has no other half"),
            ("{}", "there is nothing between `{` and `}`"),
            ("{ $.a = }", "nothing follows the `=` of `$.a`"),
            ("{ $.a != && $.b = 1 }", "nothing follows the `!=` of `$.a`"),
            ("{ ($.a >) }", "nothing follows the `>` of `$.a`"),
            ("{ $.a > many }", "`>` compares numbers, and `many` is none"),
            ("{ $.a < \"1\" }", "`\"` can't follow the `<` of `$.a`"),
            (
                "{ eventName = 1 }",
                "it names no field of the event: fields begin with `$.`",
            ),
            ("{ $a = 1 }", "a field begins with `$.`"),
            ("{ $.a. = 1 }", "a name is missing after a `.`"),
            (
                "{ $.a.@b = 1 }",
                "a name in `$.…` has letters, digits, `_` and `-`, and no `@`",
            ),
            ("{ $.a[0 = 1 }", "a `[` has no other half"),
            (
                "{ $.a[x] = 1 }",
                "expected a number, `*` or a quoted name between `[` and `]`",
            ),
            ("{ $.a == 1 }", "equality is written `=`, not `==`"),
            (
                "{ $.a = 1 & $.b = 2 }",
                "conditions are joined by `&&` and `||`",
            ),
            (
                "{ $.a = 1 | $.b = 2 }",
                "conditions are joined by `&&` and `||`",
            ),
            (
                "{ $.a = 1 $.b = 2 }",
                "`&&` or `||` is missing before `$.b`",
            ),
            ("{ $.a = 1 && }", "a condition is missing at its end"),
            ("{ && $.a = 1 }", "a condition is missing before `&&`"),
            ("{ $.a }", "it compares nothing: write `{ $.a = value }`"),
            ("{ $.a IS 1 }", "`$.a IS` goes on with NULL, TRUE or FALSE"),
            ("{ $.a NOT NULL }", "`$.a NOT` goes on with EXISTS"),
            (
                "{ $.a EXISTS }",
                "to test that a field exists, write `$.a = *`",
            ),
            ("{ $.a LIKE \"b\" }", "`LIKE` is no operator"),
            (
                "{ $.a = %1% || $.a = %2% || $.a = %3% }",
                "it has 3 regular expressions, and AWS takes 2",
            ),
            ("[]", "there is nothing between `[` and `]`"),
            ("[a,, b]", "a column has no name"),
            ("[a, ]", "a column has no name"),
            (
                "[..., a, ...]",
                "only one `...` can stand for the other columns",
            ),
            ("[a =, b]", "nothing follows the `=` of `a`"),
            (
                "[\"a\", b]",
                "a column's name has letters, digits, `_` and `-`, and no `\"`",
            ),
            ("[a = 1 b]", "`&&` or `||` is missing before `b`"),
        ] {
            assert_eq!(fault(pattern).as_deref(), Some(reported), "{pattern}");
        }
    }

    proptest! {
        /// Good conditions stay good when they are joined, grouped or spaced.
        #[test]
        fn what_is_right_can_be_joined(
            one in 15..38_usize, other in 15..38_usize, and in any::<bool>(), blanks in " {0,3}"
        ) {
            let inner = |at: usize| GOOD[at].trim_matches(['{', '}', ' ']).to_owned();
            let (one, other) = (inner(one), inner(other));
            prop_assume!(!one.contains('%') && !other.contains('%') && !one.ends_with('"') && !other.ends_with('"'));
            let operator = if and { "&&" } else { "||" };
            let pattern = format!("{{{blanks}({one}){blanks}{operator}{blanks}({other}){blanks}}}");
            prop_assert_eq!(fault(&pattern), None, "{}", pattern);
        }

        #[test]
        fn no_text_is_too_much(pattern in "[ {}\\[\\]()$.%\"'\\\\=!<>&|?a-z0-9*,-]{0,40}|.{0,40}") {
            fault(&pattern);
        }
    }
}
