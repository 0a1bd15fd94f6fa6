//! `Ldap` against OpenLDAP's server, and against servers that misbehave.
//!
//! Most of it needs slapd, so it runs on demand:
//! `cargo test --features ldap --test ldap -- --ignored`.

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/false_ldap.rs"]
mod false_ldap;
#[path = "support/layer.rs"]
mod layer;
#[path = "support/slapd.rs"]
mod slapd;
#[path = "support/validator_battery.rs"]
mod validator_battery;

#[path = "ldap/answers.rs"]
mod answers;
#[path = "ldap/config.rs"]
mod config;
#[path = "ldap/faults.rs"]
mod faults;
#[path = "ldap/groups.rs"]
mod groups;
#[path = "ldap/logins.rs"]
mod logins;
#[path = "ldap/tls.rs"]
mod tls;

use std::error::Error;

use slapd::{PEOPLE, SERVICE, Setup, Slapd};
use tower_proxy_auth::{
    BackendError, BasicCredentials, CredentialValidator, Realm, Verdict,
    backend::ldap::{Ldap, LdapBuilder},
    secret::Password,
};

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
    by_search(Ldap::builder(url).insecure_plaintext())
}

fn by_search(builder: LdapBuilder) -> LdapBuilder {
    let (dn, password) = SERVICE;
    builder.with_service_account(dn, Password::new(password)).with_search(
        PEOPLE,
        "(uid={user})",
        "uid",
    )
}

/// Options for a bind at a fixed place.
fn direct(url: impl Into<String>) -> LdapBuilder {
    Ldap::builder(url).insecure_plaintext().with_dn_template(template())
}

/// Both ways to find a user.
fn both(server: &Slapd) -> [(&'static str, Ldap); 2] {
    [
        ("by search", search(server.url()).build().unwrap()),
        ("by template", direct(server.url()).build().unwrap()),
    ]
}

async fn ask(
    validator: &impl CredentialValidator,
    user: &str,
    password: &str,
) -> Result<Verdict, BackendError> {
    let realm = Realm::new("proxy").unwrap();
    validator.validate(BasicCredentials::new(&realm, user, password)).await
}

/// The verdict in a word, with the name of whom is accepted.
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
        Verdict::UnknownUser => "unknown".to_owned(),
        Verdict::Disabled(_) => "disabled".to_owned(),
        Verdict::Expired(_) => "expired".to_owned(),
        other => panic!("{other:?}"),
    }
}

/// What the operator's log says of a failure, and whether it may pass.
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
fn assert_holds(text: &str, part: &str) {
    assert!(text.contains(part), "{text:?} does not hold {part:?}");
}
