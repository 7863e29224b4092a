//! A preview, laid out for people. Pure.
//!
//! ```text
//! terminal   as text
//! markdown   as a comment within a limit
//! page       as one HTML page
//!
//! words      what all of them say
//! table      the clusters, row by row
//! links      which groups a risk is in
//! summary    a group in one line
//! beside     old and new lines, so that what differs in them is seen
//! ```

mod intraline;
mod links;
pub mod markdown;
pub mod page;
mod summary;
mod table;
pub mod terminal;
mod words;

pub(crate) use words::{outcome_of_base, outcome_of_head};
