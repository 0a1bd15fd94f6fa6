//! The trait that receives events.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::AuthEvent;

/// Receives one [`AuthEvent`] for each request.
///
/// Closures implement it. [`ChannelObserver`](super::ChannelObserver) passes the events on to
/// another thread; the features `tracing` and `metrics` add observers that log and count.
///
/// It is called on the task that serves the request, so it must be quick and must not block. If it
/// panics, the panic is caught, after the panic hook has reported it: the request and the other
/// observers are not affected, and the next event is delivered as usual. (In a program that is
/// compiled with `panic = "abort"`, a panic ends the program.)
///
/// # Examples
/// ```
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
///
/// use tower_proxy_auth::{Authenticator, ProxyAuthLayer, Realm, Users, event::AuthEvent};
///
/// let realm = Realm::new("proxy")?;
/// let users = Users::new(&realm).with_user("alice", "wonder")?;
/// let auth = Authenticator::builder(realm).with_basic(users).build()?;
/// let guesses = Arc::new(AtomicU64::new(0));
/// let counted = Arc::clone(&guesses);
/// let layer = ProxyAuthLayer::new(auth).with_observer(move |event: &AuthEvent| {
///     if event.is_guess() {
///         counted.fetch_add(1, Ordering::Relaxed);
///     }
/// });
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Observer: Send + Sync + 'static {
    /// Receives the event of a request.
    fn on_event(&self, event: &AuthEvent);
}

impl<F: Fn(&AuthEvent) + Send + Sync + 'static> Observer for F {
    fn on_event(&self, event: &AuthEvent) {
        self(event);
    }
}

/// The observers of a layer.
#[derive(Clone, Default)]
pub(crate) struct Observers(Vec<Arc<dyn Observer>>);

impl Observers {
    pub(crate) fn add(&mut self, observer: impl Observer) {
        self.0.push(Arc::new(observer));
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn notify(&self, event: &AuthEvent) {
        for observer in &self.0 {
            // What a panic leaves behind in an observer is for the observer to handle.
            let _ = catch_unwind(AssertUnwindSafe(|| observer.on_event(event)));
        }
    }
}
