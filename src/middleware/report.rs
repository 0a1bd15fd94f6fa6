//! Makes the event of a request.

use std::{fmt, sync::Arc, time::SystemTime};

use http::StatusCode;

use super::layer::Options;
use crate::{
    authenticator::{Authenticator, Refusal},
    clock::Timestamp,
    event::{AuthEvent, Outcome},
    head::RequestHead,
    identity::Identity,
};

/// The event of a request in progress. The observers receive it when this is dropped: that is when
/// the head of the response is there, or when there will be none.
pub(super) struct Report {
    event: AuthEvent,
    /// While the credentials are checked.
    check_start: Option<Timestamp>,
    auth: Authenticator,
    options: Arc<Options>,
}

impl Report {
    /// Starts the event of a request; `None` without observers.
    pub(super) fn start(
        head: &RequestHead<'_>,
        auth: &Authenticator,
        options: &Arc<Options>,
    ) -> Option<Box<Self>> {
        if options.observers.is_empty() {
            return None;
        }
        let event = AuthEvent {
            outcome: Outcome::Cancelled,
            status: None,
            scheme: None,
            algorithm: None,
            realm: None,
            user: None,
            claimed_user: None,
            source: None,
            peer: head.peer(),
            method: head.method().clone(),
            target: head.target().clone(),
            time: SystemTime::UNIX_EPOCH,
            check_time: None,
            id: options.references.make(),
        };
        let (auth, options) = (auth.clone(), Arc::clone(options));
        Some(Box::new(Self { event, check_start: None, auth, options }))
    }

    pub(super) fn begin_check(&mut self, scheme: &'static str) {
        self.event.scheme = Some(scheme);
        self.check_start = Some(self.auth.now());
    }

    pub(super) fn end_check(&mut self) {
        if let Some(start) = self.check_start.take() {
            self.event.check_time = Some(self.auth.now().saturating_since(start));
        }
    }

    /// Notes that the request is forwarded; without an identity, it bypasses authentication.
    pub(super) fn forward(&mut self, identity: Option<&Identity>) {
        let Some(identity) = identity else {
            self.event.outcome = Outcome::Bypassed;
            return;
        };
        self.event.outcome = Outcome::Forwarded;
        self.event.realm = Some(identity.realm().clone());
        self.event.user = identity.user().cloned();
        if !identity.is_anonymous() {
            self.event.scheme = Some(identity.scheme());
            self.event.algorithm = identity.algorithm();
        }
    }

    /// Notes a refusal, and gives it the reference of the request. A refusal that has a reference
    /// already keeps it.
    pub(super) fn refuse(&mut self, refusal: &mut Refusal) {
        let event = &mut self.event;
        event.id = *refusal.reference_id.get_or_insert(event.id);
        event.outcome = Outcome::Refused(refusal.reason());
        event.source.clone_from(&refusal.source);
        // Those of the identity stay if a service further in has refused the request.
        event.scheme = refusal.scheme().or(event.scheme);
        event.algorithm = refusal.algorithm().or(event.algorithm);
        event.realm = refusal.realm().cloned().or(event.realm.take());
        let user = refusal.account().map(|account| account.user().clone());
        event.user = user.or(event.user.take());
        if event.user.is_none() {
            event.claimed_user = refusal.claimed_user().cloned();
        }
    }

    /// Sends the event of a request that gets a response.
    pub(super) fn finish(mut self: Box<Self>, status: StatusCode) {
        self.event.status = Some(status);
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.end_check();
        self.event.time = SystemTime::now();
        self.options.observers.notify(&self.event);
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("event", &self.event).finish_non_exhaustive()
    }
}
