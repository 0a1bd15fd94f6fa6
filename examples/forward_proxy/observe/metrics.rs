//! Metrics for Prometheus.

use std::net::{SocketAddr, TcpListener};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::{Duration, sleep};
#[cfg(feature = "password-hash")]
use tower_proxy_auth::backend::password_hash::HashingPool;
use tower_proxy_auth::{
    event::{ChannelObserver, MetricsObserver, MetricsObserverBuilder},
    throttle::MemoryThrottle,
};

use super::{
    audit::Message,
    metrics_endpoint,
    open_count::{CONNECTIONS, TUNNELS},
};
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
        let observer = observer(stores, audit);
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

/// Counts requests, and reads what the stores and the audit file count.
fn observer(stores: Stores, audit: Option<ChannelObserver<Message>>) -> MetricsObserver {
    let mut builder = MetricsObserver::builder();
    builder =
        gauge(builder, "proxy_auth_nonces", "Used nonces in the store", stores.nonces, |store| {
            store.len()
        });
    builder =
        gauge(builder, "proxy_connections", "Open connections of clients", &CONNECTIONS, |count| {
            count.get()
        });
    builder = gauge(builder, "proxy_tunnels", "Open tunnels", &TUNNELS, |count| count.get());
    if let Some(throttle) = stores.throttle {
        let (running, waiting) = ("proxy_auth_checks_running", "proxy_auth_checks_waiting");
        let description = "Checks of credentials";
        builder = gauge(builder, running, description, throttle.clone(), MemoryThrottle::running);
        let description = "Checks without a place yet";
        builder = gauge(builder, waiting, description, throttle, MemoryThrottle::waiting);
    }
    #[cfg(feature = "password-hash")]
    {
        let (running, waiting) = ("proxy_auth_hashes_running", "proxy_auth_hashes_waiting");
        builder = gauge(
            builder,
            running,
            "Password hashes",
            stores.hashing.clone(),
            HashingPool::running,
        );
        let description = "Checks that wait for a hash";
        builder = gauge(builder, waiting, description, stores.hashing, HashingPool::waiting);
    }
    if let Some(audit) = audit {
        let description = "Events that did not fit into the queue of the audit file";
        builder =
            builder.with_counter("proxy_audit_dropped_total", description, move || audit.dropped());
    }
    builder.build()
}

/// Adds a number that is read from `source`.
fn gauge<T: Send + Sync + 'static>(
    builder: MetricsObserverBuilder,
    name: &'static str,
    description: &'static str,
    source: T,
    read: fn(&T) -> usize,
) -> MetricsObserverBuilder {
    builder.with_gauge(name, description, move || read(&source) as f64)
}
