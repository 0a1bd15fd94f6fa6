//! Tests of the servers before the first login.

use std::{error::Error, net::TcpListener};

use tower_proxy_auth::{
    backend::ldap::{Ldap, LdapBuilder},
    secret::Password,
};

use super::{direct, people, search, verdict};
use crate::support::{
    false_ldap::FalseLdap,
    slapd::{GROUPS, PEOPLE, SERVICE},
};

/// The text of the error, and whether it is transient; `None` without an error.
async fn problem(builder: &LdapBuilder) -> Option<(String, bool)> {
    let error = builder.clone().build().unwrap().check().await.err()?;
    Some((error.source().unwrap().to_string(), error.is_transient()))
}

/// The URL of a port at which nothing listens.
fn unreachable() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("ldap://{}", listener.local_addr().unwrap())
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn reports_what_keeps_users_from_logging_in() {
    let server = people().start();
    let url = server.url();
    let with = |account: (&str, &str), base: &str| {
        Ldap::builder(&url)
            .insecure_plaintext(true)
            .with_service_account(account.0, Password::new(account.1))
            .with_search(base, "(uid={user})", "uid")
    };
    for builder in [
        direct(&url),
        search(&url),
        search(&url).with_group_attribute("memberOf"),
        search(&url).with_group_search(GROUPS, "(member={dn})", "cn"),
        with(SERVICE, "uid=alice,ou=people,dc=example,dc=org"),
    ] {
        assert_eq!(problem(&builder).await, None, "{builder:?}");
    }
    let (dn, _) = SERVICE;
    for (name, builder, cause) in [
        (
            "wrong password of the account",
            with((dn, "wrong"), PEOPLE),
            "the service account \"cn=proxy,dc=example,dc=org\": bind: result 49 (invalid \
             credentials)",
        ),
        (
            "missing base",
            with(SERVICE, "ou=nowhere,dc=example,dc=org"),
            "search below \"ou=nowhere,dc=example,dc=org\": result 32 (no such object)",
        ),
        (
            "missing base of groups",
            search(&url).with_group_search("ou=none,dc=example,dc=org", "(member={dn})", "cn"),
            "search below \"ou=none,dc=example,dc=org\": result 32 (no such object)",
        ),
    ] {
        let (text, is_transient) = problem(&builder).await.unwrap_or_else(|| panic!("{name}"));
        assert!(text.starts_with(&format!("{url}: {cause}")), "{name}: {text}");
        assert!(!is_transient, "{name}");
        assert!(!text.contains("wrong"), "{name}: {text}");
    }
}

#[tokio::test]
async fn reports_every_server_that_cannot_be_reached() {
    let (dead, other) = (unreachable(), unreachable());
    for builder in [direct(&dead), search(&dead)] {
        let (text, is_transient) = problem(&builder.with_server(&other)).await.unwrap();
        let (first, second) = text.split_once("; ").unwrap();
        assert!(first.starts_with(&format!("{dead}: no connection: ")), "{text}");
        assert!(second.starts_with(&format!("{other}: no connection: ")), "{text}");
        assert!(is_transient);
    }
    let refusing = FalseLdap::with_result(49, "").await;
    let (text, is_transient) = problem(&search(&dead).with_server(refusing.url())).await.unwrap();
    assert!(text.contains("result 49"), "{text}");
    assert!(!is_transient, "one failure does not pass by itself");
}

#[tokio::test]
async fn keeps_the_connection_for_the_first_login() {
    let server = FalseLdap::with_result(49, "").await;
    let ldap = direct(server.url()).build().unwrap();
    ldap.check().await.unwrap();
    assert_eq!(verdict(&ldap, "alice", "wrong").await, "wrong");
    assert_eq!(server.accepted(), 1);
}
