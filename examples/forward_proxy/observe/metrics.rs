//! Metrics for Prometheus.

use std::net::{SocketAddr, TcpListener};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::{Duration, sleep};
use tower_proxy_auth::event::{ChannelObserver, MetricsObserver};

use super::{audit::Message, metrics_endpoint, open_count};
use crate::{Mistake, auth::Stores};

/// The buckets of the time of a check, in seconds: from a look-up in memory to the longest queue.
const BUCKETS: [f64; 12] =
    [0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// How often recorded times are moved into buckets if nobody reads the metrics.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder, and the socket at which it will be read.
pub(super) struct Metrics {
    listener: TcpListener,
    handle: PrometheusHandle,
}

impl Metrics {
    /// Listens and installs the recorder.
    ///
    /// # Errors
    /// One line about the address.
    pub(super) fn start(address: SocketAddr) -> Result<Self, Mistake> {
        let cannot = |error| format!("--metrics {address}: {error}");
        let listener = TcpListener::bind(address).map_err(cannot)?;
        listener.set_nonblocking(true).map_err(cannot)?;
        let bound = listener.local_addr().map_err(cannot)?;
        let checks = Matcher::Full("proxy_auth_check_duration_seconds".to_owned());
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(checks, &BUCKETS)
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| format!("--metrics: {error}"))?;
        tracing::info!("metrics at http://{bound}/metrics");
        Ok(Self { listener, handle })
    }

    /// Serves the metrics of the observer, in a task.
    pub(super) fn serve(
        self,
        stores: Stores,
        audit: Option<ChannelObserver<Message>>,
    ) -> MetricsObserver {
        let Stores { nonces, throttle, .. } = stores;
        let mut observer = MetricsObserver::builder()
            .with_gauge("proxy_auth_nonces", "Used nonces in the store", move || {
                nonces.len() as f64
            })
            .with_gauge("proxy_connections", "Open connections of clients", || {
                open_count::CONNECTIONS.get() as f64
            })
            .with_gauge("proxy_tunnels", "Open tunnels", || open_count::TUNNELS.get() as f64);
        if let Some(running) = throttle {
            let waiting = running.clone();
            observer = observer
                .with_gauge("proxy_auth_checks_running", "Checks of credentials", move || {
                    running.running() as f64
                })
                .with_gauge("proxy_auth_checks_waiting", "Checks without a place yet", move || {
                    waiting.waiting() as f64
                });
        }
        #[cfg(feature = "password-hash")]
        {
            let (running, waiting) = (stores.hashing.clone(), stores.hashing);
            observer = observer
                .with_gauge("proxy_auth_hashes_running", "Password hashes", move || {
                    running.running() as f64
                })
                .with_gauge(
                    "proxy_auth_hashes_waiting",
                    "Checks that wait for a hash",
                    move || waiting.waiting() as f64,
                );
        }
        if let Some(audit) = audit {
            let description = "Events that did not fit into the queue of the audit file";
            observer = observer
                .with_counter("proxy_audit_dropped_total", description, move || audit.dropped());
        }
        let observer = observer.build();
        let (reader, handle) = (observer.clone(), self.handle.clone());
        let render = move || {
            reader.update();
            handle.render()
        };
        tokio::spawn(async move {
            if let Err(error) = metrics_endpoint::serve(self.listener, render).await {
                tracing::error!("--metrics: {error}");
            }
        });
        tokio::spawn(async move {
            loop {
                sleep(UPKEEP).await;
                self.handle.run_upkeep();
            }
        });
        observer
    }
}
