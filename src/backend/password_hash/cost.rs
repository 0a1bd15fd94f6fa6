//! The cost of checking passwords, equal for known and unknown users.

use std::cmp::max_by_key;

use super::{
    HashMethod, OutOfMemory, PasswordHash, argon2, bcrypt,
    hash::Stored,
    md5_crypt,
    sha_crypt::{self, Function},
    single_round, yescrypt,
};
use crate::error::BackendError;

/// The cost of checking a password: for each kind of hash that users have, the highest cost.
///
/// With it, a check costs the same for every user, known or unknown: for an unknown user, it
/// computes a hash with the parameters of the most expensive one. A check against a cheaper hash
/// computes further hashes up to that cost. If users have hashes of several kinds, each check
/// computes the most expensive one of each kind, so the cost does not depend on the speed of a kind
/// on a machine.
///
/// # Security
/// Costs are counted in rounds or memory, not in time. If all hashes have the same cost, the check
/// for an unknown user takes the same steps as for a known one. With mixed costs, a check against a
/// cheaper hash computes several cheap hashes instead of an expensive one, which does not take
/// exactly as long, because little memory fits into the caches of a processor. With many
/// measurements, response times can then show which users exist and have a cheaper hash. To prevent
/// this, give all users hashes of the same cost.
///
/// # Examples
/// ```
/// use tower_proxy_auth::backend::password_hash::{HashCost, HashPolicy, PasswordHash};
///
/// let stored = "$2y$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu";
/// let hash = PasswordHash::parse(stored, &HashPolicy::new())?;
/// let cost = HashCost::ZERO.max(HashCost::of(&hash));
/// assert!(cost.verify(Some(&hash), "password")?);
/// assert!(!cost.verify(None, "password")?); // takes as long
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HashCost {
    /// A hash of cost c counts 2^c.
    bcrypt: u64,
    /// In rounds.
    sha256_crypt: u32,
    sha512_crypt: u32,
    argon2: Option<argon2::Cost>,
    yescrypt: Option<yescrypt::Cost>,
    /// In hashes: one or none.
    md5_crypt: u32,
    sha1: u32,
    sha256: u32,
    sha512: u32,
}

impl HashCost {
    /// No cost.
    pub const ZERO: Self = Self {
        bcrypt: 0,
        sha256_crypt: 0,
        sha512_crypt: 0,
        argon2: None,
        yescrypt: None,
        md5_crypt: 0,
        sha1: 0,
        sha256: 0,
        sha512: 0,
    };

    /// The cost of a check against `hash`.
    #[must_use]
    pub fn of(hash: &PasswordHash) -> Self {
        let zero = Self::ZERO;
        match &hash.0 {
            Stored::Bcrypt(hash) => Self { bcrypt: bcrypt::work(hash.cost()), ..zero },
            Stored::ShaCrypt(hash) => match hash.function() {
                Function::Sha256 => Self { sha256_crypt: hash.rounds(), ..zero },
                Function::Sha512 => Self { sha512_crypt: hash.rounds(), ..zero },
            },
            Stored::Argon2(hash) => Self { argon2: Some(hash.cost()), ..zero },
            Stored::Yescrypt(hash) => Self { yescrypt: Some(hash.cost()), ..zero },
            Stored::Md5Crypt(_) => Self { md5_crypt: 1, ..zero },
            Stored::SingleRound(hash) => match hash.function() {
                single_round::Function::Sha1 => Self { sha1: 1, ..zero },
                single_round::Function::Sha256 => Self { sha256: 1, ..zero },
                single_round::Function::Sha512 => Self { sha512: 1, ..zero },
            },
        }
    }

    /// The cost of a check against a hash that `method` makes, without making one. A bcrypt cost
    /// outside 4 to 31 counts as the nearest one.
    #[must_use]
    pub const fn of_method(method: HashMethod) -> Self {
        let zero = Self::ZERO;
        match method {
            HashMethod::Argon2id { memory, passes, lanes } => {
                Self { argon2: Some(argon2::Cost::argon2id(memory, passes, lanes)), ..zero }
            }
            HashMethod::Bcrypt { cost } => Self { bcrypt: bcrypt::work(cost), ..zero },
            HashMethod::Sha256Crypt { rounds } => Self { sha256_crypt: rounds, ..zero },
            HashMethod::Sha512Crypt { rounds } => Self { sha512_crypt: rounds, ..zero },
        }
    }

    /// The higher cost of the two, for each kind of hash.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            bcrypt: self.bcrypt.max(other.bcrypt),
            sha256_crypt: self.sha256_crypt.max(other.sha256_crypt),
            sha512_crypt: self.sha512_crypt.max(other.sha512_crypt),
            argon2: max_by_key(self.argon2, other.argon2, |cost| cost.map(argon2::Cost::rank)),
            yescrypt: max_by_key(self.yescrypt, other.yescrypt, |cost| {
                cost.map(yescrypt::Cost::rank)
            }),
            md5_crypt: self.md5_crypt.max(other.md5_crypt),
            sha1: self.sha1.max(other.sha1),
            sha256: self.sha256.max(other.sha256),
            sha512: self.sha512.max(other.sha512),
        }
    }

    /// Whether `password` matches `hash`: never for `None`, which stands for an unknown user.
    /// Either way, the check has this cost, or that of `hash` if it is higher.
    ///
    /// A password with a NUL is wrong and costs nothing, for known and unknown users.
    ///
    /// # Errors
    /// There is not enough memory for Argon2 or yescrypt.
    pub fn verify(
        &self,
        hash: Option<&PasswordHash>,
        password: &str,
    ) -> Result<bool, BackendError> {
        if password.contains('\0') {
            return Ok(false);
        }
        let is_right = hash.map_or(Ok(false), |hash| hash.check(password));
        let spent = hash.map_or(Self::ZERO, Self::of);
        let padded = self.pad(spent, password.as_bytes());
        padded.and(is_right).map_err(BackendError::new)
    }

    /// Does the work that is left after `spent`.
    fn pad(&self, spent: Self, password: &[u8]) -> Result<(), OutOfMemory> {
        // From 2^c to 2^d, that is 2^c, 2^(c+1) and so on up to 2^(d-1); from 0, it is 2^d.
        let left = self.bcrypt.saturating_sub(spent.bcrypt);
        for cost in bcrypt::COSTS.filter(|&cost| left & 1 << cost != 0) {
            bcrypt::burn(cost, password);
        }
        let rounds = [
            (Function::Sha256, self.sha256_crypt.saturating_sub(spent.sha256_crypt)),
            (Function::Sha512, self.sha512_crypt.saturating_sub(spent.sha512_crypt)),
        ];
        for (function, rounds) in rounds.into_iter().filter(|&(_, rounds)| rounds != 0) {
            sha_crypt::burn(function, rounds, password);
        }
        for _ in spent.md5_crypt..self.md5_crypt {
            md5_crypt::burn(password);
        }
        let single_rounds = [
            (single_round::Function::Sha1, spent.sha1..self.sha1),
            (single_round::Function::Sha256, spent.sha256..self.sha256),
            (single_round::Function::Sha512, spent.sha512..self.sha512),
        ];
        for (function, left) in single_rounds {
            left.for_each(|_| single_round::burn(function, password));
        }
        if let Some(cost) = self.yescrypt {
            yescrypt::burn(cost, spent.yescrypt, password)?;
        }
        if let Some(cost) = self.argon2 {
            argon2::burn(cost, spent.argon2, password)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::backend::password_hash::{
        HashKind, HashMethod, HashPolicy, hash_password, work::work_of,
    };

    const POLICY: HashPolicy = HashPolicy::new()
        .allow_kind(HashKind::Apr1)
        .allow_kind(HashKind::Md5Crypt)
        .allow_kind(HashKind::Sha1)
        .allow_kind(HashKind::SaltedSha1)
        .allow_kind(HashKind::SaltedSha512)
        .allow_kind(HashKind::PlainText);

    const APR1: &str = "$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00";
    const YESCRYPT: [&str; 2] = [
        "$y$j75$HpegkcLenEDNcg54J/yrQ0$3SLL.mnpq5oHtXXnhuukxzu55w55jACju8NLYJLw5o8",
        "$y$j7T$9ll4qAQnMjP8b9I8BSF1y/$R7XJiRZXgNW.hpfqPrvMZ0E11jvUQeMNckUczvlCky8",
    ];
    const MD5: &str = "$1$abcdefgh$G//4keteveJp0qb8z2DxG/";
    const SSHA: &str = "{SSHA}mOPzAuGrQPQAwXCG3ajSNnoQEZoHZ197";
    const SSHA512: &str = "{SSHA512}yoGOrBnDmsJB/mbfSpfbo9XGBwzt8S+qEm7m1u/IOgegRgDTD4NBMnOJKS8/g8mXSNnOfr64KBGK/BhMQOJOONcGSktfnTmR";

    fn hash(text: &str) -> PasswordHash {
        PasswordHash::parse(text, &POLICY).unwrap()
    }

    fn made(method: HashMethod) -> PasswordHash {
        hash(&hash_password("password", method).unwrap())
    }

    fn max_cost(hashes: &[PasswordHash]) -> HashCost {
        hashes.iter().map(HashCost::of).fold(HashCost::ZERO, HashCost::max)
    }

    /// The work of a check, which is equal for all users and passwords.
    #[track_caller]
    fn work_of_each(hashes: &[PasswordHash]) -> BTreeMap<&'static str, u64> {
        let cost = max_cost(hashes);
        let unknown = work_of(|| assert!(!cost.verify(None, "password").unwrap()));
        for hash in hashes {
            for password in ["password", "wrong"] {
                let work = work_of(|| {
                    let right = cost.verify(Some(hash), password).unwrap();
                    assert_eq!(right, password == "password", "{hash:?}");
                });
                assert_eq!(work, unknown, "{hash:?} with {password}");
            }
        }
        let long = "a".repeat(1_000);
        let work = work_of(|| assert!(!cost.verify(hashes.first(), &long).unwrap()));
        assert_eq!(work, unknown, "a long password");
        unknown
    }

    #[test]
    fn unknown_users_cost_the_most_expensive_hash() {
        let hashes = [6, 4, 7, 5].map(|cost| made(HashMethod::Bcrypt { cost }));
        assert_eq!(work_of_each(&hashes), [("bcrypt", 1 << 7)].into());
        assert_eq!(work_of_each(&hashes[..1]), [("bcrypt", 1 << 6)].into());
    }

    #[test]
    fn pads_to_the_exact_number_of_rounds() {
        for (method, name) in [
            ((|rounds| HashMethod::Sha256Crypt { rounds }) as fn(u32) -> _, "sha256-crypt"),
            (|rounds| HashMethod::Sha512Crypt { rounds }, "sha512-crypt"),
        ] {
            let hashes = [1_000, 2_500, 2_499, 1_500].map(|rounds| made(method(rounds)));
            assert_eq!(work_of_each(&hashes), [(name, 2_500)].into());
        }
    }

    #[test]
    fn pads_argon2_with_passes_over_the_same_memory() {
        let hashes = [(64, 3), (16, 2), (100, 1), (32, 6)]
            .map(|(memory, passes)| made(HashMethod::Argon2id { memory, passes, lanes: 1 }));
        assert_eq!(work_of_each(&hashes), [("argon2", 192)].into());
        let larger_memory = argon2::Cost::argon2id(64, 3, 1);
        assert_eq!(max_cost(&hashes).argon2, Some(larger_memory));
    }

    /// The decoy of an unknown user is a hash with the parameters of the most expensive one.
    #[test]
    fn regression_the_decoy_has_the_variant_and_the_lanes_of_the_hash() {
        let parameters = |variant: &str, rest: &str| {
            let salt_and_hash = "c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
            HashCost::of(&hash(&format!("$argon2{variant}$v=19${rest}${salt_and_hash}")))
        };
        let (cheap, lanes) = (parameters("id", "m=64,t=2,p=1"), parameters("i", "m=64,t=3,p=4"));
        assert_eq!(cheap.max(lanes).argon2.unwrap().to_string(), "argon2i, m=64, t=3, p=4");
        assert_eq!(lanes.max(cheap), lanes);
        // Equal work: the same one for each order of the users.
        let other = parameters("id", "m=96,t=2,p=2");
        assert_eq!(other.max(lanes), lanes.max(other));
        let [cheap, lanes] = [cheap, lanes].map(|cost| cost.argon2.unwrap());
        let after = |spent| lanes.after(spent).map(|part| part.to_string()).collect::<Vec<_>>();
        assert_eq!(after(None), ["argon2i, m=64, t=3, p=4"]);
        assert_eq!(after(Some(cheap)), ["argon2i, m=64, t=1, p=4"]);
        assert_eq!(after(Some(lanes)), [""; 0]);
    }

    #[test]
    fn pads_yescrypt_to_the_same_number_of_blocks() {
        let hashes = YESCRYPT.map(hash);
        assert_eq!(work_of_each(&hashes), [("yescrypt", 1 << 15)].into());
        assert_eq!(work_of_each(&hashes[..1]), [("yescrypt", 1 << 13)].into());
    }

    #[test]
    fn mixed_kinds_cost_the_most_expensive_of_each() {
        let hashes = [
            made(HashMethod::Bcrypt { cost: 4 }),
            made(HashMethod::Bcrypt { cost: 5 }),
            made(HashMethod::Sha512Crypt { rounds: 1_000 }),
            made(HashMethod::Argon2id { memory: 16, passes: 2, lanes: 1 }),
            hash(YESCRYPT[0]),
            hash(APR1),
            hash(MD5),
            hash(SSHA),
            hash(SSHA512),
            hash("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="),
            hash("password"),
        ];
        let work = [
            ("argon2", 32),
            ("bcrypt", 32),
            ("md5-crypt", 1),
            ("sha1", 1),
            ("sha256", 1),
            ("sha512", 1),
            ("sha512-crypt", 1_000),
            ("yescrypt", 1 << 13),
        ];
        assert_eq!(work_of_each(&hashes), work.into());
    }

    #[test]
    fn a_method_costs_as_much_as_its_hashes() {
        for method in [
            HashMethod::Argon2id { memory: 16, passes: 2, lanes: 2 },
            HashMethod::Bcrypt { cost: 5 },
            HashMethod::Sha256Crypt { rounds: 1_001 },
            HashMethod::Sha512Crypt { rounds: 1_002 },
        ] {
            assert_eq!(HashCost::of_method(method), HashCost::of(&made(method)), "{method:?}");
            assert_ne!(HashCost::of_method(method), HashCost::ZERO, "{method:?}");
        }
        let beyond = |cost| HashCost::of_method(HashMethod::Bcrypt { cost });
        assert_eq!((beyond(0), beyond(64)), (beyond(4), beyond(31)));
    }

    #[test]
    fn checks_a_more_expensive_hash_than_expected() {
        let expensive = made(HashMethod::Bcrypt { cost: 5 });
        let cheap = HashCost::of(&made(HashMethod::Bcrypt { cost: 4 }));
        assert!(cheap.verify(Some(&expensive), "password").unwrap());
        assert!(HashCost::ZERO.verify(Some(&expensive), "password").unwrap());
        assert!(!HashCost::ZERO.verify(None, "password").unwrap());
    }

    #[test]
    fn a_password_with_a_nul_costs_nothing() {
        let hash = made(HashMethod::Bcrypt { cost: 4 });
        let cost = HashCost::of(&hash);
        for hash in [Some(&hash), None] {
            let work = work_of(|| assert!(!cost.verify(hash, "password\0password").unwrap()));
            assert!(work.is_empty(), "{work:?}");
        }
    }
}
