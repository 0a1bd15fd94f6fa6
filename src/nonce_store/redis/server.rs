//! The server: whether it can be used, its epoch, and calls to it.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst},
    },
    time::Duration,
};

use ::redis::aio::MultiplexedConnection;
use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use super::{
    address::Address,
    event::{Counters, Observer, RedisEvent},
    failure::{Failure, error},
    script::NonceScript,
};
use crate::{
    error::BackendError,
    nonce_store::{Epoch, NonceCheck, NonceUse},
};

/// A server with the state of the connection to it, which a [session](super::session) makes.
///
/// It is a circuit breaker: once a call has failed, all fail at once until there is a connection
/// again.
pub(super) struct Server {
    pub(super) address: Address,
    pub(super) limits: Limits,
    pub(super) counters: Counters,
    script: NonceScript,
    observer: Observer,
    is_degradable: bool,
    state: watch::Sender<State>,
    /// The last known epoch.
    epoch: RwLock<Option<Epoch>>,
    /// How often a new epoch was demanded, because of a count that the server has not recorded.
    demands: AtomicU64,
    /// How many of those demands were made before the last epoch that this node started.
    met_demands: AtomicU64,
}

/// Time limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Of a check, and of an examination of a connected server.
    pub(super) call: Duration,
    /// To connect, to log in and to examine the server.
    pub(super) connect: Duration,
}

#[derive(Clone)]
enum State {
    /// The first attempt to connect has not ended.
    Starting,
    Up(Live),
    Down(BackendError),
}

/// A connection in use.
#[derive(Clone)]
pub(super) struct Live {
    connection: MultiplexedConnection,
    /// Notified when the connection must be closed.
    pub(super) closed: Arc<Notify>,
}

impl Server {
    pub(super) fn new(
        address: Address,
        limits: Limits,
        script: NonceScript,
        observer: Observer,
        is_degradable: bool,
    ) -> Self {
        Self {
            address,
            limits,
            counters: Counters::default(),
            script,
            observer,
            is_degradable,
            state: watch::Sender::new(State::Starting),
            epoch: RwLock::default(),
            demands: AtomicU64::new(0),
            met_demands: AtomicU64::new(0),
        }
    }

    /// Checks a nonce-count, and records it if it is fresh.
    pub(super) async fn check(&self, check: &NonceCheck<'_>) -> Result<NonceUse, BackendError> {
        let mut live = self.live().await?;
        let call = timeout(self.limits.call, self.script.check(&mut live.connection, check)).await;
        match call.unwrap_or(Err(Failure::Timeout(self.limits.call))) {
            Ok(answer) => {
                self.learn(answer.epoch);
                Ok(answer.value)
            }
            Err(failure) => Err(self.fail(&live, failure)),
        }
    }

    /// Examines the server that `connection` leads to, and returns its epoch.
    pub(super) async fn examine(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> Result<Epoch, Failure> {
        let demands = self.demands.load(SeqCst);
        let renew = demands != self.met_demands.load(SeqCst);
        let epoch = self.script.examine(connection, renew).await?;
        // Not before: a demand must survive if this fails or is cancelled.
        self.met_demands.store(demands, SeqCst);
        Ok(epoch)
    }

    /// Makes the server start a new epoch at the next examination.
    pub(super) fn demand_new_epoch(&self) {
        self.demands.fetch_add(1, SeqCst);
    }

    /// The epoch of the connected server.
    pub(super) fn epoch(&self) -> Result<Epoch, BackendError> {
        match &*self.state.borrow() {
            State::Up(_) => {}
            State::Starting => return Err(BackendError::transient(NOT_CONNECTED)),
            State::Down(error) => return Err(error.clone()),
        }
        self.last_epoch().ok_or_else(|| BackendError::transient(NOT_CONNECTED))
    }

    /// The last known epoch, even if the server is lost.
    pub(super) fn last_epoch(&self) -> Option<Epoch> {
        *self.epoch.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the first attempt to connect has ended.
    ///
    /// # Errors
    /// The server cannot be used.
    pub(super) async fn live(&self) -> Result<Live, BackendError> {
        if let Some(live) = self.state.borrow().outcome() {
            return live;
        }
        let mut states = self.state.subscribe();
        let started = states.wait_for(|state| state.outcome().is_some());
        match timeout(self.limits.connect, started).await {
            Ok(Ok(state)) => state.outcome(),
            _ => None,
        }
        .unwrap_or_else(|| Err(BackendError::transient(NOT_CONNECTED)))
    }

    /// Uses this connection from now on.
    pub(super) fn up(&self, connection: MultiplexedConnection, epoch: Epoch) -> Arc<Notify> {
        let closed = Arc::new(Notify::new());
        self.learn(epoch);
        self.state.send_replace(State::Up(Live { connection, closed: Arc::clone(&closed) }));
        (self.observer)(RedisEvent::Connected { server: &self.address.to_string() });
        closed
    }

    /// Stops using the connection, if there is one. All checks fail until [`up`](Self::up).
    pub(super) fn down(&self, failure: Failure) {
        let error = error(&self.address, failure);
        let before = self.state.send_replace(State::Down(error.clone()));
        if !matches!(before, State::Down(_)) {
            self.report_loss(&error);
        }
    }

    /// Remembers the epoch that the server has just named.
    pub(super) fn learn(&self, epoch: Epoch) {
        if self.last_epoch() == Some(epoch) {
            return;
        }
        let before = self.epoch.write().unwrap_or_else(PoisonError::into_inner).replace(epoch);
        if before.is_some_and(|before| before != epoch) {
            (self.observer)(RedisEvent::NewEpoch { server: &self.address.to_string() });
        }
    }

    /// Closes a connection on which a call has failed, unless that is already done.
    fn fail(&self, live: &Live, failure: Failure) -> BackendError {
        let error = error(&self.address, failure);
        let is_lost = self.state.send_if_modified(|state| {
            let is_current =
                matches!(state, State::Up(now) if Arc::ptr_eq(&now.closed, &live.closed));
            if is_current {
                *state = State::Down(error.clone());
            }
            is_current
        });
        if is_lost {
            live.closed.notify_one();
            self.report_loss(&error);
        }
        error
    }

    fn report_loss(&self, cause: &BackendError) {
        let (server, is_degraded) = (self.address.to_string(), self.is_degradable);
        (self.observer)(RedisEvent::Lost { server: &server, cause, is_degraded });
    }

    pub(super) fn count_attempt(&self) {
        self.counters.connection_attempts.fetch_add(1, Relaxed);
    }
}

const NOT_CONNECTED: &str = "the connection to Redis is not made yet";

impl State {
    /// The outcome of the last attempt to connect.
    fn outcome(&self) -> Option<Result<Live, BackendError>> {
        match self {
            Self::Starting => None,
            Self::Up(live) => Some(Ok(live.clone())),
            Self::Down(error) => Some(Err(error.clone())),
        }
    }
}
