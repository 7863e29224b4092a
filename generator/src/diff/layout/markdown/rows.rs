//! Rows one after the other, as long as they have room.

use crate::diff::layout::words::and_more;

/// What the note on what is left out takes.
pub(super) const NOTE_BYTES: usize = 64;

pub(super) struct Rows {
    text: String,
    room: usize,
    left_out: usize,
}

impl Rows {
    /// None if there is no room for what stands above them.
    pub(super) fn new(above: String, max_bytes: usize) -> Option<Self> {
        let room = max_bytes.checked_sub(above.len() + NOTE_BYTES)?;
        Some(Self {
            text: above,
            room,
            left_out: 0,
        })
    }

    /// Adds a row, else a shorter one, else counts it. After one that is left
    /// out, all are.
    pub(super) fn push(&mut self, row: &str, shorter: &str) {
        let fits = |row: &str| !row.is_empty() && row.len() <= self.room;
        let row = [row, shorter].into_iter().find(|row| fits(row));
        match row.filter(|_| self.left_out == 0) {
            Some(row) => {
                self.room -= row.len();
                self.text += row;
            }
            None => self.left_out += 1,
        }
    }

    /// How many are left out.
    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }

    /// With a note on what is left out.
    pub(super) fn end(mut self, note: impl Fn(usize) -> String) -> String {
        if self.left_out > 0 {
            self.text += &note(self.left_out);
        }
        self.text
    }

    /// As the items of a list, whose beginning is that of each row.
    pub(super) fn end_list(self, before: &str) -> String {
        self.end(|more| format!("{before}{}\n", and_more(more, "")))
    }
}
