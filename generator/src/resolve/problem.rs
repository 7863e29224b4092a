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
    /// What the setting names and isn't there. Where a layer removed that, the
    /// `null` is what is wrong.
    pub named: Vec<String>,
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
        self.push_naming(setting, &[], message, hint);
    }

    /// Adds one of a setting that names another one that isn't there.
    pub(super) fn push_naming(
        &mut self,
        setting: &[&str],
        named: &[&str],
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let owned = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect();
        self.0.push(Problem {
            setting: owned(setting),
            message: message.into(),
            hint: hint.into(),
            named: owned(named),
        });
    }
}
