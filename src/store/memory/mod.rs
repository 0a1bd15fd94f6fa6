//! The nonce store that lives in the memory of one process.
//!
//! # What it promises
//! A count passes once: what was [`Fresh`](crate::ports::NonceUse::Fresh) for a user is never
//! fresh for that user again, whatever was evicted or expired in between and however the clock
//! was set. Memory is bounded, and no user can crowd the others out.
//!
//! # How it keeps it
//! Each nonce belongs to one *shard*, picked by a keyed hash, with a mutex of its own. A shard
//! holds nonces with their windows, and two kinds of *watermark*: nonces up to it have no entry
//! because they were removed, or may have been, so they are refused.
//!
//! - Expiry, and eviction from a full shard, remove the oldest nonce of the shard and raise the
//!   watermark of the shard to it. Hence every nonce on record lies above the shard's watermark.
//! - A user who holds a sixteenth of a shard makes room for the next nonce with the oldest of
//!   his own, and only his own watermark is raised to it. With the shard's, a busy user would
//!   make nonces stale that others have just been given and not used yet. Hence every nonce on
//!   record lies above its holder's watermark, too.
//! - A user's watermark is forgotten with his last nonce. His last nonce leaves through expiry or
//!   eviction from the full shard, for what leaves by his own quota is followed by the nonce it
//!   made room for. So the shard's watermark is then at that nonce, which lies above his own
//!   watermark: what that one barred, the shard's bars from there on.
//! - No watermark ever goes down, and the time of day is not part of any.
//!
//! A quota ends the binding of a nonce to its user: another user can then be the first to use it,
//! with a digest of his own. That replays nothing, for a digest is good for one user only, and the
//! first user can not come back to that nonce.

mod builder;
mod entry;
mod shard;
mod shards;
mod store;
mod table;
mod tree;
mod window;

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod model;
#[cfg(test)]
mod support;

pub use builder::MemoryNonceStoreBuilder;
pub use store::MemoryNonceStore;
