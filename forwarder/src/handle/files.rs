//! Lines of objects: access logs of Classic Load Balancers.

use super::{DOCUMENT, Forwarder, failed, keep_rest, notification};
use crate::aws::s3;
use crate::deliver::{Call, Failed};
use crate::document::{self, Event, Head, Origin};
use crate::invocation::Object;
use crate::json::lossy;
use crate::letter::Shelf;
use crate::{http, route};

/// Bytes of a line. What is longer is cut; the object keeps it.
const LONGEST_LINE: usize = 7 * 1024 * 1024;

/// The line ends of what was read of a file.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    taken: usize,
    /// Where in the object the next line begins.
    offset: u64,
    /// Bytes of a line that is too long, which are passed over.
    cut: bool,
    ended: bool,
}

impl Lines {
    fn push(&mut self, more: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(more);
    }

    /// The next line, where it begins, and whether it is cut; none until there is more.
    fn next(&mut self) -> Option<(u64, &[u8], bool)> {
        loop {
            let rest = &self.bytes[self.taken..];
            let end = memchr::memchr(b'\n', rest);
            let start = self.offset;
            let (length, step) = match end {
                Some(end) => (end, end + 1),
                None if rest.len() > LONGEST_LINE => (LONGEST_LINE, rest.len()),
                None if self.ended && !rest.is_empty() => (rest.len(), rest.len()),
                None => return None,
            };
            let (from, was_cut) = (self.taken, self.cut);
            self.taken += step;
            self.offset += step as u64;
            // The rest of a line that was cut belongs to nothing.
            self.cut = end.is_none() && !self.ended;
            if was_cut {
                continue;
            }
            let line = &self.bytes[from..from + length];
            return Some((start, line, self.cut));
        }
    }
}

impl Forwarder {
    /// Brings the lines of objects to their destinations, but for the first bytes of the first object.
    pub(super) async fn objects(
        &self,
        call: &mut Call<'_>,
        objects: &[Object],
        from: u64,
        now: i64,
    ) -> Result<(), Failed> {
        for (number, object) in objects.iter().enumerate() {
            let from = if number == 0 { from } else { 0 };
            let reached = match self.object(call, object, from, now).await {
                Ok(None) => continue,
                Ok(Some(reached)) => reached,
                // Of the others something may be stored: this one waits, and so do those behind it.
                Err(Failed(cause)) if number > 0 => {
                    let rest = notification(&objects[number..]);
                    call.keep(Shelf::Retry, &rest, 0, cause);
                    return Ok(());
                }
                Err(failed) => return Err(failed),
            };
            keep_rest(call, &notification(&objects[number..]), reached);
            return Ok(());
        }
        Ok(())
    }

    /// Brings the lines of an object to their destinations; how far it came if there was no time for all.
    async fn object(
        &self,
        call: &mut Call<'_>,
        object: &Object,
        from: u64,
        now: i64,
    ) -> Result<Option<u64>, Failed> {
        let alone = std::slice::from_ref(object);
        let stream = self.configuration.classic_load_balancers.as_ref();
        let route = stream
            .and_then(|own| route::of_stream(&self.configuration, &own.stream, Some("aws.elb")));
        let Some(route) = route else {
            call.keep(
                Shelf::Dead,
                &notification(alone),
                from,
                "no files are configured",
            );
            return Ok(None);
        };
        // A load balancer tries whether it may write.
        if object.key.ends_with("/ELBAccessLogTestFile") {
            return Ok(None);
        }
        let opened = s3::open(&self.aws, &object.bucket, &object.key, from).await;
        let Some(mut opened) = opened.map_err(|error| failed(&error))? else {
            call.keep(
                Shelf::Dead,
                &notification(alone),
                from,
                "the object no longer exists",
            );
            return Ok(None);
        };
        let origin = Origin {
            bucket: Some(&object.bucket),
            object: Some(&object.key),
            ..Origin::default()
        };
        let head = Head::new(&self.configuration, &route, origin, now);
        let place = document::hash(&[&object.bucket, &object.key, &opened.version]);
        let time = opened.written.or(object.time).unwrap_or_default();
        let mut lines = Lines {
            offset: from,
            ..Lines::default()
        };
        let mut document = Vec::with_capacity(DOCUMENT);
        let mut number = 0_u64;
        loop {
            while let Some((offset, line, cut)) = lines.next() {
                number += 1;
                let text = lossy(line);
                let text = text.trim_end_matches('\r');
                if text.is_empty() {
                    continue;
                }
                if number.is_multiple_of(64) && call.is_late() {
                    return Ok(Some(offset));
                }
                call.counters().events += 1;
                call.counters().saw(time, now);
                document.clear();
                let written = Event {
                    id: None,
                    received: Some(time),
                    account: Some(&self.configuration.cluster.account),
                    region: Some(self.aws.region()),
                    source_log: None,
                    text,
                };
                let parsed = document::write(&head, &route, &written, now, &mut document);
                call.counters().unparsed += u64::from(parsed.unparsed || cut);
                let id = document::id(time, &place, &format!("{offset:012}"));
                call.add(route.to, &route.data_stream, &id, &document)
                    .await?;
            }
            if lines.ended {
                return Ok(None);
            }
            match http::chunk(&mut opened.body).await {
                Ok(Some(more)) => lines.push(&more),
                Ok(None) => lines.ended = true,
                // What was read of it may be stored: the rest waits.
                Err(_) => return Ok(Some(lines.offset)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&str]) -> Vec<(u64, String)> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in pieces {
            lines.push(piece.as_bytes());
            while let Some((offset, line, _)) = lines.next() {
                found.push((offset, String::from_utf8_lossy(line).into_owned()));
            }
        }
        lines.ended = true;
        while let Some((offset, line, _)) = lines.next() {
            found.push((offset, String::from_utf8_lossy(line).into_owned()));
        }
        found
    }

    #[test]
    fn lines_are_known_by_where_they_begin() {
        let wanted = [
            (0, "ab".to_owned()),
            (3, String::new()),
            (4, "c".to_owned()),
        ];
        assert_eq!(read(&["ab\n\nc"]), wanted);
        assert_eq!(read(&["a", "b\n", "\nc"]), wanted);
        assert_eq!(read(&["ab\n\nc\n"]), wanted);
        assert_eq!(read(&[]), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_cut_and_the_next_one_found() {
        let long = "x".repeat(LONGEST_LINE);
        let found = read(&[&long, "xyz", "more\n", "b\n"]);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].1.len(), LONGEST_LINE);
        assert_eq!(found[1], (LONGEST_LINE as u64 + 8, "b".to_owned()));
    }
}
