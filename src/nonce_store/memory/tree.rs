//! Nonces in the order of their issue: a treap whose links lie beside the entries.
//!
//! Nonces come nearly in order, but a client may collect them and use the newest first, so a list
//! searched from its end would let one user slow everybody down. A search tree that is a heap of
//! keyed hashes at the same time stays shallow whatever the order: its shape is that of a tree
//! filled in random order, and nobody outside can know or choose the hashes.

use super::{
    entry::{Entry, Links},
    table::{Key, Table},
};
use crate::wire::digest::NonceId;

/// Which of the two trees of a shard: each entry is in both kinds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tree {
    /// Of all nonces.
    Shard,
    /// Of the nonces of one user.
    Holder,
}

/// The root of a tree; `None` is the empty tree.
pub(super) type Root = Option<Key>;

impl Tree {
    /// The oldest nonce of the tree.
    pub(super) fn oldest(self, entries: &Table<Entry>, root: Root) -> Option<Key> {
        let mut oldest = root?;
        while let Some(earlier) = self.links(entries, oldest).earlier {
            oldest = earlier;
        }
        Some(oldest)
    }

    /// The tree with the entry at `key`, which must not be in it yet.
    pub(super) fn insert(self, entries: &mut Table<Entry>, root: Root, key: Key) -> Root {
        let Some(top) = root else {
            self.set_links(entries, key, Links::default());
            return Some(key);
        };
        if priority(entries, key) > priority(entries, top) {
            let (earlier, later) = self.split(entries, root, nonce(entries, key));
            self.set_links(entries, key, Links { earlier, later });
            return Some(key);
        }
        let mut links = self.links(entries, top);
        if nonce(entries, key) < nonce(entries, top) {
            links.earlier = self.insert(entries, links.earlier, key);
        } else {
            links.later = self.insert(entries, links.later, key);
        }
        self.set_links(entries, top, links);
        Some(top)
    }

    /// The tree without the entry at `key`.
    pub(super) fn remove(self, entries: &mut Table<Entry>, root: Root, key: Key) -> Root {
        let top = root?;
        let mut links = self.links(entries, top);
        if top == key {
            return self.join(entries, links.earlier, links.later);
        }
        if nonce(entries, key) < nonce(entries, top) {
            links.earlier = self.remove(entries, links.earlier, key);
        } else {
            links.later = self.remove(entries, links.later, key);
        }
        self.set_links(entries, top, links);
        Some(top)
    }

    /// Two trees: what was issued before `at`, and the rest.
    fn split(self, entries: &mut Table<Entry>, root: Root, at: Option<NonceId>) -> (Root, Root) {
        let Some(top) = root else { return (None, None) };
        let mut links = self.links(entries, top);
        if nonce(entries, top) < at {
            let (earlier, later) = self.split(entries, links.later, at);
            links.later = earlier;
            self.set_links(entries, top, links);
            (Some(top), later)
        } else {
            let (earlier, later) = self.split(entries, links.earlier, at);
            links.earlier = later;
            self.set_links(entries, top, links);
            (earlier, Some(top))
        }
    }

    /// One tree of two, of which the first holds only nonces older than those of the second.
    fn join(self, entries: &mut Table<Entry>, earlier: Root, later: Root) -> Root {
        let (Some(left), Some(right)) = (earlier, later) else { return earlier.or(later) };
        if priority(entries, left) > priority(entries, right) {
            let mut links = self.links(entries, left);
            links.later = self.join(entries, links.later, later);
            self.set_links(entries, left, links);
            Some(left)
        } else {
            let mut links = self.links(entries, right);
            links.earlier = self.join(entries, earlier, links.earlier);
            self.set_links(entries, right, links);
            Some(right)
        }
    }

    fn links(self, entries: &Table<Entry>, key: Key) -> Links {
        let places = entries.beside(key);
        match self {
            Self::Shard => places.in_shard,
            Self::Holder => places.in_holder,
        }
    }

    fn set_links(self, entries: &mut Table<Entry>, key: Key, links: Links) {
        let mut places = entries.beside(key);
        match self {
            Self::Shard => places.in_shard = links,
            Self::Holder => places.in_holder = links,
        }
        entries.set_beside(key, places);
    }

    /// All keys of the tree, the oldest nonce first. Fails where chance does not keep it flat.
    #[cfg(test)]
    pub(super) fn keys(self, entries: &Table<Entry>, root: Root) -> Vec<Key> {
        let Some(top) = root else { return Vec::new() };
        let links = self.links(entries, top);
        for child in [links.earlier, links.later].into_iter().flatten() {
            assert!(priority(entries, child) <= priority(entries, top), "a heap of priorities");
        }
        let mut keys = self.keys(entries, links.earlier);
        keys.push(top);
        keys.extend(self.keys(entries, links.later));
        keys
    }

    /// How many nodes lie on the longest way down.
    #[cfg(test)]
    pub(super) fn depth(self, entries: &Table<Entry>, root: Root) -> usize {
        let Some(top) = root else { return 0 };
        let links = self.links(entries, top);
        1 + self.depth(entries, links.earlier).max(self.depth(entries, links.later))
    }
}

fn nonce(entries: &Table<Entry>, key: Key) -> Option<NonceId> {
    entries.get(key).map(|entry| entry.nonce)
}

fn priority(entries: &Table<Entry>, key: Key) -> u32 {
    entries.get(key).map_or(0, |entry| entry.hash)
}
