//! What the clones of a cache have in common.

use std::sync::Arc;

use super::{
    asked::Asked,
    builder::{Spawn, Times},
    check::{Check, Checked},
    in_flight::{Found, InFlight},
    invalidations::Invalidations,
    key::{Key, Keys, MacKey},
    proven::{Kept, Proven},
    refused::Refused,
};
use crate::{
    clock::Clock,
    ports::{BasicCredentials, CredentialValidator, Verdict},
};

/// The cache itself: what is kept, what is under way, and whom to ask.
pub(super) struct State<V> {
    pub(super) inner: V,
    pub(super) clock: Box<dyn Clock>,
    pub(super) times: Times,
    pub(super) spawn: Option<Spawn>,
    pub(super) mac_key: MacKey,
    pub(super) invalidations: Invalidations,
    pub(super) proven: Proven,
    pub(super) refused: Refused,
    pub(super) in_flight: InFlight<Verdict>,
}

impl<V: CredentialValidator> State<V> {
    /// The verdict that is at hand.
    pub(super) fn answer(self: &Arc<Self>, credentials: &BasicCredentials<'_>) -> Option<Verdict> {
        let (keys, asked) = (self.mac_key.of(credentials), self.asked(credentials));
        self.find(&keys, &asked, credentials)
    }

    /// The verdict that is at hand; from time to time it is asked for again.
    fn find(
        self: &Arc<Self>,
        keys: &Keys,
        asked: &Asked,
        credentials: &BasicCredentials<'_>,
    ) -> Option<Verdict> {
        let verdict = self.recall(keys, asked)?;
        if let Some(spawn) = &self.spawn
            && let Some(kept) = self.current(&keys.credentials, asked)
            && kept.is_to_be_refreshed(asked.at)
            && let Found::Check(check) = self.join(keys, asked, credentials, || None)
        {
            spawn(Box::pin(async move { drop(check.await) }));
        }
        Some(verdict)
    }

    /// The verdict that is at hand, or that the validator comes to.
    pub(super) async fn check(
        self: &Arc<Self>,
        credentials: BasicCredentials<'_>,
    ) -> Checked<Verdict> {
        let (key, found) = {
            let (keys, asked) = (self.mac_key.of(&credentials), self.asked(&credentials));
            if let Some(verdict) = self.find(&keys, &asked, &credentials) {
                return Ok(verdict);
            }
            let found = self.join(&keys, &asked, &credentials, || self.recall(&keys, &asked));
            (keys.credentials, found)
        };
        match found {
            Found::Answer(verdict) => Ok(verdict),
            Found::Check(check) => match check.await {
                Err(error) => self.stand_in(&key, &credentials).ok_or(error),
                checked => checked,
            },
        }
    }

    /// What is noted before anything is looked up or asked.
    fn asked(&self, credentials: &BasicCredentials<'_>) -> Asked {
        Asked {
            invalidations: self.invalidations.count(),
            last: self.invalidations.last(self.invalidations.place(credentials.user_id())),
            revision: self.inner.revision(credentials),
            at: self.clock.now(),
        }
    }

    fn recall(&self, keys: &Keys, asked: &Asked) -> Option<Verdict> {
        let kept = self.current(&keys.credentials, asked);
        match kept.filter(|kept| kept.is_fresh(asked.at) || kept.stands_in(asked.at)) {
            Some(kept) => Some(kept.verdict.clone()),
            None => self.refused.find(&keys.name(), &keys.credentials, asked),
        }
    }

    /// What is kept of these credentials, however old, unless the user has changed since.
    fn current(&self, key: &Key, asked: &Asked) -> Option<Arc<Kept>> {
        self.proven.find(key).filter(|kept| {
            let last = self.invalidations.last(kept.place);
            kept.asked.still_holds(asked) && kept.asked.invalidations >= last
        })
    }

    /// What may be used in place of an answer that did not come.
    fn stand_in(&self, key: &Key, credentials: &BasicCredentials<'_>) -> Option<Verdict> {
        let asked = self.asked(credentials);
        let kept = self.current(key, &asked)?;
        kept.fail(asked.at).then(|| kept.verdict.clone())
    }

    fn join(
        self: &Arc<Self>,
        keys: &Keys,
        asked: &Asked,
        credentials: &BasicCredentials<'_>,
        again: impl FnOnce() -> Option<Verdict>,
    ) -> Found<Verdict> {
        self.in_flight.join(keys.credentials, asked, again, |number| {
            let (key, name) = (keys.credentials, keys.name());
            let ticket = Ticket { state: Arc::clone(self), key, name, asked: *asked, number };
            ticket.begin(credentials)
        })
    }
}

/// Stands for a check under way; without it, the check is not on the list any more.
struct Ticket<V> {
    state: Arc<State<V>>,
    key: Key,
    name: Key,
    asked: Asked,
    number: u64,
}

impl<V: CredentialValidator> Ticket<V> {
    fn begin(self, credentials: &BasicCredentials<'_>) -> Check<Verdict> {
        let credentials = credentials.to_owned();
        Check::new(async move {
            let checked = self.state.inner.validate(credentials.as_borrowed()).await;
            self.state.in_flight.end(&self.key, self.number, || self.keep(&checked));
            checked
        })
    }

    fn keep(&self, checked: &Checked<Verdict>) {
        let State { invalidations, proven, refused, times, .. } = &*self.state;
        let Ok(verdict) = checked else { return };
        let kept = match verdict {
            Verdict::Accepted(account) | Verdict::Disabled(account) | Verdict::Expired(account) => {
                let place = invalidations.place(account.user().as_str());
                Kept::new(verdict, account, self.asked, place, times)
            }
            Verdict::WrongPassword => {
                refused.insert(self.name, self.key, false, self.asked);
                None
            }
            Verdict::UnknownUser => {
                refused.insert(self.name, self.key, true, self.asked);
                None
            }
        };
        match kept {
            Some(kept) => proven.insert(self.key, kept),
            None => proven.remove(&self.key),
        }
    }
}

impl<V> Drop for Ticket<V> {
    fn drop(&mut self) {
        self.state.in_flight.end(&self.key, self.number, || {});
    }
}
