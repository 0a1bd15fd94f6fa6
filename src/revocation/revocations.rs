//! The interface of the registry for sources, caches and the engine.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use super::{
    LiveLogin, LiveUser, RevocationHandle,
    live::Login,
    registry::{Entry, Registry},
};
use crate::{change_stamp::ChangeStamp, user_id::UserId, wire::Realm};

/// Ends the access of users who are logged in, and voids their cached verdicts.
///
/// Every [`Identity`](crate::Identity) and every cached verdict of a user of a realm holds the same
/// [`RevocationHandle`]. [`revoke`](Self::revoke) sets its flag; the next login gets a new handle.
/// A check that is running at that moment is void too, because it may have read the old record.
///
/// The authenticator makes a registry, or takes one from
/// [`with_revocations`](crate::authenticator::AuthenticatorBuilder::with_revocations), and attaches
/// it to each of its sources of users. A source changes the stored record first, then revokes.
/// Clones share the registry. It needs no runtime, and its memory is proportional to the number of
/// live handles.
///
/// # Examples
/// ```
/// use tower_proxy_auth::{Realm, UserId, revocation::Revocations};
///
/// let (realm, alice) = (Realm::new("proxy")?, UserId::new("alice"));
/// let revocations = Revocations::new();
/// let handle = revocations.handle(&realm, &alice, revocations.start_check()).ok_or("revoked")?;
/// revocations.revoke(&realm, &alice);
/// assert!(handle.is_revoked());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Revocations {
    registry: Arc<Registry>,
    /// The only realm whose users can be revoked through this value.
    realm: Option<Realm>,
}

/// When a check of credentials began, as a position in the sequence of revocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckStart(pub(super) u64);

impl Revocations {
    /// Creates an empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the same registry, restricted to the users of `realm`. If it is restricted already,
    /// it stays as it is.
    #[must_use]
    pub fn for_realm(&self, realm: &Realm) -> Self {
        let only = self.realm.as_ref().unwrap_or(realm);
        Self { registry: Arc::clone(&self.registry), realm: Some(only.clone()) }
    }

    /// Revokes the access of `user` in `realm`.
    pub fn revoke(&self, realm: &Realm, user: &UserId) {
        if self.reaches(realm) {
            self.registry.revoke(user, |entry| entry.realm == *realm);
        }
    }

    /// Revokes the access of `user` in every realm, for a source without realms.
    pub fn revoke_in_all_realms(&self, user: &UserId) {
        self.registry.revoke(user, |entry| self.reaches(&entry.realm));
    }

    /// Notes the beginning of a check. Call it before you read any stored data.
    #[must_use]
    pub fn start_check(&self) -> CheckStart {
        CheckStart(self.registry.count())
    }

    /// The handle of a user who has passed a check that began at `start`; `None` if the user may
    /// have been revoked since, so that the result of the check is void.
    ///
    /// A [re-check](crate::Authenticator::recheck) revokes it together with the logins whose record
    /// has changed.
    #[must_use]
    pub fn handle(
        &self,
        realm: &Realm,
        user: &UserId,
        start: CheckStart,
    ) -> Option<RevocationHandle> {
        self.access((realm, user, None), start, None).map(|access| access.handle)
    }

    /// The access of a user with a change stamp, as [`handle`](Self::handle). A user who was
    /// admitted by a `scheme` is among the [live users](Self::live_users) for as long as the result
    /// is held.
    pub(crate) fn access(
        &self,
        user: (&Realm, &UserId, Option<ChangeStamp>),
        start: CheckStart,
        scheme: Option<&'static str>,
    ) -> Option<Access> {
        self.registry.access(user, start, scheme)
    }

    /// The users who were admitted by a scheme and are still logged in.
    pub(crate) fn live_users(&self) -> Vec<LiveUser> {
        self.registry.live_users()
    }

    /// Revokes one login of a user, and what holds a handle for no particular record. Logins of the
    /// user with another change stamp continue.
    pub(crate) fn revoke_login(&self, user: &LiveUser, login: &LiveLogin) {
        let is_concerned = |entry: &Entry| {
            entry.realm == user.realm && (entry.stamp.is_none() || entry.stamp == login.stamp)
        };
        if self.reaches(&user.realm) && login.is_live() {
            self.registry.revoke(&user.user, is_concerned);
        }
    }

    fn reaches(&self, realm: &Realm) -> bool {
        self.realm.as_ref().is_none_or(|only| only == realm)
    }

    /// Whether both reach the same users of the same registry.
    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.registry, &other.registry) && self.realm == other.realm
    }
}

impl fmt::Debug for Revocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revocations").field("realm", &self.realm).finish_non_exhaustive()
    }
}

/// The access of a user who has passed a check.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) handle: RevocationHandle,
    /// `None` if the login is not recorded for re-checks.
    pub(super) _login: Option<Arc<Login>>,
}

/// The registries that a source is attached to.
#[derive(Default)]
pub(crate) struct Attached(RwLock<Vec<Revocations>>);

impl Attached {
    pub(crate) fn add(&self, revocations: &Revocations) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !all.iter().any(|one| one.is_same(revocations)) {
            all.push(revocations.clone());
        }
    }

    pub(crate) fn revoke(&self, realm: &Realm, user: &UserId) {
        self.read().iter().for_each(|revocations| revocations.revoke(realm, user));
    }

    #[cfg(any(feature = "htdigest", feature = "htpasswd"))]
    pub(crate) fn revoke_in_all_realms(&self, user: &UserId) {
        self.read().iter().for_each(|revocations| revocations.revoke_in_all_realms(user));
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Revocations>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "cached")]
impl Attached {
    /// The number of registries.
    pub(crate) fn len(&self) -> usize {
        self.read().len()
    }

    /// Notes the beginning of a check in each registry.
    pub(crate) fn start_check(&self) -> Vec<CheckStart> {
        self.read().iter().map(Revocations::start_check).collect()
    }

    /// The handles of a user in each registry; `None` if the user may have been revoked in one
    /// since `starts`, or if another registry was attached.
    pub(crate) fn handles(
        &self,
        user: (&Realm, &UserId, Option<ChangeStamp>),
        starts: &[CheckStart],
    ) -> Option<Box<[RevocationHandle]>> {
        let all = self.read();
        let pairs = (all.len() == starts.len()).then(|| all.iter().zip(starts))?;
        let access = |(revocations, &start): (&Revocations, _)| {
            revocations.access(user, start, None).map(|access| access.handle)
        };
        pairs.map(access).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        task::{Context, Wake, Waker},
        thread,
    };

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn realm(name: &str) -> Realm {
        Realm::new(name).unwrap()
    }

    fn log_in(revocations: &Revocations, name: &str, user: &str) -> RevocationHandle {
        let start = revocations.start_check();
        revocations.handle(&realm(name), &UserId::new(user), start).unwrap()
    }

    #[test]
    fn revokes_one_user_of_one_realm() {
        let revocations = Revocations::new();
        let handles = [("a", "alice"), ("b", "alice"), ("a", "bob")]
            .map(|(realm, user)| log_in(&revocations, realm, user));
        revocations.revoke(&realm("a"), &UserId::new("alice"));
        assert_eq!(handles.map(|handle| handle.is_revoked()), [true, false, false]);
    }

    #[test]
    fn shares_a_handle_until_it_is_revoked() {
        let revocations = Revocations::new();
        let first = log_in(&revocations, "a", "alice");
        assert!(Arc::ptr_eq(&first.0, &log_in(&revocations.clone(), "a", "alice").0));
        revocations.revoke(&realm("a"), &UserId::new("alice"));
        let next = log_in(&revocations, "a", "alice");
        assert!(first.is_revoked() && !next.is_revoked());
    }

    #[test]
    fn a_source_without_realms_revokes_in_all() {
        let revocations = Revocations::new();
        let handles = ["a", "b"].map(|realm| log_in(&revocations, realm, "alice"));
        revocations.revoke_in_all_realms(&UserId::new("alice"));
        assert_eq!(handles.map(|handle| handle.is_revoked()), [true, true]);
    }

    #[test]
    fn a_restricted_registry_revokes_only_in_its_realm() {
        let revocations = Revocations::new();
        let narrow = revocations.for_realm(&realm("a"));
        let handles = ["a", "b"].map(|realm| log_in(&revocations, realm, "alice"));
        narrow.revoke(&realm("b"), &UserId::new("alice"));
        narrow.for_realm(&realm("b")).revoke(&realm("b"), &UserId::new("alice"));
        assert!(!handles[1].is_revoked());
        narrow.revoke_in_all_realms(&UserId::new("alice"));
        assert_eq!(handles.map(|handle| handle.is_revoked()), [true, false]);
    }

    #[test]
    fn a_running_check_is_void() {
        let revocations = Revocations::new();
        let (realm, alice) = (realm("a"), UserId::new("alice"));
        let before = revocations.start_check();
        revocations.revoke(&realm, &alice);
        assert!(revocations.handle(&realm, &alice, before).is_none());
        assert!(revocations.handle(&realm, &alice, revocations.start_check()).is_some());
    }

    #[test]
    fn wakes_each_waiting_future_once() {
        let revocations = Revocations::new();
        let handle = log_in(&revocations, "a", "alice");
        let wakes = Arc::<Wakes>::default();
        let waker = Waker::from(Arc::clone(&wakes));
        let mut cx = Context::from_waker(&waker);
        let (mut one, mut two) = (pin!(handle.revoked()), pin!(handle.revoked()));
        assert!(one.as_mut().poll(&mut cx).is_pending());
        assert!(one.as_mut().poll(&mut cx).is_pending());
        assert!(two.as_mut().poll(&mut cx).is_pending());
        revocations.revoke(&realm("a"), &UserId::new("alice"));
        assert_eq!(wakes.0.load(Ordering::SeqCst), 2);
        assert!(one.poll(&mut cx).is_ready() && two.poll(&mut cx).is_ready());
    }

    #[test]
    fn regression_all_flags_are_set_before_a_task_is_woken() {
        struct Check(RevocationHandle, AtomicBool);

        impl Wake for Check {
            fn wake(self: Arc<Self>) {
                self.1.store(self.0.is_revoked(), Ordering::SeqCst);
            }
        }

        let revocations = Revocations::new();
        let [a, b] = ["a", "b"].map(|realm| log_in(&revocations, realm, "alice"));
        let check = Arc::new(Check(b, AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&check));
        let mut revoked = pin!(a.revoked());
        assert!(revoked.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        revocations.revoke_in_all_realms(&UserId::new("alice"));
        assert!(check.1.load(Ordering::SeqCst), "woken while the other realm was not revoked");
    }

    #[test]
    fn no_handle_outlives_a_concurrent_revocation() {
        let revocations = Revocations::new();
        let (realm, alice) = (realm("a"), UserId::new("alice"));
        let stored = AtomicU64::new(0);
        let logins = || {
            (0..2_000)
                .filter_map(|_| {
                    let start = revocations.start_check();
                    let read = stored.load(Ordering::SeqCst);
                    let handle = revocations.handle(&realm, &alice, start)?;
                    Some((read, handle))
                })
                .collect::<Vec<_>>()
        };
        let logins = thread::scope(|scope| {
            let readers = [(); 3].map(|()| scope.spawn(logins));
            for version in 1..=500 {
                stored.store(version, Ordering::SeqCst);
                revocations.revoke(&realm, &alice);
            }
            readers.map(|reader| reader.join().unwrap()).concat()
        });
        let current =
            |&(read, ref handle): &(u64, RevocationHandle)| read == 500 || handle.is_revoked();
        assert!(logins.iter().all(current), "a login passed with the old record");
    }
}
