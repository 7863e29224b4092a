//! A secret store in memory, which fails when it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use logfleet_reconciler::credential::Layout;
use logfleet_reconciler::fault::Fault;
use logfleet_reconciler::store::{Secret, SecretStore, Stored};
use secrecy::ExposeSecret;

#[derive(Default)]
struct State {
    secrets: BTreeMap<String, Stored>,
    calls: usize,
    /// The first call that fails, and whether it is done all the same.
    failing: Option<(usize, bool)>,
}

/// A store that all its clones share.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

impl Memory {
    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    /// Fails from a call on, which is done or isn't; none of them any more if there is none.
    pub fn fail(&self, from: Option<(usize, bool)>) {
        let mut state = self.0.lock().unwrap();
        state.calls = 0;
        state.failing = from;
    }

    /// What consumers are handed: user and password.
    pub fn current(&self, name: &str) -> Option<(String, String)> {
        let state = self.0.lock().unwrap();
        let secret = state.secrets.get(name)?.current.as_ref()?;
        Some((
            secret.identifier.clone(),
            secret.value.expose_secret().to_owned(),
        ))
    }

    /// The certificates that consumers are handed.
    pub fn certificates(&self, name: &str) -> Option<String> {
        let state = self.0.lock().unwrap();
        let secret = state.secrets.get(name)?.current.as_ref()?;
        secret.ca_certificate.clone()
    }

    /// Every password that is in it.
    pub fn passwords(&self) -> Vec<String> {
        let state = self.0.lock().unwrap();
        let stored = state.secrets.values();
        let all = stored.flat_map(|stored| [&stored.current, &stored.pending, &stored.previous]);
        all.flatten()
            .map(|secret| secret.value.expose_secret().to_owned())
            .collect()
    }

    /// The names of all secrets.
    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().secrets.keys().cloned().collect()
    }

    fn call<T>(
        &self,
        name: &str,
        act: impl FnOnce(&mut State) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut state = self.0.lock().unwrap();
        let number = state.calls;
        state.calls += 1;
        let down = || Err(Fault::new(name, "the store is down"));
        match state.failing {
            Some((from, is_done)) if number >= from => {
                if is_done && number == from {
                    let _ = act(&mut state);
                }
                down()
            }
            _ => act(&mut state),
        }
    }
}

impl SecretStore for Memory {
    fn read(&self, name: &str, _: &Layout) -> Result<Stored, Fault> {
        self.call(name, |state| {
            Ok(state.secrets.get(name).cloned().unwrap_or_default())
        })
    }

    fn put_pending(&self, name: &str, _: &Layout, secret: &Secret) -> Result<(), Fault> {
        self.call(name, |state| {
            state.secrets.entry(name.to_owned()).or_default().pending = Some(secret.clone());
            Ok(())
        })
    }

    fn promote(&self, name: &str, _: &Layout, identifier: &str) -> Result<(), Fault> {
        self.call(name, |state| {
            let stored = state.secrets.entry(name.to_owned()).or_default();
            let is = |secret: &Option<Secret>| {
                secret
                    .as_ref()
                    .is_some_and(|secret| secret.identifier == identifier)
            };
            if is(&stored.pending) {
                stored.previous = stored.current.take();
                stored.current = stored.pending.take();
            }
            if is(&stored.current) {
                Ok(())
            } else {
                Err(Fault::new(name, "no such version"))
            }
        })
    }

    fn delete(&self, name: &str) -> Result<(), Fault> {
        self.call(name, |state| {
            state.secrets.remove(name);
            Ok(())
        })
    }
}
