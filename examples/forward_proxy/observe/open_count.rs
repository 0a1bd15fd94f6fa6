//! Counts what is open in this process, for metrics.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The connections of clients. One that becomes a tunnel no longer counts.
pub(crate) static CONNECTIONS: OpenCount = OpenCount(AtomicUsize::new(0));

/// The tunnels.
pub(crate) static TUNNELS: OpenCount = OpenCount(AtomicUsize::new(0));

/// A number of things that are open.
pub(crate) struct OpenCount(AtomicUsize);

/// One of them, until it is dropped.
pub(crate) struct Open(&'static OpenCount);

impl OpenCount {
    pub(crate) fn open(&'static self) -> Open {
        self.0.fetch_add(1, Ordering::Relaxed);
        Open(self)
    }

    #[cfg_attr(not(feature = "metrics"), expect(dead_code, reason = "nobody reads it"))]
    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
