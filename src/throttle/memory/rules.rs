//! The rules that apply to an attempt, and their limits.

use super::buckets::BucketLimits;

/// The limits of a throttle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Strikes of a peer within a minute.
    pub(super) failures: u32,
    pub(super) checks_per_peer: u32,
    pub(super) checks_per_user: u32,
    pub(super) checks_per_peer_and_user: u32,
    pub(super) checks_when_proved: u32,
}

/// How many peers together reach the limit of a user.
const PEERS_PER_USER: u32 = 10;

/// What a bucket counts for an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// All attempts of a peer by users who have not logged in.
    Peer,
    /// Attempts of a peer for one user who has not logged in from it.
    PeerAndUser,
    /// Attempts of all such peers for one user.
    User,
    /// A user who has logged in from this peer.
    ProvedPair,
    /// Credentials that were accepted, from this peer.
    ProvedCredentials,
}

/// A bucket that an attempt takes a place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charge {
    pub(super) rule: Rule,
    pub(super) bucket: usize,
}

/// The buckets of an attempt.
pub(super) type Charges = [Option<Charge>; 3];

impl Rule {
    pub(super) const fn limits(self, limits: &Limits) -> BucketLimits {
        let failures = match self {
            Self::Peer | Self::ProvedPair => Some(limits.failures),
            // One more than ten peers can reach, so that it takes eleven to lock a user out.
            Self::User => Some(limits.failures.saturating_mul(PEERS_PER_USER).saturating_add(1)),
            Self::PeerAndUser | Self::ProvedCredentials => None,
        };
        let checks = match self {
            Self::Peer => limits.checks_per_peer,
            Self::PeerAndUser => limits.checks_per_peer_and_user,
            Self::User => limits.checks_per_user,
            Self::ProvedPair | Self::ProvedCredentials => limits.checks_when_proved,
        };
        BucketLimits { failures, checks }
    }

    /// Whether an attempt may become a strike in its bucket.
    pub(super) const fn counts_failures(self) -> bool {
        matches!(self, Self::Peer | Self::User | Self::ProvedPair)
    }
}
