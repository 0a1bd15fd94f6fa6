//! The limit on guesses, with a directory behind it.

use std::time::Duration;

use tokio::time;
use tower_proxy_auth::{
    Authenticator, ProxyAuthLayer,
    backend::ldap::{Ldap, LdapBuilder},
    secret::Password,
    throttle::MemoryThrottle,
};

use super::{direct, people};
use crate::support::{
    false_ldap::FalseLdap,
    layer::{Origin, get, realm, send},
    slapd::{PEOPLE, SERVICE},
    wire::basic,
};

fn limited(ldap: LdapBuilder, max_failures: u32) -> (ProxyAuthLayer, MemoryThrottle) {
    let throttle = MemoryThrottle::builder().with_max_failures(max_failures).build().unwrap();
    let auth = Authenticator::builder(realm()).with_basic(ldap.build().unwrap());
    (ProxyAuthLayer::new(auth.with_throttle(throttle.clone()).build().unwrap()), throttle)
}

async fn status(layer: &ProxyAuthLayer, origin: &Origin, user_pass: &str) -> u16 {
    send(layer, origin, get(&basic(user_pass))).await.status().as_u16()
}

#[tokio::test]
#[ignore = "needs slapd"]
async fn all_names_of_a_user_share_a_limit() {
    let server = people().user_with("carol", "singer", &[("mail", "carol@example.org")]).start();
    let (dn, password) = SERVICE;
    let ldap = Ldap::builder(server.url())
        .insecure_plaintext(true)
        .with_service_account(dn, Password::new(password))
        .with_search(PEOPLE, "(|(uid={user})(mail={user}))", "uid")
        .with_name_from_directory(true);
    // The peer is unknown, so that only the limit of the user applies: ten times as much, and one.
    let ((layer, _), origin) = (limited(ldap, 2), Origin::new());
    let names = ["Carol", "carol", "carol@example.org"];
    for guess in 0..21 {
        let name = names[guess % names.len()];
        assert_eq!(status(&layer, &origin, &format!("{name}:{guess}")).await, 407, "{guess}");
    }
    for name in names {
        assert_eq!(status(&layer, &origin, &format!("{name}:singer")).await, 429, "{name}");
    }
    assert_eq!(status(&layer, &origin, "alice:wonder").await, 200);
}

#[tokio::test]
async fn a_cancelled_check_keeps_its_place_until_it_ends() {
    let server = FalseLdap::silent().await;
    let limit = Duration::from_secs(1);
    let ldap = direct(server.url()).with_connect_timeout(limit).with_operation_timeout(limit);
    let ldap = ldap.with_timeout(limit);
    let (layer, throttle) = limited(ldap, 50);
    let check = tokio::spawn(async move { status(&layer, &Origin::new(), "alice:wonder").await });
    while throttle.running() == 0 {
        time::sleep(Duration::from_millis(5)).await;
    }
    // The check has reached the server.
    time::sleep(limit / 4).await;
    check.abort();
    assert!(check.await.unwrap_err().is_cancelled());
    assert_eq!(throttle.running(), 1);
    let end = time::Instant::now() + 5 * limit;
    while throttle.running() > 0 {
        assert!(time::Instant::now() < end, "it still holds its place");
        time::sleep(Duration::from_millis(5)).await;
    }
}
