//! Makes Elasticsearch, OpenSearch and accounts of AWS match what `gen` rendered, and
//! keeps the clusters' credentials.
//!
//! It knows what is rendered by [`logfleet_contract`] alone. What it may change and delete is
//! what its inventory lists, which is a document in the server itself.
//!
//! # Steps
//! | Step | Module | IO | What it does |
//! |---|---|---|---|
//! | checkout | [`checkout`] | yes | a folder or a git repository → what is rendered for each cluster |
//! | wanted | [`wanted`] | no | rendered clusters and [`settings`] → what each server is to hold |
//! | observe | [`server::observe`] | yes | one request for each kind → what each server holds, and the inventory |
//! | plan | [`server::plan`], [`plan`] | no | both → a printable [`plan::Plan`] |
//! | apply | [`server::apply`] | yes | a plan → requests, in the contract's order |
//! | inventory | [`inventory`], [`server::ledger`] | yes | what is ours, and who works |
//!
//! [`session`] puts them together, [`cli`] makes text of them, [`metrics`] numbers, and [`shard`] says which of several runs does
//! what. A target of another kind than
//! [`server`] has its own observe, plan and apply, and the same [`plan::TargetPlan`]: accounts of AWS are in [`stacks`],
//! whose own table lists their steps, and are spoken to by [`aws`]. [`kubernetes`] writes Secrets into clusters. Both it and
//! [`server`] speak by [`client`], as an [`identity`]; [`portion`] says how much at once. [`verify`] changes
//! nothing: it says what arrives. [`preview`] reads what `gen diff` says of a commit.
//!
//! # Secrets
//! A password is a [`secrecy::SecretString`] from where it is made ([`random`]) to where it is sent, and in no plan,
//! message, inventory or argument. [`credential`] says how one is made and replaced, [`store`] where it is kept.

pub mod aws;
pub mod checkout;
pub mod cli;
pub mod client;
pub mod credential;
pub mod fault;
pub mod identity;
pub mod inventory;
pub mod kubernetes;
pub mod metrics;
pub mod plan;
pub mod portion;
pub mod preview;
pub mod random;
pub mod server;
pub mod session;
pub mod settings;
pub mod shard;
pub mod stacks;
pub mod store;
pub mod verify;
pub mod wanted;
pub mod wiped;
pub mod work;
