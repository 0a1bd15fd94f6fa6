//! Limits connections that have not authenticated yet.
//!
//! Whoever has not logged in must not be able to use up the proxy's sockets. A connection is a
//! newcomer from its first byte until its first request has passed the authentication layer; then
//! it counts no more. Past a limit a new connection is answered 503 and closed.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Newcomers in the whole process.
pub(crate) const MAX_NEWCOMERS: usize = 1024;

/// Newcomers of one peer: an IPv4 address or an IPv6 /64 network.
pub(crate) const MAX_NEWCOMERS_PER_PEER: usize = 256;

/// Counts the newcomers. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Newcomers {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    per_peer: HashMap<IpAddr, usize>,
}

/// The place of one newcomer, free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    newcomers: Newcomers,
    peer: IpAddr,
}

/// Lets the innermost service tell that a connection has authenticated. Clones share the slot.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    slot: Arc<Mutex<Option<Slot>>>,
}

impl Newcomers {
    /// A place for a connection from `address`, or `None` past a limit.
    pub(crate) fn enter(&self, address: IpAddr) -> Option<Slot> {
        let peer = network(address);
        let mut counts = self.lock();
        if counts.total >= MAX_NEWCOMERS {
            return None;
        }
        let of_peer = counts.per_peer.entry(peer).or_default();
        if *of_peer >= MAX_NEWCOMERS_PER_PEER {
            return None;
        }
        *of_peer += 1;
        counts.total += 1;
        Some(Slot { newcomers: self.clone(), peer })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.newcomers.lock();
        counts.total -= 1;
        if let Some(of_peer) = counts.per_peer.get_mut(&self.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                counts.per_peer.remove(&self.peer);
            }
        }
    }
}

impl Admission {
    pub(crate) fn new(slot: Slot) -> Self {
        Self { slot: Arc::new(Mutex::new(Some(slot))) }
    }

    /// A request has passed: the connection is a newcomer no more.
    pub(crate) fn passed(&self) {
        let slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(slot);
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
    }

    #[test]
    fn the_process_has_a_limit_too() {
        let newcomers = Newcomers::default();
        let slots: Vec<Slot> =
            (0..5_000_u32).map_while(|n| newcomers.enter(IpAddr::V4(n.into()))).collect();
        assert_eq!(slots.len(), MAX_NEWCOMERS);
    }

    #[test]
    fn who_has_passed_is_not_counted() {
        let newcomers = Newcomers::default();
        let admission = Admission::new(newcomers.enter(address("192.0.2.1")).expect("room"));
        admission.clone().passed();
        admission.passed();
        assert_eq!(newcomers.lock().total, 0);
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
