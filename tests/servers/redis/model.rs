//! Compares the store with a trivial model that remembers everything.

use std::collections::{HashMap, HashSet};

use proptest::{prelude::*, test_runner::TestRunner};
use tower_proxy_auth::nonce_store::{
    NonceStore as _,
    NonceUse::{self, Forgotten, Fresh, OtherUser, Replayed},
};

use super::{Redis, SECOND, Sent, builder, connected};

/// The simplest form of the rules.
#[derive(Default)]
struct Model {
    window: u64,
    nonces: HashMap<usize, (String, HashSet<u32>)>,
}

impl Model {
    fn check(&mut self, nonce: usize, is_expired: bool, user: &str, count: u32) -> NonceUse {
        if is_expired {
            return Forgotten;
        }
        let (owner, counts) =
            self.nonces.entry(nonce).or_insert_with(|| (user.to_owned(), HashSet::new()));
        let highest = counts.iter().copied().max().unwrap_or_default();
        if owner != user {
            OtherUser
        } else if u64::from(count) + self.window <= u64::from(highest) || !counts.insert(count) {
            Replayed
        } else {
            Fresh
        }
    }
}

/// A nonce, a user and a count of each request.
fn traffic() -> impl Strategy<Value = Vec<(usize, u8, u32)>> {
    let count = prop_oneof![
        6 => 1..6_u32,
        4 => 1..300_u32,
        1 => Just(u32::MAX),
        1 => u32::MAX - 200..u32::MAX,
    ];
    let user = prop_oneof![9 => Just(0_u8), 1 => Just(1_u8)];
    prop::collection::vec((0..5_usize, user, count), 1..150)
}

#[test]
#[ignore = "needs redis-server"]
fn answers_like_the_model() {
    let server = Redis::start();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let stores = [64, 100, 128].map(|window| {
        let builder = builder(&server).with_prefix(format!("{window}:")).with_window(window);
        (window, runtime.block_on(async { connected(builder).await }))
    });
    let mut runner = TestRunner::new(ProptestConfig { cases: 150, ..ProptestConfig::default() });
    let cases = (0..stores.len(), traffic());
    let outcome = runner.run(&cases, |(store, traffic)| {
        let (window, store) = &stores[store];
        let mut model = Model { window: u64::from(*window), ..Model::default() };
        // The last nonce has just expired.
        let nonces: Vec<_> = [0, 1, 30, 359, 361]
            .map(|age| Sent::new(store.epoch().unwrap()).aged(SECOND * age))
            .to_vec();
        let expired = |nonce: usize| nonce == 4;
        for (nonce, user, count) in traffic {
            let user = format!("user {user}");
            let sent = nonces[nonce].by(&user).count(count);
            let answer = runtime.block_on(sent.to(store)).unwrap();
            let expected = model.check(nonce, expired(nonce), &user, count);
            prop_assert_eq!(answer, expected, "{:?}", sent);
        }
        Ok(())
    });
    outcome.unwrap();
}
