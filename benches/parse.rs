//! The cost of refusing fields that are made to be expensive.
//!
//! Each is measured in several lengths. If the throughput is the same, the cost is linear in the
//! length. `decide` measures normal fields.

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use support::{
    engine::{self, both, decide, users},
    hostile,
    operation::{Group, criterion},
};
use tower_proxy_auth::authenticator::ProxyAuthorization;

criterion_group! {
    name = benches;
    config = criterion();
    targets = hostile_fields
}
criterion_main!(benches);

fn hostile_fields(criterion: &mut Criterion) {
    let auth = both(users(1));
    let request = engine::request(None);
    for kind in &hostile::KINDS {
        let mut group = Group::new(criterion, format!("parse/hostile/{}", kind.name));
        for (length, rest) in kind.in_each_length() {
            let field = kind.field(&rest);
            group.reads(field.len());
            let prepare = || ProxyAuthorization::One(field.clone());
            group.measure(&length, prepare, |field| decide(&auth, &request, field));
        }
    }
}
