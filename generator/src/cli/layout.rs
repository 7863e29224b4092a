//! How `--format` says that results are laid out.

use std::path::Path;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// How a result is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Layout {
    /// For people
    #[value(alias = "terminal")]
    Text,
    /// For programs
    Json,
    /// For the comment on a pull request, on GitHub or GitLab
    Markdown,
    /// For people, as one self-contained page
    Html,
}

impl Layout {
    /// Reads those that every command has.
    pub(super) fn of_every_command() -> impl TypedValueParser<Value = Self> {
        let every = [Self::Text, Self::Json];
        let values = every.iter().filter_map(Self::to_possible_value);
        PossibleValuesParser::new(values).try_map(|name| Self::from_str(&name, false))
    }

    /// That which the ending of a file's name tells.
    pub(super) fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "txt" => Some(Self::Text),
            "json" => Some(Self::Json),
            "md" => Some(Self::Markdown),
            "html" => Some(Self::Html),
            _ => None,
        }
    }
}
