//! Nothing lost, nothing doubled: many events, faults of every kind, processes
//! that are killed, and calls that come again as Lambda makes them; afterwards sets
//! are compared. What isn't known — documents stored by a request whose answer
//! nobody got, when a rollover comes before they are sent again — is a class of its
//! own: ids count within one backing index only, so these alone may be there twice.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use logfleet_forwarder::handle::Forwarder;
use logfleet_forwarder::handle::retries::Choice;
use logfleet_forwarder::letter::Shelf;
use logfleet_forwarder::metrics::Counters;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::bulk::{Fault, Script};
use crate::chance::Chance;
use crate::events::{call, event};
use crate::rig::{Rig, context, count, run, runtime};

/// Processes at a time.
const PROCESSES: u64 = 12;

/// Events of a call.
const EVENTS: u64 = 500;

/// One of so many events is refused until the mapping is mended.
const POISONED: u64 = 997;

#[derive(Debug)]
struct Invocation {
    number: u64,
    event: String,
    tries: u32,
}

struct Run {
    rig: Rig,
    queue: RefCell<VecDeque<Invocation>>,
    chance: RefCell<Chance>,
    /// The calls whose process was killed, each time.
    killed: RefCell<Vec<u64>>,
    /// The calls that had little time, each time: a request may be given up when its answer is on its way.
    hurried: RefCell<Vec<u64>>,
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
    fn new(seed: u64, calls: u64) -> Self {
        let rig = Rig::new(Script::Chance(Chance(seed)));
        rig.account.state().failing = 3;
        let queue = (0..calls).map(|number| {
            let events: Vec<Value> = (number * EVENTS..(number + 1) * EVENTS)
                .map(|own| event(own, &message(own)))
                .collect();
            Invocation {
                number,
                event: call("/logfleet/alpha/aws/vpc", &events),
                tries: 0,
            }
        });
        Self {
            queue: RefCell::new(queue.collect()),
            rig,
            chance: RefCell::new(Chance(seed ^ 0xabcd)),
            killed: RefCell::default(),
            hurried: RefCell::default(),
            failed: RefCell::default(),
            given_up: RefCell::default(),
            retried: RefCell::default(),
        }
    }

    fn below(&self, end: u64) -> u64 {
        self.chance.borrow_mut().below(end)
    }

    /// One process after another takes calls, until there are none or so many are left.
    async fn process(&self, left: usize) {
        let mut forwarder = self.rig.forwarder();
        loop {
            let next = {
                let mut queue = self.queue.borrow_mut();
                if queue.len() <= left {
                    None
                } else {
                    queue.pop_front()
                }
            };
            let Some(mut invocation) = next else {
                return;
            };
            invocation.tries += 1;
            let seconds = if self.below(10) == 0 { 4 } else { 20 };
            if seconds == 4 {
                self.hurried.borrow_mut().push(invocation.number);
            }
            let request = format!("{}-{}", invocation.number, invocation.tries);
            let context = context(&request, seconds);
            let kill = self.below(10) == 0;
            let lifetime = Duration::from_millis(if kill { self.below(400) } else { 120_000 });
            let ended =
                tokio::time::timeout(lifetime, forwarder.handle(&invocation.event, &context)).await;
            match ended {
                Ok(outcome) if outcome.result.is_ok() => {
                    *self.retried.borrow_mut() += count(&outcome, "Retried");
                    continue;
                }
                Ok(_) => *self.failed.borrow_mut() += 1,
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

    /// Carries out calls until so many are left.
    fn until(&self, left: usize) {
        runtime().block_on(async {
            let processes = (0..PROCESSES).map(|_| self.process(left));
            futures_util::future::join_all(processes).await;
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
        replay(forwarder, Shelf::Retry);
        if rig.account.keys("retry/").is_empty() && rig.account.keys("aws/").is_empty() {
            return;
        }
    }
    panic!("something waits for ever: {:?}", rig.account.keys(""));
}

fn replay(forwarder: &Forwarder, shelf: Shelf) {
    runtime().block_on(async {
        let choice = Choice::default();
        for key in forwarder.shelved(shelf, &choice).await.expect("a list") {
            let mut blocked = BTreeMap::new();
            let deadline = Instant::now() + Duration::from_secs(60);
            forwarder
                .replay(
                    &key,
                    &choice,
                    deadline,
                    &mut blocked,
                    &mut Counters::default(),
                )
                .await
                .expect("it is replayed");
        }
    });
}

/// What is stored when a run is over: the events that aren't poisoned, and the poisoned ones under
/// `dead/`.
fn check_dead(run: &Run, events: u64) {
    let dead: std::collections::BTreeSet<String> = run
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
    let wanted: std::collections::BTreeSet<String> = (0..events)
        .filter(|number| number.is_multiple_of(POISONED))
        .map(message)
        .collect();
    assert_eq!(dead, wanted, "rejected documents");
}

#[test]
fn every_event_is_there_exactly_once() {
    let calls = 200;
    let run = Run::new(20_261_129, calls);
    // The credential is rotated in the middle.
    run.until(100);
    run.rig.account.state().passwords.push("second".into());
    run.rig.server.state().passwords = ["second".to_owned()].into();
    run.until(0);
    let forwarder = run.rig.forwarder();
    run.rig.account.state().failing = 0;
    run.rig.server.state().script = Script::Always(Fault::None);
    replay_everything(&run.rig, &forwarder);
    check_dead(&run, calls * EVENTS);

    // Mended, everything is taken.
    run.rig.server.state().mended = true;
    replay(&forwarder, Shelf::Dead);
    assert_eq!(run.rig.account.keys("dead/"), [""; 0]);
    let stored = run.stored();
    let lost: Vec<u64> = (0..calls * EVENTS)
        .filter(|number| !stored.contains_key(number))
        .collect();
    assert_eq!(lost, [0; 0], "lost");
    let doubled: Vec<_> = stored
        .iter()
        .filter(|(_, copies)| copies.len() > 1)
        .collect();
    assert!(doubled.is_empty(), "doubled: {doubled:?}");
    let killed = run.killed.borrow().len();
    let told = [&run.failed, &run.given_up, &run.retried].map(|own| *own.borrow());
    assert!(
        killed > 5 && told[2] > 0,
        "the run was too quiet: {killed} killed; failed, given up, put aside: {told:?}"
    );
}

#[test]
fn over_rollovers_only_what_nobody_knew_of_is_there_twice() {
    let calls = 100;
    let run = Run::new(4711, calls);
    for left in [66, 33, 0] {
        run.until(left);
        run.rig.server.state().roll_over();
    }
    let forwarder = run.rig.forwarder();
    run.rig.account.state().failing = 0;
    run.rig.server.state().script = Script::Always(Fault::None);
    replay_everything(&run.rig, &forwarder);
    check_dead(&run, calls * EVENTS);
    let stored = run.stored();
    let missing = (0..calls * EVENTS)
        .filter(|number| !number.is_multiple_of(POISONED) && !stored.contains_key(number));
    assert_eq!(missing.count(), 0, "lost");
    // A killed process knows as little as one whose answer got lost, or came too late.
    let unknown = run.rig.server.state().unknown.clone();
    let (killed, hurried) = (run.killed.borrow(), run.hurried.borrow());
    for (number, copies) in stored.iter().filter(|(_, copies)| copies.len() > 1) {
        assert!(
            unknown.contains(&copies[0])
                || killed.contains(&(number / EVENTS))
                || hurried.contains(&(number / EVENTS)),
            "doubled though it was known: {copies:?}"
        );
    }
}
