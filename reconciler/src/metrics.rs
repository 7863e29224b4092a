//! What a run came to, as metrics in the text format of Prometheus. Pure, but for [`write()`].
//!
//! They are one series for each server and for each account and Region of AWS, whatever number of clusters there are. A
//! file of them is for the textfile collector of `node_exporter`, or for a sidecar
//! (<https://github.com/prometheus/node_exporter#textfile-collector>).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::fault::Fault;
use crate::plan::Plan;
use crate::random;
use crate::server::apply::Report;

/// The line with the end of the last run without an error; its value is kept over runs that fail.
const SUCCESS: &str = "logfleet_reconciler_success_timestamp_seconds ";

/// The place of errors that belong to no target.
const OF_RUN: &str = "run";

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    /// When it ended.
    pub ended: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// The program's exit code.
    pub code: u8,
    /// What was planned; none if it didn't come so far.
    pub plan: Option<&'a Plan>,
    /// What was done.
    pub reports: &'a BTreeMap<String, Report>,
    /// How many errors there were before anything was done.
    pub errors: usize,
}

type Labels = Vec<(&'static str, String)>;
type Numbers = Family<Labels, Gauge<f64, AtomicU64>>;

/// The text; `before` is that of the last run.
pub fn text(outcome: &Outcome<'_>, before: &str) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("logfleet_reconciler");
    let numbers = |registry: &mut Registry, name: &str, help: &str, unit: Option<Unit>| {
        let family = Numbers::default();
        match unit {
            Some(unit) => registry.register_with_unit(name, help, unit, family.clone()),
            None => registry.register(name, help, family.clone()),
        }
        family
    };
    let seconds = || Some(Unit::Seconds);
    let end = "When the last run ended, in seconds since 1970";
    let end = numbers(&mut registry, "end_timestamp", end, seconds());
    let success =
        "When the last run that left nothing to do or to decide ended, in seconds since 1970";
    let success = numbers(&mut registry, "success_timestamp", success, seconds());
    let duration = "How long the last run took";
    let duration = numbers(&mut registry, "duration", duration, seconds());
    let changes = "Changes made by the last run, by target and kind of change";
    let changes = numbers(&mut registry, "changes", changes, None);
    let pending = "Changes that the last run planned and didn't make, by target";
    let pending = numbers(&mut registry, "pending", pending, None);
    let errors = "Failures of the last run, by target";
    let errors = numbers(&mut registry, "errors", errors, None);
    let stops = "Decisions that somebody has to make, by target";
    let stops = numbers(&mut registry, "stops", stops, None);
    let waiting = "Deletions waiting for confirmation, by target";
    let waiting = numbers(&mut registry, "waiting", waiting, None);
    let unchanged = "Objects found unchanged, by target";
    let unchanged = numbers(&mut registry, "unchanged", unchanged, None);
    let commit = "The commit that the last run applied; always 1";
    let commit = numbers(&mut registry, "commit", commit, None);

    let now = seconds_of(outcome.ended);
    end.get_or_create(&Labels::new()).set(now);
    let last = if outcome.code == 0 {
        Some(now)
    } else {
        last_success(before)
    };
    if let Some(last) = last {
        success.get_or_create(&Labels::new()).set(last);
    }
    let took = outcome.duration.as_secs_f64();
    duration.get_or_create(&Labels::new()).set(took);
    let of = |target: &str| vec![("target", target.to_owned())];
    errors.get_or_create(&of(OF_RUN)).set(count(outcome.errors));
    for (name, target) in outcome.plan.iter().flat_map(|plan| &plan.targets) {
        let report = outcome.reports.get(name);
        let done = report.map_or(0, |report| report.done.len());
        let failed = report.map_or(0, |report| report.failed.len());
        let left = target.steps.len().saturating_sub(done);
        pending.get_or_create(&of(name)).set(count(left));
        errors.get_or_create(&of(name)).set(count(failed));
        stops
            .get_or_create(&of(name))
            .set(count(target.stops.len()));
        waiting
            .get_or_create(&of(name))
            .set(count(target.waiting.len()));
        unchanged
            .get_or_create(&of(name))
            .set(count(target.unchanged));
        let mut verbs: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, verb) in report.iter().flat_map(|report| &report.done) {
            *verbs.entry(verb).or_default() += 1;
        }
        for (verb, number) in verbs {
            let labels = vec![("target", name.clone()), ("change", verb.to_owned())];
            changes.get_or_create(&labels).set(count(number));
        }
    }
    if let Some(id) = outcome.plan.and_then(|plan| plan.commit.clone()) {
        commit.get_or_create(&vec![("commit", id)]).set(1.0);
    }
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// Writes a file in one step, so that whoever reads it never sees half of it.
pub fn write(path: &Path, outcome: &Outcome<'_>) -> Result<(), Fault> {
    let place = path.display().to_string();
    let unwritable = |error: &dyn std::fmt::Display| {
        Fault::new(&place, format!("the metrics can't be written: {error}"))
    };
    // A first run finds none.
    let before = fs::read_to_string(path).unwrap_or_default();
    let text = text(outcome, &before).map_err(|error| unwritable(&error))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Collectors read what ends in `.prom`.
    let beside = path.with_file_name(format!(".{name}.{}", random::hex(4)?));
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|error| {
            let _ = fs::remove_file(&beside);
            unwritable(&error)
        })
}

fn last_success(before: &str) -> Option<f64> {
    let line = before.lines().find_map(|line| line.strip_prefix(SUCCESS))?;
    line.trim().parse().ok()
}

fn seconds_of(time: Timestamp) -> f64 {
    Duration::try_from(time.as_duration()).map_or(0.0, |since| since.as_secs_f64())
}

/// No number of objects is so large that it would lose digits.
fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Subject, TargetPlan};

    fn outcome(code: u8, seconds: i64) -> Outcome<'static> {
        static NOTHING: BTreeMap<String, Report> = BTreeMap::new();
        Outcome {
            ended: Timestamp::from_second(seconds).expect("a time"),
            duration: Duration::from_millis(1500),
            code,
            plan: None,
            reports: &NOTHING,
            errors: usize::from(code),
        }
    }

    #[test]
    fn a_run_that_fails_keeps_the_time_of_the_last_success() {
        let first = text(&outcome(0, 1_800_000_000), "").expect("text");
        assert_eq!(last_success(&first), Some(1_800_000_000.0), "{first}");
        let second = text(&outcome(1, 1_800_000_900), &first).expect("text");
        assert_eq!(last_success(&second), Some(1_800_000_000.0), "{second}");
        for line in [
            "logfleet_reconciler_end_timestamp_seconds 1800000900.0",
            "logfleet_reconciler_duration_seconds 1.5",
            "logfleet_reconciler_errors{target=\"run\"} 1.0",
        ] {
            assert!(second.lines().any(|own| own == line), "{line}:\n{second}");
        }
        let never = text(&outcome(1, 1_800_000_900), "").expect("text");
        assert_eq!(last_success(&never), None);
    }

    #[test]
    fn what_was_done_is_counted_by_target() {
        let subject = || Subject::Stack("a".to_owned());
        let report = Report {
            done: vec![
                (subject(), "create"),
                (subject(), "create"),
                (subject(), "update"),
            ],
            failed: vec![Fault::new("a", "b")],
        };
        let reports = BTreeMap::from([("server/main".to_owned(), report)]);
        let target = TargetPlan {
            stops: vec![Fault::new("a", "b")],
            unchanged: 7,
            ..TargetPlan::default()
        };
        let plan = Plan {
            commit: Some("abc".to_owned()),
            targets: BTreeMap::from([("server/main".to_owned(), target)]),
        };
        let done = Outcome {
            plan: Some(&plan),
            reports: &reports,
            ..outcome(1, 1)
        };
        let text = text(&done, "").expect("text");
        for line in [
            "logfleet_reconciler_changes{target=\"server/main\",change=\"create\"} 2.0",
            "logfleet_reconciler_changes{target=\"server/main\",change=\"update\"} 1.0",
            "logfleet_reconciler_errors{target=\"server/main\"} 1.0",
            "logfleet_reconciler_stops{target=\"server/main\"} 1.0",
            "logfleet_reconciler_unchanged{target=\"server/main\"} 7.0",
            "logfleet_reconciler_commit{commit=\"abc\"} 1.0",
        ] {
            assert!(text.lines().any(|own| own == line), "{line}:\n{text}");
        }
    }
}
