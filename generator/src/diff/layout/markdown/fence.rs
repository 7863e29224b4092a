//! Lines within a fence that none of them closes.

use super::inline::{longest_run, plain};

/// Lines of a block of code, and how long it is with its fence.
pub(super) struct Fence {
    language: &'static str,
    lines: String,
    longest_run: usize,
}

impl Fence {
    /// One without lines.
    pub(super) fn new(language: &'static str) -> Self {
        Self {
            language,
            lines: String::new(),
            longest_run: 0,
        }
    }

    /// Adds lines, all or none of them, as long as the block then has no more bytes than that.
    pub(super) fn push(&mut self, lines: &[String], max_bytes: usize) -> bool {
        let runs = lines.iter().map(|line| longest_run(line));
        let longest_run = runs.fold(self.longest_run, usize::max);
        let more: usize = lines.iter().map(|line| line.len() + 1).sum();
        let around = 2 * fence_of(longest_run) + self.language.len() + 2;
        if self.lines.len() + more + around > max_bytes {
            return false;
        }
        self.longest_run = longest_run;
        for line in lines {
            self.lines.extend([line.as_str(), "\n"]);
        }
        true
    }

    /// Whether it has no line.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The whole block, with the end of its last line.
    pub(super) fn into_text(self) -> String {
        let fence = "`".repeat(fence_of(self.longest_run));
        format!("{fence}{}\n{}{fence}\n", self.language, self.lines)
    }
}

/// One backtick more than anything within, three at least
/// (<https://spec.commonmark.org/0.31.2/#fenced-code-blocks>).
fn fence_of(longest_run: usize) -> usize {
    (longest_run + 1).max(3)
}

/// A text as one line of a fence; its length is seen to already.
pub(super) fn line(text: &str) -> String {
    plain(text, usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_closes_it() {
        let mut fence = Fence::new("diff");
        assert!(fence.push(&["````".to_owned()], 100));
        assert_eq!(fence.into_text(), "`````diff\n````\n`````\n");
    }

    #[test]
    fn its_length_is_known_before() {
        let mut fence = Fence::new("text");
        let lines = ["ä``".to_owned(), "```".to_owned()];
        let whole = "````text\nä``\n```\n````\n";
        assert!(!fence.push(&lines, whole.len() - 1));
        assert!(fence.is_empty());
        assert!(fence.push(&lines, whole.len()));
        assert_eq!(fence.into_text(), whole);
    }
}
