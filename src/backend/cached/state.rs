//! What the clones of a cache have in common.

use std::sync::Arc;

use super::{
    asked::Asked,
    builder::{Spawn, Times},
    check::{Check, Checked},
    in_flight::Found,
    invalidations::Invalidations,
    key::{Key, Keys, MacKey},
    proven::Kept,
    question::{Answer, Question},
    rooms::Rooms,
};
use crate::{
    backend::{SecretLookup, Verdict},
    clock::Clock,
};

/// The cache itself: whom to ask, and what is kept.
pub(super) struct State<T> {
    pub(super) inner: T,
    pub(super) clock: Box<dyn Clock>,
    pub(super) times: Times,
    pub(super) spawn: Option<Spawn>,
    pub(super) mac_key: MacKey,
    pub(super) invalidations: Invalidations,
    pub(super) verdicts: Rooms<Verdict>,
    pub(super) secrets: Rooms<SecretLookup>,
}

impl<T: Send + Sync + 'static> State<T> {
    /// The answer that is at hand, or that is given.
    pub(super) async fn ask<Q: Question<T>>(self: &Arc<Self>, question: Q) -> Checked<Q::Answer> {
        let (key, found) = {
            let (keys, asked) = (question.keys(&self.mac_key), self.asked(question));
            if let Some(answer) = self.find(&keys, &asked, question) {
                return Ok(answer);
            }
            let again = || self.recall::<Q>(&keys, &asked);
            (keys.question, self.join(&keys, &asked, question, again))
        };
        match found {
            Found::Answer(answer) => Ok(answer),
            Found::Check(check) => match check.await {
                Err(error) if error.is_transient() => self.stand_in(&key, question).ok_or(error),
                Err(error) => {
                    // Not an outage: it may be this user who cannot be checked any more.
                    Q::rooms(self).proven.remove(&key);
                    Err(error)
                }
                checked => checked,
            },
        }
    }

    /// What is noted before anything is looked up or asked.
    fn asked<Q: Question<T>>(&self, question: Q) -> Asked {
        Asked {
            invalidations: self.invalidations.count(),
            last: self.invalidations.last(self.invalidations.place(question.name())),
            revision: question.revision(&self.inner),
            at: self.clock.now(),
        }
    }

    /// The answer that is at hand; from time to time it is asked for again.
    fn find<Q: Question<T>>(
        self: &Arc<Self>,
        keys: &Keys,
        asked: &Asked,
        question: Q,
    ) -> Option<Q::Answer> {
        let answer = self.recall::<Q>(keys, asked)?;
        if let Some(spawn) = &self.spawn
            && let Some(kept) = self.current::<Q>(&keys.question, asked)
            && kept.is_to_be_refreshed(asked.at)
            && let Found::Check(check) = self.join(keys, asked, question, || None)
        {
            spawn(Box::pin(async move { drop(check.await) }));
        }
        Some(answer)
    }

    fn recall<Q: Question<T>>(&self, keys: &Keys, asked: &Asked) -> Option<Q::Answer> {
        let kept = self.current::<Q>(&keys.question, asked);
        match kept.filter(|kept| kept.is_fresh(asked.at) || kept.stands_in(asked.at)) {
            Some(kept) => Some(kept.answer.clone()),
            None => {
                let refused = Q::rooms(self).refused.find(&keys.name(), &keys.question, asked);
                refused.map(Answer::refused)
            }
        }
    }

    /// What is kept for that question, however old, unless the user has changed since.
    fn current<Q: Question<T>>(&self, key: &Key, asked: &Asked) -> Option<Arc<Kept<Q::Answer>>> {
        Q::rooms(self).proven.find(key).filter(|kept| {
            let last = self.invalidations.last(kept.place);
            kept.asked.still_holds(asked) && kept.asked.invalidations >= last
        })
    }

    /// What may be used in place of an answer that did not come.
    fn stand_in<Q: Question<T>>(&self, key: &Key, question: Q) -> Option<Q::Answer> {
        let asked = self.asked(question);
        let kept = self.current::<Q>(key, &asked)?;
        kept.fail(asked.at).then(|| kept.answer.clone())
    }

    fn join<Q: Question<T>>(
        self: &Arc<Self>,
        keys: &Keys,
        asked: &Asked,
        question: Q,
        again: impl FnOnce() -> Option<Q::Answer>,
    ) -> Found<Q::Answer> {
        Q::rooms(self).in_flight.join(keys.question, asked, again, |number| {
            let ticket = Ticket {
                state: Arc::clone(self),
                rooms: Q::rooms,
                key: keys.question,
                name: keys.name(),
                asked: *asked,
                number,
            };
            ticket.begin(question.ask(Arc::clone(self)))
        })
    }
}

/// Stands for a check under way; without it, the check is not on the list any more.
struct Ticket<T, A: Answer> {
    state: Arc<State<T>>,
    rooms: fn(&State<T>) -> &Rooms<A>,
    key: Key,
    name: Key,
    asked: Asked,
    number: u64,
}

impl<T: Send + Sync + 'static, A: Answer> Ticket<T, A> {
    fn begin(self, asking: impl Future<Output = Checked<A>> + Send + 'static) -> Check<A> {
        Check::new(async move {
            let checked = asking.await;
            self.end(checked.as_ref().ok());
            checked
        })
    }
}

impl<T, A: Answer> Ticket<T, A> {
    fn end(&self, answer: Option<&A>) {
        let State { invalidations, times, .. } = &*self.state;
        let rooms = (self.rooms)(&self.state);
        rooms.in_flight.end(&self.key, self.number, || {
            if let Some(answer) = answer {
                rooms.keep(answer, (self.key, self.name), self.asked, invalidations, times);
            }
        });
    }
}

impl<T, A: Answer> Drop for Ticket<T, A> {
    fn drop(&mut self) {
        self.end(None);
    }
}
