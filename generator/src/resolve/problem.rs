//! What is wrong with a setting, before it is known where the setting stands.

/// A fault of one setting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The setting, as keys from the root.
    pub setting: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// All problems of a cluster.
#[derive(Debug, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Adds one.
    pub(super) fn push(
        &mut self,
        setting: &[&str],
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.0.push(Problem {
            setting: setting.iter().map(|&key| key.to_owned()).collect(),
            message: message.into(),
            hint: hint.into(),
        });
    }
}
