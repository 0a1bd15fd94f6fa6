//! The end of loops in which a client is told "stale" for ever.

use std::{
    collections::HashMap,
    mem,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{clock::Timestamp, identity::UserId, scheme::Realm};

/// After this long without a stale answer the count starts again.
pub(crate) const QUIET: Duration = Duration::from_secs(10);

/// How many clients one of the two generations remembers.
const GENERATION: usize = 4_096;

/// Counts the stale answers in a row to each user of a realm at each address.
///
/// Two kinds of loop are told apart, because whoever has seen a header of somebody else can send it
/// again for ever: its digest stays right. One kind uses each new nonce and is refused each time.
/// It counts for the user, and cannot be made of headers that were seen. The other repeats one
/// nonce; it counts for that nonce alone, so that it does not shut out its owner.
///
/// At most twice 4,096 streaks are kept: when a generation is full the one before is forgotten,
/// which costs a loop some more rounds.
#[derive(Debug)]
pub(crate) struct StaleLimit {
    limit: NonZeroU32,
    is_empty: AtomicBool,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    current: HashMap<Loop, Streak>,
    previous: HashMap<Loop, Streak>,
}

/// Who goes round in a loop.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Client {
    pub(crate) realm: Realm,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) user: UserId,
}

/// The client, and the nonce where it is always the same.
type Loop = (Client, Option<u64>);

/// The nonce that a stale answer is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StaleNonce {
    /// Tells it from others, more or less.
    pub(crate) tag: u64,
    /// When it was issued, if it is ours.
    pub(crate) issued: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Streak {
    answers: u32,
    last: Timestamp,
    /// The newest nonce of the streak.
    newest: Timestamp,
}

impl StaleLimit {
    pub(crate) fn new(limit: NonZeroU32) -> Self {
        Self { limit, is_empty: AtomicBool::new(true), generations: Mutex::default() }
    }

    /// Records a stale answer. Says whether it is one too many.
    pub(crate) fn strike(&self, client: Client, nonce: StaleNonce, now: Timestamp) -> bool {
        let mut client = client;
        client.peer = client.peer.map(network);
        let mut generations = self.lock();
        let by_user = (client, None);
        let is_newer = |streak: &Streak| nonce.issued.is_some_and(|issued| issued > streak.newest);
        let streak = generations.find(&by_user, now);
        let is_next = streak.map_or(nonce.issued.is_some(), is_newer);
        let key = if is_next { by_user } else { (by_user.0, Some(nonce.tag)) };
        let before = generations.take(&key, now);
        let answers = before.map_or(0, |streak| streak.answers).saturating_add(1);
        let newest = nonce.issued.unwrap_or_default();
        generations.insert(key, Streak { answers, last: now, newest });
        self.is_empty.store(false, Ordering::Relaxed);
        answers > self.limit.get()
    }

    /// Ends the user's streak: they got through.
    pub(crate) fn clear(&self, client: impl FnOnce() -> Client) {
        // A streak that another thread begins at this moment may stay: it then ends one later.
        if self.is_empty.load(Ordering::Relaxed) {
            return;
        }
        let mut client = client();
        client.peer = client.peer.map(network);
        let mut generations = self.lock();
        generations.remove(&(client, None));
        let is_empty = generations.current.is_empty() && generations.previous.is_empty();
        self.is_empty.store(is_empty, Ordering::Relaxed);
    }

    /// Counts are worth having after a panic elsewhere too.
    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    /// The streak, unless it has been quiet for too long.
    fn find(&self, key: &Loop, now: Timestamp) -> Option<&Streak> {
        let found = self.current.get(key).or_else(|| self.previous.get(key));
        found.filter(|streak| now.saturating_since(streak.last) < QUIET)
    }

    fn take(&mut self, key: &Loop, now: Timestamp) -> Option<Streak> {
        let found = self.find(key, now).copied();
        self.remove(key);
        found
    }

    fn remove(&mut self, key: &Loop) {
        self.current.remove(key);
        self.previous.remove(key);
    }

    fn insert(&mut self, key: Loop, streak: Streak) {
        if self.current.len() >= GENERATION {
            self.previous = mem::take(&mut self.current);
        }
        self.current.insert(key, streak);
    }
}

/// One subscriber often has a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(limit: u32) -> StaleLimit {
        StaleLimit::new(NonZeroU32::new(limit).unwrap())
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn client(peer: &str, user: &str) -> Client {
        let realm = Realm::new("proxy").unwrap();
        Client { realm, peer: peer.parse().ok(), user: UserId::new(user) }
    }

    /// The nonce that was issued at that second.
    fn nonce(issued: u64) -> StaleNonce {
        StaleNonce { tag: issued, issued: Some(at(issued)) }
    }

    const FOREIGN: StaleNonce = StaleNonce { tag: u64::MAX, issued: None };

    #[test]
    fn a_streak_of_new_nonces_past_the_limit_is_one_too_many_until_it_is_quiet() {
        let (limit, alice) = (limit(2), client("::1", "alice"));
        let strikes = [0, 1, 2, 3, 12, 13, 23];
        let strikes = strikes.map(|s| limit.strike(alice.clone(), nonce(s), at(s)));
        assert_eq!(strikes, [false, false, true, true, true, true, false]);
    }

    #[test]
    fn a_nonce_that_is_repeated_is_one_too_many_for_itself_alone() {
        for (repeated, first) in [(nonce(5), 1), (FOREIGN, 0)] {
            let (limit, alice) = (limit(2), client("::1", "alice"));
            let strikes = [20; 5].map(|s| limit.strike(alice.clone(), repeated, at(s)));
            let expected = [0, 1, 2, 3, 4].map(|answers| answers - first >= 2);
            assert_eq!(strikes, expected);
            assert!(!limit.strike(alice.clone(), nonce(6), at(20)), "the owner goes on");
            assert!(limit.strike(alice, repeated, at(20)));
        }
    }

    #[test]
    fn getting_through_ends_a_streak() {
        let (limit, alice) = (limit(1), client("", "alice"));
        assert!(!limit.strike(alice.clone(), nonce(1), at(9)));
        limit.clear(|| alice.clone());
        assert!(!limit.strike(alice.clone(), nonce(2), at(9)));
        assert!(limit.strike(alice, nonce(3), at(9)));
    }

    #[test]
    fn realms_users_and_networks_are_counted_apart() {
        let limit = limit(1);
        let mut issued = 0;
        let mut strike = |client: Client| {
            issued += 1;
            limit.strike(client, nonce(issued), at(9))
        };
        assert!(!strike(client("2001:db8::1", "alice")));
        assert!(!strike(client("2001:db8::1", "bob")));
        assert!(!strike(client("2001:db8:0:1::1", "alice")));
        assert!(!strike(client("192.0.2.1", "alice")));
        assert!(!strike(client("192.0.2.2", "alice")));
        let other = Realm::new("other").unwrap();
        assert!(!strike(Client { realm: other, ..client("192.0.2.1", "alice") }));
        assert!(strike(client("2001:db8::2", "alice")));
        assert!(strike(client("::ffff:192.0.2.1", "alice")));
    }

    #[test]
    fn remembers_a_bounded_number_of_streaks() {
        let limit = limit(1);
        for number in 0..5 * GENERATION {
            limit.strike(client("", &number.to_string()), nonce(1), at(9));
        }
        let generations = limit.lock();
        assert!(generations.current.len() <= GENERATION);
        assert!(generations.previous.len() <= GENERATION);
        drop(generations);
        let last = client("", &(5 * GENERATION - 1).to_string());
        assert!(limit.strike(last, nonce(2), at(9)));
    }
}
