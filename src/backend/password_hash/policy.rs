//! The policy for stored passwords.

use std::fmt;

use super::{HashKind, PasswordHashError, yescrypt};

/// The accepted kinds of stored passwords, and their maximum costs.
///
/// [`HashPolicy::new`] accepts bcrypt, SHA-crypt, Argon2 and yescrypt. The default limits accept
/// the default costs of common programs, and no check takes more than a few seconds.
///
/// # Examples
/// ```
/// use tower_proxy_auth::backend::password_hash::{HashKind, HashPolicy, PasswordHash};
///
/// let old = "$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00";
/// assert!(PasswordHash::parse(old, &HashPolicy::new()).is_err());
/// let policy = HashPolicy::new().allow_kind(HashKind::Apr1);
/// assert!(PasswordHash::parse(old, &policy)?.verify("password"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct HashPolicy {
    kinds: Kinds,
    bcrypt_cost: u32,
    sha_crypt_rounds: u32,
    argon2_memory: u32,
    argon2_passes: u32,
    yescrypt_memory: u32,
    bcrypt_truncates: bool,
}

impl HashPolicy {
    /// Accepts the strong kinds, up to the default costs.
    pub const fn new() -> Self {
        Self {
            kinds: Kinds(
                HashKind::Bcrypt.bit()
                    | HashKind::Sha256Crypt.bit()
                    | HashKind::Sha512Crypt.bit()
                    | HashKind::Argon2.bit()
                    | HashKind::Yescrypt.bit(),
            ),
            bcrypt_cost: 15,
            sha_crypt_rounds: 1_000_000,
            argon2_memory: 256 * 1024,
            argon2_passes: 16,
            yescrypt_memory: 256 * 1024,
            bcrypt_truncates: false,
        }
    }

    /// Accepts one more kind, a [weak](HashKind::is_weak) one.
    ///
    /// # Security
    /// Such hashes reveal most passwords within hours, or at once. Use it during a migration only.
    pub const fn allow_kind(mut self, kind: HashKind) -> Self {
        self.kinds.0 |= kind.bit();
        self
    }

    /// Sets whether only the first 72 bytes of a password are compared with a bcrypt hash, which
    /// does not cover more. `false` by default: longer passwords are wrong.
    ///
    /// # Security
    /// If `true`, everything after the first 72 bytes of a password is ignored.
    pub const fn allow_bcrypt_truncation(mut self, truncates: bool) -> Self {
        self.bcrypt_truncates = truncates;
        self
    }

    /// Sets the highest cost of bcrypt, 4 to 31; 15 by default. Each step doubles the time. A value
    /// below 4 refuses every bcrypt hash.
    pub const fn with_max_bcrypt_cost(mut self, cost: u32) -> Self {
        self.bcrypt_cost = cost;
        self
    }

    /// Sets the highest number of SHA-crypt rounds, 1,000 to 999,999,999; 1,000,000 by default. A
    /// value below 1,000 refuses every SHA-crypt hash.
    pub const fn with_max_sha_crypt_rounds(mut self, rounds: u32) -> Self {
        self.sha_crypt_rounds = rounds;
        self
    }

    /// Sets the maximum memory of a check with Argon2, in KiB; 262,144 (256 MiB) by default.
    /// Each check that a [`HashingPool`](super::HashingPool) runs may take as much. A value below 8
    /// refuses every Argon2 hash.
    pub const fn with_max_argon2_memory(mut self, kib: u32) -> Self {
        self.argon2_memory = kib;
        self
    }

    /// Sets the highest number of Argon2 passes, 1 or more; 16 by default. A value of 0 refuses
    /// every Argon2 hash.
    pub const fn with_max_argon2_passes(mut self, passes: u32) -> Self {
        self.argon2_passes = passes;
        self
    }

    /// Sets the maximum memory of a check with yescrypt, in KiB; 262,144 (256 MiB) by default,
    /// which admits the cost factors 1 to 9 of crypt(3). Debian's default of 5 takes 16 MiB, and
    /// each step doubles the memory and the time. Each check that a
    /// [`HashingPool`](super::HashingPool) runs may take as much. A value of 0 refuses every
    /// yescrypt hash.
    pub const fn with_max_yescrypt_memory(mut self, kib: u32) -> Self {
        self.yescrypt_memory = kib;
        self
    }

    pub(super) const fn allows(&self, kind: HashKind) -> Result<(), PasswordHashError> {
        if !self.kinds.contains(kind) {
            return Err(PasswordHashError::NotAllowed { kind });
        }
        Ok(())
    }

    pub(super) const fn bcrypt_truncates(&self) -> bool {
        self.bcrypt_truncates
    }

    pub(super) fn check_bcrypt_cost(&self, cost: u32) -> Result<(), PasswordHashError> {
        at_most(HashKind::Bcrypt, "cost", cost, self.bcrypt_cost)
    }

    pub(super) fn check_rounds(
        &self,
        kind: HashKind,
        rounds: u32,
    ) -> Result<(), PasswordHashError> {
        at_most(kind, "number of rounds", rounds, self.sha_crypt_rounds)
    }

    pub(super) fn check_argon2(&self, kib: u32, passes: u32) -> Result<(), PasswordHashError> {
        at_most(HashKind::Argon2, "memory in KiB", kib, self.argon2_memory)?;
        at_most(HashKind::Argon2, "number of passes", passes, self.argon2_passes)
    }

    pub(super) fn check_yescrypt(&self, kib: u64, r: u32, p: u32) -> Result<(), PasswordHashError> {
        let kib = u32::try_from(kib).unwrap_or(u32::MAX);
        at_most(HashKind::Yescrypt, "memory in KiB", kib, self.yescrypt_memory)?;
        at_most(HashKind::Yescrypt, "block size r", r, yescrypt::MAX_R)?;
        at_most(HashKind::Yescrypt, "parallelism p", p, yescrypt::MAX_P)
    }
}

/// The bits of kinds.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kinds(u16);

impl Kinds {
    const fn contains(self, kind: HashKind) -> bool {
        self.0 & kind.bit() != 0
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(HashKind::EACH.iter().filter(|&&kind| self.contains(kind))).finish()
    }
}

impl Default for HashPolicy {
    fn default() -> Self {
        Self::new()
    }
}

fn at_most(
    kind: HashKind,
    cost: &'static str,
    given: u32,
    maximum: u32,
) -> Result<(), PasswordHashError> {
    if given > maximum {
        return Err(PasswordHashError::TooExpensive { kind, cost, given, maximum });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_names_the_kinds() {
        let shown = format!("{:?}", HashPolicy::new().allow_kind(HashKind::Apr1));
        let kinds = "kinds: {Bcrypt, Sha256Crypt, Sha512Crypt, Argon2, Yescrypt, Apr1}, ";
        assert!(shown.starts_with(&format!("HashPolicy {{ {kinds}")), "{shown}");
    }
}
