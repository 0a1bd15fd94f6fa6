//! Compares the throttle with a trivial model that forgets nothing and has exact keys.

use std::collections::HashMap;

use proptest::prelude::*;

use super::{
    MemoryThrottle,
    support::{End, Scene, Sent, basic, digest},
};
use crate::{throttle::Ticket, user_id::UserId, wire::Realm};

const FAILURES: usize = 3;

/// What is counted, without hashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Peer(&'static str),
    User(String),
    Pair(String, &'static str),
    ProvedPair(String, &'static str),
    ProvedCredentials(Sent),
}

#[derive(Default)]
struct Model {
    /// The slots in which there were strikes.
    strikes: HashMap<Key, Vec<u64>>,
    running: HashMap<Key, usize>,
    pending: HashMap<Key, usize>,
    names: HashMap<String, String>,
    pairs: HashMap<(String, &'static str), u64>,
    credentials: HashMap<Sent, u64>,
    now: u64,
}

impl Model {
    fn keys(&self, sent: Sent) -> Vec<Key> {
        let lives = |proved: &u64| self.now - proved < 3_600;
        let anywhere = Sent { peer: "", ..sent };
        if sent.password.is_some() && self.credentials.get(&anywhere).is_some_and(lives) {
            return vec![Key::ProvedCredentials(sent)];
        }
        let name = sent.name.to_lowercase();
        let user = self.names.get(&name).unwrap_or(&name).clone();
        if sent.peer.is_empty() {
            return vec![Key::User(user)];
        }
        if self.pairs.get(&(user.clone(), sent.peer)).is_some_and(lives) {
            return vec![Key::ProvedPair(user, sent.peer)];
        }
        vec![Key::Peer(sent.peer), Key::Pair(user.clone(), sent.peer), Key::User(user)]
    }

    fn admits(&self, keys: &[Key]) -> bool {
        keys.iter().all(|key| {
            let (failures, checks) = match key {
                Key::Peer(_) | Key::ProvedPair(..) => (FAILURES, 8),
                Key::User(_) => (10 * FAILURES + 1, 40),
                Key::Pair(..) => (usize::MAX, 4),
                Key::ProvedCredentials(_) => (usize::MAX, 8),
            };
            let slots = self.strikes.get(key).into_iter().flatten();
            let strikes = slots.filter(|&&slot| slot + 7 > self.now / 10).count();
            let count = |of: &HashMap<Key, usize>| of.get(key).copied().unwrap_or(0);
            strikes + count(&self.pending) < failures && count(&self.running) < checks
        })
    }

    fn start(&mut self, keys: &[Key]) {
        for key in keys {
            *self.running.entry(key.clone()).or_default() += 1;
            *self.pending.entry(key.clone()).or_default() += 1;
        }
    }

    fn end(&mut self, sent: Sent, keys: &[Key], end: End) {
        for key in keys {
            *self.running.get_mut(key).unwrap() -= 1;
            *self.pending.get_mut(key).unwrap() -= 1;
        }
        let id = match end {
            End::Right(user) | End::WrongOf(user) => Some(user.to_owned()),
            End::Wrong | End::Neutral => None,
        };
        if let Some(id) = &id {
            self.names.insert(sent.name.to_lowercase(), id.clone());
        }
        let anywhere = Sent { peer: "", ..sent };
        match end {
            End::Right(user) => {
                if !sent.peer.is_empty() {
                    self.pairs.insert((user.to_owned(), sent.peer), self.now);
                }
                if sent.password.is_some() {
                    self.credentials.insert(anywhere, self.now);
                }
            }
            End::Wrong | End::WrongOf(_) => {
                self.credentials.remove(&anywhere);
                for key in keys {
                    let key = match (key, &id) {
                        (Key::User(_), Some(id)) => Key::User(id.clone()),
                        _ => key.clone(),
                    };
                    self.strikes.entry(key).or_default().push(self.now / 10);
                }
            }
            End::Neutral => {}
        }
    }
}

/// An attempt that runs.
struct Running {
    sent: Sent,
    ticket: Ticket,
    keys: Vec<Key>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Send(Sent),
    /// Ends one of the running attempts.
    End(usize, End),
    Wait(u64),
    Revoke,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let peer = prop::sample::select(vec!["192.0.2.1", "192.0.2.2", "2001:db8::1", ""]);
    let name = prop::sample::select(vec!["alice", "Alice", "alice@example.org", "bob"]);
    let sent = (peer, name, 0..4_usize).prop_map(|(peer, name, password)| {
        match ["right", "wrong", "other"].get(password) {
            Some(password) => basic(peer, name, password),
            None => digest(peer, name),
        }
    });
    let end = prop_oneof![
        1 => Just(End::Right("alice")),
        6 => Just(End::Wrong),
        2 => Just(End::WrongOf("alice")),
        1 => Just(End::Neutral),
    ];
    let step = prop_oneof![
        12 => sent.prop_map(Step::Send),
        10 => (0..50_usize, end).prop_map(|(index, end)| Step::End(index, end)),
        2 => (0..40_u64).prop_map(Step::Wait),
        1 => Just(Step::Wait(1_800)),
        1 => Just(Step::Revoke),
    ];
    prop::collection::vec(step, 1..300)
}

/// Runs the steps, and checks each admission. Where the throttle refuses what the model would
/// admit, the attempt is refused in both. Returns the number of such cases.
fn run(capacity: usize, steps: Vec<Step>) -> Result<usize, TestCaseError> {
    let builder = MemoryThrottle::builder().with_max_failures(FAILURES as u32);
    let mut scene = Scene::new(builder.with_capacity(capacity));
    let mut model = Model::default();
    let mut running: Vec<Running> = Vec::new();
    let mut stricter = 0;
    for step in steps {
        match step {
            Step::Send(sent) => {
                // Sharing is not part of the model.
                let is_shared = |other: &Running| other.sent == sent && sent.password.is_some();
                if running.iter().any(is_shared) {
                    continue;
                }
                // The throttle learns the time from attempts alone.
                model.now = scene.now.as_micros() / 1_000_000;
                let keys = model.keys(sent);
                let admits = model.admits(&keys);
                match scene.admit(sent) {
                    Ok(ticket) => {
                        prop_assert!(admits, "looser: {sent:?}");
                        model.start(&keys);
                        running.push(Running { sent, ticket, keys });
                    }
                    Err(_) => stricter += usize::from(admits),
                }
            }
            Step::End(index, end) => {
                if running.is_empty() {
                    continue;
                }
                let one = running.remove(index % running.len());
                scene.settle(one.sent, &one.ticket, end);
                model.end(one.sent, &one.keys, end);
            }
            Step::Wait(seconds) => scene.wait(seconds),
            Step::Revoke => {
                scene.revocations.revoke(&Realm::from_static("proxy"), &UserId::new("alice"));
                model.credentials.clear();
            }
        }
    }
    drop(running);
    prop_assert_eq!(scene.throttle.running(), 0);
    Ok(stricter)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn is_never_looser_than_the_model(
        capacity in prop_oneof![1..8_usize, Just(64_usize)],
        steps in steps(),
    ) {
        run(capacity, steps)?;
    }

    /// About 60 keys are used. If two of them share a bucket, which is likely in one of 40 cases,
    /// another throttle has other keys.
    #[test]
    fn is_like_the_model_if_no_keys_share_a_bucket(steps in steps()) {
        let stricter = (0..3).map(|_| run(65_536, steps.clone())).collect::<Result<Vec<_>, _>>()?;
        prop_assert!(stricter.contains(&0), "{stricter:?}");
    }
}
