//! A cache for verdicts and Digest secrets.
//!
//! HTTP clients send their credentials with every request. Without a cache, each request waits for
//! a slow hash or for a server. [`Cached`] wraps a back end, keeps its answers for some time, and
//! runs one check for identical requests that arrive together.
//!
//! # What is kept, and for how long
//! | answer | not used after |
//! |---|---|
//! | a right password, a secret | its lifetime, or a revocation of the user |
//! | a right password of an account that is disabled or has expired | the negative lifetime, or a revocation of the user |
//! | a wrong or too long password, an unknown user | the negative lifetime, or a change of the back end's [`version`](crate::CredentialValidator::version) |
//! | a record that cannot be used, a failure | never kept |
//!
//! A back end that learns of changes revokes the changed users in the registries that the cache
//! [attaches](crate::CredentialValidator::attach) to it, so the verdicts of other users stay in the
//! cache. If it does not, like a directory or a database, answers end with their lifetime, or with
//! [`Cached::invalidate`].
//!
//! An answer is not kept if the version changed, or the user was revoked, during its check. One
//! that is not used any more stays in memory for up to ten minutes, or twice its lifetime and the
//! time for which it stands in. Until then, a check of the same credentials goes ahead of
//! [first checks](crate::BasicCredentials::is_recheck). [`Cached::invalidate_all`] frees the memory
//! at once.
//!
//! # Identical requests
//! The first request starts the check in a tokio task. Identical requests wait for the same task,
//! unless it began before a change or more than 10 s ago. The check continues if the first request
//! is cancelled, and is cancelled with the last one. A panic in the back end is a failure for all
//! of them. Outside a tokio runtime, the first request runs the check itself, and the others fail
//! if it is cancelled.
//!
//! # Position
//! Put the timeout inside, as in `Cached<Timeout<V>>`, so that it ends the check for all requests
//! that wait for it. Wrap a chain rather than its members. Otherwise, a user of a later member
//! waits in the queue of an earlier one behind all guesses, since that member does not know that
//! the check renews a verdict.
//!
//! # Security
//! - The key of a verdict is a MAC over realm, scheme, name and password as the client sent them,
//!   with a random key per cache. So it is returned for the same credentials only, and no password
//!   is kept.
//! - Verdicts and refusals are kept in two caches of bounded size, so guesses do not push out the
//!   verdicts of users who are logged in.

mod answer;
mod builder;
mod entry;
mod key;
mod store;
mod validator;

pub use builder::CachedBuilder;
pub use validator::Cached;
