//! Makes new hashes.

use std::ops::RangeInclusive;

use super::{
    HashKind, HashingError,
    argon2::{self, Cost},
    bcrypt,
    sha_crypt::{self, Function},
};
use crate::backend::impossible::problem_of_password;

/// A method of hashing passwords, with its cost.
///
/// The default is Argon2id with 19 MiB and two passes, which takes about 30 ms of a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashMethod {
    /// Argon2id.
    Argon2id {
        /// The memory in KiB, at least 8 for each lane.
        memory: u32,
        /// The number of passes over the memory, 1 or more.
        passes: u32,
        /// The number of lanes that the memory is divided into, 1 to 16,777,215. They are computed
        /// one after the other.
        lanes: u32,
    },
    /// bcrypt, which takes passwords of up to 72 bytes.
    Bcrypt {
        /// 4 to 31. A cost of 12 takes about a fifth of a second, and each step doubles the time.
        cost: u32,
    },
    /// SHA-crypt with SHA-256, which takes passwords of up to 512 bytes.
    Sha256Crypt {
        /// 1,000 to 999,999,999.
        rounds: u32,
    },
    /// SHA-crypt with SHA-512, which takes passwords of up to 512 bytes.
    Sha512Crypt {
        /// 1,000 to 999,999,999.
        rounds: u32,
    },
}

impl HashMethod {
    /// The kind of hash that it makes.
    #[must_use]
    pub const fn kind(self) -> HashKind {
        match self {
            Self::Argon2id { .. } => HashKind::Argon2,
            Self::Bcrypt { .. } => HashKind::Bcrypt,
            Self::Sha256Crypt { .. } => HashKind::Sha256Crypt,
            Self::Sha512Crypt { .. } => HashKind::Sha512Crypt,
        }
    }

    const fn max_password(self) -> usize {
        match self {
            Self::Argon2id { .. } => usize::MAX,
            Self::Bcrypt { .. } => bcrypt::MAX_PASSWORD,
            Self::Sha256Crypt { .. } | Self::Sha512Crypt { .. } => sha_crypt::MAX_PASSWORD,
        }
    }

    fn check_cost(self) -> Result<(), HashingError> {
        let within = |cost, given, range: RangeInclusive<u32>| {
            if range.contains(&given) {
                return Ok(());
            }
            let (minimum, maximum) = range.into_inner();
            Err(HashingError::Cost { kind: self.kind(), cost, given, minimum, maximum })
        };
        match self {
            Self::Argon2id { memory, passes, lanes } => {
                within("number of lanes", lanes, 1..=0xFF_FFFF)?;
                within("number of passes", passes, 1..=u32::MAX)?;
                within("memory in KiB", memory, lanes.saturating_mul(8)..=u32::MAX)
            }
            Self::Bcrypt { cost } => within("cost", cost, bcrypt::COSTS),
            Self::Sha256Crypt { rounds } | Self::Sha512Crypt { rounds } => {
                within("number of rounds", rounds, sha_crypt::ROUNDS)
            }
        }
    }
}

impl Default for HashMethod {
    fn default() -> Self {
        Self::Argon2id { memory: 19 * 1024, passes: 2, lanes: 1 }
    }
}

/// Hashes a password with a new random salt. [`PasswordHash::parse`](super::PasswordHash::parse)
/// reads the result.
///
/// # Examples
/// ```
/// use tower_proxy_auth::backend::password_hash::{HashMethod, hash_password};
///
/// let stored = hash_password("wonder", HashMethod::default())?;
/// assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A password that no client can send or that the method would cut, a cost that the method does not
/// have, no memory, or no random bytes: [`HashingError`].
pub fn hash_password(password: &str, method: HashMethod) -> Result<String, HashingError> {
    method.check_cost()?;
    if let Some(problem) = problem_of_password(password) {
        return Err(HashingError::InvalidPassword { problem });
    }
    let (length, maximum) = (password.len(), method.max_password());
    if length > maximum {
        return Err(HashingError::PasswordTooLong { kind: method.kind(), length, maximum });
    }
    let password = password.as_bytes();
    match method {
        HashMethod::Argon2id { memory, passes, lanes } => {
            argon2::make(Cost::argon2id(memory, passes, lanes), password)
        }
        HashMethod::Bcrypt { cost } => bcrypt::make(cost, password),
        HashMethod::Sha256Crypt { rounds } => sha_crypt::make(Function::Sha256, rounds, password),
        HashMethod::Sha512Crypt { rounds } => sha_crypt::make(Function::Sha512, rounds, password),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::password_hash::{HashPolicy, PasswordHash};

    const CHEAP: [HashMethod; 4] = [
        HashMethod::Argon2id { memory: 16, passes: 1, lanes: 2 },
        HashMethod::Bcrypt { cost: 4 },
        HashMethod::Sha256Crypt { rounds: 1_000 },
        HashMethod::Sha512Crypt { rounds: 1_000 },
    ];

    #[test]
    fn new_hashes_are_read_and_verify() {
        for method in CHEAP {
            let [first, second] = [(); 2].map(|()| hash_password("w\u{f6}nder", method).unwrap());
            assert_ne!(first, second, "a new salt each time");
            let hash = PasswordHash::parse(&first, &HashPolicy::new()).unwrap();
            assert_eq!(hash.kind(), method.kind());
            assert!(hash.verify("w\u{f6}nder"), "{first}");
            assert!(!hash.verify("wonder"), "{first}");
        }
    }

    #[test]
    fn the_default_policy_accepts_the_default_method() {
        let stored = hash_password("wonder", HashMethod::default()).unwrap();
        assert!(PasswordHash::parse(&stored, &HashPolicy::new()).unwrap().verify("wonder"));
    }

    #[test]
    fn refuses_a_password_that_no_client_can_send() {
        for (password, problem) in [
            ("", "is empty"),
            ("password\0password", "contains a control character"),
            ("a\nb", "contains a control character"),
            ("a\u{85}b", "contains a control character"),
        ] {
            for method in CHEAP {
                let error = hash_password(password, method).unwrap_err();
                assert_eq!(error.to_string(), format!("the password {problem}: choose another"));
            }
        }
    }

    #[test]
    fn refuses_a_password_that_would_be_cut() {
        for (method, maximum) in [(CHEAP[1], 72), (CHEAP[2], 512), (CHEAP[3], 512)] {
            assert!(hash_password(&"a".repeat(maximum), method).is_ok());
            let error = hash_password(&"a".repeat(maximum + 1), method).unwrap_err();
            let (length, kind) = (maximum + 1, method.kind());
            let message =
                format!("the password is {length} bytes long: {kind} takes at most {maximum}");
            assert_eq!(error.to_string(), message);
        }
        assert!(hash_password(&"a".repeat(5_000), CHEAP[0]).is_ok());
    }

    #[test]
    fn refuses_a_cost_that_the_method_does_not_have() {
        for (method, message) in [
            (HashMethod::Bcrypt { cost: 3 }, "the cost of bcrypt is 3: use 4 to 31"),
            (HashMethod::Bcrypt { cost: 32 }, "the cost of bcrypt is 32: use 4 to 31"),
            (
                HashMethod::Sha512Crypt { rounds: 999 },
                "the number of rounds of sha512-crypt is 999: use 1000 to 999999999",
            ),
            (
                HashMethod::Argon2id { memory: 15, passes: 1, lanes: 2 },
                "the memory in KiB of argon2 is 15: use 16 to 4294967295",
            ),
            (
                HashMethod::Argon2id { memory: 16, passes: 0, lanes: 2 },
                "the number of passes of argon2 is 0: use 1 to 4294967295",
            ),
            (
                HashMethod::Argon2id { memory: 16, passes: 1, lanes: 0 },
                "the number of lanes of argon2 is 0: use 1 to 16777215",
            ),
        ] {
            assert_eq!(hash_password("wonder", method).unwrap_err().to_string(), message);
        }
    }
}
