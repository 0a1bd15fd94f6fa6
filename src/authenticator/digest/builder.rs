//! The options of Digest.

use std::{fmt, ops::RangeInclusive, time::Duration};

use super::{DigestScheme, NonceKeys, nonces::Nonces};
use crate::{
    backend::DigestSecrets,
    error::ConfigError,
    nonce_store::{MemoryNonceStore, NonceStore},
    wire::digest::{Algorithm, HashFunction, HashFunctions, HashedA1, UriCheck},
};

const DEFAULT_NONCE_LIFETIME: Duration = Duration::from_secs(300);
const DEFAULT_MAX_PARAMETERS: usize = 32;
const NONCE_LIFETIMES: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(24 * 3_600);

/// The content of `Proxy-Authentication-Info` on a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthInfo {
    /// Nothing: the field is not sent.
    Off,
    /// `nextnonce`, when less than a quarter of a nonce's lifetime is left.
    NextNonce,
    /// `nextnonce` as above, and `rspauth` with cnonce, nc and qop, which proves that the proxy
    /// knows the secret too.
    #[default]
    Full,
}

/// Collects the options of a [`DigestScheme`].
#[must_use]
pub struct DigestBuilder<V, S = MemoryNonceStore> {
    secrets: V,
    store: S,
    nonce_lifetime: Duration,
    nonce_keys: Option<NonceKeys>,
    options: Options,
}

/// The options that a [`DigestScheme`] keeps.
pub(super) struct Options {
    /// In the order of the offer.
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) auth_info: AuthInfo,
    pub(super) uri_check: UriCheck,
    pub(super) userhash: bool,
    pub(super) legacy_rfc2069: bool,
    pub(super) max_parameters: usize,
}

impl<V: DigestSecrets> DigestBuilder<V> {
    pub(super) fn new(secrets: V) -> Self {
        Self {
            secrets,
            store: MemoryNonceStore::default(),
            nonce_lifetime: DEFAULT_NONCE_LIFETIME,
            nonce_keys: None,
            options: Options {
                algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
                auth_info: AuthInfo::default(),
                uri_check: UriCheck::strict(),
                userhash: false,
                legacy_rfc2069: false,
                max_parameters: DEFAULT_MAX_PARAMETERS,
            },
        }
    }
}

impl<V: DigestSecrets, S: NonceStore> DigestBuilder<V, S> {
    /// Offers these algorithms, in the given order. By default, offers SHA-256, then MD5, if the
    /// source has secrets for them.
    ///
    /// Most clients need the order SHA-256, SHA-512-256, MD5. Some read only the first Digest
    /// challenge and support only MD5, so they need MD5 first; see the
    /// [guide](crate::guide::clients).
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.options.algorithms = algorithms.into_iter().collect();
        self
    }

    /// Sets how long a nonce can be used: 1 second to 24 hours, 5 minutes by default. A client
    /// whose nonce has expired gets a new one without asking its user.
    pub const fn with_nonce_lifetime(mut self, lifetime: Duration) -> Self {
        self.nonce_lifetime = lifetime;
        self
    }

    /// Signs nonces with these keys, which several processes may share. A nonce is accepted by the
    /// processes that share its key and the nonce store.
    pub fn with_nonce_keys(mut self, keys: NonceKeys) -> Self {
        self.nonce_keys = Some(keys);
        self
    }

    /// Sets the content of `Proxy-Authentication-Info`; [`AuthInfo::Full`] by default.
    pub const fn with_auth_info(mut self, auth_info: AuthInfo) -> Self {
        self.options.auth_info = auth_info;
        self
    }

    /// Sets how `uri` is compared with the request target; [`UriCheck::strict`] by default.
    pub fn with_uri_check(mut self, uri_check: UriCheck) -> Self {
        self.options.uri_check = uri_check;
        self
    }

    /// Lets clients send a hash instead of the user-id.
    pub const fn with_userhash(mut self, offer: bool) -> Self {
        self.options.userhash = offer;
        self
    }

    /// Offers MD5 without qop and accepts RFC 2069 responses. Each nonce is then valid for one
    /// request.
    ///
    /// # Security
    /// Without a cnonce, an attacker who can choose the nonce can use precomputed tables.
    pub const fn legacy_rfc2069(mut self, allow: bool) -> Self {
        self.options.legacy_rfc2069 = allow;
        self
    }

    /// Limits the number of parameters of a request's credentials, 32 by default.
    pub const fn with_max_parameters(mut self, maximum: usize) -> Self {
        self.options.max_parameters = maximum;
        self
    }

    /// Records used nonce-counts in `store`; by default in a [`MemoryNonceStore`].
    pub fn with_nonce_store<T: NonceStore>(self, store: T) -> DigestBuilder<V, T> {
        DigestBuilder {
            secrets: self.secrets,
            store,
            nonce_lifetime: self.nonce_lifetime,
            nonce_keys: self.nonce_keys,
            options: self.options,
        }
    }

    /// Checks the options and builds the scheme.
    ///
    /// # Errors
    /// No algorithm, a duplicate one, or none that the source has secrets for; a lifetime out of
    /// range; a limit of zero; RFC 2069 without MD5; no random bytes from the operating system.
    pub fn build(self) -> Result<DigestScheme<V, S>, ConfigError> {
        self.check_algorithms()?;
        ConfigError::check_range("nonce lifetime", &self.nonce_lifetime, &NONCE_LIFETIMES)?;
        let no_parameters = self.options.max_parameters == 0;
        ConfigError::refuse_zero([("with_max_parameters", no_parameters)])?;
        Ok(DigestScheme {
            nonces: Nonces::new(self.nonce_keys, self.nonce_lifetime)?,
            dummy_secrets: HashFunction::ALL.iter().copied().map(HashedA1::dummy).collect(),
            secrets: self.secrets,
            store: self.store,
            options: self.options,
        })
    }

    fn check_algorithms(&self) -> Result<(), ConfigError> {
        let Options { algorithms, legacy_rfc2069, .. } = &self.options;
        if algorithms.is_empty() {
            return Err(ConfigError::NoAlgorithm);
        }
        for (position, &algorithm) in algorithms.iter().enumerate() {
            if algorithms.iter().take(position).any(|&before| before == algorithm) {
                return Err(ConfigError::DuplicateAlgorithm { algorithm: algorithm.as_str() });
            }
        }
        if *legacy_rfc2069 && !algorithms.contains(&Algorithm::Md5) {
            return Err(ConfigError::LegacyWithoutMd5);
        }
        if *legacy_rfc2069 && algorithms.contains(&Algorithm::Md5Sess) {
            return Err(ConfigError::LegacyWithMd5Sess);
        }
        let functions = algorithms.iter().map(|algorithm| algorithm.hash_function());
        let configured = functions.fold(HashFunctions::NONE, HashFunctions::with);
        let held = self.secrets.hash_functions();
        if configured.intersection(held) == HashFunctions::NONE {
            return Err(ConfigError::NoCommonAlgorithm {
                configured: configured.to_string(),
                held: held.to_string(),
            });
        }
        Ok(())
    }
}

impl<V, S> fmt::Debug for DigestBuilder<V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestBuilder")
            .field("algorithms", &self.options.algorithms)
            .field("nonce_lifetime", &self.nonce_lifetime)
            .field("auth_info", &self.options.auth_info)
            .finish_non_exhaustive()
    }
}
