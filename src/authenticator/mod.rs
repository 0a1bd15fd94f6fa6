//! The engine: from the head of a request to a decision.
//!
//! It knows no tower, no body and no runtime. A proxy that is not built on tower calls
//! [`Authenticator::authenticate`] with a head and gets a [`Decision`]; the
//! [`middleware`](crate::middleware) does just that.

mod basic;
mod builder;
mod decision;
mod digest;
mod engine;
mod erased;
mod field;
mod refusal;
mod rejection;
mod scheme;

pub use basic::{BasicClaim, BasicScheme};
pub use builder::AuthenticatorBuilder;
pub use decision::{Authentication, Decision, Grant, PendingDecision};
pub use digest::{AuthInfo, DigestBuilder, DigestClaim, DigestScheme, NonceKeys};
pub use engine::Authenticator;
pub use field::ProxyAuthorization;
pub use refusal::Refusal;
pub use rejection::Rejection;
pub use scheme::{Accepted, AuthScheme, ChallengeContext, ClaimContext, Proof, SentCredentials};
