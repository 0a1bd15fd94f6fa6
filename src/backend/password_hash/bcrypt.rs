//! bcrypt.

use ::bcrypt::BASE_64;
use base64::Engine as _;
use zeroize::{Zeroize, Zeroizing};

use super::{HashKind, HashPolicy, HashingError, PasswordHashError, work};
use crate::secret::constant_time_eq;

/// The number of bytes of a password that bcrypt hashes.
pub(super) const MAX_PASSWORD: usize = 72;
pub(super) const COSTS: std::ops::RangeInclusive<u32> = 4..=31;

const SALT: usize = 16;
const HASH: usize = 23;

/// Cost, salt and hash.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Bcrypt {
    cost: u8,
    /// Whether bytes after the 72nd are ignored.
    truncates: bool,
    salt: [u8; SALT],
    hash: Zeroizing<[u8; HASH]>,
}

impl Bcrypt {
    /// Reads the text after `$2y$`, `$2b$` or `$2a$`.
    pub(super) fn parse(text: &str, policy: &HashPolicy) -> Result<Self, PasswordHashError> {
        let malformed = |problem| PasswordHashError::Malformed { kind: HashKind::Bcrypt, problem };
        let (digits, rest) = text.split_once('$').ok_or(malformed("it is cut off"))?;
        let cost = match digits.as_bytes() {
            [b'0'..=b'3', b'0'..=b'9'] => digits.parse().unwrap_or_default(),
            _ => return Err(malformed("its cost is not a number of two digits")),
        };
        if !COSTS.contains(&u32::from(cost)) {
            return Err(malformed("its cost is not within 4 to 31"));
        }
        policy.check_bcrypt_cost(u32::from(cost))?;
        let (mut salt, mut hash) = ([0; SALT], Zeroizing::new([0; HASH]));
        let (salt_text, hash_text) = rest.split_at_checked(22).ok_or(malformed("it is cut off"))?;
        if hash_text.len() != 31 {
            return Err(malformed("it does not have 60 characters"));
        }
        if BASE_64.decode_slice(salt_text, &mut salt) != Ok(SALT) {
            return Err(malformed("its salt is not 22 characters of base64"));
        }
        if BASE_64.decode_slice(hash_text, &mut *hash) != Ok(HASH) {
            return Err(malformed("its last 31 characters are not base64"));
        }
        Ok(Self { cost, truncates: policy.bcrypt_truncates(), salt, hash })
    }

    pub(super) const fn cost(&self) -> u32 {
        self.cost as u32
    }

    /// The longest password, in bytes.
    pub(super) const fn max_password(&self) -> usize {
        if self.truncates { usize::MAX } else { MAX_PASSWORD }
    }

    /// A password above the limit is wrong, and costs as much as any other.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let computed = compute(self.cost(), self.salt, password);
        constant_time_eq(&*self.hash, &*computed) & (password.len() <= self.max_password())
    }

    #[cfg(feature = "htpasswd")]
    pub(super) fn salt_and_hash(&self) -> (&[u8], &[u8]) {
        (&self.salt, &*self.hash)
    }
}

/// The number of rounds of this cost, or of the nearest valid one.
pub(super) const fn work(cost: u32) -> u64 {
    let [lowest, highest] = [*COSTS.start(), *COSTS.end()];
    1 << if cost < lowest {
        lowest
    } else if cost > highest {
        highest
    } else {
        cost
    }
}

/// A new hash as it is stored.
pub(super) fn make(cost: u32, password: &[u8]) -> Result<String, HashingError> {
    let mut salt = [0; SALT];
    getrandom::fill(&mut salt).map_err(|error| HashingError::Randomness(error.into()))?;
    let hash = compute(cost, salt, password);
    Ok(format!("$2y${cost:02}${}{}", BASE_64.encode(salt), BASE_64.encode(*hash)))
}

/// Does the work of a check of this cost, 4 to 31.
pub(super) fn burn(cost: u32, password: &[u8]) {
    std::hint::black_box(compute(cost, [0; SALT], password));
}

/// Hashes the first 72 bytes of the password and its terminator.
fn compute(cost: u32, salt: [u8; SALT], password: &[u8]) -> Zeroizing<[u8; HASH]> {
    work::count("bcrypt", 1 << cost);
    let length = password.len().min(MAX_PASSWORD);
    let mut key = Zeroizing::new([0; MAX_PASSWORD]);
    for (to, &from) in key.iter_mut().zip(password) {
        *to = from;
    }
    let used = key.get(..MAX_PASSWORD.min(length + 1)).unwrap_or_default();
    let mut output = ::bcrypt::bcrypt(cost, salt, used);
    let mut hash = Zeroizing::new([0; HASH]);
    for (to, &from) in hash.iter_mut().zip(&output) {
        *to = from;
    }
    output.zeroize();
    hash
}
