//! Limits that must not be zero.

use crate::error::ConfigError;

/// Refuses the first limit that is zero. Each is given by its option, and whether it is zero.
pub(super) fn refuse_zero<const N: usize>(
    limits: [(&'static str, bool); N],
) -> Result<(), ConfigError> {
    match limits.into_iter().find(|&(_, is_zero)| is_zero) {
        Some((name, _)) => Err(ConfigError::ZeroLimit { name }),
        None => Ok(()),
    }
}
