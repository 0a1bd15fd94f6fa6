//! Looks up the users who are logged in, and revokes those whose record has changed.

use std::{
    future::{Future, poll_fn},
    hash::{BuildHasher as _, RandomState},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    vec,
};

use super::{Authenticator, engine::Engine};
use crate::{
    backend::AccountLookup,
    error::BackendError,
    identity::Account,
    revocation::{LiveLogin, LiveUser},
    user_id::UserId,
    wire::Realm,
};

/// The maximum number of look-ups that run at once.
const MAX_LOOKUPS: usize = 8;

/// The result of a [re-check](Authenticator::recheck), for the log. A user who is logged in by two
/// schemes counts as two.
#[derive(Debug, Default)]
#[must_use]
pub struct Recheck {
    checked: usize,
    unsupported: usize,
    unchecked: usize,
    revoked: Vec<(Realm, UserId)>,
    error: Option<BackendError>,
}

impl Recheck {
    /// The number of users whom their source has looked up, whether it knows them or not.
    #[must_use]
    pub const fn checked(&self) -> usize {
        self.checked
    }

    /// The number of users whose source cannot look up users without a password.
    #[must_use]
    pub const fn unsupported(&self) -> usize {
        self.unsupported
    }

    /// The number of users who were not looked up because their source failed.
    #[must_use]
    pub const fn unchecked(&self) -> usize {
        self.unchecked
    }

    /// The users whose access ended.
    pub fn revoked(&self) -> impl ExactSizeIterator<Item = (&Realm, &UserId)> {
        self.revoked.iter().map(|(realm, user)| (realm, user))
    }

    /// The first failure of a source.
    #[must_use]
    pub const fn error(&self) -> Option<&BackendError> {
        self.error.as_ref()
    }
}

impl Authenticator {
    /// Looks up every user who is logged in, in the source that admitted them, and ends the access
    /// of those who are unknown there or whose [change stamp] differs from that of their login.
    ///
    /// Call it at an interval if users are in a directory or a database, which do not report
    /// changes. It makes one pass: at most 8 look-ups run at once, and those of users who leave
    /// meanwhile are omitted. A user who logs in again with the changed record keeps that login.
    ///
    /// A failure ends nobody's access. A [transient](BackendError::is_transient) one ends the pass
    /// for its scheme, so that an outage does not cost a timeout for each user; the next pass starts
    /// with another user. After a permanent one, the pass continues with the next user.
    ///
    /// Without [`with_rechecks`], nobody is recorded as logged in, and it does nothing. It needs no
    /// runtime but that of the sources.
    ///
    /// # Examples
    /// ```
    /// # use std::time::Duration;
    /// # use tower_proxy_auth::Authenticator;
    /// # async fn watch(auth: Authenticator) {
    /// loop {
    ///     tokio::time::sleep(Duration::from_secs(60)).await;
    ///     let result = auth.recheck().await;
    ///     for (realm, user) in result.revoked() {
    ///         println!("{:?} of {realm:?} was logged out", user.as_str());
    ///     }
    ///     if let Some(error) = result.error() {
    ///         eprintln!("{error}: {} users were not checked", result.unchecked());
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// [change stamp]: Account::change_stamp
    /// [`with_rechecks`]: super::AuthenticatorBuilder::with_rechecks
    pub async fn recheck(&self) -> Recheck {
        let mut pass = Pass::new(&self.0);
        poll_fn(|cx| pass.poll(cx)).await;
        pass.result
    }
}

struct Pass<'a> {
    engine: &'a Engine,
    waiting: vec::IntoIter<LiveUser>,
    running: Vec<Lookup>,
    /// The schemes whose source has failed for the time being.
    failed: Vec<&'static str>,
    result: Recheck,
}

type Lookup = Pin<Box<dyn Future<Output = (LiveUser, Found)> + Send>>;
type Found = Result<AccountLookup, BackendError>;

impl<'a> Pass<'a> {
    fn new(engine: &'a Engine) -> Self {
        let mut users = engine.revocations.live_users();
        // A pass that ends early must not skip the same users each time.
        let start = RandomState::new().hash_one(()) as usize;
        let start = start.checked_rem(users.len()).unwrap_or(0);
        users.rotate_left(start);
        let (waiting, result) = (users.into_iter(), Recheck::default());
        Self { engine, waiting, running: Vec::new(), failed: Vec::new(), result }
    }

    /// Ready at the end of the pass.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.running.len() < MAX_LOOKUPS {
            let Some(user) = self.waiting.next() else { break };
            self.start(user);
        }
        let mut finished = Vec::new();
        self.running.retain_mut(|lookup| match lookup.as_mut().poll(cx) {
            Poll::Ready(found) => {
                finished.push(found);
                false
            }
            Poll::Pending => true,
        });
        if finished.is_empty() {
            return if self.running.is_empty() { Poll::Ready(()) } else { Poll::Pending };
        }
        for (user, found) in finished {
            self.finish(&user, found);
        }
        // Other tasks run between the look-ups of many users in memory.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn start(&mut self, user: LiveUser) {
        if !user.logins.iter().any(LiveLogin::is_live) {
            return;
        }
        if self.failed.contains(&user.scheme) {
            self.result.unchecked += 1;
            return;
        }
        let scheme = self.engine.schemes.iter().find(|scheme| scheme.name() == user.scheme);
        let Some(scheme) = scheme.map(Arc::clone) else { return };
        self.running.push(Box::pin(async move {
            let found = scheme.account(&user.realm, &user.user).await;
            (user, found)
        }));
    }

    fn finish(&mut self, user: &LiveUser, found: Found) {
        let now = match found {
            Ok(AccountLookup::Known(account)) => Some(account),
            Ok(AccountLookup::Unknown) => None,
            Ok(AccountLookup::Unsupported) => {
                self.result.unsupported += 1;
                return;
            }
            Err(error) => return self.fail(user, error),
        };
        self.result.checked += 1;
        let has_changed = |login: &&LiveLogin| {
            now.as_ref().is_none_or(|account: &Account| account.change_stamp() != login.stamp)
        };
        let mut is_revoked = false;
        for login in user.logins.iter().filter(has_changed).filter(|login| login.is_live()) {
            self.engine.revocations.revoke_login(user, login);
            is_revoked = true;
        }
        if is_revoked {
            self.result.revoked.push((user.realm.clone(), user.user.clone()));
        }
    }

    fn fail(&mut self, user: &LiveUser, error: BackendError) {
        self.result.unchecked += 1;
        if error.is_transient() && !self.failed.contains(&user.scheme) {
            self.failed.push(user.scheme);
        }
        self.result.error.get_or_insert(error);
    }
}
