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

use crate::{clock::Timestamp, identity::UserId};

/// After this long without a stale answer the count starts again.
pub(crate) const QUIET: Duration = Duration::from_secs(10);

/// How many clients one of the two generations remembers.
const GENERATION: usize = 4_096;

/// Counts the stale answers in a row to each user at each address.
///
/// Only who has proved to know a password is counted, and at most twice 4,096 of them: when a
/// generation is full the one before is forgotten, which costs a loop some more rounds.
#[derive(Debug)]
pub(crate) struct StaleLimit {
    limit: NonZeroU32,
    is_empty: AtomicBool,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    current: HashMap<Client, Streak>,
    previous: HashMap<Client, Streak>,
}

type Client = (Option<IpAddr>, UserId);

#[derive(Clone, Copy, Debug)]
struct Streak {
    answers: u32,
    last: Timestamp,
}

impl StaleLimit {
    pub(crate) fn new(limit: NonZeroU32) -> Self {
        Self { limit, is_empty: AtomicBool::new(true), generations: Mutex::default() }
    }

    /// Records a stale answer. Says whether it is one too many.
    pub(crate) fn strike(&self, peer: Option<IpAddr>, user: &UserId, now: Timestamp) -> bool {
        let client = (peer.map(network), user.clone());
        let mut generations = self.lock();
        let before =
            generations.take(&client).filter(|streak| now.saturating_since(streak.last) < QUIET);
        let answers = before.map_or(0, |streak| streak.answers).saturating_add(1);
        if generations.current.len() >= GENERATION {
            generations.previous = mem::take(&mut generations.current);
        }
        generations.current.insert(client, Streak { answers, last: now });
        self.is_empty.store(false, Ordering::Relaxed);
        answers > self.limit.get()
    }

    /// Ends the streak: the user got through.
    pub(crate) fn clear(&self, peer: Option<IpAddr>, user: &UserId) {
        // A streak that another thread begins at this moment may stay: it then ends one later.
        if self.is_empty.load(Ordering::Relaxed) {
            return;
        }
        let mut generations = self.lock();
        generations.take(&(peer.map(network), user.clone()));
        let is_empty = generations.current.is_empty() && generations.previous.is_empty();
        self.is_empty.store(is_empty, Ordering::Relaxed);
    }

    /// Counts are worth having after a panic elsewhere too.
    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn take(&mut self, client: &Client) -> Option<Streak> {
        let current = self.current.remove(client);
        current.or_else(|| self.previous.remove(client))
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

    fn peer(address: &str) -> Option<IpAddr> {
        Some(address.parse().unwrap())
    }

    #[test]
    fn a_streak_past_the_limit_is_one_too_many_until_it_is_quiet() {
        let (limit, alice) = (limit(2), UserId::new("alice"));
        let strikes = [0, 1, 2, 3, 12, 13, 23].map(|s| limit.strike(peer("::1"), &alice, at(s)));
        assert_eq!(strikes, [false, false, true, true, true, true, false]);
    }

    #[test]
    fn getting_through_ends_a_streak() {
        let (limit, alice) = (limit(1), UserId::new("alice"));
        assert!(!limit.strike(None, &alice, at(0)));
        limit.clear(None, &alice);
        assert!(!limit.strike(None, &alice, at(0)));
        assert!(limit.strike(None, &alice, at(0)));
    }

    #[test]
    fn users_and_networks_are_counted_apart() {
        let (limit, alice, bob) = (limit(1), UserId::new("alice"), UserId::new("bob"));
        assert!(!limit.strike(peer("2001:db8::1"), &alice, at(0)));
        assert!(!limit.strike(peer("2001:db8::1"), &bob, at(0)));
        assert!(!limit.strike(peer("2001:db8:0:1::1"), &alice, at(0)));
        assert!(!limit.strike(peer("192.0.2.1"), &alice, at(0)));
        assert!(!limit.strike(peer("192.0.2.2"), &alice, at(0)));
        assert!(limit.strike(peer("2001:db8::2"), &alice, at(0)));
        assert!(limit.strike(peer("::ffff:192.0.2.1"), &alice, at(0)));
    }

    #[test]
    fn remembers_a_bounded_number_of_clients() {
        let limit = limit(1);
        for number in 0..5 * GENERATION {
            limit.strike(None, &UserId::new(number.to_string()), at(0));
        }
        let generations = limit.lock();
        assert!(generations.current.len() <= GENERATION);
        assert!(generations.previous.len() <= GENERATION);
        drop(generations);
        let last = UserId::new((5 * GENERATION - 1).to_string());
        assert!(limit.strike(None, &last, at(0)));
    }
}
