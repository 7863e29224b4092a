//! A preview, laid out for people. Pure.
//!
//! ```text
//! terminal   as text
//! markdown   as a comment within a limit
//! page       as one HTML page
//!
//! document   what a section says, in no format yet
//! changes    what a change says, in no format yet
//! sections/  the sections that stand before the changes
//! words      what all of them say
//! links      which groups a risk is in
//! summary    a group in one line
//! intraline  old and new lines, so that what differs in them is seen
//! ```

mod changes;
mod document;
mod intraline;
mod links;
pub mod markdown;
pub mod page;
mod sections;
mod summary;
pub mod terminal;
mod words;

pub(crate) use words::{outcome_of_base, outcome_of_head};
