//! A nonce store in Redis or Valkey, which several proxies share.
//!
//! With a [`RedisNonceStore`] and [shared nonce keys](crate::digest::DigestBuilder::with_nonce_keys),
//! a client can use a nonce of one proxy at all of them, and each nonce-count is accepted once
//! among all of them. [`RedisNonceStoreBuilder`] has the options. It needs a tokio runtime, and one
//! server: Redis 6.0 or later, or Valkey. The proxies connect to it directly or through a TCP proxy.
//! Redis Cluster is not supported.
//!
//! # Examples
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use tower_proxy_auth::{
//!     Authenticator, DigestScheme, Realm, Users,
//!     digest::{NonceKey, NonceKeys},
//!     nonce_store::redis::RedisNonceStore,
//! };
//!
//! # fn key_from_file() -> Vec<u8> { vec![1; 32] }
//! let store = RedisNonceStore::builder("redis://proxy:wonder@redis.example.org")
//!     .on_change(|event| eprintln!("{event}"))
//!     .build()?;
//! if let Err(error) = store.check().await {
//!     eprintln!("{error}"); // print its source too, and continue if it is transient
//! }
//! let realm = Realm::new("corp proxy")?;
//! let users = Users::new(&realm).with_user("alice", "wonder")?;
//! let digest = DigestScheme::builder(users)
//!     .with_nonce_keys(NonceKeys::new(NonceKey::new(&key_from_file())?)) // the same on each node
//!     .with_nonce_store(store)
//!     .build()?;
//! let auth = Authenticator::builder(realm).with_scheme(digest).build()?;
//! # let _ = auth;
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees
//! With [`FailurePolicy::Refuse`], a count that was accepted by one node is never accepted again by
//! any node. A script checks and records it in one atomic step and one round trip.
//!
//! - A nonce belongs to the user and realm that use it first.
//! - A record is kept until every node considers the nonce too old. Its age is judged by the clock
//!   of the server, so the clocks of nodes may differ from it by up to 60 s. A nonce without a
//!   record that could have had one is refused.
//! - The *epoch* is a key beside the records, and a part of each nonce. All nonces become stale with
//!   a new epoch. The script starts one if the key is missing, so nothing passes twice after
//!   `FLUSHALL` or a start without data. It also starts one if the server was started or a replica
//!   was promoted since the last one, because both can lose writes; if the clock of the server
//!   stepped back by 2 s or more; and if a node has a longer nonce lifetime than the others.
//! - A server that may evict keys is refused: its `maxmemory-policy` must be `noeviction`. It is
//!   read from `INFO memory`, once a second, as is `INFO replication`.
//!
//! The guarantee does not cover keys that somebody deletes one by one, a server whose clock jumps
//! ahead and back within a second, and a master that is demoted and promoted again within
//! a second.
//!
//! With [`FailurePolicy::LocalOnly`], it does not hold during outages; see there.
//!
//! # Outages
//! Each call has a time limit, 1 s by default. The first call that fails closes the connection, and
//! from then on calls fail at once, or are answered by this node alone, as the policy says. A task
//! connects again about every 500 ms, so all is normal within 2 s of the server's return. It ends
//! with the store. [`RedisNonceStoreBuilder::on_change`] and [`RedisNonceStore::counts`] report
//! outages. The authenticator answers 503 to a request that the store fails, with the cause in the
//! refusal.
//!
//! # Memory
//! A used nonce takes about 180 bytes in Redis 7.0 until its lifetime and 65 s have passed. At
//! `maxmemory`, the server refuses new records, and requests get 503. Users can make as many
//! records as they can send requests with their password.
//!
//! # Permissions
//! The user needs `EVALSHA`, `SCRIPT LOAD`, and the commands of the script, for the keys that begin
//! with the prefix:
//!
//! ```text
//! ACL SETUSER proxy on >PASSWORD ~tpa:* +evalsha +script|load +info +time +hmget +hset +get +set +setrange
//! ```
//!
//! It also needs `SELECT` for a database other than 0.
//!
//! # Security
//! Write access to the server allows replays, and read access allows guesses of user names to be
//! tested, because they are stored as unkeyed hashes. The server never holds passwords, responses or
//! nonce keys. Protect it with a password and a private network: connections are not encrypted.

mod address;
mod builder;
mod config_error;
mod event;
mod failure;
mod local;
mod race;
mod script;
mod server;
mod session;
mod store;

pub use builder::{FailurePolicy, RedisNonceStoreBuilder};
pub use config_error::RedisConfigError;
pub use event::{RedisCounts, RedisEvent};
pub use store::RedisNonceStore;
