//! Nothing lost, nothing doubled: many events, faults of every kind, processes
//! that are killed, and calls that come again as Lambda makes them; afterwards sets
//! are compared. What isn't known is a class of its own, since ids count within one
//! backing index only: documents stored by a request whose answer nobody got, and
//! those of a call whose process was killed, may be there twice if a rollover comes
//! before they are sent again. Nothing else may.
//!
//! `LOGFLEET_LOSS_CALLS` says how many calls of 500 events each test makes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use logfleet_forwarder::handle::Forwarder;
use logfleet_forwarder::handle::retries::Choice;
use logfleet_forwarder::letter::Shelf;
use logfleet_forwarder::metrics::Counters;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::bulk::{Pace, Script};
use crate::chance::Chance;
use crate::events::{call, event};
use crate::rig::{Rig, context, count, run, runtime};

/// Processes at a time.
const PROCESSES: u64 = 16;

/// Events of a call.
const EVENTS: u64 = 500;

/// One of so many events is refused until the mapping is mended.
const POISONED: u64 = 997;

/// What happens in the middle of a run, while requests are on their way.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Backing indices in which no id is known yet.
    RollOver,
    /// Another password, and nobody takes the old one any more.
    Rotate,
    /// The schedule sends what waits.
    SendAgain,
}

/// What calls are about.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Events of CloudWatch Logs.
    Events,
    /// Files of S3, with as many lines.
    Files,
}

/// Writes a file, and tells of it as S3 does.
fn file(rig: &Rig, number: u64, lines: std::ops::Range<u64>) -> String {
    let lines = lines.map(|own| format!("{}\n", message(own)));
    let (bucket, key) = ("elb", format!("AWSLogs/{number}.log"));
    let text: String = lines.collect();
    let path = format!("{bucket}/{key}");
    rig.account.state().objects.insert(path, text.into_bytes());
    json!({ "Records": [{
        "eventSource": "aws:s3",
        "eventTime": "2026-11-28T21:06:40.000Z",
        "s3": { "bucket": { "name": bucket }, "object": { "key": key } },
    }] })
    .to_string()
}

/// Calls of each test.
fn calls() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "its size is what is asked for")]
    let asked = std::env::var("LOGFLEET_LOSS_CALLS");
    asked.map_or(120, |own| own.parse().expect("a number of calls"))
}

#[derive(Debug)]
struct Invocation {
    number: u64,
    event: String,
    tries: u32,
}

struct Run {
    rig: Rig,
    queue: RefCell<VecDeque<Invocation>>,
    /// What happens when so many calls are left; the next one last.
    changes: RefCell<Vec<(u64, Change)>>,
    chance: RefCell<Chance>,
    /// The calls whose process was killed, each time.
    killed: RefCell<Vec<u64>>,
    /// The calls that said themselves that their documents may be there twice.
    told: RefCell<Vec<u64>>,
    failed: RefCell<u64>,
    given_up: RefCell<u64>,
    retried: RefCell<u64>,
}

fn message(number: u64) -> String {
    let kind = if number.is_multiple_of(POISONED) {
        "poison"
    } else {
        "fine"
    };
    format!(
        "{kind} event number={number} 2 111122223333 eni-0123456789abcdef0 10.0.0.1 10.0.0.2 443 49152 6 20 4249 1795900000 1795900060 ACCEPT OK"
    )
}

impl Run {
    /// `changes` happen after so many twentieths of the run.
    fn new(seed: u64, calls: u64, changes: &[(u64, Change)], kind: Kind) -> Self {
        let rig = Rig::new(Script::Chance(Chance(seed)));
        rig.account.state().failing = 3;
        rig.server.state().pace = Pace::Chance(Chance(seed ^ 0x1234));
        rig.server.state().only_messages = true;
        let queue = (0..calls).map(|number| {
            let numbers = number * EVENTS..(number + 1) * EVENTS;
            let event = match kind {
                Kind::Events => {
                    let events: Vec<Value> = numbers.map(|own| event(own, &message(own))).collect();
                    call("/logfleet/alpha/aws/vpc", &events)
                }
                Kind::Files => file(&rig, number, numbers),
            };
            Invocation {
                number,
                event,
                tries: 0,
            }
        });
        let queue: VecDeque<Invocation> = queue.collect();
        Self {
            queue: RefCell::new(queue),
            changes: RefCell::new(
                changes
                    .iter()
                    .rev()
                    .map(|(after, change)| (calls - calls * after / 20, *change))
                    .collect(),
            ),
            rig,
            chance: RefCell::new(Chance(seed ^ 0xabcd)),
            killed: RefCell::default(),
            told: RefCell::default(),
            failed: RefCell::default(),
            given_up: RefCell::default(),
            retried: RefCell::default(),
        }
    }

    fn below(&self, end: u64) -> u64 {
        self.chance.borrow_mut().below(end)
    }

    /// What is due of the changes.
    fn next_change(&self, left: usize) -> Option<Change> {
        self.changes
            .borrow_mut()
            .pop_if(|(when, _)| left as u64 <= *when)
            .map(|(_, change)| change)
    }

    async fn change(&self, change: Change, forwarder: &Forwarder) {
        match change {
            Change::RollOver => self.rig.server.state().roll_over(),
            Change::Rotate => {
                self.rig.account.state().passwords.push("second".into());
                self.rig.server.state().passwords = ["second".to_owned()].into();
            }
            Change::SendAgain => {
                let told = replay(&self.rig, forwarder, Shelf::Retry).await;
                self.told.borrow_mut().extend(told);
            }
        }
    }

    /// One process after another takes calls, until there are none left; the last process.
    async fn process(&self) -> Forwarder {
        let mut forwarder = self.rig.forwarder();
        loop {
            let left = self.queue.borrow().len();
            if let Some(change) = self.next_change(left) {
                self.change(change, &forwarder).await;
            }
            let next = self.queue.borrow_mut().pop_front();
            let Some(mut invocation) = next else {
                return forwarder;
            };
            invocation.tries += 1;
            let seconds = if self.below(10) == 0 { 4 } else { 20 };
            let request = format!("{}-{}", invocation.number, invocation.tries);
            let context = context(&request, Duration::from_secs(seconds));
            let kill = self.below(10) == 0;
            let lifetime = Duration::from_millis(if kill { self.below(400) } else { 120_000 });
            let ended =
                tokio::time::timeout(lifetime, forwarder.handle(&invocation.event, &context)).await;
            match ended {
                Ok(outcome) if outcome.result.is_ok() => {
                    *self.retried.borrow_mut() += count(&outcome, "Retried");
                    continue;
                }
                Ok(outcome) => {
                    *self.failed.borrow_mut() += 1;
                    if count(&outcome, "PossibleDuplicates") > 0 {
                        self.told.borrow_mut().push(invocation.number);
                    }
                }
                Err(_) => {
                    self.killed.borrow_mut().push(invocation.number);
                    forwarder = self.rig.forwarder();
                }
            }
            self.again(invocation);
        }
    }

    /// What Lambda does with a call that failed.
    fn again(&self, invocation: Invocation) {
        if invocation.tries < 3 {
            self.queue.borrow_mut().push_back(invocation);
            return;
        }
        *self.given_up.borrow_mut() += 1;
        let event: Value = serde_json::from_str(&invocation.event).expect("JSON");
        let record = json!({ "version": "1.0", "requestContext": { "condition": "RetriesExhausted" }, "requestPayload": event, "responsePayload": null });
        let key = format!(
            "dead/aws/lambda/async/forwarder/2026/11/29/2026-11-29T00.00.00-{}",
            invocation.number
        );
        self.rig
            .account
            .state()
            .objects
            .insert(key, record.to_string().into_bytes());
    }

    /// Carries out all calls, by some processes at a time.
    fn carry_out(&self) {
        runtime().block_on(async {
            let processes = (0..PROCESSES).map(|_| self.process());
            let alive = futures_util::future::join_all(processes).await;
            // The server hears of those that were killed.
            tokio::time::sleep(Duration::from_millis(500)).await;
            self.rig.server.state().all_seen();
            drop(alive);
        });
    }

    /// How often each event was stored.
    fn stored(&self) -> BTreeMap<u64, Vec<String>> {
        let state = self.rig.server.state();
        let mut found: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for (key, copies) in &state.stored {
            for (_, document) in copies {
                let text = document["message"].as_str().expect("a message");
                let number = text
                    .split("number=")
                    .nth(1)
                    .and_then(|own| own.split(' ').next());
                let number = number.and_then(|own| own.parse().ok()).expect("a number");
                found.entry(number).or_default().push(key.clone());
            }
        }
        found
    }
}

/// Sends again everything that waits, whenever it is due.
pub fn replay_everything(rig: &Rig, forwarder: &Forwarder) {
    for _ in 0..50 {
        let outcome = run(forwarder, r#"{"poll":"retries"}"#, 60);
        assert_eq!(outcome.result, Ok(()), "{}", outcome.line);
        runtime().block_on(replay(rig, forwarder, Shelf::Retry));
        if rig.account.keys("retry/").is_empty() && rig.account.keys("aws/").is_empty() {
            return;
        }
    }
    panic!("something waits for ever: {:?}", rig.account.keys(""));
}

/// Sends again everything on a shelf, whether it is due or not. What fails stays where it is; the
/// calls of which it said then that documents may be there twice.
pub async fn replay(rig: &Rig, forwarder: &Forwarder, shelf: Shelf) -> BTreeSet<u64> {
    let mut told = BTreeSet::new();
    let choice = Choice::default();
    let Ok(keys) = forwarder.shelved(shelf, &choice).await else {
        return told;
    };
    for key in keys {
        let object = rig
            .account
            .state()
            .objects
            .get(&format!("dead/{}", key.path()))
            .cloned();
        let mut blocked = BTreeMap::new();
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut counters = Counters::default();
        let _ = forwarder
            .replay(&key, &choice, deadline, &mut blocked, &mut counters)
            .await;
        if counters.possible_duplicates > 0 {
            told.extend(calls_in(&object.expect("what was sent again")));
        }
    }
    told
}

/// The calls of which an object holds documents or files.
fn calls_in(object: &[u8]) -> BTreeSet<u64> {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(object), &mut text)
        .expect("gzip");
    let after = |mark: &'static str| {
        text.split(mark).skip(1).filter_map(|rest| {
            let end = rest.find(|own: char| !own.is_ascii_digit())?;
            rest[..end].parse::<u64>().ok()
        })
    };
    let events = after("number=").map(|number| number / EVENTS);
    events.chain(after("AWSLogs/")).collect()
}

/// What is stored when a run is over: the events that aren't poisoned, and the poisoned ones under
/// `dead/`.
fn check_dead(run: &Run, events: u64) {
    let dead: BTreeSet<String> = run
        .rig
        .account
        .lines("dead/")
        .iter()
        .map(|line| {
            assert_eq!(line["type"], "mapper_parsing_exception");
            line["document"]["message"]
                .as_str()
                .expect("a message")
                .to_owned()
        })
        .collect();
    let wanted: BTreeSet<String> = (0..events)
        .filter(|number| number.is_multiple_of(POISONED))
        .map(message)
        .collect();
    assert_eq!(dead, wanted, "rejected documents");
}

/// Ends a run: everything that waits is sent by a process that nobody kills, to servers that are well.
fn end(run: &Run, events: u64) {
    let forwarder = run.rig.forwarder();
    run.rig.account.state().failing = 0;
    run.rig.server.state().be_well();
    replay_everything(&run.rig, &forwarder);
    check_dead(run, events);
    // Mended, everything is taken.
    run.rig.server.state().mended = true;
    runtime().block_on(replay(&run.rig, &forwarder, Shelf::Dead));
    assert_eq!(run.rig.account.keys("dead/"), [""; 0]);
    let killed = run.killed.borrow().len();
    let told = [&run.failed, &run.given_up, &run.retried].map(|own| *own.borrow());
    assert!(
        killed > 5 && told[2] > 0,
        "the run was too quiet: {killed} killed; failed, given up, put aside: {told:?}"
    );
}

fn check_lost(stored: &BTreeMap<u64, Vec<String>>, events: u64) {
    let lost: Vec<u64> = (0..events)
        .filter(|number| !stored.contains_key(number))
        .collect();
    assert_eq!(lost, [0; 0], "lost");
}

#[test]
fn every_event_is_there_exactly_once() {
    let calls = calls();
    let run = Run::new(
        20_261_129,
        calls,
        &[
            (6, Change::SendAgain),
            (10, Change::Rotate),
            (15, Change::SendAgain),
        ],
        Kind::Events,
    );
    run.carry_out();
    end(&run, calls * EVENTS);
    let stored = run.stored();
    check_lost(&stored, calls * EVENTS);
    let doubled: Vec<_> = stored
        .iter()
        .filter(|(_, copies)| copies.len() > 1)
        .collect();
    assert!(doubled.is_empty(), "doubled: {doubled:?}");
}

#[test]
fn over_rollovers_only_what_nobody_knew_of_is_there_twice() {
    over_rollovers(4711, calls(), Kind::Events);
}

/// A file that there was no time for is read on from where a call ended.
#[test]
fn lines_of_files_over_rollovers_likewise() {
    over_rollovers(815, calls(), Kind::Files);
}

fn over_rollovers(seed: u64, calls: u64, kind: Kind) {
    let run = Run::new(
        seed,
        calls,
        &[
            (5, Change::SendAgain),
            (7, Change::RollOver),
            (10, Change::Rotate),
            (14, Change::RollOver),
            (16, Change::SendAgain),
        ],
        kind,
    );
    run.carry_out();
    run.rig.server.state().roll_over();
    end(&run, calls * EVENTS);
    let stored = run.stored();
    check_lost(&stored, calls * EVENTS);
    // A killed process knows as little as one whose answer got lost.
    let unknown = run.rig.server.state().unknown.clone();
    let calls_that =
        |own: &RefCell<Vec<u64>>| own.borrow().iter().copied().collect::<BTreeSet<u64>>();
    let (killed, told) = (calls_that(&run.killed), calls_that(&run.told));
    let doubled = stored.iter().filter(|(_, copies)| copies.len() > 1);
    let known: Vec<_> = doubled
        .filter(|(number, copies)| {
            let call = *number / EVENTS;
            !unknown.contains(&copies[0]) && !killed.contains(&call) && !told.contains(&call)
        })
        .collect();
    // Which calls, and which parts of them, says more than the first of them.
    assert!(
        known.is_empty(),
        "{} doubled though they were known: {known:?}",
        known.len()
    );
}
