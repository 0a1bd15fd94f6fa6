//! Argon2, as a [PHC string].
//!
//! [PHC string]: https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md

use std::fmt;

use ::argon2::{Algorithm, Argon2 as Context, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use zeroize::Zeroizing;

use super::{HashKind, HashPolicy, HashingError, OutOfMemory, PasswordHashError, work};
use crate::secret::constant_time_eq;

/// The lengths of salts and hashes, in bytes.
const SALTS: std::ops::RangeInclusive<usize> = 8..=64;
const HASHES: std::ops::RangeInclusive<usize> = 16..=64;

/// The length of a new hash.
const HASH: usize = 32;

/// The parameters of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    algorithm: Algorithm,
    version: Version,
    /// In KiB.
    memory: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// The parameters of Argon2id, version 19.
    pub(super) const fn argon2id(memory: u32, passes: u32, lanes: u32) -> Self {
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        Self { algorithm, version, memory, passes, lanes }
    }

    /// In KiB, over all passes.
    fn work(self) -> u64 {
        u64::from(self.memory) * u64::from(self.passes)
    }

    /// Orders costs by work, then by memory and so on.
    pub(super) fn rank(self) -> impl Ord {
        (self.work(), self.memory, self.lanes, self.algorithm, self.version)
    }

    /// What is left after `spent`: whole passes over the memory, and one over a part of it.
    pub(super) fn after(self, spent: Option<Self>) -> impl Iterator<Item = Self> {
        let left = self.work().saturating_sub(spent.map_or(0, Self::work));
        let all = u64::from(self.memory).max(1);
        let parts =
            [(all, left / all), (left % all, 1)].into_iter().map(move |(memory, passes)| {
                let memory = u32::try_from(memory).unwrap_or(u32::MAX);
                let passes = u32::try_from(passes).unwrap_or(u32::MAX);
                Self { memory, passes, ..self }
            });
        // The algorithm takes 8 KiB or more for each lane; less than that cannot be measured.
        parts.filter(|part| part.context(HASH).is_some())
    }

    /// `None` if the parameters do not fit together.
    fn context(self, hash_length: usize) -> Option<Context<'static>> {
        let Self { algorithm, version, memory, passes, lanes } = self;
        let params = Params::new(memory, passes, lanes, Some(hash_length)).ok()?;
        Some(Context::new(algorithm, version, params))
    }
}

/// As in a hash, but with commas: `argon2id, m=65536, t=3, p=4`.
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { algorithm, memory, passes, lanes, .. } = self;
        write!(f, "{algorithm}, m={memory}, t={passes}, p={lanes}")
    }
}

/// Parameters, salt and hash.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Argon2 {
    cost: Cost,
    salt: Box<[u8]>,
    hash: Zeroizing<Vec<u8>>,
}

impl Argon2 {
    /// Reads the text after `$argon2`: `id$v=19$m=65536,t=3,p=4$salt$hash`.
    pub(super) fn parse(text: &str, policy: &HashPolicy) -> Result<Self, PasswordHashError> {
        let malformed = |problem| PasswordHashError::Malformed { kind: HashKind::Argon2, problem };
        let mut parts = text.split('$').peekable();
        let mut part = || parts.next().ok_or(malformed("it is cut off"));
        let algorithm = match part()? {
            "id" => Algorithm::Argon2id,
            "i" => Algorithm::Argon2i,
            "d" => Algorithm::Argon2d,
            _ => return Err(malformed("its variant is not argon2id, argon2i or argon2d")),
        };
        let mut parameters = part()?;
        let version = match parameters.strip_prefix("v=") {
            Some("19") => Version::V0x13,
            Some("16") | None => Version::V0x10,
            Some(_) => return Err(malformed("its version is neither 19 nor 16")),
        };
        if parameters.starts_with("v=") {
            parameters = part()?;
        }
        let (memory, passes, lanes) = read_parameters(parameters)
            .ok_or(malformed("its parameters are not m, t and p as numbers"))?;
        policy.check_argon2(memory, passes)?;
        let decode = |text| Some(Zeroizing::new(STANDARD_NO_PAD.decode(text).ok()?));
        let salt = decode(part()?).filter(|salt| SALTS.contains(&salt.len()));
        let salt = salt.ok_or(malformed("its salt is not 8 to 64 bytes in base64"))?;
        let hash = decode(part()?).filter(|hash| HASHES.contains(&hash.len()));
        let hash = hash.ok_or(malformed("its hash is not 16 to 64 bytes in base64"))?;
        if parts.next().is_some() {
            return Err(malformed("it has too many parts"));
        }
        let cost = Cost { algorithm, version, memory, passes, lanes };
        if cost.context(hash.len()).is_none() {
            return Err(malformed("its parameters do not fit together"));
        }
        Ok(Self { cost, salt: salt.as_slice().into(), hash })
    }

    pub(super) const fn cost(&self) -> Cost {
        self.cost
    }

    pub(super) fn verify(&self, password: &[u8]) -> Result<bool, OutOfMemory> {
        let mut computed = Zeroizing::new(vec![0; self.hash.len()]);
        compute(self.cost, &self.salt, password, &mut computed)?;
        Ok(constant_time_eq(&self.hash, &computed))
    }

    #[cfg(feature = "htpasswd")]
    pub(super) fn salt_and_hash(&self) -> (&[u8], &[u8]) {
        (&self.salt, &self.hash)
    }
}

/// A new hash of a valid cost as it is stored: 32 bytes, with a salt of 16.
pub(super) fn make(cost: Cost, password: &[u8]) -> Result<String, HashingError> {
    let (mut salt, mut hash) = ([0; 16], Zeroizing::new([0; HASH]));
    let Cost { memory, passes, lanes, .. } = cost;
    getrandom::fill(&mut salt).map_err(|error| HashingError::Randomness(error.into()))?;
    compute(cost, &salt, password, &mut *hash).map_err(|_| HashingError::OutOfMemory)?;
    let [salt, hash] = [STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(*hash)];
    let algorithm = cost.algorithm;
    Ok(format!("${algorithm}$v=19$m={memory},t={passes},p={lanes}${salt}${hash}"))
}

/// Does the work of a check of this cost, of which `spent` has been done.
pub(super) fn burn(cost: Cost, spent: Option<Cost>, password: &[u8]) -> Result<(), OutOfMemory> {
    for part in cost.after(spent) {
        let mut hash = Zeroizing::new([0; HASH]);
        compute(part, &[0; 16], password, &mut *hash)?;
        std::hint::black_box(hash);
    }
    Ok(())
}

fn compute(cost: Cost, salt: &[u8], password: &[u8], hash: &mut [u8]) -> Result<(), OutOfMemory> {
    work::count("argon2", cost.work());
    // All lengths and parameters have been checked, so only memory can be missing.
    let context = cost.context(hash.len()).ok_or(OutOfMemory)?;
    context.hash_password_into(password, salt, hash).map_err(|_| OutOfMemory)
}

/// `m=65536,t=3,p=4`, in this order.
fn read_parameters(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split(',');
    let mut number = |name| {
        let digits: &str = parts.next()?.strip_prefix(name)?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        plain.then(|| digits.parse().ok())?
    };
    let read = (number("m=")?, number("t=")?, number("p=")?);
    parts.next().is_none().then_some(read)
}
