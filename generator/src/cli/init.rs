//! `gen init`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, Terminal, nothing_written, schema};
use crate::fault::{Fault, Faults};
use crate::layers::input_schema::InputKind;

/// Starts a fleet in a new folder: its settings, an environment, and the
/// schemas that editors complete by.
///
/// Files that are there already stay as they are; then nothing is written.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The folder, which may exist
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Init {
    pub(super) fn run(self, terminal: &mut Terminal) -> Result<(), Failure> {
        let mut files: Vec<(String, String)> = vec![
            (
                "clusters/fleet.yaml".to_owned(),
                include_str!("starter/fleet.yaml").to_owned(),
            ),
            (
                "clusters/environments/production.yaml".to_owned(),
                include_str!("starter/environment.yaml").to_owned(),
            ),
            (
                ".gitattributes".to_owned(),
                include_str!("starter/gitattributes").to_owned(),
            ),
        ];
        for kind in InputKind::ALL {
            files.push((format!("schemas/{}", kind.file_name()), schema::text(kind)));
        }
        write_new(&self.folder, &files).map_err(nothing_written)?;
        let folder = self.folder.display();
        let here = self.folder == Path::new(".");
        let root = if here {
            String::new()
        } else {
            format!(" --root {folder}")
        };
        Ok(terminal.print(&format!(
            "{} files in {folder}\n\n\
             Next: set your destination in {}, then\n  \
             gen new my-cluster{root} --environment production --distribution eks --region eu-central-1 --account 111122223333\n  \
             gen render{root}\n",
            files.len(),
            below(&self.folder, "clusters/fleet.yaml").display(),
        ))?)
    }
}

/// A path as somebody would type it: `./` adds nothing.
fn below(folder: &Path, name: &str) -> PathBuf {
    if folder == Path::new(".") {
        PathBuf::from(name)
    } else {
        folder.join(name)
    }
}

/// Writes files that don't exist yet, or none at all.
pub(super) fn write_new(folder: &Path, files: &[(String, String)]) -> Result<(), Faults> {
    let mut faults = Faults::new();
    for (name, _) in files {
        let path = below(folder, name);
        // A link counts, whatever it points to.
        if path.symlink_metadata().is_ok() {
            faults.push(
                Fault::input(format!("`{}` is there already", path.display()))
                    .hint("move it away first"),
            );
        }
    }
    faults.into_result(())?;
    for (name, text) in files {
        let path = below(folder, name);
        let refused = |error: std::io::Error| {
            Faults::from(Fault::environment(format!(
                "can't write `{}`: {error}",
                path.display()
            )))
        };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(refused)?;
        }
        let mut file = fs::File::create_new(&path).map_err(refused)?;
        file.write_all(text.as_bytes()).map_err(refused)?;
    }
    Ok(())
}
