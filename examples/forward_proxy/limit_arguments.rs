//! The options that limit users and guesses.

use clap::Args;
use tower_proxy_auth::{
    ConfigError,
    authenticator::{AuthenticatorBuilder, UserLimits},
    throttle::MemoryThrottle,
};

/// The limits as given on the command line.
#[derive(Debug, Args)]
pub(crate) struct LimitArguments {
    /// The maximum number of open tunnels and WebSockets of one user [default: no limit].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_tunnels_per_user: Option<u32>,

    /// The maximum number of wrong passwords and unknown names from one peer (an IPv4 address or an
    /// IPv6 /64) within a minute, and ten times as many for one user; then, requests get 429 and no
    /// password is checked. 0 for no limit, also on the number of checks at once [default: 50].
    #[arg(long, value_name = "N")]
    max_failures: Option<u32>,
}

/// The default of `--max-failures`.
const MAX_FAILURES: u32 = 50;

impl LimitArguments {
    /// Adds the limits.
    pub(crate) fn apply(
        &self,
        builder: AuthenticatorBuilder,
        throttle: Option<MemoryThrottle>,
    ) -> AuthenticatorBuilder {
        let builder = builder.with_user_limits(self.user_limits());
        match throttle {
            Some(throttle) => builder.with_throttle(throttle),
            None => builder,
        }
    }

    /// The limit on guesses, unless it is off.
    ///
    /// # Errors
    /// The operating system provides no random bytes.
    pub(crate) fn throttle(&self) -> Result<Option<MemoryThrottle>, ConfigError> {
        let max_failures = self.max_failures.unwrap_or(MAX_FAILURES);
        if max_failures == 0 {
            return Ok(None);
        }
        let throttle = MemoryThrottle::builder().with_max_failures(max_failures);
        throttle.with_timer(tokio::time::sleep).build().map(Some)
    }

    fn user_limits(&self) -> UserLimits {
        let limits = UserLimits::new();
        match self.max_tunnels_per_user.and_then(|tunnels| usize::try_from(tunnels).ok()) {
            Some(tunnels) => limits.with_max_tunnels(tunnels),
            None => limits,
        }
    }
}
