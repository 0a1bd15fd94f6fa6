//! What operators see of requests, besides the log.

mod arguments;
mod audit;
mod audit_file;
mod audit_line;
mod loss_log;

use tower_proxy_auth::ProxyAuthLayer;

pub(crate) use self::arguments::ObserveArguments;
use self::audit::Audit;
use crate::{Mistake, hangup::Hangups};

/// The observers of the options.
#[derive(Default)]
pub(crate) struct Observation {
    audit: Option<Audit>,
}

impl Observation {
    /// Opens files.
    ///
    /// # Errors
    /// One line that names the option.
    pub(crate) fn start(arguments: &ObserveArguments) -> Result<Self, Mistake> {
        let audit = arguments.audit().map(Audit::start).transpose()?;
        Ok(Self { audit })
    }

    /// Adds the observers to the layer.
    pub(crate) fn observe(&self, layer: ProxyAuthLayer) -> ProxyAuthLayer {
        match &self.audit {
            Some(audit) => layer.with_observer(audit.observer()),
            None => layer,
        }
    }

    /// Opens files again at each signal.
    pub(crate) fn reopen_at(&self, mut hangups: Hangups) {
        if let Some(audit) = &self.audit {
            let control = audit.control();
            tokio::spawn(async move {
                loop {
                    hangups.next().await;
                    control.reopen();
                }
            });
        }
    }

    /// Writes what is left, for a limited time.
    pub(crate) fn finish(self) {
        if let Some(audit) = self.audit {
            audit.finish();
        }
    }
}
