//! Cached answers: `--cache`.

use std::time::Duration;

#[cfg(feature = "cached")]
use tower_proxy_auth::backend::cached::Cached;
use tower_proxy_auth::{CredentialValidator, backend::ValidatorChain};
#[cfg(feature = "sql")]
use tower_proxy_auth::{DigestSecrets, backend::SecretsChain};

use crate::Mistake;

/// Adds a source to the chain, with a cache if there is a lifetime.
pub(super) fn add_validator(
    chain: ValidatorChain,
    source: impl CredentialValidator,
    lifetime: Option<Duration>,
) -> Result<ValidatorChain, Mistake> {
    #[cfg(feature = "cached")]
    if let Some(lifetime) = lifetime {
        return Ok(chain.with(cached(source, lifetime)?));
    }
    #[cfg(not(feature = "cached"))]
    let _ = lifetime;
    Ok(chain.with(source))
}

/// The same for Digest.
#[cfg(feature = "sql")]
pub(super) fn add_secrets(
    chain: SecretsChain,
    source: impl DigestSecrets,
    lifetime: Option<Duration>,
) -> Result<SecretsChain, Mistake> {
    #[cfg(feature = "cached")]
    if let Some(lifetime) = lifetime {
        return Ok(chain.with(cached(source, lifetime)?));
    }
    #[cfg(not(feature = "cached"))]
    let _ = lifetime;
    Ok(chain.with(source))
}

#[cfg(feature = "cached")]
fn cached<T>(source: T, lifetime: Duration) -> Result<Cached<T>, Mistake> {
    Cached::builder(source)
        .with_lifetime(lifetime)
        .with_negative_lifetime(lifetime / 10)
        .build()
        .map_err(|error| format!("--cache: {error}"))
}
