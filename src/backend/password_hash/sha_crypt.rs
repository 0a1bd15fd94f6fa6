//! SHA-crypt: thousands of rounds of SHA-256 or SHA-512.

use sha_crypt::Params;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use super::{HashKind, HashPolicy, HashingError, PasswordHashError, crypt64, work};
use crate::secret::constant_time_eq;

/// The longest password, as in crypt(3). Clients choose the length, and the time grows with it.
pub(super) const MAX_PASSWORD: usize = 512;
pub(super) const ROUNDS: std::ops::RangeInclusive<u32> = Params::ROUNDS_MIN..=Params::ROUNDS_MAX;

const DEFAULT_ROUNDS: u32 = 5_000;
const MAX_SALT: usize = 16;

/// The hash function of a SHA-crypt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Sha256,
    Sha512,
}

impl Function {
    pub(super) const fn kind(self) -> HashKind {
        match self {
            Self::Sha256 => HashKind::Sha256Crypt,
            Self::Sha512 => HashKind::Sha512Crypt,
        }
    }

    const fn order(self) -> &'static crypt64::Order {
        match self {
            Self::Sha256 => crypt64::SHA256,
            Self::Sha512 => crypt64::SHA512,
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Sha256 => "$5$",
            Self::Sha512 => "$6$",
        }
    }
}

/// Rounds, salt and hash.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ShaCrypt {
    function: Function,
    rounds: u32,
    salt: Box<str>,
    hash: Zeroizing<Vec<u8>>,
}

impl ShaCrypt {
    /// Reads the text after `$5$` or `$6$`.
    pub(super) fn parse(
        function: Function,
        text: &str,
        policy: &HashPolicy,
    ) -> Result<Self, PasswordHashError> {
        let kind = function.kind();
        let malformed = |problem| PasswordHashError::Malformed { kind, problem };
        let (rounds, rest) = match text.strip_prefix("rounds=") {
            Some(rest) => {
                let (digits, rest) = rest.split_once('$').ok_or(malformed("it is cut off"))?;
                (number(digits).ok_or(malformed("its rounds are not a number"))?, rest)
            }
            None => (DEFAULT_ROUNDS, text),
        };
        if !ROUNDS.contains(&rounds) {
            return Err(malformed("its rounds are not within 1000 to 999999999"));
        }
        policy.check_rounds(kind, rounds)?;
        let (salt, hash) = rest.split_once('$').ok_or(malformed("it is cut off"))?;
        if salt.len() > MAX_SALT || !salt.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(malformed("its salt is not 16 or fewer characters of ASCII"));
        }
        let hash = crypt64::decode(function.order(), hash)
            .ok_or(malformed("its hash has the wrong length, or is not base64"))?;
        Ok(Self { function, rounds, salt: salt.into(), hash })
    }

    pub(super) const fn function(&self) -> Function {
        self.function
    }

    pub(super) const fn rounds(&self) -> u32 {
        self.rounds
    }

    /// A password above the limit is wrong, and costs as much as the longest.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let computed = compute(self.function, self.rounds, self.salt.as_bytes(), password);
        constant_time_eq(&self.hash, &computed) & (password.len() <= MAX_PASSWORD)
    }

    #[cfg(feature = "htpasswd")]
    pub(super) fn salt_and_hash(&self) -> (&[u8], &[u8]) {
        (self.salt.as_bytes(), &self.hash)
    }
}

/// A new hash as it is stored.
pub(super) fn make(
    function: Function,
    rounds: u32,
    password: &[u8],
) -> Result<String, HashingError> {
    let salt = crypt64::salt::<MAX_SALT>();
    let salt = salt.map_err(|error| HashingError::Randomness(error.into()))?;
    let hash = compute(function, rounds, salt.as_bytes(), password);
    let hash = crypt64::encode(function.order(), &hash);
    Ok(format!("{}rounds={rounds}${salt}${hash}", function.prefix()))
}

/// Does the work of a check with this number of rounds.
pub(super) fn burn(function: Function, rounds: u32, password: &[u8]) {
    const SALT: &[u8] = &[b'.'; MAX_SALT];
    if ROUNDS.contains(&rounds) {
        std::hint::black_box(compute(function, rounds, SALT, password));
        return;
    }
    // The difference between two hashes may be less than the algorithm's minimum.
    work::count(function.kind().name(), rounds.into());
    let password = truncated(password);
    match function {
        Function::Sha256 => burn_rounds::<Sha256>(rounds, SALT, password),
        Function::Sha512 => burn_rounds::<Sha512>(rounds, SALT, password),
    }
}

/// Hashes as many bytes as this number of rounds of the algorithm.
fn burn_rounds<D: Digest>(rounds: u32, salt: &[u8], password: &[u8]) {
    let mut last = D::digest(password);
    for round in 0..rounds {
        let mut hash = D::new();
        hash.update(&last);
        if round % 3 != 0 {
            hash.update(salt);
        }
        if round % 7 != 0 {
            hash.update(password);
        }
        hash.update(password);
        last = hash.finalize();
    }
    std::hint::black_box(last);
}

fn compute(function: Function, rounds: u32, salt: &[u8], password: &[u8]) -> Zeroizing<Vec<u8>> {
    work::count(function.kind().name(), rounds.into());
    let password = truncated(password);
    // The rounds have been checked. If not, nothing equals an empty hash.
    let Ok(params) = Params::new(rounds) else { return Zeroizing::default() };
    let hash = match function {
        Function::Sha256 => {
            Zeroizing::new(sha_crypt::sha256_crypt(password, salt, params)).to_vec()
        }
        Function::Sha512 => {
            Zeroizing::new(sha_crypt::sha512_crypt(password, salt, params)).to_vec()
        }
    };
    Zeroizing::new(hash)
}

fn truncated(password: &[u8]) -> &[u8] {
    password.get(..MAX_PASSWORD).unwrap_or(password)
}

/// A number without sign or leading zeros.
fn number(digits: &str) -> Option<u32> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    plain.then(|| digits.parse().ok())?
}
