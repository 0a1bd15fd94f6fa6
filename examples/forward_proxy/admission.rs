//! Limits connections that have not authenticated yet, so that they cannot use up the proxy's
//! sockets.
//!
//! A connection is *pending* until its first request has passed the authentication layer. It must
//! do so within [`ADMISSION_TIME`]. (While users type their passwords, clients keep no connection
//! open.)
//!
//! Each pending connection has a place. A new connection above the limit of its peer gets 503 and
//! is closed.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::places::{Limits, Place, Places};

/// How long a connection may be pending.
pub(crate) const ADMISSION_TIME: Duration = Duration::from_secs(60);

/// The pending connections.
#[derive(Clone, Debug)]
pub(crate) struct PendingConnections(Places<IpAddr>);

/// The admission of a connection, shared by its clones.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    /// Empty once the connection has been admitted.
    place: Arc<Mutex<Option<Place<IpAddr>>>>,
    /// Cancelled when the connection is admitted or evicted.
    decided: CancellationToken,
    deadline: Instant,
}

impl PendingConnections {
    pub(crate) fn new(limits: Limits) -> Self {
        Self(Places::new(limits))
    }

    /// Adds a connection from `address`; `None` above the limit of its peer.
    pub(crate) fn add(&self, address: IpAddr) -> Option<Admission> {
        self.0.add(network(address), CancellationToken::new()).map(Admission::new)
    }
}

impl Admission {
    /// Starts the time until [`ADMISSION_TIME`].
    fn new(place: Place<IpAddr>) -> Self {
        let decided = place.evicted().clone();
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

    fn place(&self) -> MutexGuard<'_, Option<Place<IpAddr>>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The peer that an address belongs to. One customer often has a whole IPv6 /64.
pub(crate) fn network(address: IpAddr) -> IpAddr {
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

    fn two_places() -> PendingConnections {
        PendingConnections::new(Limits { total: 2, per_owner: 2 })
    }

    #[tokio::test(start_paused = true)]
    async fn regression_a_pending_connection_has_a_deadline() {
        let pending = two_places();
        let add = || pending.add(address("192.0.2.1")).expect("a place");
        let (admitted, waiting, start) = (add(), add(), Instant::now());
        admitted.grant();
        assert!(!waiting.decided().await);
        assert_eq!(start.elapsed(), ADMISSION_TIME);
        assert!(admitted.decided().await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_evicted_connection_is_not_admitted() {
        let pending = two_places();
        let add = |peer: &str| pending.add(address(peer)).expect("a place");
        let (first, _second, _third) = (add("192.0.2.1"), add("192.0.2.2"), add("192.0.2.3"));
        assert_eq!(timeout(Duration::ZERO, first.decided()).await, Ok(false));
    }

    #[test]
    fn does_not_count_admitted_connections() {
        let pending = two_places();
        for _ in 0..5 {
            let admission = pending.add(address("192.0.2.1")).expect("a place");
            admission.clone().grant();
            admission.grant();
        }
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
