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

use crate::{clock::Timestamp, identity::UserId, wire::Realm};

/// After this long without a stale answer the count starts again.
pub(crate) const QUIET: Duration = Duration::from_secs(10);

/// How many clients one of the two generations remembers.
const GENERATION: usize = 4_096;

/// Counts the stale answers in a row to each user of a realm at each address.
///
/// Whoever has seen a header of somebody else can send it again for ever: its digest stays right.
/// So only what such a one cannot make counts for the user: a newer nonce, or a higher count of the
/// same one. A header that is repeated counts for itself, and does not shut out its owner.
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

/// The client, and what it sticks to: a nonce that is not ours, or a header.
type Loop = (Client, Option<u64>);

/// Credentials that were right but for their nonce.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StaleCredentials {
    /// Tells the whole header from others.
    pub(crate) header: u64,
    /// Tells the nonce from others.
    pub(crate) nonce: u64,
    /// When the nonce was issued, if it is ours.
    pub(crate) issued: Option<Timestamp>,
    /// The nonce-count.
    pub(crate) count: u32,
}

#[derive(Clone, Copy, Debug)]
struct Streak {
    /// How many answers were each to something newer than the one before.
    answers: u32,
    /// When the last of them was given.
    last: Timestamp,
    /// Issue time and count of the newest.
    newest: (Timestamp, u32),
    /// The header of the newest, and how often it came.
    header: u64,
    repeats: u32,
}

impl StaleLimit {
    pub(crate) fn new(limit: NonZeroU32) -> Self {
        Self { limit, is_empty: AtomicBool::new(true), generations: Mutex::default() }
    }

    /// Records a stale answer. Says whether it is one too many.
    pub(crate) fn strike(&self, client: Client, sent: StaleCredentials, now: Timestamp) -> bool {
        let client = Client { peer: client.peer.map(network), ..client };
        let newest = (sent.issued.unwrap_or_default(), sent.count);
        let mut key = (client, sent.issued.is_none().then_some(sent.nonce));
        let mut generations = self.lock();
        let mut streak = generations.take(&key, now);
        if let Some(known) = streak.filter(|streak| newest <= streak.newest) {
            if known.header == sent.header {
                let repeats = known.repeats.saturating_add(1);
                generations.insert(key, Streak { repeats, last: now, ..known });
                return repeats > self.limit.get();
            }
            generations.insert(key.clone(), known);
            key.1 = Some(sent.header);
            streak = generations.take(&key, now);
        }
        let answers = streak.map_or(0, |streak| streak.answers).saturating_add(1);
        let header = sent.header;
        generations.insert(key, Streak { answers, last: now, newest, header, repeats: 1 });
        self.is_empty.store(false, Ordering::Relaxed);
        answers > self.limit.get()
    }

    /// Ends the user's streak: they got through.
    pub(crate) fn clear(&self, client: impl FnOnce() -> Client) {
        // A streak that another thread begins at this moment may stay: it then ends one later.
        if self.is_empty.load(Ordering::Relaxed) {
            return;
        }
        let client = client();
        let client = Client { peer: client.peer.map(network), ..client };
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
    /// Takes out the streak; `None` if it has been quiet for too long.
    fn take(&mut self, key: &Loop, now: Timestamp) -> Option<Streak> {
        let current = self.current.remove(key);
        let found = current.or(self.previous.remove(key));
        found.filter(|streak| now.saturating_since(streak.last) < QUIET)
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

    /// The first use of the nonce that was issued at that second.
    fn nonce(issued: u64) -> StaleCredentials {
        let header = 1_000 * issued;
        StaleCredentials { header, nonce: issued, issued: Some(at(issued)), count: 1 }
    }

    /// A later use of the same nonce.
    fn counted(sent: StaleCredentials, count: u32) -> StaleCredentials {
        StaleCredentials { header: sent.header + u64::from(count), count, ..sent }
    }

    fn foreign() -> StaleCredentials {
        StaleCredentials { issued: None, ..nonce(3) }
    }

    #[track_caller]
    fn strikes(limit: &StaleLimit, sent: impl IntoIterator<Item = StaleCredentials>) -> Vec<bool> {
        let alice = || client("::1", "alice");
        sent.into_iter().map(|sent| limit.strike(alice(), sent, at(20))).collect()
    }

    #[test]
    fn a_streak_past_the_limit_is_one_too_many_until_it_is_quiet() {
        let (limit, alice) = (limit(2), client("::1", "alice"));
        let strikes = [0, 1, 2, 3, 12, 13, 23];
        let strikes = strikes.map(|s| limit.strike(alice.clone(), nonce(s), at(s)));
        assert_eq!(strikes, [false, false, true, true, true, true, false]);
    }

    #[test]
    fn new_nonces_and_higher_counts_are_loops() {
        for sent in [
            [nonce(1), nonce(2), nonce(3), nonce(4)],
            [2, 3, 4, 5].map(|count| counted(nonce(1), count)),
            [2, 3, 4, 5].map(|count| counted(foreign(), count)),
            [nonce(1), counted(nonce(1), 2), nonce(2), counted(nonce(2), 9)],
            [nonce(5); 4],
            [foreign(); 4],
        ] {
            assert_eq!(strikes(&limit(2), sent), [false, false, true, true], "{sent:?}");
        }
    }

    #[test]
    fn regression_a_header_that_was_seen_cannot_shut_out_its_owner() {
        for seen in [nonce(5), counted(nonce(5), 7), foreign()] {
            let limit = limit(3);
            let repeated = strikes(&limit, [seen; 9]);
            assert_eq!(repeated, [0, 1, 2, 3, 4, 5, 6, 7, 8].map(|answers| answers >= 3));
            let owner = [counted(seen, 8), nonce(6)];
            assert_eq!(strikes(&limit, owner), [false, false], "{seen:?}");
            assert!(strikes(&limit, [seen; 4]).last().unwrap());
        }
        // Nor can several, in whatever order.
        let limit = limit(3);
        let seen = [nonce(1), nonce(2), counted(nonce(2), 2)];
        for _ in 0..9 {
            strikes(&limit, seen.into_iter().chain(seen.into_iter().rev()));
        }
        assert_eq!(strikes(&limit, [nonce(3)]), [true], "three and one are too many");
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
