//! Texts that aren't of their format.

/// The value of `error.type` of an event whose text isn't of its format.
pub const UNPARSED: &str = "unparsed";

/// Why a text isn't of its format; a few words, none of them the text's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) &'static str);
