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
//!   `rendered/_fleet/`; one below `_accounts/{account}/{region}/` once for each
//!   account and Region in which clusters share something.
//!
//! Values enter templates through the filters of [`filter`], which quote them
//! for the language of the output. A `.json` template is JSON with comments
//! and trailing commas, and is emitted as canonical JSON by [`json`].

mod complaint;
pub mod filter;
mod fluentd;
pub mod json;
mod machines;
mod parts;
pub mod pattern;
pub mod quote;
pub mod tagging;
mod templates;
mod watch;

use rayon::prelude::*;
use tera::value::Key;
use tera::{Context, Value};

use crate::fault::{Fault, Faults};
use crate::resolve::{AccountStack, ResolvedCluster, ResolvedDestination, ResolvedFleet};
use crate::tree::{RenderedTree, TreePath};

use parts::Parts;
use pattern::{ItemKind, PathPattern, Placeholders, Scope};
use templates::Output;
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
    // Index templates name files that are named by their bytes.
    let is_part = |output: &&Output| match output.path.scope() {
        Scope::Item(kind) => kind.is_part(),
        _ => false,
    };
    let first = templates.outputs().iter().filter(is_part);
    let then = templates.outputs().iter().filter(|output| !is_part(output));
    for output in first.chain(then) {
        if let Err(more) = rendering.output(&output.name, &output.path) {
            faults.append(more);
        }
    }
    let mut tree = rendering.tree;
    faults.append(tagging::apply(
        &mut tree,
        &cluster.cluster.name,
        &cluster.aws.tags,
    ));
    faults.into_result(tree)
}

pub use logfleet_contract::folder::{ACCOUNTS, FLEET};

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
        let file = File {
            owner: FLEET,
            template: &output.name,
            folder: "",
            path: &output.path,
            placeholders: nothing,
        };
        if let Err(more) = file.render(templates, &context, watch, &mut tree) {
            faults.append(more);
        }
    }
    faults.into_result(tree)
}

/// Renders every file of accounts, on all threads, telling `watch` of each template.
pub fn render_accounts(
    stacks: &[AccountStack],
    templates: &Templates,
    watch: &dyn Watch,
) -> Result<RenderedTree, Faults> {
    let rendered: Vec<Result<RenderedTree, Faults>> = stacks
        .par_iter()
        .map(|stack| render_account(stack, templates, watch))
        .collect();
    let mut tree = RenderedTree::default();
    let mut faults = Faults::new();
    for result in rendered {
        match result {
            Ok(of_stack) => tree.0.extend(of_stack.0),
            Err(more) => faults.append(more),
        }
    }
    faults.into_result(tree)
}

fn render_account(
    stack: &AccountStack,
    templates: &Templates,
    watch: &dyn Watch,
) -> Result<RenderedTree, Faults> {
    let mut context = Context::from_serialize(stack).map_err(|error| unserializable(&error))?;
    context.insert(ACCOUNT_ID, &stack.account.id);
    let folder = format!("{}/{}/", stack.account.id, stack.region.name);
    let mut tree = RenderedTree::default();
    let mut faults = Faults::new();
    for output in templates.account_outputs() {
        let file = File {
            owner: ACCOUNTS,
            template: &output.name,
            folder: &folder,
            path: &output.path,
            placeholders: Placeholders::default(),
        };
        if let Err(more) = file.render(templates, &context, watch, &mut tree) {
            faults.append(more);
        }
    }
    faults.append(tagging::apply(&mut tree, ACCOUNTS, &stack.account.tags));
    // Those of all accounts are kept until the last one is rendered.
    for bytes in tree.0.values_mut() {
        bytes.shrink_to_fit();
    }
    faults.into_result(tree)
}

/// What templates see the account's digits as, be it a cluster's or an account's file.
const ACCOUNT_ID: &str = "account_id";

/// The template that renders a path of an account.
pub fn template_of_account(path: &str) -> String {
    let below = path.splitn(3, '/').nth(2).unwrap_or_default();
    format!("{}{below}", templates::ACCOUNTS)
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
    /// The serialized destinations and Regions, to be set one at a time.
    destinations: Vec<Value>,
    regions: Vec<Value>,
    /// The files that index templates name.
    parts: Parts,
    tree: RenderedTree,
}

impl<'a> Rendering<'a> {
    fn new(
        cluster: &'a ResolvedCluster,
        templates: &'a Templates,
        watch: &'a dyn Watch,
    ) -> Result<Self, Fault> {
        let mut context =
            Context::from_serialize(cluster).map_err(|error| unserializable(&error))?;
        context.insert(ACCOUNT_ID, &cluster.cluster.account);
        let list = |value: Option<&Value>| -> Vec<Value> {
            let list = value.and_then(Value::as_array);
            list.unwrap_or_default().to_vec()
        };
        let aws = context.get("aws").and_then(Value::as_map);
        let regions = aws.and_then(|aws| aws.get(&Key::Str("regions")));
        Ok(Self {
            destinations: list(context.get("destinations")),
            regions: list(regions),
            cluster,
            templates,
            watch,
            context,
            parts: Parts::default(),
            tree: RenderedTree::default(),
        })
    }

    /// Renders a template once for each of what its path names.
    fn output(&mut self, template: &str, path: &PathPattern) -> Result<(), Faults> {
        let cluster = self.cluster;
        match path.scope() {
            Scope::Cluster => {
                self.file(template, path, Placeholders::default())?;
            }
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
            }
            Scope::Destination => {
                self.each_destination(|rendering, destination| {
                    let placeholders = Placeholders {
                        destination: Some(destination),
                        ..Placeholders::default()
                    };
                    rendering.file(template, path, placeholders).map(|_| ())
                })?;
            }
            Scope::Item(kind) => {
                self.each_destination(|rendering, destination| {
                    rendering.items(kind, template, path, destination)
                })?;
            }
        }
        Ok(())
    }

    fn each_destination(
        &mut self,
        render: impl Fn(&mut Self, &'a ResolvedDestination) -> Result<(), Faults>,
    ) -> Result<(), Faults> {
        for (index, destination) in self.cluster.destinations.iter().enumerate() {
            self.context
                .insert_value("destination", self.destinations[index].clone());
            render(self, destination)?;
        }
        self.context.remove("destination");
        Ok(())
    }

    /// Renders a template for each of a destination's items.
    fn items(
        &mut self,
        kind: ItemKind,
        template: &str,
        path: &PathPattern,
        destination: &'a ResolvedDestination,
    ) -> Result<(), Faults> {
        for (place, item) in kind.of(destination, self.cluster).into_iter().enumerate() {
            let value = self.parts.value(&destination.name, item);
            let value = value.map_err(|error| unserializable(&error))?;
            self.context.insert_value(kind.variable(), value);
            let placeholders = Placeholders {
                destination: Some(destination),
                item: Some(item),
                region: None,
            };
            if let Some(path) = self.file(template, path, placeholders)? {
                self.parts.add(&destination.name, kind, place, &path);
            }
        }
        self.context.remove(kind.variable());
        Ok(())
    }

    fn file(
        &mut self,
        template: &str,
        path: &PathPattern,
        placeholders: Placeholders<'_>,
    ) -> Result<Option<TreePath>, Faults> {
        let file = File {
            owner: &self.cluster.cluster.name,
            template,
            folder: "",
            path,
            placeholders,
        };
        file.render(self.templates, &self.context, self.watch, &mut self.tree)
    }
}

/// One file that is to be rendered.
struct File<'a> {
    /// The folder below `rendered/` that it goes to.
    owner: &'a str,
    template: &'a str,
    /// What stands before the path, with a `/` at its end.
    folder: &'a str,
    path: &'a PathPattern,
    placeholders: Placeholders<'a>,
}

impl File<'_> {
    /// Renders the file into a tree, unless it turns out empty; gives its path.
    fn render(
        self,
        templates: &Templates,
        context: &Context,
        watch: &dyn Watch,
        tree: &mut RenderedTree,
    ) -> Result<Option<TreePath>, Faults> {
        let Self {
            owner,
            template,
            folder,
            path: pattern,
            placeholders,
        } = self;
        let checked = |path: String| {
            TreePath::new(path).map_err(|error| {
                Fault::input(format!("template `{template}`: {error}"))
                    .hint("a template's output stays in its cluster's folder")
            })
        };
        let path = checked(format!("{folder}{}", pattern.expand(&placeholders)))?;
        watch.begins(owner, template);
        let text = templates.render(template, context);
        watch.ends();
        let text = text?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        let mut text = if path.as_str().ends_with(".json") {
            json::canonical(&text)
                .map_err(|error| json::place(&error, owner, &path, template, &text))?
        } else {
            text
        };
        // All files of all clusters are held until the last one is rendered.
        text.shrink_to_fit();
        let bytes = text.into_bytes();
        let path = checked(format!(
            "{folder}{}",
            pattern.expand_for(&placeholders, &bytes)
        ))?;
        match tree.0.get(&path) {
            // What is named by its bytes can be asked for twice.
            Some(same) if pattern.is_by_content() && *same == bytes => {}
            Some(_) => {
                return Err(Fault::input(format!(
                    "template `{template}` renders `{path}`, which another template renders too"
                ))
                .hint("rename one of them")
                .into());
            }
            None => {
                tree.0.insert(path.clone(), bytes);
            }
        }
        Ok(Some(path))
    }
}

fn unserializable(error: &tera::Error) -> Fault {
    Fault::input(format!(
        "the cluster's settings can't be handed to templates: {error}"
    ))
}
