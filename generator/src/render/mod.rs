//! The render step: a resolved cluster and templates in, a tree of paths and
//! bytes out. Pure.
//!
//! **One template is one output file, and the template tree is the output
//! tree**, so that anybody finds the origin of a line. Three rules add to it:
//!
//! - A name in braces stands for each of its kind: [`pattern`] has the list.
//! - A file whose name starts with `_` is a part for others to
//!   `{% include %}`, and no output.
//! - A template that renders to white space only gives no file.
//! - A template below `_fleet/` is rendered once for the whole fleet, into
//!   `rendered/_fleet/`.
//!
//! Values enter templates through the filters of [`filter`], which quote them
//! for the language of the output. A `.json` template is JSON with comments
//! and trailing commas, and is emitted as canonical JSON by [`json`].

mod complaint;
pub mod filter;
mod fluentd;
pub mod json;
mod machines;
pub mod pattern;
pub mod quote;
mod templates;
mod watch;

use tera::value::Key;
use tera::{Context, Value};

use crate::fault::{Fault, Faults};
use crate::resolve::{ResolvedCluster, ResolvedFleet};
use crate::tree::{RenderedTree, TreePath};

use pattern::{PathPattern, Placeholders, Scope};
pub use templates::{TemplateText, Templates};
pub use watch::{Unwatched, Watch};

/// Bytes that one file may have. Kubernetes refuses objects of more than
/// 1 MiB (<https://kubernetes.io/docs/concepts/configuration/configmap/>), so
/// no file of ours comes near; a template that loops over too much does.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// Renders every file of a cluster.
pub fn render(cluster: &ResolvedCluster, templates: &Templates) -> Result<RenderedTree, Faults> {
    render_watched(cluster, templates, &Unwatched)
}

/// As [`render`], telling `watch` of each template.
pub fn render_watched(
    cluster: &ResolvedCluster,
    templates: &Templates,
    watch: &dyn Watch,
) -> Result<RenderedTree, Faults> {
    let mut rendering = Rendering::new(cluster, templates, watch)?;
    let mut faults = Faults::new();
    for output in templates.outputs() {
        if let Err(more) = rendering.output(&output.name, &output.path) {
            faults.append(more);
        }
    }
    faults.into_result(rendering.tree)
}

pub use logfleet_contract::folder::FLEET;

/// Renders every file of the whole fleet, telling `watch` of each template.
pub fn render_fleet(
    fleet: &ResolvedFleet,
    templates: &Templates,
    watch: &dyn Watch,
) -> Result<RenderedTree, Faults> {
    let context = Context::from_serialize(fleet).map_err(|error| unserializable(&error))?;
    let mut tree = RenderedTree::default();
    let mut faults = Faults::new();
    let nothing = Placeholders::default();
    for output in templates.fleet_outputs() {
        let path = output.path.expand(&nothing);
        let file = File {
            owner: FLEET,
            template: &output.name,
            path,
        };
        if let Err(more) = file.render(templates, &context, watch, &mut tree) {
            faults.append(more);
        }
    }
    faults.into_result(tree)
}

/// The template that renders a path of the whole fleet, if one does.
pub fn template_of_fleet(path: &str) -> String {
    format!("{}{path}", templates::FLEET)
}

/// The template that renders a path of a cluster, if one does.
pub fn template_of<'t>(
    cluster: &ResolvedCluster,
    templates: &'t Templates,
    path: &str,
) -> Option<&'t str> {
    let outputs = templates.outputs().iter();
    let mut renders = outputs.filter(|output| output.path.expands_to(path, cluster));
    renders.next().map(|output| output.name.as_str())
}

/// The hint for a fault in an output: where its text comes from.
pub fn origin_hint(template: &str) -> String {
    format!("it is rendered from the template `{template}`")
}

/// One cluster's way through all templates.
struct Rendering<'a> {
    cluster: &'a ResolvedCluster,
    templates: &'a Templates,
    watch: &'a dyn Watch,
    context: Context,
    /// The serialized destinations, streams and Regions, to be set one at a time.
    destinations: Vec<Value>,
    streams: Vec<Value>,
    regions: Vec<Value>,
    tree: RenderedTree,
}

impl<'a> Rendering<'a> {
    fn new(
        cluster: &'a ResolvedCluster,
        templates: &'a Templates,
        watch: &'a dyn Watch,
    ) -> Result<Self, Fault> {
        let context = Context::from_serialize(cluster).map_err(|error| unserializable(&error))?;
        let list = |key: &str| -> Vec<Value> {
            context
                .get(key)
                .and_then(Value::as_array)
                .unwrap_or_default()
                .to_vec()
        };
        let (destinations, streams) = (list("destinations"), list("streams"));
        let regions = context
            .get("aws")
            .and_then(|aws| aws.as_map()?.get(&Key::Str("regions"))?.as_array())
            .unwrap_or_default()
            .to_vec();
        Ok(Self {
            cluster,
            templates,
            watch,
            context,
            destinations,
            streams,
            regions,
            tree: RenderedTree::default(),
        })
    }

    /// Renders a template once for each destination and stream that its path names.
    fn output(&mut self, template: &str, path: &PathPattern) -> Result<(), Faults> {
        let cluster = self.cluster;
        match path.scope() {
            Scope::Cluster => self.file(template, path, Placeholders::default()),
            Scope::Region => {
                for (index, region) in cluster.aws.regions.iter().enumerate() {
                    self.context
                        .insert_value("region", self.regions[index].clone());
                    let placeholders = Placeholders {
                        region: Some(region),
                        ..Placeholders::default()
                    };
                    self.file(template, path, placeholders)?;
                }
                self.context.remove("region");
                Ok(())
            }
            Scope::Destination => {
                for (index, destination) in cluster.destinations.iter().enumerate() {
                    self.context
                        .insert_value("destination", self.destinations[index].clone());
                    let placeholders = Placeholders {
                        destination: Some(destination),
                        ..Placeholders::default()
                    };
                    self.file(template, path, placeholders)?;
                }
                self.context.remove("destination");
                Ok(())
            }
            Scope::DestinationStream => {
                for (index, destination) in cluster.destinations.iter().enumerate() {
                    self.context
                        .insert_value("destination", self.destinations[index].clone());
                    for (index, stream) in cluster.streams.iter().enumerate() {
                        if stream.destinations.contains(&destination.name) {
                            self.context
                                .insert_value("stream", self.streams[index].clone());
                            let placeholders = Placeholders {
                                destination: Some(destination),
                                stream: Some(stream),
                                region: None,
                            };
                            self.file(template, path, placeholders)?;
                        }
                    }
                }
                self.context.remove("destination");
                self.context.remove("stream");
                Ok(())
            }
        }
    }

    fn file(
        &mut self,
        template: &str,
        path: &PathPattern,
        placeholders: Placeholders<'_>,
    ) -> Result<(), Faults> {
        let path = path.expand(&placeholders);
        let file = File {
            owner: &self.cluster.cluster.name,
            template,
            path,
        };
        file.render(self.templates, &self.context, self.watch, &mut self.tree)
    }
}

/// One file that is to be rendered.
struct File<'a> {
    /// The folder below `rendered/` that it goes to.
    owner: &'a str,
    template: &'a str,
    path: String,
}

impl File<'_> {
    /// Renders the file into a tree, unless it turns out empty.
    fn render(
        self,
        templates: &Templates,
        context: &Context,
        watch: &dyn Watch,
        tree: &mut RenderedTree,
    ) -> Result<(), Faults> {
        let Self {
            owner,
            template,
            path,
        } = self;
        let path = TreePath::new(path).map_err(|error| {
            Fault::input(format!("template `{template}`: {error}"))
                .hint("a template's output stays in its cluster's folder")
        })?;
        watch.begins(owner, template);
        let text = templates.render(template, context);
        watch.ends();
        let text = text?;
        if text.trim().is_empty() {
            return Ok(());
        }
        let mut text = if path.as_str().ends_with(".json") {
            json::canonical(&text)
                .map_err(|error| json::place(&error, owner, &path, template, &text))?
        } else {
            text
        };
        // All files of all clusters are held until the last one is rendered.
        text.shrink_to_fit();
        if tree.0.insert(path.clone(), text.into_bytes()).is_some() {
            return Err(Fault::input(format!(
                "template `{template}` renders `{path}`, which another template renders too"
            ))
            .hint("rename one of them")
            .into());
        }
        Ok(())
    }
}

fn unserializable(error: &tera::Error) -> Fault {
    Fault::input(format!(
        "the cluster's settings can't be handed to templates: {error}"
    ))
}
