//! The audit file and the metrics.

mod arguments;
mod audit;
mod audit_file;
mod audit_line;
mod loss_log;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "metrics")]
mod metrics_endpoint;
pub(crate) mod open_count;

use tower_proxy_auth::ProxyAuthLayer;

pub(crate) use self::arguments::ObserveArguments;
use self::audit::Audit;
use crate::{Mistake, auth::Stores, hangup::Hangups};

/// The observers of the options.
#[derive(Default)]
pub(crate) struct Observation {
    audit: Option<Audit>,
    #[cfg(feature = "metrics")]
    metrics: Option<metrics::Metrics>,
}

impl Observation {
    /// Opens files and sockets.
    ///
    /// # Errors
    /// One line that names the option.
    pub(crate) fn start(arguments: &ObserveArguments) -> Result<Self, Mistake> {
        Ok(Self {
            audit: arguments.audit().map(Audit::start).transpose()?,
            #[cfg(feature = "metrics")]
            metrics: arguments.metrics().map(metrics::Metrics::start).transpose()?,
        })
    }

    /// Adds the observers to the layer, and serves their metrics and those of the stores.
    pub(crate) fn observe(&mut self, mut layer: ProxyAuthLayer, stores: Stores) -> ProxyAuthLayer {
        let audit = self.audit.as_ref().map(Audit::observer);
        #[cfg(feature = "metrics")]
        if let Some(metrics) = self.metrics.take() {
            layer = layer.with_observer(metrics.serve(stores, audit.clone()));
        }
        #[cfg(not(feature = "metrics"))]
        drop(stores);
        if let Some(audit) = audit {
            layer = layer.with_observer(audit);
        }
        layer
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
