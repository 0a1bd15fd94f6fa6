//! Who a client claims to be.

use std::fmt;

use crate::wire::digest::Userhash;

/// Who a client claims to be, before its credentials are verified: for limits and logs.
///
/// `Debug` shows neither the name, since people type passwords into the name field, nor the secret.
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    claimant: Claimant<'a>,
    fixed_secret: Option<&'a str>,
    algorithm: Option<&'static str>,
}

/// The name that a client sent, or its hash.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Claimant<'a> {
    /// The user-id as sent, without the parameters that are split off it.
    Name(&'a str),
    /// The hash of `user-id:realm`.
    Userhash(&'a Userhash),
    /// The credentials contain no name, like a token.
    Unnamed,
}

impl<'a> Claim<'a> {
    /// A claim to be `claimant`.
    #[must_use]
    pub const fn new(claimant: Claimant<'a>) -> Self {
        Self { claimant, fixed_secret: None, algorithm: None }
    }

    /// Adds the secret, if the client sends the same one with every request: the password of Basic,
    /// or a token. Equal claims with equal secrets are then recognized as a repetition.
    #[must_use]
    pub const fn with_fixed_secret(mut self, secret: &'a str) -> Self {
        self.fixed_secret = Some(secret);
        self
    }

    /// Adds the algorithm of the scheme, such as `MD5`, for logs and metrics.
    #[must_use]
    pub const fn with_algorithm(mut self, algorithm: &'static str) -> Self {
        self.algorithm = Some(algorithm);
        self
    }

    /// Who the client claims to be.
    #[must_use]
    pub const fn claimant(&self) -> Claimant<'a> {
        self.claimant
    }

    /// The secret that the client sends with every request; `None` if it differs each time, as in
    /// Digest.
    #[must_use]
    pub const fn fixed_secret(&self) -> Option<&'a str> {
        self.fixed_secret
    }

    /// The algorithm of the scheme; `None` if it has only one.
    #[must_use]
    pub const fn algorithm(&self) -> Option<&'static str> {
        self.algorithm
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("claimant", &self.claimant)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Claimant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name(_) => "Name(..)",
            Self::Userhash(_) => "Userhash(..)",
            Self::Unnamed => "Unnamed",
        })
    }
}
