//! Verdicts that are kept for a while: `--cache`.

use std::time::Duration;

#[cfg(feature = "cached")]
use tower_proxy_auth::backend::cached::Cached;
use tower_proxy_auth::{
    CredentialValidator, DigestSecrets,
    backend::{SecretsChain, ValidatorChain},
};

use crate::Mistake;

/// For how long what a slow source said of a right password is kept; `None` for not at all.
/// Refusals are kept for a tenth of that.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(not(feature = "cached"), expect(dead_code, reason = "nobody keeps anything"))]
pub(super) struct Cache(Option<Duration>);

impl Cache {
    /// # Errors
    /// The feature for it is off.
    pub(super) fn new(lifetime: Option<Duration>) -> Result<Self, Mistake> {
        if lifetime.is_some() && !cfg!(feature = "cached") {
            return Err(super::needs_feature("--cache", "cached"));
        }
        Ok(Self(lifetime))
    }

    /// Puts a slow source at the end of the chain.
    #[allow(dead_code, reason = "without features no source is slow")]
    pub(super) fn add(
        self,
        chain: ValidatorChain,
        source: impl CredentialValidator,
    ) -> Result<ValidatorChain, Mistake> {
        #[cfg(feature = "cached")]
        if let Some(lifetime) = self.0 {
            return Ok(chain.with(round(source, lifetime)?));
        }
        Ok(chain.with(source))
    }

    /// The same for Digest.
    #[allow(dead_code, reason = "without features no source is slow")]
    pub(super) fn add_secrets(
        self,
        chain: SecretsChain,
        source: impl DigestSecrets,
    ) -> Result<SecretsChain, Mistake> {
        #[cfg(feature = "cached")]
        if let Some(lifetime) = self.0 {
            return Ok(chain.with(round(source, lifetime)?));
        }
        Ok(chain.with(source))
    }
}

#[cfg(feature = "cached")]
fn round<T>(source: T, lifetime: Duration) -> Result<Cached<T>, Mistake> {
    let cached = Cached::builder(source).with_lifetime(lifetime);
    let cached = cached.with_negative_lifetime(lifetime / 10).build();
    cached.map_err(|error| format!("--cache: {error}"))
}
