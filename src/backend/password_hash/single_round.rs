//! Passwords that are stored as one round of a hash function, or as they are.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use super::{HashKind, PasswordHashError, work};
use crate::secret::constant_time_eq;

/// The longest salt, in bytes. LDAP servers and Dovecot make 4 to 16.
const MAX_SALT: usize = 64;

/// The hash function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Sha1,
    Sha256,
    Sha512,
}

impl Function {
    const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// Salt and hash.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SingleRound {
    kind: HashKind,
    function: Function,
    salt: Box<[u8]>,
    hash: Zeroizing<Vec<u8>>,
}

impl SingleRound {
    /// Reads the text after `{SHA}`: the hash in base64.
    pub(super) fn parse_sha1(text: &str) -> Result<Self, PasswordHashError> {
        let read = Self::parse(HashKind::Sha1, Function::Sha1, text)?;
        if !read.salt.is_empty() {
            let problem = "it is not 20 bytes in base64";
            return Err(PasswordHashError::Malformed { kind: read.kind, problem });
        }
        Ok(read)
    }

    /// Reads the text after `{SSHA}` and the like: the hash and then the salt, in base64.
    pub(super) fn parse_salted(
        kind: HashKind,
        function: Function,
        text: &str,
    ) -> Result<Self, PasswordHashError> {
        let read = Self::parse(kind, function, text)?;
        if !(1..=MAX_SALT).contains(&read.salt.len()) {
            let problem = "its salt is not 1 to 64 bytes";
            return Err(PasswordHashError::Malformed { kind, problem });
        }
        Ok(read)
    }

    fn parse(kind: HashKind, function: Function, text: &str) -> Result<Self, PasswordHashError> {
        let malformed = |problem| PasswordHashError::Malformed { kind, problem };
        let decoded = STANDARD.decode(text).map(Zeroizing::new);
        let decoded = decoded.map_err(|_| malformed("it is not base64"))?;
        let (hash, salt) =
            decoded.split_at_checked(function.length()).ok_or(malformed("it is cut off"))?;
        Ok(Self { kind, function, salt: salt.into(), hash: Zeroizing::new(hash.to_vec()) })
    }

    /// A password in plain text. Only a hash of it is kept, which hides its length.
    pub(super) fn of_plain_text(password: &str) -> Self {
        let (kind, function) = (HashKind::PlainText, Function::Sha256);
        let hash = compute(function, password.as_bytes(), &[]);
        Self { kind, function, salt: Box::default(), hash }
    }

    pub(super) const fn kind(&self) -> HashKind {
        self.kind
    }

    pub(super) const fn function(&self) -> Function {
        self.function
    }

    pub(super) fn verify(&self, password: &[u8]) -> bool {
        work::count(self.function.name(), 1);
        constant_time_eq(&self.hash, &compute(self.function, password, &self.salt))
    }

    #[cfg(feature = "htpasswd")]
    pub(super) fn salt_and_hash(&self) -> (&[u8], &[u8]) {
        (&self.salt, &self.hash)
    }
}

/// Does the work of a check.
pub(super) fn burn(function: Function, password: &[u8]) {
    work::count(function.name(), 1);
    std::hint::black_box(compute(function, password, &[0; 8]));
}

fn compute(function: Function, password: &[u8], salt: &[u8]) -> Zeroizing<Vec<u8>> {
    match function {
        Function::Sha1 => digest::<Sha1>(password, salt),
        Function::Sha256 => digest::<Sha256>(password, salt),
        Function::Sha512 => digest::<Sha512>(password, salt),
    }
}

fn digest<D: Digest>(password: &[u8], salt: &[u8]) -> Zeroizing<Vec<u8>> {
    let hash = D::new().chain_update(password).chain_update(salt).finalize();
    Zeroizing::new(hash.to_vec())
}
