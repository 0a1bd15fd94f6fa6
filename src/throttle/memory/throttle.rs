//! The throttle in memory.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use super::{
    MemoryThrottleBuilder,
    hold::{Lock, Shared},
    keys::KeyMaker,
    rules::Limits,
    state::{Denied, State},
    waiting::Waiting,
};
use crate::{
    error::{BackendError, ConfigError},
    peer::PeerPrefix,
    throttle::{Admission, Attempt, Overload, Throttle},
};

/// How long an attempt waits for a place, and then the client before it tries again.
const WAIT: Duration = Duration::from_secs(1);

/// Makes futures that resolve after a time.
pub(super) type Timer =
    Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A [`Throttle`] in the memory of this process. See [`throttle`](crate::throttle) for what it
/// counts and whom it spares.
///
/// Its memory is allocated when it is built, about 5 MB by default, and does not grow. Cloning is
/// cheap, and clones share everything: keep one to show [`running`](Self::running) and
/// [`waiting`](Self::waiting) in metrics.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{Authenticator, Realm, Users, throttle::MemoryThrottle};
///
/// let realm = Realm::new("proxy")?;
/// let users = Users::new(&realm).with_user("alice", "wonder")?;
/// let throttle = MemoryThrottle::builder()
///     .with_max_failures(20)
///     .with_timer(tokio::time::sleep)
///     .build()?;
/// let auth = Authenticator::builder(realm).with_basic(users).with_throttle(throttle).build()?;
/// # let _ = auth;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MemoryThrottle {
    pub(super) shared: Arc<Shared<Mutex<State>>>,
    timer: Option<Timer>,
}

impl MemoryThrottle {
    /// Creates a builder.
    pub fn builder() -> MemoryThrottleBuilder {
        MemoryThrottleBuilder::new()
    }

    /// # Errors
    /// [`ConfigError::Randomness`]
    pub(super) fn new(
        limits: Limits,
        capacity: usize,
        prefix: PeerPrefix,
        timer: Option<Timer>,
    ) -> Result<Self, ConfigError> {
        let (state, keys) = (Lock::new(State::new(limits, capacity)), KeyMaker::new(prefix)?);
        Ok(Self { shared: Arc::new(Shared { state, keys }), timer })
    }

    /// Returns the number of checks that hold places. Identical credentials from one peer count
    /// once.
    #[must_use]
    pub fn running(&self) -> usize {
        self.shared.state.with(|state| state.running()).unwrap_or_default()
    }

    /// Returns the number of requests that wait for a place.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.state.with(|state| state.waiters.len()).unwrap_or_default()
    }
}

impl Throttle for MemoryThrottle {
    async fn admit(&self, attempt: Attempt<'_>) -> Result<Admission, BackendError> {
        let keys = self.shared.keys.attempt(&attempt);
        let Attempt { realm, now, .. } = attempt;
        let mut admission = self.shared.admit(&keys, realm, now)?;
        if let (Err(Denied::Busy(_)), Some(timer)) = (&admission, &self.timer) {
            let mut waiting = Waiting { shared: &self.shared, keys, realm, now, number: None };
            let mut end = timer(WAIT);
            let waited = poll_fn(|cx| match waiting.poll(cx) {
                Poll::Pending => end.as_mut().poll(cx).map(|()| Ok(None)),
                Poll::Ready(admission) => Poll::Ready(admission.map(Some)),
            });
            if let Some(later) = waited.await? {
                admission = later;
            }
        }
        Ok(match admission {
            Ok(ticket) => Admission::Allowed(ticket),
            Err(Denied::Struck(time)) => Admission::Refused(Overload::Failures(time)),
            Err(Denied::Busy(_)) => Admission::Refused(Overload::Checks(WAIT)),
        })
    }
}

impl fmt::Debug for MemoryThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryThrottle")
            .field("running", &self.running())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{self, Instant};

    use super::{
        super::support::{Scene, Sent, basic, digest},
        *,
    };

    const PEER: &str = "192.0.2.1";

    fn scene() -> Scene {
        let builder = MemoryThrottle::builder().with_max_checks_per_peer(1);
        Scene::new(builder.with_timer(time::sleep))
    }

    /// Starts an attempt in a task of its own.
    fn spawn(scene: &Scene, sent: Sent) -> tokio::task::JoinHandle<Admission> {
        let (throttle, now) = (scene.throttle.clone(), scene.now);
        tokio::spawn(async move {
            let realm = crate::wire::Realm::from_static(sent.realm);
            let claim = crate::claim::Claim::new(crate::claim::Claimant::Name(sent.name));
            let attempt = Attempt::new(&realm, claim, now).with_peer(sent.peer.parse().ok());
            throttle.admit(attempt).await.unwrap()
        })
    }

    async fn until_waiting(scene: &Scene, number: usize) {
        while scene.throttle.waiting() != number {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waits_a_second_for_a_place() {
        let scene = scene();
        let ticket = scene.admit(digest(PEER, "alice")).unwrap();
        let start = Instant::now();
        let refused = spawn(&scene, digest(PEER, "bob")).await.unwrap();
        let expected = Overload::Checks(Duration::from_secs(1));
        assert!(matches!(refused, Admission::Refused(overload) if overload == expected));
        assert_eq!(start.elapsed(), Duration::from_secs(1));
        assert_eq!(scene.throttle.waiting(), 0);

        let waiting = spawn(&scene, digest(PEER, "bob"));
        until_waiting(&scene, 1).await;
        drop(ticket);
        assert!(matches!(waiting.await.unwrap(), Admission::Allowed(_)));
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_abandoned_wait_leaves_its_turn_to_the_next() {
        let scene = scene();
        let ticket = scene.admit(digest(PEER, "alice")).unwrap();
        let first = spawn(&scene, digest(PEER, "bob"));
        until_waiting(&scene, 1).await;
        let second = spawn(&scene, digest(PEER, "carol"));
        until_waiting(&scene, 2).await;
        // The first one is woken, and is dropped before it runs.
        drop(ticket);
        first.abort();
        assert!(matches!(second.await.unwrap(), Admission::Allowed(_)));
        assert!(first.await.unwrap_err().is_cancelled());
        assert_eq!((scene.throttle.waiting(), scene.throttle.running()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_on_failures_is_not_waited_for() {
        let builder = MemoryThrottle::builder().with_max_failures(1).with_timer(time::sleep);
        let scene = Scene::new(builder);
        assert_eq!(scene.guess(PEER, "alice", 1), 1);
        let start = Instant::now();
        let refused = spawn(&scene, digest(PEER, "bob")).await.unwrap();
        assert!(matches!(refused, Admission::Refused(Overload::Failures(_))));
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_waits_is_bounded() {
        let scene = scene();
        let _ticket = scene.admit(digest(PEER, "alice")).unwrap();
        let waits: Vec<_> = (0..2_000).map(|_| spawn(&scene, digest(PEER, "bob"))).collect();
        until_waiting(&scene, 128).await;
        let start = Instant::now();
        for wait in waits {
            assert!(matches!(wait.await.unwrap(), Admission::Refused(Overload::Checks(_))));
        }
        assert_eq!(start.elapsed(), Duration::from_secs(1));
    }

    #[test]
    fn fails_closed_after_a_panic() {
        let scene = scene();
        let ticket = scene.admit(digest(PEER, "alice")).unwrap();
        let state = &scene.throttle.shared.state;
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            Lock::with(state, |_| panic!("on purpose"))
        }));
        assert!(panic.is_err());
        let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            scene.admit(basic(PEER, "alice", "wonder"))
        }));
        assert!(refused.is_err(), "an error");
        drop(ticket);
        assert_eq!((scene.throttle.running(), scene.throttle.waiting()), (0, 0));
    }
}
