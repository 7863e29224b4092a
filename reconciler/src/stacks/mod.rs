//! Stacks of CloudFormation match what is rendered, and what CloudFormation can't own is set by API.
//!
//! # Steps
//! | Step | Module | IO | What it does |
//! |---|---|---|---|
//! | wanted | [`wanted`], [`members`], [`template`] | no | rendered clusters and accounts → stacks by account and Region |
//! | observe | [`observe`], [`observed`] | yes | pages of stacks and of tagged resources of each account and Region → what is there |
//! | plan | [`plan`], [`calls`] | no | both → a [`plan::Plan`] |
//! | propose | [`propose`] | yes | the change set of each stack that changes → which resources change |
//! | apply | [`apply`] | yes | the plan → change sets executed, stacks deleted, settings made and undone |
//!
//! [`session`] puts them together. What is ours is what has our tags ([`settings::Mark`]); what is set by API is recorded in a bucket ([`calls::records`]).

pub mod apply;
pub mod calls;
pub mod context;
pub mod formation;
pub mod members;
pub mod observe;
pub mod observed;
pub mod place;
pub mod plan;
pub mod propose;
pub mod session;
pub mod settings;
pub mod template;
pub mod wanted;
