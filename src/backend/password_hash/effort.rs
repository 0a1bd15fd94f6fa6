//! The same work for every user, known or not.

use super::{
    HashMethod, PasswordHash, apr1,
    argon2::{self, Cost, OutOfMemory},
    bcrypt,
    hash::Stored,
    quick,
    sha_crypt::{self, Function},
};
use crate::error::BackendError;

/// The work that every check takes, whoever is asked about: for each kind of hash that is stored
/// anywhere, that of the dearest.
///
/// Where all hashes are of one kind, an unknown user costs what the dearest hash costs, and so does
/// a user with a cheaper one: the difference is made up for with hashes that nobody needs. Where
/// kinds are mixed, a check takes the dearest hash of each kind, one after the other. So nothing
/// has to be known of how long a kind takes on a machine, and the work is the same to the round.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{backend::{password_hash::{Effort, HashPolicy, PasswordHash}}};
///
/// let stored = "$2y$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu";
/// let hash = PasswordHash::parse(stored, &HashPolicy::new())?;
/// let effort = Effort::NONE.or_dearer(Effort::of(&hash));
/// assert!(effort.verify(Some(&hash), "password")?);
/// assert!(!effort.verify(None, "password")?); // takes as long
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// In units of which a hash of cost c takes 2^c.
    bcrypt: u64,
    /// In rounds.
    sha256_crypt: u32,
    sha512_crypt: u32,
    argon2: Cost,
    /// In hashes: one or none.
    apr1: u32,
    sha1: u32,
    plain: u32,
}

impl Effort {
    /// No work at all.
    pub const NONE: Self = Self {
        bcrypt: 0,
        sha256_crypt: 0,
        sha512_crypt: 0,
        argon2: Cost { memory: 0, passes: 0 },
        apr1: 0,
        sha1: 0,
        plain: 0,
    };

    /// The work of checking a password against `hash`.
    #[must_use]
    pub fn of(hash: &PasswordHash) -> Self {
        let none = Self::NONE;
        match &hash.0 {
            Stored::Bcrypt(hash) => Self { bcrypt: bcrypt::work(hash.cost()), ..none },
            Stored::ShaCrypt(hash) => match hash.function() {
                Function::Sha256 => Self { sha256_crypt: hash.rounds(), ..none },
                Function::Sha512 => Self { sha512_crypt: hash.rounds(), ..none },
            },
            Stored::Argon2(hash) => Self { argon2: hash.cost(), ..none },
            Stored::Apr1(_) => Self { apr1: 1, ..none },
            Stored::Sha1(_) => Self { sha1: 1, ..none },
            Stored::PlainText(_) => Self { plain: 1, ..none },
        }
    }

    /// The work of checking a password against a hash that `method` makes, of which none is made
    /// to find out. A cost of bcrypt outside of 4 to 31 counts as the nearest one.
    #[must_use]
    pub const fn of_method(method: HashMethod) -> Self {
        let none = Self::NONE;
        match method {
            HashMethod::Argon2id { memory, passes, .. } => {
                Self { argon2: Cost { memory, passes }, ..none }
            }
            HashMethod::Bcrypt { cost } => Self { bcrypt: bcrypt::work(cost), ..none },
            HashMethod::Sha256Crypt { rounds } => Self { sha256_crypt: rounds, ..none },
            HashMethod::Sha512Crypt { rounds } => Self { sha512_crypt: rounds, ..none },
        }
    }

    /// For each kind the greater work of the two.
    #[must_use]
    pub fn or_dearer(self, other: Self) -> Self {
        let argon2 = |effort: &Self| (effort.argon2.work(), effort.argon2.memory);
        Self {
            bcrypt: self.bcrypt.max(other.bcrypt),
            sha256_crypt: self.sha256_crypt.max(other.sha256_crypt),
            sha512_crypt: self.sha512_crypt.max(other.sha512_crypt),
            argon2: if argon2(&self) < argon2(&other) { other.argon2 } else { self.argon2 },
            apr1: self.apr1.max(other.apr1),
            sha1: self.sha1.max(other.sha1),
            plain: self.plain.max(other.plain),
        }
    }

    /// Whether `password` is that of `hash`: never for `None`, which stands for an unknown user.
    /// Takes this much work in either case, or that of `hash` if that is more.
    ///
    /// A password with a NUL is wrong and costs nothing, whoever is asked about.
    ///
    /// # Errors
    /// There is not enough memory for Argon2.
    pub fn verify(
        &self,
        hash: Option<&PasswordHash>,
        password: &str,
    ) -> Result<bool, BackendError> {
        if password.contains('\0') {
            return Ok(false);
        }
        let checked = hash.map_or(Ok(false), |hash| hash.check(password));
        let spent = hash.map_or(Self::NONE, Self::of);
        let made_up_for = self.make_up_for(spent, password.as_bytes());
        made_up_for.and(checked).map_err(BackendError::new)
    }

    /// Does what is left to do after `spent`.
    fn make_up_for(&self, spent: Self, password: &[u8]) -> Result<(), OutOfMemory> {
        // From 2^c to 2^d there are 2^c, 2^(c+1) and so on up to 2^(d-1); from 0 there is 2^d.
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
        for _ in spent.apr1..self.apr1 {
            apr1::burn(password);
        }
        for _ in spent.sha1..self.sha1 {
            quick::burn_sha1(password);
        }
        for _ in spent.plain..self.plain {
            quick::burn_plain(password);
        }
        self.make_up_for_argon2(spent.argon2, password)
    }

    /// Whole passes over the memory of the dearest hash, and one over a part of it.
    fn make_up_for_argon2(&self, spent: Cost, password: &[u8]) -> Result<(), OutOfMemory> {
        let left = self.argon2.work().saturating_sub(spent.work());
        let memory = u64::from(self.argon2.memory).max(1);
        let costs = [(memory, left / memory), (left % memory, 1)];
        for (memory, passes) in costs {
            let memory = u32::try_from(memory).unwrap_or(u32::MAX);
            let passes = u32::try_from(passes).unwrap_or(u32::MAX);
            argon2::burn(Cost { memory, passes }, password)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::backend::password_hash::{
        HashKind, HashMethod, HashPolicy, hash_password, meter::work_of,
    };

    const POLICY: HashPolicy = HashPolicy::new()
        .allow_kind(HashKind::Apr1)
        .allow_kind(HashKind::Sha1)
        .allow_kind(HashKind::PlainText);

    const APR1: &str = "$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00";

    fn hash(text: &str) -> PasswordHash {
        PasswordHash::parse(text, &POLICY).unwrap()
    }

    fn made(method: HashMethod) -> PasswordHash {
        hash(&hash_password("password", method).unwrap())
    }

    fn effort(hashes: &[PasswordHash]) -> Effort {
        hashes.iter().map(Effort::of).fold(Effort::NONE, Effort::or_dearer)
    }

    /// What a check does, be it of a known user or not, of the right password or a wrong one.
    #[track_caller]
    fn work_of_each(hashes: &[PasswordHash]) -> BTreeMap<&'static str, u64> {
        let effort = effort(hashes);
        let unknown = work_of(|| assert!(!effort.verify(None, "password").unwrap()));
        for hash in hashes {
            for password in ["password", "wrong"] {
                let work = work_of(|| {
                    let right = effort.verify(Some(hash), password).unwrap();
                    assert_eq!(right, password == "password", "{hash:?}");
                });
                assert_eq!(work, unknown, "{hash:?} with {password}");
            }
        }
        let long = "a".repeat(1_000);
        let work = work_of(|| assert!(!effort.verify(hashes.first(), &long).unwrap()));
        assert_eq!(work, unknown, "a long password");
        unknown
    }

    #[test]
    fn an_unknown_user_costs_what_the_dearest_bcrypt_hash_costs() {
        let hashes = [6, 4, 7, 5].map(|cost| made(HashMethod::Bcrypt { cost }));
        assert_eq!(work_of_each(&hashes), [("bcrypt", 1 << 7)].into());
        assert_eq!(work_of_each(&hashes[..1]), [("bcrypt", 1 << 6)].into());
    }

    #[test]
    fn rounds_are_made_up_for_to_the_last_one() {
        for (method, name) in [
            ((|rounds| HashMethod::Sha256Crypt { rounds }) as fn(u32) -> _, "sha256-crypt"),
            (|rounds| HashMethod::Sha512Crypt { rounds }, "sha512-crypt"),
        ] {
            let hashes = [1_000, 2_500, 2_499, 1_500].map(|rounds| made(method(rounds)));
            assert_eq!(work_of_each(&hashes), [(name, 2_500)].into());
        }
    }

    #[test]
    fn argon2_is_made_up_for_with_passes_over_the_same_memory() {
        let hashes = [(64, 3), (16, 2), (100, 1), (32, 6)]
            .map(|(memory, passes)| made(HashMethod::Argon2id { memory, passes, lanes: 1 }));
        assert_eq!(work_of_each(&hashes), [("argon2", 192)].into());
        assert_eq!(effort(&hashes).argon2, Cost { memory: 64, passes: 3 }, "the larger memory");
    }

    #[test]
    fn kinds_that_are_mixed_cost_the_dearest_of_each() {
        let hashes = [
            made(HashMethod::Bcrypt { cost: 4 }),
            made(HashMethod::Bcrypt { cost: 5 }),
            made(HashMethod::Sha512Crypt { rounds: 1_000 }),
            made(HashMethod::Argon2id { memory: 16, passes: 2, lanes: 1 }),
            hash(APR1),
            hash("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="),
            hash("password"),
        ];
        let work = [
            ("apr1", 1),
            ("argon2", 32),
            ("bcrypt", 32),
            ("plain", 1),
            ("sha", 1),
            ("sha512-crypt", 1_000),
        ];
        assert_eq!(work_of_each(&hashes), work.into());
    }

    #[test]
    fn the_effort_of_a_method_is_that_of_the_hashes_that_it_makes() {
        for method in [
            HashMethod::Argon2id { memory: 16, passes: 2, lanes: 2 },
            HashMethod::Bcrypt { cost: 5 },
            HashMethod::Sha256Crypt { rounds: 1_001 },
            HashMethod::Sha512Crypt { rounds: 1_002 },
        ] {
            assert_eq!(Effort::of_method(method), Effort::of(&made(method)), "{method:?}");
            assert_ne!(Effort::of_method(method), Effort::NONE, "{method:?}");
        }
        let beyond = |cost| Effort::of_method(HashMethod::Bcrypt { cost });
        assert_eq!((beyond(0), beyond(64)), (beyond(4), beyond(31)));
    }

    #[test]
    fn a_dearer_hash_than_expected_is_still_checked() {
        let dear = made(HashMethod::Bcrypt { cost: 5 });
        let cheap = Effort::of(&made(HashMethod::Bcrypt { cost: 4 }));
        assert!(cheap.verify(Some(&dear), "password").unwrap());
        assert!(Effort::NONE.verify(Some(&dear), "password").unwrap());
        assert!(!Effort::NONE.verify(None, "password").unwrap());
    }

    #[test]
    fn a_password_with_a_nul_costs_nobody_anything() {
        let hash = made(HashMethod::Bcrypt { cost: 4 });
        let effort = Effort::of(&hash);
        for hash in [Some(&hash), None] {
            let work = work_of(|| assert!(!effort.verify(hash, "password\0password").unwrap()));
            assert!(work.is_empty(), "{work:?}");
        }
    }
}
