//! Reads what people write: files below a root → layers of spanned values.

pub mod files;
pub mod node;
mod scalar;
pub mod source;
mod syntax;
pub mod yaml;
