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
//! | [`rendered`] | everything that is rendered for a cluster, read back |
//! | [`conflict`] | the marks of a merge conflict in a text |
//! | [`ownership`] | the file that lists what `gen` wrote into a folder |
//! | [`authentication`] | as whom a cluster's shippers write, and where the secret is |
//! | [`index`] | API objects of Elasticsearch and OpenSearch, and their order |
//! | [`forwarder`] | the configuration of the forwarder, and what schedules hand it |
//! | [`account`] | what clusters of an account share: its distributor, and how that knows them |
//! | [`stack`] | the forwarder in a template of CloudFormation |
//! | [`kept`] | the folders in which the forwarder keeps what it couldn't deliver |
//! | [`members`] | fragments, and the stack that is composed of them |
//! | [`names`] | names that more than one side derives |
//! | [`pattern`] | names with a `*` in them |
//! | [`aws_calls`] | what the reconciler calls of AWS, and so what its roles must allow |
//! | [`partition`] | the partitions of AWS, their Regions and how their hosts end |
//! | [`server`] | what runs at a destination |
//! | [`secrets`] | what is a secret, what may be shown, and references to secrets |
//! | `schema` | JSON Schemas of these types, behind the feature `schema` |

pub mod account;
pub mod authentication;
pub mod aws_calls;
pub mod conflict;
pub mod folder;
pub mod forwarder;
pub mod index;
pub mod kept;
pub mod members;
pub mod names;
pub mod ownership;
pub mod partition;
pub mod pattern;
pub mod rendered;
#[cfg(feature = "schema")]
pub mod schema;
pub mod secrets;
pub mod server;
pub mod stack;
pub mod tree;
