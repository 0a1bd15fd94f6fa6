//! Cached answers: `--cache`.

use std::time::Duration;

use tower_proxy_auth::backend::ValidatorChain;
#[cfg(feature = "cached")]
use tower_proxy_auth::backend::cached::Cached;
#[cfg(feature = "sql")]
use tower_proxy_auth::{DigestSecrets, backend::SecretsChain};

use crate::Mistake;

/// Caches the verdicts of a chain if there is a lifetime.
///
/// Caching each source instead would make users of a later source wait in the queue of an earlier
/// one, behind everyone who guesses passwords.
pub(super) fn verdicts(
    chain: ValidatorChain,
    lifetime: Option<Duration>,
) -> Result<ValidatorChain, Mistake> {
    #[cfg(feature = "cached")]
    if let Some(lifetime) = lifetime {
        return Ok(ValidatorChain::new().with(cached(chain, lifetime)?));
    }
    #[cfg(not(feature = "cached"))]
    let _ = lifetime;
    Ok(chain)
}

/// Adds a source to the chain, with a cache if there is a lifetime.
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
