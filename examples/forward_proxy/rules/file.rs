//! Rules in a file, which is read again when it changes.

use std::path::PathBuf;

use tower_proxy_auth::access::{AccessLayer, AccessRules};

use crate::{
    Mistake, client,
    hangup::Hangups,
    watched_file::{Content, WatchedFile},
};

/// Rules in a file.
pub(crate) struct RulesFile {
    file: WatchedFile,
    rules: AccessRules,
}

impl RulesFile {
    /// # Errors
    /// One line about the mistake in the file.
    pub(crate) fn open(path: PathBuf) -> Result<Self, Mistake> {
        let file = WatchedFile::open(path);
        let rules = parse(file.content())
            .map_err(|mistake| format!("--rules {:?}{mistake}", file.path()))?;
        Ok(Self { file, rules })
    }

    pub(crate) fn layer(&self) -> AccessLayer {
        AccessLayer::new(self.rules.clone())
            // See `addresses.rs`.
            .with_address_check(true)
            .with_peer_address(client::peer)
    }

    /// Puts a changed file in force. It never ends.
    pub(crate) async fn watch(mut self, mut hangups: Hangups) {
        loop {
            let new = parse(self.file.changed(&mut hangups).await);
            let path = self.file.path();
            match new {
                Ok(new) => {
                    self.rules.replace(&new);
                    tracing::info!("--rules {path:?} reloaded");
                }
                Err(mistake) => {
                    tracing::error!("--rules {path:?}{mistake}; the old rules stay in force");
                }
            }
        }
    }
}

/// # Errors
/// The mistake, as it follows the name of the file.
fn parse(content: &Content) -> Result<AccessRules, String> {
    let text = content.as_ref().map_err(|error| format!(": {error}"))?;
    AccessRules::parse(text).map_err(|error| format!(", {error}"))
}
