//! Rules in a file, which is read again when it changes.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{task::spawn_blocking, time::sleep};
use tower_proxy_auth::access::{AccessLayer, AccessRules};

use crate::{Mistake, client, hangup::Hangups};

/// The interval at which the file is read.
const INTERVAL: Duration = Duration::from_secs(1);

/// The maximum size of the file.
const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// Rules in a file.
pub(crate) struct RulesFile {
    path: PathBuf,
    rules: AccessRules,
    /// The content that was read last, whether it is in force or not.
    seen: Result<String, io::ErrorKind>,
}

impl RulesFile {
    /// # Errors
    /// One line about the mistake in the file.
    pub(crate) fn open(path: PathBuf) -> Result<Self, Mistake> {
        let text = read(&path).map_err(|error| format!("--rules {path:?}: {error}"))?;
        let rules =
            AccessRules::parse(&text).map_err(|error| format!("--rules {path:?}, {error}"))?;
        Ok(Self { path, rules, seen: Ok(text) })
    }

    pub(crate) fn layer(&self) -> AccessLayer {
        AccessLayer::new(self.rules.clone())
            // See `addresses.rs`.
            .with_address_check(true)
            .with_peer_address(client::peer)
    }

    /// Puts a changed file in force, within two seconds or at SIGHUP. It never ends.
    pub(crate) async fn watch(mut self, mut hangups: Hangups) {
        let mut before = self.seen.clone();
        loop {
            let is_requested = tokio::select! {
                () = sleep(INTERVAL) => false,
                () = hangups.next() => true,
            };
            // A slow disk must not hold up the thread, which serves requests.
            let path = self.path.clone();
            let Ok(now) = spawn_blocking(move || read(&path)).await else { continue };
            let now = now.map_err(|error| error.kind());
            // A file that is being written is used once two reads in a row return the same.
            if is_requested || now == before {
                self.take(&now);
            }
            before = now;
        }
    }

    fn take(&mut self, now: &Result<String, io::ErrorKind>) {
        if self.seen == *now {
            return;
        }
        let path = &self.path;
        match now.as_deref().map(AccessRules::parse) {
            Ok(Ok(new)) => {
                self.rules.replace(&new);
                tracing::info!("--rules {path:?} reloaded");
            }
            Ok(Err(error)) => {
                tracing::error!("--rules {path:?}, {error}; the old rules stay in force");
            }
            Err(error) => {
                tracing::error!("--rules {path:?}: {error}; the old rules stay in force");
            }
        }
        self.seen.clone_from(now);
    }
}

fn read(path: &Path) -> io::Result<String> {
    let size = fs::metadata(path)?;
    if !size.is_file() || size.len() > MAX_SIZE {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file of at most 16 MiB"));
    }
    fs::read_to_string(path)
}
