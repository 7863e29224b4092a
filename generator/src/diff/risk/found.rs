//! Risks as they are found. Pure.

use super::wording::{LONGEST, shorten};
use super::{Flag, RiskFinding};
use crate::diff::redact;

/// Risks, each once.
#[derive(Default)]
pub(super) struct Found {
    pub(super) findings: Vec<RiskFinding>,
}

impl Found {
    /// Adds a risk, unless it is there.
    pub(super) fn push(&mut self, flag: Flag, what: impl AsRef<str>, live: Option<String>) {
        self.push_finding(RiskFinding::new(flag, what.as_ref(), live));
    }

    pub(super) fn push_finding(&mut self, finding: RiskFinding) {
        let what = shorten(&redact::text(&finding.what), LONGEST);
        let finding = RiskFinding { what, ..finding };
        let is_same = |other: &RiskFinding| {
            (other.flag, &other.file, &other.what, &other.live)
                == (finding.flag, &finding.file, &finding.what, &finding.live)
        };
        if !self.findings.iter().any(is_same) {
            self.findings.push(finding);
        }
    }
}
