//! The nonce store that lives in the memory of one process.
//!
//! # What it promises
//! A count passes once: what was [`Fresh`](crate::nonce_store::NonceUse::Fresh) for a user is never
//! fresh for that user again, whatever was evicted or expired in between and however the clock
//! was set. Memory is bounded, and no user can crowd the others out.
//!
//! # How it keeps it
//! Each nonce belongs to one *shard*, picked by a keyed hash, behind a lock of its own. A shard
//! holds nonces with their counts, and a *watermark*: absent nonces up to it may have been removed,
//! so they are refused. Requests with nonces on record, nearly all, share the lock of the shard
//! and shut one another out at the nonce alone; only what adds or removes nonces has it alone. So
//! what such a request has found stays found until its count is recorded, no removal falls in
//! between, and nothing absent is put on record there.
//!
//! - Expiry, and eviction from a full shard, remove the oldest nonce of the shard and raise the
//!   watermark to it. A nonce is put on record only above the watermark. Hence every nonce on
//!   record lies above it, and the watermark never goes down.
//! - A user who holds a sixteenth of a shard, the *quota*, makes room for the next nonce with the
//!   oldest of their own, and is refused absent nonces older than that: while they are at the
//!   quota, their oldest nonce is a watermark for them alone. The shard's stays where it is; else a
//!   busy user would make nonces stale that others have just been given and not used yet.
//! - That watermark needs no place of its own. After a quota took the nonce *n*, its user holds
//!   only nonces above *n*, and as many as the quota allows. While that is so, *n* is refused as
//!   older than their oldest. It ends when one of these expires or is evicted; then the shard's
//!   watermark rises to that one, which is above *n*, and bars *n* for good. So a user can be
//!   forgotten with their last nonce, and users take no more memory than nonces do.
//! - The time of day is part of no watermark, so a clock that steps either way opens nothing.
//!
//! A quota ends the binding of a nonce to its user: another user can then be the first to use it,
//! with a digest of their own. That replays nothing, for a digest is good for one user only, and
//! the first user cannot come back to that nonce.

mod builder;
mod counts;
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
