//! The options of Digest.

use std::{fmt, time::Duration};

use super::{DigestScheme, NonceKeys, issuer::Issuer};
use crate::{
    backend::DigestSecrets,
    error::ConfigError,
    nonce_store::{MemoryNonceStore, NonceStore, Scope},
    wire::digest::{Algorithm, HashFunction, HashFunctions, HashedA1, UriCheck},
};

const DEFAULT_NONCE_LIFETIME: Duration = Duration::from_secs(300);
const MIN_NONCE_LIFETIME: Duration = Duration::from_secs(1);
const MAX_NONCE_LIFETIME: Duration = Duration::from_secs(24 * 3_600);
const DEFAULT_MAX_PARAMETERS: usize = 32;

/// What `Proxy-Authentication-Info` says on a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthInfo {
    /// Nothing: the field is not sent.
    Off,
    /// `nextnonce`, when a nonce is near its end.
    NextNonce,
    /// That, and the proof that the proxy knows the secret too: `rspauth`, with cnonce, nc, qop.
    #[default]
    Full,
}

/// Collects the options of a [`DigestScheme`].
#[must_use]
pub struct DigestBuilder<V, S = MemoryNonceStore> {
    secrets: V,
    store: S,
    algorithms: Option<Vec<Algorithm>>,
    keeps_order: bool,
    nonce_lifetime: Duration,
    nonce_keys: Option<NonceKeys>,
    allow_unshared_replay_state: bool,
    auth_info: AuthInfo,
    uri_check: UriCheck,
    userhash: bool,
    legacy_rfc2069: bool,
    max_parameters: usize,
}

impl<V: DigestSecrets> DigestBuilder<V> {
    pub(super) fn new(secrets: V) -> Self {
        Self {
            secrets,
            store: MemoryNonceStore::default(),
            algorithms: None,
            keeps_order: false,
            nonce_lifetime: DEFAULT_NONCE_LIFETIME,
            nonce_keys: None,
            allow_unshared_replay_state: false,
            auth_info: AuthInfo::default(),
            uri_check: UriCheck::strict(),
            userhash: false,
            legacy_rfc2069: false,
            max_parameters: DEFAULT_MAX_PARAMETERS,
        }
    }
}

impl<V: DigestSecrets, S: NonceStore> DigestBuilder<V, S> {
    /// Offers these algorithms, in the order that real clients need: SHA-256, SHA-512-256, MD5.
    /// By default SHA-256 and MD5, as far as the secrets allow.
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = Some(algorithms.into_iter().collect());
        self.keeps_order = false;
        self
    }

    /// Offers these algorithms in this order. Any other than the usual one breaks some clients.
    pub fn with_algorithms_in_order(
        mut self,
        algorithms: impl IntoIterator<Item = Algorithm>,
    ) -> Self {
        self.algorithms = Some(algorithms.into_iter().collect());
        self.keeps_order = true;
        self
    }

    /// How long a nonce can be used: 1 second to 24 hours, 5 minutes by default. A client whose
    /// nonce has expired gets a new one without asking its user.
    pub const fn with_nonce_lifetime(mut self, lifetime: Duration) -> Self {
        self.nonce_lifetime = lifetime;
        self
    }

    /// Seals nonces with these keys, so that processes can share them.
    pub fn with_nonce_keys(mut self, keys: NonceKeys) -> Self {
        self.nonce_keys = Some(keys);
        self
    }

    /// Accepts nonce keys from outside together with a local nonce store.
    ///
    /// # Security
    /// Only the process that issued a nonce accepts it all the same; but when keys are reused, that
    /// rests on the random node id alone.
    pub const fn allow_unshared_replay_state(mut self) -> Self {
        self.allow_unshared_replay_state = true;
        self
    }

    /// What is said in `Proxy-Authentication-Info`; [`AuthInfo::Full`] by default.
    pub const fn with_auth_info(mut self, auth_info: AuthInfo) -> Self {
        self.auth_info = auth_info;
        self
    }

    /// How `uri` is compared with the request target; strictly by default.
    pub fn with_uri_check(mut self, uri_check: UriCheck) -> Self {
        self.uri_check = uri_check;
        self
    }

    /// Offers clients to send a hash in place of the user-id.
    pub const fn with_userhash(mut self) -> Self {
        self.userhash = true;
        self
    }

    /// Offers MD5 without qop, and accepts answers as of RFC 2069, each nonce for one request.
    ///
    /// # Security
    /// Without a cnonce, an attacker who can choose the nonce can prepare tables of answers.
    pub const fn legacy_rfc2069(mut self) -> Self {
        self.legacy_rfc2069 = true;
        self
    }

    /// Refuses credentials with more parameters, 32 by default.
    pub const fn with_max_parameters(mut self, maximum: usize) -> Self {
        self.max_parameters = maximum;
        self
    }

    /// Remembers used nonce-counts in `store`; by default in memory.
    pub fn with_nonce_store<T: NonceStore>(self, store: T) -> DigestBuilder<V, T> {
        DigestBuilder {
            secrets: self.secrets,
            store,
            algorithms: self.algorithms,
            keeps_order: self.keeps_order,
            nonce_lifetime: self.nonce_lifetime,
            nonce_keys: self.nonce_keys,
            allow_unshared_replay_state: self.allow_unshared_replay_state,
            auth_info: self.auth_info,
            uri_check: self.uri_check,
            userhash: self.userhash,
            legacy_rfc2069: self.legacy_rfc2069,
            max_parameters: self.max_parameters,
        }
    }

    /// Checks the options and makes the scheme.
    ///
    /// # Errors
    /// No algorithm, one twice, or none that the secrets can serve; a lifetime out of range; a
    /// limit of zero; keys from outside with a local store; RFC 2069 without MD5; no random
    /// numbers from the operating system.
    pub fn build(self) -> Result<DigestScheme<V, S>, ConfigError> {
        let algorithms = self.offered_algorithms()?;
        if !(MIN_NONCE_LIFETIME..=MAX_NONCE_LIFETIME).contains(&self.nonce_lifetime) {
            return Err(ConfigError::NonceLifetime {
                lifetime: self.nonce_lifetime,
                minimum: MIN_NONCE_LIFETIME,
                maximum: MAX_NONCE_LIFETIME,
            });
        }
        if self.max_parameters == 0 {
            return Err(ConfigError::ZeroLimit { name: "max_parameters" });
        }
        let scope = self.store.scope();
        let is_unshared = self.nonce_keys.is_some() && scope == Scope::Local;
        if is_unshared && !self.allow_unshared_replay_state {
            return Err(ConfigError::UnsharedReplayState);
        }
        Ok(DigestScheme {
            issuer: Issuer::new(self.nonce_keys, self.nonce_lifetime, scope)?,
            nobody: HashFunction::EACH.map(|function| HashedA1::new(function, "", "", "")),
            secrets: self.secrets,
            store: self.store,
            algorithms,
            auth_info: self.auth_info,
            uri_check: self.uri_check,
            userhash: self.userhash,
            legacy_rfc2069: self.legacy_rfc2069,
            max_parameters: self.max_parameters,
        })
    }

    fn offered_algorithms(&self) -> Result<Vec<Algorithm>, ConfigError> {
        let default = || vec![Algorithm::Sha256, Algorithm::Md5];
        let mut algorithms = self.algorithms.clone().unwrap_or_else(default);
        if algorithms.is_empty() {
            return Err(ConfigError::NoAlgorithm);
        }
        for (position, &algorithm) in algorithms.iter().enumerate() {
            if algorithms.iter().take(position).any(|&before| before == algorithm) {
                return Err(ConfigError::DuplicateAlgorithm { algorithm: algorithm.as_str() });
            }
        }
        if self.legacy_rfc2069 && !algorithms.contains(&Algorithm::Md5) {
            return Err(ConfigError::LegacyWithoutMd5);
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
        if !self.keeps_order {
            algorithms.sort_unstable();
        }
        Ok(algorithms)
    }
}

impl<V, S> fmt::Debug for DigestBuilder<V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DigestBuilder")
            .field("algorithms", &self.algorithms)
            .field("nonce_lifetime", &self.nonce_lifetime)
            .field("auth_info", &self.auth_info)
            .finish_non_exhaustive()
    }
}
