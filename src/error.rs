//! Configuration errors, and failures of back ends.

use std::{error::Error, fmt, iter, ops::RangeInclusive, path::PathBuf, sync::Arc};

/// A configuration mistake, reported when a realm, a store or an authenticator is built.
///
/// Each message names the value and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The contact on pages is empty, longer than 200 bytes, or has a control character.
    #[error("the contact {contact:?} is not one line of 1 to 200 bytes")]
    InvalidContact {
        /// The contact as given.
        contact: String,
    },
    /// The tag of a page's language does not consist of letters, digits and hyphens.
    #[error("{tag:?} is not a language tag: use one such as \"de\" or \"pt-BR\"")]
    InvalidLanguageTag {
        /// The tag as given.
        tag: String,
    },
    /// The name in `Proxy-Status` is empty, too long, or contains a character that is not allowed.
    #[error(
        "the name of the proxy, {name:?}, is not 1 to 255 characters of printable ASCII without \
         quote and backslash: use its host name"
    )]
    InvalidProxyName {
        /// The name as given.
        name: String,
    },
    /// The realm is empty.
    #[error("the realm is empty: give the protection space a name that users recognize")]
    EmptyRealm,
    /// The realm contains a character that some clients cannot handle.
    #[error(
        "the realm {realm:?} contains {character:?} at byte {position}: use printable ASCII without \
         quote and backslash, since some clients fail on the rest"
    )]
    InvalidRealm {
        /// The realm as given.
        realm: String,
        /// The first character that is not allowed.
        character: char,
        /// The offset of that character, in bytes.
        position: usize,
    },
    /// The realm is longer than 512 bytes.
    #[error("the realm is {length} bytes long: use at most {maximum}")]
    RealmTooLong {
        /// Its length in bytes.
        length: usize,
        /// The maximum length in bytes.
        maximum: usize,
    },
    /// The users belong to another realm. Realms compare byte for byte.
    #[error(
        "the authenticator's realm is {realm:?}, and its users belong to the realm {served:?}: \
         make both the same"
    )]
    RealmNotServed {
        /// The realm of the authenticator.
        realm: String,
        /// The realm of the users.
        served: String,
    },
    /// A user file was opened for another realm. Realms compare byte for byte.
    #[error(
        "the authenticator's realm is {realm:?}, and the file {path:?} was opened for the realm \
         {served:?}: make both the same"
    )]
    RealmNotInFile {
        /// The file, or the first of several.
        path: PathBuf,
        /// The realm of the authenticator.
        realm: String,
        /// The realm whose users the file was opened for.
        served: String,
    },
    /// [`ByRealm`](crate::backend::ByRealm) has no source of users for the realm of the
    /// authenticator.
    #[error(
        "the authenticator's realm is {realm:?}, and there are sources of users for the realms \
         {served:?}: add one for it"
    )]
    RealmWithoutSource {
        /// The realm of the authenticator.
        realm: String,
        /// The realms that have a source.
        served: Vec<String>,
    },
    /// A realm has two sources of users.
    #[error("the realm {realm:?} has two sources of users: put them into a chain")]
    DuplicateRealm {
        /// The realm.
        realm: String,
    },
    /// No scheme is offered, so every request would be refused.
    #[error("no authentication scheme is offered: add with_basic, with_digest or with_scheme")]
    NoScheme,
    /// Two schemes have the same name.
    #[error("the scheme {name} is offered twice: add it once")]
    DuplicateScheme {
        /// The name of the scheme.
        name: &'static str,
    },
    /// The name of a scheme is not a token.
    #[error("the scheme name {name:?} is not a token: use letters, digits and hyphens")]
    InvalidSchemeName {
        /// The name of the scheme.
        name: &'static str,
    },
    /// Digest has no algorithm.
    #[error("no Digest algorithm is offered: name at least one, such as SHA-256")]
    NoAlgorithm,
    /// An algorithm is named twice.
    #[error("the Digest algorithm {algorithm} is offered twice: name it once")]
    DuplicateAlgorithm {
        /// The algorithm's name in a challenge.
        algorithm: &'static str,
    },
    /// The source of secrets has no H(A1) for any configured algorithm.
    #[error(
        "none of the Digest algorithms {configured} can be offered: the source of secrets has H(A1) \
         for {held}; name an algorithm that it has, or offer Basic instead"
    )]
    NoCommonAlgorithm {
        /// The hash functions of the configured algorithms.
        configured: String,
        /// The hash functions that every user has an H(A1) for.
        held: String,
    },
    /// RFC 2069 responses are allowed without MD5, their only algorithm.
    #[error("legacy_rfc2069 needs the algorithm MD5: add it, or leave the option off")]
    LegacyWithoutMd5,
    /// RFC 2069 responses are allowed beside MD5-sess, for which anyone who has seen such a
    /// response could compute others.
    #[error("legacy_rfc2069 makes MD5-sess forgeable: leave one of them off")]
    LegacyWithMd5Sess,
    /// A nonce key is too short.
    #[error("the nonce key is {length} bytes long: use at least {minimum} random bytes")]
    ShortNonceKey {
        /// The length of the key as given, in bytes.
        length: usize,
        /// The minimum length in bytes.
        minimum: usize,
    },
    /// The value of an option is out of range.
    #[error("the {name} is {value}: use {minimum} to {maximum}")]
    OutOfRange {
        /// The option.
        name: &'static str,
        /// The value as given, with its unit.
        value: String,
        /// The smallest valid value.
        minimum: String,
        /// The largest valid value.
        maximum: String,
    },
    /// A limit is zero.
    #[error("the limit {name} is 0, which refuses everything: use a larger one")]
    ZeroLimit {
        /// The method that sets the limit.
        name: &'static str,
    },
    /// The syntax of user parameters is contradictory.
    #[error("user parameters: {problem}")]
    UserParameters {
        /// The option, its value, and what is wrong with it.
        problem: String,
    },
    /// User parameters are configured, but a scheme cannot split them off names.
    #[error("{scheme} cannot split parameters off user names: {problem}")]
    UserParametersUnsupported {
        /// The scheme.
        scheme: &'static str,
        /// The required change.
        problem: &'static str,
    },
    /// The field for the identity already has a meaning in HTTP.
    #[error("the header field {name} has a meaning in HTTP: choose another for the identity")]
    ReservedIdentityHeader {
        /// The field name as given.
        name: String,
    },
    /// The operating system provided no random bytes.
    #[error(
        "the operating system provided no random bytes: allow the process to call getrandom(2)"
    )]
    Randomness(#[source] Box<dyn Error + Send + Sync>),
}

impl ConfigError {
    /// Whether the source serves other realms only, so that another source may serve this one.
    pub(crate) const fn is_of_other_realms(&self) -> bool {
        matches!(
            self,
            Self::RealmNotServed { .. }
                | Self::RealmNotInFile { .. }
                | Self::RealmWithoutSource { .. }
        )
    }

    pub(crate) fn check_range<T: PartialOrd + fmt::Debug>(
        name: &'static str,
        value: &T,
        range: &RangeInclusive<T>,
    ) -> Result<(), Self> {
        if range.contains(value) {
            return Ok(());
        }
        let [value, minimum, maximum] =
            [value, range.start(), range.end()].map(|value| format!("{value:?}"));
        Err(Self::OutOfRange { name, value, minimum, maximum })
    }

    /// Refuses the first limit that is zero. Each entry names the method that sets the limit, and
    /// whether it is zero.
    pub(crate) fn refuse_zero<const N: usize>(
        limits: [(&'static str, bool); N],
    ) -> Result<(), Self> {
        match limits.into_iter().find(|&(_, is_zero)| is_zero) {
            Some((name, _)) => Err(Self::ZeroLimit { name }),
            None => Ok(()),
        }
    }
}

/// A back end (a directory, a database, a store) could not answer.
///
/// The client gets a 503 with `Retry-After`; the request is not forwarded, and the password does
/// not count as wrong. The source is only for the operator's log. Clones share it.
///
/// # Examples
/// ```
/// use std::io;
///
/// use tower_proxy_auth::BackendError;
///
/// let down = BackendError::transient(io::Error::from(io::ErrorKind::ConnectionRefused));
/// assert!(down.is_transient());
/// let broken = BackendError::new("the query names a column that does not exist");
/// assert!(!broken.is_transient());
/// ```
#[derive(Clone, Debug)]
pub struct BackendError {
    source: Arc<dyn Error + Send + Sync>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Permanent,
    Transient,
    Overloaded,
}

impl BackendError {
    /// An error with this cause, which can be a text: `BackendError::new("no such column")`.
    ///
    /// If trying again may help, use [`transient`](Self::transient).
    ///
    /// # Security
    /// The cause goes to the operator's log: it must not contain a password or a stored hash.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Arc::from(source.into()), kind: Kind::Permanent }
    }

    /// An error that may pass by itself, such as a lost connection or a timeout: the same call may
    /// succeed a little later.
    ///
    /// # Security
    /// As for [`new`](Self::new).
    pub fn transient(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: Kind::Transient, ..Self::new(source) }
    }

    /// A transient error: a queue of this process is full. The back end itself may be fine, so a
    /// cache does not use an expired verdict instead.
    ///
    /// # Security
    /// As for [`new`](Self::new).
    pub fn overloaded(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: Kind::Overloaded, ..Self::new(source) }
    }

    /// Whether trying again may help. `false` means that this is unknown, or that an operator must
    /// fix something first.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self.kind, Kind::Transient | Kind::Overloaded)
    }

    /// Whether a queue of this process was full.
    #[must_use]
    pub const fn is_overloaded(&self) -> bool {
        matches!(self.kind, Kind::Overloaded)
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Permanent => "the authentication back end failed",
            Kind::Transient => "the authentication back end failed for the time being",
            Kind::Overloaded => "the authentication back end is overloaded",
        })
    }
}

impl Error for BackendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

/// Displays an error with its sources.
pub(crate) struct Causes<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        iter::successors(self.0.source(), |&error| error.source())
            .try_for_each(|cause| write!(f, ": caused by: {cause}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backend_errors_keep_kind_and_source() {
        for (error, is_transient, is_overloaded, text) in [
            (BackendError::new("why"), false, false, "the authentication back end failed"),
            (
                BackendError::transient("why"),
                true,
                false,
                "the authentication back end failed for the time being",
            ),
            (
                BackendError::overloaded("why"),
                true,
                true,
                "the authentication back end is overloaded",
            ),
        ] {
            for error in [error.clone(), error] {
                assert_eq!(error.is_transient(), is_transient, "{text}");
                assert_eq!(error.is_overloaded(), is_overloaded, "{text}");
                assert_eq!(error.to_string(), text);
                assert_eq!(error.source().unwrap().to_string(), "why");
            }
        }
    }
}
