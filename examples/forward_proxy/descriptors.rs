//! File descriptors, and the limits that follow from their number.
//!
//! Without such limits, a user with many tunnels could take the last descriptor, and the proxy
//! could not accept any client. A pending connection needs one descriptor, as does an idle
//! connection to an origin. A connection that has authenticated and a tunnel need a second one, for
//! the origin.

use crate::places::Limits;

/// The descriptors for everything else: the listener, refused connections, files, LDAP and
/// databases.
const RESERVED: usize = 128;

/// The maximum number of connections that have not authenticated.
const MAX_PENDING: usize = 1024;

/// The maximum number of such connections of one peer.
const MAX_PENDING_PER_PEER: usize = 256;

/// The number of descriptors that the process may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptors(usize);

impl Descriptors {
    /// Raises the soft limit of the process to the hard limit.
    #[cfg(unix)]
    pub(crate) fn raise() -> Self {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: maximum, maximum };
        let limit = match setrlimit(Resource::Nofile, raised) {
            Ok(()) => maximum,
            // Some systems refuse the hard limit that they report.
            Err(_) => current,
        };
        Self(limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX))
    }

    /// Other systems do not limit sockets.
    #[cfg(not(unix))]
    pub(crate) const fn raise() -> Self {
        Self(usize::MAX)
    }

    /// The limits for connections that have not authenticated, and for each of their peers.
    pub(crate) fn pending(self) -> Limits {
        let total = (self.usable() / 4).min(MAX_PENDING);
        Limits { total, per_owner: (total / 4).clamp(1, MAX_PENDING_PER_PEER) }
    }

    /// The maximum number of connections to origins that are kept for later requests.
    pub(crate) fn kept(self) -> usize {
        self.usable() / 8
    }

    /// The limits for connections that have authenticated, tunnels and requests over HTTP/2
    /// together, and for each user.
    pub(crate) fn sessions(self) -> Limits {
        let total = (self.usable() - self.pending().total - self.kept()) / 2;
        Limits { total, per_owner: total.div_ceil(2) }
    }

    fn usable(self) -> usize {
        self.0.saturating_sub(RESERVED).max(16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_follow_from_the_number_of_descriptors() {
        for (descriptors, pending, kept, sessions) in [
            (0, (4, 1), 2, (5, 3)),
            (256, (32, 8), 16, (40, 20)),
            (1_024, (224, 56), 112, (280, 140)),
            (4_224, (1_024, 256), 512, (1_280, 640)),
            (1_048_576, (1_024, 256), 131_056, (458_184, 229_092)),
        ] {
            let limits = |(total, per_owner)| Limits { total, per_owner };
            let descriptors = Descriptors(descriptors);
            assert_eq!(descriptors.pending(), limits(pending), "{descriptors:?}");
            assert_eq!(descriptors.kept(), kept, "{descriptors:?}");
            assert_eq!(descriptors.sessions(), limits(sessions), "{descriptors:?}");
        }
        assert!(Descriptors(usize::MAX).sessions().total > 1_000_000);
    }
}
