//! Everything that the throttle remembers. A lock guards it, and no method waits.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Weak},
    task::Waker,
    time::Duration,
};

use super::{
    buckets::{Buckets, Room},
    keys::{KeyMaker, Keys},
    names::Names,
    proofs::{ProofKey, Proofs},
    rules::{Charge, Charges, Limits, Rule},
    waiters::Waiters,
};
use crate::{clock::Timestamp, revocation::RevocationHandle, throttle::Settle};

/// The maximum number of requests that share a hold. Browsers open up to 32 connections to a proxy.
const MAX_SHARED: u32 = 32;
/// The maximum number of holds that can be shared at a time. Others are not shared.
const MAX_SHAREABLE: usize = 4_096;
/// A step back of the clock by less than this makes the time stand still.
const MAX_STANDSTILL: Duration = Duration::from_secs(60);

pub(super) struct State {
    limits: Limits,
    buckets: Buckets,
    names: Names,
    proved_pairs: Proofs<()>,
    proved_credentials: Proofs<RevocationHandle>,
    shareable: HashMap<ShareKey, Shareable>,
    pub(super) waiters: Waiters,
    /// The time of the latest attempt.
    now: Timestamp,
    /// The number of holds that were made so far, and of those that exist.
    made: u64,
    running: usize,
}

/// Credentials that are the same in every request, and the peer.
type ShareKey = (ProofKey, Option<u64>);

struct Shareable {
    number: u64,
    hold: Weak<dyn Settle>,
    shared: u32,
}

/// What a hold takes, to be given back when it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub(super) number: u64,
    pub(super) keys: Keys,
    /// The number of checks of the peer that were running before.
    pub(super) rank: u32,
    charges: Charges,
}

/// Why an attempt is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// There were too many strikes. One is forgotten after this time.
    Struck(Duration),
    /// Running checks fill this bucket.
    Busy(usize),
}

impl State {
    pub(super) fn new(limits: Limits, capacity: usize) -> Self {
        Self {
            limits,
            buckets: Buckets::new(capacity),
            names: Names::new(),
            proved_pairs: Proofs::new(),
            proved_credentials: Proofs::new(),
            shareable: HashMap::with_capacity(MAX_SHAREABLE),
            waiters: Waiters::default(),
            now: Timestamp::default(),
            made: 0,
            running: 0,
        }
    }

    /// The number of holds.
    pub(super) const fn running(&self) -> usize {
        self.running
    }

    /// Takes places for an attempt, and makes a hold with what was taken; or shares the hold of the
    /// same credentials from the same peer.
    pub(super) fn admit(
        &mut self,
        keys: &Keys,
        maker: &KeyMaker,
        now: Timestamp,
        make: impl FnOnce(Taken) -> Arc<dyn Settle>,
    ) -> Result<Arc<dyn Settle>, Denied> {
        self.advance(now);
        let share_key = keys.credentials.map(|credentials| (credentials, keys.peer));
        if let Some(hold) = share_key.and_then(|key| self.share(key)) {
            return Ok(hold);
        }
        let charges = self.charges(keys, maker);
        // The bucket of the peer; of the user if the peer is unknown.
        let first = charges.iter().flatten().next();
        let rank = first.map_or(0, |charge| self.buckets.running(charge.bucket));
        self.take(&charges)?;
        (self.made, self.running) = (self.made + 1, self.running + 1);
        let number = self.made;
        let hold = make(Taken { number, keys: *keys, rank, charges });
        if let Some(key) = share_key
            && self.shareable.len() < MAX_SHAREABLE
        {
            let shareable = Shareable { number, hold: Arc::downgrade(&hold), shared: 1 };
            self.shareable.insert(key, shareable);
        }
        Ok(hold)
    }

    /// Lets the time pass. Threads may come a little late, and the clock may step back: the time
    /// stands still for up to a minute, and follows a larger step.
    fn advance(&mut self, now: Timestamp) {
        if now > self.now || self.now.saturating_since(now) >= MAX_STANDSTILL {
            self.now = now;
        }
    }

    fn share(&mut self, key: ShareKey) -> Option<Arc<dyn Settle>> {
        let shareable = self.shareable.get_mut(&key).filter(|it| it.shared < MAX_SHARED)?;
        let hold = shareable.hold.upgrade()?;
        shareable.shared += 1;
        Some(hold)
    }

    /// The buckets of an attempt.
    fn charges(&mut self, keys: &Keys, maker: &KeyMaker) -> Charges {
        let charge = |rule, key| Some(Charge { rule, bucket: self.buckets.index(key) });
        let accepted = keys.credentials.filter(|&credentials| {
            let handle = self.proved_credentials.get(credentials, self.now);
            handle.is_some_and(|handle| !handle.is_revoked())
        });
        if let Some(credentials) = accepted {
            let key = maker.proved_credentials(credentials, keys.peer);
            return [charge(Rule::ProvedCredentials, key), None, None];
        }
        let user = keys.name.map(|name| self.names.resolve(name));
        let pair = user.zip(keys.peer);
        let proved = pair.filter(|&pair| {
            let key = pair_proof(pair, maker);
            self.proved_pairs.get(key, self.now).is_some()
        });
        if let Some((user, peer)) = proved {
            return [charge(Rule::ProvedPair, maker.proved_pair(user, peer)), None, None];
        }
        let unnamed = || keys.peer.is_none().then(|| maker.unnamed());
        [
            keys.peer.and_then(|peer| charge(Rule::Peer, peer)),
            pair.and_then(|(user, peer)| charge(Rule::PeerAndUser, maker.pair(user, peer))),
            user.or_else(unnamed).and_then(|user| charge(Rule::User, user)),
        ]
    }

    /// Takes a place in each bucket, or in none.
    fn take(&mut self, charges: &Charges) -> Result<(), Denied> {
        let charges = || charges.iter().flatten();
        let mut longest = None;
        for charge in charges() {
            let limits = charge.rule.limits(&self.limits);
            if let Room::Struck(wait) = self.buckets.room(charge.bucket, limits, self.now) {
                longest = longest.max(Some(wait));
            }
        }
        if let Some(wait) = longest {
            return Err(Denied::Struck(wait));
        }
        // One at a time, since two keys of an attempt may share a bucket.
        for (taken, charge) in charges().enumerate() {
            let limits = charge.rule.limits(&self.limits);
            if self.buckets.room(charge.bucket, limits, self.now) != Room::Free {
                for charge in charges().take(taken) {
                    self.buckets.finish(charge.bucket, charge.rule.counts_failures());
                }
                return Err(Denied::Busy(charge.bucket));
            }
            self.buckets.start(charge.bucket, charge.rule.counts_failures());
        }
        Ok(())
    }

    /// Turns the pending check of a hold into a strike, once for each hold. The `user` is the one
    /// that the name led to, if the back end knows. The hold continues.
    #[must_use]
    pub(super) fn strike(&mut self, taken: &Taken, user: Option<u64>) -> Option<Waker> {
        if let Some(credentials) = taken.keys.credentials {
            self.proved_credentials.remove(credentials);
        }
        // The same credentials again are another attempt.
        self.stop_sharing(taken);
        self.learn(taken, user);
        let mut waker = None;
        for charge in taken.charges.iter().flatten().filter(|it| it.rule.counts_failures()) {
            let user = user.filter(|_| charge.rule == Rule::User);
            let struck = user.map_or(charge.bucket, |user| self.buckets.index(user));
            self.buckets.settle(charge.bucket);
            self.buckets.strike(struck, self.now);
            if struck != charge.bucket {
                waker = self.waiters.wake(charge.bucket);
            }
        }
        waker
    }

    /// Records a success.
    pub(super) fn accept(
        &mut self,
        taken: &Taken,
        user: u64,
        handle: &RevocationHandle,
        maker: &KeyMaker,
    ) {
        self.learn(taken, Some(user));
        if let Some(peer) = taken.keys.peer {
            self.proved_pairs.insert(pair_proof((user, peer), maker), self.now, ());
        }
        if let Some(credentials) = taken.keys.credentials {
            self.proved_credentials.insert(credentials, self.now, handle.clone());
        }
    }

    /// Gives back what a hold has taken. Returns the wakers of attempts that may be admitted now.
    #[must_use]
    pub(super) fn release(&mut self, taken: &Taken, struck: bool) -> [Option<Waker>; 3] {
        self.running = self.running.saturating_sub(1);
        self.stop_sharing(taken);
        taken.charges.map(|charge| {
            let Charge { rule, bucket } = charge?;
            self.buckets.finish(bucket, rule.counts_failures() && !struck);
            self.waiters.wake(bucket)
        })
    }

    fn learn(&mut self, taken: &Taken, user: Option<u64>) {
        if let (Some(name), Some(user)) = (taken.keys.name, user) {
            self.names.learn(name, user);
        }
    }

    fn stop_sharing(&mut self, taken: &Taken) {
        let Some(credentials) = taken.keys.credentials else { return };
        let key = (credentials, taken.keys.peer);
        if let Entry::Occupied(entry) = self.shareable.entry(key)
            && entry.get().number == taken.number
        {
            entry.remove();
        }
    }
}

fn pair_proof((user, peer): (u64, u64), maker: &KeyMaker) -> ProofKey {
    [maker.proved_pair(user, peer), user]
}
