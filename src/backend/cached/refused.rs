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

/// Refusals by name. Strangers add to them as they like, so they have a room of their own, in which
/// each name has a few places.
pub(super) struct Refused {
    cache: Cache<Key, Arc<Mutex<Passwords>>, RandomState>,
    lifetime: Duration,
}

/// How many wrong passwords are remembered of a name: a client that has an old one repeats that,
/// and whoever guesses never sends one twice.
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

    /// Whether that was refused, if it was and that holds `now`: `true` for an unknown user.
    pub(super) fn find(&self, name: &Key, credentials: &Key, now: &Asked) -> Option<bool> {
        if self.lifetime.is_zero() {
            return None;
        }
        let passwords = self.cache.get(name)?;
        let passwords = lock(&passwords);
        let found = passwords.0.iter().find(|wrong| wrong.credentials == *credentials)?;
        let holds = found.asked.is_within(self.lifetime, now.at) && found.asked.still_holds(now);
        holds.then_some(found.is_unknown)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    const ASKED: Asked =
        Asked { at: Timestamp::from_micros(5_000_000), revision: 0, invalidations: 0, last: 0 };

    fn key(number: u32) -> Key {
        let mut key = Key::default();
        key[..4].copy_from_slice(&number.to_be_bytes());
        key
    }

    #[test]
    fn a_million_names_take_no_more_places_than_there_are() {
        let refused = Refused::new(NonZeroUsize::new(1_000).unwrap(), Duration::from_secs(5));
        let mut most = 0;
        for number in 0..1_000_000 {
            refused.insert(key(number), key(number), true, ASKED);
            if number % 1_000 == 0 {
                most = most.max(refused.cache.iter().count());
            }
        }
        // What has been put in waits for a moment to be counted.
        assert!(most < 2_000, "{most}");
        refused.cache.run_pending_tasks();
        assert_eq!(refused.len(), 1_000);
        assert!(refused.find(&key(999_999), &key(999_999), &ASKED).is_some());
    }

    #[test]
    fn a_name_has_eight_places_and_a_password_takes_one() {
        let refused = Refused::new(NonZeroUsize::new(10).unwrap(), Duration::from_secs(5));
        let name = key(1_000_000);
        for password in [1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9] {
            refused.insert(name, key(password), false, ASKED);
        }
        let known = |password| refused.find(&name, &key(password), &ASKED).is_some();
        assert_eq!([1, 2, 3, 9].map(known), [false, true, true, true]);
        assert_eq!(refused.find(&name, &key(9), &ASKED), Some(false));
        assert!(refused.find(&key(2), &key(2), &ASKED).is_none());
    }
}
