//! What generator, forwarder and reconciler hand each other, as types.
//!
//! `gen` renders files, a reconciler applies them, and the forwarder is
//! configured by one of them. Whatever two of these must agree on is here, and
//! nowhere else. Nothing here does IO: callers hand paths and bytes over.
//!
//! | Module | What both sides agree on |
//! |---|---|
//! | [`folder`] | the names of folders and files that aren't a template's |
//! | [`tree`] | paths below a folder, which can't leave it, and their bytes |
//! | [`ownership`] | the file that lists what `gen` wrote into a folder |
//! | [`members`] | fragments, and the stack that is composed of them |
//! | [`secrets`] | what is a secret, and what may be shown |

pub mod folder;
pub mod members;
pub mod ownership;
pub mod secrets;
pub mod tree;
