//! The options of the in-memory nonce store.

use super::{MemoryNonceStore, shard::Limits, window};
use crate::error::ConfigError;

/// Configures a [`MemoryNonceStore`]. Created by [`MemoryNonceStore::builder`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct MemoryNonceStoreBuilder {
    limits: Limits,
}

impl MemoryNonceStoreBuilder {
    pub(super) const DEFAULT: Self = Self { limits: Limits { capacity: 100_000, window: 64 } };

    pub(super) const fn limits(self) -> Limits {
        self.limits
    }

    /// Sets the maximum number of recorded nonces: 1 or more, 100,000 by default.
    ///
    /// Use the number of nonces that clients use within one nonce lifetime, and a few per cent
    /// more, since nonces do not spread evenly over the store's shards. A nonce takes up to 256
    /// bytes. A user can have a sixteenth of the capacity, but at least one nonce.
    pub const fn with_capacity(mut self, nonces: usize) -> Self {
        self.limits.capacity = nonces;
        self
    }

    /// Sets the width of the window of counts: 64 to 128, and 64 by default.
    ///
    /// A count that is this far below the highest one of its nonce is refused, even if it was not
    /// used. So the width limits how many requests a client can have in flight.
    pub const fn with_window(mut self, counts: u32) -> Self {
        self.limits.window = counts;
        self
    }

    /// Creates the store.
    ///
    /// # Errors
    /// - [`ConfigError::ZeroLimit`] if the capacity is zero.
    /// - [`ConfigError::OutOfRange`] if the window is not 64 to 128 counts wide.
    pub fn build(self) -> Result<MemoryNonceStore, ConfigError> {
        let Limits { capacity, window } = self.limits;
        ConfigError::refuse_zero([("with_capacity", capacity == 0)])?;
        window::check_width(window)?;
        Ok(MemoryNonceStore::with_limits(self.limits))
    }
}

impl Default for MemoryNonceStoreBuilder {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuses(builder: MemoryNonceStoreBuilder, message: &str) {
        assert_eq!(builder.build().unwrap_err().to_string(), message);
    }

    #[test]
    fn refuses_a_capacity_of_zero() {
        let builder = MemoryNonceStore::builder();
        let message = "the limit with_capacity is 0, which refuses everything: use a larger one";
        refuses(builder.with_capacity(0), message);
        assert!(builder.with_capacity(1).build().is_ok());
    }

    #[test]
    fn refuses_a_window_out_of_range() {
        let builder = MemoryNonceStore::builder();
        for window in [0, 63, 129, u32::MAX] {
            let message = format!("the window of the nonce store is {window}: use 64 to 128");
            refuses(builder.with_window(window), &message);
        }
        for window in [64, 65, 128] {
            assert!(builder.with_window(window).build().is_ok(), "{window}");
        }
    }
}
