//! The engine, which decides about requests from their heads.
//!
//! It is independent of tower, bodies and runtimes. A proxy that is not built on tower calls
//! [`Authenticator::authenticate`](crate::Authenticator::authenticate) with a head and gets a
//! [`Decision`], or a future of one, just as the [`middleware`](crate::middleware) does.

pub(crate) mod basic;
mod builder;
mod decision;
pub(crate) mod digest;
pub(crate) mod engine;
mod erased;
mod field;
mod maintenance;
mod offer;
mod recheck;
pub(crate) mod refusal;
pub(crate) mod scheme;
mod scheme_names;
mod stale_limit;
mod user_limits;

pub(crate) use basic::BasicScheme;
pub use builder::AuthenticatorBuilder;
pub use decision::{Authentication, Decision, PendingDecision};
pub(crate) use digest::DigestScheme;
pub(crate) use engine::Authenticator;
pub use field::ProxyAuthorization;
pub use maintenance::Maintenance;
pub use offer::Offer;
pub use recheck::Recheck;
pub(crate) use refusal::Refusal;
pub(crate) use scheme::AuthScheme;
pub use user_limits::UserLimits;
