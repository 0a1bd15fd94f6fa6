//! The options of the store.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    address::Address,
    config_error::RedisConfigError,
    event::{Observer, RedisEvent},
    local::Local,
    script::NonceScript,
    server::{Limits, Server},
    store::RedisNonceStore,
};
use crate::{
    error::ConfigError,
    nonce_store::{MemoryNonceStore, memory::check_window},
    secret::Password,
};

/// The maximum length of a prefix, in bytes.
const MAX_PREFIX: usize = 64;

/// Configures a [`RedisNonceStore`]. Created by [`RedisNonceStore::builder`].
///
/// `Debug` does not show the URL.
#[must_use]
pub struct RedisNonceStoreBuilder {
    url: Password,
    prefix: String,
    window: u32,
    limits: Limits,
    policy: FailurePolicy,
    observer: Observer,
}

/// What happens to Digest requests while the server cannot be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailurePolicy {
    /// They get 503. Nothing passes twice.
    #[default]
    Refuse,
    /// This node checks nonces alone, in a [`MemoryNonceStore`] of default capacity, which also
    /// records what the node accepts at other times.
    ///
    /// # Security
    /// No node accepts a count twice, but each one may accept a count that another one accepted
    /// before or during the outage: so an attacker who records a request can repeat it once at each
    /// node. The window ends within about 1 s after the last node has connected again, because a
    /// node that has decided alone then starts a new epoch. All nonces become stale with it. If such
    /// a node ends before it has connected again, the window of its nonces ends with their lifetime,
    /// or with the next epoch.
    ///
    /// A node that was started during the outage shares no epoch with the others. Its nonces are
    /// stale there, and those of the others here.
    LocalOnly,
}

impl RedisNonceStoreBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url: Password::new(url),
            prefix: "tpa:".to_owned(),
            window: 64,
            limits: Limits { call: Duration::from_secs(1), connect: Duration::from_secs(1) },
            policy: FailurePolicy::default(),
            observer: Arc::new(|_| ()),
        }
    }

    /// Sets the prefix of all keys: up to 64 bytes without braces; `tpa:` by default. Stores with
    /// different prefixes share nothing.
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets the width of the window of counts: 64 to 128, and 64 by default.
    ///
    /// A count that is this far below the highest one of its nonce is refused, even if it was not
    /// used. So the width limits how many requests a client can have in flight. Use the same on all
    /// nodes.
    pub const fn with_window(mut self, counts: u32) -> Self {
        self.window = counts;
        self
    }

    /// Limits the time of a check; 1 s by default. The first check that takes longer closes the
    /// connection, so that an outage delays requests once.
    pub const fn with_timeout(mut self, limit: Duration) -> Self {
        self.limits.call = limit;
        self
    }

    /// Limits the time to connect and to log in; 1 s by default.
    pub const fn with_connect_timeout(mut self, limit: Duration) -> Self {
        self.limits.connect = limit;
        self
    }

    /// Sets what happens while the server cannot be used; [`FailurePolicy::Refuse`] by default.
    pub const fn with_failure_policy(mut self, policy: FailurePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Calls `observer` with each [event](RedisEvent), for example to log it: when the server is
    /// lost, when it can be used again, and when earlier nonces have become stale. A request may
    /// wait for it, so it must not block.
    pub fn on_change(mut self, observer: impl Fn(RedisEvent<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Makes the store. Within a tokio runtime, it starts to connect at once, and otherwise when it
    /// is used first. So a proxy can start before Redis; use [`RedisNonceStore::check`] to wait for
    /// the connection.
    ///
    /// # Errors
    /// A configuration mistake: [`RedisConfigError`].
    pub fn build(self) -> Result<RedisNonceStore, RedisConfigError> {
        let Self { url, prefix, window, limits, policy, observer } = self;
        let address = Address::parse(url.expose())?;
        check_prefix(&prefix)?;
        check_window(window)?;
        ConfigError::refuse_zero([
            ("with_timeout", limits.call.is_zero()),
            ("with_connect_timeout", limits.connect.is_zero()),
        ])?;
        let local = match policy {
            FailurePolicy::Refuse => None,
            FailurePolicy::LocalOnly => {
                Some(Local::new(MemoryNonceStore::builder().with_window(window).build()?))
            }
        };
        let script = NonceScript::new(&prefix, window);
        let server = Server::new(address, limits, script, observer, local.is_some());
        Ok(RedisNonceStore::new(server, local))
    }
}

/// A brace could end the hash tag.
fn check_prefix(prefix: &str) -> Result<(), RedisConfigError> {
    let problem = if prefix.len() > MAX_PREFIX {
        "is too long: use up to 64 bytes"
    } else if prefix.contains(['{', '}']) {
        "has a brace: leave it out"
    } else {
        return Ok(());
    };
    Err(RedisConfigError::InvalidPrefix { prefix: prefix.to_owned(), problem })
}

impl fmt::Debug for RedisNonceStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisNonceStoreBuilder")
            .field("prefix", &self.prefix)
            .field("window", &self.window)
            .field("limits", &self.limits)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder() -> RedisNonceStoreBuilder {
        RedisNonceStore::builder("redis://proxy:wonder@127.0.0.1")
    }

    #[test]
    fn refuses_options_that_cannot_work() {
        let zero =
            |name| format!("the limit {name} is 0, which refuses everything: use a larger one");
        let long = "x".repeat(65);
        for (builder, message) in [
            (
                RedisNonceStore::builder("x"),
                "the Redis URL is not a URL: write redis://host, and \
                                             special characters as %XX"
                    .to_owned(),
            ),
            (
                builder().with_prefix("a{b"),
                "the prefix of keys \"a{b\" has a brace: leave it out".to_owned(),
            ),
            (
                builder().with_prefix(&long),
                format!("the prefix of keys {long:?} is too long: use up to 64 bytes"),
            ),
            (
                builder().with_window(63),
                "the window of the nonce store is 63: use 64 to 128".to_owned(),
            ),
            (
                builder().with_window(129),
                "the window of the nonce store is 129: use 64 to 128".to_owned(),
            ),
            (builder().with_timeout(Duration::ZERO), zero("with_timeout")),
            (builder().with_connect_timeout(Duration::ZERO), zero("with_connect_timeout")),
        ] {
            assert_eq!(builder.build().unwrap_err().to_string(), message);
        }
        for builder in [builder(), builder().with_prefix(""), builder().with_window(128)] {
            assert!(builder.build().is_ok());
        }
    }

    #[test]
    fn debug_shows_no_password() {
        for text in [format!("{:?}", builder()), format!("{:?}", builder().build().unwrap())] {
            assert!(!text.contains("wonder"), "{text}");
        }
    }
}
