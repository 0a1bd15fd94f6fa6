//! The cost of the throttle in memory for one request: to admit it, to settle its ticket, and to
//! drop the ticket.

mod support;

use std::{
    net::{IpAddr, Ipv4Addr},
    pin::pin,
    task::{Context, Poll, Waker},
};

use criterion::{Criterion, criterion_group, criterion_main};
use support::{
    engine::{PASSWORD, USER, WRONG_PASSWORD, realm},
    operation::{Group, criterion},
};
use tower_proxy_auth::{
    Realm, UserId,
    clock::Timestamp,
    revocation::{RevocationHandle, Revocations},
    scheme::{Claim, Claimant},
    throttle::{Admission, Attempt, MemoryThrottle, Settlement, Throttle, Ticket},
};

/// The number of peers: more than fit into the caches of a processor.
const PEERS: u32 = 50_000;

criterion_group! {
    name = benches;
    config = criterion();
    targets = requests
}
criterion_main!(benches);

/// A throttle and the user who logs in.
struct Scene {
    throttle: MemoryThrottle,
    realm: Realm,
    user: UserId,
    revocation: RevocationHandle,
}

impl Scene {
    fn new() -> Self {
        let throttle = MemoryThrottle::builder().build().expect("valid options");
        let (realm, user) = (realm(), UserId::new(USER));
        let revocations = Revocations::new();
        let handle = revocations.handle(&realm, &user, revocations.start_check());
        Self { throttle, realm, user, revocation: handle.expect("not revoked") }
    }

    fn admit(&self, peer: u32, claim: Claim<'_>) -> Option<Ticket> {
        let now = Timestamp::from_micros(1_000_000_000);
        let peer = IpAddr::from(Ipv4Addr::from_bits(peer));
        let attempt = Attempt::new(&self.realm, claim, now).with_peer(Some(peer));
        let admission = pin!(self.throttle.admit(attempt));
        match admission.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(Admission::Allowed(ticket))) => Some(ticket),
            _ => None,
        }
    }

    /// A request whose credentials are right.
    fn accept(&self, peer: u32, claim: Claim<'_>) {
        let ticket = self.admit(peer, claim).expect("it is admitted");
        ticket.settle(Settlement::Accepted { user: &self.user, revocation: &self.revocation });
    }
}

fn requests(criterion: &mut Criterion) {
    let mut group = Group::new(criterion, "throttle");
    let digest = Claim::new(Claimant::Name(USER));
    let basic = digest.with_fixed_secret(PASSWORD);
    let mut peers = (0..PEERS).cycle();
    let mut next = move || peers.next().expect("the cycle has no end");

    let scene = Scene::new();
    group.measure("Basic, accepted before", || 1, |peer| scene.accept(peer, basic));
    group.measure("Basic, accepted before, of many peers", &mut next, |peer| {
        scene.accept(peer, basic);
    });
    let scene = Scene::new();
    group.measure("Digest, accepted before", || 1, |peer| scene.accept(peer, digest));
    let scene = Scene::new();
    group.measure("a stranger, whose check fails", &mut next, |peer| {
        let ticket = scene.admit(peer, basic).expect("it is admitted");
        ticket.settle(Settlement::Neutral);
    });
    let scene = Scene::new();
    let guess = digest.with_fixed_secret(WRONG_PASSWORD);
    while let Some(ticket) = scene.admit(1, guess) {
        ticket.settle(Settlement::Strike { user: None });
    }
    group.measure(
        "a guess past the limit",
        || 1,
        |peer| {
            assert!(scene.admit(peer, guess).is_none());
        },
    );
}
