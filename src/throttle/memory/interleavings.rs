//! Model check: tries all orders in which threads can take the lock, or many of them.
//!
//! `shuttle` runs the threads one at a time and decides at every lock which one continues.

use std::{
    collections::HashSet,
    future::poll_fn,
    sync::{Arc, LazyLock},
    task::Poll,
};

use shuttle::{
    future::block_on,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use super::{
    hold::{Lock, Poisoned, Shared},
    keys::{KeyMaker, Keys},
    rules::Limits,
    state::{Denied, State},
    support::{Sent, basic, digest},
    waiting::Waiting,
};
use crate::{
    clock::Timestamp,
    peer::PeerPrefix,
    throttle::{Settlement, Ticket},
    wire::Realm,
};

impl Lock for Mutex<State> {
    fn new(state: State) -> Self {
        Self::new(state)
    }

    fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> Result<R, Poisoned> {
        self.lock().map(|mut state| work(&mut state)).map_err(|_| Poisoned)
    }
}

const PEER: &str = "192.0.2.1";
const NOW: Timestamp = Timestamp::from_micros(1_000_000_000);

const BUCKETS: usize = 64;
const NAMES: [&str; 5] = ["alice", "bob", "carol", "dave", "eve"];

/// The same keys in every order, none of which share a bucket.
static KEYS: LazyLock<KeyMaker> = LazyLock::new(|| {
    loop {
        let maker = KeyMaker::new(PeerPrefix::DEFAULT).unwrap();
        let attempts = NAMES.map(|name| digest(PEER, name).at(NOW, |sent| maker.attempt(&sent)));
        let of_attempt = |keys: Keys| {
            let (peer, name) = (keys.peer.unwrap(), keys.name.unwrap());
            [peer, name, maker.pair(name, peer)]
        };
        let keys: HashSet<_> = attempts.into_iter().flat_map(of_attempt).collect();
        let buckets: HashSet<_> = keys.iter().map(|key| key % BUCKETS as u64).collect();
        if buckets.len() == 2 * NAMES.len() + 1 {
            return maker;
        }
    }
});

#[derive(Clone)]
struct Throttle(Arc<Shared<Mutex<State>>>);

impl Throttle {
    fn new(failures: u32, checks: u32) -> Self {
        let limits = Limits {
            failures,
            checks_per_peer: checks,
            checks_per_user: checks,
            checks_per_peer_and_user: checks,
            checks_when_proved: checks,
        };
        let state = Lock::new(State::new(limits, BUCKETS));
        Self(Arc::new(Shared { state, keys: KEYS.clone() }))
    }

    fn admit(&self, sent: Sent) -> Result<Ticket, Denied> {
        sent.at(NOW, |attempt| {
            let keys = self.0.keys.attempt(&attempt);
            self.0.admit(&keys, attempt.realm, NOW).unwrap()
        })
    }

    /// Waits for a place, without a limit of time.
    fn wait(&self, sent: Sent) -> Result<Ticket, Denied> {
        let keys = sent.at(NOW, |attempt| self.0.keys.attempt(&attempt));
        let realm = Realm::from_static(sent.realm);
        let mut waiting = Waiting { shared: &self.0, keys, realm: &realm, now: NOW, number: None };
        block_on(poll_fn(|cx| waiting.poll(cx))).unwrap()
    }

    fn spawn(&self, work: impl FnOnce(Self) + Send + 'static) -> thread::JoinHandle<()> {
        let throttle = self.clone();
        thread::spawn(move || work(throttle))
    }

    /// Checks that no place is held any more, and how many strikes there were.
    fn ends_with(&self, max: u32, strikes: u32) {
        let (running, waiting) =
            self.0.state.with(|state| (state.running(), state.waiters.len())).unwrap();
        assert_eq!((running, waiting), (0, 0));
        let left = (0..max).filter(|_| {
            self.admit(digest(PEER, "eve")).is_ok_and(|ticket| {
                ticket.settle(Settlement::Strike { user: None });
                true
            })
        });
        assert_eq!(left.count() as u32, max - strikes);
    }
}

/// Three guesses at once, with a limit of two.
fn parallel_guesses_do_not_slip_through() {
    let throttle = Throttle::new(2, 8);
    let admitted = Arc::new(AtomicU32::new(0));
    let guesses = ["alice", "bob", "carol"].map(|name| {
        let admitted = Arc::clone(&admitted);
        throttle.spawn(move |throttle| {
            if let Ok(ticket) = throttle.admit(digest(PEER, name)) {
                admitted.fetch_add(1, Ordering::SeqCst);
                ticket.settle(Settlement::Strike { user: None });
            }
        })
    });
    guesses.into_iter().for_each(|guess| guess.join().unwrap());
    assert_eq!(admitted.load(Ordering::SeqCst), 2);
    throttle.ends_with(2, 2);
}

/// Two requests with the same credentials; one is answered, the other is cancelled.
fn a_shared_check_is_given_back_once() {
    let throttle = Throttle::new(3, 2);
    let sent = basic(PEER, "alice", "wrong");
    let one = throttle.spawn(move |throttle| {
        let ticket = throttle.admit(sent).unwrap();
        ticket.settle(Settlement::Strike { user: None });
    });
    let other = throttle.spawn(move |throttle| drop(throttle.admit(sent).unwrap()));
    one.join().unwrap();
    other.join().unwrap();
    throttle.ends_with(3, 1);
}

/// Two wait for the only place.
fn everyone_who_waits_gets_a_place() {
    let throttle = Throttle::new(9, 1);
    let ticket = throttle.admit(digest(PEER, "alice")).unwrap();
    let waiting = ["bob", "carol"]
        .map(|name| throttle.spawn(move |throttle| drop(throttle.wait(digest(PEER, name)))));
    drop(ticket);
    waiting.into_iter().for_each(|waiting| waiting.join().unwrap());
    throttle.ends_with(9, 0);
}

/// One of two that wait gives up at any time.
fn a_wake_for_an_abandoned_wait_is_not_lost() {
    let throttle = Throttle::new(9, 1);
    let ticket = throttle.admit(digest(PEER, "alice")).unwrap();
    let abandoned = throttle.spawn(|throttle| {
        let keys = digest(PEER, "bob").at(NOW, |attempt| throttle.0.keys.attempt(&attempt));
        let realm = Realm::from_static("proxy");
        let mut waiting =
            Waiting { shared: &throttle.0, keys, realm: &realm, now: NOW, number: None };
        block_on(poll_fn(|cx| {
            let _ = waiting.poll(cx);
            Poll::Ready(())
        }));
    });
    let waiting = throttle.spawn(|throttle| drop(throttle.wait(digest(PEER, "carol"))));
    drop(ticket);
    abandoned.join().unwrap();
    waiting.join().unwrap();
    throttle.ends_with(9, 0);
}

/// All of the above at once, which has too many orders to try all of them.
fn a_crowd_leaves_nothing_behind() {
    let throttle = Throttle::new(20, 2);
    let sent = basic(PEER, "alice", "wrong");
    let guesser = throttle.spawn(move |throttle| {
        for _ in 0..3 {
            let ticket = throttle.wait(sent).unwrap();
            ticket.settle(Settlement::Strike { user: None });
        }
    });
    let others = ["bob", "carol", "dave"].map(|name| {
        throttle.spawn(move |throttle| {
            for _ in 0..2 {
                drop(throttle.wait(digest(PEER, name)).unwrap());
            }
        })
    });
    let again = throttle.spawn(move |throttle| drop(throttle.wait(sent).unwrap()));
    guesser.join().unwrap();
    others.into_iter().for_each(|other| other.join().unwrap());
    again.join().unwrap();
    throttle.ends_with(20, 3);
}

#[test]
fn every_order() {
    for scene in [
        parallel_guesses_do_not_slip_through,
        a_shared_check_is_given_back_once,
        everyone_who_waits_gets_a_place,
        a_wake_for_an_abandoned_wait_is_not_lost,
    ] {
        shuttle::check_dfs(scene, Some(3_000));
    }
}

/// Random orders, and ones with a few switches between threads at random places.
#[test]
fn many_orders() {
    shuttle::check_random(a_crowd_leaves_nothing_behind, 300);
    shuttle::check_pct(a_crowd_leaves_nothing_behind, 300, 3);
}
