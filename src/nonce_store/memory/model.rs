//! The store against a naive model that remembers everything.

use foldhash::quality::RandomState;
use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::{
    shard::{Limits, SWEPT_PER_CALL, Shard},
    support::{LIFETIME, Sent, sent},
};
use crate::nonce_store::NonceUse::{self, Forgotten, Fresh, OtherUser, Replayed};

/// The rules again, in the plainest words: lists that are searched from end to end, all counts of
/// a nonce, and no watermark that is ever forgotten.
#[derive(Default)]
struct Model {
    capacity: usize,
    window: u32,
    live: Vec<Live>,
    /// The highest nonce that expired or was evicted.
    removed: Option<u64>,
    /// The highest nonce that each user's quota took, for good.
    removed_by_quota: HashMap<String, u64>,
}

struct Live {
    nonce: u64,
    user: String,
    counts: HashSet<u32>,
}

impl Model {
    fn check(&mut self, sent: &Sent) -> NonceUse {
        let (nonce, user) = (sent.nonce, sent.user.as_str());
        self.live.sort_by_key(|live| live.nonce);
        for _ in 0..SWEPT_PER_CALL {
            if self.live.first().is_some_and(|live| live.nonce + LIFETIME <= sent.now) {
                self.drop_oldest();
            }
        }
        if sent.now >= nonce + LIFETIME {
            return Forgotten;
        }
        if let Some(live) = self.live.iter_mut().find(|live| live.nonce == nonce) {
            let highest = live.counts.iter().copied().max().unwrap();
            return if live.user != user {
                OtherUser
            } else if sent.count.saturating_add(self.window) <= highest {
                Replayed
            } else if live.counts.insert(sent.count) {
                Fresh
            } else {
                Replayed
            };
        }
        let by_quota = self.removed_by_quota.get(user).copied();
        if self.removed.max(by_quota).is_some_and(|removed| nonce <= removed) {
            return Forgotten;
        }
        let quota = (self.capacity / 16).max(1);
        let own = || self.live.iter().enumerate().filter(|(_, live)| live.user == user);
        if own().count() >= quota {
            let (index, oldest) = own().next().map(|(index, live)| (index, live.nonce)).unwrap();
            if nonce < oldest {
                return Forgotten;
            }
            self.live.remove(index);
            self.removed_by_quota.insert(user.to_owned(), oldest);
        } else if self.live.len() >= self.capacity {
            if self.live.first().is_some_and(|live| nonce < live.nonce) {
                return Forgotten;
            }
            self.drop_oldest();
        }
        let counts = HashSet::from([sent.count]);
        self.live.push(Live { nonce, user: user.to_owned(), counts });
        Fresh
    }

    fn drop_oldest(&mut self) {
        let dropped = self.live.remove(0).nonce;
        self.removed = self.removed.max(Some(dropped));
    }
}

fn check(shard: &mut Shard, sent: &Sent) -> NonceUse {
    // The hash of these tests is the nonce itself, scrambled: a failure can be played back.
    let hash = (sent.nonce as u32).wrapping_mul(0x9e37_79b9);
    sent.to(|presentation| shard.check(&presentation, hash))
}

/// Nonces are issued at times around a clock that mostly goes forward, and sometimes back, so that
/// nonces meet again, expire and are evicted.
fn traffic() -> impl Strategy<Value = Vec<Sent>> {
    let step = prop_oneof![
        30 => 0..40_i64,
        3 => Just(-60_i64),
        1 => Just(LIFETIME as i64 + 50),
        1 => Just(-(LIFETIME as i64) - 50),
    ];
    let count = prop_oneof![6 => 1..6_u32, 2 => 1..140_u32, 1 => Just(u32::MAX)];
    let one = (step, 0..4_u8, 0..60_u64, count);
    prop::collection::vec(one, 1..400).prop_map(|steps| {
        let mut now = 10_000_i64;
        let send = |(step, user, age, count): (i64, u8, u64, u32)| {
            now = (now + step).max(LIFETIME as i64 * 2);
            let nonce = (now as u64).saturating_sub(age * 20) / 10;
            sent(&format!("user {user}"), nonce * 10, count).at(now as u64)
        };
        steps.into_iter().map(send).collect()
    })
}

fn capacity() -> impl Strategy<Value = usize> {
    prop_oneof![1..4_usize, 4..40_usize, Just(64_usize)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn answers_like_the_model_that_remembers_everything(
        capacity in capacity(),
        window in prop_oneof![Just(64_u32), Just(128_u32)],
        traffic in traffic(),
    ) {
        let mut shard = Shard::new(Limits { capacity, window }, RandomState::default());
        let mut model = Model { capacity, window, ..Model::default() };
        for sent in traffic {
            prop_assert_eq!(check(&mut shard, &sent), model.check(&sent), "{:?}", sent);
            shard.assert_consistent();
        }
    }

    #[test]
    fn nothing_is_fresh_twice_and_no_more_than_the_capacity_is_kept(
        capacity in capacity(),
        traffic in traffic(),
    ) {
        let mut shard = Shard::new(Limits { capacity, window: 64 }, RandomState::default());
        let mut fresh = HashSet::new();
        for sent in traffic {
            if check(&mut shard, &sent) == Fresh {
                let first = fresh.insert((sent.nonce, sent.count, sent.user.clone()));
                prop_assert!(first, "{sent:?} passed twice");
            }
            prop_assert!(shard.len() <= capacity);
        }
    }

    #[test]
    fn a_nonce_changes_hands_only_where_a_quota_took_it(traffic in traffic()) {
        // Four users, each of whom may hold as many nonces as there are.
        let mut shard = Shard::new(Limits { capacity: 16_000, window: 64 }, RandomState::default());
        let (mut fresh, mut owners) = (HashSet::new(), HashMap::new());
        for sent in traffic {
            if check(&mut shard, &sent) == Fresh {
                prop_assert!(fresh.insert((sent.nonce, sent.count)), "{sent:?} passed twice");
                let owner = owners.entry(sent.nonce).or_insert_with(|| sent.user.clone());
                prop_assert_eq!(&*owner, &sent.user);
            }
        }
    }
}
