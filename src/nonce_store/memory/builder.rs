//! The options of the in-memory nonce store.

use super::{MemoryNonceStore, shard::Limits, window};
use crate::error::ConfigError;

/// Options of a [`MemoryNonceStore`], from [`MemoryNonceStore::builder`].
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

    /// How many nonces are remembered at most, 1 or more; 100,000 by default.
    ///
    /// That is as many as are in use within one nonce lifetime. Each takes 90 to 125 bytes, by how
    /// many users share them. Evictions set in at a few per cent less, since nonces do not spread
    /// evenly. A user holds a sixteenth of it at most, but always one.
    pub const fn with_capacity(mut self, nonces: usize) -> Self {
        self.limits.capacity = nonces;
        self
    }

    /// How many counts of a nonce, down from the highest one seen, may still come: 64 to 128, and
    /// 64 by default. A client needs as many as it has requests on their way at once.
    pub const fn with_window(mut self, counts: u32) -> Self {
        self.limits.window = counts;
        self
    }

    /// Makes the store.
    ///
    /// # Errors
    /// [`ConfigError::NonceStoreCapacity`] if the capacity is zero,
    /// [`ConfigError::NonceWindow`] if the window is not within 64 to 128.
    pub fn build(self) -> Result<MemoryNonceStore, ConfigError> {
        let Limits { capacity, window } = self.limits;
        if capacity == 0 {
            return Err(ConfigError::NonceStoreCapacity { capacity });
        }
        let (minimum, maximum) = (window::NARROWEST, window::WIDEST);
        if !(minimum..=maximum).contains(&window) {
            return Err(ConfigError::NonceWindow { window, minimum, maximum });
        }
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
        refuses(
            builder.with_capacity(0),
            "a nonce store with a capacity of 0 would refuse everybody: use 1 or more",
        );
        assert!(builder.with_capacity(1).build().is_ok());
    }

    #[test]
    fn refuses_a_window_that_is_too_narrow_or_too_wide() {
        let builder = MemoryNonceStore::builder();
        for window in [0, 63, 129, u32::MAX] {
            refuses(
                builder.with_window(window),
                &format!("a nonce window of {window} counts is out of range: use 64 to 128"),
            );
        }
        for window in [64, 65, 128] {
            assert!(builder.with_window(window).build().is_ok(), "{window}");
        }
    }
}
