//! `gen report`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, Terminal, nothing_written, selection};
use crate::fault::Fault;
use crate::fleet_page::fleet_page;
use crate::pipeline::{self, Timings};

/// Writes one HTML page of the fleet: which source ends where, how long it is
/// kept, and what isn't shipped.
///
/// The page is complete in itself: it can be opened without a network, and
/// sent around.
#[derive(Debug, Args)]
pub(super) struct Report {
    /// Clusters to include [default: all]
    clusters: Vec<String>,
    /// The file to write; an existing one is replaced
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Report {
    pub(super) fn run(self, root: &Path, terminal: &mut Terminal) -> Result<(), Failure> {
        let selected = selection(self.clusters);
        let fleet = pipeline::load_fleet(root, selected.as_ref(), &Timings::default())
            .map_err(nothing_written)?;
        let clusters = fleet.members.iter().map(|member| &member.cluster);
        let page = fleet_page(clusters)
            .map_err(|error| nothing_written(Fault::input(format!("the page: {error}"))))?;
        let out = self.out.display();
        fs::write(&self.out, page).map_err(|error| {
            nothing_written(
                Fault::environment(format!("can't write `{out}`: {error}"))
                    .hint("does its folder exist, and may you write there?"),
            )
        })?;
        Ok(terminal.print(&format!("{} clusters in {out}\n", fleet.members.len()))?)
    }
}
