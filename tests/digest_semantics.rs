//! What right and wrong digests, used and unused nonces come to.

#[path = "support/engine.rs"]
mod engine;

#[path = "digest_semantics/many.rs"]
mod many;
#[path = "digest_semantics/nonces.rs"]
mod nonces;
#[path = "digest_semantics/replay.rs"]
mod replay;
#[path = "digest_semantics/resource.rs"]
mod resource;
#[path = "digest_semantics/secrets.rs"]
mod secrets;
#[path = "digest_semantics/store.rs"]
mod store;
