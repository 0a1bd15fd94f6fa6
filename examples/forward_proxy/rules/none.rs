//! A build without the feature for rules, in which the option is refused.

use std::path::PathBuf;

use tower_proxy_auth::access::AccessLayer;

use crate::{Mistake, hangup::Hangups};

/// Cannot be created.
pub(crate) enum RulesFile {}

impl RulesFile {
    /// # Errors
    /// Always.
    pub(crate) fn open(_: PathBuf) -> Result<Self, Mistake> {
        Err("--rules needs a build with --features access-rules".to_owned())
    }

    pub(crate) fn layer(&self) -> AccessLayer {
        match *self {}
    }

    pub(crate) async fn watch(self, _: Hangups) {
        match self {}
    }
}
