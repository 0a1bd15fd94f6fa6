//! A limited number of places for connections, shared fairly among their owners.
//!
//! An owner with the maximum number of places cannot take another one. When all places are taken,
//! the owner with the most places loses the oldest one, so a few owners cannot lock out the others.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// The places for one kind of connection. Clones share them.
#[derive(Debug)]
pub(crate) struct Places<K>(Arc<Shared<K>>);

#[derive(Debug)]
struct Shared<K> {
    limits: Limits,
    state: Mutex<State<K>>,
}

/// The maximum numbers of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) total: usize,
    pub(crate) per_owner: usize,
}

#[derive(Debug)]
struct State<K> {
    /// The number of the next place.
    next: u64,
    count: usize,
    /// The places of each owner by number, each with a token that evicts it. No owner is empty.
    owners: HashMap<K, BTreeMap<u64, CancellationToken>>,
}

/// One place, which is released on drop.
#[derive(Debug)]
pub(crate) struct Place<K: Clone + Eq + Hash> {
    places: Places<K>,
    owner: K,
    number: u64,
    evicted: CancellationToken,
}

impl<K: Clone + Eq + Hash> Places<K> {
    pub(crate) fn new(limits: Limits) -> Self {
        let state = State { next: 0, count: 0, owners: HashMap::new() };
        Self(Arc::new(Shared { limits, state: Mutex::new(state) }))
    }

    /// Takes a place; `None` above the limit of `owner`. `evicted` is cancelled when the place is
    /// lost.
    pub(crate) fn add(&self, owner: K, evicted: CancellationToken) -> Option<Place<K>> {
        let limits = self.0.limits;
        let mut state = self.lock();
        if state.owners.get(&owner).map_or(0, BTreeMap::len) >= limits.per_owner {
            return None;
        }
        if state.count >= limits.total {
            state.evict();
        }
        let number = state.next;
        state.next += 1;
        state.count += 1;
        state.owners.entry(owner.clone()).or_default().insert(number, evicted.clone());
        Some(Place { places: self.clone(), owner, number, evicted })
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Clone for Places<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Clone + Eq + Hash> State<K> {
    /// Evicts the oldest place of the owner that has the most.
    fn evict(&mut self) {
        let oldest = self.owners.iter().filter_map(|(owner, places)| {
            let (number, _) = places.first_key_value()?;
            Some((places.len(), Reverse(*number), owner))
        });
        let heaviest = oldest.max_by_key(|(count, number, _)| (*count, *number));
        if let Some((_, Reverse(number), owner)) = heaviest
            && let Some(evicted) = self.remove(&owner.clone(), number)
        {
            evicted.cancel();
        }
    }

    fn remove(&mut self, owner: &K, number: u64) -> Option<CancellationToken> {
        let places = self.owners.get_mut(owner)?;
        let removed = places.remove(&number)?;
        if places.is_empty() {
            self.owners.remove(owner);
        }
        self.count -= 1;
        Some(removed)
    }
}

impl<K: Clone + Eq + Hash> Place<K> {
    /// The token that is cancelled when the place is lost.
    pub(crate) const fn evicted(&self) -> &CancellationToken {
        &self.evicted
    }
}

impl<K: Clone + Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        // Removes nothing if the place has been lost.
        self.places.lock().remove(&self.owner, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { total: 100, per_owner: 40 };

    fn add(places: &Places<u32>, owner: u32) -> Option<Place<u32>> {
        places.add(owner, CancellationToken::new())
    }

    #[test]
    fn limits_the_places_of_one_owner() {
        let places = Places::new(LIMITS);
        let taken: Vec<_> = std::iter::from_fn(|| add(&places, 1)).take(5_000).collect();
        assert_eq!(taken.len(), LIMITS.per_owner);
        assert!(add(&places, 2).is_some());
        drop(taken);
        assert!(add(&places, 1).is_some());
        assert!(places.lock().owners.is_empty(), "released places leave nothing behind");
        assert_eq!(places.lock().count, 0);
    }

    #[test]
    fn evicts_the_oldest_place_among_equal_owners() {
        let places = Places::new(LIMITS);
        let taken: Vec<_> = (0..5_000).map_while(|owner| add(&places, owner)).collect();
        assert_eq!((taken.len(), places.lock().count), (5_000, LIMITS.total));
        for (number, place) in taken.iter().enumerate() {
            let is_old = number < 5_000 - LIMITS.total;
            assert_eq!(place.evicted().is_cancelled(), is_old, "{number}");
        }
        drop(taken);
        assert_eq!(places.lock().count, 0);
    }

    #[test]
    fn regression_a_few_owners_cannot_lock_out_the_others() {
        let places = Places::new(LIMITS);
        let first = add(&places, 1).expect("a place");
        let mut greedy = Vec::new();
        for owner in 2..6 {
            greedy.extend(std::iter::from_fn(|| add(&places, owner)).take(5_000));
        }
        let second = add(&places, 1).expect("a place");
        for place in [&first, &second] {
            assert!(!place.evicted().is_cancelled(), "an owner with few places keeps them");
        }
        assert!(greedy.first().expect("not empty").evicted().is_cancelled());
        assert_eq!(places.lock().count, LIMITS.total);
    }
}
