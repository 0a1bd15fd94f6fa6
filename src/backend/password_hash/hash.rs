//! One stored password.

use std::fmt;

use super::{
    HashKind, HashPolicy, OutOfMemory, PasswordHashError,
    argon2::Argon2,
    bcrypt::Bcrypt,
    md5_crypt::{self, Md5Crypt, Variant},
    prefix,
    sha_crypt::{self, Function, ShaCrypt},
    single_round::{self, SingleRound},
    yescrypt::Yescrypt,
};

/// A stored password that can be checked. `Debug` shows its kind only.
///
/// It takes 48 bytes for bcrypt, and about 100 to 250 for other kinds.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub(super) Stored);

/// Large variants are boxed, so that the most frequent one, bcrypt, stays small.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Stored {
    Bcrypt(Bcrypt),
    ShaCrypt(Box<ShaCrypt>),
    Argon2(Box<Argon2>),
    Yescrypt(Box<Yescrypt>),
    Md5Crypt(Box<Md5Crypt>),
    SingleRound(Box<SingleRound>),
}

impl PasswordHash {
    /// Reads a stored password, and checks its kind and cost against the policy.
    ///
    /// | kind | text |
    /// |---|---|
    /// | bcrypt | `$2y$12$`, also `$2b$` and `$2a$`, and 53 characters |
    /// | SHA-crypt | `$5$` or `$6$`, `rounds=N$` or nothing, salt, `$`, 43 or 86 characters |
    /// | Argon2 | `$argon2id$v=19$m=65536,t=3,p=4$salt$hash`, also `argon2i` and `argon2d` |
    /// | yescrypt | `$y$j9T$`, salt, `$`, 43 characters |
    /// | MD5-crypt, apr1 | `$1$` or `$apr1$`, salt, `$`, 22 characters |
    /// | SHA-1 | `{SHA}` and 28 characters |
    /// | salted SHA | `{SSHA}`, `{SSHA256}` or `{SSHA512}`, and hash and salt in base64 |
    /// | plain text | `{PLAIN}` and any text, or text that does not begin with `$`, `{`, `!` or `*` and does not look like DES crypt |
    ///
    /// Trailing blanks and line breaks are ignored, because columns of a fixed length are padded
    /// with blanks. Prefixes of Dovecot and OpenLDAP are ignored before a hash of their kind:
    /// `{BLF-CRYPT}`, `{SHA256-CRYPT}`, `{SHA512-CRYPT}`, `{MD5-CRYPT}`, `{ARGON2I}`, `{ARGON2ID}`,
    /// `{ARGON2}` and `{CRYPT}`. The case of a name in braces is ignored.
    ///
    /// # Errors
    /// Anything else, a kind that the policy does not name, or a cost above that of the policy:
    /// [`PasswordHashError`].
    pub fn parse(text: &str, policy: &HashPolicy) -> Result<Self, PasswordHashError> {
        let (kind, rest) = prefix::split(text.trim_ascii_end())?;
        policy.allows(kind)?;
        let sha_crypt = |function| ShaCrypt::parse(function, rest, policy);
        let md5_crypt = |variant| Md5Crypt::parse(variant, rest);
        let salted = |function| {
            let hash = SingleRound::parse_salted(kind, function, rest);
            hash.map(|hash| Stored::SingleRound(hash.into()))
        };
        Ok(Self(match kind {
            HashKind::Bcrypt => Stored::Bcrypt(Bcrypt::parse(rest, policy)?),
            HashKind::Sha256Crypt => Stored::ShaCrypt(sha_crypt(Function::Sha256)?.into()),
            HashKind::Sha512Crypt => Stored::ShaCrypt(sha_crypt(Function::Sha512)?.into()),
            HashKind::Argon2 => Stored::Argon2(Argon2::parse(rest, policy)?.into()),
            HashKind::Yescrypt => Stored::Yescrypt(Yescrypt::parse(rest, policy)?.into()),
            HashKind::Apr1 => Stored::Md5Crypt(md5_crypt(Variant::Apr1)?.into()),
            HashKind::Md5Crypt => Stored::Md5Crypt(md5_crypt(Variant::Crypt)?.into()),
            HashKind::Sha1 => Stored::SingleRound(SingleRound::parse_sha1(rest)?.into()),
            HashKind::SaltedSha1 => salted(single_round::Function::Sha1)?,
            HashKind::SaltedSha256 => salted(single_round::Function::Sha256)?,
            HashKind::SaltedSha512 => salted(single_round::Function::Sha512)?,
            HashKind::PlainText => Stored::SingleRound(SingleRound::of_plain_text(rest).into()),
        }))
    }

    /// The kind of hash.
    #[must_use]
    pub fn kind(&self) -> HashKind {
        match &self.0 {
            Stored::Bcrypt(_) => HashKind::Bcrypt,
            Stored::ShaCrypt(hash) => hash.function().kind(),
            Stored::Argon2(_) => HashKind::Argon2,
            Stored::Yescrypt(_) => HashKind::Yescrypt,
            Stored::Md5Crypt(hash) => hash.variant().kind(),
            Stored::SingleRound(hash) => hash.kind(),
        }
    }

    /// The kind and the cost, for messages.
    #[cfg(feature = "htpasswd")]
    pub(in crate::backend) fn describe_cost(&self) -> String {
        match &self.0 {
            Stored::Bcrypt(hash) => format!("{}, cost {}", self.kind(), hash.cost()),
            Stored::ShaCrypt(hash) => format!("{}, {} rounds", self.kind(), hash.rounds()),
            Stored::Argon2(hash) => hash.cost().to_string(),
            Stored::Yescrypt(hash) => hash.cost().to_string(),
            Stored::Md5Crypt(_) | Stored::SingleRound(_) => self.kind().to_string(),
        }
    }

    /// The salt and the hash, which are others for every change of a password.
    #[cfg(feature = "htpasswd")]
    pub(in crate::backend) fn salt_and_hash(&self) -> (&[u8], &[u8]) {
        match &self.0 {
            Stored::Bcrypt(hash) => hash.salt_and_hash(),
            Stored::ShaCrypt(hash) => hash.salt_and_hash(),
            Stored::Argon2(hash) => hash.salt_and_hash(),
            Stored::Yescrypt(hash) => hash.salt_and_hash(),
            Stored::Md5Crypt(hash) => hash.salt_and_hash(),
            Stored::SingleRound(hash) => hash.salt_and_hash(),
        }
    }

    /// Whether `password` is longer than the hash covers, so that it never matches: more than 72
    /// bytes for bcrypt, unless the policy
    /// [allows truncation](HashPolicy::allow_bcrypt_truncation), and more than 512 bytes for
    /// SHA-crypt, MD5-crypt and apr1.
    #[must_use]
    pub fn is_too_long(&self, password: &str) -> bool {
        let longest = match &self.0 {
            Stored::Bcrypt(hash) => hash.max_password(),
            Stored::ShaCrypt(_) => sha_crypt::MAX_PASSWORD,
            Stored::Md5Crypt(_) => md5_crypt::MAX_PASSWORD,
            Stored::Argon2(_) | Stored::Yescrypt(_) | Stored::SingleRound(_) => usize::MAX,
        };
        password.len() > longest
    }

    /// Whether `password` is the stored one. Takes up to a second, or as long as the policy allows.
    ///
    /// Returns `false` for a password that [is too long](Self::is_too_long), or if there is not
    /// enough memory for Argon2 or yescrypt. A password with a NUL is wrong and is not hashed,
    /// since bcrypt would ignore the rest.
    ///
    /// # Security
    /// The time depends on the stored hash and the length of the password, not on whether it is
    /// right. Use [`HashCost::verify`](super::HashCost::verify) to spend the same time on unknown
    /// users, and to distinguish a lack of memory from a wrong password. Call it on a
    /// [`HashingPool`](super::HashingPool), never on a thread that serves requests.
    #[must_use]
    pub fn verify(&self, password: &str) -> bool {
        !password.contains('\0') && self.check(password).unwrap_or(false)
    }

    /// The same for a password without NUL.
    pub(super) fn check(&self, password: &str) -> Result<bool, OutOfMemory> {
        let password = password.as_bytes();
        Ok(match &self.0 {
            Stored::Bcrypt(hash) => hash.verify(password),
            Stored::ShaCrypt(hash) => hash.verify(password),
            Stored::Argon2(hash) => hash.verify(password)?,
            Stored::Yescrypt(hash) => hash.verify(password)?,
            Stored::Md5Crypt(hash) => hash.verify(password),
            Stored::SingleRound(hash) => hash.verify(password),
        })
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({}, ..)", self.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BCRYPT: &str = "$2y$05$abcdefghijklmnopqrstuuWG29KuyeAicPCJODk1zjyGvyQUU2awu";
    const SHA256: &str = "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5";
    const ARGON2: &str =
        "$argon2id$v=19$m=16,t=1,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const APR1: &str = "$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00";
    const SHA1: &str = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=";

    const MD5: &str = "$1$abcdefgh$hqvCbNwzGGtJDzHd8m2pC1";
    const YESCRYPT: &str =
        "$y$j75$eyHfBVyhQiZ2Mqozo13iL1$or/S9K4iVVwSMQJbU.XgIN1Y2dZ0F/zK7drD3nopyb5";
    const SSHA: &str = "{SSHA}9EB2oA1IZm7okxH4qwkjJuo7RPeKIWq9";

    /// A hash of each weak kind, and the name of the kind.
    const WEAK: [(&str, &str); 7] = [
        (APR1, "apr1"),
        (MD5, "md5-crypt"),
        (SHA1, "sha"),
        (SSHA, "ssha"),
        ("{SSHA256}gvQ43UhH+s+nxv7NCtAjfNuscYT4lPAh2P/nYNsKPO7Kcyc9RaodnQ==", "ssha256"),
        (
            "{SSHA512}Ss/9fJBupt2h9CNRlxk0gje9JLqj7abjIG6Mej4AC2bzWRv5o10a5w4h2XdOtLfcYurCzMCRU7/2\
             Ko7AZk/i+gViHEK9RSIs",
            "ssha512",
        ),
        ("wonder", "plain"),
    ];

    const EVERYTHING: HashPolicy = HashPolicy::new()
        .allow_kind(HashKind::Apr1)
        .allow_kind(HashKind::Md5Crypt)
        .allow_kind(HashKind::Sha1)
        .allow_kind(HashKind::SaltedSha1)
        .allow_kind(HashKind::SaltedSha256)
        .allow_kind(HashKind::SaltedSha512)
        .allow_kind(HashKind::PlainText);

    #[test]
    fn refuses_the_mark_of_a_locked_account() {
        for text in ["!", "*", "!!", "*LK*", &format!("!{BCRYPT}"), "*0"] {
            let error = PasswordHash::parse(text, &EVERYTHING).unwrap_err();
            assert_eq!(
                error,
                PasswordHashError::Unsupported { what: "the mark of a locked account" }
            );
        }
    }

    #[track_caller]
    fn refused(text: &str, policy: &HashPolicy, message: &str) {
        let error = PasswordHash::parse(text, policy).unwrap_err();
        assert_eq!(error.to_string(), message, "{text}");
    }

    #[track_caller]
    fn read(text: &str) -> PasswordHash {
        PasswordHash::parse(text, &EVERYTHING).unwrap()
    }

    #[test]
    fn recognizes_each_kind() {
        for (text, kind) in [
            (BCRYPT, HashKind::Bcrypt),
            (&BCRYPT.replace("$2y$", "$2b$"), HashKind::Bcrypt),
            (&BCRYPT.replace("$2y$", "$2a$"), HashKind::Bcrypt),
            (SHA256, HashKind::Sha256Crypt),
            (ARGON2, HashKind::Argon2),
            (YESCRYPT, HashKind::Yescrypt),
            (APR1, HashKind::Apr1),
            (SHA1, HashKind::Sha1),
            ("{PLAIN}wonder", HashKind::PlainText),
            ("{plain}$1$wonder", HashKind::PlainText),
        ] {
            let hash = read(text);
            assert_eq!(hash.kind(), kind, "{text}");
            assert_eq!(format!("{hash:?}"), format!("PasswordHash({kind}, ..)"));
        }
    }

    #[test]
    fn refuses_weak_kinds_unless_named() {
        for (text, name) in WEAK {
            let message = format!(
                "the hash is of the weak kind {name}: make a new one, or accept it with allow_kind"
            );
            refused(text, &HashPolicy::new(), &message);
            let kind = HashKind::from_name(name).unwrap();
            assert!(kind.is_weak());
            let policy = HashPolicy::new().allow_kind(kind);
            for (other, _) in WEAK {
                assert_eq!(PasswordHash::parse(other, &policy).is_ok(), other == text);
            }
        }
        assert_eq!(HashKind::EACH.iter().filter(|kind| kind.is_weak()).count(), WEAK.len());
    }

    #[test]
    fn never_accepts_des_crypt_and_other_old_kinds() {
        let x = BCRYPT.replace("$2y$", "$2x$");
        for (text, what) in [
            ("rqXexS6ZhobKA", "DES crypt"),
            ("_J9..XXXXXXXXXXXXXXX", "DES crypt"),
            (&x, "bcrypt of the broken kind $2x$"),
            ("$gy$j9T$abc$def", "gost-yescrypt"),
            ("{CRYPT}rqXexS6ZhobKA", "DES crypt"),
            ("{BLF-CRYPT}!", "the mark of a locked account"),
            ("{SMD5}AAAA", "of an unknown kind"),
            ("{PLAIN-MD5}7ae8c4b4f0a9ad8f1c9a2b1a3a8d4d3c", "of an unknown kind"),
            ("{SHA512-CRYPT.HEX}24362461", "of an unknown kind"),
            ("{CRYPT", "of an unknown kind"),
            ("$sha1$1$salt$hash", "of an unknown kind"),
            ("{CRYPT}{CRYPT}rqXexS6ZhobKA", "of an unknown kind"),
            ("{MD5}abc", "of an unknown kind"),
            ("$", "of an unknown kind"),
            ("{", "of an unknown kind"),
        ] {
            let message = format!("the hash is {what}, which is never accepted: make a new one");
            refused(text, &EVERYTHING, &message);
        }
    }

    #[test]
    fn refuses_an_empty_hash() {
        for text in ["", " \r\n", "{PLAIN}", "{plain} ", "{CRYPT}", "{SHA}"] {
            refused(text, &EVERYTHING, "the hash is empty");
        }
    }

    /// The prefixes were split off by recursion, which overflowed the stack.
    #[test]
    fn regression_a_million_prefixes_are_refused() {
        let error = PasswordHash::parse(&"{CRYPT}".repeat(1_000_000), &EVERYTHING).unwrap_err();
        assert_eq!(error, PasswordHashError::Unsupported { what: "of an unknown kind" });
    }

    #[test]
    fn a_truncated_hash_is_not_a_plain_password() {
        for text in [BCRYPT, SHA256, ARGON2, YESCRYPT, APR1, MD5, SHA1, SSHA] {
            for length in 1..text.len() {
                let cut = &text[..length];
                // Argon2 hashes and salts of SSHA have any length, so a truncated text may be
                // another hash.
                let parsed = PasswordHash::parse(cut, &EVERYTHING);
                let may_be_cut = match text {
                    ARGON2 => length > 55,
                    SSHA => length == SSHA.len() - 4,
                    _ => false,
                };
                assert!(parsed.is_err() || may_be_cut, "{cut}");
            }
            let longer = ["A", "$", " A"].map(|end| format!("{text}{end}"));
            for text in longer.iter().skip(usize::from(text == ARGON2)) {
                assert!(PasswordHash::parse(text, &EVERYTHING).is_err(), "{text}");
            }
        }
    }

    #[test]
    fn refuses_cost_bombs_before_hashing() {
        let bcrypt = |cost: u32| BCRYPT.replace("$05$", &format!("${cost:02}$"));
        let sha = |rounds: u64| SHA256.replace("$5$", &format!("$5$rounds={rounds}$"));
        let argon2 =
            |m: u64, t: u64, p: u64| ARGON2.replace("m=16,t=1,p=1", &format!("m={m},t={t},p={p}"));
        for (text, message) in [
            (bcrypt(31), "the cost of the bcrypt hash is 31: at most 15 is allowed"),
            (bcrypt(16), "the cost of the bcrypt hash is 16: at most 15 is allowed"),
            (
                sha(999_999_999),
                "the number of rounds of the sha256-crypt hash is 999999999: at most 1000000 is \
                 allowed",
            ),
            (
                argon2(4 << 20, 1, 1),
                "the memory in KiB of the argon2 hash is 4194304: at most 262144 is allowed",
            ),
            (
                argon2(16, 4_000_000_000, 1),
                "the number of passes of the argon2 hash is 4000000000: at most 16 is allowed",
            ),
            (bcrypt(3), "the bcrypt hash is malformed: its cost is not within 4 to 31"),
            (bcrypt(32), "the bcrypt hash is malformed: its cost is not within 4 to 31"),
            (bcrypt(99), "the bcrypt hash is malformed: its cost is not a number of two digits"),
            (
                sha(999),
                "the sha256-crypt hash is malformed: its rounds are not within 1000 to 999999999",
            ),
            (sha(1 << 32), "the sha256-crypt hash is malformed: its rounds are not a number"),
            (
                argon2(1 << 32, 1, 1),
                "the argon2 hash is malformed: its parameters are not m, t and p as numbers",
            ),
            (argon2(16, 1, 3), "the argon2 hash is malformed: its parameters do not fit together"),
            (
                argon2(16, 1, 4_294_967_295),
                "the argon2 hash is malformed: its parameters do not fit together",
            ),
        ] {
            refused(&text, &EVERYTHING, message);
        }
        let policy = HashPolicy::new().with_max_bcrypt_cost(16).with_max_argon2_passes(20);
        assert!(PasswordHash::parse(&bcrypt(16), &policy).is_ok());
        assert!(PasswordHash::parse(&argon2(16, 20, 1), &policy).is_ok());
    }

    #[test]
    fn refuses_numbers_in_another_spelling() {
        for text in ["rounds=+5000", "rounds=05000", "rounds= 5000", "rounds=", "rounds=5e3"] {
            let text = SHA256.replace("$5$", &format!("$5${text}$"));
            assert!(PasswordHash::parse(&text, &EVERYTHING).is_err(), "{text}");
        }
        for parameters in
            ["m=016,t=1,p=1", "t=1,m=16,p=1", "m=16,t=1", "m=16,t=1,p=1,", "m=+16,t=1,p=1"]
        {
            let text = ARGON2.replace("m=16,t=1,p=1", parameters);
            assert!(PasswordHash::parse(&text, &EVERYTHING).is_err(), "{text}");
        }
        for cost in ["5", "+5", " 5", "005", "0x"] {
            let text = BCRYPT.replace("$05$", &format!("${cost}$"));
            assert!(PasswordHash::parse(&text, &EVERYTHING).is_err(), "{text}");
        }
    }

    #[test]
    fn refuses_non_ascii_without_a_panic() {
        for text in [BCRYPT, SHA256, ARGON2, YESCRYPT, APR1, SHA1] {
            for (at, _) in text.char_indices().skip(1) {
                let text = format!("{}\u{e4}{}", &text[..at], &text[at..]);
                assert!(PasswordHash::parse(&text, &EVERYTHING).is_err(), "{text}");
            }
        }
    }

    #[test]
    fn bcrypt_refuses_long_passwords_unless_allowed() {
        let [exact, longer] = [72, 73].map(|length| "a".repeat(length));
        let stored = super::super::bcrypt::make(4, exact.as_bytes()).unwrap();
        let strict = PasswordHash::parse(&stored, &HashPolicy::new()).unwrap();
        assert!(strict.verify(&exact));
        assert!(!strict.is_too_long(&exact) && strict.is_too_long(&longer));
        assert!(!strict.verify(&longer));
        assert!(!strict.verify(&exact[1..]));
        let policy = HashPolicy::new().allow_bcrypt_truncation(true);
        let lenient = PasswordHash::parse(&stored, &policy).unwrap();
        assert!(lenient.verify(&longer) && !lenient.is_too_long(&longer));
        assert!(!lenient.verify(&format!("b{}", &longer[1..])));
    }

    #[test]
    fn refuses_a_nul_before_hashing() {
        let work = super::super::work::work_of(|| {
            for text in [BCRYPT, SHA256, ARGON2, YESCRYPT, APR1, SHA1, "wonder"] {
                for password in ["password\0password", "password\0", "\0", "wonder\0"] {
                    assert!(!read(text).verify(password), "{text}");
                }
            }
        });
        assert!(work.is_empty(), "{work:?}");
        assert!(read(BCRYPT).verify("password"));
    }

    #[test]
    fn a_password_above_the_limit_is_wrong() {
        let longest = "a".repeat(512);
        let policy = HashPolicy::new();
        let stored = sha_crypt::make(Function::Sha512, 1_000, longest.as_bytes()).unwrap();
        let hash = PasswordHash::parse(&stored, &policy).unwrap();
        assert!(hash.verify(&longest) && !hash.is_too_long(&longest));
        let longer = format!("{longest}a");
        assert!(!hash.verify(&longer));
        for (text, limit) in [(SHA256, 512), (APR1, 512), (MD5, 512), (BCRYPT, 72)] {
            let lengths =
                [limit, limit + 1].map(|length| read(text).is_too_long(&longer[..length]));
            assert_eq!(lengths, [false, true], "{text}");
        }
        for text in [ARGON2, YESCRYPT, SHA1, SSHA, "wonder"] {
            assert!(!read(text).is_too_long(&longer), "{text}");
        }
        assert!(!read(APR1).verify(&longest));
    }

    #[test]
    fn compares_the_whole_plain_text() {
        let hash = read("wonder");
        assert!(hash.verify("wonder"));
        for wrong in ["", "wonde", "wonderer", "Wonder"] {
            assert!(!hash.verify(wrong), "{wrong}");
        }
    }

    #[test]
    fn bcrypt_hashes_are_small() {
        assert_eq!(size_of::<PasswordHash>(), 48);
    }
}
