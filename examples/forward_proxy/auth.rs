//! Builds the authentication layer from the options; `sources` opens the users.

use std::{mem, net::SocketAddr};

#[cfg(feature = "password-hash")]
use tower_proxy_auth::backend::password_hash::HashingPool;
use tower_proxy_auth::{
    Authenticator, BasicScheme, ConfigError, DigestScheme, ProxyAuthLayer, Realm,
    backend::SecretsChain, digest, middleware::Pages, nonce_store::MemoryNonceStore,
    throttle::MemoryThrottle,
};

use crate::{
    Mistake, access_log, client,
    listener::local_addresses,
    maintenance::MaintenanceFile,
    observe::Observation,
    options::{Algorithm, AuthInfo, AuthOptions, UriCheck},
    sources::{Opened, in_options},
    upkeep::Upkeep,
};

/// Authentication with its users, before the address of the proxy is known.
pub(crate) struct Prepared {
    options: AuthOptions,
    realm: Realm,
    users: Opened,
    stores: Stores,
}

/// What the proxy remembers of clients, and the queue of their checks. Clones share it.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) nonces: MemoryNonceStore,
    /// `None` if guesses are not limited.
    pub(crate) throttle: Option<MemoryThrottle>,
    /// All sources share it.
    #[cfg(feature = "password-hash")]
    pub(crate) hashing: HashingPool,
}

impl Prepared {
    /// Opens the sources of users.
    ///
    /// # Errors
    /// One line about the mistake in an option or a file.
    pub(crate) async fn new(mut options: AuthOptions) -> Result<Self, Mistake> {
        let realm =
            Realm::new(options.realm.as_str()).map_err(|error| format!("--realm: {error}"))?;
        let stores = Stores {
            nonces: MemoryNonceStore::new(),
            throttle: options.limits.throttle().map_err(|error| error.to_string())?,
            #[cfg(feature = "password-hash")]
            hashing: HashingPool::new(),
        };
        let users = mem::take(&mut options.sources).open(&realm, &stores).await?;
        Ok(Self { options, realm, users, stores })
    }

    /// The layer for a proxy that listens on `address`, and what to do while it runs.
    ///
    /// # Errors
    /// One line about the mistake in an option.
    pub(crate) fn layer(
        self,
        address: SocketAddr,
        pages: &Pages,
        observation: &mut Observation,
    ) -> Result<(ProxyAuthLayer, Upkeep), Mistake> {
        let stores = self.stores.clone();
        let built = self.build(address).map_err(|error| in_options(&error.to_string()));
        let (layer, upkeep) = built?;
        Ok((observation.observe(layer.with_pages(pages.clone()), stores), upkeep))
    }

    fn build(self, address: SocketAddr) -> Result<(ProxyAuthLayer, Upkeep), ConfigError> {
        let Self { options, realm, users: Opened { validator, secrets, reloads }, stores } = self;
        let builder = Authenticator::builder(realm)
            .with_latin1(options.latin1)
            .with_rechecks(options.recheck.is_some())
            .with_claimed_users(options.observe.claimed_users());
        let mut builder = options.limits.apply(builder, stores.throttle);
        if let Some(secrets) = secrets.filter(|_| options.offers_digest) {
            builder =
                builder.with_scheme(digest_scheme(&options, secrets, stores.nonces, address)?);
        }
        if let Some(validator) = validator.filter(|_| options.offers_basic) {
            let basic = BasicScheme::new(validator);
            let basic = basic.allow_empty_passwords(options.allow_empty_passwords);
            builder = builder.with_scheme(basic);
        }
        let auth = builder.build()?;
        // The access log shows the user.
        let layer = ProxyAuthLayer::new(auth.clone())
            .with_peer_address(client::peer)
            .with_identity_in_response(access_log::is_enabled());
        let maintenance = options.maintenance.map(|path| MaintenanceFile::open(path, auth.clone()));
        Ok((layer, Upkeep { auth, recheck: options.recheck, reloads, maintenance }))
    }
}

fn digest_scheme(
    options: &AuthOptions,
    secrets: SecretsChain,
    nonces: MemoryNonceStore,
    address: SocketAddr,
) -> Result<DigestScheme<SecretsChain>, ConfigError> {
    let mut digest = DigestScheme::builder(secrets)
        .with_nonce_store(nonces)
        .legacy_rfc2069(options.legacy_rfc2069);
    if !options.algorithms.is_empty() {
        digest = digest.with_algorithms(options.algorithms.iter().map(|&one| one.into()));
    }
    if let Some(lifetime) = options.nonce_lifetime {
        digest = digest.with_nonce_lifetime(lifetime);
    }
    if options.uri_check == Some(UriCheck::Lenient) {
        digest = digest.with_uri_check(lenient(address));
    }
    if let Some(auth_info) = options.auth_info {
        digest = digest.with_auth_info(auth_info.into());
    }
    digest.build()
}

/// Accepts the address of the proxy instead of the target, because some clients send it.
fn lenient(address: SocketAddr) -> digest::UriCheck {
    digest::UriCheck::lenient(local_addresses(address).iter().map(SocketAddr::to_string))
}

impl From<Algorithm> for digest::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Md5 => Self::Md5,
            Algorithm::Sha256 => Self::Sha256,
            Algorithm::Sha512_256 => Self::Sha512_256,
            Algorithm::Md5Sess => Self::Md5Sess,
            Algorithm::Sha256Sess => Self::Sha256Sess,
            Algorithm::Sha512_256Sess => Self::Sha512_256Sess,
        }
    }
}

impl From<AuthInfo> for digest::AuthInfo {
    fn from(auth_info: AuthInfo) -> Self {
        match auth_info {
            AuthInfo::Off => Self::Off,
            AuthInfo::NextNonce => Self::NextNonce,
            AuthInfo::Full => Self::Full,
        }
    }
}
