//! The options of the throttle in memory.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use super::{MemoryThrottle, rules::Limits, throttle::Timer};
use crate::{error::ConfigError, peer::PeerPrefix};

/// Configures a [`MemoryThrottle`]. Created by [`MemoryThrottle::builder`].
#[derive(Clone)]
#[must_use]
pub struct MemoryThrottleBuilder {
    limits: Limits,
    capacity: usize,
    prefix: PeerPrefix,
    timer: Option<Timer>,
}

impl MemoryThrottleBuilder {
    pub(super) const fn new() -> Self {
        let limits = Limits {
            failures: 50,
            checks_per_peer: 8,
            checks_per_user: 40,
            checks_per_peer_and_user: 4,
            checks_when_proved: 8,
        };
        Self { limits, capacity: 65_536, prefix: PeerPrefix::DEFAULT, timer: None }
    }

    /// Sets the maximum number of failures of a peer within a minute, 1 or more; 50 by default.
    ///
    /// The limit of a user, for all peers together, is ten times as large, plus one. Some programs
    /// repeat a wrong password by themselves, such as apt 9 times and Java 7 times, so a limit
    /// below 10 refuses honest clients.
    pub const fn with_max_failures(mut self, failures: u32) -> Self {
        self.limits.failures = failures;
        self
    }

    /// Sets the maximum number of running checks of a peer, 1 or more; 8 by default.
    pub const fn with_max_checks_per_peer(mut self, checks: u32) -> Self {
        self.limits.checks_per_peer = checks;
        self
    }

    /// Sets the maximum number of running checks for a user, from all peers, 1 or more; 40 by
    /// default.
    pub const fn with_max_checks_per_user(mut self, checks: u32) -> Self {
        self.limits.checks_per_user = checks;
        self
    }

    /// Sets the maximum number of running checks of a peer for one user, 1 or more; 4 by default.
    pub const fn with_max_checks_per_peer_and_user(mut self, checks: u32) -> Self {
        self.limits.checks_per_peer_and_user = checks;
        self
    }

    /// Sets the maximum number of running checks of a user who has logged in from the same peer
    /// within the last hour, and separately of each peer with credentials that were accepted within
    /// the last hour, 1 or more; 8 by default.
    pub const fn with_max_checks_after_login(mut self, checks: u32) -> Self {
        self.limits.checks_when_proved = checks;
        self
    }

    /// Sets the number of buckets in which failures and checks are counted, 1 or more; 65,536 by
    /// default. A bucket takes 40 bytes.
    ///
    /// An attempt uses up to three: for its peer, for its user, and for both. If two share a bucket
    /// by chance, they share a limit, so use several times the number of peers and users within a
    /// minute.
    pub const fn with_capacity(mut self, buckets: usize) -> Self {
        self.capacity = buckets;
        self
    }

    /// Sets how many bits of an IPv4 address identify a peer: 1 to 32, and 32 by default.
    pub const fn with_ipv4_prefix(mut self, bits: u8) -> Self {
        self.prefix.ipv4 = bits;
        self
    }

    /// Sets how many bits of an IPv6 address identify a peer: 1 to 128, and 64 by default, which is
    /// the smallest network that providers assign.
    pub const fn with_ipv6_prefix(mut self, bits: u8) -> Self {
        self.prefix.ipv6 = bits;
        self
    }

    /// Lets requests wait for up to a second if only a limit on running checks refuses them.
    /// `sleep` makes a future that resolves after the given time, such as `tokio::time::sleep`. At
    /// most 1,024 requests wait at once, and 128 of them for the same peer or user.
    ///
    /// Without a timer, such requests are refused at once.
    pub fn with_timer<F>(mut self, sleep: impl Fn(Duration) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.timer = Some(Arc::new(move |time| Box::pin(sleep(time))));
        self
    }

    /// Creates the throttle.
    ///
    /// # Errors
    /// - [`ConfigError::ZeroLimit`] if a limit is zero.
    /// - [`ConfigError::OutOfRange`] if a prefix is.
    /// - [`ConfigError::Randomness`] if the operating system provides no random bytes.
    pub fn build(self) -> Result<MemoryThrottle, ConfigError> {
        let Self { limits, capacity, prefix, timer } = self;
        ConfigError::refuse_zero([
            ("with_max_failures", limits.failures == 0),
            ("with_max_checks_per_peer", limits.checks_per_peer == 0),
            ("with_max_checks_per_user", limits.checks_per_user == 0),
            ("with_max_checks_per_peer_and_user", limits.checks_per_peer_and_user == 0),
            ("with_max_checks_after_login", limits.checks_when_proved == 0),
            ("with_capacity", capacity == 0),
        ])?;
        ConfigError::check_range("IPv4 prefix of the throttle", &prefix.ipv4, &(1..=32))?;
        ConfigError::check_range("IPv6 prefix of the throttle", &prefix.ipv6, &(1..=128))?;
        MemoryThrottle::new(limits, capacity, prefix, timer)
    }
}

impl fmt::Debug for MemoryThrottleBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryThrottleBuilder")
            .field("limits", &self.limits)
            .field("capacity", &self.capacity)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_limits_of_zero_and_prefixes_out_of_range() {
        let builder = MemoryThrottle::builder;
        let zero =
            |name| format!("the limit {name} is 0, which refuses everything: use a larger one");
        let range = |version, value, maximum| {
            format!("the {version} prefix of the throttle is {value}: use 1 to {maximum}")
        };
        for (builder, message) in [
            (builder().with_max_failures(0), zero("with_max_failures")),
            (builder().with_max_checks_per_peer(0), zero("with_max_checks_per_peer")),
            (builder().with_max_checks_per_user(0), zero("with_max_checks_per_user")),
            (
                builder().with_max_checks_per_peer_and_user(0),
                zero("with_max_checks_per_peer_and_user"),
            ),
            (builder().with_max_checks_after_login(0), zero("with_max_checks_after_login")),
            (builder().with_capacity(0), zero("with_capacity")),
            (builder().with_ipv4_prefix(0), range("IPv4", 0, 32)),
            (builder().with_ipv4_prefix(33), range("IPv4", 33, 32)),
            (builder().with_ipv6_prefix(0), range("IPv6", 0, 128)),
            (builder().with_ipv6_prefix(129), range("IPv6", 129, 128)),
        ] {
            assert_eq!(builder.build().unwrap_err().to_string(), message);
        }
        assert!(
            builder().with_capacity(1).with_ipv4_prefix(1).with_ipv6_prefix(128).build().is_ok()
        );
    }
}
