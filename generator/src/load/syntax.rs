//! Tells a YAML syntax error in words, with what to do about it. Pure.

use granit_parser::{ErrorKind, ScanError};

/// What is wrong, and a hint where the mistake has a usual cause.
pub(super) fn explain(error: &ScanError) -> (String, Option<&'static str>) {
    let (message, hint) = match error.kind() {
        _ if is_tab(error) => (
            "tab used for indentation; YAML only allows spaces",
            Some("replace it by spaces"),
        ),
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "a `:` where no key can be",
            Some(
                "put a text that holds `: ` in quotes; check the indentation, and that brackets above are closed",
            ),
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => (
            "a key without its `:`",
            Some(
                "write `key: value`, with a colon and a space, and indent what goes on over several lines",
            ),
        ),
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::MappingKeyNotAllowed => (
            "this indentation doesn't match any enclosing level",
            Some(
                "indent the keys of one mapping, and the dashes of one list, by the same number of spaces",
            ),
        ),
        ErrorKind::BlockSequenceEntryNotAllowed | ErrorKind::BlockEntryInFlowCollection => (
            "a list item can't start here",
            Some("put each `- item` on a line of its own"),
        ),
        ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::InvalidBlockScalarHeader
        | ErrorKind::ZeroBlockScalarIndent => (
            "the block text is wrongly begun or indented",
            Some("indent every line of it more than its key"),
        ),
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            ("this quote is never closed", None)
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => (
            "text follows a closing quote",
            Some("put the whole value in quotes; double a ' inside '…', write \\\" inside \"…\""),
        ),
        ErrorKind::UnknownQuotedScalarEscape => (
            "this `\\` begins no known escape",
            Some("write `\\\\`, or use single quotes"),
        ),
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::UnexpectedEof => (
            "the file ends too early",
            Some("close every `[`, `{` and quote"),
        ),
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator => {
            ("a `,` or a closing bracket is missing", None)
        }
        ErrorKind::DirectiveDisallowed => {
            ("`%` directives are not read here", Some("remove the line"))
        }
        ErrorKind::BomInsideDocument => ("byte order mark inside the file", Some("remove it")),
        ErrorKind::RecursionLimitExceeded => {
            return (super::yaml::too_deep(), None);
        }
        ErrorKind::UnexpectedCharacter { character } => {
            return (
                format!("a value can't start with `{character}`"),
                Some("put it in quotes"),
            );
        }
        ErrorKind::UnclosedFlowCollection { open } => {
            return (format!("this `{open}` is never closed"), None);
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            return (format!("`{open}` is closed by `{close}`"), None);
        }
        ErrorKind::MisplacedFlowCollectionEnd => ("a bracket is closed that was not opened", None),
        other => return (format!("not valid YAML: {other}"), None),
    };
    (message.to_owned(), hint)
}

/// Whether a tab is what is wrong.
pub(super) fn is_tab(error: &ScanError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabAtBlockScalarStart
    )
}

/// A key and a value without the space between them that YAML wants, as in `role:node`.
/// None where the colon is part of a word, as in `https://…`.
pub(crate) fn glued_pair(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.split_once(':')?;
    let is_key = !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let is_value = value.starts_with(|first: char| first != '/' && !first.is_whitespace());
    (is_key && is_value).then_some((key, value))
}

/// The key of the next line with any, if it is as far to the right as the key
/// that begins at `start`: what was meant to lie in that one, perhaps.
pub(super) fn sibling_below(text: &str, start: usize) -> Option<&str> {
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let indentation = &text[line_start..start];
    if !indentation.bytes().all(|byte| byte == b' ') {
        return None;
    }
    let below = text[start..].lines().skip(1);
    let next = below
        .map(str::trim_end)
        .find(|line| !line.is_empty() && !line.trim_start().starts_with('#'))?;
    let (key, _) = next.strip_prefix(indentation)?.split_once(':')?;
    let is_key = key.starts_with(|first: char| first.is_alphanumeric() || first == '_');
    is_key.then_some(key)
}
