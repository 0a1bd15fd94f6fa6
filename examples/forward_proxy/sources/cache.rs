//! Verdicts that are kept for a while: `--cache`.

use std::time::Duration;

use tower_proxy_auth::validator::FirstOf;

use crate::Mistake;

const OPTION: &str = "--cache";

/// Refusals are kept for a tenth of the time that other verdicts are.
#[cfg(feature = "cached")]
pub(super) fn round(validator: FirstOf, lifetime: Duration) -> Result<FirstOf, Mistake> {
    use tower_proxy_auth::validator::Cached;

    let cached = Cached::builder(validator).with_lifetime(lifetime);
    let cached = cached.with_negative_lifetime(lifetime / 10).build();
    Ok(FirstOf::new().with(cached.map_err(|error| format!("{OPTION}: {error}"))?))
}

#[cfg(not(feature = "cached"))]
pub(super) fn round(_: FirstOf, _: Duration) -> Result<FirstOf, Mistake> {
    Err(super::needs_feature(OPTION, "cached"))
}
