//! yescrypt, as crypt(3) and `mkpasswd` write it.

use std::fmt;

use ::yescrypt::{Mode, Params};
use zeroize::Zeroizing;

use super::{HashKind, HashPolicy, OutOfMemory, PasswordHashError, crypt64, work};
use crate::secret::constant_time_eq;

/// The largest block size, and the most lanes. crypt(3) writes 8 or 32, and 1.
pub(super) const MAX_R: u32 = 256;
pub(super) const MAX_P: u32 = 64;

const HASH: usize = 32;

/// The longest salt, in bytes.
const MAX_SALT: usize = 64;

/// The parameters of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost(Params);

impl Cost {
    /// Reads parameters such as `j9T`, and checks the cost before anything else uses them.
    fn parse(text: &str, policy: &HashPolicy) -> Result<Self, PasswordHashError> {
        let malformed =
            |problem| PasswordHashError::Malformed { kind: HashKind::Yescrypt, problem };
        let params: Params =
            text.parse().map_err(|_| malformed("its parameters are not supported"))?;
        let cost = Self(params);
        policy.check_yescrypt(cost.memory() / 1024, params.r(), params.p())?;
        // Neither another flavor nor more passes: crypt(3) writes neither.
        let plain = Params::new(Mode::default(), params.n(), params.r(), params.p());
        if plain != Ok(params) {
            return Err(malformed("its parameters are not supported"));
        }
        if params.to_string() != text {
            return Err(malformed("its parameters have another spelling"));
        }
        Ok(cost)
    }

    /// Orders costs by work, then by the size of blocks and so on.
    pub(super) fn rank(self) -> impl Ord {
        (self.work(), self.0.r(), self.0.p())
    }

    /// The number of blocks that are computed.
    fn work(self) -> u64 {
        self.0.n().saturating_mul(self.0.r().into())
    }

    /// The memory of a check in bytes, without at most 3 MiB for its tables.
    fn memory(self) -> u64 {
        self.work().saturating_mul(128)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "yescrypt, N={}, r={}, p={}", self.0.n(), self.0.r(), self.0.p())
    }
}

/// Parameters, salt and hash.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Yescrypt {
    cost: Cost,
    salt: Box<[u8]>,
    hash: Zeroizing<Vec<u8>>,
}

impl Yescrypt {
    /// Reads the text after `$y$`: `j9T$salt$hash`.
    pub(super) fn parse(text: &str, policy: &HashPolicy) -> Result<Self, PasswordHashError> {
        let malformed =
            |problem| PasswordHashError::Malformed { kind: HashKind::Yescrypt, problem };
        let (parameters, rest) = text.split_once('$').ok_or(malformed("it is cut off"))?;
        let cost = Cost::parse(parameters, policy)?;
        let (salt, hash) = rest.split_once('$').ok_or(malformed("it is cut off"))?;
        let salt = crypt64::decode_in_order(salt).filter(|salt| salt.len() <= MAX_SALT);
        let salt = salt.ok_or(malformed("its salt is not 64 or fewer bytes of base64"))?;
        let hash = crypt64::decode_in_order(hash).filter(|hash| hash.len() == HASH);
        let hash = hash.ok_or(malformed("its hash is not 43 characters of base64"))?;
        Ok(Self { cost, salt: salt.as_slice().into(), hash })
    }

    pub(super) const fn cost(&self) -> Cost {
        self.cost
    }

    pub(super) fn verify(&self, password: &[u8]) -> Result<bool, OutOfMemory> {
        let computed = compute(self.cost, &self.salt, password)?;
        Ok(constant_time_eq(&self.hash, &*computed))
    }

    #[cfg(feature = "htpasswd")]
    pub(super) fn salt_and_hash(&self) -> (&[u8], &[u8]) {
        (&self.salt, &self.hash)
    }
}

/// Does the work of a check of this cost, of which `spent` has been done.
pub(super) fn burn(cost: Cost, spent: Option<Cost>, password: &[u8]) -> Result<(), OutOfMemory> {
    const SALT: &[u8] = &[0; 16];
    let Some(spent) = spent else {
        compute(cost, SALT, password).map(std::hint::black_box)?;
        return Ok(());
    };
    // N is a power of 2, so the rest is computed in several steps, with blocks of the same size.
    let r = cost.0.r();
    let left = cost.work().saturating_sub(spent.work()) / u64::from(r);
    for n in (1..u64::BITS).map(|bit| 1 << bit).filter(|n| left & n != 0) {
        let Ok(params) = Params::new(Mode::default(), n, r, 1) else { continue };
        compute(Cost(params), SALT, password).map(std::hint::black_box)?;
    }
    Ok(())
}

fn compute(cost: Cost, salt: &[u8], password: &[u8]) -> Result<Zeroizing<[u8; HASH]>, OutOfMemory> {
    work::count(HashKind::Yescrypt.name(), cost.work());
    // Too little memory would end the process during the computation.
    let memory = usize::try_from(cost.memory()).map_err(|_| OutOfMemory)?;
    Vec::<u8>::new().try_reserve_exact(memory).map_err(|_| OutOfMemory)?;
    let mut hash = Zeroizing::new([0; HASH]);
    // The parameters have been checked, so only memory can be missing.
    ::yescrypt::yescrypt(password, salt, &cost.0, &mut *hash).map_err(|_| OutOfMemory)?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::{super::PasswordHash, *};

    /// The end of a hash with a salt and 32 bytes.
    const REST: &str = "$eyHfBVyhQiZ2Mqozo13iL1$or/S9K4iVVwSMQJbU.XgIN1Y2dZ0F/zK7drD3nopyb5";

    fn parse(parameters: &str) -> Result<Yescrypt, PasswordHashError> {
        Yescrypt::parse(&format!("{parameters}{REST}"), &HashPolicy::new())
    }

    #[test]
    fn admits_the_cost_factors_1_to_9_of_crypt() {
        for (factor, parameters, mib) in [
            (1, "j75", 1),
            (2, "j85", 2),
            (3, "j7T", 4),
            (4, "j8T", 8),
            (5, "j9T", 16),
            (6, "jAT", 32),
            (7, "jBT", 64),
            (8, "jCT", 128),
            (9, "jDT", 256),
        ] {
            let hash = parse(parameters).unwrap_or_else(|error| panic!("{factor}: {error}"));
            assert_eq!(hash.cost.memory(), mib << 20, "{factor}");
        }
        for (parameters, kib) in [("jET", 1 << 19), ("jFT", 1 << 20)] {
            let text = format!("$y${parameters}{REST}");
            let error = PasswordHash::parse(&text, &HashPolicy::new()).unwrap_err();
            let message = format!(
                "the memory in KiB of the yescrypt hash is {kib}: at most 262144 is allowed"
            );
            assert_eq!(error.to_string(), message);
            let policy = HashPolicy::new().with_max_yescrypt_memory(kib);
            assert!(PasswordHash::parse(&text, &policy).is_ok());
        }
    }

    #[test]
    fn refuses_bombs_before_it_takes_memory() {
        const LIMIT: &str = "the memory in KiB of the yescrypt hash is 4294967295: at most 262144";
        const OTHER: &str = "its parameters are not supported";
        for (what, parameters, message) in [
            ("N = 2^40, r = 32", "jbT", LIMIT),
            ("N = 2^62, r = 8", "jkB5", LIMIT),
            ("N = 2^63, r = 2^29", "jkCzSxvrD", LIMIT),
            ("N = 2, r = 2^29", "j.zSxvrD", "the memory in KiB of the yescrypt hash is 134217728"),
            (
                "N = 4, r = 1000",
                "j/s4r",
                "the block size r of the yescrypt hash is 1000: at most 256",
            ),
            (
                "N = 2^14, r = 8, p = 100",
                "jB5.km",
                "the parallelism p of the yescrypt hash is 100: at most 64",
            ),
            ("N = 16, r = 8, p = 16", "j15.C", OTHER),
            ("N = 16, r = 8, p = 2^29", "j15.zSxvrC", OTHER),
            ("t = 1", "j75/.", OTHER),
            ("t = 2^29", "j75/zSxvrD", OTHER),
            ("g = 1", "j751.", OTHER),
            ("a ROM", "j755.", OTHER),
            ("scrypt", ".75", OTHER),
            ("write once", "/75", OTHER),
            ("another flavor", "i75", OTHER),
            ("a blank", "j75 ", OTHER),
            ("no r", "j7", OTHER),
            ("nothing", "", OTHER),
            ("p = 3 and more text", "jB5./.", "its parameters have another spelling"),
        ] {
            let error = parse(parameters).err().unwrap_or_else(|| panic!("{what} was read"));
            assert!(error.to_string().contains(message), "{what}: {error}");
        }
        assert!(parse("jB5.kC").is_ok(), "p = 64");
    }

    #[test]
    fn refuses_a_malformed_salt_or_hash() {
        const SALT: &str = "its salt is not 64 or fewer bytes of base64";
        const HASH: &str = "its hash is not 43 characters of base64";
        let hash = &REST[23..];
        for (text, message) in [
            ("j75".to_owned(), "it is cut off"),
            ("j75$abc".to_owned(), "it is cut off"),
            (format!("j75{REST}$"), HASH),
            (format!("j75{REST}."), HASH),
            (format!("j75{}", &REST[..REST.len() - 1]), HASH),
            (format!("j75$abcd{REST}"), HASH),
            (format!("j75$!bcd{hash}"), SALT),
            (format!("j75$abcde{hash}"), SALT),
            (format!("j75${}{hash}", "a".repeat(88)), SALT),
        ] {
            let error = Yescrypt::parse(&text, &HashPolicy::new()).err().unwrap();
            assert!(error.to_string().contains(message), "{text}: {error}");
        }
        let longest = format!("j75${}{hash}", ".".repeat(86));
        assert!(Yescrypt::parse(&longest, &HashPolicy::new()).is_ok());
    }
}
