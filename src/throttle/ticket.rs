//! Tickets: the permission to check credentials once.

use std::{fmt, sync::Arc};

use crate::{revocation::RevocationHandle, user_id::UserId};

/// The permission to check credentials once, from a [`Throttle`](super::Throttle).
///
/// Clones are the same ticket. A back end whose work may outlive its caller keeps a clone until the
/// work ends, so that a client cannot exceed the limit on running checks by closing its connection:
/// [`OwnedCredentials`](crate::backend::OwnedCredentials) contain one. When the last clone is
/// dropped without a [settlement](Self::settle), the attempt does not count.
#[derive(Clone)]
pub struct Ticket(Arc<dyn Settle>);

/// The state of a ticket. Dropping it releases the place of the check.
pub trait Settle: Send + Sync + 'static {
    /// The number of checks of the same peer that were running when this one was admitted. The
    /// default is 0.
    fn rank(&self) -> u32 {
        0
    }

    /// Records the outcome. The engine calls it at most once for each request that has the ticket.
    fn settle(&self, settlement: Settlement<'_>);
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Settlement<'a> {
    /// The user was authenticated.
    Accepted {
        /// The canonical user-id.
        user: &'a UserId,
        /// The handle by which the user's access ends.
        revocation: &'a RevocationHandle,
    },
    /// The password was wrong, the user unknown, or the user's record unusable.
    Strike {
        /// The canonical user-id, if the back end knows it.
        user: Option<&'a UserId>,
    },
    /// The attempt does not count.
    Neutral,
}

impl Ticket {
    /// Wraps the state of an attempt.
    pub fn new(state: impl Settle) -> Self {
        Self(Arc::new(state))
    }

    /// The number of checks of the same peer that were running when this one was admitted. Queues
    /// serve lower ranks first, so that a peer with many checks does not delay others.
    #[must_use]
    pub fn rank(&self) -> u32 {
        self.0.rank()
    }

    /// Records the outcome of the attempt.
    pub fn settle(&self, settlement: Settlement<'_>) {
        self.0.settle(settlement);
    }
}

/// Several requests can share one ticket.
impl From<Arc<dyn Settle>> for Ticket {
    fn from(state: Arc<dyn Settle>) -> Self {
        Self(state)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(..)")
    }
}
