//! The wanted step: which stacks there are to be. Pure.
//!
//! Stacks of members come second ([`Wanted::add_members`]): which members there are is observed.

use std::collections::{BTreeMap, BTreeSet};

use logfleet_contract::members::{self, Call, Fragment, Member, compose};
use logfleet_contract::names;
use logfleet_contract::rendered::{RenderedAccounts, RenderedCluster};
use serde_json::Value;

use super::members::{Query, Tagged, filter_of};
use super::place::{Kind, Place, StackKey};
use super::settings::Aws;
use super::template::Template;
use crate::fault::Fault;

/// What is rendered.
#[derive(Clone, Copy, Debug)]
pub struct Rendered<'r> {
    /// Clusters.
    pub clusters: &'r BTreeMap<String, RenderedCluster>,
    /// Accounts, if anything is rendered for some.
    pub accounts: Option<&'r RenderedAccounts>,
}

/// What is to be in AWS.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// The stacks.
    pub stacks: BTreeMap<StackKey, WantedStack>,
    /// What members of clusters get.
    pub clusters: BTreeMap<String, ClusterInAws>,
    /// What members of all clusters of an account get, by the fragments' names.
    pub shared: BTreeMap<Place, BTreeMap<String, Fragment>>,
    /// What is set by API, by place and cluster.
    pub calls: BTreeMap<Place, Vec<WantedCall>>,
}

/// A stack that is to be there.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedStack {
    /// The cluster; none for an account's.
    pub cluster: Option<String>,
    /// What it is of.
    pub kind: Kind,
    /// Its template.
    pub template: Template,
}

/// What a cluster has in AWS.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterInAws {
    /// Its account and its own Region.
    pub place: Place,
    /// Its resource groups, by Region.
    pub groups: BTreeMap<String, Query>,
    /// What members get, by the fragments' names.
    pub fragments: BTreeMap<String, Fragment>,
}

/// Something that CloudFormation can't own.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedCall {
    /// The cluster that wants it.
    pub cluster: String,
    /// What is called, and for which member.
    pub call: Call,
}

/// What was observed of members.
#[derive(Clone, Debug, Default)]
pub struct ObservedMembers {
    /// Tagged resources of each place.
    pub tagged: BTreeMap<Place, Vec<Tagged>>,
    /// In which stack each member is, by the place and the cluster; of an account's own, without a cluster. It is known
    /// only where there is more than one.
    pub placed: BTreeMap<(Place, Option<String>), BTreeMap<String, usize>>,
}

impl Wanted {
    /// Sorts what is rendered by places, or tells everything that can't be deployed.
    pub fn of(rendered: Rendered<'_>, settings: &Aws) -> Result<Self, Vec<Fault>> {
        let mut wanted = Self::default();
        let mut faults = Vec::new();
        for (cluster, own) in rendered.clusters {
            wanted.add_cluster(cluster, own, settings, &mut faults);
        }
        if let Some(accounts) = rendered.accounts {
            for ((account, region), own) in &accounts.regions {
                let place = Place::new(account, region);
                let file = format!("rendered/_accounts/{account}/{region}");
                if let Some(template) = &own.template {
                    let file = format!("{file}/stack.json");
                    wanted.add(
                        &file,
                        &place,
                        names::account_stack(),
                        Kind::Account,
                        None,
                        template,
                        &mut faults,
                    );
                }
                if !own.fragments.is_empty() {
                    wanted.shared.insert(place, own.fragments.clone());
                }
            }
        }
        faults.sort();
        if faults.is_empty() {
            Ok(wanted)
        } else {
            Err(faults)
        }
    }

    /// Keeps what is in some accounts.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.stacks.retain(|key, _| keep(&key.place.account));
        self.clusters.retain(|_, own| keep(&own.place.account));
        self.shared.retain(|place, _| keep(&place.account));
        self.calls.retain(|place, _| keep(&place.account));
    }

    fn add_cluster(
        &mut self,
        cluster: &str,
        own: &RenderedCluster,
        settings: &Aws,
        faults: &mut Vec<Fault>,
    ) {
        if own.stacks.is_empty() && own.machines_stack.is_none() && own.fragments.is_empty() {
            return;
        }
        let Some(place) = place_of(cluster, own, settings) else {
            faults.push(
                Fault::new(
                    format!("rendered/{cluster}"),
                    "nothing says which account and Region it is in",
                )
                .hint(format!(
                    "set `account` and `region` in `aws.clusters.{cluster}` of the settings"
                )),
            );
            return;
        };
        let mut groups = BTreeMap::new();
        for (region, stack) in &own.stacks {
            let file = format!("rendered/{cluster}/aws/{region}/stack.json");
            let there = Place::new(&place.account, region);
            self.add(
                &file,
                &there,
                names::region_stack(cluster),
                Kind::Region,
                Some(cluster),
                &stack.template,
                faults,
            );
            match Query::of(&stack.template) {
                Ok(query) => groups.extend(query.map(|query| (region.clone(), query))),
                Err(error) => faults.push(Fault::new(file, error.to_string())),
            }
        }
        if let Some(template) = &own.machines_stack {
            let file = format!("rendered/{cluster}/machines/stack.json");
            self.add(
                &file,
                &place,
                names::machines_stack(cluster),
                Kind::Machines,
                Some(cluster),
                template,
                faults,
            );
        }
        for (name, fragment) in &own.fragments {
            if fragment.members.is_empty() && filter_of(&fragment.member_type).is_none() {
                faults.push(
                    Fault::new(
                        format!("rendered/{cluster}/aws/members/{name}.json"),
                        format!("members of type {} can't be listed", fragment.member_type),
                    )
                    .hint("name them in `members` of the fragment"),
                );
            }
        }
        let in_aws = ClusterInAws {
            place,
            groups,
            fragments: own.fragments.clone(),
        };
        self.clusters.insert(cluster.to_owned(), in_aws);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is another part of the stack"
    )]
    fn add(
        &mut self,
        file: &str,
        place: &Place,
        name: String,
        kind: Kind,
        cluster: Option<&str>,
        template: &Value,
        faults: &mut Vec<Fault>,
    ) {
        let template = match Template::of(template) {
            Ok(template) => template,
            Err(error) => return faults.push(Fault::new(file, error.to_string())),
        };
        let key = StackKey {
            place: place.clone(),
            name,
        };
        let stack = WantedStack {
            cluster: cluster.map(ToOwned::to_owned),
            kind,
            template,
        };
        if let Some(other) = self.stacks.get(&key) {
            let of = other.cluster.as_deref().unwrap_or("the account");
            faults.push(
                Fault::new(
                    file,
                    format!(
                        "its stack would have the name `{}`, as would that of {of}",
                        key.name
                    ),
                )
                .hint("give the clusters names that differ in more than `-` and `.`"),
            );
            return;
        }
        self.stacks.insert(key, stack);
    }

    /// Where stacks may be.
    pub fn places(&self) -> BTreeSet<Place> {
        let stacks = self.stacks.keys().map(|key| key.place.clone());
        let fragments = self.clusters.values().flat_map(|cluster| {
            let regions = cluster
                .fragments
                .values()
                .map(|fragment| fragment.region.clone());
            regions.map(|region| Place::new(&cluster.place.account, region))
        });
        stacks
            .chain(fragments)
            .chain(self.shared.keys().cloned())
            .collect()
    }

    /// The types of members that are to be listed, by the places of the groups that they may be in.
    pub fn listed_types(&self) -> BTreeMap<Place, BTreeSet<&'static str>> {
        let mut types: BTreeMap<Place, BTreeSet<&'static str>> = BTreeMap::new();
        for cluster in self.clusters.values() {
            for region in cluster.groups.keys() {
                let place = Place::new(&cluster.place.account, region);
                let filters = cluster
                    .fragments
                    .values()
                    .filter_map(|fragment| filter_of(&fragment.member_type));
                types.entry(place).or_default().extend(filters);
            }
        }
        types.retain(|_, filters| !filters.is_empty());
        types
    }

    /// Adds the stacks of members, and what is set by API for them.
    pub fn add_members(&mut self, observed: &ObservedMembers) -> Result<(), Vec<Fault>> {
        let mut faults = Vec::new();
        let members: BTreeMap<String, BTreeSet<Member>> = self
            .clusters
            .iter()
            .map(|(name, cluster)| (name.clone(), members_of(cluster, observed)))
            .collect();
        for (name, cluster) in self.clusters.clone() {
            let mut by_region: BTreeMap<&str, Vec<Fragment>> = BTreeMap::new();
            for fragment in cluster.fragments.values() {
                by_region
                    .entry(&fragment.region)
                    .or_default()
                    .push(fragment.clone());
            }
            for (region, fragments) in by_region {
                let composing = Composing {
                    place: Place::new(&cluster.place.account, region),
                    cluster: Some(name.clone()),
                    fragments,
                };
                composing.add_to(self, &members[&name], observed, &mut faults);
            }
        }
        for (place, shared) in self.shared.clone() {
            let of_place = self
                .clusters
                .iter()
                .filter(|(_, own)| own.place.account == place.account);
            let here: Vec<(BTreeMap<String, Fragment>, &BTreeSet<Member>)> = of_place
                .map(|(name, own)| {
                    let here = own
                        .fragments
                        .iter()
                        .filter(|(_, fragment)| fragment.region == place.region);
                    let here = here.map(|(name, fragment)| (name.clone(), fragment.clone()));
                    (here.collect(), &members[name])
                })
                .collect();
            match members::join(
                &shared,
                here.iter()
                    .map(|(fragments, members)| (fragments, *members)),
            ) {
                Ok(fragments) => {
                    let composing = Composing {
                        place,
                        cluster: None,
                        fragments,
                    };
                    composing.add_to(self, &BTreeSet::new(), observed, &mut faults);
                }
                Err(error) => faults.push(Fault::new(
                    format!("rendered/_accounts/{place}"),
                    error.to_string(),
                )),
            }
        }
        faults.sort();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }
}

/// Fragments of one place, on their way into stacks.
struct Composing {
    place: Place,
    cluster: Option<String>,
    fragments: Vec<Fragment>,
}

impl Composing {
    fn add_to(
        self,
        wanted: &mut Wanted,
        members: &BTreeSet<Member>,
        observed: &ObservedMembers,
        faults: &mut Vec<Fault>,
    ) {
        let file = match &self.cluster {
            Some(cluster) => format!("rendered/{cluster}/aws/members"),
            None => format!("rendered/_accounts/{}/members", self.place),
        };
        let none = BTreeMap::new();
        let key = (self.place.clone(), self.cluster.clone());
        let placed = observed.placed.get(&key).unwrap_or(&none);
        let composition = match compose(&self.fragments, members, placed) {
            Ok(composition) => composition,
            Err(error) => return faults.push(Fault::new(file, error.to_string())),
        };
        for (number, template) in composition.stacks.iter().enumerate() {
            // One that became empty keeps its number, but CloudFormation takes no template without resources.
            if template["Resources"]
                .as_object()
                .is_none_or(serde_json::Map::is_empty)
            {
                continue;
            }
            let (name, kind) = match &self.cluster {
                Some(cluster) => (names::members_stack(cluster, number), Kind::Members),
                None => (names::account_members_stack(number), Kind::AccountMembers),
            };
            wanted.add(
                &file,
                &self.place,
                name,
                kind,
                self.cluster.as_deref(),
                template,
                faults,
            );
        }
        let Some(cluster) = self.cluster else {
            for call in &composition.calls {
                faults.push(Fault::new(
                    &file,
                    format!("{} can't be called for an account", call.call.action),
                ));
            }
            return;
        };
        let calls = composition.calls.into_iter().map(|call| WantedCall {
            cluster: cluster.clone(),
            call,
        });
        let calls: Vec<WantedCall> = calls.collect();
        if !calls.is_empty() {
            wanted.calls.entry(self.place).or_default().extend(calls);
        }
    }
}

/// The members of a cluster in all Regions.
fn members_of(cluster: &ClusterInAws, observed: &ObservedMembers) -> BTreeSet<Member> {
    let found = cluster.groups.iter().flat_map(|(region, query)| {
        let place = Place::new(&cluster.place.account, region);
        query.members(observed.tagged.get(&place).into_iter().flatten())
    });
    found.collect()
}

/// Where a cluster is: its forwarder is told so; where there is none, the settings say.
fn place_of(cluster: &str, own: &RenderedCluster, settings: &Aws) -> Option<Place> {
    let told = own.stacks.values().find_map(|stack| {
        let told = &stack.forwarder.as_ref()?.configuration.cluster;
        Some(Place::new(&told.account, &told.region))
    });
    told.or_else(|| settings.clusters.get(cluster).cloned())
}
