//! The JSON Schemas of the inputs, generated from the types in
//! [`crate::settings`]. Pure.

use schemars::generate::SchemaSettings;
use serde_json::{Value as Json, json};

use super::patch_schema::patch_schema;
use crate::settings::Settings;

/// A kind of input file, or what they merge to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InputKind {
    /// `clusters/<cluster>/cluster.yaml`.
    Cluster,
    /// `clusters/environments/<environment>.yaml`.
    Environment,
    /// `clusters/fleet.yaml`.
    Fleet,
    /// All layers of a cluster, merged.
    Settings,
}

impl InputKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::Cluster,
        Self::Environment,
        Self::Fleet,
        Self::Settings,
    ];

    /// Its word on the command line and in file names.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Environment => "environment",
            Self::Fleet => "fleet",
            Self::Settings => "settings",
        }
    }

    /// The name of its schema's file.
    pub fn file_name(self) -> String {
        format!("{}.schema.json", self.word())
    }

    fn title(self) -> &'static str {
        match self {
            Self::Cluster => "Settings of one cluster: clusters/<cluster>/cluster.yaml",
            Self::Environment => {
                "Settings of an environment: clusters/environments/<environment>.yaml"
            }
            Self::Fleet => "Settings of the whole fleet: clusters/fleet.yaml",
            Self::Settings => "Settings of a cluster after its layers are merged",
        }
    }
}

/// The schema of a kind of input.
pub fn input_schema(kind: InputKind) -> Json {
    let settings = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<Settings>();
    let settings = settings.to_value();
    let mut schema = match kind {
        InputKind::Settings => settings,
        InputKind::Cluster | InputKind::Environment | InputKind::Fleet => patch_schema(&settings),
    };
    if let Some(root) = schema.as_object_mut() {
        // What a cluster alone can say: a shared layer would say it of all.
        if matches!(kind, InputKind::Environment | InputKind::Fleet)
            && let Some(properties) = root.get_mut("properties").and_then(Json::as_object_mut)
        {
            properties.shift_remove("name");
            properties.shift_remove("environment");
        }
        root.insert("title".into(), json!(kind.title()));
        root.shift_insert(
            1.min(root.len()),
            "$id".into(),
            json!(format!("https://logfleet.dev/schemas/{}", kind.file_name())),
        );
    }
    schema
}
