//! Limits the running and the queued checks of a back end.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};

use super::{
    gate::{Gate, Pass},
    runtime,
};
use crate::{error::BackendError, throttle::Ticket};

/// Runs at most `limit` checks at once and lets at most `waiting` more wait. The next one fails as
/// [overloaded](BackendError::is_overloaded).
///
/// Re-checks of verdicts that a cache still keeps precede first checks, and have their own queue of
/// the same length, so a flood of guesses does not lock out users who are logged in:
///
/// ```text
/// first check --> gate (limit) --+
///                                +--> running (limit)
/// re-check ----------------------+
/// ```
///
/// A first check holds its permit of the gate until it ends. So a re-check waits for at most
/// `limit` first checks, even if many more wait at the gate. The gate prefers checks of peers that
/// have few others, by the [rank](Ticket::rank) of their tickets.
pub(super) struct Queue {
    limit: usize,
    waiting: usize,
    gate: Arc<Gate>,
    running: Arc<Semaphore>,
    waiting_first_checks: Semaphore,
    waiting_rechecks: Semaphore,
    ended: Arc<Ended>,
}

/// How many checks have ended.
#[derive(Debug, Default)]
struct Ended {
    /// With an answer, such as a wrong password.
    answered: AtomicU64,
    /// Because the back end did not answer.
    failed: AtomicU64,
}

/// Permission to run one check, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    // Dropped first, so that a re-check gets it before the gate lets the next first check in.
    _running: OwnedSemaphorePermit,
    _gate: Option<Pass>,
    /// Kept until the check ends, even if its caller is cancelled.
    _ticket: Option<Ticket>,
    #[cfg_attr(
        not(any(feature = "ldap", feature = "sql")),
        expect(dead_code, reason = "only `run` counts")
    )]
    ended: Arc<Ended>,
}

/// A check that wants to run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Check<'a> {
    /// The check of a client, with the ticket of its attempt, if there is a throttle.
    First(Option<&'a Ticket>),
    /// Renews a verdict that a cache still keeps, or looks up a user who is logged in.
    Recheck(Option<&'a Ticket>),
}

impl<'a> Check<'a> {
    pub(super) const fn new(is_recheck: bool, ticket: Option<&'a Ticket>) -> Self {
        if is_recheck { Self::Recheck(ticket) } else { Self::First(ticket) }
    }
}

impl Queue {
    pub(super) fn new(limit: usize, waiting: usize) -> Self {
        let semaphore = |permits: usize| Semaphore::new(permits.min(Semaphore::MAX_PERMITS));
        Self {
            limit,
            waiting,
            gate: Arc::new(Gate::new(limit)),
            running: Arc::new(semaphore(limit)),
            waiting_first_checks: semaphore(waiting),
            waiting_rechecks: semaphore(waiting),
            ended: Arc::default(),
        }
    }

    /// The number of checks that run.
    #[cfg(feature = "password-hash")]
    pub(super) fn running(&self) -> usize {
        self.limit.saturating_sub(self.running.available_permits())
    }

    /// The number of checks that wait.
    #[cfg(feature = "password-hash")]
    pub(super) fn waiting(&self) -> usize {
        [&self.waiting_first_checks, &self.waiting_rechecks]
            .map(|places| self.waiting.saturating_sub(places.available_permits()))
            .into_iter()
            .sum()
    }

    /// Waits until a check may run, for at most `limit`.
    ///
    /// # Errors
    /// Too many checks are waiting, or the wait is too long. Both are overload and not an outage,
    /// since clients can cause them; but it is an outage if the back end has answered no check
    /// meanwhile and others have failed. Or there is no tokio runtime.
    ///
    /// # Panics
    /// The runtime has no timer.
    pub(super) async fn enter(
        &self,
        check: Check<'_>,
        limit: Duration,
    ) -> Result<Permit, BackendError> {
        runtime::current()?;
        let [answered, failed] = self.ended.counts();
        time::timeout(limit, self.turn(check)).await.unwrap_or_else(|_| {
            let now = self.ended.counts();
            Err(match now[0] == answered && now[1] != failed {
                true => BackendError::transient(format!("no check was answered within {limit:?}")),
                false => BackendError::overloaded(format!("no turn in the queue within {limit:?}")),
            })
        })
    }

    async fn turn(&self, check: Check<'_>) -> Result<Permit, BackendError> {
        if let Some(permit) = self.try_enter(check) {
            return Ok(permit);
        }
        let places = match check {
            Check::First(_) => &self.waiting_first_checks,
            Check::Recheck(_) => &self.waiting_rechecks,
        };
        let _place = places.try_acquire().map_err(|_| {
            let (running, waiting) = (self.limit, self.waiting);
            let text = format!("the queue is full: {running} running, {waiting} waiting");
            BackendError::overloaded(text)
        })?;
        let gate = match check {
            Check::First(ticket) => Some(self.gate.enter(ticket.map_or(0, Ticket::rank)).await?),
            Check::Recheck(_) => None,
        };
        // The semaphore is never closed.
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(BackendError::new)?;
        Ok(self.permit(running, gate, check))
    }

    fn try_enter(&self, check: Check<'_>) -> Option<Permit> {
        let gate = match check {
            Check::First(_) => Some(self.gate.try_enter()?),
            Check::Recheck(_) => None,
        };
        let running = Arc::clone(&self.running).try_acquire_owned().ok()?;
        Some(self.permit(running, gate, check))
    }

    fn permit(
        &self,
        running: OwnedSemaphorePermit,
        gate: Option<Pass>,
        check: Check<'_>,
    ) -> Permit {
        let (Check::First(ticket) | Check::Recheck(ticket)) = check;
        let (ticket, ended) = (ticket.cloned(), Arc::clone(&self.ended));
        Permit { _running: running, _gate: gate, _ticket: ticket, ended }
    }
}

#[cfg(any(feature = "ldap", feature = "sql"))]
impl Permit {
    /// Runs `work` in a task of its own, to its end even if the caller is cancelled, so that its
    /// connections are returned in a known state. It keeps its place until then.
    pub(super) async fn run<T: Send + 'static>(
        self,
        work: impl Future<Output = Result<T, BackendError>> + Send + 'static,
    ) -> Result<T, BackendError> {
        let running = tokio::spawn(async move {
            // The whole permit, also if the caller is cancelled.
            let permit = self;
            let result = work.await;
            let Ended { answered, failed } = &*permit.ended;
            let is_failure = result.as_ref().is_err_and(BackendError::is_transient);
            if is_failure { failed } else { answered }.fetch_add(1, Relaxed);
            result
        });
        running.await.map_err(|error| runtime::task_error(&error))?
    }
}

impl Ended {
    /// The numbers of answered and of failed checks.
    fn counts(&self) -> [u64; 2] {
        [&self.answered, &self.failed].map(|count| count.load(Relaxed))
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, waiting, .. } = self;
        f.debug_struct("Queue").field("limit", limit).field("waiting", waiting).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        error::Error as _,
        pin::Pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    const FIRST: Check<'_> = Check::First(None);
    const RECHECK: Check<'_> = Check::Recheck(None);

    type Entering<'a> = Pin<Box<dyn Future<Output = Result<Permit, BackendError>> + 'a>>;

    fn poll(entering: &mut Entering<'_>) -> Poll<Result<Permit, BackendError>> {
        entering.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[track_caller]
    fn waits<'a>(queue: &'a Queue, check: Check<'a>) -> Entering<'a> {
        let mut entering: Entering<'_> = Box::pin(queue.turn(check));
        assert!(poll(&mut entering).is_pending());
        entering
    }

    #[track_caller]
    fn runs(queue: &Queue, check: Check<'_>) -> Permit {
        admitted(&mut (Box::pin(queue.turn(check)) as Entering<'_>))
    }

    #[track_caller]
    fn admitted(entering: &mut Entering<'_>) -> Permit {
        match poll(entering) {
            Poll::Ready(permit) => permit.unwrap(),
            Poll::Pending => panic!("it waits"),
        }
    }

    #[track_caller]
    fn is_refused(queue: &Queue, check: Check<'_>, text: &str) {
        match poll(&mut (Box::pin(queue.turn(check)) as Entering<'_>)) {
            Poll::Ready(Err(error)) => {
                assert!(error.is_overloaded());
                assert_eq!(error.source().unwrap().to_string(), text);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn refuses_one_more_than_may_wait() {
        for recheck in [FIRST, RECHECK] {
            let queue = Queue::new(2, 1);
            let running = [runs(&queue, recheck), runs(&queue, recheck)];
            let mut waiting = waits(&queue, recheck);
            is_refused(&queue, recheck, "the queue is full: 2 running, 1 waiting");
            drop(running);
            drop(admitted(&mut waiting));
            drop(runs(&queue, recheck));
        }
    }

    #[test]
    fn no_check_waits_if_the_queue_length_is_zero() {
        let queue = Queue::new(1, 0);
        let running = runs(&queue, FIRST);
        is_refused(&queue, FIRST, "the queue is full: 1 running, 0 waiting");
        is_refused(&queue, RECHECK, "the queue is full: 1 running, 0 waiting");
        drop(running);
        drop(runs(&queue, RECHECK));
    }

    #[test]
    fn an_abandoned_check_leaves_its_place() {
        let queue = Queue::new(1, 1);
        let running = runs(&queue, FIRST);
        drop(waits(&queue, FIRST));
        let mut next = waits(&queue, FIRST);
        drop(running);
        // It has been admitted, and is dropped before it is polled.
        drop(std::mem::replace(&mut next, Box::pin(queue.turn(FIRST))));
        drop(admitted(&mut next));
    }

    #[test]
    fn a_flood_of_first_checks_leaves_places_for_rechecks() {
        let queue = Queue::new(1, 2);
        let running = runs(&queue, FIRST);
        let mut flood = [waits(&queue, FIRST), waits(&queue, FIRST)];
        is_refused(&queue, FIRST, "the queue is full: 1 running, 2 waiting");
        let mut rechecks = [waits(&queue, RECHECK), waits(&queue, RECHECK)];
        is_refused(&queue, RECHECK, "the queue is full: 1 running, 2 waiting");

        drop(running);
        for recheck in &mut rechecks {
            assert!(flood.iter_mut().all(|check| poll(check).is_pending()));
            drop(admitted(recheck));
        }
        for check in &mut flood {
            drop(admitted(check));
        }
    }

    #[test]
    fn a_recheck_waits_only_for_running_first_checks() {
        let queue = Queue::new(2, 10);
        let running = [runs(&queue, RECHECK), runs(&queue, RECHECK)];
        let mut first_checks = [(); 4].map(|()| waits(&queue, FIRST));
        let mut recheck = waits(&queue, RECHECK);
        drop(running);
        let [one, two, three, four] = &mut first_checks;
        let passed = [admitted(one), admitted(two)];
        assert!(poll(&mut recheck).is_pending());
        let [one, two] = passed;
        drop(one);
        let recheck = admitted(&mut recheck);
        assert!(poll(three).is_pending() && poll(four).is_pending());
        drop((two, recheck));
        drop([admitted(three), admitted(four)]);
    }

    /// The state of a ticket.
    struct Ranked(u32);

    impl crate::throttle::Settle for Ranked {
        fn rank(&self) -> u32 {
            self.0
        }

        fn settle(&self, _: crate::throttle::Settlement<'_>) {}
    }

    #[test]
    fn peers_with_few_checks_are_first() {
        let queue = Queue::new(1, 10);
        let mut running = runs(&queue, FIRST);
        let tickets = [3, 2, 1, 0].map(|rank| Ticket::new(Ranked(rank)));
        let mut waiting: Vec<_> =
            tickets.iter().map(|ticket| waits(&queue, Check::First(Some(ticket)))).collect();
        while let Some(mut next) = waiting.pop() {
            drop(running);
            assert!(waiting.iter_mut().all(|check| poll(check).is_pending()));
            running = admitted(&mut next);
        }
    }

    #[test]
    fn a_permit_keeps_the_ticket_of_its_check() {
        let queue = Queue::new(1, 10);
        let state: Arc<dyn crate::throttle::Settle> = Arc::new(Ranked(0));
        let ticket = Ticket::from(Arc::clone(&state));
        for check in [Check::First(Some(&ticket)), Check::Recheck(Some(&ticket))] {
            let permit = runs(&queue, check);
            assert_eq!(Arc::strong_count(&state), 3);
            drop(permit);
            assert_eq!(Arc::strong_count(&state), 2);
        }
    }

    /// The error of a check that waits for a second in vain, while others end every 300 ms.
    #[cfg(any(feature = "ldap", feature = "sql"))]
    async fn error_of_a_wait(answer: impl Fn(u32) -> Result<(), BackendError>) -> BackendError {
        let (queue, limit) = (Queue::new(1, 10), Duration::from_secs(1));
        // The first check waits at the gate for one that never ends.
        let _first = queue.gate.try_enter().expect("it is free");
        let others = async {
            for number in 0..3 {
                let permit = queue.try_enter(RECHECK).expect("it is free");
                let answer = answer(number);
                let work = async {
                    time::sleep(Duration::from_millis(300)).await;
                    answer
                };
                let _ = permit.run(work).await;
            }
        };
        let (error, ()) = tokio::join!(queue.enter(FIRST, limit), others);
        error.expect_err("it never has its turn")
    }

    #[cfg(any(feature = "ldap", feature = "sql"))]
    #[tokio::test(start_paused = true)]
    async fn regression_a_wait_without_answers_is_an_outage() {
        let hangs = || Err(BackendError::transient("no answer"));
        let error = error_of_a_wait(|_| hangs()).await;
        assert!(error.is_transient() && !error.is_overloaded(), "{error:?}");
        // A wrong password is an answer, and so is a refused query.
        let once = |number| if number == 1 { Ok(()) } else { hangs() };
        assert!(error_of_a_wait(once).await.is_overloaded());
        assert!(error_of_a_wait(|_| Ok(())).await.is_overloaded());
        let refused = |_| Err(BackendError::new("no such column"));
        assert!(error_of_a_wait(refused).await.is_overloaded());
    }
}
