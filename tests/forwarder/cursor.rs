//! The cursor of a schedule under faults of every kind: what consoles print arrives, and arrives once, whatever fails
//! between the lines and the cursor, and whoever is killed there.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::bulk::Script;
use crate::chance::Chance;
use crate::handlers::messages;
use crate::loss::replay_everything;
use crate::rig::{Rig, context, run, runtime};

const INSTANCES: [&str; 2] = ["i-0123456789abcdef0", "i-0fedcba9876543210"];

/// Calls of the schedule in each run.
const POLLS: u64 = 30;

fn line(number: u64) -> String {
    // Some are equal, as a kernel's are: only their place tells them apart.
    format!("[{}] eth0: link is up", number / 2)
}

/// Both consoles show so many lines from their start.
fn print(rig: &Rig, poll: u64, lines: u64) {
    let text: String = (0..lines).map(|number| line(number) + "\n").collect();
    let output = STANDARD.encode(text);
    let (hour, minute) = (poll / 60, poll % 60);
    let answer = format!(
        "<R><instanceId>{}</instanceId><timestamp>2026-11-28T{hour:02}:{minute:02}:00.000Z</timestamp><output>{output}</output></R>",
        INSTANCES[0]
    );
    let mut state = rig.account.state();
    state
        .answers
        .insert("GetConsoleOutput".into(), answer.into());
}

/// How often a process was killed, and how often a call failed.
fn one_run(seed: u64) -> (u64, u64) {
    let poll =
        json!({ "poll": "machines", "stream": "aws_ec2", "status": false, "console_output": true });
    let poll = poll.to_string();
    let rig = Rig::new(Script::Chance(Chance(seed)));
    let arn = |instance| format!("arn:aws:ec2:eu-central-1:111122223333:instance/{instance}");
    rig.account.state().members = INSTANCES.map(arn).into();
    rig.account.state().failing = 20;
    let mut chance = Chance(seed ^ 0x5151);
    let (mut lines, mut killed, mut failed) = (0, 0, 0);
    let mut forwarder = rig.forwarder();
    for number in 0..POLLS {
        lines += chance.below(25);
        print(&rig, number, lines);
        let is_killed = chance.below(3) == 0;
        let lifetime = Duration::from_millis(if is_killed { chance.below(60) } else { 60_000 });
        let context = context(&format!("{seed}-{number}"), Duration::from_secs(4));
        let ended = runtime().block_on(async {
            tokio::time::timeout(lifetime, forwarder.handle(&poll, &context)).await
        });
        if let Ok(outcome) = ended {
            failed += u64::from(outcome.result.is_err());
        } else {
            killed += 1;
            forwarder = rig.forwarder();
        }
    }
    // The server hears of those that were killed.
    std::thread::sleep(Duration::from_millis(500));
    rig.account.state().failing = 0;
    rig.server.state().all_seen();
    rig.server.state().be_well();
    let forwarder = rig.forwarder();
    for _ in 0..2 {
        assert_eq!(run(&forwarder, &poll, 30).result, Ok(()));
    }
    replay_everything(&rig, &forwarder);
    let mut often: BTreeMap<String, i64> = BTreeMap::new();
    for number in 0..lines {
        *often.entry(line(number)).or_default() += 2;
    }
    for message in messages(&rig) {
        *often.entry(message).or_default() -= 1;
    }
    // Above 0 lost, below 0 doubled.
    often.retain(|_, missing| *missing != 0);
    assert_eq!(often, BTreeMap::new(), "seed {seed}");
    (killed, failed)
}

#[test]
fn lines_of_consoles_arrive_once_whatever_fails() {
    let ended: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let started: Vec<_> = (1..=6)
            .map(|seed| scope.spawn(move || one_run(seed)))
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().expect("a run that ends well"))
            .collect()
    });
    let (killed, failed) = ended
        .iter()
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert!(
        killed + failed > 20,
        "the runs were too quiet: {killed} killed, {failed} failed"
    );
}
