//! The options of the audit file, the metrics, and the names in the log.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use tower_proxy_auth::event;

use crate::options::address;

/// The options as given on the command line.
#[derive(Args, Debug)]
pub(crate) struct ObserveArguments {
    /// A file to which one line of JSON is appended for each request. It is opened again on SIGHUP.
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,

    /// Serve metrics for Prometheus at http://ADDR/metrics, without authentication.
    #[arg(long, value_name = "ADDR", value_parser = address)]
    metrics: Option<SocketAddr>,

    /// How log and audit file show the names of refused users, who may have typed a password there:
    /// the name, 12 hexadecimal digits that are the same for the same name until the proxy ends, or
    /// nothing [default: name].
    #[arg(long, value_name = "HOW", value_enum)]
    claimed_users: Option<ClaimedUsers>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ClaimedUsers {
    Name,
    Fingerprint,
    Omitted,
}

impl ObserveArguments {
    pub(super) fn audit(&self) -> Option<PathBuf> {
        self.audit.clone()
    }

    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "needs the feature"))]
    pub(super) const fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    pub(crate) fn claimed_users(&self) -> event::ClaimedUsers {
        match self.claimed_users {
            None | Some(ClaimedUsers::Name) => event::ClaimedUsers::Name,
            Some(ClaimedUsers::Fingerprint) => event::ClaimedUsers::Fingerprint,
            Some(ClaimedUsers::Omitted) => event::ClaimedUsers::Omitted,
        }
    }
}
