//! Answers kept for a while, so that a dear question is asked once and not for each request.
//!
//! HTTP clients send credentials anew with every request. A hash that is slow on purpose, or a
//! server that has to be asked, is then what each of them waits for. For Basic it is verdicts that
//! are kept, for Digest the secrets that responses are checked against.
//!
//! # What it promises
//! - A verdict goes to the very credentials that it was given for. What it is found by is a MAC
//!   over realm, scheme, name and password *as the client sent them*, under a key that each cache
//!   draws for itself. Nothing that the back end holds is part of it. A secret is found by realm,
//!   hash function and name.
//! - No password is kept; while a check is under way, it alone has one, and wipes it.
//! - No verdict outlives what it was made from: it goes with its time, with
//!   [`version`](crate::CredentialValidator::version), and with
//!   [`invalidate`](Cached::invalidate), also where the check was under way at that moment.
//! - A failure is never kept, and never becomes a verdict.
//! - Its memory is bounded, and refusals have a part of their own: whoever guesses drives out
//!   neither those who got in, nor more than a few refusals of the same name.
//!
//! # How identical requests share a check
//! The first of them begins it, and all of them poll it: it belongs to none. If the first goes
//! away, whoever is left goes on with it; if all do, it is dropped, and with it what it had
//! borrowed. So none of this needs a task or a runtime.
//!
//! # Which goes round which
//! Put the time-out inside, `Cached<Timeout<V>>`: then the check ends for all who wait for it. In
//! `Timeout<Cached<V>>` each gives up for itself, while newcomers go on waiting for a check that
//! hangs; not for ever, since nobody joins one that is older than ten seconds, but longer than need
//! be. In a chain, wrap the slow members, not the chain: those that answer at once need no cache.

mod asked;
mod builder;
mod check;
mod in_flight;
mod invalidations;
mod key;
mod proven;
mod question;
mod refused;
mod rooms;
mod state;
mod validator;

pub use builder::CachedBuilder;
pub use validator::Cached;
