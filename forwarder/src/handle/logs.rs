//! Log events of CloudWatch.

use std::borrow::Cow;

use super::{DOCUMENT, Forwarder, keep_rest};
use crate::decode::{self, BadEvent, Envelope};
use crate::deliver::{Call, Failed};
use crate::document::{self, Event, Head, Origin};
use crate::json::write_text;
use crate::letter::{Rejected, Shelf};
use crate::route::{self, Route};

impl Forwarder {
    /// Brings the events of an envelope to their destinations, but for the first `from`.
    pub(super) async fn logs(
        &self,
        call: &mut Call<'_>,
        event: &str,
        data: &str,
        from: u64,
        now: i64,
    ) -> Result<(), Failed> {
        let packed = match decode::packed(data) {
            Ok(packed) => packed,
            Err(error) => {
                call.keep(
                    Shelf::Dead,
                    event,
                    from,
                    format!("the call can't be read: {error}"),
                );
                return Ok(());
            }
        };
        let mut envelope = match Envelope::open(&packed) {
            Ok(envelope) => envelope,
            Err(error) => {
                call.keep(
                    Shelf::Dead,
                    event,
                    from,
                    format!("the call can't be read: {error}"),
                );
                return Ok(());
            }
        };
        let header = envelope.header().clone();
        if header.is_control() {
            return Ok(());
        }
        let Some(route) = route::of_log_group(&self.configuration, &header) else {
            let cause = format!("the log group `{}` isn't configured", header.log_group);
            call.keep(Shelf::Dead, event, from, cause);
            return Ok(());
        };
        let chosen = &self.configuration.streams[route.stream].log_streams;
        if !chosen.has(&header.log_stream) {
            call.counters().calls_left_out += 1;
            return Ok(());
        }
        let members = if route.members_only {
            Some(self.members(now).await?)
        } else {
            None
        };
        let tags = self.tags(call, &header.log_group, now).await;
        let origin = Origin {
            log_group: Some(&header.log_group),
            log_stream: Some(&header.log_stream),
            tags: Some(&tags),
            ..Origin::default()
        };
        let head = Head::new(&self.configuration, &route, origin, now);
        let place = document::hash(&[&header.log_group, &header.log_stream]);
        let mut document = Vec::with_capacity(DOCUMENT);
        let mut number = 0_u64;
        loop {
            let next = match envelope.next() {
                Ok(Some(next)) => next,
                Ok(None) => return Ok(()),
                Err(error) => {
                    call.keep(
                        Shelf::Dead,
                        event,
                        number,
                        format!("the call can't be read to its end: {error}"),
                    );
                    return Ok(());
                }
            };
            number += 1;
            if number <= from {
                continue;
            }
            // Whatever time it takes to look at the clock, a batch takes longer.
            if number.is_multiple_of(64) && call.is_late() {
                keep_rest(call, event, number - 1);
                return Ok(());
            }
            call.counters().events += 1;
            let log = match next {
                Ok(log) => log,
                Err(bad) => {
                    call.reject(
                        route.to,
                        &route.data_stream,
                        &unreadable(&route, &place, number, now, &bad),
                    );
                    continue;
                }
            };
            if let Some(members) = &members
                && !route::names_member(&log.message, |word| members.has(word))
            {
                call.counters().foreign += 1;
                continue;
            }
            if route.leaves_out(&log.message) {
                call.counters().left_out += 1;
                continue;
            }
            let received = log.timestamp.unwrap_or(now);
            call.counters().saw(received, now);
            let own = document::own_id(&log.message, &log.id);
            let id = document::id(log.timestamp.unwrap_or_default(), &place, &own);
            document.clear();
            let written = Event {
                id: Some(&log.id),
                received: log.timestamp,
                account: Some(log.account.as_deref().unwrap_or(&header.owner)),
                region: Some(log.region.as_deref().unwrap_or(self.aws.region())),
                source_log: log.source_log.as_ref().map(Cow::as_ref),
                text: &log.message,
            };
            let parsed = document::write(&head, &route, &written, now, &mut document);
            call.counters().unparsed += u64::from(parsed.unparsed);
            call.add(route.to, &route.data_stream, &id, &document)
                .await?;
        }
    }
}

/// What isn't an event is put aside with its text.
fn unreadable(route: &Route<'_>, place: &str, number: u64, now: i64, bad: &BadEvent) -> Rejected {
    let mut document = b"{\"@timestamp\":\"".to_vec();
    crate::time::write(now, &mut document);
    document.extend_from_slice(b"\",\"aws.source\":");
    write_text(route.source.unwrap_or_default(), &mut document);
    document.extend_from_slice(b",\"message\":");
    write_text(&bad.text, &mut document);
    document.push(b'}');
    Rejected {
        id: document::id(now, place, &number.to_string()),
        document,
        status: 0,
        kind: Some("unreadable_event".to_owned()),
        reason: Some(bad.reason.clone()),
    }
}
