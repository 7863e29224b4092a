//! The templates: those built into the program, and a fleet's own over them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use include_dir::{Dir, include_dir};
use tera::{Context, ErrorKind, Tera};

use super::MAX_FILE_BYTES;
use super::complaint;
use super::filter;
use super::pattern::{PathPattern, PatternError};
use crate::fault::{Fault, Faults};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../templates");

/// What tells people about the folder, and is no template.
const README: &str = "README.md";

/// A template of the fleet's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateText {
    /// Its path below `templates/`.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// A template that is a file of its own.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) name: String,
    pub(super) path: PathPattern,
}

/// All templates, compiled.
#[derive(Debug)]
pub struct Templates {
    tera: Tera,
    outputs: Vec<Output>,
    fleet_outputs: Vec<Output>,
    account_outputs: Vec<Output>,
}

/// The folder of the templates that are rendered once for the whole fleet.
pub(super) const FLEET: &str = "_fleet/";

/// The folder of those that are rendered once for each account and Region.
pub(super) const ACCOUNTS: &str = "_accounts/{account}/{region}/";

impl Templates {
    /// Compiles the built-in templates with a fleet's own over them: one of
    /// the same name takes a built-in one's place, others add to them.
    pub fn compile(own: &[TemplateText]) -> Result<Self, Faults> {
        let mut texts = built_in();
        let mut faults = Faults::new();
        for template in own {
            if let Some(fault) = refuse_renamed(template) {
                faults.push(fault);
            }
            let replaced = texts.insert(&template.name, &template.text);
            if replaced != Some(&template.text)
                && let Err(more) = check_syntax(template)
            {
                faults.append(more);
            }
        }
        texts.retain(|name, _| *name != README);
        let (mut outputs, mut fleet_outputs) = (Vec::new(), Vec::new());
        let mut account_outputs = Vec::new();
        for name in texts.keys().filter(|name| !is_part(name)) {
            let (list, path) = if let Some(below) = name.strip_prefix(FLEET) {
                (&mut fleet_outputs, PathPattern::parse_plain(below))
            } else if let Some(below) = name.strip_prefix(ACCOUNTS) {
                (&mut account_outputs, PathPattern::parse_plain(below))
            } else if name.starts_with("_accounts/") {
                (&mut account_outputs, Err(PatternError::Account))
            } else {
                (&mut outputs, PathPattern::parse(name))
            };
            match path {
                Ok(path) => list.push(Output {
                    name: (*name).to_owned(),
                    path,
                }),
                Err(error) => faults.push(
                    Fault::input(format!(
                        "the template `{name}` has no path for its output: {error}"
                    ))
                    .hint("rename the file"),
                ),
            }
        }
        faults.into_result(())?;
        let mut tera = engine();
        tera.add_raw_templates(texts)
            .map_err(|error| Faults::from_iter(complaint::faults(&error, "")))?;
        Ok(Self {
            tera,
            outputs,
            fleet_outputs,
            account_outputs,
        })
    }

    pub(super) fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Those that are rendered once for the whole fleet.
    pub(super) fn fleet_outputs(&self) -> &[Output] {
        &self.fleet_outputs
    }

    /// Those that are rendered once for each account and Region.
    pub(super) fn account_outputs(&self) -> &[Output] {
        &self.account_outputs
    }

    pub(super) fn render(&self, template: &str, context: &Context) -> Result<String, Faults> {
        filter::refill_range();
        let mut out = Bounded {
            bytes: Vec::with_capacity(4096),
        };
        self.tera
            .render_to(template, context, &mut out)
            .map_err(|error| {
                if matches!(error.kind(), ErrorKind::Io(_)) {
                    Fault::input(format!(
                        "the template `{template}` renders more than {} KiB",
                        MAX_FILE_BYTES / 1024
                    ))
                    .hint("does one of its loops run over too much?")
                    .into()
                } else {
                    Faults::from_iter(complaint::faults(&error, template))
                }
            })?;
        String::from_utf8(out.bytes).map_err(|_| {
            Fault::input(format!(
                "the template `{template}` renders what is not UTF-8"
            ))
            .into()
        })
    }
}

fn engine() -> Tera {
    let mut tera = Tera::default();
    // Every language has its own filter; HTML's would only get in the way.
    tera.autoescape_on(Vec::<&str>::new());
    filter::register(&mut tera);
    tera
}

fn built_in() -> BTreeMap<&'static str, &'static str> {
    fn walk(dir: &'static Dir<'static>, texts: &mut BTreeMap<&'static str, &'static str>) {
        for file in dir.files() {
            if let (Some(name), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
                texts.insert(name, text);
            }
        }
        for dir in dir.dirs() {
            walk(dir, texts);
        }
    }
    let mut texts = BTreeMap::new();
    walk(&BUILT_IN, &mut texts);
    texts
}

/// Built-in templates that have another path now. One of a fleet's own at the
/// old path would render what nothing uses, and nobody would notice.
const RENAMED: [(&str, &str); 3] = [
    (
        "elasticsearch/{destination}/_component_template/{data_stream}@mappings.json",
        "elasticsearch/{destination}/_component_template/logfleet-{mapping}@mappings-{digest}.json",
    ),
    (
        "elasticsearch/{destination}/_component_template/{data_stream}@settings.json",
        "elasticsearch/{destination}/_component_template/logfleet-{settings}@settings-{digest}.json",
    ),
    (
        "elasticsearch/{destination}/_ilm/policy/{data_stream}.json",
        "elasticsearch/{destination}/_ilm/policy/logfleet-{life_cycle}@lifecycle-{digest}.json",
    ),
];

fn refuse_renamed(template: &TemplateText) -> Option<Fault> {
    let (old, new) = RENAMED.iter().find(|(old, _)| *old == template.name)?;
    let message = format!(
        "the template `{old}` has no effect: streams that need the same share what it renders"
    );
    Some(Fault::input(message).hint(format!(
        "rename it to `{new}`, and see there what it is given instead of `stream`"
    )))
}

/// Whether a template is a part for others to include.
fn is_part(name: &str) -> bool {
    name.rsplit('/')
        .next()
        .is_some_and(|file| file.starts_with('_'))
}

/// Finds a template's own mistakes, so that those of several are reported at once.
fn check_syntax(template: &TemplateText) -> Result<(), Faults> {
    match engine().add_raw_template(&template.name, &template.text) {
        Err(error) if matches!(error.kind(), ErrorKind::SyntaxError(_)) => {
            Err(Faults::from_iter(complaint::faults(&error, &template.name)))
        }
        // What it includes is not there yet; that is looked at with all of them.
        _ => Ok(()),
    }
}

/// Memory that refuses to grow beyond what a file may have.
struct Bounded {
    bytes: Vec<u8>,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_FILE_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(name: &str) -> Result<Templates, Faults> {
        Templates::compile(&[TemplateText {
            name: name.to_owned(),
            text: "{}".to_owned(),
        }])
    }

    #[test]
    fn a_template_at_an_old_path_is_refused_and_at_the_new_one_takes_its_place() {
        for (old, new) in RENAMED {
            let faults = compile(old).expect_err("it would have no effect").sorted();
            assert_eq!(faults.len(), 1);
            assert!(faults[0].message.contains(old), "{faults:?}");
            let built_in = built_in();
            assert!(!built_in.contains_key(old), "{old} is built in");
            assert!(built_in.contains_key(new), "{new} isn't built in");
            let templates = compile(new).expect("it compiles");
            let outputs = templates.outputs().iter();
            assert_eq!(outputs.filter(|output| output.name == new).count(), 1);
        }
    }
}
