//! Argon2, as a [PHC string].
//!
//! [PHC string]: https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md

use ::argon2::{Algorithm, Argon2 as Context, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use zeroize::Zeroizing;

use super::{HashKind, HashPolicy, HashingError, OutOfMemory, PasswordHashError, work};
use crate::secret::constant_time_eq;

/// The lengths of salts and hashes, in bytes.
const SALTS: std::ops::RangeInclusive<usize> = 8..=64;
const HASHES: std::ops::RangeInclusive<usize> = 16..=64;

/// The cost of a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// In KiB.
    pub(super) memory: u32,
    pub(super) passes: u32,
}

impl Cost {
    /// In KiB, over all passes.
    pub(super) const fn work(self) -> u64 {
        self.memory as u64 * self.passes as u64
    }
}

/// Parameters, salt and hash.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Argon2 {
    algorithm: Algorithm,
    version: Version,
    params: Params,
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
        let params = Params::new(memory, passes, lanes, Some(hash.len()));
        let params = params.map_err(|_| malformed("its parameters do not fit together"))?;
        Ok(Self { algorithm, version, params, salt: salt.as_slice().into(), hash })
    }

    pub(super) const fn cost(&self) -> Cost {
        Cost { memory: self.params.m_cost(), passes: self.params.t_cost() }
    }

    pub(super) fn verify(&self, password: &[u8]) -> Result<bool, OutOfMemory> {
        let mut computed = Zeroizing::new(vec![0; self.hash.len()]);
        let context = Context::new(self.algorithm, self.version, self.params.clone());
        compute(&context, &self.salt, password, &mut computed)?;
        Ok(constant_time_eq(&self.hash, &computed))
    }
}

/// A new hash as it is stored: Argon2id, version 19, 32 bytes.
pub(super) fn make(cost: Cost, lanes: u32, password: &[u8]) -> Result<String, HashingError> {
    let Cost { memory, passes } = cost;
    let params = Params::new(memory, passes, lanes, None).map_err(|_| HashingError::Cost {
        kind: HashKind::Argon2,
        cost: "memory in KiB",
        given: memory,
        minimum: lanes.saturating_mul(8),
        maximum: Params::MAX_M_COST,
    })?;
    let context = Context::new(Algorithm::Argon2id, Version::V0x13, params);
    let (mut salt, mut hash) = ([0; 16], Zeroizing::new([0; 32]));
    getrandom::fill(&mut salt).map_err(|error| HashingError::Randomness(error.into()))?;
    compute(&context, &salt, password, &mut *hash).map_err(|_| HashingError::OutOfMemory)?;
    let [salt, hash] = [STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(*hash)];
    Ok(format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}"))
}

/// Does the work of a check of this cost.
pub(super) fn burn(cost: Cost, password: &[u8]) -> Result<(), OutOfMemory> {
    // The algorithm takes 8 KiB or more; less than that cannot be measured.
    let Ok(params) = Params::new(cost.memory, cost.passes, 1, None) else { return Ok(()) };
    let context = Context::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = Zeroizing::new([0; 32]);
    compute(&context, &[0; 16], password, &mut *hash)?;
    std::hint::black_box(hash);
    Ok(())
}

fn compute(
    context: &Context<'_>,
    salt: &[u8],
    password: &[u8],
    hash: &mut [u8],
) -> Result<(), OutOfMemory> {
    let params = context.params();
    work::count("argon2", u64::from(params.m_cost()) * u64::from(params.t_cost()));
    // All lengths have been checked, so only memory can be missing.
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
