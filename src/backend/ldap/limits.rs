//! Timeouts, and the number of concurrent checks.

use std::time::Duration;

use super::config_error::LdapConfigError;
use crate::error::ConfigError;

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) connect_timeout: Duration,
    pub(super) operation_timeout: Duration,
    pub(super) timeout: Duration,
    pub(super) max_checks: usize,
    pub(super) queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            operation_timeout: Duration::from_secs(3),
            timeout: Duration::from_secs(10),
            max_checks: 16,
            queue: 1_000,
        }
    }
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), LdapConfigError> {
        ConfigError::refuse_zero([
            ("with_connect_timeout", self.connect_timeout.is_zero()),
            ("with_operation_timeout", self.operation_timeout.is_zero()),
            ("with_timeout", self.timeout.is_zero()),
            ("with_max_checks", self.max_checks == 0),
        ])?;
        for (name, part) in [
            ("with_connect_timeout", self.connect_timeout),
            ("with_operation_timeout", self.operation_timeout),
        ] {
            if self.timeout < part {
                let timeout = self.timeout;
                let problem = format!(
                    "with_timeout is {timeout:?}, less than {name} with {part:?}: use more"
                );
                return Err(LdapConfigError::inconsistent(problem));
            }
        }
        Ok(())
    }
}
