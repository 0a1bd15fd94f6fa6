//! An attempt to log in, and whether it is admitted.

use std::{net::IpAddr, time::Duration};

use super::Ticket;
use crate::{claim::Claim, clock::Timestamp, wire::Realm};

/// An attempt to log in, whose credentials have been parsed but not verified.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// The protection space. The same name in another realm is another user.
    pub realm: &'a Realm,
    /// The address of the peer, if it is known. An IPv4 address is never mapped to IPv6.
    pub peer: Option<IpAddr>,
    /// Who the client claims to be.
    pub claim: Claim<'a>,
    /// The present time.
    pub now: Timestamp,
}

impl<'a> Attempt<'a> {
    /// An attempt from an unknown peer.
    #[must_use]
    pub const fn new(realm: &'a Realm, claim: Claim<'a>, now: Timestamp) -> Self {
        Self { realm, peer: None, claim, now }
    }

    /// Sets the address of the peer.
    #[must_use]
    pub const fn with_peer(mut self, peer: Option<IpAddr>) -> Self {
        self.peer = peer;
        self
    }
}

/// Whether an attempt is admitted.
#[derive(Clone, Debug)]
pub enum Admission {
    /// The credentials may be checked.
    Allowed(Ticket),
    /// The request is refused with 429.
    Refused(Overload),
}

/// Why an attempt is refused, and when to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overload {
    /// There were too many failed attempts. The next one may be admitted after this time.
    Failures(Duration),
    /// Too many checks are running. The next one may be admitted after this time.
    Checks(Duration),
}
