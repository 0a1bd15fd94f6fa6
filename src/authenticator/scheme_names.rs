//! The names of the schemes of an authenticator, and their order.

use std::sync::Arc;

use super::erased::DynScheme;
use crate::{
    error::ConfigError,
    grammar::is_tchar,
    wire::{basic, digest},
};

/// Checks that there are schemes, and that their names are different tokens.
///
/// # Errors
/// The first mistake.
pub(super) fn check(schemes: &[Arc<dyn DynScheme>]) -> Result<(), ConfigError> {
    if schemes.is_empty() {
        return Err(ConfigError::NoScheme);
    }
    for (position, scheme) in schemes.iter().enumerate() {
        let name = scheme.name();
        if name.is_empty() || !name.bytes().all(is_tchar) {
            return Err(ConfigError::InvalidSchemeName { name });
        }
        let mut before = schemes.iter().take(position);
        if before.any(|other| other.name().eq_ignore_ascii_case(name)) {
            return Err(ConfigError::DuplicateScheme { name });
        }
    }
    Ok(())
}

/// Digest, then others, then Basic: the strongest first.
pub(super) fn preference(name: &str) -> u8 {
    match name {
        _ if name.eq_ignore_ascii_case(digest::NAME) => 0,
        _ if name.eq_ignore_ascii_case(basic::NAME) => 2,
        _ => 1,
    }
}
