//! Counts requests.

use std::{fmt, sync::Arc};

use metrics::{Unit, counter, describe_counter, describe_histogram, gauge, histogram};

use super::{AuthEvent, Observer, Outcome};

const REQUESTS: &str = "proxy_auth_requests_total";
const CHECK_DURATION: &str = "proxy_auth_check_duration_seconds";

/// The value of a label for requests without a scheme or an algorithm.
const NONE: &str = "none";

/// Counts requests with the recorder of the crate `metrics`.
///
/// | name | kind | labels |
/// |---|---|---|
/// | `proxy_auth_requests_total` | counter | `outcome`: [`AuthEvent::name`]; `scheme` and `algorithm` of the credentials, or `none` |
/// | `proxy_auth_check_duration_seconds` | histogram of [`AuthEvent::check_time`], in seconds | `scheme` |
///
/// No label contains anything that a client sent, so that the number of time series is bounded.
/// Together, the labels show how many requests still use Basic, or MD5. Counters and gauges of
/// other parts, such as stores and queues, can be added; they are read when [`update`](Self::update)
/// is called.
///
/// Clones share everything. Install the recorder before you create the observer, or the metrics
/// have no descriptions.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{
///     Authenticator, DigestScheme, ProxyAuthLayer, Realm, Users, event::MetricsObserver,
///     nonce_store::MemoryNonceStore,
/// };
///
/// let realm = Realm::new("proxy")?;
/// let users = Users::new(&realm).with_user("alice", "wonder")?;
/// let store = MemoryNonceStore::new();
/// let digest = DigestScheme::builder(users).with_nonce_store(store.clone()).build()?;
/// let auth = Authenticator::builder(realm).with_scheme(digest).build()?;
///
/// let metrics = MetricsObserver::builder()
///     .with_gauge("proxy_auth_nonces", "Used nonces in the store", move || store.len() as f64)
///     .build();
/// let layer = ProxyAuthLayer::new(auth).with_observer(metrics.clone());
/// // Before each scrape:
/// metrics.update();
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MetricsObserver(Arc<[Reading]>);

/// Collects the counters and gauges of a [`MetricsObserver`].
#[derive(Default)]
#[must_use]
pub struct MetricsObserverBuilder {
    readings: Vec<Reading>,
}

/// A value of another part.
struct Reading {
    name: &'static str,
    description: &'static str,
    read: Read,
}

enum Read {
    Counter(Box<dyn Fn() -> u64 + Send + Sync>),
    Gauge(Box<dyn Fn() -> f64 + Send + Sync>),
}

impl MetricsObserver {
    /// An observer without other counters and gauges.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Creates a builder.
    pub fn builder() -> MetricsObserverBuilder {
        MetricsObserverBuilder::default()
    }

    /// Reads the counters and gauges of the other parts. Call it before the metrics are rendered.
    pub fn update(&self) {
        for reading in &*self.0 {
            match &reading.read {
                Read::Counter(read) => counter!(reading.name).absolute(read()),
                Read::Gauge(read) => gauge!(reading.name).set(read()),
            }
        }
    }
}

impl Default for MetricsObserver {
    fn default() -> Self {
        Self::new()
    }
}

impl MetricsObserverBuilder {
    /// Adds a counter, such as the number of [dropped](super::ChannelObserver::dropped) events. It
    /// must never decrease.
    pub fn with_counter(
        mut self,
        name: &'static str,
        description: &'static str,
        read: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        self.readings.push(Reading { name, description, read: Read::Counter(Box::new(read)) });
        self
    }

    /// Adds a gauge, such as the number of entries of a store.
    pub fn with_gauge(
        mut self,
        name: &'static str,
        description: &'static str,
        read: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        self.readings.push(Reading { name, description, read: Read::Gauge(Box::new(read)) });
        self
    }

    /// Describes all metrics to the recorder.
    #[must_use]
    pub fn build(self) -> MetricsObserver {
        describe_counter!(REQUESTS, "Requests by outcome, scheme and algorithm");
        describe_histogram!(
            CHECK_DURATION,
            Unit::Seconds,
            "Time to check credentials, with queues"
        );
        for Reading { name, description, read } in &self.readings {
            match read {
                Read::Counter(_) => describe_counter!(*name, *description),
                Read::Gauge(_) => metrics::describe_gauge!(*name, *description),
            }
        }
        MetricsObserver(self.readings.into())
    }
}

impl Observer for MetricsObserver {
    fn on_event(&self, event: &AuthEvent) {
        let scheme = event.scheme().unwrap_or(NONE);
        let algorithm = event.algorithm().unwrap_or(NONE);
        let outcome = event.name();
        counter!(REQUESTS, "outcome" => outcome, "scheme" => scheme, "algorithm" => algorithm)
            .increment(1);
        // How long a client waited before it went away is not the time of a check.
        if event.outcome() != Outcome::Cancelled
            && let Some(time) = event.check_time()
        {
            histogram!(CHECK_DURATION, "scheme" => scheme).record(time);
        }
    }
}

impl fmt::Debug for MetricsObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|reading| reading.name);
        f.debug_tuple("MetricsObserver").field(&names.collect::<Vec<_>>()).finish()
    }
}

impl fmt::Debug for MetricsObserverBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.readings.iter().map(|reading| reading.name);
        f.debug_tuple("MetricsObserverBuilder").field(&names.collect::<Vec<_>>()).finish()
    }
}
