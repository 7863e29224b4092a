//! Which of several runs does what. Pure.
//!
//! What is shared out are targets: servers and accounts of AWS, whole. Everything of a server hangs together by its
//! inventory, which one run holds while it works, and everything of an account by its stacks and by the rate at which
//! AWS takes requests. So two runs never need the same inventory, and no entry of it can get lost between them.
//!
//! Which run a target belongs to is found by rendezvous hashing: each run has a number for each target, and the highest
//! wins. With one more run only targets of that one move, and with one fewer only those that it had
//! (Thaler and Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996).

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// One of several runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u16,
    of: u16,
}

impl Shard {
    /// Whether a server belongs to this run.
    pub fn has_server(self, name: &str) -> bool {
        self.has(&format!("server/{name}"))
    }

    /// Whether an account of AWS does.
    pub fn has_account(self, account: &str) -> bool {
        self.has(&format!("aws/{account}"))
    }

    fn has(self, target: &str) -> bool {
        let winner = (0..self.of).max_by_key(|index| weight(*index, target));
        winner == Some(self.index)
    }
}

/// A number that looks random, the same in every release.
fn weight(index: u16, target: &str) -> [u8; 32] {
    Sha256::digest(format!("{index} {target}")).into()
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` isn't `I/N`, such as `0/3` for the first of three");
        let (index, of) = text.split_once('/').ok_or_else(wrong)?;
        let index = index.parse().map_err(|_| wrong())?;
        let of = of.parse().map_err(|_| wrong())?;
        if index >= of {
            return Err(format!(
                "`{text}`: with {of} shards the last is {}",
                i32::from(of) - 1
            ));
        }
        Ok(Self { index, of })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn owner(target: &str, of: u16) -> u16 {
        let owners: Vec<u16> = (0..of)
            .filter(|index| Shard { index: *index, of }.has(target))
            .collect();
        assert_eq!(owners.len(), 1, "{target} belongs to {owners:?} of {of}");
        owners[0]
    }

    proptest! {
        #[test]
        fn each_target_belongs_to_one_run_and_moves_to_a_new_one_only(target in ".{0,40}", of in 1_u16..40) {
            let (before, after) = (owner(&target, of), owner(&target, of + 1));
            prop_assert!(after == before || after == of, "{before} of {of}, {after} of {}", of + 1);
        }
    }

    #[test]
    fn targets_are_shared_out_evenly() {
        let mut counts = [0; 4];
        for account in 0..4000 {
            counts[usize::from(owner(&format!("aws/{account:012}"), 4))] += 1;
        }
        assert!(
            counts.iter().all(|count| (900..1100).contains(count)),
            "{counts:?}"
        );
    }

    /// A release that shares out otherwise would let two runs of different releases work at one target.
    #[test]
    fn what_belongs_to_whom_stays_so_in_every_release() {
        let owners: Vec<u16> = ["server/a", "server/logs.example.com", "aws/111122223333"]
            .iter()
            .map(|target| owner(target, 5))
            .collect();
        assert_eq!(owners, [3, 2, 2]);
    }

    #[test]
    fn a_shard_is_written_as_two_numbers() {
        assert_eq!(
            "2/3".parse::<Shard>().map(|shard| shard.to_string()),
            Ok("2/3".to_owned())
        );
        for text in ["", "3", "3/3", "0/0", "-1/2", "a/2", "1/2/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
