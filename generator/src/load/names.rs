//! What the folders and files of a fleet are called.

/// The folder people write in.
pub const CLUSTERS: &str = "clusters";
/// The settings of the whole fleet.
pub const FLEET_FILE: &str = "clusters/fleet.yaml";
/// Folders of it that are no cluster.
pub const OTHER_FOLDERS: [&str; 2] = ["certificates", "environments"];
/// The folder of templates that replace or add to the built-in ones.
pub const TEMPLATES: &str = "templates";
