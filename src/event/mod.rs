//! What happened to each request, for logs, metrics and alerts.
//!
//! A layer with [observers](crate::ProxyAuthLayer::with_observer) sends one [`AuthEvent`] for each
//! request: forwarded, anonymous, bypassed, refused, or cancelled by its client.

mod auth_event;
mod channel;
mod claimed_user;
mod escaped;
#[cfg(feature = "metrics")]
mod metrics;
mod observer;
mod reference_id;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(feature = "metrics")]
pub use self::metrics::{MetricsObserver, MetricsObserverBuilder};
#[cfg(feature = "tracing")]
pub use self::tracing::TracingObserver;
pub use auth_event::{AuthEvent, Outcome};
pub use channel::ChannelObserver;
pub(crate) use claimed_user::ClaimedUserMaker;
pub use claimed_user::{ClaimedUser, ClaimedUsers};
#[cfg(feature = "tower-http")]
pub(crate) use escaped::MAX_NAME;
pub use escaped::{Escaped, EscapedTarget};
pub use observer::Observer;
pub(crate) use observer::Observers;
pub use reference_id::ReferenceId;
pub(crate) use reference_id::ReferenceIds;
