//! Who a request comes from, once that has been proved.

use std::{fmt, sync::Arc, time::Duration};

use http::Extensions;

use crate::{user_parameters::UserParameters, wire::Realm};

/// The canonical name of a user, as the back end holds it: never the name as typed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Arc<str>);

impl UserId {
    /// Wraps a name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A user's account: the canonical user-id and what the back end knows beside it.
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
}

impl Account {
    /// The account of the user whose canonical name is `user`.
    pub fn new(user: impl Into<Arc<str>>) -> Self {
        Self(Arc::new(Record {
            user: UserId::new(user),
            groups: Vec::new(),
            data: Extensions::new(),
            max_age: None,
        }))
    }

    /// Adds a group that the user is a member of.
    #[must_use]
    pub fn with_group(mut self, group: impl Into<Box<str>>) -> Self {
        Arc::make_mut(&mut self.0).groups.push(group.into());
        self
    }

    /// Adds a value of the back end's own type, one for each type; the inner service reads it back
    /// with [`data`](Self::data).
    #[must_use]
    pub fn with_data<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        Arc::make_mut(&mut self.0).data.insert(value);
        self
    }

    /// Says for how long a cache may answer with this account, from the moment on at which it
    /// asked; zero for not at all. Without it the cache decides alone; with both, the shorter time
    /// counts.
    ///
    /// A back end says so that knows when an account ends, for instance.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        Arc::make_mut(&mut self.0).max_age = Some(max_age);
        self
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

    /// For how long a cache may answer with this account at most; `None` if the back end said
    /// nothing.
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
        // The back end's own data may be secret: it is not shown.
        f.debug_struct("Account")
            .field("user", &self.0.user)
            .field("groups", &self.0.groups)
            .finish_non_exhaustive()
    }
}

/// Who a forwarded request comes from. The layer puts it into the request's extensions.
///
/// Anonymous is an identity of its own, present only where anonymous access was allowed and the
/// request had no credentials at all. A request that bypassed authentication has no identity.
///
/// Where there is more than one realm, the same user-id in two of them is two users.
#[derive(Clone, Debug)]
pub struct Identity {
    account: Option<Account>,
    scheme: &'static str,
    realm: Realm,
    user_parameters: Option<Arc<UserParameters>>,
}

impl Identity {
    /// The owner of `account` in `realm`, as proved by `scheme`.
    #[must_use]
    pub const fn new(account: Account, scheme: &'static str, realm: Realm) -> Self {
        Self { account: Some(account), scheme, realm, user_parameters: None }
    }

    /// Nobody in particular, in `realm`.
    #[must_use]
    pub const fn anonymous(realm: Realm) -> Self {
        Self { account: None, scheme: "anonymous", realm, user_parameters: None }
    }

    /// Adds what stood in the user name beside the user.
    #[must_use]
    pub fn with_user_parameters(mut self, parameters: Arc<UserParameters>) -> Self {
        self.user_parameters = Some(parameters);
        self
    }

    /// Whether nobody was asked to prove anything.
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
    pub fn user(&self) -> Option<&str> {
        self.account().map(|account| account.user().as_str())
    }

    /// The name of the scheme that proved it, such as `Basic` or `Digest`, or `anonymous`.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// What stood in the user name beside the user; nothing where names are not split.
    #[must_use]
    pub fn user_parameters(&self) -> &UserParameters {
        self.user_parameters.as_deref().unwrap_or(UserParameters::NONE)
    }

    /// The protection space in which it was proved.
    #[must_use]
    pub const fn realm(&self) -> &Realm {
        &self.realm
    }
}
