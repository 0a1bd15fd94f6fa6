//! Passes events on to another thread.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::SyncSender,
    },
};

use super::{AuthEvent, Observer};

/// Sends each event to a bounded channel, whose receiver may be slow: it can write to a file, for
/// instance. It never waits; what does not fit is dropped and counted.
///
/// Clones share the channel and the count. The receiver sees the end of the channel when all clones
/// and the layers with them are dropped.
///
/// # Examples
/// ```
/// use std::{sync::mpsc, thread};
///
/// use tower_proxy_auth::{Authenticator, ProxyAuthLayer, Realm, Users};
/// use tower_proxy_auth::event::{AuthEvent, ChannelObserver};
///
/// let realm = Realm::new("proxy")?;
/// let auth = Authenticator::builder(realm.clone()).with_basic(Users::new(&realm)).build()?;
/// let (sender, events) = mpsc::sync_channel::<AuthEvent>(1_024);
/// let observer = ChannelObserver::new(sender);
/// let layer = ProxyAuthLayer::new(auth).with_observer(observer.clone());
/// thread::spawn(move || {
///     for event in events {
///         println!("{} {:?} {}", event.id(), event.peer(), event.name());
///     }
/// });
/// assert_eq!(observer.dropped(), 0);
/// # let _ = layer;
/// # Ok::<(), tower_proxy_auth::ConfigError>(())
/// ```
pub struct ChannelObserver<T = AuthEvent> {
    sender: SyncSender<T>,
    dropped: Arc<AtomicU64>,
}

impl<T> ChannelObserver<T> {
    /// Sends to a channel of events, or of messages that are made from events.
    #[must_use]
    pub fn new(sender: SyncSender<T>) -> Self {
        Self { sender, dropped: Arc::default() }
    }

    /// The number of dropped events so far: those for which there was no room, or no receiver.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

impl<T: From<AuthEvent> + Send + 'static> Observer for ChannelObserver<T> {
    fn on_event(&self, event: &AuthEvent) {
        if self.sender.try_send(event.clone().into()).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<T> Clone for ChannelObserver<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), dropped: Arc::clone(&self.dropped) }
    }
}

impl<T> fmt::Debug for ChannelObserver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelObserver").field("dropped", &self.dropped()).finish_non_exhaustive()
    }
}
