//! The authenticated user of a request.

use std::{
    fmt,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use http::Extensions;

use crate::{
    change_stamp::ChangeStamp,
    revocation::{Access, RevocationHandle, Revoked},
    user_id::UserId,
    user_parameters::UserParameters,
    wire::Realm,
};

/// A user's account: the canonical user-id, groups, and data that the back end adds.
///
/// Cloning is cheap. A back end that keeps its users in memory builds each account once.
#[derive(Clone)]
pub struct Account(Arc<Record>);

#[derive(Clone)]
struct Record {
    user: UserId,
    groups: Vec<Box<str>>,
    data: Extensions,
    max_age: Option<Duration>,
    change_stamp: Option<ChangeStamp>,
}

impl Account {
    /// The account of the user whose canonical name is `user`.
    pub fn new(user: impl Into<Arc<str>>) -> Self {
        Self(Arc::new(Record {
            user: UserId::new(user),
            groups: Vec::new(),
            data: Extensions::new(),
            max_age: None,
            change_stamp: None,
        }))
    }

    /// Adds a group that the user is a member of.
    #[must_use]
    pub fn with_group(mut self, group: impl Into<Box<str>>) -> Self {
        Arc::make_mut(&mut self.0).groups.push(group.into());
        self
    }

    /// Adds a value of the back end's own type, one for each type. The inner service reads it with
    /// [`data`](Self::data).
    #[must_use]
    pub fn with_data<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        Arc::make_mut(&mut self.0).data.insert(value);
        self
    }

    /// Limits how long a cache may keep this account, counted from the start of the check; zero
    /// means not at all. The shorter of this limit and the cache's lifetime applies.
    ///
    /// Use it if the back end knows when an account expires, for instance.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        Arc::make_mut(&mut self.0).max_age = Some(max_age);
        self
    }

    /// Adds `value` to what the change stamp covers: the stored password hash, the groups, or
    /// anything else whose change must end the access of the user. It is hashed with a key of the
    /// process and not kept.
    ///
    /// [`Authenticator::recheck`] compares the stamp of a login with that of
    /// [`CredentialValidator::account`], so both must add the same values in the same order. Leave
    /// out what changes with every login, and sort what has no order, such as the groups.
    ///
    /// # Examples
    /// ```
    /// use tower_proxy_auth::Account;
    ///
    /// let account = |stored_hash: &str| Account::new("alice").with_change_stamp(stored_hash);
    /// assert_eq!(account("$2y$12$a").change_stamp(), account("$2y$12$a").change_stamp());
    /// assert_ne!(account("$2y$12$a").change_stamp(), account("$2y$12$b").change_stamp());
    /// ```
    ///
    /// [`Authenticator::recheck`]: crate::Authenticator::recheck
    /// [`CredentialValidator::account`]: crate::CredentialValidator::account
    #[must_use]
    pub fn with_change_stamp(mut self, value: impl Hash) -> Self {
        let record = Arc::make_mut(&mut self.0);
        record.change_stamp = Some(match record.change_stamp {
            Some(before) => ChangeStamp::of((before, value)),
            None => ChangeStamp::of(value),
        });
        self
    }

    /// The change stamp; `None` if the back end does not set one.
    #[must_use]
    pub fn change_stamp(&self) -> Option<ChangeStamp> {
        self.0.change_stamp
    }

    /// The canonical user-id.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.0.user
    }

    /// The groups, in the order in which they were added.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.0.groups.iter().map(|group| &**group)
    }

    /// The maximum time for which a cache may keep this account; `None` for no limit.
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        self.0.max_age
    }

    /// The value of type `T` that the back end added.
    #[must_use]
    pub fn data<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.data.get()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The back end's own data may be secret.
        f.debug_struct("Account")
            .field("user", &self.0.user)
            .field("groups", &self.0.groups)
            .finish_non_exhaustive()
    }
}

/// The authenticated user of a request. The layer puts it into the extensions of forwarded
/// requests.
///
/// A request that is allowed without credentials has an anonymous identity; a request that bypasses
/// authentication has none. The same user-id in two realms is two users.
#[derive(Clone, Debug)]
pub struct Identity {
    account: Option<Account>,
    scheme: &'static str,
    algorithm: Option<&'static str>,
    realm: Realm,
    user_parameters: Option<Arc<UserParameters>>,
    /// `None` if the access cannot be revoked.
    access: Option<Access>,
    tunnel_place: Option<Arc<TunnelPlace>>,
}

impl Identity {
    /// The owner of `account` in `realm`, authenticated by `scheme`.
    #[must_use]
    pub const fn new(account: Account, scheme: &'static str, realm: Realm) -> Self {
        Self {
            account: Some(account),
            scheme,
            algorithm: None,
            realm,
            user_parameters: None,
            access: None,
            tunnel_place: None,
        }
    }

    /// The anonymous identity of `realm`.
    #[must_use]
    pub const fn anonymous(realm: Realm) -> Self {
        Self {
            account: None,
            scheme: "anonymous",
            algorithm: None,
            realm,
            user_parameters: None,
            access: None,
            tunnel_place: None,
        }
    }

    /// Adds the algorithm of the scheme, such as `MD5`; `None` if the scheme has only one.
    #[must_use]
    pub const fn with_algorithm(mut self, algorithm: Option<&'static str>) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Adds the parameters that were part of the user name.
    #[must_use]
    pub fn with_user_parameters(mut self, parameters: Arc<UserParameters>) -> Self {
        self.user_parameters = Some(parameters);
        self
    }

    /// Adds the access, which can be revoked.
    #[must_use]
    pub(crate) fn with_access(mut self, access: Access) -> Self {
        self.access = Some(access);
        self
    }

    /// Adds the place of a tunnel, which is free again once the last clone has been dropped.
    #[must_use]
    pub(crate) fn with_tunnel_place(mut self, place: Option<TunnelPlace>) -> Self {
        self.tunnel_place = place.map(Arc::new);
        self
    }

    /// The handle that revokes the access; `None` for an anonymous request.
    #[must_use]
    pub(crate) const fn revocation(&self) -> Option<&RevocationHandle> {
        match &self.access {
            Some(access) => Some(&access.handle),
            None => None,
        }
    }

    /// Whether the request came without credentials.
    #[must_use]
    pub const fn is_anonymous(&self) -> bool {
        self.account.is_none()
    }

    /// The account; `None` for an anonymous request.
    #[must_use]
    pub const fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// The canonical user-id; `None` for an anonymous request.
    #[must_use]
    pub fn user(&self) -> Option<&UserId> {
        self.account().map(Account::user)
    }

    /// The name of the scheme, such as `Basic` or `Digest`, or `anonymous`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The algorithm with which the user was authenticated, such as `SHA-256`; `None` if the scheme
    /// has only one.
    #[must_use]
    pub const fn algorithm(&self) -> Option<&'static str> {
        self.algorithm
    }

    /// The parameters that were part of the user name; empty if names are not split.
    #[must_use]
    pub fn user_parameters(&self) -> &UserParameters {
        self.user_parameters.as_deref().unwrap_or(UserParameters::NONE)
    }

    /// The protection space in which the user was authenticated.
    #[must_use]
    pub const fn realm(&self) -> &Realm {
        &self.realm
    }

    /// Waits until the user's access is revoked, which should end the user's tunnels: see
    /// [`Revocations`](crate::revocation::Revocations).
    ///
    /// The future does not borrow the identity and needs no runtime. It never resolves for an
    /// anonymous request.
    pub fn revoked(&self) -> Revoked {
        self.access.as_ref().map_or(Revoked::never(), |access| access.handle.revoked())
    }
}

/// The place of an open tunnel among those of its user.
#[derive(Debug)]
pub(crate) struct TunnelPlace(Arc<AtomicUsize>);

impl TunnelPlace {
    /// Takes a place; `None` if `limit` are taken.
    pub(crate) fn take(taken: &Arc<AtomicUsize>, limit: usize) -> Option<Self> {
        let more = |count: usize| (count < limit).then_some(count + 1);
        taken.fetch_update(Relaxed, Relaxed, more).ok()?;
        Some(Self(Arc::clone(taken)))
    }
}

impl Drop for TunnelPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_stamp_covers_every_value_in_order() {
        let stamp = |values: &[&str]| {
            let account = Account::new("alice");
            values.iter().fold(account, Account::with_change_stamp).change_stamp()
        };
        assert_eq!(stamp(&[]), None);
        assert_eq!(stamp(&["a", "b"]), stamp(&["a", "b"]));
        let all = [&[][..], &["a"], &["b"], &["a", "b"], &["b", "a"], &["ab"], &["a", "b", "c"]];
        for (position, values) in all.iter().enumerate() {
            for others in &all[..position] {
                assert_ne!(stamp(values), stamp(others), "{values:?} and {others:?}");
            }
        }
    }

    #[test]
    fn debug_shows_no_change_stamp() {
        let account = Account::new("alice").with_change_stamp("hash");
        assert_eq!(format!("{account:?}"), "Account { user: \"alice\", groups: [], .. }");
        assert_eq!(format!("{:?}", account.change_stamp()), "Some(ChangeStamp(..))");
    }
}
