//! Brings what AWS logs and measures to Elasticsearch and OpenSearch: every
//! event into the right data stream, once.
//!
//! The core is pure: it asks no clock, no environment and no network.
//!
//! | Step | Module | From → to |
//! |---|---|---|
//! | invocation | [`invocation`] | the event of a call → what it is about |
//! | decode | [`decode`], [`json`] | packed log events → one event after another |
//! | route | [`route`] | a log group → data stream, destinations, format |
//! | document | [`document`], `logfleet-events`, [`time`] | an event → an id and a document |
//! | batch | [`batch`] | documents → bodies of bulk requests |
//! | answer | [`answer`] | what a server says → what is to be done with each document |
//! | adapt | [`adapt`] | complaints → less at a time, later |
//! | letter | [`letter`] | what must wait, or is refused → objects in the bucket |
//! | metrics | [`metrics`] | what a call did → one line |
//!
//! IO is in four modules: [`http`](mod@http) and [`aws`] speak to servers, [`deliver`]
//! sends batches and puts aside what isn't taken, and [`handle`] carries a call out.
//! `main` alone reads the environment.

pub mod adapt;
pub mod answer;
pub mod aws;
pub mod batch;
pub mod clock;
pub mod decode;
pub mod deliver;
pub mod distribute;
pub mod document;
#[doc(hidden)]
pub mod example;
pub mod handle;
pub mod http;
pub mod invocation;
pub mod json;
pub mod letter;
pub mod metrics;
pub mod route;
pub mod time;
