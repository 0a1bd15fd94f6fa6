//! The users who hold nonces of a shard.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::Arc,
};

use super::shard::Serial;
use crate::{identity::UserId, wire::Realm};

/// A user of a realm. The same name in another realm is another holder.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Holder {
    pub(super) realm: Realm,
    pub(super) user: UserId,
}

/// Every holder of at least one nonce, with the holder's nonces.
///
/// The nonces of a holder are only ever removed from the oldest on, so a heap is enough. Maps and
/// heaps shrink with what they hold: a holder who once had many nonces does not keep their memory.
#[derive(Default)]
pub(super) struct Holders(HashMap<Arc<Holder>, BinaryHeap<Reverse<Serial>>>);

impl Holders {
    /// Returns the oldest nonce of a holder who holds `quota` nonces or more.
    pub(super) fn oldest_at_quota(&self, holder: &Holder, quota: usize) -> Option<Serial> {
        let nonces = self.0.get(holder).filter(|nonces| nonces.len() >= quota)?;
        nonces.peek().map(|Reverse(oldest)| *oldest)
    }

    /// Adds a nonce to those of `holder`, and returns the shared copy of the holder.
    pub(super) fn insert(&mut self, holder: Holder, nonce: Serial) -> Arc<Holder> {
        let entry = self.0.entry(Arc::new(holder));
        let holder = Arc::clone(entry.key());
        entry.or_insert_with(|| BinaryHeap::with_capacity(1)).push(Reverse(nonce));
        holder
    }

    /// Removes the oldest nonce of `holder`, and the holder with the last one.
    pub(super) fn remove_oldest(&mut self, holder: &Holder) {
        let Some(nonces) = self.0.get_mut(holder) else { return };
        nonces.pop();
        let len = nonces.len();
        if len > 0 {
            if len <= nonces.capacity() / 4 {
                nonces.shrink_to(2 * len);
            }
            return;
        }
        self.0.remove(holder);
        if self.0.len() <= self.0.capacity() / 4 {
            self.0.shrink_to(2 * self.0.len());
        }
    }
}

#[cfg(test)]
impl Holders {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All nonces, each with its holder.
    pub(super) fn nonces(&self) -> impl Iterator<Item = (&Arc<Holder>, Serial)> {
        self.0
            .iter()
            .flat_map(|(holder, nonces)| nonces.iter().map(move |Reverse(nonce)| (holder, *nonce)))
    }

    /// The number of nonces of the holder with the most of them.
    pub(super) fn max_held(&self) -> usize {
        self.0.values().map(BinaryHeap::len).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nonce_store::memory::support::sent;

    fn holder(user: &str) -> Holder {
        let sent = sent(user, 0, 1);
        Holder { realm: sent.realm, user: sent.user }
    }

    fn nonce(issued: u64) -> Serial {
        sent("", issued, 1).to(|check| check.nonce.into())
    }

    #[test]
    fn the_memory_of_a_holder_shrinks_with_their_nonces() {
        let mut holders = Holders::default();
        for issued in (0..1_000).rev() {
            holders.insert(holder("alice"), nonce(issued));
        }
        for left in (1..1_000).rev() {
            holders.remove_oldest(&holder("alice"));
            assert_eq!(
                holders.oldest_at_quota(&holder("alice"), left),
                Some(nonce(1_000 - left as u64))
            );
            assert_eq!(holders.oldest_at_quota(&holder("alice"), left + 1), None);
            let room = holders.0[&holder("alice")].capacity();
            assert!(room < 4 * left || room == 1, "{room} for {left}");
        }
        holders.remove_oldest(&holder("alice"));
        assert_eq!((holders.len(), holders.0.capacity()), (0, 0));
    }

    #[test]
    fn the_map_shrinks_with_the_number_of_holders() {
        let mut holders = Holders::default();
        for user in 0..1_000 {
            holders.insert(holder(&user.to_string()), nonce(user));
        }
        for left in (0..1_000).rev() {
            holders.remove_oldest(&holder(&left.to_string()));
            let room = holders.0.capacity();
            assert!(room <= 4 * left + 3, "{room} for {left}");
        }
    }
}
