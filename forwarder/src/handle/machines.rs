//! The status of machines, and what their consoles printed.

use std::collections::BTreeMap;

use logfleet_events::{Format, write_fields};
use serde::{Deserialize, Serialize};

use super::{DOCUMENT, Forwarder, failed};
use crate::aws::ec2::{self, Status};
use crate::deliver::{Call, Failed};
use crate::document::{self, Event, Head, Origin, member};
use crate::route::{self, Route};

/// Where the end of what each console printed is kept.
const STATE: &str = "state/consoles.json";

/// What is kept of a console.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    /// How much it printed, in bytes of whole lines.
    #[serde(default)]
    bytes: usize,
    /// The end of that.
    tail: String,
    /// When that was asked for, in milliseconds.
    time: i64,
}

/// Where in a console new lines begin.
#[derive(Debug)]
struct From {
    /// The time of the output before them.
    time: i64,
    /// A hash of the machine and of what came before them.
    place: String,
}

impl Forwarder {
    /// Asks for the status of the members that are machines, and for their consoles.
    pub(super) async fn machines(
        &self,
        call: &mut Call<'_>,
        stream: &str,
        status: bool,
        consoles: bool,
        now: i64,
    ) -> Result<BTreeMap<String, String>, Failed> {
        let Some(route) = route::of_stream(&self.configuration, stream, Some("aws.ec2")) else {
            return Err(Failed(format!("the stream `{stream}` isn't configured")));
        };
        let members = self.members(now).await?;
        let instances: Vec<String> = members
            .arns()
            .iter()
            .filter_map(|arn| Some(arn.split_once(":instance/")?.1.to_owned()))
            .collect();
        let head = Head::new(&self.configuration, &route, Origin::default(), now);
        // What a console prints comes from the firmware, the kernel and any program.
        let of_console = Route {
            format: Format::Text,
            ..route.clone()
        };
        if status && !instances.is_empty() {
            let statuses = ec2::statuses(&self.aws)
                .await
                .map_err(|error| failed(&error))?;
            for status in statuses
                .iter()
                .filter(|status| instances.contains(&status.instance))
            {
                self.status(call, &route, &head, status, now).await?;
            }
        }
        if !consoles {
            return call.finish().await;
        }
        let mut seen: BTreeMap<String, Seen> =
            self.state(STATE).await.map_err(|error| failed(&error))?;
        let before = seen.clone();
        seen.retain(|instance, _| instances.contains(instance));
        for instance in &instances {
            // Those that there is no time for come next time.
            if call.is_late() {
                call.counters().note("not enough time for all consoles");
                break;
            }
            match ec2::console(&self.aws, instance).await {
                Ok(Some(console)) => {
                    let seen = seen.entry(instance.clone()).or_default();
                    let new = ec2::new_lines(&console.text, seen.bytes, &seen.tail);
                    // Until the cursor is written the same lines are new again, in an output of a later
                    // time: what tells them apart is where the cursor stands.
                    let from = From {
                        time: seen.time,
                        place: document::hash(&["console", instance, &seen.tail]),
                    };
                    let output = (console.time, new);
                    self.console(call, &of_console, &head, instance, &from, output)
                        .await?;
                    if !new.is_empty() {
                        let end = console.text.rfind('\n').map_or(0, |at| at + 1);
                        ec2::tail(&console.text[..end]).clone_into(&mut seen.tail);
                        seen.bytes = end;
                        seen.time = console.time;
                    }
                }
                Ok(None) => {}
                // One machine that can't be asked, such as one that is gone, keeps no other back.
                Err(error) => call.counters().note(error.to_string()),
            }
        }
        let blocked = call.finish().await?;
        // Not before everything is stored or put aside: whoever fails before asks again.
        if seen != before {
            self.set_state(STATE, &seen)
                .await
                .map_err(|error| failed(&error))?;
        }
        Ok(blocked)
    }

    async fn status(
        &self,
        call: &mut Call<'_>,
        route: &Route<'_>,
        head: &Head,
        status: &Status,
        now: i64,
    ) -> Result<(), Failed> {
        let at = now - now.rem_euclid(60_000);
        let instance = &status.instance;
        let mut members = Vec::with_capacity(DOCUMENT);
        member(&mut members, "aws.resource", Some(instance));
        self.place(&mut members);
        members.push(b',');
        write_fields(&Format::InstanceStatus, &status.json, &mut members);
        let mut document = Vec::with_capacity(DOCUMENT);
        document::write_members(head, at, &members, &mut document);
        call.counters().events += 1;
        let id = document::id(at, &document::hash(&["status", instance]), "0");
        call.add(route.to, &route.data_stream, &id, &document).await
    }

    async fn console(
        &self,
        call: &mut Call<'_>,
        route: &Route<'_>,
        head: &Head,
        instance: &str,
        from: &From,
        (at, lines): (i64, &str),
    ) -> Result<(), Failed> {
        let mut document = Vec::with_capacity(DOCUMENT);
        for (number, line) in lines.lines().enumerate() {
            let line = line.trim_end_matches('\r');
            if line.is_empty() {
                continue;
            }
            call.counters().events += 1;
            document.clear();
            let event = Event {
                id: None,
                received: Some(at),
                account: Some(&self.configuration.cluster.account),
                region: Some(self.aws.region()),
                source_log: None,
                text: line,
            };
            document::write(head, route, &event, at, &mut document);
            // In front of the brace that ends it.
            document.pop();
            member(&mut document, "aws.resource", Some(instance));
            document.push(b'}');
            let own = format!("{number:06}-{}", document::hash(&[line]));
            let id = document::id(from.time, &from.place, &own);
            call.add(route.to, &route.data_stream, &id, &document)
                .await?;
        }
        Ok(())
    }

    /// Appends where the function is.
    pub(super) fn place(&self, members: &mut Vec<u8>) {
        member(
            members,
            "aws.account",
            Some(&self.configuration.cluster.account),
        );
        member(members, "aws.region", Some(self.aws.region()));
    }
}

/// The start of the period that a time lies in, in milliseconds.
pub(super) fn period_start(at: i64, seconds: i64) -> i64 {
    at - at.rem_euclid(seconds * 1000)
}
