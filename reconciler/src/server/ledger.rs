//! The inventory in the server, and who works with it. IO.
//!
//! It is one document. Every writing names the version it was made from
//! (`if_seq_no`, `if_primary_term`), so of two runs one is refused: it stops, and says who
//! else works. A run that died leaves its name behind; others take it for dead
//! after [`LEASE`], which each writing of a living run extends.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::client::{Client, RequestError};
use crate::fault::Fault;
use crate::inventory::{FORMAT, Inventory, Run};
use crate::random;

/// The index. Its name matches no pattern of a stream.
pub const INDEX: &str = "logfleet-inventory";

/// How long a run is taken for living after it wrote.
pub const LEASE: SignedDuration = SignedDuration::from_mins(10);

/// The inventory and its version in the server; no version if there is none yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// What it says.
    pub inventory: Inventory,
    version: Option<(u64, u64)>,
}

/// A ledger that nobody else writes.
#[derive(Debug)]
pub struct Held<'a> {
    server: &'a str,
    client: &'a Client,
    ledger: Ledger,
    run: Run,
}

fn document() -> String {
    format!("{INDEX}/_doc/inventory")
}

impl Ledger {
    /// Reads it.
    pub fn read(server: &str, client: &Client) -> Result<Self, Fault> {
        let Some(answer) = client
            .find(&document())
            .map_err(|error| error.fault(server))?
        else {
            return Ok(Self::default());
        };
        let place = || format!("{server}/{}", document());
        let format = answer["_source"]["logfleet_inventory"].as_u64();
        if format.is_some_and(|format| format > FORMAT) {
            return Err(
                Fault::new(place(), "a newer release of reconciler wrote the inventory")
                    .hint("use that release"),
            );
        }
        let inventory = serde_json::from_value(answer["_source"].clone()).map_err(|error| {
            Fault::new(place(), format!("the inventory is corrupt: {error}")).hint(
                "delete the document; all objects then count as somebody else's until you take them back with `reconciler adopt --all-equal`",
            )
        })?;
        let version = |key: &str| answer[key].as_u64();
        let version = version("_seq_no").zip(version("_primary_term"));
        Ok(Self { inventory, version })
    }

    /// Makes sure that nobody else works at the server until [`Held::release`].
    pub fn hold<'a>(
        self,
        server: &'a str,
        client: &'a Client,
        taken_over: Option<&str>,
        now: Timestamp,
    ) -> Result<Held<'a>, Fault> {
        if let Some(other) = &self.inventory.run
            && other.until > now
            && taken_over != Some(other.id.as_str())
        {
            return Err(Fault::new(
                server,
                format!(
                    "another run is in progress here: {}, since {}",
                    other.id, other.since
                ),
            )
            .hint(format!(
                "wait for it; if it is dead, wait until {}, or take over with --take-over {}",
                other.until, other.id
            )));
        }
        let run = Run {
            id: random::hex(6)?,
            since: now,
            until: now,
        };
        if self.version.is_none() {
            make_index(client).map_err(|error| error.fault(server))?;
        }
        let mut held = Held {
            server,
            client,
            ledger: self,
            run,
        };
        held.save(now)?;
        Ok(held)
    }
}

/// One shard, and a replica where there is a second node; nothing in it is searched.
fn make_index(client: &Client) -> Result<(), RequestError> {
    let body = json!({
        "settings": { "index": { "number_of_shards": 1, "auto_expand_replicas": "0-1", "hidden": true } },
        "mappings": { "enabled": false },
    });
    match client.send("PUT", INDEX, Some(&body)) {
        Err(RequestError::Refused {
            status: 400,
            reason,
            ..
        }) if reason.contains("exists") => Ok(()),
        result => result.map(drop),
    }
}

impl Held<'_> {
    /// The inventory.
    pub fn inventory(&mut self) -> &mut Inventory {
        &mut self.ledger.inventory
    }

    /// Writes what it says now.
    pub fn save(&mut self, now: Timestamp) -> Result<(), Fault> {
        self.run.until = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        self.ledger.inventory.run = Some(self.run.clone());
        self.write()
    }

    /// Writes what it says, and lets others work.
    pub fn release(mut self, now: Timestamp) -> Result<Inventory, Fault> {
        self.ledger.inventory.run = None;
        self.ledger.inventory.changed = Some(now);
        self.write()?;
        Ok(self.ledger.inventory)
    }

    fn write(&mut self) -> Result<(), Fault> {
        self.ledger.inventory.nonce = random::hex(8)?;
        let body = serde_json::to_value(&self.ledger.inventory)
            .map_err(|error| Fault::new(self.server, error.to_string()))?;
        let condition = match self.ledger.version {
            Some((number, term)) => format!("if_seq_no={number}&if_primary_term={term}"),
            None => "op_type=create".to_owned(),
        };
        let path = format!("{}?{condition}", document());
        let answer = match self.client.send("PUT", &path, Some(&body)) {
            Ok(answer) => answer,
            Err(error) if error.status() == Some(409) => self.written_after_all()?,
            Err(error) => return Err(error.fault(self.server)),
        };
        let version = |key: &str| answer[key].as_u64();
        self.ledger.version = version("_seq_no").zip(version("_primary_term"));
        Ok(())
    }

    /// A request whose answer was lost was sent again, and met itself.
    fn written_after_all(&self) -> Result<Value, Fault> {
        let there = self
            .client
            .get(&document())
            .map_err(|error| error.fault(self.server))?;
        if there["_source"]["nonce"] == self.ledger.inventory.nonce.as_str() {
            return Ok(there);
        }
        let other = there["_source"]["run"]["id"]
            .as_str()
            .unwrap_or("which is over");
        Err(Fault::new(
            self.server,
            format!("another run changed the inventory meanwhile ({other}), so this one stops"),
        )
        .hint("run it again when the other one is done"))
    }
}
