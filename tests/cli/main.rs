//! Tests of `gen` as people run it: arguments in; files, streams and the exit
//! code out.
//!
//! | Module | Asks |
//! |---|---|
//! | `account` | do a hundred clusters of one account render, and does each remedy help? |
//! | `bad` | is every mistake told clearly, and nothing written? |
//! | `valid` | is what only looks hostile rendered as it was meant? |
//! | `surroundings` | a read-only or full disk, links and foreign files in the way |
//! | `free_text` | does every text a user may write come out as that very text? |
//! | `install` | is each shipper of a machine set up whatever becomes of the others? |
//! | `commands` | one test or more for each command |
//! | `credentials` | is each key of a secret read by the name that the settings say? |
//! | `diff` | what do real git histories change? |
//! | `same_bytes` | does anything but the input change the output? |
//! | `terminal` | colours, pipes |
//! | `ci` | does `gen ci` write what is here, and does that keep its promises? |
//! | `merge` | what becomes of two changes that git merges? |
//! | `minimal` | does a cluster of which little is said render, whatever is its only destination? |
//! | `record` | does a render that recalls the last one end as one that looks at everything? |
//! | `remedies` | does a mistake vanish when its remedy is followed? |
//! | `patches` | is what is rendered changed as settings say, and only there? |
//! | `publish` | does a branch get what is rendered, and nothing else happen? |
//! | `two_fleets` | is a fleet rendered over another's output as if alone? |
//! | `workloads` | do our own workloads write the logs that Fluentd reads or leaves out? |
//!
//! Cases are folders under `tests/cases/`; `fleet` says how they are read.

mod account;
mod bad;
mod ci;
mod commands;
mod credentials;
mod diff;
mod fleet;
mod free_text;
mod install;
mod merge;
mod minimal;
mod patches;
mod publish;
mod record;
mod remedies;
mod report;
mod same_bytes;
mod surroundings;
mod terminal;
mod two_fleets;
mod upgrade;
mod valid;
mod whole_fleet;
mod workloads;
