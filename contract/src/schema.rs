//! JSON Schemas of what is handed over as JSON, generated from the types. Pure.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::account::{AccountConfiguration, Registration};
use crate::authentication::Authentication;
use crate::forwarder::{Configuration, ScheduleInput};

/// A document that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Document {
    /// The forwarder's configuration.
    ForwarderConfiguration,
    /// The input that schedules pass to the forwarder.
    ForwarderSchedule,
    /// The configuration of an account's distributor.
    AccountConfiguration,
    /// What an account's distributors know of a cluster.
    Registration,
    /// The identities of a cluster's shippers, and where their secrets are.
    Authentication,
}

impl Document {
    /// Every document.
    pub const ALL: [Self; 5] = [
        Self::ForwarderConfiguration,
        Self::ForwarderSchedule,
        Self::AccountConfiguration,
        Self::Registration,
        Self::Authentication,
    ];

    /// Its word on the command line and in file names.
    pub fn word(self) -> &'static str {
        match self {
            Self::ForwarderConfiguration => "forwarder-configuration",
            Self::ForwarderSchedule => "forwarder-schedule",
            Self::AccountConfiguration => "account-configuration",
            Self::Registration => "cluster-registration",
            Self::Authentication => "authentication",
        }
    }

    /// The name of its schema's file.
    pub fn file_name(self) -> String {
        format!("{}.schema.json", self.word())
    }

    /// Its schema.
    pub fn schema(self) -> Value {
        let (title, mut schema) = match self {
            Self::ForwarderConfiguration => (
                "Configuration of the forwarder: LOGFLEET_CONFIGURATION in aws/<region>/stack.json",
                of::<Configuration>(),
            ),
            Self::ForwarderSchedule => (
                "Input of a schedule that calls the forwarder, in aws/<region>/stack.json",
                of::<ScheduleInput>(),
            ),
            Self::AccountConfiguration => (
                "Configuration of an account's distributor: LOGFLEET_ACCOUNT_CONFIGURATION in _accounts/<account>/<region>/stack.json",
                of::<AccountConfiguration>(),
            ),
            Self::Registration => (
                "What an account's distributors know of a cluster: the parameter /logfleet/clusters/<cluster> in aws/<region>/stack.json",
                of::<Registration>(),
            ),
            Self::Authentication => (
                "Identities of a cluster's shippers at its destinations: authentication.json",
                of::<Authentication>(),
            ),
        };
        if let Some(root) = schema.as_object_mut() {
            root.insert("title".into(), json!(title));
            root.shift_insert(
                1.min(root.len()),
                "$id".into(),
                json!(format!("https://logfleet.dev/schemas/{}", self.file_name())),
            );
        }
        schema
    }
}

fn of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}
