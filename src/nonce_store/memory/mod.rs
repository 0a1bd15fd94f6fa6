//! The nonce store in the memory of one process.
//!
//! # Guarantees
//! A count is accepted once: what was [`Fresh`](crate::nonce_store::NonceUse::Fresh) for a user is
//! never fresh for that user again, whatever was evicted or has expired since, and however the
//! clock was set. Memory is bounded, and no user can displace the nonces of all others. A user is
//! a user of one realm throughout: the same name in another realm is another user.
//!
//! # Proof
//! A nonce belongs to one *shard*, chosen by a keyed hash. A mutex guards the shard for the whole
//! of a check, so checks of one nonce are sequential, and the rest is about one shard alone. It
//! holds nonces, each with its user and a [window](window::Window) of used counts, and a
//! *watermark*: a nonce that is absent and not above the watermark is refused.
//!
//! - A nonce on record accepts a count at most once, by its window. So a count can be accepted
//!   twice only if its nonce was removed in between and then recorded again for the same user.
//! - A nonce is recorded only above the watermark. Expiry and eviction from a full shard remove the
//!   oldest nonce of the shard and raise the watermark to it. So every nonce on record is above the
//!   watermark, the watermark never falls, and what was removed in this way is never recorded again.
//! - A user who holds a sixteenth of a shard's capacity, the *quota*, makes room for a nonce with
//!   the oldest nonce of their own, and is refused absent nonces older than that one. The watermark
//!   stays: otherwise, a busy user would invalidate nonces that others were given but have not used
//!   yet.
//! - What a quota removed is never recorded again for its user either. When the quota removes the
//!   nonce *n*, the user holds as many nonces as the quota allows, and all of them are above *n*.
//!   While that is so, *n* is refused because it is older than the user's oldest. It ends when one
//!   of them expires or is evicted. The watermark then rises to that one, which is above *n*, and
//!   *n* is refused because of the watermark from then on. So nothing needs to be remembered about
//!   a user who holds no nonces, and users take no more memory than nonces do.
//! - No rule but expiry depends on the time of day, and an expired nonce is refused. So a clock that
//!   steps forward or back makes nothing fresh again.
//!
//! Once a quota has removed a nonce, another user can be the first to use it. That user needs a
//! digest of their own, so nothing is replayed, and the first user cannot return to that nonce.

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
