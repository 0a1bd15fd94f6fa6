//! The validators of the crate that need no files or servers, in the battery.

#[cfg(feature = "timeout")]
use std::time::Duration;
use std::{collections::HashMap, sync::Arc};

#[cfg(feature = "timeout")]
use tower_proxy_auth::backend::Timeout;
#[cfg(feature = "cached")]
use tower_proxy_auth::backend::cached::Cached;
use tower_proxy_auth::{
    Account, BackendError, BasicCredentials, CredentialValidator, Users, Verdict,
    backend::{OwnedCredentials, ValidatorChain, from_async_fn, from_fn},
};

#[cfg(feature = "timeout")]
use crate::support::validator_battery::SOON;
use crate::support::validator_battery::{self, BackEnd, battery, realm};

fn users_of(users: &[(&str, &str)]) -> Users {
    users
        .iter()
        .fold(Users::new(&realm()), |all, (name, password)| all.with_user(name, password).unwrap())
}

struct InMemory;

impl BackEnd for InMemory {
    type Validator = Users;

    async fn holding(&self, users: &[(&str, &str)]) -> Users {
        users_of(users)
    }
}

battery!(users: InMemory);

/// The passwords that a closure compares with.
#[derive(Clone)]
struct Table(Arc<HashMap<String, String>>);

impl Table {
    fn of(users: &[(&str, &str)]) -> Self {
        let users = users.iter().map(|&(name, password)| (name.to_owned(), password.to_owned()));
        Self(Arc::new(users.collect()))
    }

    fn check(&self, credentials: &BasicCredentials<'_>) -> Verdict {
        let stored = self.0.get(credentials.user_id()).map(String::as_str);
        match (credentials.verify(stored), stored) {
            (true, _) => Verdict::Accepted(Account::new(credentials.user_id())),
            (false, Some(_)) => Verdict::WrongPassword,
            (false, None) => Verdict::UnknownUser,
        }
    }
}

/// A validator whose type cannot be named.
struct Made<F>(F);

impl<F: Fn(Table) -> V, V: CredentialValidator> BackEnd for Made<F> {
    type Validator = V;

    async fn holding(&self, users: &[(&str, &str)]) -> V {
        (self.0)(Table::of(users))
    }
}

battery!(closure: Made(|table: Table| {
    from_fn(move |credentials: &BasicCredentials<'_>| table.check(credentials))
}));

/// Compares with the table after a yield.
fn waiting(table: Table) -> impl CredentialValidator {
    from_async_fn(move |credentials: OwnedCredentials| {
        let table = table.clone();
        async move {
            tokio::task::yield_now().await;
            Ok(table.check(&credentials.as_borrowed()))
        }
    })
}

battery!(asynchronous_closure: Made(waiting));

/// A chain of a member without users and two that hold half of them each.
struct Chain;

impl BackEnd for Chain {
    type Validator = ValidatorChain;

    /// As documented, the time of a chain shows which member knows the user.
    const HAS_ITS_OWN_TIME: bool = false;

    async fn holding(&self, users: &[(&str, &str)]) -> ValidatorChain {
        let (first, second) = users.split_at(users.len() / 2);
        let second = waiting(Table::of(second));
        ValidatorChain::new().with(users_of(&[])).with(users_of(first)).with(second)
    }

    async fn failing(&self) -> Option<ValidatorChain> {
        let fails = |_: OwnedCredentials| async { Err(BackendError::new("no connection")) };
        Some(ValidatorChain::new().with(users_of(&[])).with(from_async_fn(fails)))
    }
}

battery!(chain: Chain);

/// A back end that answers in time or never, within a timeout.
#[cfg(feature = "timeout")]
struct Timed;

#[cfg(feature = "timeout")]
impl BackEnd for Timed {
    type Validator = Timeout<ValidatorChain>;

    async fn holding(&self, users: &[(&str, &str)]) -> Timeout<ValidatorChain> {
        Timeout::new(ValidatorChain::new().with(waiting(Table::of(users))), SOON)
    }

    async fn hanging(&self) -> Option<Timeout<ValidatorChain>> {
        let waits = |_: OwnedCredentials| std::future::pending();
        Some(Timeout::new(
            ValidatorChain::new().with(from_async_fn(waits)),
            Duration::from_millis(50),
        ))
    }

    async fn failing(&self) -> Option<Timeout<ValidatorChain>> {
        Some(Timeout::new(Chain.failing().await?, SOON))
    }
}

#[cfg(feature = "timeout")]
battery!(timed: Timed);

/// A cache around a timeout.
#[cfg(all(feature = "cached", feature = "timeout"))]
struct CachedTimed;

#[cfg(all(feature = "cached", feature = "timeout"))]
impl BackEnd for CachedTimed {
    type Validator = Cached<Timeout<ValidatorChain>>;

    async fn holding(&self, users: &[(&str, &str)]) -> Self::Validator {
        Cached::new(Timed.holding(users).await).unwrap()
    }

    async fn hanging(&self) -> Option<Self::Validator> {
        Cached::new(Timed.hanging().await?).ok()
    }

    async fn failing(&self) -> Option<Self::Validator> {
        Cached::new(Timed.failing().await?).ok()
    }
}

#[cfg(all(feature = "cached", feature = "timeout"))]
battery!(cached: CachedTimed);

/// A timeout around a cache.
#[cfg(all(feature = "cached", feature = "timeout"))]
struct TimedCache;

#[cfg(all(feature = "cached", feature = "timeout"))]
impl BackEnd for TimedCache {
    type Validator = Timeout<Cached<ValidatorChain>>;

    async fn holding(&self, users: &[(&str, &str)]) -> Self::Validator {
        let chain = ValidatorChain::new().with(waiting(Table::of(users)));
        Timeout::new(Cached::new(chain).unwrap(), SOON)
    }

    async fn hanging(&self) -> Option<Self::Validator> {
        let waits = |_: OwnedCredentials| std::future::pending();
        let chain = ValidatorChain::new().with(from_async_fn(waits));
        Some(Timeout::new(Cached::new(chain).ok()?, Duration::from_millis(50)))
    }
}

#[cfg(all(feature = "cached", feature = "timeout"))]
battery!(timed_cached: TimedCache);

/// A cache around users that answer at once.
#[cfg(feature = "cached")]
struct CachedUsers;

#[cfg(feature = "cached")]
impl BackEnd for CachedUsers {
    type Validator = Cached<Users>;

    async fn holding(&self, users: &[(&str, &str)]) -> Cached<Users> {
        Cached::new(users_of(users)).unwrap()
    }
}

#[cfg(feature = "cached")]
battery!(cached_users: CachedUsers);

/// The battery can fail.
mod battery_fails_on {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    #[should_panic = "with \"\""]
    async fn an_accepted_empty_password() {
        let lenient = Made(|table: Table| {
            from_fn(move |credentials: &BasicCredentials<'_>| match credentials.password() {
                "" => Verdict::Accepted(Account::new(credentials.user_id())),
                _ => table.check(credentials),
            })
        });
        validator_battery::refuses_an_empty_password(&lenient).await;
    }

    #[tokio::test]
    #[should_panic = "left: Some(\"alice\")"]
    async fn a_name_with_folded_case() {
        let folding = Made(|table: Table| {
            from_fn(move |credentials: &BasicCredentials<'_>| {
                let name = credentials.user_id().to_lowercase();
                let password = credentials.password();
                match table.check(&BasicCredentials::new(&realm(), &name, password)) {
                    Verdict::UnknownUser => table.check(credentials),
                    verdict => verdict,
                }
            })
        });
        validator_battery::compares_names_and_passwords_byte_for_byte(&folding).await;
    }

    #[tokio::test]
    #[should_panic = "time for unknown users"]
    async fn a_cheaper_unknown_user() {
        let hasty = Made(|table: Table| {
            from_fn(move |credentials: &BasicCredentials<'_>| {
                let verdict = table.check(credentials);
                if !matches!(verdict, Verdict::UnknownUser) {
                    std::thread::sleep(Duration::from_micros(100));
                }
                verdict
            })
        });
        validator_battery::takes_equal_time_for_unknown_users(&hasty).await;
    }

    #[tokio::test]
    #[should_panic = "an answer in time"]
    async fn a_wait_without_end() {
        struct Patient;

        impl BackEnd for Patient {
            type Validator = ValidatorChain;

            async fn holding(&self, _: &[(&str, &str)]) -> ValidatorChain {
                ValidatorChain::new()
            }

            async fn hanging(&self) -> Option<ValidatorChain> {
                let waits = |_: OwnedCredentials| std::future::pending();
                Some(ValidatorChain::new().with(from_async_fn(waits)))
            }
        }

        tokio::time::pause();
        validator_battery::times_out_on_a_back_end_that_hangs(&Patient).await;
    }
}
