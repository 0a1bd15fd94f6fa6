#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs, missing_debug_implementations)]
#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]
//! Proxy authentication for [tower]: a [`Layer`] that requires Basic or Digest credentials.
//!
//! [`ProxyAuthLayer`] wraps the service of a forward proxy. It answers 407 with
//! `Proxy-Authenticate` until the client has authenticated with Basic ([RFC 7617]) or Digest
//! ([RFC 7616]). It then forwards the request without the credentials and with an [`Identity`] in
//! its extensions. It works with hyper, axum and every other service on [`http::Request`], over
//! HTTP/1.0, 1.1 and 2, for plain requests, CONNECT and extended CONNECT.
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
//! let users = Users::new(&realm).with_user("alice", "wonder")?; // stores hashes only
//! let auth = Authenticator::builder(realm)
//!     .with_digest(users.clone()) // SHA-256, then MD5
//!     .with_basic(users)
//!     .build()?; // reports configuration mistakes
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
//! The [`guide`] shows a [first proxy](guide::first_proxy) in one file; `examples/forward_proxy`
//! has everything.
//!
//! # Where to find what you need
//! | to | see |
//! |---|---|
//! | choose schemes and options | [`Authenticator::builder`], [`BasicScheme`], [`DigestScheme`], [`digest`] |
//! | wrap a service | [`ProxyAuthLayer`], [`middleware`] |
//! | keep users in memory | [`Users`] |
//! | keep users in files, a directory or a database | [`backend`], and the features below |
//! | check passwords yourself (PAM, an HTTP service, ...) | [`CredentialValidator`] for Basic, and the [`guide`] |
//! | store Digest secrets yourself | [`DigestSecrets`] |
//! | try several back ends in order | [`ValidatorChain`](backend::ValidatorChain), [`SecretsChain`](backend::SecretsChain) |
//! | choose the realm or the schemes of each request | [`with_realm_of`], [`with_offer_of`] |
//! | keep the users of several realms apart | [`ByRealm`](backend::ByRealm) |
//! | choose a back end at run time | [`AnyValidator`](backend::AnyValidator), [`AnySecrets`](backend::AnySecrets) |
//! | split parameters off user names | [`user_parameters`] |
//! | limit guesses of passwords | [`throttle`] |
//! | end the access of users who are logged in | [ending access](guide::ending_access), [`Authenticator::revoke`], [`Authenticator::recheck`], [`Identity::revoked`], [`revocation`] |
//! | log, count or audit every request | [`with_observer`](ProxyAuthLayer::with_observer), [`event`] |
//! | refuse all requests while the proxy is down for work | [`Authenticator::set_maintenance`] |
//! | decide who may go where | [`access`] |
//! | change the pages that users see, add a language, or refuse requests in your own service | [refusals](guide::refusals), [`Pages`](middleware::Pages) |
//! | find out why a request was refused | [`Refusal`] in the extensions of the response, [`Reason`] |
//! | configure a client that does not log in | [clients](guide::clients) |
//! | share nonces among several proxies | `nonce_store::redis` with the feature `redis`, [`NonceStore`](nonce_store::NonceStore), [`NonceKeys`](digest::NonceKeys) |
//! | add another scheme | [`scheme`] |
//! | use the engine without tower | [`authenticator`] |
//! | set the time in tests | [`clock`] |
//!
//! # Responses
//! A request that is not forwarded is answered with one of these statuses. [`Reason`] lists the
//! reasons for each.
//!
//! | status | when |
//! |---|---|
//! | 400 | the credentials are malformed or sent more than once, or `uri` names another resource |
//! | 403 | the credentials are right, and the account is disabled or has expired, or a [policy](access) denies the target |
//! | 407 | the credentials are missing, undecodable, wrong, or of a scheme that is not offered |
//! | 429 | a [throttle] refused the attempt, or a limit of the user is reached |
//! | 431 | the `Proxy-Authorization` field is longer than the limit |
//! | 502 | the upstream answered with 407, unless [`allow_chaining`] is set |
//! | 503 | a back end or the nonce store failed or is overloaded, or the proxy is in [maintenance](Authenticator::set_maintenance) |
//!
//! A 407 contains `stale=true` if the Digest response is right but its nonce cannot be used: the
//! nonce is expired, unknown or forgotten, another user used it first, or the nonce-count was used
//! before. The client then tries again without asking its user. After 100 such answers in a row to
//! one user of a realm at one address, the 407 omits it, to end loops.
//!
//! If the record of a user in a file, a directory or a database cannot be used, because its hash is
//! malformed for instance, this user is refused like an unknown one, others are not affected, and
//! the log has the cause ([`Reason::UnusableRecord`]). While a file cannot be read, its last
//! content stays in force for five minutes.
//!
//! # Threat model
//! Clients are untrusted until they have authenticated: everything they send may be malformed,
//! forged, replayed or too large.
//!
//! - Every branch fails closed: an empty chain of back ends knows no users, a failed store refuses,
//!   and a malformed field is not an anonymous request.
//! - Secrets are compared in constant time. The engine, [`Users`] and the file back ends do the
//!   same work for unknown users as for known ones; the docs of the directory, the database and the
//!   cache state their limits. No log, `Debug` output, error or body contains a secret. Secrets
//!   that the crate owns are wiped when dropped; copies made by database and directory drivers are
//!   not.
//! - A 407 stores nothing: a nonce carries its time of issue and a MAC. Used nonce-counts are kept
//!   in bounded memory, and a nonce whose record was dropped is refused.
//! - A Digest response is verified before its nonce-count is recorded, in one atomic step.
//!
//! Out of scope:
//!
//! - Basic shows the password, and Digest the request, to everyone who can read the connection
//!   between client and proxy. Use TLS where others can read it.
//! - Digest with `qop=auth` does not protect bodies and header fields.
//! - Most clients send only path and query as `uri`, which does not bind the host: an attacker who
//!   intercepts such a request can have it forwarded, once, to the same path of another host.
//! - Without a [throttle], which is off by default, nothing limits guessing. A throttle in memory
//!   does not stop guesses from so many networks that each stays below its limits, and several
//!   processes do not share their counts. Guesses also fill the queue of a slow back end: those
//!   from more than 32 peers at a time can still cause 503.
//!
//! # Deviations from the RFCs
//! - `uri` may be only path and query even if the request target is absolute, because most clients
//!   send nothing else. RFC 7616 requires that it designates the same resource.
//! - `-sess` algorithms use the nonce and cnonce of the current request, as real clients do. RFC
//!   7616 fixes them when the session starts, which would need state for each session. Their
//!   `cnonce` must not contain a colon, since other responses could then serve as session keys.
//! - `auth-int` is neither offered nor accepted, because most clients implement it incorrectly.
//! - `domain` is not sent, because it has no meaning for a proxy. `opaque` is sent, because some
//!   clients require it, and ignored in requests.
//! - A user name is tried in up to three readings (unescaped, as sent, percent-decoded), and `uri`
//!   in two, because clients escape differently. A name with an unescaped quote is malformed.
//! - Credentials with an algorithm that is not offered get 407, not 400.
//! - `stale=true` is also sent for a nonce-count that was used before, and omitted after 100
//!   consecutive times.
//! - A realm consists of printable ASCII without quote and backslash.
//! - Names and passwords are compared byte for byte, without the preparation of [RFC 8265].
//!   [`BasicScheme::with_nfc`] normalizes them.
//! - Basic refuses empty passwords unless [`BasicScheme::allow_empty_passwords`] is set.
//! - The 407 of an upstream proxy becomes a 502, because the client's credentials are for this
//!   proxy.
//!
//! # Features
//! Features add items and never change behaviour. None is enabled by default.
//!
//! | feature | adds |
//! |---|---|
//! | `access-rules` | `access::AccessRules`: ordered rules in a TOML document |
//! | `cached` | `backend::cached`: a cache for verdicts and Digest secrets |
//! | `htdigest` | `backend::htdigest`: users for Digest in files, reloaded when they change |
//! | `htpasswd` | `backend::htpasswd`: users for Basic in a file, reloaded when it changes |
//! | `ldap` | `backend::ldap`: users for Basic in a directory; needs a tokio runtime |
//! | `metrics` | `MetricsObserver` in [`event`], which counts requests with the crate `metrics` |
//! | `password-hash` | `backend::password_hash`: checks and creates stored passwords |
//! | `redis` | `nonce_store::redis`: used nonce-counts that several proxies share; needs a tokio runtime |
//! | `sql-mysql`, `sql-postgres`, `sql-sqlite` | `backend::sql`: users in a database table; they need Rust 1.94 |
//! | `sql` | the shared part of those three; it opens no database by itself |
//! | `timeout` | `backend::Timeout`: a time limit for every back-end call |
//! | `tls-aws-lc-rs`, `tls-ring` | TLS to directories, PostgreSQL and MySQL |
//! | `tower-http` | `AuthMakeSpan` and `AuthOnResponse` in [`middleware`], for `TraceLayer` |
//! | `tracing` | `TracingObserver` in [`event`], which logs each request |
//!
//! Some features have types of another crate in their API, or link a C library of which a program
//! can contain only one version:
//!
//! | feature | version |
//! |---|---|
//! | `metrics` | the recorder of `metrics` 0.24 |
//! | `sql-mysql`, `sql-postgres`, `sql-sqlite` | pools of `sqlx` 0.9 |
//! | `sql-sqlite` | `libsqlite3-sys` 0.37 |
//! | `tower-http` | `tower-http` 0.7 |
//!
//! ## TLS of back ends
//! `tls-aws-lc-rs` and `tls-ring` use [rustls] with the crypto provider of that name, and trust the
//! certificate authorities of the operating system unless others are configured. Enable the one for
//! the provider that your program already contains; aws-lc-rs is the default of rustls and
//! tokio-rustls. If both features are enabled, ring is used.
//!
//! The connections name their provider, so no default provider has to be installed for them, except
//! for `verify-ca` of databases (see `backend::sql`). But a program that contains both providers
//! must install one before it uses the defaults of rustls, such as `ServerConfig::builder()`, which
//! panics otherwise: call `rustls::crypto::aws_lc_rs::default_provider().install_default()`, or the
//! same function of `ring`, at the start of `main`.
//!
//! [rustls]: https://docs.rs/rustls/0.23/rustls/crypto/struct.CryptoProvider.html
//! [tower]: https://docs.rs/tower
//! [`Layer`]: https://docs.rs/tower/latest/tower/trait.Layer.html
//! [`with_realm_of`]: authenticator::AuthenticatorBuilder::with_realm_of
//! [`with_offer_of`]: authenticator::AuthenticatorBuilder::with_offer_of
//! [`allow_chaining`]: ProxyAuthLayer::allow_chaining
//! [RFC 7616]: https://www.rfc-editor.org/rfc/rfc7616
//! [RFC 7617]: https://www.rfc-editor.org/rfc/rfc7617
//! [RFC 8265]: https://www.rfc-editor.org/rfc/rfc8265

pub mod access;
pub mod authenticator;
pub mod backend;
mod change_stamp;
mod claim;
pub mod clock;
mod error;
pub mod event;
mod grammar;
mod head;
mod identity;
pub mod middleware;
pub mod nonce_store;
mod peer;
mod reason;
pub mod revocation;
pub mod secret;
pub mod throttle;
mod user_id;
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
pub use change_stamp::ChangeStamp;
pub use error::{BackendError, ConfigError};
pub use head::RequestHead;
pub use identity::{Account, Identity};
pub use middleware::{layer::ProxyAuthLayer, service::ProxyAuth};
pub use reason::Reason;
pub use user_id::UserId;
pub use wire::{Realm, digest::HashedA1};

/// The options of [`DigestScheme`]: algorithms, nonce keys, and how `uri` is compared.
pub mod digest {
    pub use crate::{
        authenticator::digest::{AuthInfo, DigestBuilder, NonceKeys},
        wire::digest::{
            Algorithm, HashFunction, HashFunctions, InvalidHashedA1, NonceKey, UnknownHashFunction,
            UriCheck, Userhash,
        },
    };
}

/// The trait [`AuthScheme`](scheme::AuthScheme), for schemes other than Basic and Digest.
///
/// `examples/bearer_scheme.rs` implements one.
pub mod scheme {
    pub use crate::authenticator::scheme::{
        AuthResult, AuthScheme, Authenticated, ChallengeContext, RequestContext, SchemeSetup,
        SentCredentials,
    };
    pub use crate::claim::{Claim, Claimant};
}

/// The guide. Its chapters are also files in `docs/guide`.
#[cfg(any(doc, doctest))]
pub mod guide {
    #[doc = include_str!("../docs/guide/first-proxy.md")]
    pub mod first_proxy {}

    #[doc = include_str!("../docs/guide/write-your-own-validator.md")]
    pub mod write_your_own_validator {}

    #[doc = include_str!("../docs/guide/clients.md")]
    pub mod clients {}

    #[doc = include_str!("../docs/guide/ending-access.md")]
    pub mod ending_access {}

    #[doc = include_str!("../docs/guide/refusals.md")]
    pub mod refusals {}

    #[doc = include_str!("../docs/guide/troubleshooting.md")]
    pub mod troubleshooting {}
}

/// Compiles the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
