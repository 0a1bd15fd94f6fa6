//! The options that limit users and guesses.

use clap::Args;
use tower_proxy_auth::authenticator::UserLimits;

/// The limits as given on the command line.
#[derive(Debug, Args)]
pub(crate) struct LimitArguments {
    /// The maximum number of open tunnels of one user [default: no limit].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_tunnels_per_user: Option<u32>,
}

impl LimitArguments {
    pub(crate) fn user_limits(&self) -> UserLimits {
        let limits = UserLimits::new();
        match self.max_tunnels_per_user.and_then(|tunnels| usize::try_from(tunnels).ok()) {
            Some(tunnels) => limits.with_max_tunnels(tunnels),
            None => limits,
        }
    }
}
