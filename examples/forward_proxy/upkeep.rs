//! What authentication does while the proxy runs: re-checks of users who are logged in, files that
//! SIGHUP makes it read again, and maintenance.

use std::{error::Error, fmt::Write as _, time::Duration};

use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;
use tower_proxy_auth::{Authenticator, authenticator::Recheck, event::Escaped};

use crate::{
    access_log::MAX_USER_SHOWN, cause_log::CauseLog, error::chain, hangup::Hangups,
    maintenance::MaintenanceFile,
};

/// How many users are named in a line of the log.
const MAX_NAMED: usize = 20;

/// Requests that a file is read again.
pub(crate) type Reload = Box<dyn Fn() + Send + Sync>;

/// Everything to do while the proxy runs.
pub(crate) struct Upkeep {
    pub(crate) auth: Authenticator,
    /// The time between two re-checks; `None` for no re-checks.
    pub(crate) recheck: Option<Duration>,
    pub(crate) reloads: Vec<Reload>,
    pub(crate) maintenance: Option<MaintenanceFile>,
}

impl Upkeep {
    /// Does everything, with a subscription to SIGHUP each for the files of users and for
    /// maintenance. It never ends.
    pub(crate) async fn run(mut self, reloads: Hangups, maintenance: Hangups, causes: &CauseLog) {
        let file = self.maintenance.take();
        let maintaining = async {
            if let Some(file) = file {
                file.watch(maintenance).await;
            }
        };
        tokio::join!(self.recheck(causes), self.reload(reloads), maintaining);
    }

    async fn reload(&self, mut hangups: Hangups) {
        loop {
            hangups.next().await;
            if !self.reloads.is_empty() {
                tracing::info!("SIGHUP: the files of users are read again");
            }
            self.reloads.iter().for_each(|reload| reload());
        }
    }

    /// Makes one pass after the other.
    async fn recheck(&self, causes: &CauseLog) {
        let Some(interval) = self.recheck else { return };
        let mut is_unsupported_known = false;
        loop {
            sleep(interval).await;
            let auth = self.auth.clone();
            // A panic of a source must not end the proxy.
            let pass = tokio::spawn(async move { auth.recheck().await });
            let Ok(result) = AbortOnDropHandle::new(pass).await else { continue };
            log(&result, causes);
            if result.unsupported() > 0 && !is_unsupported_known {
                is_unsupported_known = true;
                tracing::warn!(
                    users = result.unsupported(),
                    "--recheck: a source cannot look up users without a password, so their access \
                     does not end when they are removed there"
                );
            }
        }
    }
}

fn log(result: &Recheck, causes: &CauseLog) {
    if result.revoked().len() > 0 {
        tracing::info!(users = %named(result), count = result.revoked().len(), "access ended");
    }
    if let Some(error) = result.error() {
        let error: &(dyn Error + 'static) = error;
        let texts: Vec<_> = chain(error).map(ToString::to_string).collect();
        causes.failure(&format!(
            "--recheck: {} users were not looked up: {}",
            result.unchecked(),
            texts.join(": ")
        ));
    }
    tracing::debug!(checked = result.checked(), unchecked = result.unchecked(), "re-checked");
}

/// The first users whose access ended.
fn named(result: &Recheck) -> String {
    let mut text = String::new();
    for (_, user) in result.revoked().take(MAX_NAMED) {
        let separator = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{separator}{}", Escaped::new(user.as_str(), MAX_USER_SHOWN));
    }
    if result.revoked().len() > MAX_NAMED {
        text.push_str(", ...");
    }
    text
}
