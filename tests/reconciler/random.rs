//! Whatever happens to a fleet and to a server: after an apply, nothing is left to do, and what somebody else made is as it was.

use std::collections::BTreeSet;

use logfleet_contract::index::Kind;
use logfleet_contract::server::Backend;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

use crate::fleet::Fleet;
use crate::model::Model;
use crate::program::Program;

const CLUSTERS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

/// What happens between two runs.
#[derive(Clone, Debug)]
enum Event {
    Add(usize),
    Remove(usize),
    /// Somebody deletes an object of security.
    Delete(Index),
    /// Somebody changes one.
    Change(Index),
    Rotate(usize),
    /// The inventory is lost.
    Lose,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..CLUSTERS.len()).prop_map(Event::Add),
        (0..CLUSTERS.len()).prop_map(Event::Remove),
        any::<Index>().prop_map(Event::Delete),
        any::<Index>().prop_map(Event::Change),
        (0..CLUSTERS.len()).prop_map(Event::Rotate),
        Just(Event::Lose),
    ]
}

fn security(backend: Backend) -> [Kind; 2] {
    match backend {
        Backend::Opensearch => [Kind::OpensearchRole, Kind::OpensearchRoleMapping],
        Backend::Elasticsearch => [Kind::Role, Kind::RoleMapping],
    }
}

struct Life {
    model: Model,
    fleet: Fleet,
    program: Program,
    there: BTreeSet<&'static str>,
}

impl Life {
    fn happens(&mut self, event: &Event) {
        match event {
            Event::Add(cluster) => {
                let cluster = CLUSTERS[*cluster];
                if self.there.insert(cluster) {
                    self.fleet.add(self.model.backend, cluster);
                }
            }
            Event::Remove(cluster) => {
                let cluster = CLUSTERS[*cluster];
                if self.there.remove(cluster) {
                    self.fleet.remove(cluster);
                }
            }
            Event::Delete(which) | Event::Change(which) => {
                let kinds = security(self.model.backend);
                let all: Vec<(Kind, String)> = {
                    let state = self.model.state.lock().unwrap();
                    let of = |kind: Kind| {
                        state
                            .objects
                            .get(&kind)
                            .into_iter()
                            .flatten()
                            .map(move |(name, _)| (kind, name.clone()))
                    };
                    kinds
                        .into_iter()
                        .flat_map(of)
                        .filter(|(_, name)| name != "somebody")
                        .collect()
                };
                if all.is_empty() {
                    return;
                }
                let (kind, name) = which.get(&all);
                let changed =
                    matches!(event, Event::Change(_)).then(|| json!({ "description": "by hand" }));
                self.model.set(*kind, name, changed);
            }
            Event::Rotate(cluster) => {
                let name = format!("{}/main", CLUSTERS[*cluster]);
                let secret = format!("logfleet/{name}");
                if self.there.contains(CLUSTERS[*cluster])
                    && self.program.store.current(&secret).is_some()
                {
                    // Where the last one isn't over it is refused.
                    self.program.run(&["rotate", "--credential", &name]);
                }
            }
            Event::Lose => self.model.lose_inventory(),
        }
    }

    /// Applies, with all that was confirmed.
    fn applies(&self) {
        let gone: Vec<String> = CLUSTERS
            .iter()
            .filter(|cluster| !self.there.contains(*cluster))
            .map(|cluster| format!("--removed={cluster}"))
            .collect();
        let known = |argument: &&String| {
            self.model
                .inventory()
                .to_string()
                .contains(argument.trim_start_matches("--removed="))
        };
        let mut arguments = vec!["apply"];
        arguments.extend(gone.iter().filter(known).map(String::as_str));
        let ended = self.program.run(&arguments);
        if ended.code == 1 {
            // What nobody lists any more is taken back, and a user by the stored password.
            let plan = self.program.run(&["plan"]);
            let hints = plan.out.split("reconciler adopt one ").skip(1);
            let paths: BTreeSet<String> = hints
                .map(|hint| hint.split([',', ' ', '\n']).next().unwrap().to_owned())
                .collect();
            let mut adopt = vec!["adopt", "one"];
            adopt.extend(paths.iter().map(String::as_str));
            assert!(!paths.is_empty(), "{}\n{}", plan.out, ended.err);
            self.program.expect(0, &adopt);
            self.program.expect(0, &arguments);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn after_an_apply_nothing_is_left_to_do(
        is_opensearch in any::<bool>(),
        events in prop::collection::vec(prop::collection::vec(event(), 1..4), 1..5),
    ) {
        let backend = if is_opensearch { Backend::Opensearch } else { Backend::Elasticsearch };
        let model = Model::start(backend);
        let fleet = Fleet::empty();
        let program = Program::new(backend, &model.played.url(), &fleet.root());
        let role = security(backend)[0];
        let theirs = json!({ "description": "somebody's" });
        model.set(role, "somebody", Some(theirs.clone()));
        let mut life = Life { model, fleet, program, there: BTreeSet::new() };
        for events in &events {
            for event in events {
                life.happens(event);
            }
            life.applies();
            life.program.expect(0, &["plan"]);
            life.model.played.requests();
            life.program.expect(0, &["apply"]);
            prop_assert!(life.model.played.requests().iter().all(|request| !request.writes()));
            let objects = life.model.objects();
            prop_assert_eq!(&objects[&format!("{}/somebody", role.api())], &theirs);
            for cluster in &life.there {
                for path in life.fleet.objects(cluster).keys().filter(|path| !path.contains("user")) {
                    prop_assert!(objects.contains_key(path), "{} is missing", path);
                }
                let (user, password) = life.program.store.current(&format!("logfleet/{cluster}/main")).unwrap();
                prop_assert_eq!(life.model.password(&user), Some(password));
            }
        }
    }
}
