//! `gen init`.

use std::path::PathBuf;

use clap::Args;

use super::output::{below, write_new};
use super::{Failure, Terminal, new, nothing_written, root_argument, schema};
use crate::fault::Faults;
use crate::layers::input_schema::InputKind;
use crate::load::names::FLEET_FILE;

/// Starts a fleet in a new folder: its settings, an environment, and the
/// schemas that editors complete by.
///
/// Files that already exist stay as they are; then nothing is written.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Folder to create (may exist already)
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Address of the Elasticsearch or OpenSearch, with its port
    #[arg(long)]
    url: Option<String>,
    /// Bucket with the forwarder's program; each Region has its own, named <BUCKET>-<Region>
    #[arg(long)]
    bucket: Option<String>,
}

/// What `starter/fleet.yaml` has where only the user knows the value.
const URL: &str = "https://<host>:9200";
const BUCKET: &str = "<bucket>";

impl Init {
    pub(super) fn run(self, terminal: &mut Terminal) -> Result<(), Failure> {
        let settings = self.settings();
        let left = settings.contains(URL) || settings.contains(BUCKET);
        check(&settings).map_err(nothing_written)?;
        let mut files: Vec<(String, String)> = vec![
            (FLEET_FILE.to_owned(), settings),
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
        let root = root_argument(&self.folder);
        let fill_in = if left {
            let file = below(&self.folder, FLEET_FILE);
            format!(" replace each <placeholder> in {}, then", file.display())
        } else {
            String::new()
        };
        Ok(terminal.print(&format!(
            "{} files in {folder}\n\n\
             Next:{fill_in}\n  \
             gen new my-cluster{root} --environment production --distribution eks --region eu-central-1 --account 111122223333\n  \
             gen render{root}\n",
            files.len(),
        ))?)
    }

    /// The fleet's settings, with a placeholder for what wasn't said.
    fn settings(&self) -> String {
        let mut text = include_str!("starter/fleet.yaml").to_owned();
        for (placeholder, value) in [(URL, &self.url), (BUCKET, &self.bucket)] {
            if let Some(value) = value {
                text = text.replace(placeholder, value);
            }
        }
        text
    }
}

/// Finds what is wrong with the words of the command line where they would be
/// in the file. A placeholder is no fault yet: `gen check` reports it.
fn check(settings: &str) -> Result<(), Faults> {
    let mut faults = new::check_text(InputKind::Fleet, FLEET_FILE, settings);
    faults.retain(|fault| {
        let place = fault.place.as_ref();
        place.is_none_or(|place| !place.excerpt.contains(URL) && !place.excerpt.contains(BUCKET))
    });
    faults.into_result(())
}
