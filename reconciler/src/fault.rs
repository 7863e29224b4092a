//! What went wrong, and what to do about it. Pure.

use std::fmt;

/// Something that is wrong, told to a person. Never holds a secret: whoever
/// makes one passes on what servers say through [`Fault::quoting`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Fault {
    /// Where: a file with line and column, a server, or an object at a server.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

/// The most characters that are shown of what a server answered.
const LONGEST_QUOTE: usize = 400;

impl Fault {
    /// A fault without a hint.
    pub fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// The same with what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// A text of somebody else, fit to be shown: one line, not too long, without control characters
    /// and whatever looks like a secret.
    pub fn quoting(text: &str) -> String {
        let line: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(LONGEST_QUOTE * 4)
            .collect();
        let masked = logfleet_contract::secrets::mask_text(&line);
        let mut cut: String = masked.chars().take(LONGEST_QUOTE).collect();
        if cut.len() < masked.len() {
            cut.push('…');
        }
        cut
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        for hint in &self.hints {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_say_is_cut_to_one_line_without_secrets() {
        let text = format!("a\nb password=hunter2 {}", "x".repeat(1000));
        let quoted = Fault::quoting(&text);
        assert!(quoted.starts_with("a b password=***"), "{quoted}");
        assert_eq!(quoted.chars().count(), LONGEST_QUOTE + 1);
    }
}
