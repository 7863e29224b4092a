//! `verify`: what arrives, and where the rest ends.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Decisions, Format, Result, Running, tell};
use crate::aws::{Access, Accounts, Aws};
use crate::client::Client;
use crate::credential::{CredentialName, Form, Slot};
use crate::fault::Fault;
use crate::identity::Identity;
use crate::random;
use crate::server::issue::write_marker;
use crate::session::{Observation, Reached};
use crate::store::{Secret, Stores};
use crate::verify::judge::{Kept, Lag, Marker, Seen, Verdict, doubt, judge, obstacle};
use crate::verify::look::{kept_since, look, write};
use crate::verify::path::{Group, groups};
use crate::verify::search::{Hit, MARKER, Question, ask};
use crate::wanted::{WantedCredential, WantedServer};

/// Pauses between questions whether a marker arrived.
const PAUSE: Duration = Duration::from_secs(1);

/// What is told in the end.
#[derive(Default)]
struct Told {
    text: String,
    markers: Vec<Value>,
    sources: Vec<Value>,
    failed: Vec<Fault>,
}

/// A log group on its way to one server.
struct Traced<'g> {
    group: &'g Group,
    destination: &'g str,
    server: &'g str,
    seen: Seen,
    marker: Marker,
    /// What is searched for, once it was written.
    sent: Option<Sent>,
}

#[derive(Clone)]
struct Sent {
    log_stream: String,
    text: String,
    at: Timestamp,
}

impl Running<'_, '_> {
    /// Says of the chosen clusters what arrives.
    pub(super) fn verify(&mut self, clusters: &[String], wait: u64) -> Result<u8> {
        let decisions = Decisions {
            clusters: (!clusters.is_empty()).then(|| clusters.iter().cloned().collect()),
            ..Decisions::default()
        };
        let observation = self.observe(&decisions, false)?;
        let stores = (self.surroundings.stores)(&self.configured.settings)?;
        let mut told = Told::default();
        let chosen = |cluster: &str| {
            let all = decisions.clusters.as_ref();
            all.is_none_or(|all| all.contains(cluster))
        };
        for (server, reached) in &observation.servers {
            match reached {
                Ok(reached) => {
                    let wanted = &observation.wanted.servers[server];
                    self.credentials(server, reached, wanted, &stores, &chosen, &mut told);
                }
                Err(fault) => told.failed.push(fault.clone()),
            }
        }
        self.sources(&observation, &chosen, Duration::from_secs(wait), &mut told)?;
        match self.arguments.format {
            Format::Text => self.print(&told.text)?,
            Format::Json => self.print(&format!(
                "{:#}\n",
                json!({ "logfleet_verify": 1, "markers": told.markers, "sources": told.sources })
            ))?,
        }
        tell(&told.failed, self.terminal);
        Ok(u8::from(!told.failed.is_empty()))
    }

    /// Writes to each data stream with what the store hands out.
    fn credentials(
        &self,
        server: &str,
        reached: &Reached,
        wanted: &WantedServer,
        stores: &Stores,
        chosen: &dyn Fn(&str) -> bool,
        told: &mut Told,
    ) {
        let now = self.surroundings.now;
        for (name, credential) in &wanted.credentials {
            if !chosen(&name.cluster) {
                continue;
            }
            let secret = stored(server, name, credential, stores);
            let client =
                secret.and_then(|secret| Client::new(&reached.connection, Identity::of(&secret)));
            let client = match client {
                Ok(client) => client,
                Err(fault) => {
                    told.failed.push(fault);
                    continue;
                }
            };
            let streams = &credential.streams;
            let questions: Vec<Question> = streams
                .iter()
                .map(|stream| Question::last(stream, None))
                .collect();
            let last = ask(&reached.client, server, &questions).unwrap_or_else(|fault| {
                told.failed.push(fault);
                vec![None; streams.len()]
            });
            for (stream, last) in streams.iter().zip(last) {
                let last = last.map(|hit| hit.time);
                let outcome = write_marker(&client, stream, &now().to_string());
                let is_taken = outcome.is_ok();
                told.text += &format!(
                    "{name}: {stream}: {}; {}\n",
                    if is_taken { "taken" } else { "REFUSED" },
                    last_document(last, now())
                );
                told.markers.push(json!({
                    "credential": name.to_string(), "server": server, "data_stream": stream, "taken": is_taken,
                    "last_document": last.map(|time| time.to_string()),
                }));
                if let Err(why) = outcome {
                    told.failed.push(Fault::new(
                        format!("{server}/_data_stream/{stream}"),
                        format!("the credential of {name} can't write: {why}"),
                    ));
                }
            }
        }
    }

    /// Writes to each log group that the forwarder reads, where the settings lead to AWS.
    fn sources(
        &mut self,
        observation: &Observation,
        chosen: &dyn Fn(&str) -> bool,
        wait: Duration,
        told: &mut Told,
    ) -> Result<()> {
        let Some(settings) = &self.configured.settings.aws else {
            return Ok(());
        };
        let access = Access {
            role: settings.role.clone(),
            external_id: settings.external_id.clone(),
            ..Access::default()
        };
        let accounts = Accounts::sign_in(access).map_err(|error| vec![error.fault("aws")])?;
        let clusters = &observation.rendered.clusters;
        let all: Vec<Group> = clusters
            .iter()
            .filter(|(cluster, _)| chosen(cluster))
            .flat_map(|(cluster, rendered)| groups(cluster, rendered))
            .collect();
        let mut traced = Vec::new();
        for group in &all {
            match self.begin(group, &accounts) {
                Ok((seen, marker, sent)) => {
                    for destination in &group.destinations {
                        match self
                            .configured
                            .settings
                            .server_of(&group.cluster, destination)
                        {
                            Ok(server) => traced.push(Traced {
                                group,
                                destination,
                                server,
                                seen: seen.clone(),
                                marker: marker.clone(),
                                sent: sent.clone(),
                            }),
                            Err(fault) => told.failed.push(fault),
                        }
                    }
                }
                Err(fault) => told.failed.push(fault),
            }
        }
        await_markers(observation, &mut traced, wait, told);
        for one in &mut traced {
            conclude(one, &accounts, wait, told);
        }
        let last = last_documents(observation, &traced, told);
        for (one, last) in traced.iter().zip(last) {
            describe(one, last, (self.surroundings.now)(), told);
        }
        Ok(())
    }

    /// Looks at a log group, and writes a marker where one may pass.
    fn begin(
        &self,
        group: &Group,
        accounts: &Accounts,
    ) -> std::result::Result<(Seen, Marker, Option<Sent>), Fault> {
        let failed = |error: crate::aws::AwsError| error.fault(group.place());
        let aws = account(accounts, group).map_err(failed)?;
        let seen = look(&aws, group).map_err(failed)?;
        let (Some(_), Some(log_stream), false) =
            (&seen.subscriptions, &group.log_stream, group.members_only)
        else {
            return Ok((seen, Marker::NotWritten, None));
        };
        let sent = Sent {
            log_stream: log_stream.clone(),
            text: format!("{MARKER} {}", random::hex(10)?),
            at: (self.surroundings.now)(),
        };
        Ok(match write(&aws, group, log_stream, &sent.text, sent.at) {
            Ok(()) => {
                let marker = Marker::Awaited {
                    within: Duration::ZERO,
                    kept: Kept::default(),
                };
                (seen, marker, Some(sent))
            }
            Err(error) => (seen, Marker::Refused(error.to_string()), None),
        })
    }
}

/// Looks where a marker is that wasn't found.
fn conclude(one: &mut Traced<'_>, accounts: &Accounts, wait: Duration, told: &mut Told) {
    let (Marker::Awaited { within, kept }, Some(sent)) = (&mut one.marker, &one.sent) else {
        return;
    };
    *within = wait;
    if obstacle(one.group, &one.seen).is_some() {
        return;
    }
    let found = account(accounts, one.group)
        .and_then(|aws| kept_since(&aws, one.group, one.destination, sent.at));
    match found {
        Ok(found) => *kept = found,
        Err(error) => told.failed.push(error.fault(one.group.place())),
    }
}

fn account(accounts: &Accounts, group: &Group) -> std::result::Result<Aws, crate::aws::AwsError> {
    accounts.account(&group.place.account, &group.place.region)
}

/// What the store hands out for a cluster.
fn stored(
    server: &str,
    name: &CredentialName,
    credential: &WantedCredential,
    stores: &Stores,
) -> std::result::Result<Secret, Fault> {
    let users = Slot::ALL.map(|slot| slot.user(&credential.user).name);
    let stored = stores[&credential.store].read(&credential.secret, &credential.layout)?;
    let own = stored
        .current
        .filter(|secret| secret.form == Form::ApiKey || users.contains(&secret.identifier));
    own.ok_or_else(|| {
        Fault::new(
            format!("{server}/credential/{name}"),
            format!(
                "the secret `{}` contains no credential for this cluster",
                credential.secret
            ),
        )
        .hint("`reconciler apply` creates one")
    })
}

/// Asks for markers until all that may arrive have, or the time is up.
fn await_markers(
    observation: &Observation,
    traced: &mut [Traced<'_>],
    wait: Duration,
    told: &mut Told,
) {
    let since = Instant::now();
    let mut unreachable = BTreeSet::new();
    loop {
        let waiting: Vec<usize> = traced
            .iter()
            .enumerate()
            .filter(|(_, one)| matches!(one.marker, Marker::Awaited { .. }))
            .map(|(number, _)| number)
            .collect();
        let questions = waiting.iter().map(|number| {
            let one = &traced[*number];
            let sent = one
                .sent
                .as_ref()
                .map(|sent| Question::marker(one.group, &sent.log_stream, &sent.text));
            (*number, one.server.to_owned(), sent)
        });
        for (number, hit) in asked(observation, questions, &mut unreachable, told) {
            let one = &mut traced[number];
            if let (Some(hit), Some(sent)) = (hit, &one.sent) {
                let took = hit.ingested.map(|then| then.duration_since(sent.at));
                one.marker = Marker::Arrived(Lag {
                    // Clocks may differ by more than it took.
                    delivered: took.map(|took| Duration::try_from(took).unwrap_or_default()),
                    found: since.elapsed(),
                });
            }
        }
        let may_arrive = |one: &Traced<'_>| {
            matches!(one.marker, Marker::Awaited { .. })
                && obstacle(one.group, &one.seen).is_none()
                && doubt(one.group, &one.seen).is_none()
                && !unreachable.contains(one.server)
        };
        if since.elapsed() >= wait || !traced.iter().any(may_arrive) {
            return;
        }
        sleep(PAUSE.min(wait.saturating_sub(since.elapsed())));
    }
}

/// The last document of each log group.
fn last_documents(
    observation: &Observation,
    traced: &[Traced<'_>],
    told: &mut Told,
) -> Vec<Option<Timestamp>> {
    let mut last = vec![None; traced.len()];
    let questions = traced.iter().enumerate().map(|(number, one)| {
        let question = Question::last(&one.group.data_stream, Some(&one.group.name));
        (number, one.server.to_owned(), Some(question))
    });
    for (number, answer) in asked(observation, questions, &mut BTreeSet::new(), told) {
        last[number] = answer.map(|hit| hit.time);
    }
    last
}

/// Asks each server its questions in one request.
fn asked(
    observation: &Observation,
    questions: impl Iterator<Item = (usize, String, Option<Question>)>,
    unreachable: &mut BTreeSet<String>,
    told: &mut Told,
) -> Vec<(usize, Option<Hit>)> {
    let mut by_server: BTreeMap<String, (Vec<usize>, Vec<Question>)> = BTreeMap::new();
    for (number, server, question) in questions {
        let Some(question) = question else { continue };
        let (numbers, all) = by_server.entry(server).or_default();
        numbers.push(number);
        all.push(question);
    }
    let mut answers = Vec::new();
    for (server, (numbers, questions)) in by_server {
        // That a server can't be read was told when it was observed.
        let Some(Ok(reached)) = observation.servers.get(&server) else {
            unreachable.insert(server);
            continue;
        };
        match ask(&reached.client, &server, &questions) {
            Ok(found) => answers.extend(numbers.into_iter().zip(found)),
            Err(fault) => {
                if unreachable.insert(server) {
                    told.failed.push(fault);
                }
            }
        }
    }
    answers
}

/// Tells of one log group and server.
fn describe(one: &Traced<'_>, last: Option<Timestamp>, now: Timestamp, told: &mut Told) {
    let Traced { group, server, .. } = one;
    let verdict = judge(group, &one.seen, &one.marker);
    let (word, text) = match &verdict {
        Verdict::Arrives(lag) => ("arrives", format!("arrives{}", took(*lag))),
        Verdict::Untried { why } => ("untried", format!("not tried: {why}")),
        Verdict::Ends(end) => (
            "ends",
            format!("ENDS at the {}", end.at().replace('_', " ")),
        ),
    };
    told.text += &format!(
        "{}/{}: {} {} -> {}: {text}; {}\n",
        group.cluster,
        one.destination,
        group.place.region,
        group.name,
        group.data_stream,
        last_document(last, now)
    );
    let mut row = json!({
        "cluster": group.cluster, "account": group.place.account, "region": group.place.region,
        "source": group.source, "log_group": group.name, "destination": one.destination, "server": server,
        "data_stream": group.data_stream, "verdict": word, "last_document": last.map(|time| time.to_string()),
    });
    match verdict {
        Verdict::Arrives(lag) => {
            row["delivered_after_seconds"] = json!(lag.delivered.map(|own| own.as_secs_f64()));
            row["found_after_seconds"] = json!(lag.found.as_secs_f64());
        }
        Verdict::Untried { why } => row["why"] = json!(why),
        Verdict::Ends(end) => {
            let fault = end.fault(group);
            row["ends_at"] = json!(end.at());
            row["why"] = json!(fault.message);
            told.failed.push(fault);
        }
    }
    told.sources.push(row);
}

fn took(lag: Lag) -> String {
    let found = lag.found.as_secs_f64();
    match lag.delivered {
        Some(delivered) => format!(
            ", after {:.1} s; found after {found:.1} s",
            delivered.as_secs_f64()
        ),
        None => format!(", found after {found:.1} s"),
    }
}

fn last_document(last: Option<Timestamp>, now: Timestamp) -> String {
    match last {
        None => "no document yet".to_owned(),
        Some(time) => format!("last document {}", ago(now.duration_since(time).as_secs())),
    }
}

/// How long ago something was, in its largest unit.
fn ago(seconds: i64) -> String {
    match seconds {
        ..1 => "just now".to_owned(),
        1..120 => format!("{seconds} s ago"),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_largest_unit() {
        for (seconds, text) in [
            (-5, "just now"),
            (0, "just now"),
            (119, "119 s ago"),
            (120, "2 min ago"),
            (7_199, "119 min ago"),
            (7_200, "2 h ago"),
            (172_800, "2 d ago"),
        ] {
            assert_eq!(ago(seconds), text);
        }
    }
}
