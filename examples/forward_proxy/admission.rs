//! Limits connections that have not authenticated yet, so that they cannot use up the proxy's
//! sockets.
//!
//! A connection is *pending* until its first request has passed the authentication layer. It must
//! do so within [`ADMISSION_TIME`]. (While users type their passwords, clients keep no connection
//! open.)
//!
//! A new connection above the limit of its peer gets 503 and is closed. When all places are taken,
//! the peer with the most pending connections loses its oldest one, so a few peers cannot lock out
//! the others.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// The maximum number of pending connections.
pub(crate) const MAX_PENDING: usize = 1024;

/// The maximum number of pending connections of one peer: an IPv4 address or an IPv6 /64 network.
pub(crate) const MAX_PENDING_PER_PEER: usize = 256;

/// How long a connection may be pending.
pub(crate) const ADMISSION_TIME: Duration = Duration::from_secs(60);

/// The pending connections. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct PendingConnections(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// The number of the next connection.
    next: u64,
    count: usize,
    /// The connections of each peer by number, each with a token that evicts it. No peer is empty.
    peers: HashMap<IpAddr, BTreeMap<u64, CancellationToken>>,
}

/// The place of one pending connection, which is released on drop.
#[derive(Debug)]
pub(crate) struct Place {
    pending: PendingConnections,
    peer: IpAddr,
    number: u64,
    decided: CancellationToken,
}

/// The admission of a connection, shared by its clones.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    /// Empty once the connection has been admitted.
    place: Arc<Mutex<Option<Place>>>,
    /// Cancelled when the connection is admitted or evicted.
    decided: CancellationToken,
    deadline: Instant,
}

impl PendingConnections {
    /// Adds a connection from `address`; `None` above the limit of its peer.
    pub(crate) fn add(&self, address: IpAddr) -> Option<Place> {
        let peer = network(address);
        let mut state = self.lock();
        if state.peers.get(&peer).map_or(0, BTreeMap::len) >= MAX_PENDING_PER_PEER {
            return None;
        }
        if state.count >= MAX_PENDING {
            state.evict();
        }
        let number = state.next;
        state.next += 1;
        state.count += 1;
        let decided = CancellationToken::new();
        state.peers.entry(peer).or_default().insert(number, decided.clone());
        Some(Place { pending: self.clone(), peer, number, decided })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Evicts the oldest connection of the peer that has the most.
    fn evict(&mut self) {
        let oldest = self.peers.iter().filter_map(|(peer, connections)| {
            let (number, _) = connections.first_key_value()?;
            Some((connections.len(), Reverse(*number), *peer))
        });
        if let Some((_, Reverse(number), peer)) = oldest.max()
            && let Some(decided) = self.remove(peer, number)
        {
            decided.cancel();
        }
    }

    fn remove(&mut self, peer: IpAddr, number: u64) -> Option<CancellationToken> {
        let connections = self.peers.get_mut(&peer)?;
        let removed = connections.remove(&number)?;
        if connections.is_empty() {
            self.peers.remove(&peer);
        }
        self.count -= 1;
        Some(removed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Removes nothing if the connection has been evicted.
        self.pending.lock().remove(self.peer, self.number);
    }
}

impl Admission {
    /// Starts the time until [`ADMISSION_TIME`].
    pub(crate) fn new(place: Place) -> Self {
        let decided = place.decided.clone();
        let deadline = Instant::now() + ADMISSION_TIME;
        Self { place: Arc::new(Mutex::new(Some(place))), decided, deadline }
    }

    /// Admits the connection: a request has passed the authentication layer.
    pub(crate) fn grant(&self) {
        let place = self.place().take();
        if place.is_some() {
            self.decided.cancel();
        }
    }

    /// Waits until the connection is admitted, evicted, or out of time. Returns whether it was
    /// admitted.
    pub(crate) async fn decided(&self) -> bool {
        let _ = timeout_at(self.deadline, self.decided.cancelled()).await;
        self.place().is_none()
    }

    fn place(&self) -> MutexGuard<'_, Option<Place>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The peer that an address belongs to. One customer often has a whole IPv6 /64.
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

    /// Whether the connection must be closed although its time is not over.
    async fn is_evicted(admission: &Admission) -> bool {
        timeout(Duration::ZERO, admission.decided()).await == Ok(false)
    }

    #[test]
    fn limits_the_connections_of_one_peer() {
        let pending = PendingConnections::default();
        let places: Vec<Place> =
            std::iter::from_fn(|| pending.add(address("192.0.2.1"))).take(5_000).collect();
        assert_eq!(places.len(), MAX_PENDING_PER_PEER);
        assert!(pending.add(address("192.0.2.2")).is_some());
        drop(places);
        assert!(pending.add(address("192.0.2.1")).is_some());
        assert!(pending.lock().peers.is_empty(), "closed connections leave nothing behind");
        assert_eq!(pending.lock().count, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn evicts_the_oldest_connection_among_equal_peers() {
        let pending = PendingConnections::default();
        let mut admissions = (0..5_000_u32)
            .map_while(|n| pending.add(IpAddr::V4(n.into())))
            .map(Admission::new)
            .collect::<Vec<_>>();
        assert_eq!((admissions.len(), pending.lock().count), (5_000, MAX_PENDING));
        let remaining = admissions.split_off(5_000 - MAX_PENDING);
        for (admissions, evicted) in [(admissions, true), (remaining, false)] {
            for admission in admissions {
                assert_eq!(is_evicted(&admission).await, evicted);
            }
        }
        assert_eq!(pending.lock().count, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn regression_a_few_peers_cannot_lock_out_the_others() {
        let pending = PendingConnections::default();
        let add = |peer: &str| pending.add(address(peer)).map(Admission::new);
        let first = add("192.0.2.1").expect("a place");
        let mut greedy = Vec::new();
        for peer in ["192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"] {
            greedy.extend(std::iter::from_fn(|| add(peer)).take(5_000));
        }
        let second = add("192.0.2.1").expect("a place");
        for admission in [&first, &second] {
            assert!(!is_evicted(admission).await, "a peer with few connections keeps them");
        }
        assert!(is_evicted(greedy.first().expect("not empty")).await);
        assert_eq!(pending.lock().count, MAX_PENDING);
    }

    #[tokio::test(start_paused = true)]
    async fn regression_a_pending_connection_has_a_deadline() {
        let pending = PendingConnections::default();
        let add = || Admission::new(pending.add(address("192.0.2.1")).expect("a place"));
        let (admitted, waiting, start) = (add(), add(), Instant::now());
        admitted.grant();
        assert!(!waiting.decided().await);
        assert_eq!(start.elapsed(), ADMISSION_TIME);
        assert!(admitted.decided().await);
    }

    #[test]
    fn does_not_count_admitted_connections() {
        let pending = PendingConnections::default();
        let admission = Admission::new(pending.add(address("192.0.2.1")).expect("a place"));
        admission.clone().grant();
        admission.grant();
        assert_eq!(pending.lock().count, 0);
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
