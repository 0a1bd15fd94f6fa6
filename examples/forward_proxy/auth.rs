//! Authentication: from the options to the layer that goes round the proxy.
//!
//! `sources` finds the users; nothing else here knows of authentication.

use std::{mem, net::SocketAddr};

use tower_proxy_auth::{
    Authenticator, ConfigError, DigestScheme, ProxyAuthLayer, Realm, backend::SecretsChain, digest,
};

use crate::{
    Mistake,
    options::{Algorithm, AuthInfo, AuthOptions, UriCheck},
    reachable,
    sources::Opened,
};

/// Authentication whose users have been found, and which needs but the address of the proxy.
pub(crate) struct Prepared {
    options: AuthOptions,
    realm: Realm,
    users: Opened,
}

impl Prepared {
    /// Opens the sources of users.
    ///
    /// # Errors
    /// One line that names what is wrong with the options, or with a file.
    pub(crate) async fn new(mut options: AuthOptions) -> Result<Self, Mistake> {
        let realm =
            Realm::new(options.realm.as_str()).map_err(|error| format!("--realm: {error}"))?;
        let users = mem::take(&mut options.sources).open(&realm).await?;
        Ok(Self { options, realm, users })
    }

    /// The layer for a proxy that listens on `address`.
    ///
    /// # Errors
    /// One line that names what is wrong with the options.
    pub(crate) fn layer(self, address: SocketAddr) -> Result<ProxyAuthLayer, Mistake> {
        self.build(address).map_err(|error| error.to_string())
    }

    fn build(self, address: SocketAddr) -> Result<ProxyAuthLayer, ConfigError> {
        let Self { options, realm, users: Opened { validator, secrets } } = self;
        let mut builder = Authenticator::builder(realm);
        if let Some(secrets) = secrets.filter(|_| options.offers_digest) {
            builder = builder.with_scheme(digest_scheme(&options, secrets, address)?);
        }
        if let Some(validator) = validator.filter(|_| options.offers_basic) {
            builder = builder.with_basic(validator);
        }
        Ok(ProxyAuthLayer::new(builder.build()?).with_identity_in_response(true))
    }
}

fn digest_scheme(
    options: &AuthOptions,
    secrets: SecretsChain,
    address: SocketAddr,
) -> Result<DigestScheme<SecretsChain>, ConfigError> {
    let mut digest = DigestScheme::builder(secrets);
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

/// Takes the address of the proxy for the target, as some clients do.
fn lenient(address: SocketAddr) -> digest::UriCheck {
    let addresses = reachable::locally(address).into_iter();
    addresses.fold(digest::UriCheck::lenient(), |check, address| {
        check.with_proxy_address(address.to_string())
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use tower_proxy_auth::RequestHead;

    #[test]
    fn regression_a_proxy_on_all_addresses_knows_itself_by_the_loopback_ones() {
        let (parts, ()) = Request::get("http://o.example/a").body(()).expect("good").into_parts();
        for (listening, uri, accepted) in [
            ("127.0.0.1:3128", "127.0.0.1:3128", true),
            ("0.0.0.0:3128", "127.0.0.1:3128", true),
            ("[::]:3128", "http://[::1]:3128/", true),
            ("[::]:3128", "127.0.0.1:3128", true),
            ("0.0.0.0:3128", "127.0.0.1:3129", false),
            ("192.0.2.1:3128", "127.0.0.1:3128", false),
        ] {
            let check = lenient(listening.parse().expect("an address"));
            let found = check.accepts(uri.as_bytes(), &RequestHead::of_parts(&parts));
            assert_eq!(found, accepted, "{uri} at {listening}");
        }
    }
}
