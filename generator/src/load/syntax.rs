//! Tells a YAML syntax error in words, with what to do about it. Pure.

use granit_parser::{ErrorKind, ScanError};

/// What is wrong, and a hint where the mistake has a usual cause.
pub(super) fn explain(error: &ScanError) -> (String, Option<&'static str>) {
    let (message, hint) = match error.kind() {
        _ if is_tab(error) => (
            "a tab stands where YAML wants spaces",
            Some("indent with spaces; YAML forbids tabs there"),
        ),
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "a `:` stands where no key can be",
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
            "the indentation fits nothing above it",
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
        ErrorKind::BomInsideDocument => (
            "a byte order mark stands inside the file",
            Some("remove it"),
        ),
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
