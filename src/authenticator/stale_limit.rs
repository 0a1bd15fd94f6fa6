//! Limits consecutive `stale=true` responses per client.
//!
//! A client that gets `stale=true` tries again without asking its user. If the cause persists, such
//! as a proxy in between that replays old fields, it would retry without end. After a number of
//! stale answers in a row the 407 omits `stale`, and the client stops or asks its user.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hash, RandomState},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{clock::Timestamp, peer::PeerPrefix, user_id::UserId, wire::Realm};

/// A count expires after this time without a stale answer.
const QUIET: Duration = Duration::from_secs(10);

/// The maximum number of counted clients. One more, and all counts restart, so that loops last a
/// little longer.
const CAPACITY: usize = 8_192;

/// Counts the stale answers in a row for each user of a realm at each peer address.
#[derive(Debug)]
pub(super) struct StaleLimit {
    limit: u32,
    counts: Mutex<Counts>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Counts {
    clients: HashMap<Client, Count>,
    /// When expired counts were removed last.
    pruned: Timestamp,
}

/// A user at a peer address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Client {
    realm: Realm,
    peer: Option<IpAddr>,
    user: UserId,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    answers: u32,
    last: Timestamp,
    /// The hash of the field that was counted last.
    field: u64,
}

impl Client {
    /// Treats all IPv6 addresses of a /64, which one subscriber often has, as one peer.
    pub(super) fn new(realm: &Realm, peer: Option<IpAddr>, user: &UserId) -> Self {
        Self {
            realm: realm.clone(),
            peer: peer.map(|peer| PeerPrefix::DEFAULT.network(peer)),
            user: user.clone(),
        }
    }
}

impl StaleLimit {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, counts: Mutex::default(), hasher: RandomState::new() }
    }

    /// Counts a stale answer, and returns whether it may contain `stale=true`.
    ///
    /// An answer to the same `field` as the last one is not counted, so that a client that sends
    /// one captured field again and again cannot end `stale=true` for the user. One that captured
    /// several fields at the user's address can, until the user's next success.
    pub(super) fn allows(&self, client: Client, field: impl Hash, now: Timestamp) -> bool {
        let field = self.hasher.hash_one(field);
        let mut counts = self.lock();
        counts.remove_expired(now);
        if counts.clients.len() >= CAPACITY && !counts.clients.contains_key(&client) {
            counts.clients.clear();
        }
        let count = counts.clients.entry(client).or_insert(Count { answers: 0, last: now, field });
        if now.saturating_since(count.last) >= QUIET {
            count.answers = 0;
        }
        if count.answers == 0 || count.field != field {
            count.answers = count.answers.saturating_add(1);
        }
        (count.last, count.field) = (now, field);
        count.answers <= self.limit
    }

    /// Removes the count of a client that has succeeded.
    pub(super) fn clear(&self, client: impl FnOnce() -> Client) {
        let mut counts = self.lock();
        if !counts.clients.is_empty() {
            counts.clients.remove(&client());
        }
    }

    /// Ignores poisoning: counts stay useful after a panic elsewhere.
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn remove_expired(&mut self, now: Timestamp) {
        if now.saturating_since(self.pruned) >= QUIET {
            self.clients.retain(|_, count| now.saturating_since(count.last) < QUIET);
            self.pruned = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn client(peer: &str, user: &str) -> Client {
        Client::new(&Realm::new("proxy").unwrap(), peer.parse().ok(), &UserId::new(user))
    }

    #[test]
    fn ends_a_loop_until_the_client_is_quiet() {
        let limit = StaleLimit::new(2);
        let fields = [(0, 1), (1, 2), (2, 3), (11, 4), (21, 5), (22, 6), (23, 7)];
        let allowed =
            fields.map(|(second, field)| limit.allows(client("::1", "alice"), field, at(second)));
        assert_eq!(allowed, [true, true, false, false, true, true, false]);
    }

    #[test]
    fn does_not_count_repetitions_of_a_field() {
        let limit = StaleLimit::new(2);
        for _ in 0..200 {
            assert!(limit.allows(client("::1", "alice"), 7, at(20)));
        }
        assert!(limit.allows(client("::1", "alice"), 8, at(20)));
        assert!(!limit.allows(client("::1", "alice"), 9, at(20)));
    }

    #[test]
    fn a_success_ends_the_count() {
        let limit = StaleLimit::new(1);
        assert!(limit.allows(client("", "alice"), 1, at(20)));
        limit.clear(|| client("", "alice"));
        assert!(limit.allows(client("", "alice"), 2, at(20)));
        limit.clear(|| client("", "bob"));
        assert!(!limit.allows(client("", "alice"), 3, at(20)));
    }

    #[test]
    fn counts_realms_users_and_networks_apart() {
        let limit = StaleLimit::new(1);
        let mut field = 0;
        let mut allows = |client| {
            field += 1;
            limit.allows(client, field, at(20))
        };
        let other = Realm::new("other").unwrap();
        for first in [
            client("2001:db8::1", "alice"),
            client("2001:db8::1", "bob"),
            client("2001:db8:0:1::1", "alice"),
            client("192.0.2.1", "alice"),
            client("192.0.2.2", "alice"),
            Client { realm: other, ..client("192.0.2.1", "alice") },
        ] {
            assert!(allows(first.clone()), "{first:?}");
        }
        assert!(!allows(client("2001:db8::2", "alice")));
        assert!(!allows(client("::ffff:192.0.2.1", "alice")));
    }

    #[test]
    fn regression_a_counted_client_clears_no_counts() {
        let limit = StaleLimit::new(1);
        for user in 0..CAPACITY {
            limit.allows(client("", &user.to_string()), 1, at(20));
        }
        assert!(!limit.allows(client("", "0"), 2, at(20)));
        assert_eq!(limit.lock().clients.len(), CAPACITY);
        assert!(limit.allows(client("", "another"), 1, at(20)));
        assert_eq!(limit.lock().clients.len(), 1);
    }

    #[test]
    fn keeps_a_bounded_number_of_counts_and_none_when_quiet() {
        let limit = StaleLimit::new(1);
        for user in 0..3 * CAPACITY + 5 {
            limit.allows(client("", &user.to_string()), 1, at(20));
            assert!(limit.lock().clients.len() <= CAPACITY);
        }
        limit.allows(client("", "alice"), 1, at(29));
        assert!(limit.lock().clients.len() > 1);
        limit.allows(client("", "bob"), 1, at(40));
        assert_eq!(limit.lock().clients.len(), 1);
    }
}
