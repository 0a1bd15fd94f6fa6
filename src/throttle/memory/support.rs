//! Helpers for the tests of the throttle.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use super::{MemoryThrottle, MemoryThrottleBuilder};
use crate::{
    claim::{Claim, Claimant},
    clock::Timestamp,
    revocation::{RevocationHandle, Revocations},
    throttle::{Admission, Attempt, Overload, Settlement, Throttle, Ticket},
    user_id::UserId,
    wire::Realm,
};

/// Credentials that a peer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sent {
    pub(super) realm: &'static str,
    pub(super) peer: &'static str,
    pub(super) name: &'static str,
    /// `None` for Digest.
    pub(super) password: Option<&'static str>,
}

/// Basic credentials from `peer`; an empty one is unknown.
pub(super) const fn basic(peer: &'static str, name: &'static str, password: &'static str) -> Sent {
    Sent { realm: "proxy", peer, name, password: Some(password) }
}

/// Digest credentials from `peer`.
pub(super) const fn digest(peer: &'static str, name: &'static str) -> Sent {
    Sent { realm: "proxy", peer, name, password: None }
}

impl Sent {
    /// Passes the attempt to `work`.
    pub(super) fn at<R>(&self, now: Timestamp, work: impl FnOnce(Attempt<'_>) -> R) -> R {
        let realm = Realm::from_static(self.realm);
        let claim = Claim::new(Claimant::Name(self.name));
        let claim = self.password.map_or(claim, |password| claim.with_fixed_secret(password));
        work(Attempt::new(&realm, claim, now).with_peer(self.peer.parse().ok()))
    }
}

/// A throttle with a clock.
pub(super) struct Scene {
    pub(super) throttle: MemoryThrottle,
    pub(super) revocations: Revocations,
    pub(super) now: Timestamp,
}

/// How an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The user is authenticated, under this user-id.
    Right(&'static str),
    Wrong,
    /// The password is wrong, and the directory says for which user-id.
    WrongOf(&'static str),
    Neutral,
}

impl Scene {
    pub(super) fn new(builder: MemoryThrottleBuilder) -> Self {
        let now = Timestamp::from_micros(1_000_000_000);
        Self { throttle: builder.build().unwrap(), revocations: Revocations::new(), now }
    }

    pub(super) fn wait(&mut self, seconds: u64) {
        self.now = Timestamp::from_micros(self.now.as_micros() + seconds * 1_000_000);
    }

    /// Tries to log in, without waiting.
    #[track_caller]
    pub(super) fn admit(&self, sent: Sent) -> Result<Ticket, Overload> {
        let admission = sent.at(self.now, |attempt| {
            let admission = pin!(self.throttle.admit(attempt));
            match admission.poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(admission) => admission.unwrap(),
                Poll::Pending => panic!("{sent:?} waits"),
            }
        });
        match admission {
            Admission::Allowed(ticket) => Ok(ticket),
            Admission::Refused(overload) => Err(overload),
        }
    }

    pub(super) fn handle(&self, sent: Sent, user: &str) -> RevocationHandle {
        let (realm, start) = (Realm::from_static(sent.realm), self.revocations.start_check());
        self.revocations.handle(&realm, &UserId::new(user), start).unwrap()
    }

    pub(super) fn settle(&self, sent: Sent, ticket: &Ticket, end: End) {
        match end {
            End::Right(user) => ticket.settle(Settlement::Accepted {
                user: &UserId::new(user),
                revocation: &self.handle(sent, user),
            }),
            End::Wrong => ticket.settle(Settlement::Strike { user: None }),
            End::WrongOf(user) => {
                ticket.settle(Settlement::Strike { user: Some(&UserId::new(user)) });
            }
            End::Neutral => ticket.settle(Settlement::Neutral),
        }
    }

    /// Tries to log in, and settles the attempt if it is admitted. Returns whether it was.
    #[track_caller]
    pub(super) fn login(&self, sent: Sent, end: End) -> bool {
        self.admit(sent).is_ok_and(|ticket| {
            self.settle(sent, &ticket, end);
            true
        })
    }

    /// Guesses `times` passwords of a user, and returns how many guesses were admitted.
    pub(super) fn guess(&self, peer: &'static str, name: &'static str, times: usize) -> usize {
        (0..times).filter(|_| self.login(digest(peer, name), End::Wrong)).count()
    }

    /// Whether an attempt would be admitted now.
    #[track_caller]
    pub(super) fn admits(&self, sent: Sent) -> bool {
        self.login(sent, End::Neutral)
    }
}
