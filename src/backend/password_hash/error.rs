//! Errors about stored passwords and about new ones.

use std::error::Error;

use super::HashKind;

/// A stored password that cannot be used. Messages show only its kind and cost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordHashError {
    /// Nothing is stored.
    #[error("the hash is empty")]
    Empty,
    /// A kind that no policy accepts.
    #[error("the hash is {what}, which is never accepted: make a new one")]
    Unsupported {
        /// A description of the hash.
        what: &'static str,
    },
    /// A prefix such as `{BLF-CRYPT}` before a hash of another kind.
    #[error("the hash after {prefix} is of another kind: correct the prefix, or make a new hash")]
    OtherPrefix {
        /// The prefix.
        prefix: &'static str,
    },
    /// A kind that this policy does not accept.
    #[error("the hash is of the weak kind {kind}: make a new one, or accept it with allow_kind")]
    NotAllowed {
        /// The kind.
        kind: HashKind,
    },
    /// A hash whose check would take too long or too much memory.
    #[error("the {cost} of the {kind} hash is {given}: at most {maximum} is allowed")]
    TooExpensive {
        /// The kind.
        kind: HashKind,
        /// Which cost it is.
        cost: &'static str,
        /// The cost of the hash.
        given: u32,
        /// The highest cost that is allowed.
        maximum: u32,
    },
    /// A hash that is cut off or otherwise malformed.
    #[error("the {kind} hash is malformed: {problem}")]
    Malformed {
        /// The kind, according to its prefix.
        kind: HashKind,
        /// What is wrong.
        problem: &'static str,
    },
}

/// There is not enough memory for a check.
#[derive(Debug, thiserror::Error)]
#[error("there is not enough memory to check a password")]
pub(super) struct OutOfMemory;

/// A password that cannot be hashed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashingError {
    /// A password that no client could send: it is empty, or contains a control character.
    #[error("the password {problem}: choose another")]
    InvalidPassword {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A password that the method would cut.
    #[error("the password is {length} bytes long: {kind} takes at most {maximum}")]
    PasswordTooLong {
        /// The kind of hash.
        kind: HashKind,
        /// The length in bytes.
        length: usize,
        /// The longest that is allowed, in bytes.
        maximum: usize,
    },
    /// A cost that the method does not have.
    #[error("the {cost} of {kind} is {given}: use {minimum} to {maximum}")]
    Cost {
        /// The kind of hash.
        kind: HashKind,
        /// Which cost it is.
        cost: &'static str,
        /// The cost as given.
        given: u32,
        /// The lowest.
        minimum: u32,
        /// The highest.
        maximum: u32,
    },
    /// There is not enough memory for Argon2.
    #[error("there is not enough memory to hash a password")]
    OutOfMemory,
    /// The operating system provided no random bytes.
    #[error(
        "the operating system provided no random bytes: allow the process to call getrandom(2)"
    )]
    Randomness(#[source] Box<dyn Error + Send + Sync>),
}
