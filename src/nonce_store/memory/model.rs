//! Compares the shard with a trivial model that remembers everything.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::{
    shard::{EXPIRED_PER_CALL, Limits, Shard},
    support::{LIFETIME, Sent, sent},
};
use crate::{
    nonce_store::NonceUse::{self, Forgotten, Fresh, OtherUser, Replayed},
    user_id::UserId,
    wire::Realm,
};

/// The simplest form of the rules: linear searches, all counts of a nonce, and everything that was
/// ever removed.
#[derive(Default)]
struct Model {
    capacity: usize,
    window: u32,
    nonces: Vec<Nonce>,
    /// The highest nonce that expired or was evicted.
    removed: Option<u64>,
    /// The highest nonce that the quota of each user removed.
    removed_by_quota: HashMap<User, u64>,
}

type User = (Realm, UserId);

struct Nonce {
    issued: u64,
    user: User,
    counts: HashSet<u32>,
}

impl Model {
    fn check_and_insert(&mut self, sent: &Sent) -> NonceUse {
        let user = (sent.realm.clone(), sent.user.clone());
        self.nonces.sort_by_key(|nonce| nonce.issued);
        for _ in 0..EXPIRED_PER_CALL {
            if self.nonces.first().is_some_and(|nonce| nonce.issued + LIFETIME <= sent.now) {
                self.remove_oldest();
            }
        }
        if sent.now >= sent.nonce + LIFETIME {
            return Forgotten;
        }
        if let Some(nonce) = self.nonces.iter_mut().find(|nonce| nonce.issued == sent.nonce) {
            let highest = nonce.counts.iter().copied().max().unwrap();
            return if nonce.user != user {
                OtherUser
            } else if sent.count.saturating_add(self.window) <= highest {
                Replayed
            } else if nonce.counts.insert(sent.count) {
                Fresh
            } else {
                Replayed
            };
        }
        let by_quota = self.removed_by_quota.get(&user).copied();
        if self.removed.max(by_quota).is_some_and(|removed| sent.nonce <= removed) {
            return Forgotten;
        }
        let quota = (self.capacity / 16).max(1);
        let own: Vec<usize> =
            (0..self.nonces.len()).filter(|&index| self.nonces[index].user == user).collect();
        if own.len() >= quota {
            let oldest = self.nonces[own[0]].issued;
            if sent.nonce < oldest {
                return Forgotten;
            }
            self.nonces.remove(own[0]);
            self.removed_by_quota.insert(user.clone(), oldest);
        } else if self.nonces.len() >= self.capacity {
            if self.nonces.first().is_some_and(|nonce| sent.nonce < nonce.issued) {
                return Forgotten;
            }
            self.remove_oldest();
        }
        self.nonces.push(Nonce { issued: sent.nonce, user, counts: HashSet::from([sent.count]) });
        Fresh
    }

    fn remove_oldest(&mut self) {
        let removed = self.nonces.remove(0).issued;
        self.removed = self.removed.max(Some(removed));
    }
}

/// Two users in each of two realms, and nonces issued around a clock that mostly moves forward and
/// sometimes back, so that nonces are used again, expire and are evicted.
fn traffic() -> impl Strategy<Value = Vec<Sent>> {
    let step = prop_oneof![
        30 => 0..40_i64,
        3 => Just(-60_i64),
        1 => Just(LIFETIME as i64 + 50),
        1 => Just(-(LIFETIME as i64) - 50),
    ];
    let count = prop_oneof![6 => 1..6_u32, 2 => 1..140_u32, 1 => Just(u32::MAX)];
    let one = (step, 0..2_u8, 0..2_u8, 0..60_u64, count);
    prop::collection::vec(one, 1..400).prop_map(|steps| {
        let mut now = 10_000_i64;
        let send = |(step, user, realm, age, count): (i64, u8, u8, u64, u32)| {
            now = (now + step).max(LIFETIME as i64 * 2);
            let nonce = (now as u64).saturating_sub(age * 20) / 10;
            let sent = sent(&format!("user {user}"), nonce * 10, count).at(now as u64);
            sent.in_realm(&format!("realm {realm}"))
        };
        steps.into_iter().map(send).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn answers_like_the_model_and_accepts_nothing_twice(
        capacity in prop_oneof![1..4_usize, 4..40_usize, Just(64_usize), Just(16_000_usize)],
        window in prop_oneof![Just(64_u32), Just(128_u32)],
        traffic in traffic(),
    ) {
        let mut shard = Shard::new(Limits { capacity, window });
        let mut model = Model { capacity, window, ..Model::default() };
        let (mut fresh, mut users) = (HashSet::new(), HashMap::new());
        for sent in traffic {
            let answer = sent.to(|check, holder| shard.check_and_insert(&check, holder));
            prop_assert_eq!(answer, model.check_and_insert(&sent), "{:?}", sent);
            shard.assert_consistent();
            if answer == Fresh {
                let user = (sent.realm.clone(), sent.user.clone());
                prop_assert!(fresh.insert((sent.nonce, sent.count, user.clone())), "{sent:?}");
                // Only a quota frees a nonce for another user.
                if let Some(other) = users.insert(sent.nonce, user.clone()).filter(|it| *it != user) {
                    prop_assert!(model.removed_by_quota.get(&other) >= Some(&sent.nonce));
                }
            }
        }
    }
}
