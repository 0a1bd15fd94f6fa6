//! A thousand rounds of MD5, as in crypt(3) and as Apache's apr1. They differ in one string.

use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use super::{HashKind, PasswordHashError, crypt64, sha_crypt, work};
use crate::secret::constant_time_eq;

const ROUNDS: u32 = 1_000;
const MAX_SALT: usize = 8;
pub(super) const MAX_PASSWORD: usize = sha_crypt::MAX_PASSWORD;

type Hash = Zeroizing<[u8; 16]>;

/// The origin of a hash.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    Apr1,
    Crypt,
}

impl Variant {
    pub(super) const fn kind(self) -> HashKind {
        match self {
            Self::Apr1 => HashKind::Apr1,
            Self::Crypt => HashKind::Md5Crypt,
        }
    }

    const fn prefix(self) -> &'static [u8] {
        match self {
            Self::Apr1 => b"$apr1$",
            Self::Crypt => b"$1$",
        }
    }
}

/// Salt and hash.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Md5Crypt {
    variant: Variant,
    salt: Box<str>,
    hash: Zeroizing<Vec<u8>>,
}

impl Md5Crypt {
    /// Reads the text after `$apr1$` or `$1$`.
    pub(super) fn parse(variant: Variant, text: &str) -> Result<Self, PasswordHashError> {
        let malformed = |problem| PasswordHashError::Malformed { kind: variant.kind(), problem };
        let (salt, hash) = text.split_once('$').ok_or(malformed("it is cut off"))?;
        if salt.len() > MAX_SALT || !salt.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(malformed("its salt is not 8 or fewer characters of ASCII"));
        }
        let hash = crypt64::decode(crypt64::MD5, hash)
            .ok_or(malformed("its hash is not 22 characters of base64"))?;
        Ok(Self { variant, salt: salt.into(), hash })
    }

    pub(super) const fn variant(&self) -> Variant {
        self.variant
    }

    /// A password above the limit is wrong, and costs as much as the longest.
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let computed = compute(self.variant, self.salt.as_bytes(), password);
        constant_time_eq(&self.hash, &*computed) & (password.len() <= MAX_PASSWORD)
    }

    #[cfg(feature = "htpasswd")]
    pub(super) fn salt_and_hash(&self) -> (&[u8], &[u8]) {
        (self.salt.as_bytes(), &self.hash)
    }
}

/// Does the work of a check.
pub(super) fn burn(password: &[u8]) {
    std::hint::black_box(compute(Variant::Apr1, &[b'.'; MAX_SALT], password));
}

fn compute(variant: Variant, salt: &[u8], password: &[u8]) -> Hash {
    work::count("md5-crypt", 1);
    let password = password.get(..MAX_PASSWORD).unwrap_or(password);
    let mixed = md5(&[password, salt, password]);
    let mut first = Md5::new();
    for part in [password, variant.prefix(), salt] {
        first.update(part);
    }
    for part in password.chunks(mixed.len()) {
        first.update(mixed.get(..part.len()).unwrap_or_default());
    }
    let mut bits = password.len();
    while bits != 0 {
        // A zero for each bit that is set, and the first byte of the password for the others.
        first.update(if bits & 1 == 1 { &[0] } else { password.get(..1).unwrap_or_default() });
        bits >>= 1;
    }
    let mut last: Hash = Zeroizing::new(first.finalize().into());
    for round in 0..ROUNDS {
        let odd = round % 2 == 1;
        let unless = |multiple: u32, part| if round % multiple == 0 { &[][..] } else { part };
        let (begin, end) = if odd { (password, &last[..]) } else { (&last[..], password) };
        last = md5(&[begin, unless(3, salt), unless(7, password), end]);
    }
    last
}

fn md5(parts: &[&[u8]]) -> Hash {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    Zeroizing::new(hash.finalize().into())
}
