//! Passwords that were wrong a moment ago.

use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use foldhash::quality::RandomState;
use moka::{policy::EvictionPolicy, sync::Cache};

use super::{asked::Asked, key::Key};
use crate::ports::Verdict;

/// Refusals by name. Strangers add to them as they like, so they have a room of their own, in which
/// each name has a few places.
pub(super) struct Refused {
    cache: Cache<Key, Arc<Mutex<Passwords>>, RandomState>,
    lifetime: Duration,
}

/// How many wrong passwords are remembered of a name: a client that has an old one repeats that, and
/// whoever guesses never sends one twice.
const PER_NAME: usize = 8;

/// Of one name; the oldest first.
#[derive(Default)]
struct Passwords(VecDeque<Wrong>);

struct Wrong {
    credentials: Key,
    is_unknown: bool,
    asked: Asked,
}

impl Refused {
    pub(super) fn new(names: NonZeroUsize, lifetime: Duration) -> Self {
        let cache = Cache::builder()
            .max_capacity(u64::try_from(names.get()).unwrap_or(u64::MAX))
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(RandomState::default());
        Self { cache, lifetime }
    }

    /// The verdict on these credentials, if there is one that holds `now`.
    pub(super) fn find(&self, name: &Key, credentials: &Key, now: &Asked) -> Option<Verdict> {
        if self.lifetime.is_zero() {
            return None;
        }
        let passwords = self.cache.get(name)?;
        let passwords = lock(&passwords);
        let found = passwords.0.iter().find(|wrong| wrong.credentials == *credentials)?;
        let holds = found.asked.is_within(self.lifetime, now.at) && found.asked.still_holds(now);
        holds.then_some(match found.is_unknown {
            true => Verdict::UnknownUser,
            false => Verdict::WrongPassword,
        })
    }

    /// Keeps that the password was wrong, or, if it `is_unknown`, that nobody has that name.
    pub(super) fn insert(&self, name: Key, credentials: Key, is_unknown: bool, asked: Asked) {
        if self.lifetime.is_zero() {
            return;
        }
        let passwords = self.cache.get(&name).unwrap_or_default();
        {
            let mut passwords = lock(&passwords);
            passwords.0.retain(|wrong| wrong.credentials != credentials);
            if passwords.0.len() >= PER_NAME {
                passwords.0.pop_front();
            }
            passwords.0.push_back(Wrong { credentials, is_unknown, asked });
        }
        self.cache.insert(name, passwords);
    }

    pub(super) fn clear(&self) {
        self.cache.invalidate_all();
    }

    /// How many names there are, roughly.
    pub(super) fn len(&self) -> u64 {
        self.cache.entry_count()
    }
}

/// A list that a panic has left is still one of refusals.
fn lock(passwords: &Mutex<Passwords>) -> MutexGuard<'_, Passwords> {
    passwords.lock().unwrap_or_else(PoisonError::into_inner)
}
