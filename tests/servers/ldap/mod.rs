//! Tests `Ldap` with OpenLDAP's server, and with servers that misbehave.

mod accounts;
mod answers;
mod check;
mod config;
mod faults;
#[cfg(all(feature = "cached", feature = "htpasswd"))]
mod flood;
mod groups;
mod hang_ups;
mod logins;
mod names;
mod rechecks;
mod throttle;
mod tls;

use std::{
    error::Error,
    sync::{Arc, Mutex},
};

use tower_proxy_auth::{
    BackendError, BasicCredentials, CredentialValidator, Realm, Verdict,
    backend::ldap::{Ldap, LdapBuilder, LdapWarning},
    secret::Password,
};

use crate::support::slapd::{PEOPLE, SERVICE, Setup, Slapd};

/// Alice and bob.
fn people() -> Setup {
    Setup::new().user("alice", "wonder").user("bob", "builder")
}

/// `uid={user},ou=people,..`
fn template() -> String {
    format!("uid={{user}},{PEOPLE}")
}

/// Options for a search by the service account.
fn search(url: impl Into<String>) -> LdapBuilder {
    by_search(Ldap::builder(url).insecure_plaintext(true))
}

fn by_search(builder: LdapBuilder) -> LdapBuilder {
    let (dn, password) = SERVICE;
    builder.with_service_account(dn, Password::new(password)).with_search(
        PEOPLE,
        "(uid={user})",
        "uid",
    )
}

/// Options for a bind with a template.
fn direct(url: impl Into<String>) -> LdapBuilder {
    Ldap::builder(url).insecure_plaintext(true).with_dn_template(template())
}

/// Both ways to find users.
fn both(server: &Slapd) -> [(&'static str, Ldap); 2] {
    [
        ("by search", search(server.url()).build().unwrap()),
        ("by template", direct(server.url()).build().unwrap()),
    ]
}

/// The warnings of a directory.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// A collection, and a function for `on_warning` that adds to it.
    fn collecting() -> (Self, impl Fn(LdapWarning<'_>) + Send + Sync + 'static) {
        let warnings = Self::default();
        let added = warnings.clone();
        (warnings, move |warning| added.0.lock().unwrap().push(warning.to_string()))
    }

    fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

async fn ask(
    validator: &impl CredentialValidator,
    user: &str,
    password: &str,
) -> Result<Verdict, BackendError> {
    let realm = Realm::new("proxy").unwrap();
    validator.validate(BasicCredentials::new(&realm, user, password)).await
}

/// The verdict in a word, with the name of the accepted user or the cause of an unusable record.
async fn verdict(validator: &impl CredentialValidator, user: &str, password: &str) -> String {
    match ask(validator, user, password).await {
        Ok(verdict) => word(&verdict),
        Err(error) => panic!("{user:?}: {}", error.source().unwrap()),
    }
}

fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accepted(account) => format!("accepted {}", account.user().as_str()),
        Verdict::WrongPassword => "wrong".to_owned(),
        Verdict::WrongPasswordOf(user) => format!("wrong for {user}"),
        Verdict::UnknownUser => "unknown".to_owned(),
        Verdict::Disabled(_) => "disabled".to_owned(),
        Verdict::Expired(_) => "expired".to_owned(),
        Verdict::Unusable(record) => format!("unusable: {}", record.source().unwrap()),
        other => panic!("{other:?}"),
    }
}

/// The cause of a failure, and whether it is transient.
async fn failure(
    validator: &impl CredentialValidator,
    user: &str,
    password: &str,
) -> (String, bool) {
    match ask(validator, user, password).await {
        Ok(verdict) => panic!("{user:?}: {}", word(&verdict)),
        Err(error) => (error.source().unwrap().to_string(), error.is_transient()),
    }
}

#[track_caller]
fn assert_contains(text: &str, part: &str) {
    assert!(text.contains(part), "{text:?} does not contain {part:?}");
}
