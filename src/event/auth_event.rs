//! What happened to one request.

use std::{
    error::Error,
    fmt,
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{Method, StatusCode, Uri};

use super::{ClaimedUser, EscapedTarget, ReferenceId};
use crate::{error::Causes, reason::Reason, user_id::UserId, wire::Realm};

/// What happened to one request: its outcome, and who sent it.
///
/// A layer with [observers](super::Observer) makes one event for each request, when the head of the
/// response is there. If there will be no response, because the client went away or the inner
/// service failed, it makes the event at that moment, without a [`status`](Self::status).
///
/// # Security
/// `Debug` shows neither names nor the target. What comes from the client must be escaped before it
/// is written: [`claimed_user`](Self::claimed_user) is escaped; see [`Escaped`](super::Escaped) for
/// the user and the method, and [`shown_target`](Self::shown_target).
#[derive(Clone)]
pub struct AuthEvent {
    pub(crate) outcome: Outcome,
    pub(crate) status: Option<StatusCode>,
    pub(crate) scheme: Option<&'static str>,
    pub(crate) algorithm: Option<&'static str>,
    pub(crate) realm: Option<Realm>,
    pub(crate) user: Option<UserId>,
    pub(crate) claimed_user: Option<ClaimedUser>,
    pub(crate) source: Option<Arc<dyn Error + Send + Sync>>,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) method: Method,
    pub(crate) target: Uri,
    pub(crate) time: SystemTime,
    pub(crate) check_time: Option<Duration>,
    pub(crate) id: ReferenceId,
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It was forwarded, or would have been if the client had not gone away. An anonymous request
    /// has no user.
    Forwarded,
    /// It bypassed authentication and was forwarded.
    Bypassed,
    /// It was refused: by the layer, or by a service further in that left a
    /// [`Refusal`](crate::Refusal) in the extensions of its response.
    Refused(Reason),
    /// The client went away while its credentials were checked.
    Cancelled,
}

impl AuthEvent {
    /// The outcome.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The name of the outcome for logs and metrics: `forwarded`, `anonymous`, `bypassed`,
    /// `cancelled`, or the name of the [`Reason`].
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.outcome {
            Outcome::Forwarded if self.user.is_none() => "anonymous",
            Outcome::Forwarded => "forwarded",
            Outcome::Bypassed => "bypassed",
            Outcome::Refused(reason) => reason.as_str(),
            Outcome::Cancelled => "cancelled",
        }
    }

    /// Why the request was refused; `None` if it was not.
    #[must_use]
    pub const fn reason(&self) -> Option<Reason> {
        match self.outcome {
            Outcome::Refused(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether the client may have been guessing: see [`Reason::is_guess`].
    #[must_use]
    pub const fn is_guess(&self) -> bool {
        matches!(self.outcome, Outcome::Refused(reason) if reason.is_guess())
    }

    /// The status of the response; `None` if there was no response.
    #[must_use]
    pub const fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// The scheme of the credentials, such as `Basic` or `Digest`; `None` if no scheme was reached.
    #[must_use]
    pub const fn scheme(&self) -> Option<&'static str> {
        self.scheme
    }

    /// The algorithm of the credentials, such as `MD5` or `SHA-256`; `None` if the scheme has none.
    #[must_use]
    pub const fn algorithm(&self) -> Option<&'static str> {
        self.algorithm
    }

    /// The protection space; `None` if the request bypassed authentication, or was cancelled.
    #[must_use]
    pub const fn realm(&self) -> Option<&Realm> {
        self.realm.as_ref()
    }

    /// The user, who has proved to know the password.
    #[must_use]
    pub const fn user(&self) -> Option<&UserId> {
        self.user.as_ref()
    }

    /// The user whom the client of a refused request claimed to be. Only without a
    /// [`user`](Self::user).
    #[must_use]
    pub const fn claimed_user(&self) -> Option<&ClaimedUser> {
        self.claimed_user.as_ref()
    }

    /// Displays the causes of a refusal, as [`Refusal::causes`](crate::Refusal::causes) does.
    #[must_use]
    pub fn causes(&self) -> Option<impl fmt::Display + '_> {
        self.source.as_deref().map(|source| Causes(source))
    }

    /// The address of the peer, if it is known.
    #[must_use]
    pub const fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The request target as sent.
    #[must_use]
    pub const fn target(&self) -> &Uri {
        &self.target
    }

    /// Displays the target for logs: escaped, cut, without user information and query.
    #[must_use]
    pub const fn shown_target(&self) -> EscapedTarget<'_> {
        EscapedTarget::new(&self.target)
    }

    /// The system time of the event.
    #[must_use]
    pub const fn time(&self) -> SystemTime {
        self.time
    }

    /// How long the check of the credentials took, from the end of parsing to the verdict, with all
    /// queues; `None` if nothing was checked.
    #[must_use]
    pub const fn check_time(&self) -> Option<Duration> {
        self.check_time
    }

    /// The reference of the request, which the [`Refusal`](crate::Refusal) has too.
    #[must_use]
    pub const fn id(&self) -> ReferenceId {
        self.id
    }
}

impl fmt::Debug for AuthEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthEvent")
            .field("outcome", &self.outcome)
            .field("status", &self.status)
            .field("scheme", &self.scheme)
            .field("algorithm", &self.algorithm)
            .field("peer", &self.peer)
            .field("check_time", &self.check_time)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
