//! Limits connections that have not authenticated yet.
//!
//! Whoever has not logged in must not be able to use up the proxy's sockets. A connection is a
//! newcomer from its first byte until its first request has passed the authentication layer; then
//! it counts no more. It has [`ADMISSION_TIME`] for that, whatever it does meanwhile. Somebody who
//! has to type a password first holds no connection while typing.
//!
//! Past the limit of its peer a new connection is answered 503 and closed. When all places are
//! taken, the peer that holds the most gives up its oldest one: a few peers cannot lock the others
//! out.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    future,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// Newcomers in the whole process.
pub(crate) const MAX_NEWCOMERS: usize = 1024;

/// Newcomers of one peer: an IPv4 address or an IPv6 /64 network.
pub(crate) const MAX_NEWCOMERS_PER_PEER: usize = 256;

/// How long a connection may remain a newcomer.
pub(crate) const ADMISSION_TIME: Duration = Duration::from_secs(60);

/// Knows the newcomers. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Newcomers {
    places: Arc<Mutex<Places>>,
}

#[derive(Debug, Default)]
struct Places {
    /// How many newcomers there have ever been: a higher number is younger.
    arrived: u64,
    taken: usize,
    /// The newcomers of each peer by number, each with what tells it to go. None is empty.
    per_peer: HashMap<IpAddr, BTreeMap<u64, Arc<Notify>>>,
}

/// The place of one newcomer, free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    newcomers: Newcomers,
    peer: IpAddr,
    number: u64,
    must_go: Arc<Notify>,
}

/// Lets the innermost service tell that a connection has authenticated. Clones share the slot.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    slot: Arc<Mutex<Option<Slot>>>,
    must_go: Arc<Notify>,
    start: Instant,
}

impl Newcomers {
    /// A place for a connection from `address`, or `None` past the limit of its peer.
    pub(crate) fn enter(&self, address: IpAddr) -> Option<Slot> {
        let peer = network(address);
        let mut places = self.lock();
        if places.per_peer.get(&peer).map_or(0, BTreeMap::len) >= MAX_NEWCOMERS_PER_PEER {
            return None;
        }
        if places.taken >= MAX_NEWCOMERS {
            places.make_room();
        }
        let number = places.arrived;
        places.arrived += 1;
        places.taken += 1;
        let must_go = Arc::new(Notify::new());
        places.per_peer.entry(peer).or_default().insert(number, Arc::clone(&must_go));
        Some(Slot { newcomers: self.clone(), peer, number, must_go })
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    /// Ends the oldest newcomer of the peer that has the most. There are [`MAX_NEWCOMERS`] peers at
    /// most to look at.
    fn make_room(&mut self) {
        let oldest = self.per_peer.iter().filter_map(|(peer, newcomers)| {
            let (number, _) = newcomers.first_key_value()?;
            Some((newcomers.len(), Reverse(*number), *peer))
        });
        if let Some((_, Reverse(number), peer)) = oldest.max()
            && let Some(must_go) = self.remove(peer, number)
        {
            // Kept for the connection until it asks.
            must_go.notify_one();
        }
    }

    fn remove(&mut self, peer: IpAddr, number: u64) -> Option<Arc<Notify>> {
        let newcomers = self.per_peer.get_mut(&peer)?;
        let removed = newcomers.remove(&number)?;
        if newcomers.is_empty() {
            self.per_peer.remove(&peer);
        }
        self.taken -= 1;
        Some(removed)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // Nothing is there when the place has been given to another connection.
        self.newcomers.lock().remove(self.peer, self.number);
    }
}

impl Admission {
    /// The time to be admitted starts now.
    pub(crate) fn new(slot: Slot) -> Self {
        let must_go = Arc::clone(&slot.must_go);
        Self { slot: Arc::new(Mutex::new(Some(slot))), must_go, start: Instant::now() }
    }

    /// A request has passed: the connection is a newcomer no more.
    pub(crate) fn passed(&self) {
        let slot = self.slot().take();
        drop(slot);
    }

    /// Ends when the connection must go: it is still a newcomer, and `limit` is over or its place
    /// is needed. Never ends for a connection that has passed.
    pub(crate) async fn denied(&self, limit: Duration) {
        tokio::select! {
            () = self.must_go.notified() => {}
            () = sleep_until(self.start + limit) => {}
        }
        let passed = self.slot().is_none();
        if passed {
            future::pending().await
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Slot>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One customer often has a whole IPv6 /64, so that is what counts as one peer.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_peer_cannot_take_all_places() {
        let newcomers = Newcomers::default();
        let slots: Vec<Slot> =
            std::iter::from_fn(|| newcomers.enter(address("192.0.2.1"))).take(5_000).collect();
        assert_eq!(slots.len(), MAX_NEWCOMERS_PER_PEER);
        assert!(newcomers.enter(address("192.0.2.2")).is_some());
        drop(slots);
        assert!(newcomers.enter(address("192.0.2.1")).is_some());
        assert!(newcomers.lock().per_peer.is_empty(), "nothing is kept of who has left");
        assert_eq!(newcomers.lock().taken, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_process_has_a_limit_too() {
        let newcomers = Newcomers::default();
        let mut admissions = (0..5_000_u32)
            .map_while(|n| newcomers.enter(IpAddr::V4(n.into())))
            .map(Admission::new)
            .collect::<Vec<_>>();
        assert_eq!((admissions.len(), newcomers.lock().taken), (5_000, MAX_NEWCOMERS));
        // Where all have the same, the oldest go.
        let remaining = admissions.split_off(5_000 - MAX_NEWCOMERS);
        for (admissions, told_to_go) in [(admissions, true), (remaining, false)] {
            for admission in admissions {
                assert_eq!(is_denied(&admission).await, told_to_go);
            }
        }
        assert_eq!(newcomers.lock().taken, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn regression_a_few_peers_cannot_lock_the_others_out() {
        let newcomers = Newcomers::default();
        let enter = |peer: &str| newcomers.enter(address(peer)).map(Admission::new);
        let mine = enter("192.0.2.1").expect("room");
        let mut theirs = Vec::new();
        for peer in ["192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"] {
            theirs.extend(std::iter::from_fn(|| enter(peer)).take(5_000));
        }
        let mine_too = enter("192.0.2.1").expect("room");
        for admission in [&mine, &mine_too] {
            assert!(!is_denied(admission).await, "who has few keeps them");
        }
        assert!(is_denied(theirs.first().expect("there are some")).await, "the oldest had to go");
        assert_eq!(newcomers.lock().taken, MAX_NEWCOMERS);
    }

    #[tokio::test(start_paused = true)]
    async fn regression_a_newcomer_has_a_deadline() {
        let newcomers = Newcomers::default();
        let enter = || Admission::new(newcomers.enter(address("192.0.2.1")).expect("room"));
        let (admitted, waiting, start) = (enter(), enter(), Instant::now());
        admitted.passed();
        waiting.denied(ADMISSION_TIME).await;
        assert_eq!(start.elapsed(), ADMISSION_TIME);
        assert!(timeout(ADMISSION_TIME, admitted.denied(ADMISSION_TIME)).await.is_err());
    }

    /// Whether the connection has been told to go before its time is over.
    async fn is_denied(admission: &Admission) -> bool {
        timeout(Duration::ZERO, admission.denied(ADMISSION_TIME)).await.is_ok()
    }

    #[test]
    fn who_has_passed_is_not_counted() {
        let newcomers = Newcomers::default();
        let admission = Admission::new(newcomers.enter(address("192.0.2.1")).expect("room"));
        admission.clone().passed();
        admission.passed();
        assert_eq!(newcomers.lock().taken, 0);
    }

    #[test]
    fn peers_are_ipv4_addresses_and_ipv6_networks() {
        for (one, other, same) in [
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
        ] {
            assert_eq!(network(address(one)) == network(address(other)), same, "{one} {other}");
        }
    }
}
