//! What can be wrong with a stored password, or with one that is to be stored.

use std::error::Error;

use super::HashKind;

/// A stored password that cannot be used. Shows nothing of it but kind and cost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordHashError {
    /// Nothing is stored.
    #[error("the hash is empty")]
    Empty,
    /// A kind that is not accepted by any policy.
    #[error("the hash is {what}, which is never accepted: make a new one")]
    Unsupported {
        /// What it is.
        what: &'static str,
    },
    /// A kind that this policy does not accept.
    #[error("the hash is of the weak kind {kind}: make a new one, or accept it with allow_kind")]
    NotAllowed {
        /// The kind.
        kind: HashKind,
    },
    /// A check that would take too long or too much memory.
    #[error("the {cost} of the {kind} hash is {given}: at most {maximum} is allowed")]
    TooDear {
        /// The kind.
        kind: HashKind,
        /// What is too much.
        cost: &'static str,
        /// How much it is.
        given: u32,
        /// How much is allowed.
        maximum: u32,
    },
    /// A hash that is cut off or otherwise broken.
    #[error("the {kind} hash is malformed: {problem}")]
    Malformed {
        /// The kind that it begins like.
        kind: HashKind,
        /// What is wrong.
        problem: &'static str,
    },
}

/// A password that cannot be hashed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashingError {
    /// A password that no client could send: it is empty, or holds a control character.
    #[error("the password {problem}: choose another")]
    InvalidPassword {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A password of which the method would ignore a part.
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
        /// How much was asked for.
        given: u32,
        /// The least.
        minimum: u32,
        /// The most.
        maximum: u32,
    },
    /// There is not enough memory for Argon2.
    #[error("there is not enough memory to hash a password")]
    OutOfMemory,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: let the process call getrandom(2)")]
    Randomness(#[source] Box<dyn Error + Send + Sync>),
}
