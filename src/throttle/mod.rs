//! Limits on guessing passwords: the trait, and the implementation in memory.
//!
//! The engine calls [`Throttle::admit`] after it has parsed credentials and before it calls a back
//! end. The throttle admits the attempt with a [`Ticket`], or refuses it with 429 and `Retry-After`.
//! The engine settles the ticket with the outcome.
//!
//! # What counts
//! A *strike* is a wrong password, a password that is too long for its hash, an unknown user, or a
//! user whose record cannot be used. Nothing else counts: neither missing and malformed
//! credentials, nor stale nonces, disabled accounts and failures of a back end. While a check runs,
//! it counts as if it failed, so parallel guesses do not slip through.
//!
//! # Limits of [`MemoryThrottle`]
//! A peer is the address of the connection: an IPv4 address or an IPv6 network of 64 bits, in which
//! one client often has all addresses. `X-Forwarded-For` is ignored. A user is the realm with the
//! name as sent, without regard to case; once a back end has said which user-id a name leads to, all
//! its names count together.
//!
//! | attempts | strikes within a minute | checks at once |
//! |---|--:|--:|
//! | of a peer | 50 | 8 |
//! | for a user | 501 | 40 |
//! | of a peer for one user | | 4 |
//! | of a user who has logged in from this peer within the last hour | 50 | 8 |
//! | with Basic credentials that were accepted within the last hour, of each peer | | 8 |
//!
//! The first three apply to users who have not logged in. The last two replace them: the failures
//! of others at the same address do not count for a user who has logged in there, and accepted
//! Basic credentials always pass to the back end, from any address, until they are refused once or
//! the user is [revoked](crate::revocation). Identical Basic credentials from one peer share a
//! check, up to 32 requests, since browsers start with many connections.
//!
//! - Too many strikes: 429 at once, with the time until one is forgotten as `Retry-After`. A strike
//!   is forgotten after 60 to 70 seconds.
//! - Too many running checks: the request waits for up to a second if there is a
//!   [timer](MemoryThrottleBuilder::with_timer), then 429. A check holds its place until its work
//!   ends, even if the client has left.
//!
//! Where the peer is unknown, only the limits of the user apply: see
//! [`ProxyAuthLayer::with_peer_address`](crate::ProxyAuthLayer::with_peer_address).
//!
//! # Security
//! - One peer cannot lock a user out, and ten cannot either: it takes eleven IPv4 addresses or IPv6
//!   /64 networks that guess all the time. Even then, the user gets in with Basic credentials or at
//!   an address that succeeded within the hour. A client that guesses at the same address can lock the
//!   user out there, unless the user has Basic credentials that succeeded within the hour: the
//!   response of Digest differs each time. Ten peers with four slow checks each can take all
//!   places of a user who has not logged in, so that their request is refused for as long as the
//!   checks last.
//! - Users behind one address share its limit until they log in. A user who guesses there can keep
//!   others from logging in for the first time.
//! - The 407s and 429s do not show whether a user exists.
//! - A name that has not been tried before counts as a user of its own until its first check ends. A
//!   directory that ignores more than case, such as blanks, accepts any number of spellings, so the
//!   limit of a user does not end guesses with a new spelling each time; that of a peer does.
//! - Names that differ only in case count as one user, even if they are two. Do not let people
//!   choose a name that is taken in another case.
//! - Strikes are counted in a table of fixed size under a keyed hash. Nothing in it is forgotten
//!   early; keys that share a place share a limit, which is then stricter. The tables of logins and
//!   of names are of fixed size as well. The first one forgets its oldest entries when it is full,
//!   which makes limits stricter. A name that is forgotten counts as a new one.
//! - Every process counts for itself, and forgets its counts when it ends.
//! - Attempts without credentials are not limited: limit connections and requests elsewhere.

mod attempt;
mod erased;
mod memory;
mod ticket;

use std::{future::Future, sync::Arc};

pub use attempt::{Admission, Attempt, Overload};
pub(crate) use erased::DynThrottle;
pub use memory::{MemoryThrottle, MemoryThrottleBuilder};
pub use ticket::{Settle, Settlement, Ticket};

use crate::error::BackendError;

/// Limits attempts to log in. The [module documentation](self) says what counts.
pub trait Throttle: Send + Sync + 'static {
    /// Decides whether credentials may be checked. It may wait, for a limited time.
    ///
    /// # Errors
    /// The throttle could not decide. The request is refused with 503.
    fn admit(
        &self,
        attempt: Attempt<'_>,
    ) -> impl Future<Output = Result<Admission, BackendError>> + Send;
}

impl<T: Throttle> Throttle for Arc<T> {
    fn admit(
        &self,
        attempt: Attempt<'_>,
    ) -> impl Future<Output = Result<Admission, BackendError>> + Send {
        T::admit(self, attempt)
    }
}
