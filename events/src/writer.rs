//! Writes members of a JSON object, each field once. Pure.

use crate::compiled::{CompiledField, Slot};
use crate::text::string;
use crate::time::Time;

/// Room for the fields of all tables together; a test compares it with them.
const WORDS: usize = 8;

/// The fields that a [`Writer`] can tell apart.
#[cfg(test)]
pub(crate) const MOST_SLOTS: usize = WORDS * 64;

/// Appends members.
pub(crate) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    written: [u64; WORDS],
    time: Option<(u8, i64)>,
}

impl<'o> Writer<'o> {
    pub(crate) fn new(out: &'o mut Vec<u8>) -> Self {
        let start = out.len();
        Self {
            out,
            start,
            written: [0; WORDS],
            time: None,
        }
    }

    /// Takes back everything.
    pub(crate) fn restart(&mut self) {
        self.out.truncate(self.start);
        self.written = [0; WORDS];
        self.time = None;
    }

    /// Whether nothing was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.out.len() == self.start
    }

    /// Whether a field has a value already.
    pub(crate) fn has(&self, slot: Slot) -> bool {
        self.written[slot.0 / 64] & (1 << (slot.0 % 64)) != 0
    }

    /// Begins a member, whose value must follow; none if the field has one already. Its key
    /// comes with a comma before it.
    pub(crate) fn begin(&mut self, slot: Slot, key: &[u8]) -> Option<&mut Vec<u8>> {
        if self.has(slot) {
            return None;
        }
        self.written[slot.0 / 64] |= 1 << (slot.0 % 64);
        // The first member has no comma before it.
        let start = usize::from(self.is_empty());
        self.out.extend_from_slice(&key[start..]);
        Some(self.out)
    }

    fn comma(&mut self) {
        if self.out.len() > self.start {
            self.out.push(b',');
        }
    }

    /// Says when the event was, unless that was said by something that counts more.
    pub(crate) fn at(&mut self, field: &CompiledField, time: Time<'_>) {
        if let Some(rank) = field.time_rank
            && self.time.is_none_or(|(before, _)| rank < before)
        {
            self.time = Some((rank, time.milliseconds));
        }
    }

    /// When the event was.
    pub(crate) fn time(&self) -> Option<i64> {
        self.time.map(|(_, milliseconds)| milliseconds)
    }

    /// Marks the event as one that isn't of its format.
    pub(crate) fn unparsed(&mut self, fault: &str) {
        self.member("error.type", crate::fault::UNPARSED);
        self.member("error.message", fault);
    }

    /// The event's text.
    pub(crate) fn message(&mut self, text: &str) {
        self.member("message", text);
    }

    /// What is left of an object: keys as they stand between their quotes, and values.
    pub(crate) fn rest(&mut self, members: &[(&str, &str)]) {
        self.comma();
        self.out.extend_from_slice(b"\"aws.event\":{");
        for (place, (key, value)) in members.iter().enumerate() {
            if place > 0 {
                self.out.push(b',');
            }
            self.out.push(b'"');
            self.out.extend_from_slice(key.as_bytes());
            self.out.extend_from_slice(b"\":");
            self.out.extend_from_slice(value.as_bytes());
        }
        self.out.push(b'}');
    }

    /// A member that no table has, so that nothing else writes it.
    fn member(&mut self, name: &str, value: &str) {
        self.comma();
        string(self.out, name);
        self.out.push(b':');
        string(self.out, value);
    }
}
