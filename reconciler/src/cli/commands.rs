//! What each command does.

mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::json;

use super::display::with_work;
use super::{Applying, Arguments, Choices, Command, Format, Terminal, tell};
use crate::checkout::FleetLocation;
use crate::credential::CredentialName;
use crate::fault::Fault;
use crate::metrics::{self, Outcome};
use crate::plan::{Plan, SavedPlan, to_text};
use crate::preview;
use crate::server::apply::Report;
use crate::server::plan::Decisions;
use crate::session::{ApplyOptions, Configured, Observation, Surroundings, faults};
use crate::wanted::{Scope, Wanted};

type Result<T> = std::result::Result<T, Vec<Fault>>;

/// What an `apply` is held against.
#[derive(Clone, Copy, Debug, Default)]
struct Files<'a> {
    /// A saved plan.
    plan: Option<&'a Path>,
    /// A preview of the commit.
    preview: Option<&'a Path>,
}

/// A command with all that it needs.
struct Running<'a, 'b> {
    arguments: &'a Arguments,
    configured: Configured,
    surroundings: &'a Surroundings<'a>,
    terminal: &'a mut Terminal<'b>,
    /// What was planned and done last.
    last: Option<(Plan, BTreeMap<String, Report>)>,
}

pub(super) fn run(
    arguments: &Arguments,
    surroundings: &Surroundings<'_>,
    terminal: &mut Terminal<'_>,
) -> Result<u8> {
    let configured = Configured::read(&arguments.settings)?;
    let mut running = Running {
        arguments,
        configured,
        surroundings,
        terminal,
        last: None,
    };
    match &arguments.command {
        Command::Plan { choices, out } => running.plan(choices, out.as_deref()),
        Command::Apply {
            choices,
            plan,
            preview,
            applying,
            metrics_file,
        } => running.measured(metrics_file.as_deref(), |own| {
            let files = Files {
                plan: plan.as_deref(),
                preview: preview.as_deref(),
            };
            own.apply(&decisions(choices), applying, files)
        }),
        Command::Run {
            choices,
            applying,
            interval,
            metrics_file,
        } => running.forever(choices, applying, *interval, metrics_file.as_deref()),
        Command::Status => running.status(),
        Command::Rotate {
            credentials,
            finish,
            applying,
        } => running.rotate(credentials, *finish, applying),
        Command::Remove {
            cluster,
            streams,
            applying,
        } => running.remove(cluster, streams, applying),
        Command::Verify { clusters, wait } => running.verify(clusters, *wait),
        Command::Adopt {
            server,
            paths,
            all_equal,
            applying,
        } => running.adopt(server, paths, *all_equal, applying),
    }
}

fn decisions(choices: &Choices) -> Decisions {
    Decisions {
        scope: choices.only,
        clusters: (!choices.clusters.is_empty())
            .then(|| choices.clusters.iter().cloned().collect()),
        removed: choices.removed.iter().cloned().collect(),
        streams: choices.streams.iter().cloned().collect(),
        most_deleted: choices.most_deleted,
        revoked: choices.revoked.iter().cloned().collect(),
        drift: choices.drift,
        shard: choices.shard,
        ..Decisions::default()
    }
}

impl Running<'_, '_> {
    fn print(&mut self, text: &str) -> Result<()> {
        let written = self.terminal.out.write_all(text.as_bytes());
        let written = written.and_then(|()| self.terminal.out.flush());
        written.map_err(|error| {
            vec![Fault::new(
                "standard output",
                format!("can't be written: {error}"),
            )]
        })
    }

    fn location(&self) -> Result<FleetLocation> {
        let location = FleetLocation::parse(
            &self.arguments.source,
            self.arguments.revision.as_deref(),
            self.arguments.verify_commit,
        );
        location.map_err(|fault| vec![fault])
    }

    /// Reads everything; AWS only for what may change it.
    fn observe(&mut self, decisions: &Decisions, with_aws: bool) -> Result<Observation> {
        let mut observation =
            self.configured
                .observe(&self.location()?, decisions, self.surroundings)?;
        if with_aws {
            let configured = &self.configured;
            observation.aws = with_work(self.terminal, self.surroundings, 0, |work| {
                configured.observe_aws(&observation.rendered, decisions, work)
            })?;
        }
        let known = |cluster: &String| {
            observation.wanted.clusters.contains(cluster)
                || observation
                    .aws
                    .as_ref()
                    .is_some_and(|aws| aws.prepared.knows(cluster))
                || observation.servers.values().flatten().any(|reached| {
                    reached
                        .observed
                        .ledger
                        .inventory
                        .clusters()
                        .contains(cluster.as_str())
                })
        };
        let mut unknown = decisions
            .clusters
            .iter()
            .flatten()
            .chain(&decisions.removed);
        if let Some(cluster) = unknown.find(|cluster| !known(cluster)) {
            let message = format!("no cluster `{cluster}` in rendered/ or in an inventory");
            return Err(vec![
                Fault::new("--cluster", message).hint("give the name of a folder below rendered/"),
            ]);
        }
        if let Some(cluster) = decisions
            .removed
            .intersection(&observation.wanted.clusters)
            .next()
        {
            let message = format!("the cluster `{cluster}` is still rendered");
            return Err(vec![Fault::new("--removed", message).hint(
                "remove it from clusters/, run `gen render` and commit first",
            )]);
        }
        Ok(observation)
    }

    fn plan(&mut self, choices: &Choices, out: Option<&Path>) -> Result<u8> {
        let decisions = decisions(choices);
        let plan = self.observe(&decisions, true)?.plan(&decisions);
        let document = plan.to_json();
        if let Some(path) = out {
            fs::write(path, format!("{document:#}\n")).map_err(|error| {
                vec![Fault::new(
                    path.display().to_string(),
                    format!("can't be written: {error}"),
                )]
            })?;
        }
        match self.arguments.format {
            Format::Text => self.print(&to_text(&plan))?,
            Format::Json => self.print(&format!("{document:#}\n"))?,
        }
        Ok(match (plan.has_stops(), plan.is_empty()) {
            (true, _) => 1,
            (false, false) => 2,
            (false, true) => 0,
        })
    }

    fn apply(
        &mut self,
        decisions: &Decisions,
        applying: &Applying,
        files: Files<'_>,
    ) -> Result<u8> {
        let read = |path: &Path| -> Result<(String, String)> {
            let place = path.display().to_string();
            match fs::read_to_string(path) {
                Ok(text) => Ok((place, text)),
                Err(error) => Err(vec![Fault::new(place, format!("can't be read: {error}"))]),
            }
        };
        let observation = self.observe(decisions, true)?;
        if let Some(path) = files.preview {
            let (place, text) = read(path)?;
            preview::check(&place, &text, observation.commit.as_deref())?;
        }
        let plan = observation.plan(decisions);
        if let Some(path) = files.plan {
            let (place, text) = read(path)?;
            let check =
                SavedPlan::parse(&place, &text).and_then(|saved| saved.check(&place, &plan));
            check.map_err(|fault| vec![fault])?;
        }
        self.carry_out(&observation, &plan, applying)
    }

    fn carry_out(
        &mut self,
        observation: &Observation,
        plan: &Plan,
        applying: &Applying,
    ) -> Result<u8> {
        let options = ApplyOptions {
            overlap: SignedDuration::from_hours(applying.overlap.into()),
            take_over: applying.take_over.clone(),
        };
        if self.arguments.format == Format::Text {
            self.print(&to_text(plan))?;
        }
        let steps = |kind: &str| -> usize {
            let targets = plan.targets.iter();
            let own = targets.filter(|(name, _)| name.starts_with(kind));
            own.map(|(_, target)| target.steps.len()).sum()
        };
        let configured = &self.configured;
        // What makes stores isn't shared among threads.
        let stores = observation.stores(plan, configured, self.surroundings)?;
        let now = self.surroundings.now;
        let at_servers = steps("server/");
        let mut reports = with_work(self.terminal, self.surroundings, at_servers, |work| {
            observation.apply(plan, &stores, &options, now, work)
        });
        if let Some(aws) = observation.aws.as_ref().filter(|_| !self.is_to_end()) {
            let in_aws = steps("aws/");
            reports.extend(with_work(
                self.terminal,
                self.surroundings,
                in_aws,
                |work| configured.apply_aws(aws, work),
            ));
        }
        self.report(plan, &reports)?;
        self.last = Some((plan.clone(), reports.clone()));
        let failed = faults(&reports);
        let code = u8::from(!failed.is_empty() || plan.has_stops());
        tell(failed, self.terminal);
        Ok(code)
    }

    fn report(&mut self, plan: &Plan, reports: &BTreeMap<String, Report>) -> Result<()> {
        match self.arguments.format {
            Format::Json => {
                let document =
                    json!({ "logfleet_report": 1, "plan": plan.to_json(), "targets": reports });
                self.print(&format!("{document:#}\n"))
            }
            Format::Text => {
                let done: usize = reports.values().map(|report| report.done.len()).sum();
                let failed = faults(reports).len();
                self.print(&format!("{done} done, {failed} failed\n"))
            }
        }
    }

    fn forever(
        &mut self,
        choices: &Choices,
        applying: &Applying,
        interval: u64,
        metrics: Option<&Path>,
    ) -> Result<u8> {
        let decisions = decisions(choices);
        loop {
            let round = self.measured(metrics, |own| {
                own.apply(&decisions, applying, Files::default())
            });
            let code = round.unwrap_or_else(|faults| {
                tell(&faults, self.terminal);
                1
            });
            let next = Instant::now() + Duration::from_secs(interval);
            while !self.is_to_end() && Instant::now() < next {
                let left = next.saturating_duration_since(Instant::now());
                std::thread::sleep(left.min(Duration::from_millis(100)));
            }
            if self.is_to_end() {
                return Ok(code);
            }
        }
    }

    fn is_to_end(&self) -> bool {
        self.surroundings.ended.load(Ordering::Relaxed)
    }

    /// Does a run, and writes what it came to as metrics.
    fn measured(
        &mut self,
        file: Option<&Path>,
        run: impl FnOnce(&mut Self) -> Result<u8>,
    ) -> Result<u8> {
        self.last = None;
        let began = Instant::now();
        let result = run(self);
        let Some(file) = file else {
            return result;
        };
        let nothing = BTreeMap::new();
        let last = self.last.as_ref();
        let outcome = Outcome {
            ended: (self.surroundings.now)(),
            duration: began.elapsed(),
            code: *result.as_ref().unwrap_or(&1),
            plan: last.map(|(plan, _)| plan),
            reports: last.map_or(&nothing, |(_, reports)| reports),
            errors: result.as_ref().err().map_or(0, Vec::len),
        };
        let written = metrics::write(file, &outcome).map_err(|fault| vec![fault]);
        result.and_then(|code| written.map(|()| code))
    }

    fn rotate(
        &mut self,
        credentials: &[CredentialName],
        finish: bool,
        applying: &Applying,
    ) -> Result<u8> {
        let names: BTreeSet<CredentialName> = credentials.iter().cloned().collect();
        let mut decisions = Decisions {
            scope: Scope::Credentials,
            clusters: Some(names.iter().map(|name| name.cluster.clone()).collect()),
            ..Decisions::default()
        };
        let chosen = if finish {
            &mut decisions.finished
        } else {
            &mut decisions.rotated
        };
        chosen.clone_from(&names);
        let observation = self.observe(&decisions, false)?;
        let known = |name: &&CredentialName| {
            let mut servers = observation.wanted.servers.values();
            servers.any(|server| server.credentials.contains_key(*name))
        };
        if let Some(name) = names.iter().find(|name| !known(name)) {
            let fault = Fault::new("--credential", format!("no user is rendered for `{name}`"))
                .hint("`reconciler status` lists credentials");
            return Err(vec![fault]);
        }
        let plan = observation.plan(&decisions);
        self.carry_out(&observation, &plan, applying)
    }

    fn remove(&mut self, cluster: &str, streams: &[String], applying: &Applying) -> Result<u8> {
        let decisions = Decisions {
            clusters: Some(BTreeSet::from([cluster.to_owned()])),
            removed: BTreeSet::from([cluster.to_owned()]),
            streams: streams.iter().cloned().collect(),
            ..Decisions::default()
        };
        self.apply(&decisions, applying, Files::default())
    }

    fn adopt(
        &mut self,
        server: &str,
        paths: &[String],
        all_equal: bool,
        applying: &Applying,
    ) -> Result<u8> {
        if !self.configured.settings.servers.contains_key(server) {
            let names: Vec<&str> = self
                .configured
                .settings
                .servers
                .keys()
                .map(String::as_str)
                .collect();
            let message = format!(
                "no server `{server}` in the settings; servers: {}",
                names.join(", ")
            );
            return Err(vec![Fault::new("SERVER", message)]);
        }
        let decisions = Decisions {
            adopted: paths.iter().cloned().collect(),
            adopt_equal: all_equal,
            ..Decisions::default()
        };
        let mut observation = self.observe(&decisions, false)?;
        observation.servers.retain(|name, _| name == server);
        let mut plan = observation.plan(&decisions);
        for target in plan.targets.values_mut() {
            // Nothing else is done, and nothing else is to be decided.
            target.steps.retain(|step| step.change.verb() == "adopt");
            target.stops.clear();
            target.waiting.clear();
            target.kept.clear();
            let found: BTreeSet<String> = target
                .steps
                .iter()
                .map(|step| step.subject.to_string())
                .collect();
            if let Some(path) = decisions.adopted.difference(&found).next() {
                let fault = Fault::new(
                    path,
                    "can't be adopted: it isn't rendered, doesn't exist, or already belongs to this fleet",
                )
                .hint("`reconciler plan` lists what can be adopted, under STOP");
                return Err(vec![fault]);
            }
        }
        self.carry_out(&observation, &plan, applying)
    }

    fn status(&mut self) -> Result<u8> {
        let servers = self
            .configured
            .reach(&Wanted::default(), self.surroundings, None);
        let mut document = BTreeMap::new();
        let mut text = String::new();
        let mut failed = Vec::new();
        for (name, reached) in servers {
            let inventory = match reached {
                Ok(reached) => reached.observed.ledger.inventory,
                Err(fault) => {
                    failed.push(fault);
                    continue;
                }
            };
            text += &format!(
                "server/{name}: {} objects and {} credentials of {} clusters\n",
                inventory.objects.len(),
                inventory.credentials.len(),
                inventory.clusters().len()
            );
            if let Some(changed) = inventory.changed {
                text += &format!("  last changed at {changed}\n");
            }
            if let Some(run) = &inventory.run {
                text += &format!(
                    "  run {} has been working since {}; it is considered dead after {}\n",
                    run.id, run.since, run.until
                );
            }
            for (name, credential) in &inventory.credentials {
                let state = match (credential.active, credential.coming, credential.leaving) {
                    (_, Some(coming), _) => {
                        format!("on its way: {:?}", coming.stage).to_lowercase()
                    }
                    (_, None, Some(leaving)) => format!(
                        "rotated; the old one stays valid until rotate --finish deletes it, after {}",
                        leaving.until
                    ),
                    (Some(_), None, None) => "in use".to_owned(),
                    (None, None, None) => "nothing".to_owned(),
                };
                text += &format!("  credential {name}: {state}\n");
            }
            document.insert(name, inventory);
        }
        match self.arguments.format {
            Format::Text => self.print(&text)?,
            Format::Json => self.print(&format!(
                "{:#}\n",
                json!({ "logfleet_status": 1, "servers": document })
            ))?,
        }
        tell(&failed, self.terminal);
        Ok(u8::from(!failed.is_empty()))
    }
}
