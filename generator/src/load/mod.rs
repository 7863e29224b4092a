//! Reads what people write: files below a root → layers of spanned values.

pub mod certificates;
pub mod commit;
mod conflict;
mod entry;
pub mod files;
pub mod folder;
pub mod inputs;
mod merge_base;
pub mod names;
pub mod node;
pub mod revisions;
pub mod root;
mod scalar;
pub mod source_file;
pub(crate) mod syntax;
pub mod trailers;
pub mod work_tree;
pub mod yaml;
