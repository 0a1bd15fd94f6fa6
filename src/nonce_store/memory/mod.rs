//! A nonce store in the memory of one process.
//!
//! # Guarantees
//! A count is accepted once: if it was [`Fresh`](crate::nonce_store::NonceUse::Fresh) for a user,
//! it is never fresh for that user again, even after evictions, expiry or changes of the clock.
//! Memory is bounded, and no user can displace the nonces of all others. Here, the same name in
//! another realm is another user.
//!
//! # Proof
//! A nonce belongs to one *shard*, chosen by a keyed hash. A mutex guards the shard during a whole
//! check, so checks of one nonce are sequential, and the rest of the proof is about one shard. It
//! holds nonces, each with its user and a [window](window::Window) of used counts, and a
//! *watermark*: a nonce that is absent and not above the watermark is refused.
//!
//! - The window of a recorded nonce accepts a count at most once. So a count can be accepted twice
//!   only if its nonce was removed in between and then recorded again for the same user.
//! - A nonce is recorded only above the watermark. Expiry and eviction from a full shard remove the
//!   oldest nonce of the shard and raise the watermark to it. So every recorded nonce is above the
//!   watermark, the watermark never falls, and a nonce removed in this way is never recorded again.
//! - A user's *quota* is a sixteenth of a shard's capacity. At the quota, a new nonce replaces the
//!   user's own oldest one, and absent nonces older than that one are refused. The watermark stays:
//!   otherwise, a busy user would invalidate nonces that others have received but not used yet.
//! - A nonce removed by a quota is never recorded again for its user either. When the quota removes
//!   the nonce *n*, the user holds as many nonces as the quota allows, and all of them are above
//!   *n*. While that is so, *n* is refused because it is older than the user's oldest. It ends when
//!   one of them expires or is evicted. The watermark then rises to that one, which is above *n*,
//!   and *n* is refused because of the watermark from then on. So nothing needs to be remembered
//!   about a user who holds no nonces, and users take no more memory than nonces do.
//! - Only expiry depends on the clock, and an expired nonce is refused. So a clock that steps
//!   forward or back makes nothing fresh again.
//!
//! Once a quota has removed a nonce, another user can use it. That user must compute a digest with
//! another secret, so nothing is replayed, and the first user cannot use that nonce again.

mod builder;
mod shard;
mod shards;
mod store;
mod window;

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod model;
#[cfg(test)]
mod support;

pub use builder::MemoryNonceStoreBuilder;
pub use store::MemoryNonceStore;
#[cfg(feature = "redis")]
pub(super) use window::check_width as check_window;
