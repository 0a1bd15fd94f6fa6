#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs, missing_debug_implementations)]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]
//! Proxy authentication for [tower]: Basic and Digest at 407, as a [`Layer`] round any HTTP service.
//!
//! When a client reaches the Internet through a proxy, the proxy must know who it is before it
//! forwards anything. This crate asks (407 and `Proxy-Authenticate`), checks the answer
//! (`Proxy-Authorization`), and passes a request on only once its sender has been proved, without
//! the credentials and with an [`Identity`] in its extensions. It works with hyper, axum and
//! anything else that speaks [`http::Request`], over HTTP/1.0, 1.1 and 2, for plain requests,
//! CONNECT and extended CONNECT.
//!
//! # Example
//! ```
//! use std::convert::Infallible;
//!
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{Empty, Full};
//! use tower::{ServiceBuilder, ServiceExt};
//! use tower_proxy_auth::{Authenticator, Identity, ProxyAuthLayer, Realm, Users};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let realm = Realm::new("corp proxy")?;
//! let users = Users::new(&realm).with_user("alice", "wonder")?; // keeps hashes, no plain text
//! let auth = Authenticator::builder(realm)
//!     .with_digest(users.clone()) // SHA-256, then MD5
//!     .with_basic(users)
//!     .build()?; // every mistake in the set-up is found here
//!
//! let forward = |request: Request<Empty<Bytes>>| async move {
//!     let user = request.extensions().get::<Identity>().and_then(Identity::user);
//!     Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(format!("for {user:?}")))))
//! };
//! let proxy = ServiceBuilder::new().layer(ProxyAuthLayer::new(auth)).service_fn(forward);
//!
//! let request = Request::get("http://example.org/")
//!     .header("proxy-authorization", "Basic YWxpY2U6d29uZGVy")
//!     .body(Empty::new())?;
//! assert_eq!(proxy.oneshot(request).await?.status(), 200);
//! # Ok(())
//! # }
//! ```
//! A complete forward proxy is in `examples/forward_proxy`; smaller ones stand beside it.
//!
//! # Where things are
//! | to | see |
//! |---|---|
//! | choose schemes and options | [`Authenticator::builder`], [`BasicScheme`], [`DigestScheme`] |
//! | wrap a service | [`ProxyAuthLayer`] |
//! | check passwords yourself (PAM, an HTTP service, ...) | [`CredentialValidator`], for Basic |
//! | hold Digest secrets yourself | [`DigestSecrets`] |
//! | be told how, step by step | `docs/guide/write-your-own-validator.md`, with `examples/http_validator` |
//! | keep users in memory | [`Users`] |
//! | keep users in files, a directory or a database | [`validator`], and the features below |
//! | ask several back ends in turn | [`ValidatorChain`](validator::ValidatorChain), [`SecretsChain`](validator::SecretsChain) |
//! | take parameters out of user names | [`user_parameters`] |
//! | find out why a request was refused | [`Refusal`] in the response's extensions, [`Reason`] |
//! | add a third scheme | [`AuthScheme`](authenticator::AuthScheme) |
//! | use the engine without tower | [`Authenticator::authenticate`] |
//!
//! # What is answered
//! | status | when |
//! |---|---|
//! | 400 | credentials that are ambiguous or malformed, or a `uri` that names another resource |
//! | 403 | right credentials of an account that is disabled or has expired |
//! | 407 | credentials that are missing, of a scheme not offered, undecodable, or wrong |
//! | 429 | a client that keeps using stale nonces |
//! | 431 | a `Proxy-Authorization` field longer than the limit |
//! | 502 | a 407 from upstream, unless chaining is allowed |
//! | 503 | a back end that failed: never a pass, never a wrong password |
//!
//! # Threat model
//! The client is a stranger until it has proved otherwise: everything it sends may be hostile,
//! malformed, replayed, or far too large.
//!
//! - Every branch fails closed: an empty chain of validators knows nobody, a lost store refuses, a
//!   malformed field is not anonymous.
//! - Secrets are compared in constant time. To the engine, to [`Users`] and to files an unknown
//!   user costs what a known one costs; how far directory, database and cache hold to that, each
//!   says. Secrets appear in no log, no `Debug`, no error and no body. What the crate holds of them
//!   is wiped when dropped; what drivers of directories and databases copy is not.
//! - A 407 stores nothing: a nonce carries its own issue time and a MAC. What was used is kept in
//!   bounded memory, and what was dropped from there is refused, never accepted again.
//! - A Digest response is verified before its nonce-count is recorded, in one atomic step.
//!
//! What it does not do: Basic shows the password, and Digest the request, to whoever reads the
//! connection between client and proxy, so give that connection TLS where strangers can listen.
//! Digest with `qop=auth` does not protect bodies. Guessing is not throttled yet: guesses also fill
//! the queue of a back end that is slow, and then everybody gets 503.
//!
//! # Deviations from the RFCs
//! - `-sess` takes nonce and cnonce of the request at hand; RFC 7616 fixes them at the session's
//!   start, which would need state for each session. Clients send the same.
//! - `auth-int` is not offered: most clients break on it.
//! - `domain` is not sent, since it means nothing to a proxy. `opaque` is sent for clients that
//!   want one, and ignored when it comes back.
//! - A user name is tried in up to three readings (unescaped, as sent, percent-decoded), because
//!   real clients escape in different ways. A name with a bare quote cannot be read at all.
//! - An algorithm that was not offered is answered with 407 and what is offered, not with 400.
//! - The realm is printable ASCII without quote and backslash.
//! - `stale=true` goes also with a nonce-count that was used before.
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | `cached` | `Cached` in [`validator`]: verdicts and Digest secrets kept for a while, one check for identical requests |
//! | `htdigest` | `htdigest` in [`validator`]: users for Digest in files that are read again when they change |
//! | `htpasswd` | `htpasswd` in [`validator`]: users for Basic in a file that is read again when it changes |
//! | `ldap` | `Ldap` in [`validator`], which asks a directory; needs a tokio runtime |
//! | `password-hash` | `password_hash` in [`validator`]: stored passwords, checked and made |
//! | `sql-mysql`, `sql-postgres`, `sql-sqlite` | `sql` in [`validator`]: users in a table of a database; they need Rust 1.94 |
//! | `sql` | what those three have in common; by itself it opens no database |
//! | `timeout` | `Timeout` in [`validator`]: an end to every wait for a back end |
//! | `tower-http` | `AuthMakeSpan` and `AuthOnResponse` in [`middleware`], for `TraceLayer` |
//!
//! Features add types and never change behaviour.
//!
//! [tower]: https://docs.rs/tower
//! [`Layer`]: https://docs.rs/tower/latest/tower/trait.Layer.html

pub mod authenticator;
pub mod backend;
pub mod clock;
mod error;
mod grammar;
mod head;
mod identity;
pub mod middleware;
pub mod nonce_store;
mod reason;
pub mod revocation;
pub mod secret;
pub mod user_parameters;
mod wire;

pub use authenticator::{
    basic::BasicScheme, digest::DigestScheme, engine::Authenticator, refusal::Refusal,
};
pub use backend::{
    credential_validator::{BasicCredentials, CredentialValidator, Verdict},
    digest_secrets::{DigestAccount, DigestSecrets, DigestUser, SecretLookup},
    users::Users,
};
pub use error::{BackendError, ConfigError};
pub use head::RequestHead;
pub use identity::{Account, Identity, UserId};
pub use middleware::{layer::ProxyAuthLayer, service::ProxyAuth};
pub use reason::Reason;
pub use wire::{Realm, digest::HashedA1};

/// The options of [`DigestScheme`], and the types that Digest is made of.
pub mod digest {
    pub use crate::{
        authenticator::digest::{AuthInfo, DigestBuilder, NonceKeys},
        wire::digest::{
            Algorithm, HashFunction, HashFunctions, InvalidHashedA1, NonceKey, UriCheck, Userhash,
        },
    };
}

/// What an authentication scheme of your own implements and uses.
///
/// `examples/bearer_scheme.rs` adds one.
pub mod scheme {
    pub use crate::authenticator::scheme::{
        AuthResult, AuthScheme, Authenticated, ChallengeContext, RequestContext, SchemeSetup,
        SentCredentials,
    };
}
