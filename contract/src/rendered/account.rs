//! Everything that is rendered once for each account, read back. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Files, ReadFault, ReadProblem, fault, finish, json, owned};
use crate::account::{self, Distributor};
use crate::folder;
use crate::members::Fragment;
use crate::ownership::Ownership;
use crate::tree::{RenderedTree, TreePath};

/// What is rendered for accounts: `rendered/_accounts/`.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedAccounts {
    /// What `gen` wrote.
    pub ownership: Ownership,
    /// What each account has in each Region, by account and Region.
    pub regions: BTreeMap<(String, String), AccountRegion>,
    /// Files that only a fleet's own templates make.
    pub other: Files,
    /// Files that `gen` didn't write.
    pub foreign: Vec<TreePath>,
}

/// What an account has once in a Region.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountRegion {
    /// The template, as it is deployed.
    pub template: Option<Value>,
    /// Its distributor.
    pub distributor: Option<Distributor>,
    /// What members of all clusters get together, by the fragments' names:
    /// put together with [`join`](crate::members::join).
    pub fragments: BTreeMap<String, Fragment>,
}

/// What a file below `_accounts/` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountPlace {
    /// `<account>/<region>/stack.json`.
    Stack {
        /// The account.
        account: String,
        /// The Region.
        region: String,
    },
    /// `<account>/<region>/members/<name>.json`.
    Fragment {
        /// The account.
        account: String,
        /// The Region.
        region: String,
        /// The fragment's name.
        name: String,
    },
    /// What no built-in template makes.
    Other,
}

impl AccountPlace {
    /// Tells what a file is by its path below `_accounts/`.
    pub fn of(path: &str) -> Self {
        let parts: Vec<&str> = path.split('/').collect();
        let (account, region) = match parts.as_slice() {
            [account, region, ..] => ((*account).to_owned(), (*region).to_owned()),
            _ => return Self::Other,
        };
        match parts[2..] {
            ["stack.json"] => Self::Stack { account, region },
            ["members", file] => match file.strip_suffix(".json") {
                Some(name) => Self::Fragment {
                    account,
                    region,
                    name: name.to_owned(),
                },
                None => Self::Other,
            },
            _ => Self::Other,
        }
    }

    /// What it is, for a count of files.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Stack { .. } => "stacks of accounts",
            Self::Fragment { .. } => "fragments of accounts",
            Self::Other => "files of no known kind",
        }
    }
}

impl RenderedAccounts {
    /// Reads all files of `rendered/_accounts/`, the ownership file among them.
    /// All faults are returned together, sorted by path.
    pub fn read(tree: RenderedTree) -> Result<Self, Vec<ReadFault>> {
        let mut faults = Vec::new();
        let Some((ownership, files, foreign)) = owned(folder::ACCOUNTS, tree, &mut faults) else {
            return Err(faults);
        };
        let mut read = Self {
            ownership,
            regions: BTreeMap::new(),
            other: Files::new(),
            foreign,
        };
        for (path, bytes) in files {
            let text = path.to_string();
            if let Err(problems) = read.file(path, bytes) {
                faults.extend(problems.into_iter().map(|problem| fault(&text, problem)));
            }
        }
        finish(read, faults)
    }

    fn file(&mut self, path: TreePath, bytes: Vec<u8>) -> Result<(), Vec<ReadProblem>> {
        match AccountPlace::of(path.as_str()) {
            AccountPlace::Stack { account, region } => {
                let template: Value = parsed(&bytes)?;
                let distributor = account::distributor(&template).map_err(|faults| {
                    faults
                        .into_iter()
                        .map(ReadProblem::from)
                        .collect::<Vec<_>>()
                })?;
                let own = self.regions.entry((account, region)).or_default();
                own.template = Some(template);
                own.distributor = distributor;
            }
            AccountPlace::Fragment {
                account,
                region,
                name,
            } => {
                let fragment = parsed(&bytes)?;
                let own = self.regions.entry((account, region)).or_default();
                own.fragments.insert(name, fragment);
            }
            AccountPlace::Other => {
                self.other.insert(path, bytes);
            }
        }
        Ok(())
    }
}

fn parsed<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Vec<ReadProblem>> {
    serde_json::from_slice(bytes).map_err(|error| vec![json(&error)])
}
