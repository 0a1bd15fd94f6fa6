//! The cost of inserting the `Identity` into the extensions of a request.

use std::hint::black_box;

use http::Extensions;
use tower_proxy_auth::{Account, Identity, Realm};

use crate::{
    engine::{USER, realm},
    measure::{Subject, Work},
};

pub(crate) const IDENTITY: &str = "an Identity into empty extensions";

pub(crate) fn subjects() -> Vec<Subject> {
    vec![Subject::new(IDENTITY, Insertion { account: Account::new(USER), realm: realm() })]
}

struct Insertion {
    account: Account,
    realm: Realm,
}

impl Work for Insertion {
    fn prepare(&mut self, _: usize) {}

    fn run(&mut self, operations: usize) {
        for _ in 0..operations {
            let (account, realm) = (self.account.clone(), self.realm.clone());
            let mut extensions = Extensions::new();
            extensions.insert(Identity::new(account, "Basic", realm));
            drop(black_box(extensions));
        }
    }
}
