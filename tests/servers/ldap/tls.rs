//! TLS: nothing is sent to a server with an invalid certificate.

use std::path::PathBuf;

use tower_proxy_auth::backend::ldap::{Ldap, LdapBuilder};

use super::{assert_contains, by_search, failure, people, template, verdict};
use crate::support::slapd::{Setup, Slapd};

fn over(url: String, authority: PathBuf) -> LdapBuilder {
    Ldap::builder(url).with_ca_file(authority)
}

/// `ldap://localhost:PORT`, a name in the certificate.
fn plain_url(server: &Slapd) -> String {
    format!("ldap://localhost:{}", server.port())
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn serves_over_both_kinds_of_tls() {
    let server = people().start();
    let tls = || over(server.tls_url(), server.authority());
    let start_tls = || over(plain_url(&server), server.authority()).with_start_tls(true);
    for (name, builder) in [
        ("ldaps, by search", by_search(tls())),
        ("ldaps, by template", tls().with_dn_template(template())),
        ("StartTLS, by search", by_search(start_tls())),
        ("StartTLS, by template", start_tls().with_dn_template(template())),
    ] {
        let ldap = builder.build().unwrap();
        for _ in 0..2 {
            assert_eq!(verdict(&ldap, "alice", "wonder").await, "accepted alice", "{name}");
            assert_eq!(verdict(&ldap, "alice", "builder").await, "wrong", "{name}");
        }
    }
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn accepts_an_address_in_the_certificate() {
    let server = people().start();
    let url = server.tls_url().replace("localhost", "127.0.0.1");
    let ldap = by_search(over(url, server.authority())).build().unwrap();
    assert_eq!(verdict(&ldap, "alice", "wonder").await, "accepted alice");
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn fails_if_the_server_requires_tls() {
    let server = people().option("security simple_bind=112").start();
    let (text, transient) =
        failure(&super::direct(server.url()).build().unwrap(), "alice", "wonder").await;
    assert_contains(&text, "result 13 (confidentiality required)");
    assert!(!transient);
    let tls = over(server.tls_url(), server.authority()).with_dn_template(template());
    assert_eq!(verdict(&tls.build().unwrap(), "alice", "wonder").await, "accepted alice");
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn an_invalid_certificate_is_a_failure() {
    let (server, other) = (people().start(), Setup::new().start());
    let elsewhere = people().named(&["ldap.example.org"]).start();
    for (name, server, authority, said) in [
        ("another authority", &server, other.authority(), "UnknownIssuer"),
        ("another name", &elsewhere, elsewhere.authority(), "not valid for name"),
    ] {
        for (kind, builder) in [
            ("ldaps", over(server.tls_url(), authority.clone())),
            ("StartTLS", over(plain_url(server), authority.clone()).with_start_tls(true)),
        ] {
            let ldap = by_search(builder).build().unwrap();
            for password in ["wonder", "wrong"] {
                let (text, transient) = failure(&ldap, "alice", password).await;
                assert_contains(&text, said);
                assert!(!transient, "{kind}, {name}: {text}");
            }
        }
    }
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn system_authorities_do_not_cover_a_private_server() {
    let server = people().start();
    // Without system authorities, `build` fails.
    let Ok(ldap) = by_search(Ldap::builder(server.tls_url())).build() else { return };
    assert_contains(&failure(&ldap, "alice", "wonder").await.0, "UnknownIssuer");
}
