//! Limits what one user may do at once.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use http::{Method, header};

use super::Refusal;
use crate::{
    clock::Timestamp, error::ConfigError, head::RequestHead, identity::TunnelPlace,
    peer::PeerPrefix, reason::Reason, user_id::UserId, wire::Realm,
};

/// Limits of one user of a realm: see [`with_user_limits`]. Each is off by default.
///
/// A request above a limit is refused with 429, although its credentials are right.
///
/// # Examples
/// ```
/// use std::time::Duration;
///
/// use tower_proxy_auth::{Authenticator, Realm, Users, authenticator::UserLimits};
///
/// let realm = Realm::new("proxy")?;
/// let users = Users::new(&realm).with_user("alice", "wonder")?;
/// let limits = UserLimits::new()
///     .with_max_peers(3, Duration::from_secs(3_600)) // an account that is shared has more
///     .with_max_tunnels(100)
///     .with_max_requests_per_second(50);
/// let auth = Authenticator::builder(realm).with_basic(users).with_user_limits(limits).build()?;
/// # let _ = auth;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Memory
/// Each user who has sent a request within the window of `with_max_peers` or the last second, or
/// has an open tunnel, takes about 200 bytes, and 32 more for each peer.
///
/// [`with_user_limits`]: super::AuthenticatorBuilder::with_user_limits
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct UserLimits {
    peers: Option<(usize, Duration)>,
    tunnels: Option<usize>,
    requests_per_second: Option<u32>,
}

impl UserLimits {
    /// No limits.
    pub const fn new() -> Self {
        Self { peers: None, tunnels: None, requests_per_second: None }
    }

    /// Limits the number of peers from which the user has sent requests within `window`. A peer is
    /// an IPv4 address or an IPv6 /64; requests from unknown peers do not count.
    pub const fn with_max_peers(mut self, peers: usize, window: Duration) -> Self {
        self.peers = Some((peers, window));
        self
    }

    /// Limits the number of open tunnels: CONNECT, and upgrades such as WebSocket.
    ///
    /// A tunnel counts until every clone of the request's [`Identity`](crate::Identity) has been
    /// dropped. So a proxy must keep the identity for as long as the tunnel is open, as it does to
    /// wait for [`Identity::revoked`](crate::Identity::revoked).
    pub const fn with_max_tunnels(mut self, tunnels: usize) -> Self {
        self.tunnels = Some(tunnels);
        self
    }

    /// Limits the rate of requests. As many requests as the limit may arrive at once.
    pub const fn with_max_requests_per_second(mut self, requests: u32) -> Self {
        self.requests_per_second = Some(requests);
        self
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let is_zero = |(peers, window): (usize, Duration)| peers == 0 || window.is_zero();
        ConfigError::refuse_zero([
            ("with_max_peers", self.peers.is_some_and(is_zero)),
            ("with_max_tunnels", self.tunnels == Some(0)),
            ("with_max_requests_per_second", self.requests_per_second == Some(0)),
        ])
    }
}

/// Counts what users do.
#[derive(Debug)]
pub(super) struct UserUsage {
    limits: UserLimits,
    users: Mutex<Users>,
}

#[derive(Debug, Default)]
struct Users {
    usage: HashMap<(Realm, UserId), Usage>,
    /// The number of users at which those without usage are removed next.
    prune_at: usize,
}

#[derive(Debug, Default)]
struct Usage {
    /// The peers, and when each sent its last request.
    peers: Vec<(IpAddr, Timestamp)>,
    /// The time at which the requests so far are within the rate.
    requests_until: Timestamp,
    tunnels: Arc<AtomicUsize>,
}

/// One request of a user.
pub(super) struct UserRequest<'a> {
    pub(super) realm: &'a Realm,
    pub(super) user: &'a UserId,
    pub(super) peer: Option<IpAddr>,
    pub(super) is_tunnel: bool,
    pub(super) now: Timestamp,
}

/// The lowest number of users at which those without usage are removed.
const MIN_PRUNE_AT: usize = 64;

const SECOND: Duration = Duration::from_secs(1);

/// A time further in the future than this means that the clock has stepped back. The time of a
/// request is that of its arrival, so it may be less than that of one that was checked faster.
const MAX_LEAD: Duration = Duration::from_secs(60);

impl UserUsage {
    /// `None` without limits.
    pub(super) fn new(limits: UserLimits) -> Option<Self> {
        let UserLimits { peers, tunnels, requests_per_second } = limits;
        let is_limited = peers.is_some() || tunnels.is_some() || requests_per_second.is_some();
        is_limited.then(|| Self { limits, users: Mutex::default() })
    }

    /// Counts a request, and returns the place of its tunnel.
    ///
    /// # Errors
    /// The request is above a limit, and is not counted.
    pub(super) fn enter(&self, request: &UserRequest<'_>) -> Result<Option<TunnelPlace>, Refusal> {
        // Each change is complete in itself, so a panic leaves the map usable.
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.prune(request.now, &self.limits);
        let key = (request.realm.clone(), request.user.clone());
        let usage = users.usage.entry(key).or_default();
        usage.expire(request.now, &self.limits);
        let peer = request.peer.map(|peer| PeerPrefix::DEFAULT.network(peer));
        usage.check_peer(peer, request.now, &self.limits)?;
        usage.check_rate(request.now, &self.limits)?;
        let place = match self.limits.tunnels {
            Some(limit) if request.is_tunnel => Some(usage.open_tunnel(limit)?),
            _ => None,
        };
        usage.count(peer, request.now, &self.limits);
        Ok(place)
    }
}

impl Users {
    /// Removes the users without usage once the number of users has doubled.
    fn prune(&mut self, now: Timestamp, limits: &UserLimits) {
        if self.usage.len() < self.prune_at.max(MIN_PRUNE_AT) {
            return;
        }
        self.usage.retain(|_, usage| {
            usage.expire(now, limits);
            !usage.peers.is_empty() || usage.requests_until > now || usage.tunnels.load(Relaxed) > 0
        });
        self.prune_at = 2 * self.usage.len();
    }
}

impl Usage {
    /// Forgets peers outside of the window. After a step back of the clock, everything counts as of
    /// now, so that it does not stay until the clock has caught up.
    fn expire(&mut self, now: Timestamp, limits: &UserLimits) {
        let times = self.peers.iter_mut().map(|(_, last)| last);
        for time in times.chain([&mut self.requests_until]) {
            if time.saturating_since(now) > MAX_LEAD {
                *time = now;
            }
        }
        let window = limits.peers.map_or(Duration::ZERO, |(_, window)| window);
        self.peers.retain(|(_, last)| now.saturating_since(*last) < window);
    }

    fn check_peer(
        &self,
        peer: Option<IpAddr>,
        now: Timestamp,
        limits: &UserLimits,
    ) -> Result<(), Refusal> {
        let (Some(peer), Some((limit, window))) = (peer, limits.peers) else { return Ok(()) };
        if self.peers.len() < limit || self.peers.iter().any(|(other, _)| *other == peer) {
            return Ok(());
        }
        let oldest = self.peers.iter().map(|(_, last)| *last).min().unwrap_or(now);
        let wait = oldest.saturating_add(window).saturating_since(now);
        Err(Refusal::new(Reason::TooManyPeers).with_retry_after(wait))
    }

    fn check_rate(&self, now: Timestamp, limits: &UserLimits) -> Result<(), Refusal> {
        let Some(interval) = interval(limits) else { return Ok(()) };
        if self.requests_until.saturating_add(interval) <= now.saturating_add(SECOND) {
            return Ok(());
        }
        Err(Refusal::new(Reason::TooManyRequests).with_retry_after(interval))
    }

    fn open_tunnel(&self, limit: usize) -> Result<TunnelPlace, Refusal> {
        TunnelPlace::take(&self.tunnels, limit).ok_or_else(|| Refusal::new(Reason::TooManyTunnels))
    }

    /// Counts a request that is within the limits.
    fn count(&mut self, peer: Option<IpAddr>, now: Timestamp, limits: &UserLimits) {
        if let (Some(peer), Some(_)) = (peer, limits.peers) {
            match self.peers.iter_mut().find(|(other, _)| *other == peer) {
                Some((_, last)) => *last = now,
                None => self.peers.push((peer, now)),
            }
        }
        if let Some(interval) = interval(limits) {
            self.requests_until = self.requests_until.max(now).saturating_add(interval);
        }
    }
}

/// The time between two requests at the highest rate.
fn interval(limits: &UserLimits) -> Option<Duration> {
    SECOND.checked_div(limits.requests_per_second?)
}

/// Whether a request asks for a tunnel: CONNECT, or an upgrade to another protocol than HTTP/2.
pub(super) fn asks_for_tunnel(head: &RequestHead<'_>) -> bool {
    let mut upgrades = head.headers().get_all(header::UPGRADE).iter();
    let is_http_2 = |value: &[u8]| value.eq_ignore_ascii_case(b"h2c");
    head.method() == Method::CONNECT
        || upgrades.any(|value| !is_http_2(value.as_bytes().trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_no_entry_for_users_without_usage() {
        let limits = UserLimits::new()
            .with_max_peers(2, Duration::from_secs(60))
            .with_max_tunnels(1)
            .with_max_requests_per_second(1);
        let usage = UserUsage::new(limits).unwrap();
        let realm = Realm::new("proxy").unwrap();
        let at = |second: u64, user: &str| {
            let (user, now) = (UserId::new(user), Timestamp::from_micros(second * 1_000_000));
            let peer = Some(IpAddr::from([192, 0, 2, 1]));
            let request = UserRequest { realm: &realm, user: &user, peer, is_tunnel: true, now };
            usage.enter(&request).ok().flatten()
        };
        let kept = at(0, "alice").unwrap();
        for second in 0..10_000 {
            drop(at(second, &second.to_string()).unwrap());
        }
        let users = usage.users.lock().unwrap().usage.len();
        assert!(users <= 2 * (MIN_PRUNE_AT + 61), "{users}");
        assert!(at(10_000, "alice").is_none(), "a user with an open tunnel was forgotten");
        drop(kept);
        assert!(at(10_000, "alice").is_some());
    }

    #[test]
    fn there_is_nothing_to_count_without_limits() {
        assert!(UserUsage::new(UserLimits::new()).is_none());
        assert!(UserUsage::new(UserLimits::new().with_max_tunnels(1)).is_some());
    }
}
