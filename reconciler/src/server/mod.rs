//! Elasticsearch and OpenSearch: the first kind of target.
//!
//! | Module | Step |
//! |---|---|
//! | [`ledger`] | the inventory in the server, and who works with it. IO |
//! | [`observe`] | what the server holds, by one request for each kind. IO |
//! | [`normal`] | when two bodies mean the same. Pure |
//! | [`plan`] | what differs. Pure |
//! | [`keep`] | what can't be removed yet, since it is in use. Pure |
//! | [`apply`] | writes what differs, in the order of the contract. IO |
//! | [`mod@write`] | how each kind is written and deleted. IO |
//! | [`issue`] | makes, replaces and revokes credentials. IO |
//! | [`api_key`] | how API keys of Elasticsearch are listed, made and invalidated. IO |

pub mod api_key;
pub mod apply;
pub mod issue;
pub mod keep;
pub mod ledger;
pub mod normal;
pub mod observe;
pub mod plan;
pub mod write;
