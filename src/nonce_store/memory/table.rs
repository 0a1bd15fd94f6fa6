//! Items in one vector, found by hash, called by a short key.
//!
//! The store keeps a million nonces in about a hundred bytes each. A map of the standard library
//! would keep every nonce twice (in the map and in the order of age) and up to half of its places
//! empty; here all links are 32-bit keys inside the items or beside them.

use std::num::NonZeroU32;

/// The place of an item in a [`Table`]; an `Option` of it takes four bytes too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(NonZeroU32);

impl Key {
    fn at(position: usize) -> Option<Self> {
        let number = u32::try_from(position).ok()?.checked_add(1)?;
        NonZeroU32::new(number).map(Self)
    }

    const fn position(self) -> usize {
        (self.0.get() - 1) as usize
    }
}

/// An item that lends a link to the chain of items of the same bucket.
pub(super) trait Chained {
    /// What belongs to an item and is kept beside it, because few look at it.
    type Beside: Copy + Default;

    /// The hash of what the item is found by. It must not change while the item is in a table.
    fn hash(&self) -> u32;
    /// Where the next item of the bucket is kept.
    fn next(&self) -> Option<Key>;
    /// The link itself.
    fn next_mut(&mut self) -> &mut Option<Key>;
}

/// A hash table with separate chains over a vector with a list of free places.
pub(super) struct Table<T: Chained> {
    /// `None` is a free place.
    items: Vec<Option<T>>,
    /// As many as there are places.
    besides: Vec<T::Beside>,
    free: Vec<Key>,
    /// The first item of each bucket; as many as a power of two, or none at all.
    buckets: Vec<Option<Key>>,
    len: usize,
    /// How many items there will be at most: what the vector need not grow past.
    limit: usize,
}

/// How many items there are for each bucket before there are more buckets.
const ITEMS_PER_BUCKET: usize = 2;

/// A table that has run empty keeps this many places and gives the rest back.
const KEPT_WHEN_EMPTY: usize = 64;

impl<T: Chained> Table<T> {
    /// An empty table that allocates nothing yet. `limit` guides its growth, it is not enforced.
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            items: Vec::new(),
            besides: Vec::new(),
            free: Vec::new(),
            buckets: Vec::new(),
            len: 0,
            limit,
        }
    }

    /// How many items there are.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The item at `key`, if there is one.
    pub(super) fn get(&self, key: Key) -> Option<&T> {
        self.items.get(key.position())?.as_ref()
    }

    /// The item at `key`, if there is one.
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.items.get_mut(key.position())?.as_mut()
    }

    /// What is kept beside the item at `key`. It means nothing if there is no item.
    pub(super) fn beside(&self, key: Key) -> T::Beside {
        self.besides.get(key.position()).copied().unwrap_or_default()
    }

    /// Changes what is kept beside the item at `key`.
    pub(super) fn set_beside(&mut self, key: Key, beside: T::Beside) {
        if let Some(place) = self.besides.get_mut(key.position()) {
            *place = beside;
        }
    }

    /// Where the item with this `hash` for which `matches` holds is kept.
    pub(super) fn find(&self, hash: u32, matches: impl Fn(&T) -> bool) -> Option<Key> {
        let mut cursor = *self.buckets.get(self.bucket_of(hash))?;
        while let Some(key) = cursor {
            let item = self.get(key)?;
            if item.hash() == hash && matches(item) {
                return Some(key);
            }
            cursor = item.next();
        }
        None
    }

    /// Adds an item and says where; `None`, and nothing done, when there is no key left for it.
    pub(super) fn insert(&mut self, item: T) -> Option<Key> {
        let key = match self.free.pop() {
            Some(key) => key,
            None => {
                let key = Key::at(self.items.len())?;
                self.make_room();
                self.items.push(None);
                self.besides.push(T::Beside::default());
                key
            }
        };
        if self.len >= self.buckets.len() * ITEMS_PER_BUCKET {
            self.rehash();
        }
        if let Some(place) = self.items.get_mut(key.position()) {
            *place = Some(item);
            self.set_beside(key, T::Beside::default());
            self.len += 1;
            self.link(key);
        }
        Some(key)
    }

    /// Takes the item at `key` out.
    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        self.unlink(key);
        let item = self.items.get_mut(key.position())?.take()?;
        self.free.push(key);
        self.len -= 1;
        if self.len == 0 && self.items.capacity() > KEPT_WHEN_EMPTY {
            *self = Self::new(self.limit);
        }
        Some(item)
    }

    const fn bucket_of(&self, hash: u32) -> usize {
        hash as usize & self.buckets.len().saturating_sub(1)
    }

    /// Puts the item at `key` at the head of its bucket.
    fn link(&mut self, key: Key) {
        let Some(hash) = self.get(key).map(T::hash) else { return };
        let bucket = self.bucket_of(hash);
        let Some(head) = self.buckets.get_mut(bucket) else { return };
        let next = head.replace(key);
        if let Some(item) = self.get_mut(key) {
            *item.next_mut() = next;
        }
    }

    /// Takes the item at `key` out of its bucket, if it is there.
    fn unlink(&mut self, key: Key) {
        let Some((hash, next)) = self.get(key).map(|item| (item.hash(), item.next())) else {
            return;
        };
        let bucket = self.bucket_of(hash);
        let Some(mut cursor) = self.buckets.get(bucket).copied().flatten() else { return };
        if cursor == key {
            if let Some(head) = self.buckets.get_mut(bucket) {
                *head = next;
            }
            return;
        }
        while let Some(item) = self.get_mut(cursor) {
            let link = item.next_mut();
            match *link {
                Some(found) if found == key => {
                    *link = next;
                    return;
                }
                Some(other) => cursor = other,
                None => return,
            }
        }
    }

    /// Grows by an eighth, not by half of what is there then: memory counts more than copying.
    fn make_room(&mut self) {
        let len = self.items.len();
        if len == self.items.capacity() {
            let left = self.limit.saturating_sub(len).max(1);
            let more = (len / 8).max(16).min(left);
            self.items.reserve_exact(more);
            self.besides.reserve_exact(more);
        }
    }

    /// Doubles the buckets.
    fn rehash(&mut self) {
        let count = (self.buckets.len() * 2).max(16);
        self.buckets.clear();
        self.buckets.reserve_exact(count);
        self.buckets.resize(count, None);
        for key in (0..self.items.len()).map_while(Key::at) {
            self.link(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    struct Item {
        value: u32,
        next: Option<Key>,
    }

    impl Chained for Item {
        type Beside = u32;

        fn hash(&self) -> u32 {
            hash(self.value)
        }
        fn next(&self) -> Option<Key> {
            self.next
        }
        fn next_mut(&mut self) -> &mut Option<Key> {
            &mut self.next
        }
    }

    /// Four values share each hash.
    fn hash(value: u32) -> u32 {
        value / 4
    }

    fn find(table: &Table<Item>, value: u32) -> Option<Key> {
        table.find(hash(value), |item| item.value == value)
    }

    #[test]
    fn gives_its_memory_back_when_it_runs_empty() {
        let mut table = Table::new(1_000);
        let keys: Vec<_> =
            (0..1_000).filter_map(|value| table.insert(Item { value, next: None })).collect();
        assert!(table.items.capacity() >= 1_000);
        for key in keys {
            table.remove(key);
        }
        assert_eq!((table.len(), table.items.capacity(), table.besides.capacity()), (0, 0, 0));
        assert_eq!(table.buckets.capacity(), 0);
    }

    #[test]
    fn does_not_grow_past_its_limit() {
        let mut table = Table::new(1_001);
        for value in 0..1_001 {
            table.insert(Item { value, next: None });
        }
        assert_eq!((table.items.capacity(), table.besides.capacity()), (1_001, 1_001));
    }

    #[test]
    fn grows_in_proportion_and_keeps_its_chains_short() {
        let mut table = Table::new(10_000);
        let mut sizes = std::collections::HashSet::new();
        for value in 0..10_000 {
            table.insert(Item { value, next: None });
            let (len, room) = (table.len(), table.items.capacity());
            assert!(room <= len + len / 8 + 16, "{room} for {len}");
            sizes.insert(room);
        }
        assert!(sizes.len() < 80, "moved {} times", sizes.len());
        let buckets = table.buckets.len();
        assert!(buckets.is_power_of_two() && (5_000..=10_000).contains(&buckets), "{buckets}");
        for &first in &table.buckets {
            let chain = std::iter::successors(first, |&key| table.get(key)?.next);
            assert!(chain.count() <= 8, "only those that share a hash");
        }
    }

    proptest! {
        #[test]
        fn finds_what_was_inserted_and_nothing_else(
            steps in prop::collection::vec((any::<bool>(), 0..120_u32), 1..600),
        ) {
            let mut table = Table::new(120);
            let mut model = HashMap::new();
            for (insert, value) in steps {
                match (insert, find(&table, value)) {
                    (true, None) => {
                        let key = table.insert(Item { value, next: None }).unwrap();
                        prop_assert_eq!(table.beside(key), 0, "nothing is left of another item");
                        table.set_beside(key, value + 1);
                        model.insert(value, key);
                    }
                    (false, Some(key)) => {
                        prop_assert_eq!(table.remove(key).map(|item| item.value), Some(value));
                        model.remove(&value);
                    }
                    _ => {}
                }
                prop_assert_eq!(table.len(), model.len());
                for value in 0..120 {
                    prop_assert_eq!(find(&table, value), model.get(&value).copied());
                }
                for (value, &key) in &model {
                    prop_assert_eq!(table.beside(key), value + 1);
                }
            }
        }
    }
}
